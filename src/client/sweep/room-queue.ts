import { NS_PER_MS } from "../time/clock.ts";
import { Ring } from "./ring.ts";

/** How many hosts may wait; beyond, no new ones are begun. */
const MAX_WAITING = 256;
/** First and longest wait before the next try. */
const SHORTEST_WAIT_NS = 1 * NS_PER_MS;
const LONGEST_WAIT_NS = 16 * NS_PER_MS;
/**
 * If no host gets room for this long, none will. A silent neighbour leaves the kernel's table after
 * 3 s (arp(7), RFC 4861 section 10).
 */
const GIVE_UP_NS = 5000 * NS_PER_MS;
/** Nothing has been refused for this long: there may be room again. */
const FORGET_NS = 1000 * NS_PER_MS;

/**
 * Hosts whose probe the kernel had no room for, while it may have room for others: its table of
 * neighbours is full, or the queue of a device.
 *
 * 1. They are tried again in the order in which they were refused: after 1 ms, then after twice as
 *    long each time, up to 16 ms.
 * 2. A host waits as long as others like it get room. If none does for 5 s, all of them fail, and
 *    so does every later one, until one gets room or nothing has been refused for 1 s.
 */
export class RoomQueue {
  readonly #waiting = new Ring<number>();
  /** Undecided hosts that have ever waited: their probes do not leave in the order of numbers. */
  readonly #members = new Set<number>();
  #waitNs = SHORTEST_WAIT_NS;
  #nextNs = Number.NEGATIVE_INFINITY;
  /** Since when nothing that was refused has found room, and when something was refused last. */
  #refusedSinceNs = Number.POSITIVE_INFINITY;
  #refusedNs = Number.NEGATIVE_INFINITY;

  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  /** When the next may be tried (monotonic); Infinity when none waits. */
  get nextNs(): number {
    return this.#waiting.length === 0 ? Number.POSITIVE_INFINITY : this.#nextNs;
  }

  /** Whether a host has ever waited here. */
  has(number: number): boolean {
    return this.#members.size > 0 && this.#members.has(number);
  }

  /** A host has to wait, because its probe was refused; false if it is given up instead. */
  push(number: number, nowNs: number): boolean {
    if (nowNs - this.#refusedNs > FORGET_NS) this.noteSent();
    this.#refusedNs = nowNs;
    this.#refusedSinceNs = Math.min(this.#refusedSinceNs, nowNs);
    if (nowNs - this.#refusedSinceNs >= GIVE_UP_NS) return false;
    this.#members.add(number);
    this.#waiting.push(number);
    if (nowNs >= this.#nextNs) {
      this.#nextNs = nowNs + this.#waitNs;
      this.#waitNs = Math.min(this.#waitNs * 2, LONGEST_WAIT_NS);
    }
    return true;
  }

  /** Takes the host that has waited longest, if it may be tried now. */
  shift(nowNs: number): number | undefined {
    return nowNs < this.#nextNs ? undefined : this.#waiting.shift();
  }

  /** The probe of a host that has waited left. */
  noteSent(): void {
    this.#refusedSinceNs = Number.POSITIVE_INFINITY;
    this.#waitNs = SHORTEST_WAIT_NS;
  }

  /** A host is decided. */
  forget(number: number): void {
    if (this.#members.size > 0) this.#members.delete(number);
  }
}
