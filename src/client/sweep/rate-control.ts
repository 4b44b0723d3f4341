import { NS_PER_MS } from "../time/clock.ts";
import type { Pacer } from "./pacer.ts";

/** No lower than this, packets a second. */
const LOWEST_RATE = 100;
/** Overflows within this time of a decrease are of the same congestion. */
const SETTLING_NS = 100 * NS_PER_MS;
/** How often the rate may rise again, and by how much. */
const RECOVERY_NS = 250 * NS_PER_MS;
const DECREASE = 0.5;
const INCREASE = 1.25;
/**
 * Without a limit of its own, a sweep that has recovered so far beyond what it once did is no
 * longer held back.
 */
const UNLIMITED_FROM = 4;

/**
 * Halves the rate when the receive queue overflowed, since answers that find no room look like
 * silent hosts, and lets it rise again by a quarter every 250 ms that nothing is dropped, up to
 * what was asked for.
 */
export class RateControl {
  readonly #pacer: Pacer;
  readonly #wanted: number;
  #changedNs = Number.NEGATIVE_INFINITY;
  #highest = 0;

  constructor(pacer: Pacer) {
    this.#pacer = pacer;
    this.#wanted = pacer.rate;
  }

  /** The receive queue overflowed, while packets left at `rate`. */
  onOverflow(rate: number, nowNs: number): void {
    if (nowNs - this.#changedNs < SETTLING_NS) return;
    this.#changedNs = nowNs;
    this.#highest = Math.max(this.#highest, rate);
    const lowest = Math.min(LOWEST_RATE, this.#wanted);
    this.#pacer.setRate(Math.max(lowest, Math.min(this.#pacer.rate, rate) * DECREASE), nowNs);
  }

  /** To be called now and then. */
  recover(nowNs: number): void {
    const { rate } = this.#pacer;
    if (rate === this.#wanted || nowNs - this.#changedNs < RECOVERY_NS) return;
    this.#changedNs = nowNs;
    const raised = rate * INCREASE;
    const isFree = raised >= this.#wanted || raised > this.#highest * UNLIMITED_FROM;
    this.#pacer.setRate(isFree ? this.#wanted : raised, nowNs);
  }
}

const MARK_NS = 250 * NS_PER_MS;

/** How fast a count has grown over the last quarter to half of a second. */
export class RateMeter {
  #formerCount = 0;
  #formerNs: number;
  #count = 0;
  #ns: number;

  constructor(nowNs: number) {
    this.#formerNs = nowNs;
    this.#ns = nowNs;
  }

  /** The count is `count` now. To be called whenever it has grown. */
  note(count: number, nowNs: number): void {
    if (nowNs - this.#ns < MARK_NS) return;
    this.#formerCount = this.#count;
    this.#formerNs = this.#ns;
    this.#count = count;
    this.#ns = nowNs;
  }

  /** How much the count grows a second. */
  rate(count: number, nowNs: number): number {
    return nowNs > this.#formerNs
      ? ((count - this.#formerCount) / (nowNs - this.#formerNs)) * 1e9
      : 0;
  }
}
