/** Something that is due at a time. */
export interface Due {
  readonly atNs: number;
}

/**
 * A priority queue: what is due first comes out first; what is due together, in order of arrival (a
 * binary heap).
 */
export class Departures<Item extends Due> {
  readonly #heap: { readonly item: Item; readonly order: number }[] = [];
  #pushed = 0;

  get nextNs(): number | undefined {
    return this.#heap[0]?.item.atNs;
  }

  push(item: Item): void {
    const heap = this.#heap;
    const entry = { item, order: this.#pushed };
    this.#pushed += 1;
    let index = heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  /** Takes out what is due first, if it is due by now. */
  takeDue(nowNs: number): Item | undefined {
    const heap = this.#heap;
    const [first] = heap;
    if (first === undefined || first.item.atNs > nowNs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first.item;
  }

  #sink(entry: { readonly item: Item; readonly order: number }): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      const left = heap[below];
      const right = heap[below + 1];
      if (left !== undefined && right !== undefined && isBefore(right, left)) below += 1;
      const child = heap[below];
      if (child === undefined || !isBefore(child, entry)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = entry;
  }
}

function isBefore<Item extends Due>(
  a: { readonly item: Item; readonly order: number },
  b: { readonly item: Item; readonly order: number },
): boolean {
  return a.item.atNs < b.item.atNs || (a.item.atNs === b.item.atNs && a.order < b.order);
}
