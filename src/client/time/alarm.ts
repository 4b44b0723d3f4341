import type { Clock } from "./clock.ts";

/** One timer for whatever is due next. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: { readonly atNs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `atNs` (monotonic), unless it does before. */
  set(atNs: number): void {
    if (this.#timer !== undefined && this.#timer.atNs <= atNs) return;
    this.cancel();
    const delayNs = Math.max(0, atNs - this.#clock.monotonicNs());
    const cancel = this.#clock.schedule(delayNs, () => {
      this.#timer = undefined;
      this.#ring();
    });
    this.#timer = { atNs, cancel };
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
