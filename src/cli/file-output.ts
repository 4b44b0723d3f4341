import { fstatSync, write } from "node:fs";
import type { Output } from "./host.ts";

/** How soon a descriptor that does not block, and is full, is tried again, in milliseconds. */
const RETRY_MS = 10;

/**
 * Output to a pipe, a socket or a file. It is written on another thread, so a reader that takes its
 * time holds up nothing here, and `flush()` tells when the system has all of it.
 *
 * The runtime's own stream does not: with a slow reader its `write()` calls back at once and its
 * `writableLength` stays 0 (Bun 1.4.5), so a process that then exits loses all but the 64 KiB that
 * fit into the pipe.
 */
export class FileOutput implements Output {
  readonly isTerminal = false;
  readonly columns: number | undefined = undefined;
  readonly rows: number | undefined = undefined;
  readonly #fd: number;
  readonly #onError: (error: Error) => void;
  /** What is not being written yet. */
  #texts: string[] = [];
  #isWriting = false;
  #waiting: (() => void)[] = [];

  /**
   * @param onError called when the descriptor takes no more; nothing is written after that, and
   * nobody is told.
   */
  constructor(fd: number, onError: (error: Error) => void) {
    this.#fd = fd;
    this.#onError = onError;
  }

  get isBusy(): boolean {
    return this.#isWriting;
  }

  write(text: string): void {
    this.#texts.push(text);
    if (!this.#isWriting) this.#writeAll();
  }

  flush(): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  onResize(): () => void {
    return () => {};
  }

  #writeAll(): void {
    const bytes = new TextEncoder().encode(this.#texts.join(""));
    this.#texts = [];
    this.#isWriting = bytes.length > 0;
    if (this.#isWriting) this.#writeFrom(bytes);
    else for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #writeFrom(bytes: Uint8Array): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error !== null && error.code !== "EAGAIN" && error.code !== "EINTR") this.#onError(error);
      else if (error !== null) setTimeout(() => this.#writeFrom(bytes), RETRY_MS);
      else if (written < bytes.length) this.#writeFrom(bytes.subarray(written));
      else this.#writeAll();
    });
  }
}

/**
 * Whether two descriptors lead to the same place, so that what is written to both must keep its
 * order.
 */
export function isSameFile(one: number, other: number): boolean {
  const [first, second] = [fstatSync(one), fstatSync(other)];
  return first.dev === second.dev && first.ino === second.ino;
}
