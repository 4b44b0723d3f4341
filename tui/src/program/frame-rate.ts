/**
 * Milliseconds between two drawings for the sake of measurements; keys and the mouse are answered
 * at once. Half of them cost two per cent of a core more (four sessions, each ten times a second),
 * and nobody reads faster.
 */
const DRAW_INTERVAL_MS = 200;

/** What a pace is made with. */
export interface PaceOptions {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `callback` once, `ms` milliseconds from now; returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void;
  draw(): void;
}

/**
 * When the screen is drawn: at once for who uses it, now and then for measurements, and not at all
 * while it is frozen.
 */
export class Pace {
  readonly #options: PaceOptions;
  #cancelDraw: (() => void) | undefined;
  #drawnAtMs = 0;
  #isFrozen = false;
  #isClosed = false;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Whether the screen stands still. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Results have come: they are drawn together with those that follow shortly. */
  drawSoon(): void {
    if (this.#cancelDraw !== undefined || this.#isClosed || this.#isFrozen) return;
    const { now, after } = this.#options;
    const wait = Math.min(
      DRAW_INTERVAL_MS,
      Math.max(0, this.#drawnAtMs + DRAW_INTERVAL_MS - now()),
    );
    this.#cancelDraw = after(wait, () => this.drawNow());
  }

  drawNow(): void {
    if (this.#isClosed || this.#isFrozen) return;
    this.#cancelDraw?.();
    this.#cancelDraw = undefined;
    this.#drawnAtMs = this.#options.now();
    this.#options.draw();
  }

  /** Leaves the screen as it is. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Lets the screen go on. Returns whether it stood still. */
  thaw(): boolean {
    const wasFrozen = this.#isFrozen;
    this.#isFrozen = false;
    return wasFrozen;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelDraw?.();
  }
}
