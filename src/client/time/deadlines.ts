import type { Clock } from "./clock.ts";

/** Tells whether a deadline still matters; entries that no longer do are dropped in passing. */
export type IsWaiting = (place: number, deadlineNs: number) => boolean;

/** Below this size a prune for dead entries would cost more than it frees. */
const PRUNE_FROM = 1024;

/**
 * Pending deadlines of places in a table, earliest first (a binary heap). Entries leave when they
 * are due or no longer waiting. They are numbers in two arrays, so pushing one makes nothing.
 */
export class Deadlines {
  readonly #isWaiting: IsWaiting;
  #places: number[] = [];
  #deadlines: number[] = [];
  #pruneAt = PRUNE_FROM;

  constructor(isWaiting: IsWaiting) {
    this.#isWaiting = isWaiting;
  }

  push(place: number, deadlineNs: number): void {
    if (this.#places.length >= this.#pruneAt) this.#prune();
    this.#places.push(place);
    this.#deadlines.push(deadlineNs);
    this.#rise(this.#places.length - 1);
  }

  /** The earliest deadline that still matters; Infinity for none. */
  next(): number {
    while (this.#places.length > 0) {
      const deadlineNs = this.#deadlines[0] as number;
      if (this.#isWaiting(this.#places[0] as number, deadlineNs)) return deadlineNs;
      this.#removeFirst();
    }
    return Number.POSITIVE_INFINITY;
  }

  /**
   * Takes out the earliest entry if it is due at `nowNs`, and returns its place; -1 when none is.
   */
  takeDue(nowNs: number): number {
    if (this.next() > nowNs) return -1;
    const place = this.#places[0] as number;
    this.#removeFirst();
    return place;
  }

  clear(): void {
    if (this.#places.length === 0) return;
    this.#places = [];
    this.#deadlines = [];
    this.#pruneAt = PRUNE_FROM;
  }

  // Answered probes stay in the heap until they surface. Dropping them whenever the heap has
  // doubled keeps its size within twice the number in flight, at a constant cost per push.
  #prune(): void {
    const waiting: { readonly place: number; readonly deadlineNs: number }[] = [];
    for (const [index, place] of this.#places.entries()) {
      const deadlineNs = this.#deadlines[index] as number;
      if (this.#isWaiting(place, deadlineNs)) waiting.push({ place, deadlineNs });
    }
    waiting.sort((a, b) => a.deadlineNs - b.deadlineNs);
    this.#places = waiting.map(({ place }) => place);
    this.#deadlines = waiting.map(({ deadlineNs }) => deadlineNs);
    this.#pruneAt = Math.max(PRUNE_FROM, waiting.length * 2);
  }

  #removeFirst(): void {
    const place = this.#places.pop() as number;
    const deadlineNs = this.#deadlines.pop() as number;
    if (this.#places.length === 0) return;
    this.#places[0] = place;
    this.#deadlines[0] = deadlineNs;
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
    const deadlines = this.#deadlines;
    return (
      a < deadlines.length &&
      b < deadlines.length &&
      (deadlines[a] as number) < (deadlines[b] as number)
    );
  }

  #swapIfEarlier(below: number, above: number): boolean {
    if (!this.#isEarlier(below, above)) return false;
    const deadlines = this.#deadlines;
    const places = this.#places;
    const deadlineNs = deadlines[below] as number;
    deadlines[below] = deadlines[above] as number;
    deadlines[above] = deadlineNs;
    const place = places[below] as number;
    places[below] = places[above] as number;
    places[above] = place;
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
