import { constants, openSync, writeSync } from "node:fs";
import { CLOSED_PIPE, type Output } from "./host.ts";

/** How soon a terminal that took nothing is tried again, in milliseconds. */
const RETRY_MS = 25;
/** What a terminal that stands still may owe us, in bytes. Later lines are counted instead of kept. */
const MAX_PENDING = 1 << 20;

/** What is asked of the stream that the runtime made for a terminal: its size. */
export type TerminalSize = Pick<NodeJS.WriteStream, "columns" | "rows" | "on" | "off">;

/**
 * Opens the terminal behind a descriptor once more, for writing that does not block: the runtime's own stream blocks the event
 * loop, and every probe with it, for as long as the terminal stands still (Ctrl-S, a slow line).
 *
 * @returns undefined where the terminal may not be opened (another user's, after su(1)).
 */
export function openTerminal(size: TerminalSize, fd: number): Output | undefined {
  try {
    // A description of its own: O_NONBLOCK on the inherited one would reach the shell, too (open(2)).
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return new TerminalOutput(size, openSync(`/proc/self/fd/${fd}`, flags));
  } catch {
    return undefined;
  }
}

/**
 * Output to a terminal through a descriptor that does not block. What the terminal does not take stays here, up to 1 MiB;
 * beyond that whole writes are left out, and a line tells how many.
 */
export class TerminalOutput implements Output {
  readonly isTerminal = true;
  readonly #size: TerminalSize;
  readonly #fd: number;
  #pending: Uint8Array = new Uint8Array(0);
  #omitted = 0;
  #isGone = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];

  constructor(size: TerminalSize, fd: number) {
    this.#size = size;
    this.#fd = fd;
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
    if (this.#timer === undefined) this.#drain();
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
    try {
      while (this.#pending.length > 0)
        this.#pending = this.#pending.subarray(writeSync(this.#fd, this.#pending));
    } catch (error) {
      if (!isFull(error)) this.#leave();
      this.#timer = setTimeout(this.#drain, RETRY_MS);
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

  /** The window was closed. What runs at the exit of the process may write once more. */
  #leave(): never {
    this.#isGone = true;
    this.#pending = new Uint8Array(0);
    process.exit(CLOSED_PIPE);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EAGAIN" || error.code === "EINTR");
}
