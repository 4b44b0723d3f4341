import type { Output } from "./host.ts";

/**
 * Tells when to wait for a slow reader of a pipe, so that what may be millions of lines is not
 * kept.
 */
export class Unread {
  readonly #output: Output;
  readonly #most: number;
  /** Characters written since the reader was last known to have taken all. */
  #count = 0;

  /** @param most after this many characters it looks whether the reader keeps up */
  constructor(output: Output, most: number) {
    this.#output = output;
    this.#most = most;
  }

  /** So many characters were written. */
  add(count: number): void {
    this.#count += count;
  }

  /**
   * Returns a promise when the reader of the pipe lags behind. A terminal that stands still holds
   * up nothing: it leaves lines out.
   */
  pause(): Promise<void> | undefined {
    if (this.#count < this.#most || this.#output.isTerminal) return undefined;
    this.#count = 0;
    return this.#output.isBusy ? this.#output.flush() : undefined;
  }
}
