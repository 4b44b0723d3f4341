import { constants, openSync, write, writeSync } from "node:fs";
import { CLOSED_PIPE, type Output } from "./host.ts";

/** How soon a terminal that took nothing is tried again, in milliseconds. */
const RETRY_MS = 25;
/**
 * What a terminal that stands still may owe us, in bytes. Later lines are counted instead of kept.
 */
const MAX_PENDING = 1 << 20;

/** What is asked of the stream that the runtime made for a terminal: its size. */
export type TerminalSize = Pick<NodeJS.WriteStream, "columns" | "rows" | "on" | "off">;

/**
 * Opens the terminal behind a descriptor once more, for writing that does not block: the runtime's
 * own stream blocks the event loop, and every probe with it, for as long as the terminal stands
 * still (Ctrl-S, a slow line).
 *
 * @returns undefined where the terminal may not be opened (another user's, after su(1)).
 */
export function openTerminal(size: TerminalSize, fd: number): Output | undefined {
  try {
    // A description of its own: O_NONBLOCK on the inherited one would reach the shell, too
    // (open(2)).
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return new TerminalOutput(size, transferNow(openSync(`/proc/self/fd/${fd}`, flags)));
  } catch {
    return undefined;
  }
}

/**
 * Writes to the terminal behind a descriptor on another thread, which may wait for as long as the
 * terminal stands still. For the terminal of another user, which cannot be opened once more.
 */
export function borrowTerminal(size: TerminalSize, fd: number): Output {
  let transfer: Transfer = (bytes, done) => write(fd, bytes, 0, bytes.length, null, done);
  // Nothing happens later any more. What a command writes at its end gives the screen back.
  process.once("exit", () => {
    transfer = transferNow(fd);
  });
  return new TerminalOutput(size, (bytes, done) => transfer(bytes, done));
}

/** Hands bytes over, and tells how many were taken, at once or later. */
type Transfer = (bytes: Uint8Array, done: (error: Error | null, taken: number) => void) => void;

function transferNow(fd: number): Transfer {
  return (bytes, done) => {
    let taken: number;
    try {
      taken = writeSync(fd, bytes);
    } catch (error) {
      done(error as Error, 0);
      return;
    }
    done(null, taken);
  };
}

/**
 * Output to a terminal, which never waits for it. What the terminal does not take stays here, up to
 * 1 MiB; beyond that whole writes are left out, and a line tells how many.
 */
class TerminalOutput implements Output {
  readonly isTerminal = true;
  readonly #size: TerminalSize;
  readonly #transfer: Transfer;
  #pending: Uint8Array = new Uint8Array(0);
  #omitted = 0;
  #isTransferring = false;
  #isGone = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];

  constructor(size: TerminalSize, transfer: Transfer) {
    this.#size = size;
    this.#transfer = transfer;
  }

  get columns(): number | undefined {
    // A serial line says 0.
    return this.#size.columns > 0 ? this.#size.columns : undefined;
  }

  get rows(): number | undefined {
    return this.#size.rows > 0 ? this.#size.rows : undefined;
  }

  get isBusy(): boolean {
    return this.#pending.length > 0;
  }

  write(text: string): void {
    if (this.#isGone) return;
    if (this.#pending.length > MAX_PENDING) {
      this.#omitted += 1;
      return;
    }
    const bytes = new TextEncoder().encode(text);
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    if (this.#timer === undefined && !this.#isTransferring) this.#drain();
  }

  flush(): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  onResize(listener: () => void): () => void {
    this.#size.on("resize", listener);
    return () => this.#size.off("resize", listener);
  }

  readonly #drain = (): void => {
    this.#timer = undefined;
    if (this.#pending.length > 0) {
      this.#isTransferring = true;
      this.#transfer(this.#pending, this.#onTransferred);
      return;
    }
    if (this.#omitted > 0) {
      const count = this.#omitted;
      this.#omitted = 0;
      this.write(`[${count} lines left out: the terminal stood still]\n`);
      return;
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  };

  readonly #onTransferred = (error: Error | null, taken: number): void => {
    this.#isTransferring = false;
    if (error === null) {
      this.#pending = this.#pending.subarray(taken);
      this.#drain();
      return;
    }
    if (!isFull(error)) this.#leave();
    this.#timer = setTimeout(this.#drain, RETRY_MS);
  };

  /** The window was closed. What runs at the exit of the process may write once more. */
  #leave(): never {
    this.#isGone = true;
    this.#pending = new Uint8Array(0);
    process.exit(CLOSED_PIPE);
  }
}

function isFull(error: Error): boolean {
  return "code" in error && (error.code === "EAGAIN" || error.code === "EINTR");
}
