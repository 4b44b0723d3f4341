import type { Resolver } from "../names/resolver.ts";
import type { EchoResult } from "../results/results.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";

/**
 * Looks a responder's name up in what is known by now; null when it has none, or none was asked
 * for.
 */
export type NameOf = (address: string) => string | null;

/** How to construct a {@link Publisher}. */
export interface PublisherOptions<Item> {
  emit(item: Item): void;
  /** Where names come from, or undefined to publish without names. */
  readonly resolver: Resolver | undefined;
  readonly clock: Clock;
  /** How long an item waits for names at most. */
  readonly patienceNs: number;
  /** Once it aborts, nothing waits any longer. */
  readonly signal: AbortSignal;
}

/**
 * Publishes items in order, each once the names of its responders are known or have kept it waiting
 * too long.
 */
export class Publisher<Item> {
  readonly #options: PublisherOptions<Item>;
  #last: Promise<void> | undefined;
  /** Items that have not been emitted; for good if one of them could not be built. */
  #waiting = 0;

  constructor(options: PublisherOptions<Item>) {
    this.#options = options;
  }

  /** Begins to look up a name that an item to come will need. */
  anticipate(address: string): void {
    void this.#options.resolver?.reverse(address);
  }

  publish(responders: Iterable<string>, build: (nameOf: NameOf) => Item): void {
    const { resolver, emit } = this.#options;
    if (resolver === undefined) {
      emit(build(() => null));
      return;
    }
    const addresses = [...responders];
    const nameOf = (address: string): string | null => resolver.cachedName(address) ?? null;
    // The rule after the first answers: promises and a timer for each item would cost more than the
    // item.
    const isKnown = (address: string): boolean => resolver.cachedName(address) !== undefined;
    if (this.#waiting === 0 && addresses.every(isKnown)) {
      emit(build(nameOf));
      return;
    }
    const names = Promise.all(addresses.map((address) => resolver.reverse(address)));
    const previous = this.#last;
    this.#waiting += 1;
    this.#last = (async () => {
      await this.#atMost(names);
      await previous;
      emit(build(nameOf));
      this.#waiting -= 1;
    })();
  }

  /** Resolves once all that was published is out. Rejects if building or emitting an item threw. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #atMost(names: Promise<unknown>): Promise<void> {
    const { clock, patienceNs, signal } = this.#options;
    const enough = new AbortController();
    const end = () => enough.abort();
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    await Promise.race([names, sleepUntil(clock, clock.monotonicNs() + patienceNs, enough.signal)]);
    signal.removeEventListener("abort", end);
    end();
  }
}

/** The addresses whose names a result may show. */
export function respondersOf(result: EchoResult): string[] {
  return result.reply === null ? [] : [result.reply.addr];
}

/** A result with the name of its responder. */
export function withName(result: EchoResult, nameOf: NameOf): EchoResult {
  if (result.reply === null) return result;
  const hostname = nameOf(result.reply.addr);
  if (hostname === null) return result;
  return { ...result, reply: { ...result.reply, hostname } };
}
