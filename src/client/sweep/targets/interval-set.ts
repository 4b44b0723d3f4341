/** Consecutive numbers: `first` and all that follow, up to but without `end`. */
export interface Interval<Value extends number | bigint> {
  readonly first: Value;
  readonly end: Value;
}

/** Numbers as sorted intervals that neither overlap nor touch. */
export class IntervalSet<Value extends number | bigint> {
  readonly #intervals: readonly Interval<Value>[];

  constructor(intervals: Iterable<Interval<Value>> = []) {
    this.#intervals = merged([...intervals]);
  }

  /** Whether `value` is in the set. */
  has(value: Value): boolean {
    const interval = this.#intervals[this.#firstEndingAfter(value)];
    return interval !== undefined && interval.first <= value;
  }

  /** The parts of `interval` that are not in the set, in ascending order. */
  without(interval: Interval<Value>): Interval<Value>[] {
    const parts: Interval<Value>[] = [];
    let { first } = interval;
    for (let index = this.#firstEndingAfter(first); ; index++) {
      const hole = this.#intervals[index];
      if (hole === undefined || hole.first >= interval.end) break;
      if (hole.first > first) parts.push({ first, end: hole.first });
      first = hole.end;
    }
    if (first < interval.end) parts.push({ first, end: interval.end });
    return parts;
  }

  /** The index of the first interval that ends after `value`: the only one that may hold it. */
  #firstEndingAfter(value: Value): number {
    let [low, high] = [0, this.#intervals.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const interval = this.#intervals[middle];
      if (interval !== undefined && interval.end <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Gives out each number of some intervals once: to the first who takes it. */
export class Takings<Value extends number | bigint> {
  /**
   * Where an interval begins or ends, ascending: no interval begins or ends between two neighbours.
   */
  readonly #bounds: readonly Value[];
  /**
   * For each stretch between neighbours, itself while it is free; once taken, one further on, as in
   * a union-find forest.
   */
  readonly #free: Uint32Array;

  /** @param intervals all that will be taken, in any order */
  constructor(intervals: readonly Interval<Value>[]) {
    const bounds = intervals.flatMap(({ first, end }) => [first, end]).sort(compare);
    this.#bounds = bounds.filter((bound, index) => bound !== bounds[index - 1]);
    this.#free = Uint32Array.from(this.#bounds.keys());
  }

  /** The parts of one of the intervals that nobody took before, in ascending order. */
  take(interval: Interval<Value>): Interval<Value>[] {
    const parts: Interval<Value>[] = [];
    const end = this.#indexOf(interval.end);
    let part: { first: Value; end: Value } | undefined;
    for (let stretch = this.#nextFree(this.#indexOf(interval.first)); stretch < end; ) {
      const from = this.#bounds[stretch];
      const to = this.#bounds[stretch + 1];
      if (from === undefined || to === undefined) break;
      if (part?.end === from) {
        part.end = to;
      } else {
        part = { first: from, end: to };
        parts.push(part);
      }
      this.#free[stretch] = stretch + 1;
      stretch = this.#nextFree(stretch + 1);
    }
    return parts;
  }

  #nextFree(stretch: number): number {
    let free = stretch;
    for (
      let next = this.#free[free];
      next !== undefined && next !== free;
      next = this.#free[free]
    ) {
      // Halving the path as it is walked keeps all walks short.
      this.#free[free] = this.#free[next] ?? next;
      free = next;
    }
    return free;
  }

  #indexOf(bound: Value): number {
    let [low, high] = [0, this.#bounds.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bounds[middle] ?? bound) < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `intervals` in ascending order, those that overlap or touch as one. */
function merged<Value extends number | bigint>(intervals: Interval<Value>[]): Interval<Value>[] {
  intervals.sort((one, other) => compare(one.first, other.first));
  const result: { first: Value; end: Value }[] = [];
  for (const { first, end } of intervals) {
    const last = result.at(-1);
    if (last === undefined || last.end < first) result.push({ first, end });
    else if (last.end < end) last.end = end;
  }
  return result;
}

function compare(one: number | bigint, other: number | bigint): number {
  return one < other ? -1 : Number(one > other);
}
