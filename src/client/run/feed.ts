/** One published item; the list is kept alive only by readers that have yet to read it. */
interface Link<Item> {
  readonly item: Item;
  /** How many there are up to this one. */
  readonly count: number;
  next: Link<Item> | undefined;
}

/** Where an iterator stands: the link it read last, or the place before the first one. */
interface Place<Item> {
  next: Link<Item> | undefined;
}

/** A `next()` that waits for an item. */
interface Waiter<Item> {
  resolve(result: IteratorResult<Item, undefined>): void;
  reject(reason: unknown): void;
}

/** Why a feed ended with an error. */
export interface FeedFailure {
  /** What its iterators throw after the last item. */
  readonly reason: unknown;
}

/** How to construct a {@link Feed}. */
export interface FeedOptions {
  /** Whether an iterator made late sees the items published before. */
  readonly keep: boolean;
  /** Called by each `next()`, before it looks for an item. */
  onDemand(): void;
  /** Called when the last open iterator is closed by its reader before it came to the end. */
  onAbandoned(): void;
  /** Called when {@link Feed.isAwaited} may have changed. */
  onWaiting(): void;
}

/**
 * One sequence of items for any number of async iterators, each with a place of its own. It refers
 * to the last item, and to the first only when asked to keep: items that every iterator has passed
 * are garbage.
 */
export class Feed<out Item> {
  readonly #options: FeedOptions;
  readonly #start: Place<Item> | undefined;
  #last: Place<Item> = { next: undefined };
  readonly #waiting = new Set<FeedIterator<Item>>();
  #readers = 0;
  #pushed = 0;
  #read = 0;
  #ended = false;
  #failure: FeedFailure | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#start = options.keep ? this.#last : undefined;
  }

  /** How many iterators are open: made, and neither closed nor at the end. */
  get readers(): number {
    return this.#readers;
  }

  /** How many items the iterator that has read most has not read. */
  get backlog(): number {
    return this.#pushed - this.#read;
  }

  /** Whether an iterator waits for an item. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether no more items come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What iterators throw at the end, if the feed ended with an error. */
  get failure(): FeedFailure | undefined {
    return this.#failure;
  }

  /** Publishes an item. Ignored after the end. */
  push(item: Item): void {
    if (this.#ended) return;
    this.#pushed += 1;
    const link: Link<Item> = { item, count: this.#pushed, next: undefined };
    this.#last.next = link;
    this.#last = link;
    this.#wake();
  }

  /** No more items come. The first end stands. */
  end(failure?: FeedFailure): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake();
  }

  /**
   * Opens an iterator: at the first item of a feed that keeps them, else at the next one to come.
   */
  iterate(): AsyncIterableIterator<Item, undefined> {
    this.#readers += 1;
    return new FeedIterator<Item>(this, this.#start ?? this.#last);
  }

  /** For iterators: somebody wants an item. */
  demand(): void {
    this.#options.onDemand();
  }

  /** For iterators: the item that is number `count` was read. */
  noteRead(count: number): void {
    if (count > this.#read) this.#read = count;
  }

  /** For iterators: `iterator` waits, and is to be told when there is news. */
  wait(iterator: FeedIterator<Item>): void {
    this.#waiting.add(iterator);
    this.#options.onWaiting();
  }

  /** For iterators: `iterator` is over, and whether it was closed before the end. */
  leave(iterator: FeedIterator<Item>, early: boolean): void {
    this.#waiting.delete(iterator);
    this.#options.onWaiting();
    this.#readers -= 1;
    if (early && this.#readers === 0) this.#options.onAbandoned();
  }

  #wake(): void {
    for (const iterator of this.#waiting) {
      if (!iterator.serve()) this.#waiting.delete(iterator);
    }
    this.#options.onWaiting();
  }
}

class FeedIterator<out Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #feed: Feed<Item>;
  #place: Place<Item> | undefined;
  readonly #waiters: Waiter<Item>[] = [];

  constructor(feed: Feed<Item>, place: Place<Item>) {
    this.#feed = feed;
    this.#place = place;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#place !== undefined) this.#feed.demand();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (this.serve()) this.#feed.wait(this);
    });
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#close(true);
    this.serve();
    return { done: true, value: undefined };
  }

  /**
   * Answers those who wait, in the order in which they asked; true when some must go on waiting.
   */
  serve(): boolean {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const link = this.#place?.next;
      if (link === undefined && this.#place !== undefined && !this.#feed.ended) return true;
      this.#waiters.shift();
      if (link !== undefined) {
        this.#place = link;
        this.#feed.noteRead(link.count);
        waiter.resolve({ done: false, value: link.item });
      } else if (this.#place !== undefined && this.#feed.failure !== undefined) {
        this.#close(false);
        waiter.reject(this.#feed.failure.reason);
      } else {
        this.#close(false);
        waiter.resolve({ done: true, value: undefined });
      }
    }
    return false;
  }

  #close(early: boolean): void {
    if (this.#place === undefined) return;
    this.#place = undefined;
    this.#feed.leave(this, early);
  }
}
