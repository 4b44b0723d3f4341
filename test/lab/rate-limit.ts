/** How many packets a router sends at most. */
export interface Rate {
  readonly perSecond: number;
  /** What may be saved up. */
  readonly burst: number;
}

/** A token bucket, full at first. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /**
   * Takes a token at a time in milliseconds, if there is one. A time before the last counts as the
   * last.
   */
  take(at: number): boolean {
    const elapsed = this.#at === 0 ? 0 : Math.max(0, at - this.#at);
    this.#at = Math.max(this.#at, at);
    this.#tokens = Math.min(
      this.#rate.burst,
      this.#tokens + (elapsed / 1000) * this.#rate.perSecond,
    );
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
