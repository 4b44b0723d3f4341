import { describe, expect, test } from "bun:test";
import {
  type Clock,
  clockStepped,
  readInstant,
  sleepUntil,
  unixMs,
} from "../../../src/client/time/clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const US = 1000;

/** A clock whose readings come from a list: monotonic and real time in turn, as they are read. */
function reading(
  monotonic: readonly number[],
  realtime: readonly number[],
): Clock & { reads: number } {
  const left = { monotonic: [...monotonic], realtime: [...realtime] };
  const take = (list: number[]): number => {
    const value = list.shift();
    if (value === undefined) throw new Error("Read more often than expected");
    return value;
  };
  return {
    epochMs: 0,
    reads: 0,
    monotonicNs: () => take(left.monotonic),
    realtimeNs() {
      this.reads += 1;
      return take(left.realtime);
    },
    schedule: () => () => {},
  };
}

describe("readInstant()", () => {
  test("takes two readings that lie close together", () => {
    const clock = reading([1000, 1000 + 20 * US], [7000]);
    expect(readInstant(clock)).toEqual({ monotonicNs: 1000, realtimeNs: 7000 });
  });

  test("reads again when another task ran in between", () => {
    const clock = reading([0, 21 * US, 22 * US], [5 * US, 21.5 * US]);
    expect(readInstant(clock)).toEqual({ monotonicNs: 21 * US, realtimeNs: 21.5 * US });
  });

  test("makes do with what it has after four attempts", () => {
    const clock = reading([0, 100 * US, 200 * US, 300 * US, 400 * US], [1, 2, 3, 4]);
    expect(readInstant(clock)).toEqual({ monotonicNs: 300 * US, realtimeNs: 4 });
    expect(clock.reads).toBe(4);
  });
});

describe("clockStepped()", () => {
  const earlier = { monotonicNs: 1e9, realtimeNs: 5e9 };
  const after = (ns: number, stepNs: number) => ({
    monotonicNs: 1e9 + ns,
    realtimeNs: 5e9 + ns + stepNs,
  });
  test.each([
    ["nothing", 3e9, 0, false],
    ["noise forward", 3e9, 100 * US, false],
    ["noise back", 3e9, -100 * US, false],
    ["a step forward", 3e9, 101 * US, true],
    ["a step back", 3e9, -101 * US, true],
    ["an hour", 0, 3600e9, true],
  ])("sees %s", (_, ns, stepNs, stepped) => {
    expect(clockStepped(earlier, after(ns, stepNs))).toBe(stepped);
  });
});

describe("unixMs()", () => {
  test("counts from 1970", () => {
    const clock = new FakeClock();
    expect(unixMs(clock, 1_500_000)).toBe(Date.UTC(2024, 0, 1) + 1.5);
  });
});

describe("sleepUntil()", () => {
  /** Whether it is over by now, and a signal to end it with. */
  function sleep(clock: FakeClock, atNs: number) {
    const controller = new AbortController();
    const state = { woken: false, abort: () => controller.abort() };
    sleepUntil(clock, atNs, controller.signal).then(() => {
      state.woken = true;
    });
    return state;
  }

  test("wakes at the moment given, and not before", async () => {
    const clock = new FakeClock();
    const state = sleep(clock, clock.monotonicNs() + 5e6);
    await clock.advance(4.999999);
    expect(state.woken).toBe(false);
    await clock.advance(0.000001);
    expect(state.woken).toBe(true);
  });

  test("does not sleep when that moment is past", async () => {
    const clock = new FakeClock();
    const state = sleep(clock, clock.monotonicNs());
    expect(clock.pending).toBe(0);
    await clock.advance(0);
    expect(state.woken).toBe(true);
  });

  test("wakes without an error when the signal aborts, and leaves no timer", async () => {
    const clock = new FakeClock();
    const state = sleep(clock, clock.monotonicNs() + 5e9);
    state.abort();
    await clock.advance(0);
    expect(state.woken).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test("does not sleep under a signal that was aborted before", async () => {
    const clock = new FakeClock();
    await sleepUntil(clock, clock.monotonicNs() + 5e9, AbortSignal.abort());
    expect(clock.pending).toBe(0);
  });

  test("leaves no listener on a signal that lives on", async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    const slept = sleepUntil(clock, clock.monotonicNs() + 1e6, signal);
    expect(listeners).toBe(1);
    await clock.advance(1);
    await slept;
    expect(listeners).toBe(0);
  });
});
