import { ResolveError } from "../../../errors.ts";
import { type Family, parseAddress } from "../../../packet/address.ts";
import { ipv4Number, ipv6Number, parseIpv4Number } from "../../../packet/address-number.ts";
import type { AddressRange } from "../../../packet/address-range.ts";
import type { ResolvedHost, Resolver } from "../../names/resolver.ts";
import type { TargetFailure } from "../../results/results.ts";
import { Ring } from "../ring.ts";
import { AddressPlan, MAX_PLAN_SIZE, rangeSize, type TargetSlot } from "./address-plan.ts";
import { AddressSet, distinctRanges } from "./address-set.ts";

import { SweepZone } from "./sweep-zone.ts";
import { failedTarget, parseExcludes, parseTarget } from "./target.ts";
import {
  AsyncTextReader,
  checkText,
  END,
  PENDING,
  SyncTextReader,
  type TextReader,
} from "./text-reader.ts";

/**
 * Targets of a sweep: one text or any number of them, each an address, a host name, a network or a
 * range.
 */
export type Targets = string | Iterable<string> | AsyncIterable<string>;

/** In which order the addresses come. */
export type TargetOrder = "sequential" | "random";

/**
 * What {@link TargetStream.next} found: an address or a failure in the slot, nothing yet, or
 * nothing any more.
 */
export type TargetStep = "address" | "failure" | "pending" | "end";

/** How to construct a {@link TargetStream}. */
export interface TargetStreamOptions {
  readonly resolver: Pick<Resolver, "lookup">;
  /** Fills `bytes` with random ones and returns it: where the seed comes from if none is given. */
  random(bytes: Uint8Array): Uint8Array;
  /** Default `"sequential"`. */
  readonly order?: TargetOrder | undefined;
  /**
   * Makes the random order repeatable: an integer from 0 to 2^53 - 1. By default it is another each
   * time.
   */
  readonly seed?: number | undefined;
  /** Addresses, networks (whole, with network and broadcast address) and ranges to leave out. */
  readonly exclude?: Iterable<string> | undefined;
  /** Default: link-local targets need a zone, the first of which is the one of all. */
  readonly zone?: SweepZone | undefined;
  /** The only family wanted: names are resolved to it, addresses of the other are failures. */
  readonly family?: Family | undefined;
}

/** Names that are looked up at a time, those counted that nobody has taken yet. */
const LOOKUPS = 16;
/** Seeds are below this. */
const SEEDS = 2 ** 53;
/**
 * How many texts of an iterable are shuffled together: of a sorted list, a /24 gets a 64th of the
 * rate, for 50 MB of memory.
 */
const SHUFFLED_TEXTS = 16_384;

/**
 * The targets of a sweep, one address at a time.
 *
 * 1. A text alone, or an array of them, is read at once: the number of addresses is known, each
 *    comes once, in its first place or in a random place among all. Any other iterable is read as
 *    `next()` asks for more, so it may be endless: what it repeats is repeated. In random order its
 *    texts are shuffled 16,384 at a time, with the addresses of each; none of these comes before
 *    the last of them is read.
 * 2. Nothing is read ahead but 256 texts of an async iterable, and those that are shuffled
 *    together.
 * 3. Names are looked up at most 16 at a time, in the order given. No address waits for a name: a
 *    name that is known comes next, one that is not when it is. A text of an iterable that is a
 *    seventeenth name waits, and what follows it.
 * 4. A name that does not resolve, and a text that is meant as addresses and is wrong, is a
 *    failure; it ends nothing.
 * 5. IPv4 networks come without network and broadcast address, as `hostsOnly` of
 *    `parseAddressRange()` says. What is excluded is taken out of the ranges beforehand; a name is
 *    looked up and then left out.
 */
export class TargetStream {
  readonly #resolver: Pick<Resolver, "lookup">;
  readonly #family: Family | undefined;
  readonly #excluded: AddressSet;
  readonly #zone: SweepZone;
  readonly #abort: AbortController = new AbortController();
  /** Undefined when the order is that of the targets. */
  #seed: number | undefined;
  /** Undefined when all was read at once, or is over. */
  #reader: TextReader | undefined;
  #total: number | null = null;
  #plan: AddressPlan = new AddressPlan([]);
  /** Texts of an iterable, collected to be shuffled. */
  #texts: string[] = [];
  /** What has still to be reported, in order. */
  readonly #failures = new Ring<TargetFailure>();
  /** Names whose lookup has not begun, in order. */
  readonly #names = new Ring<string>();
  readonly #answers = new Ring<ResolvedHost | TargetFailure>();
  #lookups = 0;
  #error: { readonly error: unknown } | undefined;
  /** Whether anything has come since `next()` last said "pending". */
  #isStirred = false;
  #waiting: PromiseWithResolvers<void> | undefined;

