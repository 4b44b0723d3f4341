/** Hosts of one /16: sorted as long as that takes less room than a bit for each. */
type Page = { sorted: Uint16Array; length: number } | { bits: Int32Array; length: number };

const PAGE_SIZE = 1 << 16;
const WORDS = PAGE_SIZE / 32;
/** 4096 sorted 16-bit numbers take as much room as 65,536 bits. */
const MAX_SORTED = 4096;
const INITIAL_SORTED = 8;

/**
 * A set of IPv4 addresses, as unsigned numbers: a page for each /16 that has any, which is a sorted
 * list of up to 4096, then a bitmap of 8 KiB. 16.7 million neighbours take 2 MiB; addresses strewn
 * over the Internet 2 to 4 bytes each.
 */
export class Ipv4Set {
  readonly #pages = new Map<number, Page>();
  #lastKey = -1;
  #last: Page | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an address; false if it was there. */
  add(address: number): boolean {
    const key = address >>> 16;
    const page = this.#page(key) ?? this.#open(key);
    const isNew =
      "bits" in page ? addBit(page, address & 0xffff) : this.#insert(key, page, address & 0xffff);
    if (isNew) this.#size += 1;
    return isNew;
  }

  has(address: number): boolean {
    const page = this.#page(address >>> 16);
    if (page === undefined) return false;
    const low = address & 0xffff;
    if ("bits" in page) return (((page.bits[low >>> 5] as number) >>> (low & 31)) & 1) === 1;
    return page.sorted[placeOf(page, low)] === low && placeOf(page, low) < page.length;
  }

  /** The addresses in ascending order. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const key of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(key) as Page;
      const base = key * PAGE_SIZE;
      if ("sorted" in page) {
        for (let index = 0; index < page.length; index++)
          yield base + (page.sorted[index] as number);
      } else {
        for (let index = 0; index < WORDS; index++) {
          for (let word = page.bits[index] as number; word !== 0; word &= word - 1) {
            yield base + index * 32 + (31 - Math.clz32(word & -word));
          }
        }
      }
    }
  }

  // Neighbouring addresses come one after the other more often than not: this spares the map.
  #page(key: number): Page | undefined {
    if (key !== this.#lastKey) {
      this.#last = this.#pages.get(key);
      this.#lastKey = key;
    }
    return this.#last;
  }

  #open(key: number): Page {
    return this.#put(key, { sorted: new Uint16Array(INITIAL_SORTED), length: 0 });
  }

  #put(key: number, page: Page): Page {
    this.#pages.set(key, page);
    this.#lastKey = key;
    this.#last = page;
    return page;
  }

  #insert(key: number, page: Extract<Page, { sorted: Uint16Array }>, low: number): boolean {
    const place = placeOf(page, low);
    if (place < page.length && page.sorted[place] === low) return false;
    if (page.length === MAX_SORTED) {
      const bitmap = { bits: new Int32Array(WORDS), length: 0 };
      for (const item of page.sorted) addBit(bitmap, item);
      return addBit(this.#put(key, bitmap) as typeof bitmap, low);
    }
    if (page.length === page.sorted.length) {
      const grown = new Uint16Array(page.length * 2);
      grown.set(page.sorted);
      page.sorted = grown;
    }
    page.sorted.copyWithin(place + 1, place, page.length);
    page.sorted[place] = low;
    page.length += 1;
    return true;
  }
}

function addBit(page: Extract<Page, { bits: Int32Array }>, low: number): boolean {
  const word = page.bits[low >>> 5] as number;
  const bit = 1 << (low & 31);
  page.bits[low >>> 5] = word | bit;
  if ((word & bit) !== 0) return false;
  page.length += 1;
  return true;
}

/** Where `low` is, or would have to be put. */
function placeOf(page: Extract<Page, { sorted: Uint16Array }>, low: number): number {
  let [from, to] = [0, page.length];
  // Sequential sweeps add at the end.
  if (to > 0 && (page.sorted[to - 1] as number) < low) return to;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((page.sorted[middle] as number) < low) from = middle + 1;
    else to = middle;
  }
  return from;
}
