import type { Clock } from "../time/clock.ts";

/** Readings of two clocks closer together than this are of one moment. */
const SIMULTANEOUS_NS = 5000;

/**
 * Both clocks as of the last read: it brings the kernel's receive stamps onto the monotonic scale.
 */
export class ReadClock {
  readonly #clock: Clock;
  #readNs = 0;
  /** How far the real-time scale was ahead of the monotonic one. */
  #realtimeAheadNs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has been read. */
  note(): void {
    // Half-way between two readings, and again if something came in between: RTTs are no better
    // than this.
    for (let attempt = 0; attempt < 3; attempt++) {
      const beforeNs = this.#clock.monotonicNs();
      const realtimeNs = this.#clock.realtimeNs();
      this.#readNs = this.#clock.monotonicNs();
      this.#realtimeAheadNs = realtimeNs - (beforeNs + this.#readNs) / 2;
      if (this.#readNs - beforeNs <= SIMULTANEOUS_NS) return;
    }
  }

  /** The real time at `monotonicNs`. */
  realtimeNs(monotonicNs: number): number {
    return monotonicNs + this.#realtimeAheadNs;
  }

  /** When (monotonic) what has been read was received, by its stamp; NaN for one without. */
  receivedNs(stampNs: number): number {
    if (Number.isNaN(stampNs)) return this.#readNs;
    // A clock that was stepped since would put it into the future.
    return Math.min(Math.round(stampNs - this.#realtimeAheadNs), this.#readNs);
  }
}

/** The low 32 bits of a time in microseconds, as a signed word: what a probe carries. */
export function microseconds(ns: number): number {
  return Math.floor(ns / 1000) | 0;
}

/** The time since `sent`, which is good for 71 minutes. */
export function rttByTime(sent: number, receivedNs: number): number {
  return ((microseconds(receivedNs) - sent) >>> 0) * 1000;
}
