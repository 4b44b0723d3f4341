import { NS_PER_MS } from "../clock.ts";

/** The longest burst, as time at the rate. */
const BURST_NS = 5 * NS_PER_MS;
/** Sends are gathered for this long where the rate allows it: a timer of 1 ms costs twice the processor time. */
const GATHER_NS = 2 * NS_PER_MS;

/**
 * A token bucket against the monotonic clock: in no span of time may more leave than the rate allows in it and 5 ms more (but
 * at least one packet). What a late timer missed beyond that is forgone, not caught up.
 */
export class Pacer {
  #perNs: number;
  #tokens = 1;
  #atNs: number;

  /** @param rate packets a second, or Infinity */
  constructor(rate: number, nowNs: number) {
    this.#perNs = rate / 1e9;
    this.#atNs = nowNs;
  }

  /** Packets a second, or Infinity. */
  get rate(): number {
    return this.#perNs * 1e9;
  }

  setRate(rate: number, nowNs: number): void {
    this.#refill(nowNs);
    this.#perNs = rate / 1e9;
    this.#tokens = Math.min(this.#tokens, this.#depth);
  }

  /** How many may leave at `nowNs`. */
  allowance(nowNs: number): number {
    if (this.#perNs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    this.#refill(nowNs);
    return Math.floor(this.#tokens);
  }

  /** So many of the allowance are used. */
  take(count: number): void {
    if (this.#perNs !== Number.POSITIVE_INFINITY) this.#tokens -= count;
  }

  /** How long to wait until enough may leave to be worth a turn. */
  delayNs(nowNs: number): number {
    if (this.#perNs === Number.POSITIVE_INFINITY) return 0;
    this.#refill(nowNs);
    const wanted = Math.max(1, this.#perNs * GATHER_NS);
    return Math.max(0, (wanted - this.#tokens) / this.#perNs);
  }

  get #depth(): number {
    return Math.max(1, this.#perNs * BURST_NS);
  }

  #refill(nowNs: number): void {
    const earned = (nowNs - this.#atNs) * this.#perNs;
    this.#atNs = nowNs;
    this.#tokens = Math.min(this.#tokens + earned, this.#depth);
  }
}
