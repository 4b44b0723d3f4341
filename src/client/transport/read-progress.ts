import type { Instant } from "../time/clock.ts";

/** Reads that take more than any receive queue holds: each takes a batch of 256 packets or more. */
const MAX_CUT_READS = 64;

/**
 * Until when all that arrived has been read. During a flood no read finds the end of a queue, but a
 * queue is read in order.
 */
export class ReadProgress {
  #cutReads = 0;
  #sinceNs = 0;

  /**
   * Until when (monotonic) all has been read, after a read that began at `at`.
   *
   * @param untilNs What {@link Transport.drain} returned.
   */
  note(untilNs: number, at: Instant): number {
    if (untilNs === Number.POSITIVE_INFINITY) {
      this.#cutReads = 0;
      return at.monotonicNs;
    }
    if (this.#cutReads === 0) this.#sinceNs = at.monotonicNs;
    this.#cutReads += 1;
    const stampedNs = Math.min(at.monotonicNs, untilNs - at.realtimeNs + at.monotonicNs);
    if (this.#cutReads < MAX_CUT_READS) return stampedNs;
    // Without stamps, or after a step of the clock, only the number of packets tells.
    this.#cutReads = 0;
    return Math.max(stampedNs, this.#sinceNs);
  }
}
