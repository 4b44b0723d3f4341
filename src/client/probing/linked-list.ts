/** What can be in a list. */
export interface Listed<Item> {
  /** For the list: the neighbours. */
  previous: Item | undefined;
  next: Item | undefined;
}

/** Items in the order in which they were added. Each is in one list at most, and holds its own place in it. */
export class LinkedList<Item extends Listed<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;

  add(item: Item): void {
    item.previous = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /** Takes an item out that is in this list. */
  delete(item: Item): void {
    const { previous, next } = item;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    item.previous = undefined;
    item.next = undefined;
  }

  /** Items may be taken out on the way. */
  *[Symbol.iterator](): Generator<Item, void, undefined> {
    let item = this.#first;
    while (item !== undefined) {
      const { next } = item;
      yield item;
      item = next;
    }
  }
}
