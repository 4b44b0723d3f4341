import { POLLERR, POLLFD, POLLIN } from "./constants.ts";
import { EINTR } from "./errno.ts";
import type { Libc } from "./libc.ts";

/** A watched descriptor and what to do when it is ready. */
export interface PollEntry {
  readonly fd: number;
  /** Returns true if it stopped at a limit of its own. */
  readonly onReady: () => unknown;
  /** Position in the pollfd array; -1 once removed. */
  index: number;
}

const INITIAL_CAPACITY = 16;

/**
 * The descriptors of a reactor as one `pollfd` array, kept dense, for one poll(2) that never waits.
 */
export class PollSet {
  readonly #libc: Libc;
  readonly #entries: PollEntry[] = [];
  /** Which entry the next dispatch begins with. */
  #nextIndex = 0;
  #view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(INITIAL_CAPACITY * POLLFD.size));

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** How many descriptors are in the set. */
  get size(): number {
    return this.#entries.length;
  }

  /** Adds a descriptor. */
  add(fd: number, onReady: () => unknown): PollEntry {
    const entry: PollEntry = { fd, onReady, index: this.#entries.length };
    this.#reserve(entry.index + 1);
    this.#entries.push(entry);
    this.#write(entry);
    return entry;
  }

  /** Takes an entry out; the last one takes its place. */
  remove(entry: PollEntry): void {
    if (entry.index < 0) return;
    const last = this.#entries.pop() as PollEntry;
    if (last !== entry) {
      last.index = entry.index;
      this.#entries[last.index] = last;
      this.#write(last);
    }
    entry.index = -1;
  }

  /**
   * The entries with something to read or an error to fetch; undefined where poll(2) cannot tell.
   */
  ready(): PollEntry[] | undefined {
    const count = this.#entries.length;
    if (count === 0) return [];
    const fds = new Uint8Array(this.#view.buffer);
    let found = this.#poll(fds, count);
    if (found < 0) return undefined;
    const ready: PollEntry[] = [];
    for (let index = 0; index < count && found > 0; index++) {
      if (this.#view.getInt16(index * POLLFD.size + POLLFD.revents, true) === 0) continue;
      ready.push(this.#entries[index] as PollEntry);
      found--;
    }
    return ready;
  }

  /**
   * Calls the handlers of every ready entry, or of all entries where poll(2) fails (out of memory,
   * or refused by a sandbox): reading what is not there costs a system call. A handler that stops
   * at a limit has taken enough time for one turn of the event loop: the others wait, and the next
   * dispatch begins with them. Errors that handlers throw become uncaught exceptions, after all had
   * their turn.
   *
   * @returns whether any is known to have been ready, and whether one stopped at a limit
   */
  dispatch(): "idle" | "ready" | "unfinished" {
    const ready = this.ready();
    for (const entry of this.#inTurn(ready ?? this.#entries)) {
      if (entry.index < 0) continue;
      try {
        if (entry.onReady() !== true) continue;
        this.#nextIndex = entry.index + 1;
        return "unfinished";
      } catch (failure) {
        reportError(failure);
      }
    }
    return ready !== undefined && ready.length > 0 ? "ready" : "idle";
  }

  /** A copy of some entries that begins with those after the one that stopped last. */
  #inTurn(entries: readonly PollEntry[]): PollEntry[] {
    const first = entries.findIndex(({ index }) => index >= this.#nextIndex);
    this.#nextIndex = 0;
    return first <= 0 ? [...entries] : [...entries.slice(first), ...entries.slice(0, first)];
  }

  #poll(fds: Uint8Array, count: number): number {
    const { symbols } = this.#libc;
    let found = symbols.poll(fds, count, 0);
    while (found < 0 && symbols.errno() === EINTR) found = symbols.poll(fds, count, 0);
    return found;
  }

  #reserve(count: number): void {
    const capacity = this.#view.byteLength / POLLFD.size;
    if (count <= capacity) return;
    const grown = new Uint8Array(this.#view.byteLength * 2);
    grown.set(new Uint8Array(this.#view.buffer));
    this.#view = new DataView(grown.buffer);
  }

  #write(entry: PollEntry): void {
    const offset = entry.index * POLLFD.size;
    this.#view.setInt32(offset + POLLFD.fd, entry.fd, true);
    this.#view.setInt16(offset + POLLFD.events, POLLIN | POLLERR, true);
    this.#view.setInt16(offset + POLLFD.revents, 0, true);
  }
}
