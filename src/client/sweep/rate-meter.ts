import { NS_PER_MS } from "../time/clock.ts";

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
