import { CLOCK_MONOTONIC, CLOCK_REALTIME, IFNAMSIZ } from "./constants.ts";
import { MessageCalls } from "./message-calls.ts";
import { MessageBatch } from "./msghdr.ts";
import type { LibcSymbols } from "./symbols.ts";

const SECONDS_PER_DAY = 86_400;
const NS_PER_SECOND = 1e9;

// As many messages as one system call moves. 65,536 bytes hold any IPv4 packet; the 64 more keep
// equal offsets of neighbouring slots out of the same set of the processor's cache.
const RECEIVE_BATCH = { count: 256, controlLength: 512, dataLength: 65_536 + 64 } as const;
// Of an ICMP error nobody looks at more than 1,280 bytes; stamps have none.
const ERROR_BATCH = { count: 128, controlLength: 384, dataLength: 1344 } as const;
const SEND_BATCH = { count: 256, controlLength: 128, dataLength: 1024 } as const;

/**
 * What every socket of one client (or of many) shares: the libc functions, the time scale, and the
 * memory that messages pass through. Use is synchronous, so two arenas serve any number of sockets;
 * they are made on first use, and their pages become resident only when a packet first reaches
 * them.
 *
 * Times are numbers, in nanoseconds. They are counted from a midnight (of CLOCK_REALTIME, UTC) or
 * from a whole number of days since boot (of CLOCK_MONOTONIC), so that a double holds them exactly
 * for 104 days.
 */
export class Libc {
  /** The functions themselves. */
  readonly symbols: LibcSymbols;
  /** How batches of messages are received and sent. */
  readonly calls: MessageCalls;
  /**
   * Seconds since 1970 at which the realtime scale begins: the UTC midnight before construction.
   */
  readonly epochSeconds: number;
  readonly #monotonicOrigin: number;
  readonly #time = new Uint32Array(new ArrayBuffer(64), 0, 4);
  readonly #idleReceiveBatches: MessageBatch[] = [];
  #errorBatch: MessageBatch | undefined;
  #sendBatch: MessageBatch | undefined;

  constructor(symbols: LibcSymbols) {
    this.symbols = symbols;
    this.calls = new MessageCalls(symbols);
    this.epochSeconds = this.#wholeDays(CLOCK_REALTIME);
    this.#monotonicOrigin = this.#wholeDays(CLOCK_MONOTONIC);
  }

  /** CLOCK_MONOTONIC in nanoseconds. Never steps; for every duration. */
  monotonicNs(): number {
    return this.#clockNs(CLOCK_MONOTONIC, this.#monotonicOrigin);
  }

  /**
   * CLOCK_REALTIME in nanoseconds since `epochSeconds`, the scale of the kernel's packet
   * timestamps. It may step.
   */
  realtimeNs(): number {
    return this.#clockNs(CLOCK_REALTIME, this.epochSeconds);
  }

  /** The index of the interface called `name`; 0 when there is none. */
  interfaceIndex(name: string): number {
    if (name.includes("\0")) return 0;
    return this.symbols.if_nametoindex(new TextEncoder().encode(`${name}\0`));
  }

  /** The name of an interface; undefined when there is none of that index. */
  interfaceName(index: number): string | undefined {
    const name = new Uint8Array(IFNAMSIZ);
    if (!this.symbols.if_indextoname(index, name)) return undefined;
    return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
  }

  /** This process's id, as the kernel sees it. */
  pid(): number {
    return this.symbols.getpid();
  }

  /**
   * Runs `use` with memory to receive into. A handler that receives from inside another's delivery
   * gets memory of its own.
   *
   * @internal
   */
  withReceiveBatch<Result>(use: (batch: MessageBatch) => Result): Result {
    const batch = this.#idleReceiveBatches.pop() ?? new MessageBatch(RECEIVE_BATCH);
    try {
      return use(batch);
    } finally {
      this.#idleReceiveBatches.push(batch);
    }
  }

  /**
   * Memory to receive entries of error queues into. Reading one reads no other.
   *
   * @internal
   */
  get errorBatch(): MessageBatch {
    this.#errorBatch ??= new MessageBatch(ERROR_BATCH);
    return this.#errorBatch;
  }

  /**
   * Memory to send from. Sending calls nothing back, so one is enough.
   *
   * @internal
   */
  get sendBatch(): MessageBatch {
    this.#sendBatch ??= new MessageBatch(SEND_BATCH);
    return this.#sendBatch;
  }

  #wholeDays(clock: number): number {
    this.symbols.clock_gettime(clock, this.#time);
    return this.#seconds() - (this.#seconds() % SECONDS_PER_DAY);
  }

  #clockNs(clock: number, originSeconds: number): number {
    // Fails only for a clock that does not exist or a bad address (clock_gettime(2)).
    this.symbols.clock_gettime(clock, this.#time);
    return (this.#seconds() - originSeconds) * NS_PER_SECOND + (this.#time[2] as number);
  }

  #seconds(): number {
    return (this.#time[1] as number) * 2 ** 32 + (this.#time[0] as number);
  }
}
