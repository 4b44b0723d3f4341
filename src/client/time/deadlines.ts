import type { Clock } from "./clock.ts";

/** Something with a deadline on the monotonic clock. */
export interface Expiring {
  readonly deadlineNs: number;
  /** Whether the deadline still matters; entries that no longer wait are dropped in passing. */
  readonly isWaiting: boolean;
}

/** Below this size a sweep for dead entries would cost more than it frees. */
const SWEEP_FROM = 1024;

/** Pending deadlines, earliest first (a binary heap). Entries leave when they are due or no longer waiting. */
export class Deadlines<T extends Expiring> {
  #heap: T[] = [];
  #sweepAt = SWEEP_FROM;

  push(entry: T): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  /** The earliest deadline that still matters, or undefined. */
  next(): T | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.isWaiting) return first;
      this.#removeFirst();
    }
  }

  /** Takes out the earliest entry if it is due at `nowNs`. */
  takeDue(nowNs: number): T | undefined {
    const first = this.next();
    if (first === undefined || first.deadlineNs > nowNs) return undefined;
    this.#removeFirst();
    return first;
  }

  clear(): void {
    this.#heap = [];
    this.#sweepAt = SWEEP_FROM;
  }

  // Answered probes stay in the heap until they surface. Dropping them whenever the heap has doubled keeps its size
  // within twice the number in flight, at a constant cost per push.
  #sweep(): void {
    const waiting = this.#heap.filter((entry) => entry.isWaiting);
    waiting.sort((a, b) => a.deadlineNs - b.deadlineNs);
    this.#heap = waiting;
    this.#sweepAt = Math.max(SWEEP_FROM, waiting.length * 2);
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #sink(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = this.#isEarlier(right, left) ? right : left;
      if (!this.#swapIfEarlier(child, index)) return;
      index = child;
    }
  }

  #isEarlier(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    return first !== undefined && second !== undefined && first.deadlineNs < second.deadlineNs;
  }

  #swapIfEarlier(below: number, above: number): boolean {
    const lower = this.#heap[below];
    const upper = this.#heap[above];
    if (lower === undefined || upper === undefined || lower.deadlineNs >= upper.deadlineNs)
      return false;
    this.#heap[below] = upper;
    this.#heap[above] = lower;
    return true;
  }
}

/** One timer for whatever is due next. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: { readonly atNs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `atNs` (monotonic), unless it does before. */
  set(atNs: number): void {
    if (this.#timer !== undefined && this.#timer.atNs <= atNs) return;
    this.cancel();
    const delayNs = Math.max(0, atNs - this.#clock.monotonicNs());
    const cancel = this.#clock.schedule(delayNs, () => {
      this.#timer = undefined;
      this.#ring();
    });
    this.#timer = { atNs, cancel };
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
