import type { Libc } from "../../ffi/libc.ts";

/**
 * How long one read of the error queues goes on, at most, or of the receive queues: together, 10 ms
 * of the event loop's time.
 */
const SLICE_NS = 5_000_000;

/**
 * Ends a read that would go on for too long: under a flood a queue is never empty. One read may be
 * of several sockets.
 */
export class TimeSlice {
  readonly #libc: Libc;
  #endNs: number | undefined;
  #wasCut = false;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Whether the read was ended because its time was over. */
  get wasCut(): boolean {
    return this.#wasCut;
  }

  /** A read begins. */
  begin(): void {
    this.#endNs = undefined;
    this.#wasCut = false;
  }

  /** To be asked after each batch that was full: ordinary reads never look at the clock. */
  readonly isOver = (): boolean => {
    const nowNs = this.#libc.monotonicNs();
    this.#endNs ??= nowNs + SLICE_NS;
    this.#wasCut = nowNs >= this.#endNs;
    return this.#wasCut;
  };
}
