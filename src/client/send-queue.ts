import { type Clock, NS_PER_MS } from "./clock.ts";

/** First and longest wait before sending again what the kernel had no room for. */
const SHORTEST_WAIT_NS = 1 * NS_PER_MS;
const LONGEST_WAIT_NS = 16 * NS_PER_MS;

/** What waits to be sent, in order. */
export class SendQueue<Item> {
  readonly #clock: Clock;
  /** Returns false if the item must stay. */
  readonly #send: (item: Item) => boolean;
  #items: Item[] = [];
  #waitNs = SHORTEST_WAIT_NS;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, send: (item: Item) => boolean) {
    this.#clock = clock;
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Sends what may be sent now, unless the queue is backing off. */
  sendWaiting(): void {
    if (this.#cancelTimer !== undefined) return;
    let sent = 0;
    for (const item of this.#items) {
      if (!this.#send(item)) break;
      sent += 1;
    }
    if (sent > 0) this.#items = this.#items.slice(sent);
  }

  /** The kernel had no room: the queue waits for 1 ms, and twice as long each time, up to 16 ms. */
  backOff(): void {
    if (this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#clock.schedule(this.#waitNs, () => {
      this.#cancelTimer = undefined;
      this.#waitNs = Math.min(this.#waitNs * 2, LONGEST_WAIT_NS);
      this.sendWaiting();
    });
  }

  /** The kernel had room: the next wait is the shortest again. */
  hadRoom(): void {
    this.#waitNs = SHORTEST_WAIT_NS;
  }

  clear(): void {
    this.#items = [];
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
