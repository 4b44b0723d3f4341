import type { ResolvedHost } from "../../../../src/client/names/resolver.ts";
import { createTargetSlot } from "../../../../src/client/sweep/targets/address-plan.ts";
import {
  TargetStream,
  type TargetStreamOptions,
  type Targets,
} from "../../../../src/client/sweep/targets/target-stream.ts";
import { ResolveError } from "../../../../src/errors.ts";
import { formatIpv4Number } from "../../../../src/packet/address-number.ts";
import { formatAddress } from "../../../../src/packet/index.ts";

/** Answers by table, at once or when the test says so; what is not in the table does not exist. */
export class FakeResolver {
  readonly asked: string[] = [];
  readonly families: (4 | 6 | undefined)[] = [];
  mostAtOnce = 0;
  readonly #table: Readonly<Record<string, string>>;
  readonly #held = new Map<string, () => void>();
  readonly #isHolding: boolean;
  #open = 0;

  constructor(
    table: Readonly<Record<string, string>> = {},
    { hold = false }: { readonly hold?: boolean } = {},
  ) {
    this.#table = table;
    this.#isHolding = hold;
  }

  async lookup(
    host: string,
    options: {
      readonly family?: 4 | 6 | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<ResolvedHost> {
    this.asked.push(host);
    this.families.push(options.family);
    this.#open += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
    if (!this.#isHolding) {
      await null;
    } else {
      await new Promise<void>((resolve, reject) => {
        this.#held.set(host, resolve);
        options.signal?.addEventListener("abort", () => reject(options.signal?.reason));
      });
    }
    this.#open -= 1;
    const address = this.#table[host];
    if (address === undefined) {
      throw new ResolveError(`Cannot resolve "${host}"`, { host, code: "ENOTFOUND" });
    }
    return { host, address, family: address.includes(":") ? 6 : 4 };
  }

  /** Answers the lookup of `host`, which must be under way. */
  async release(host: string): Promise<void> {
    const resolve = this.#held.get(host);
    if (resolve === undefined) throw new Error(`Nobody looks up ${host}`);
    this.#held.delete(host);
    resolve();
    await new Promise((settled) => setImmediate(settled));
  }
}

/** A stream, and what came out of it as text: `10.0.0.1`, `name=10.0.0.1`, `!ERR_CODE target`. */
export class Collector {
  readonly stream: TargetStream;
  readonly #slot = createTargetSlot();

  constructor(targets: Targets, options: Partial<TargetStreamOptions> = {}) {
    this.stream = new TargetStream(targets, {
      resolver: new FakeResolver(),
      random: (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
      ...options,
    });
  }

  /** One step; "pending" and "end" as they are. */
  step(): string {
    const slot = this.#slot;
    // What an earlier step left behind must not show.
    Object.assign(slot, { family: 0, ipv4: -1, host: "stale" });
    const step = this.stream.next(slot);
    if (step === "failure") return `!${slot.failure?.error} ${slot.failure?.target}`;
    if (step !== "address") return step;
    const address = slot.family === 4 ? formatIpv4Number(slot.ipv4) : formatAddress(slot.ipv6);
    return slot.host === null ? address : `${slot.host}=${address}`;
  }

  /** As many steps as come without waiting, "pending" or "end" being the last; at most `limit`. */
  steps(limit = 10_000_000): string[] {
    const steps: string[] = [];
    while (steps.length < limit) {
      const step = this.step();
      steps.push(step);
      if (step === "pending" || step === "end") break;
    }
    return steps;
  }

  /** All steps to the end, which is left out. */
  async all(): Promise<string[]> {
    const all: string[] = [];
    const { signal } = new AbortController();
    for (;;) {
      const steps = this.steps();
      const last = steps.pop();
      for (const step of steps) all.push(step);
      if (last === "end") return all;
      await this.stream.ready(signal);
    }
  }
}

/** All that comes of `targets`. */
export function collect(
  targets: Targets,
  options: Partial<TargetStreamOptions> = {},
): Promise<string[]> {
  return new Collector(targets, options).all();
}
