import type { DnsBackend } from "../../src/client/names/resolver.ts";

/** The addresses of a name. */
export type Answers = Awaited<ReturnType<DnsBackend["lookup"]>>;

/**
 * Name service and clock in one: names of addresses are answered when the test says so, and time
 * passes when the test says so. Addresses of names come from a table.
 */
export class FakeDns implements DnsBackend {
  readonly lookups: [host: string, family: number][] = [];
  readonly reverses: string[] = [];
  readonly #hosts: Record<string, Answers>;
  readonly #open: { address: string; answer: PromiseWithResolvers<string | null> }[] = [];
  readonly #timers = new Set<{ readonly atNs: number; readonly callback: () => void }>();
  #nowNs = 5;

  constructor(hosts: Record<string, Answers> = {}) {
    this.#hosts = hosts;
  }

  async lookup(host: string, family: 0 | 4 | 6): Promise<Answers> {
    this.lookups.push([host, family]);
    const answers = this.#hosts[host];
    if (answers === undefined)
      throw Object.assign(new Error(`getaddrinfo ${host}`), { code: "ENOTFOUND" });
    return answers;
  }

  reverse(address: string): Promise<string | null> {
    this.reverses.push(address);
    const answer = Promise.withResolvers<string | null>();
    this.#open.push({ address, answer });
    return answer.promise;
  }

  /** Reverse queries that were not answered, whether anybody still waits or not. */
  get open(): number {
    return this.#open.length;
  }

  get timers(): number {
    return this.#timers.size;
  }

  async answer(address: string, name: string | null | Error): Promise<void> {
    const index = this.#open.findIndex((query) => query.address === address);
    const query = this.#open.splice(index, 1)[0];
    if (index < 0 || query === undefined) throw new Error(`Nobody asked for ${address}`);
    if (name instanceof Error) query.answer.reject(name);
    else query.answer.resolve(name);
    await settle();
  }

  monotonicNs(): number {
    return this.#nowNs;
  }

  schedule(delayNs: number, callback: () => void): () => void {
    const timer = { atNs: this.#nowNs + delayNs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async pass(seconds: number): Promise<void> {
    this.#nowNs += seconds * 1e9;
    for (const timer of this.#timers) {
      if (timer.atNs > this.#nowNs) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
    await settle();
  }
}

/** Lets everything that is already decided happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
