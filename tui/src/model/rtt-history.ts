/** Probes whose outcome a history keeps: more than any screen is wide in braille dots. */
export const HISTORY_LIMIT = 1024;

/** The latest outcomes of one target: RTTs, and losses. */
export class RttHistory {
  /** Milliseconds; NaN is a loss. */
  readonly #ring: Float64Array;
  #next = 0;
  #length = 0;

  /**
   * @param limit outcomes to keep; fewer than {@link HISTORY_LIMIT} for those of which there are
   * thousands.
   */
  constructor(limit: number = HISTORY_LIMIT) {
    this.#ring = new Float64Array(limit);
  }

  get length(): number {
    return this.#length;
  }

  /** @param rtt milliseconds, or null for a probe that was lost. */
  add(rtt: number | null): void {
    this.#ring[this.#next] = rtt ?? Number.NaN;
    this.#next = (this.#next + 1) % this.#ring.length;
    this.#length = Math.min(this.#length + 1, this.#ring.length);
  }

  /** The latest `count` outcomes, or as many as there are, the oldest first. null is a loss. */
  latest(count: number): (number | null)[] {
    const size = Math.max(0, Math.min(Math.floor(count), this.#length));
    const outcomes: (number | null)[] = [];
    for (let age = size; age > 0; age -= 1) {
      const rtt =
        this.#ring[(this.#next - age + this.#ring.length) % this.#ring.length] ?? Number.NaN;
      outcomes.push(Number.isNaN(rtt) ? null : rtt);
    }
    return outcomes;
  }

  clear(): void {
    this.#next = 0;
    this.#length = 0;
  }
}
