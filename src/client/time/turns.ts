/** The longest run of back-to-back turns before a pause. */
const LONGEST_CHAIN_MS = 100;

/**
 * Turns of the event loop that follow each other at once, but for a pause of 2 ms every 100 ms.
 *
 * Bun 1.4.5 ends a process for an error that nobody caught when it finds, after a turn, that no
 * immediate is pending. During an unpaced sweep, or when more is due than there is time for, one
 * always is. A single timer would not do: what it calls in a turn asks for the next one before Bun
 * looks.
 */
export class Turns {
  /** Callbacks that wait for their turn or have it. */
  #pending = 0;
  #sinceMs = 0;
  #mustPause = false;
  readonly #nowMs: () => number;

  /** @param nowMs a clock that never steps, in milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Calls `callback` in the next turn, or after a pause. Returns a function that cancels it. */
  schedule(callback: () => void): () => void {
    if (this.#pending > 0 && this.#nowMs() > this.#sinceMs + LONGEST_CHAIN_MS)
      this.#mustPause = true;
    return this.#mustPause ? afterPause(callback) : this.#atOnce(callback);
  }

  #atOnce(callback: () => void): () => void {
    if (this.#pending === 0) this.#sinceMs = this.#nowMs();
    this.#pending += 1;
    let isWaiting = true;
    const immediate = setImmediate(() => {
      isWaiting = false;
      try {
        callback();
      } finally {
        this.#end();
      }
    });
    return () => {
      if (!isWaiting) return;
      isWaiting = false;
      clearImmediate(immediate);
      this.#end();
    };
  }

  #end(): void {
    this.#pending -= 1;
    // All others pause as well by now.
    if (this.#pending === 0) this.#mustPause = false;
  }
}

function afterPause(callback: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(callback, 1);
  }, 1);
  return () => clearTimeout(timer);
}
