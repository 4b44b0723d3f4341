import { type Clock, NS_PER_MS } from "../time/clock.ts";

/** First and longest wait before sending again what the kernel had no room for. */
const SHORTEST_WAIT_NS = 1 * NS_PER_MS;
const LONGEST_WAIT_NS = 16 * NS_PER_MS;

/** After this many lanes that found no room, the others wait for the next try. */
const MAX_REFUSALS = 64;

/** From here on, what has left is cut off the front of a lane once it is half of it. */
const TRIM_FROM = 64;

/** What became of the first item of a lane. */
export type Attempt =
  /** It need not wait any more. */
  | "done"
  /** There was no room for it. */
  | "refused"
  /** It was not tried, and stays. */
  | "blocked";

interface Waiting<Item> {
  items: Item[];
  /** How many at the front are done. */
  done: number;
}

/**
 * What waits to be sent: in order within a lane, and lanes take turns. What must wait in one lane
 * holds up no other.
 */
export class SendQueue<Lane, Item> {
  readonly #clock: Clock;
  readonly #send: (item: Item) => Attempt;
  readonly #lanes = new Map<Lane, Waiting<Item>>();
  #round = 0;
  #waitNs = SHORTEST_WAIT_NS;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, send: (item: Item) => Attempt) {
    this.#clock = clock;
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Goes up whenever a wait is over. */
  get round(): number {
    return this.#round;
  }

  /** Whether anything waits in a lane. */
  has(lane: Lane): boolean {
    return this.#lanes.has(lane);
  }

  push(lane: Lane, item: Item): void {
    const waiting = this.#lanes.get(lane);
    if (waiting === undefined) this.#lanes.set(lane, { items: [item], done: 0 });
    else waiting.items.push(item);
  }

  /** Sends what may be sent now, unless the queue is backing off. */
  sendWaiting(): void {
    if (this.#cancelTimer !== undefined) return;
    let refusals = 0;
    for (let lanes = [...this.#lanes.keys()]; lanes.length > 0; ) {
      const further: Lane[] = [];
      for (const lane of lanes) {
        const attempt = this.#sendFirst(lane);
        if (attempt === "done") further.push(lane);
        else if (attempt === "refused") refusals += 1;
        if (refusals === MAX_REFUSALS) return;
      }
      lanes = further;
    }
  }

  /** The kernel had no room: the queue waits for 1 ms, and twice as long each time, up to 16 ms. */
  backOff(): void {
    if (this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#clock.schedule(this.#waitNs, () => {
      this.#cancelTimer = undefined;
      this.#waitNs = Math.min(this.#waitNs * 2, LONGEST_WAIT_NS);
      this.#round += 1;
      this.sendWaiting();
    });
  }

  /** The kernel had room: the next wait is the shortest again. */
  hadRoom(): void {
    this.#waitNs = SHORTEST_WAIT_NS;
  }

  clear(): void {
    this.#lanes.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Sends the first item of a lane. "done" only if more wait in it. */
  #sendFirst(lane: Lane): Attempt {
    const waiting = this.#lanes.get(lane);
    if (waiting === undefined) return "blocked";
    const attempt = this.#send(waiting.items[waiting.done] as Item);
    if (attempt === "done") {
      waiting.done += 1;
      if (waiting.done === waiting.items.length) {
        this.#lanes.delete(lane);
        return "blocked";
      }
      if (waiting.done >= TRIM_FROM && waiting.done * 2 >= waiting.items.length) {
        waiting.items = waiting.items.slice(waiting.done);
        waiting.done = 0;
      }
    } else if (attempt === "refused") {
      // Its next turn comes after those that were not tried.
      this.#lanes.delete(lane);
      this.#lanes.set(lane, waiting);
    }
    return attempt;
  }
}
