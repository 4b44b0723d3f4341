import { describe, expect, test } from "bun:test";
import { type ScheduleAt, scheduleInTicks, scheduleOn } from "../../../src/client/time/pace.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const MS = 1e6;
/** When a `FakeClock` begins, in ms. */
const ORIGIN = 1000;

/** Asks for calls at these times, in ms, and notes when each came. */
async function calls(clock: FakeClock, scheduleAt: ScheduleAt, timesMs: readonly number[]) {
  const noted: [askedMs: number, atMs: number][] = [];
  for (const askedMs of timesMs)
    scheduleAt(askedMs * MS, () => noted.push([askedMs, clock.monotonicNs() / MS]));
  const timers = clock.pending;
  await clock.runUntilIdle();
  return { timers, noted };
}

describe("scheduleOn()", () => {
  test("calls each at its time, at once what is late", async () => {
    const clock = new FakeClock();
    const { timers, noted } = await calls(clock, scheduleOn(clock), [
      ORIGIN + 1.5,
      ORIGIN - 10,
      ORIGIN + 1,
    ]);
    expect(timers).toBe(3);
    expect(noted).toEqual([
      [ORIGIN - 10, ORIGIN],
      [ORIGIN + 1, ORIGIN + 1],
      [ORIGIN + 1.5, ORIGIN + 1.5],
    ]);
  });
});

describe("scheduleInTicks()", () => {
  test("calls what is due within a tick together at its end, in the order asked for, from one timer", async () => {
    const clock = new FakeClock();
    const times = [4.9, 0.1, 5, 5.1, 10].map((ms) => ORIGIN + ms);
    const { timers, noted } = await calls(clock, scheduleInTicks(clock, 5 * MS), times);
    expect(timers).toBe(2);
    expect(
      noted.map(([asked, at]) => [asked - ORIGIN, at - ORIGIN].map((ms) => +ms.toFixed(3))),
    ).toEqual([
      [4.9, 5],
      [0.1, 5],
      [5, 5],
      [5.1, 10],
      [10, 10],
    ]);
  });

  test("never calls early, nor later than a tick, whatever its length", async () => {
    for (const length of [0.3, 1, 3.7, 5]) {
      const clock = new FakeClock();
      const times = Array.from({ length: 100 }, (_, index) => ORIGIN + index * 0.77);
      const { noted } = await calls(clock, scheduleInTicks(clock, length * MS), times);
      expect(noted).toHaveLength(100);
      for (const [asked, at] of noted) expect(at - asked).toBeWithin(-1e-6, length + 1e-6);
    }
  });

  test("leaves out what was cancelled, and leaves no timer when that was all", async () => {
    const clock = new FakeClock();
    const scheduleAt = scheduleInTicks(clock, 5 * MS);
    const called: number[] = [];
    const at = (ORIGIN + 3) * MS;
    const cancels = [1, 2, 3].map((number) => scheduleAt(at, () => called.push(number)));
    cancels[1]?.();
    await clock.runUntilIdle();
    expect(called).toEqual([1, 3]);

    const later = at + 20 * MS;
    const both = [4, 5].map((number) => scheduleAt(later, () => called.push(number)));
    // Those of a tick that is over belong to no later one.
    for (const cancel of cancels) cancel();
    expect(clock.pending).toBe(1);
    for (const cancel of both) cancel();
    expect(clock.pending).toBe(0);
    await clock.runUntilIdle();
    expect(called).toEqual([1, 3]);

    scheduleAt(later, () => called.push(6));
    await clock.runUntilIdle();
    expect(called).toEqual([1, 3, 6]);
  });

  test("lets a call cancel another of its tick, and ask for the next", async () => {
    const clock = new FakeClock();
    const scheduleAt = scheduleInTicks(clock, 5 * MS);
    const called: [name: string, atMs: number][] = [];
    const note = (name: string) => called.push([name, clock.monotonicNs() / MS - ORIGIN]);
    let cancelSecond = (): void => {};
    scheduleAt((ORIGIN + 5) * MS, () => {
      note("first");
      cancelSecond();
      scheduleAt((ORIGIN + 5) * MS, () => note("due already"));
      scheduleAt((ORIGIN + 6) * MS, () => note("next"));
    });
    cancelSecond = scheduleAt((ORIGIN + 5) * MS, () => note("second"));
    await clock.runUntilIdle();
    expect(called).toEqual([
      ["first", 5],
      ["due already", 5],
      ["next", 10],
    ]);
  });
});
