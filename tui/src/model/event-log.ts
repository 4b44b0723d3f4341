import type { Role } from "./role.ts";

/** One line of a log. */
export interface LogEntry {
  /** When it happened: milliseconds since 1970. */
  readonly atMs: number;
  /** How it is to be taken: "bad" is a loss, "warn" something odd, "dim" a remark. */
  readonly role: Role;
  /** One line, safe to print. */
  readonly text: string;
}

/**
 * Lines that a log keeps: enough to scroll back through, and few enough for any number of sessions.
 */
export const LOG_LIMIT = 1000;

/** What happened in a session, the oldest forgotten first. */
export class EventLog {
  readonly #ring: LogEntry[] = [];
  #next = 0;
  #total = 0;

  /** Lines that can be read. */
  get length(): number {
    return this.#ring.length;
  }

  /** Lines ever added. */
  get total(): number {
    return this.#total;
  }

  add(entry: LogEntry): void {
    if (this.#ring.length < LOG_LIMIT) this.#ring.push(entry);
    else this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % LOG_LIMIT;
    this.#total += 1;
  }

  /** The line `index` before the newest, which is 0; undefined beyond the oldest. */
  fromEnd(index: number): LogEntry | undefined {
    if (index < 0 || index >= this.#ring.length) return undefined;
    return this.#ring[(this.#next - 1 - index + 2 * LOG_LIMIT) % LOG_LIMIT];
  }

  clear(): void {
    this.#ring.length = 0;
    this.#next = 0;
  }
}
