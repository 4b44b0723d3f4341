import type { Libc } from "../../ffi/libc.ts";

/** Messages of each queue that one read takes, at most; it ends sooner when its time is over. */
export const DRAIN_LIMIT = 4096;
/** The same before or after a send, of which there may be many in one turn of the event loop. */
export const SEND_DRAIN_LIMIT = 64;
/**
 * How often a send that fails is repeated while ICMP errors come in, each of which makes one
 * attempt fail. Each time it is tried as often as a send without a flood.
 */
export const FLOODED_SENDS = 16;

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
