import { Ring } from "../ring.ts";

/** What {@link TextReader.read} says when there is no text: none yet, or none any more. */
export const PENDING: unique symbol = Symbol("pending");
export const END: unique symbol = Symbol("end");

/** Texts one at a time, without waiting. */
export interface TextReader {
  /** The next text. Throws what the iterable throws, and `TypeError` for what is no text. */
  read(): string | typeof PENDING | typeof END;
  /** Ends the reading; the iterable is told if it has not ended by itself. Never throws. */
  close(): void;
}

/** How many texts an {@link AsyncTextReader} holds at most. */
const READ_AHEAD = 256;

/** Reads an iterable, one text for each call. */
export class SyncTextReader implements TextReader {
  readonly #iterable: Iterable<unknown>;
  #iterator: Iterator<unknown> | undefined;
  #isOver = false;

  constructor(iterable: Iterable<unknown>) {
    this.#iterable = iterable;
  }

  read(): string | typeof END {
    if (this.#isOver) return END;
    this.#iterator ??= this.#iterable[Symbol.iterator]();
    const { done, value } = this.#iterator.next();
    if (!done) return checkText(value);
    this.#isOver = true;
    return END;
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#iterator?.return?.();
    } catch {
      // Nobody is left who could act on it.
    }
  }
}

/**
 * Reads an async iterable, up to {@link READ_AHEAD} texts ahead of who asks for them, and none
 * before the first is asked for.
 *
 * `onArrival` is called when texts have come, or the end, after `read()` had none to give: not for
 * the first text at once, but when as many are there as could be had without waiting for the system
 * (a chunk of a file holds thousands of lines, each of which is a promise of its own).
 */
export class AsyncTextReader implements TextReader {
  readonly #iterable: AsyncIterable<unknown>;
  readonly #onArrival: () => void;
  readonly #texts = new Ring<string>();
  #iterator: AsyncIterator<unknown> | undefined;
  #isReading = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(iterable: AsyncIterable<unknown>, onArrival: () => void) {
    this.#iterable = iterable;
    this.#onArrival = onArrival;
  }

  read(): string | typeof PENDING | typeof END {
    const text = this.#texts.shift();
    if (text !== undefined) return text;
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isOver) return END;
    if (!this.#isReading) void this.#readAhead();
    return PENDING;
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#texts.clear();
    // A generator that waits for its source answers this only when that has come: nobody waits for
    // it.
    void Promise.try(() => this.#iterator?.return?.()).catch(() => {});
  }

  async #readAhead(): Promise<void> {
    this.#isReading = true;
    try {
      this.#iterator ??= this.#iterable[Symbol.asyncIterator]();
      while (!this.#isOver && this.#texts.length < READ_AHEAD) {
        const { done, value } = await this.#iterator.next();
        if (this.#isOver) return;
        if (done) this.#isOver = true;
        else this.#texts.push(checkText(value));
        if (this.#texts.length === 1) setImmediate(this.#onArrival);
      }
    } catch (error) {
      this.#isOver = true;
      this.#failure = { error };
    } finally {
      this.#isReading = false;
    }
    this.#onArrival();
  }
}

/** @throws TypeError unless `value` is a text. */
export function checkText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(`Invalid target ${String(value)}: need a text, have ${typeof value}`);
}
