import { NS_PER_MS } from "../time/clock.ts";

/** The longest burst, as time at the rate. */
const BURST_MS = 5;
/**
 * How much of what a late timer missed is caught up, as time at the rate, and how much faster than
 * the rate.
 */
const DEBT_NS = 100 * NS_PER_MS;
const CATCH_UP = 1.25;
/**
 * Sends are gathered for this long where the rate allows it: a timer of 1 ms costs twice the
 * processor time.
 */
const GATHER_NS = 2 * NS_PER_MS;

/**
 * When packets may leave, against the monotonic clock.
 *
 * 1. The schedule is the rate from the start on. What was missed while the event loop was held up
 *    is caught up, if it is not more than 100 ms: timers that are 1 ms late would else cost 10 % of
 *    the rate.
 * 2. No more than 5 ms of the rate (rounded up) leave at once, and no more than a quarter above the
 *    rate while it catches up: in any span of time, 1.25 times the rate and 5 ms of it.
 */
export class Pacer {
  #rate: number;
  #perNs: number;
  #largestBurst: number;
  /** What the schedule owes, and what may leave at once. */
  #owed = 1;
  #burst = 1;
  #atNs: number;

  /** @param rate packets a second, or Infinity */
  constructor(rate: number, nowNs: number) {
    this.#rate = rate;
    this.#perNs = rate / 1e9;
    this.#largestBurst = largestBurst(rate);
    this.#atNs = nowNs;
  }

  /** Packets a second, or Infinity. */
  get rate(): number {
    return this.#rate;
  }

  setRate(rate: number, nowNs: number): void {
    this.#refill(nowNs);
    this.#rate = rate;
    this.#perNs = rate / 1e9;
    this.#largestBurst = largestBurst(rate);
    // What was owed at another rate is not caught up.
    this.#owed = Math.min(this.#owed, 1);
    this.#burst = Math.min(this.#burst, 1);
  }

  /** How many may leave at `nowNs`. */
  allowance(nowNs: number): number {
    if (this.#perNs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    this.#refill(nowNs);
    return Math.floor(Math.min(this.#owed, this.#burst));
  }

  /** So many of the allowance are used. */
  take(count: number): void {
    if (this.#perNs === Number.POSITIVE_INFINITY) return;
    this.#owed -= count;
    this.#burst -= count;
  }

  /** How long to wait until enough may leave to be worth a turn. */
  delayNs(nowNs: number): number {
    if (this.#perNs === Number.POSITIVE_INFINITY) return 0;
    this.#refill(nowNs);
    const wanted = Math.max(1, this.#perNs * GATHER_NS);
    const scheduleNs = (wanted - this.#owed) / this.#perNs;
    const burstNs = (wanted - this.#burst) / (this.#perNs * CATCH_UP);
    // A fraction of a nanosecond would pass no time at all.
    return Math.max(0, Math.ceil(scheduleNs), Math.ceil(burstNs));
  }

  #refill(nowNs: number): void {
    if (this.#perNs === Number.POSITIVE_INFINITY) {
      this.#atNs = nowNs;
      return;
    }
    const earned = (nowNs - this.#atNs) * this.#perNs;
    this.#atNs = nowNs;
    this.#owed = Math.min(this.#owed + earned, Math.max(1, this.#perNs * DEBT_NS));
    this.#burst = Math.min(this.#burst + earned * CATCH_UP, this.#largestBurst);
  }
}

function largestBurst(rate: number): number {
  return Math.max(1, Math.ceil((rate * BURST_MS) / 1000));
}
