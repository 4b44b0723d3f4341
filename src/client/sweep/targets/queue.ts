/** First in, first out: `Array.shift()` moves all that remain, which of a million names is 1 ms each. */
export class Queue<Item> {
  readonly #items: Item[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The first item, or undefined when there is none. */
  take(): Item | undefined {
    if (this.#taken === this.#items.length) return undefined;
    const item = this.#items[this.#taken];
    this.#taken += 1;
    if (this.#taken === this.#items.length) this.clear();
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#taken = 0;
  }
}