  /**
   * Reads a text and an array at once, and nothing of any other iterable.
   *
   * @throws TypeError for targets or excludes that are no texts, RangeError for a text alone or an
   * exclude that is meant as addresses and is wrong.
   */
  constructor(targets: Targets, options: TargetStreamOptions) {
    const { exclude = [] } = options;
    this.#resolver = options.resolver;
    this.#family = options.family;
    this.#zone = options.zone ?? new SweepZone(undefined);
    this.#excluded = new AddressSet(
      parseExcludes(typeof exclude === "string" ? [exclude] : exclude),
    );
    this.#seed = options.order === "random" ? (options.seed ?? randomSeed(options)) : undefined;
    if (typeof targets === "string") {
      this.#load([targets], true);
      const failure = this.#failures.shift();
      if (failure !== undefined) throw new RangeError(failure.message);
    } else if (Array.isArray(targets)) {
      for (const target of targets) checkText(target);
      this.#load(targets, true);
    } else {
      this.#reader = openReader(targets, () => this.#stir());
      return;
    }
    this.#total = this.#plan.size + this.#failures.length + this.#names.length;
  }

  /**
   * How many times `next()` says "address" or "failure" in all; null when that is not known, as of
   * an iterable. It becomes less by one whenever a name turns out to be excluded.
   */
  get total(): number | null {
    return this.#total;
  }

  /**
   * Writes the next target into `slot`, without making anything that would have to be collected as
   * garbage.
   *
   * @throws what the iterable of targets throws, or TypeError if it gives what is no text. That is
   * the end.
   */
  next(slot: TargetSlot): TargetStep {
    if (this.#error !== undefined) throw this.#error.error;
    for (;;) {
      if (this.#names.length > 0) this.#beginLookups();
      const answer = this.#answers.shift();
      if (answer !== undefined) {
        if ("kind" in answer) return fail(slot, answer);
        const step = this.#takeAnswer(answer, slot);
        if (step !== undefined) return step;
        continue;
      }
      const failure = this.#failures.shift();
      if (failure !== undefined) return fail(slot, failure);
      if (this.#plan.next(slot)) return "address";
      const step = this.#names.length > 0 ? "pending" : this.#read(slot);
      if (step === "pending") this.#isStirred = false;
      if (step !== undefined) return step;
    }
  }

  /**
   * After "pending": resolves when `next()` may have something else to say.
   *
   * @throws the reason of `signal` when that is aborted first
   */
  async ready(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isStirred) return;
    this.#waiting ??= Promise.withResolvers();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      await Promise.race([this.#waiting.promise, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Ends the lookups and the reading; an iterable that is not at its end is told. `next()` has
   * nothing more. Never throws.
   */
  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#reader?.close();
    this.#reader = undefined;
    this.#plan = new AddressPlan([]);
    this.#texts = [];
    for (const queue of [this.#failures, this.#names, this.#answers]) queue.clear();
    this.#stir();
  }

  /** Continues with an iterable. Undefined: something was loaded, which may be nothing. */
  #read(slot: TargetSlot): TargetStep | undefined {
    if (this.#reader === undefined) {
      return this.#lookups > 0 && !this.#abort.signal.aborted ? "pending" : "end";
    }
    const text = this.#readText(this.#reader);
    if (text === PENDING) return "pending";
    if (text === END) {
      this.#reader = undefined;
    } else if (this.#seed === undefined) {
      return this.#takeAddress(text, slot) ? "address" : this.#load([text]);
    } else if (this.#texts.push(text) < SHUFFLED_TEXTS) {
      return undefined;
    }
    const texts = this.#texts;
    this.#texts = [];
    return this.#load(texts);
  }

  #readText(reader: TextReader): ReturnType<TextReader["read"]> {
    try {
      return reader.read();
    } catch (error) {
      this.#error = { error };
      this.close();
      throw error;
    }
  }

  /**
   * Whether `text` is a plain IPv4 address, and wanted; it is then in `slot`. A list of them takes
   * 80 ns an address, not 330.
   */
  #takeAddress(text: string, slot: TargetSlot): boolean {
    const number = this.#family === 6 ? undefined : parseIpv4Number(text);
    if (number === undefined || this.#zone.isLoopback) return false;
    if (this.#excluded.hasIpv4(number)) return false;
    slot.family = 4;
    slot.ipv4 = number;
    slot.host = null;
    return true;
  }

  /** Makes `texts` what comes next, after the names and failures that are there already. */
  #load(texts: readonly string[], isAll = false): undefined {
    const ranges: AddressRange[] = [];
    let size = 0;
    for (const text of texts) {
      const target = parseTarget(text, this.#family, this.#zone);
      if (target.kind === "name") {
        this.#names.push(text);
        continue;
      }
      if (target.kind === "targetFailure") {
        this.#failures.push(target);
        continue;
      }
      const parts = this.#excluded.without(target.range);
      const grown = parts.reduce((sum, part) => sum + rangeSize(part), size);
      if (grown > MAX_PLAN_SIZE) {
        this.#failures.push(failedTarget(text, "ERR_TOO_MANY_ADDRESSES", tooMany(text)));
        continue;
      }
      size = grown;
      for (const part of parts) ranges.push(part);
    }
    this.#plan = new AddressPlan(isAll ? distinctRanges(ranges) : ranges, this.#seed);
    if (this.#seed !== undefined) this.#seed = (this.#seed + 1) % SEEDS;
  }

  #beginLookups(): void {
    while (this.#lookups + this.#answers.length < LOOKUPS) {
      const host = this.#names.shift();
      if (host === undefined) return;
      this.#lookups += 1;
      void this.#lookUp(host);
    }
  }

  /** Never rejects: what is not the fault of the name is kept for `next()`. */
  async #lookUp(host: string): Promise<void> {
    const { signal } = this.#abort;
    try {
      const answer = await this.#resolver.lookup(host, { family: this.#family, signal });
      this.#answers.push(answer);
    } catch (error) {
      if (error instanceof ResolveError)
        this.#answers.push(failedTarget(host, error.code, error.message));
      else if (!signal.aborted) this.#error = { error };
    }
    this.#lookups -= 1;
    if (signal.aborted) this.#answers.clear();
    this.#stir();
  }

  /** Writes the address of a name into `slot`. Undefined: it is excluded. */
  #takeAnswer({ host, address }: ResolvedHost, slot: TargetSlot): TargetStep | undefined {
    const parsed = parseAddress(address);
    if (parsed === undefined) return undefined;
    const { family, bytes, zone } = parsed;
    const refusal = this.#zone.refusal([address], zone);
    if (refusal !== undefined) {
      const message = `Target "${host}" is ${address}, which cannot be probed: ${refusal.why}`;
      return fail(slot, failedTarget(host, refusal.code, message));
    }
    const isExcluded =
      family === 4
        ? this.#excluded.hasIpv4(ipv4Number(bytes))
        : this.#excluded.hasIpv6(ipv6Number(bytes));
    if (isExcluded) {
      if (this.#total !== null) this.#total -= 1;
      return undefined;
    }
    slot.family = family;
    slot.host = host;
    if (family === 4) slot.ipv4 = ipv4Number(bytes);
    else slot.ipv6.set(bytes);
    return "address";
  }

  #stir(): void {
    this.#isStirred = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

function fail(slot: TargetSlot, failure: TargetFailure): TargetStep {
  slot.failure = failure;
  return "failure";
}

function openReader(targets: unknown, onArrival: () => void): TextReader {
  if (typeof targets === "object" && targets !== null) {
    if (Symbol.asyncIterator in targets)
      return new AsyncTextReader(targets as AsyncIterable<unknown>, onArrival);
    if (Symbol.iterator in targets) return new SyncTextReader(targets as Iterable<unknown>);
  }
  throw new TypeError(
    `Invalid targets ${String(targets)}: need a text, or an iterable or async iterable of texts`,
  );
}

function tooMany(text: string): string {
  return `Target ${text} brings the addresses to more than 2^52: no such sweep would ever end`;
}

function randomSeed({ random }: Pick<TargetStreamOptions, "random">): number {
  const view = new DataView(random(new Uint8Array(8)).buffer);
  return (view.getUint32(0) % 2 ** 21) * 2 ** 32 + view.getUint32(4);
}
