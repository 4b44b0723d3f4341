/** Whether a run may send: a paused one may not. */
export interface Gate {
  readonly isPaused: boolean;
  /** Calls `callback` after each change, until the returned function is called. */
  onChange(callback: () => void): () => void;
}

/** The gate of one run. It is open at first. */
export class PauseGate implements Gate {
  readonly #callbacks = new Set<() => void>();
  #isPaused = false;

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set isPaused(isPaused: boolean) {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    for (const callback of this.#callbacks) callback();
  }

  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }
}

/** What can be paused. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Pauses and resumes `part` with the gate, until the returned function is called. */
export function heedGate(gate: Gate, part: Pausable): () => void {
  if (gate.isPaused) part.pause();
  return gate.onChange(() => (gate.isPaused ? part.pause() : part.resume()));
}
