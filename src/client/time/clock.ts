/**
 * The only source of time in `client/`. All times are nanoseconds in doubles that hold them
 * exactly. Two scales, never mixed: monotonic (deadlines, schedules) and real time (the scale of
 * kernel packet stamps).
 */
export interface Clock {
  /** Milliseconds since 1970 at which the real-time scale has its zero. */
  readonly epochMs: number;
  /** CLOCK_MONOTONIC, in nanoseconds from an arbitrary origin. */
  monotonicNs(): number;
  /**
   * CLOCK_REALTIME, in nanoseconds on the same scale as the stamps that a `Socket` reports. May
   * step.
   */
  realtimeNs(): number;
  /**
   * Calls `callback` once, no sooner than `delayNs` from now. Returns a function that cancels it.
   */
  schedule(delayNs: number, callback: () => void): () => void;
}

/** Nanoseconds in a millisecond. */
export const NS_PER_MS = 1_000_000;

/** Resolves at `atNs` (monotonic), or as soon as `signal` aborts; never rejects. */
export function sleepUntil(
  clock: Pick<Clock, "monotonicNs" | "schedule">,
  atNs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const delayNs = atNs - clock.monotonicNs();
    if (signal.aborted || delayNs <= 0) {
      resolve();
      return;
    }
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.schedule(delayNs, finish);
    signal.addEventListener("abort", finish);
  });
}

/** The same moment on both scales. */
export interface Instant {
  readonly monotonicNs: number;
  readonly realtimeNs: number;
}

/** Two readings further apart than this are not one moment: another task ran in between. */
const SIMULTANEOUS_NS = 20_000;

/**
 * Reads both clocks as one moment. The offset between the two scales changes only when the
 * real-time clock is stepped (slewing moves both alike), so two instants tell whether a step lies
 * between them.
 */
export function readInstant(clock: Clock): Instant {
  let before = clock.monotonicNs();
  for (let attempt = 0; ; attempt++) {
    const realtimeNs = clock.realtimeNs();
    const after = clock.monotonicNs();
    if (after - before <= SIMULTANEOUS_NS || attempt === 3)
      return { monotonicNs: before, realtimeNs };
    before = after;
  }
}

/** Steps smaller than this cannot be told from the noise of reading two clocks. */
const STEP_NS = 100_000;

/** Whether the real-time clock was stepped between two instants. */
export function clockStepped(earlier: Instant, later: Instant): boolean {
  const drift = later.realtimeNs - later.monotonicNs - (earlier.realtimeNs - earlier.monotonicNs);
  return Math.abs(drift) > STEP_NS;
}

/** A moment on the real-time scale as milliseconds since 1970. */
export function unixMs(clock: Clock, realtimeNs: number): number {
  return clock.epochMs + realtimeNs / NS_PER_MS;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keeps the process alive until the returned function is called; a pending promise does not. */
export function holdProcess(): () => void {
  const timer = setInterval(() => {}, LONGEST_TIMER_MS);
  return () => clearInterval(timer);
}
