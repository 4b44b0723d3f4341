const INITIAL_CAPACITY = 256;

/** Numbers, first in, first out, in a typed array used in a circle. */
export class NumberQueue {
  #items: Float64Array = new Float64Array(INITIAL_CAPACITY);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: number): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length += 1;
  }

  /** The first one, or -1. */
  peek(): number {
    return this.#length === 0 ? -1 : (this.#items[this.#head] as number);
  }

  /** Takes the first one out; there must be one. */
  shift(): number {
    const item = this.#items[this.#head] as number;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    return item;
  }

  #grow(): void {
    const grown = new Float64Array(this.#items.length * 2);
    grown.set(this.#items.subarray(this.#head));
    grown.set(this.#items.subarray(0, this.#head), this.#items.length - this.#head);
    this.#items = grown;
    this.#head = 0;
  }
}
