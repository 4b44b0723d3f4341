const INITIAL_CAPACITY = 64;

/**
 * A set of IPv6 addresses, each as four words in memory order: an open hash table without an object
 * for each.
 */
export class Ipv6Set {
  #words = new Int32Array(INITIAL_CAPACITY * 4);
  #taken = new Uint8Array(INITIAL_CAPACITY);
  #size = 0;
  /** Random, so that nobody can choose addresses that collide. */
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an address; false if it was there. */
  add(address: Int32Array): boolean {
    if (this.#size * 2 >= this.#taken.length) this.#grow();
    const place = this.#find(address);
    if (this.#taken[place] !== 0) return false;
    this.#taken[place] = 1;
    this.#words.set(address, place * 4);
    this.#size += 1;
    return true;
  }

  has(address: Int32Array): boolean {
    return this.#taken[this.#find(address)] !== 0;
  }

  /**
   * The addresses in ascending order, as their 16 bytes: views, valid until the next one is taken.
   */
  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    const bytes = new Uint8Array(this.#words.buffer);
    const view = new DataView(this.#words.buffer);
    const places = new Uint32Array(this.#size);
    let count = 0;
    for (const [place, taken] of this.#taken.entries()) if (taken !== 0) places[count++] = place;
    const compare = (a: number, b: number): number => {
      for (let offset = 0; offset < 16; offset += 4) {
        const difference = view.getUint32(a * 16 + offset) - view.getUint32(b * 16 + offset);
        if (difference !== 0) return difference;
      }
      return 0;
    };
    for (const place of places.sort(compare)) yield bytes.subarray(place * 16, place * 16 + 16);
  }

  /** Where the address is, or the free place where it belongs. */
  #find(address: Int32Array): number {
    const mask = this.#taken.length - 1;
    const words = this.#words;
    let place = this.#hash(address) & mask;
    while (this.#taken[place] !== 0) {
      const at = place * 4;
      let difference = 0;
      for (let word = 0; word < 4; word++)
        difference |= (words[at + word] as number) ^ (address[word] as number);
      if (difference === 0) return place;
      place = (place + 1) & mask;
    }
    return place;
  }

  #hash(address: Int32Array): number {
    let hash = this.#seed;
    for (let word = 0; word < 4; word++) {
      hash = Math.imul(hash ^ (address[word] as number), 0x85eb_ca6b);
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
      hash ^= hash >>> 16;
    }
    return hash;
  }

  #grow(): void {
    const [words, taken] = [this.#words, this.#taken];
    this.#words = new Int32Array(words.length * 2);
    this.#taken = new Uint8Array(taken.length * 2);
    for (const [place, isTaken] of taken.entries()) {
      if (isTaken === 0) continue;
      const address = words.subarray(place * 4, place * 4 + 4);
      const to = this.#find(address);
      this.#taken[to] = 1;
      this.#words.set(address, to * 4);
    }
  }
}
