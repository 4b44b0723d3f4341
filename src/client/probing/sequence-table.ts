const PAGE_BITS = 8;
const PAGE = 1 << PAGE_BITS;

/**
 * Items by a 16-bit number, in pages of 256 that are made as they are needed.
 *
 * Numbers follow each other, so that few pages change between two garbage collections, and only those are looked through again. Of a
 * `Map` it would be all that is in it, many times a minute: with maps and sets in the places of this and of lists, the main thread took
 * an eighth more for 1,000 probes a second (three rounds in turn of a multiping, time of the thread by /proc/PID/task/TID/schedstat).
 */
export class SequenceTable<Item> {
  #pages: (Item | undefined)[][] = [];

  get(number: number): Item | undefined {
    return this.#pages[number >> PAGE_BITS]?.[number & (PAGE - 1)];
  }

  set(number: number, item: Item): void {
    this.#page(number >> PAGE_BITS)[number & (PAGE - 1)] = item;
  }

  /** Empties the place of a number, if it holds this item. */
  delete(number: number, item: Item): void {
    if (this.get(number) === item) this.#page(number >> PAGE_BITS)[number & (PAGE - 1)] = undefined;
  }

  clear(): void {
    this.#pages = [];
  }

  #page(index: number): (Item | undefined)[] {
    for (let made = this.#pages.length; made <= index; made++) this.#pages.push([]);
    const page = this.#pages[index] as (Item | undefined)[];
    if (page.length === 0) for (let place = 0; place < PAGE; place++) page.push(undefined);
    return page;
  }
}
