import type { Clock } from "./clock.ts";

/** Calls `callback` once, no sooner than `atNs` (monotonic). Returns a function that cancels it. */
export type ScheduleAt = (atNs: number, callback: () => void) => () => void;

/** How a run that sends in ticks, or does not, keeps time. */
export interface Pace {
  readonly scheduleAt: ScheduleAt;
  /** How long answers may wait to be read, at most; 0 for not at all. */
  readonly patienceNs: number;
}

/** Everything at its time, and answers read as they come. */
export function promptPace(clock: Clock): Pace {
  return { scheduleAt: scheduleOn(clock), patienceNs: 0 };
}

/**
 * All that is due within the same `tickNs` at its end. Each tick reads what came since the one
 * before; without one, a timer does.
 */
export function tickingPace(clock: Clock, tickNs: number): Pace {
  return { scheduleAt: scheduleInTicks(clock, tickNs), patienceNs: 2 * tickNs };
}

/** A timer of its own for each call. */
export function scheduleOn(clock: Clock): ScheduleAt {
  return (atNs, callback) => clock.schedule(Math.max(0, atNs - clock.monotonicNs()), callback);
}

/** What is done when a tick comes. */
interface Tick {
  readonly calls: { callback: (() => void) | undefined }[];
  /** How many of them are not cancelled. */
  waiting: number;
  cancel(): void;
}

/**
 * One timer for all that is due within the same `lengthNs`, which is done at their end, in the
 * order in which it was asked for.
 *
 * For each turn of the event loop the processor has to be woken up, and begins with cold caches: of
 * 1,000 probes a second, a turn takes some 400 us besides what each of its probes does.
 */
export function scheduleInTicks(clock: Clock, lengthNs: number): ScheduleAt {
  const ticks = new Map<number, Tick>();
  const scheduleAt = scheduleOn(clock);

  const open = (number: number): Tick => {
    const cancel = scheduleAt(number * lengthNs, () => {
      ticks.delete(number);
      for (const { callback } of tick.calls) callback?.();
    });
    const tick: Tick = { calls: [], waiting: 0, cancel };
    ticks.set(number, tick);
    return tick;
  };

  return (atNs, callback) => {
    const number = Math.ceil(atNs / lengthNs);
    const tick = ticks.get(number) ?? open(number);
    const call: Tick["calls"][number] = { callback };
    tick.calls.push(call);
    tick.waiting += 1;
    return () => {
      if (call.callback === undefined) return;
      call.callback = undefined;
      tick.waiting -= 1;
      if (tick.waiting > 0 || ticks.get(number) !== tick) return;
      ticks.delete(number);
      tick.cancel();
    };
  };
}
