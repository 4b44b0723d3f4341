import type { PollEntry } from "./poll-set.ts";

type Timer = ReturnType<typeof setTimeout>;

const FIRST_LOOK_MS = 1;

/**
 * Looks from a timer, again and again, while anything is expected. It does not keep the process
 * alive.
 */
export class Lookout {
  readonly #look: (count: number) => number;
  readonly #expecting = new Set<PollEntry>();
  #timer: Timer | undefined;
  /** How many looks there were since something began to be expected. */
  #count = 0;

  /**
   * @param look takes the number of this look, and returns how many milliseconds later the next one
   * is.
   */
  constructor(look: (count: number) => number) {
    this.#look = look;
  }

  /** Says whether something is expected on a descriptor. */
  setExpecting(entry: PollEntry, isExpecting: boolean): void {
    if (isExpecting) this.#expecting.add(entry);
    else this.#expecting.delete(entry);
    if (this.#expecting.size === 0) this.stop();
    else if (this.#timer === undefined) this.#wait(FIRST_LOOK_MS);
  }

  /** Expects nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#expecting.clear();
    this.#count = 0;
  }

  #wait(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#count += 1;
      const nextMs = this.#look(this.#count);
      // A look reads, and what it reads may end the waiting or begin another.
      if (this.#expecting.size > 0 && this.#timer === undefined) this.#wait(nextMs);
    }, delayMs);
    this.#timer.unref();
  }
}
