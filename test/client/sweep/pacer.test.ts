import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Pacer } from "../../../src/client/sweep/pacer.ts";
import { RateControl, RateMeter } from "../../../src/client/sweep/rate-control.ts";

const MS = 1e6;

/** Sends all that may leave at each of `times`, and returns how many that were. */
function sendAt(pacer: Pacer, times: readonly number[]): number[] {
  return times.map((atNs) => {
    const count = pacer.allowance(atNs);
    pacer.take(count);
    return count;
  });
}

/** Times 0, step, 2 * step, ... up to `untilMs`, in ns. */
function every(stepMs: number, untilMs: number): number[] {
  return Array.from(
    { length: Math.floor(untilMs / stepMs) + 1 },
    (_, index) => index * stepMs * MS,
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

describe("Pacer", () => {
  test("waits for a nanosecond or more while nothing may leave", () => {
    const pacer = new Pacer(200, 1000 * MS);
    expect(sendAt(pacer, [1000 * MS, 1001 * MS])).toEqual([1, 0]);
    // 0.2 and 0.8 of a packet make a little less than one.
    expect(pacer.allowance(1005 * MS)).toBe(0);
    expect(pacer.delayNs(1005 * MS)).toBeGreaterThanOrEqual(1);
    expect(pacer.allowance(1005 * MS + 1)).toBe(1);
  });

  for (const rate of [1, 7, 100, 999, 10_000, 50_000, 1_000_000]) {
    test(`holds ${rate} a second within 1 % over a second, whatever the timer`, () => {
      for (const stepMs of [1, 2, 2.3, 5]) {
        const sent = sum(sendAt(new Pacer(rate, 0), every(stepMs, 1000)));
        // The first one leaves at the start of the second, as the first one of the next would.
        expect(sent).toBeGreaterThanOrEqual(Math.floor(rate * 0.99));
        expect(sent).toBeLessThanOrEqual(Math.ceil(rate * 1.01) + 1);
      }
    });
  }

  test("never sends more than 5 ms of the rate at once", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200_000 }),
        fc.array(fc.integer({ min: 0, max: 300 * MS }), { minLength: 1, maxLength: 50 }),
        (rate, gaps) => {
          const pacer = new Pacer(rate, 0);
          let nowNs = 0;
          for (const gapNs of gaps) {
            nowNs += gapNs;
            const count = pacer.allowance(nowNs);
            pacer.take(count);
            expect(count).toBeLessThanOrEqual(Math.ceil((rate * 5) / 1000));
          }
        },
      ),
    );
  });

  test("never sends more than 1.25 times the rate and 5 ms of it in any span", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 200_000 }),
        fc.array(fc.integer({ min: 0, max: 30 * MS }), { minLength: 2, maxLength: 40 }),
        (rate, gaps) => {
          const pacer = new Pacer(rate, 0);
          let nowNs = 0;
          const times = gaps.map((gapNs) => {
            nowNs += gapNs;
            return nowNs;
          });
          const counts = sendAt(pacer, times);
          for (const [from, start] of times.entries()) {
            for (let to = from; to < times.length; to++) {
              const spanNs = (times[to] ?? 0) - start;
              const most = 1.25 * rate * (spanNs / 1e9) + Math.ceil((rate * 5) / 1000);
              expect(sum(counts.slice(from, to + 1))).toBeLessThanOrEqual(most + 1e-6);
            }
          }
        },
      ),
    );
  });

  test("catches up what a late timer missed, up to 100 ms of it", () => {
    const times = every(2, 100).concat(every(2, 900).map((ns) => ns + 160 * MS));
    expect(sum(sendAt(new Pacer(10_000, 0), times))).toBeGreaterThan(10_600 * 0.99);
    const tooLate = every(2, 100).concat(every(2, 900).map((ns) => ns + 600 * MS));
    expect(sum(sendAt(new Pacer(10_000, 0), tooLate))).toBeLessThan(11_100 * 1.01);
  });

  test("tells how long to wait: 2 ms at high rates, until the next packet at low ones", () => {
    const fast = new Pacer(10_000, 0);
    fast.take(fast.allowance(0));
    expect(fast.delayNs(0)).toBeCloseTo(2 * MS, 0);
    const slow = new Pacer(10, 0);
    slow.take(slow.allowance(0));
    expect(slow.delayNs(0)).toBeCloseTo(100 * MS, 0);
    expect(slow.delayNs(60 * MS)).toBeCloseTo(40 * MS, 0);
  });

  test("without a rate everything may leave at any time", () => {
    const pacer = new Pacer(Number.POSITIVE_INFINITY, 0);
    pacer.take(1e9);
    expect(pacer.allowance(0)).toBe(Number.POSITIVE_INFINITY);
    expect(pacer.delayNs(0)).toBe(0);
    pacer.setRate(1000, 1e9);
    expect(pacer.allowance(1e9)).toBeLessThanOrEqual(1);
    expect(pacer.allowance(1.003e9)).toBe(4);
  });
});

describe("RateControl", () => {
  test("halves the rate when answers are dropped, once for each congestion, and recovers", () => {
    const pacer = new Pacer(10_000, 0);
    const control = new RateControl(pacer);
    control.onOverflow(9000, 1000 * MS);
    expect(pacer.rate).toBeCloseTo(4500, 6);
    control.onOverflow(9000, 1050 * MS);
    expect(pacer.rate).toBeCloseTo(4500, 6);
    control.onOverflow(4500, 1200 * MS);
    expect(pacer.rate).toBeCloseTo(2250, 6);
    let nowNs = 1200 * MS;
    for (const expected of [2812.5, 3515.625, 4394.53125]) {
      control.recover(nowNs + 200 * MS);
      nowNs += 250 * MS;
      control.recover(nowNs);
      expect(pacer.rate).toBeCloseTo(expected, 6);
    }
    for (let step = 1; step <= 10; step++) control.recover(nowNs + step * 250 * MS);
    expect(pacer.rate).toBeCloseTo(10_000, 6);
  });

  test("never goes below 100 a second, nor above what was asked for", () => {
    const pacer = new Pacer(150, 0);
    const control = new RateControl(pacer);
    for (let second = 1; second < 5; second++) control.onOverflow(pacer.rate, second * 1000 * MS);
    expect(pacer.rate).toBeCloseTo(100, 6);
    const slow = new Pacer(20, 0);
    new RateControl(slow).onOverflow(20, 1000 * MS);
    expect(slow.rate).toBeCloseTo(20, 6);
  });

  test("an unlimited sweep is slowed from what it did, and set free when it does four times as much", () => {
    const pacer = new Pacer(Number.POSITIVE_INFINITY, 0);
    const control = new RateControl(pacer);
    control.onOverflow(200_000, 0);
    expect(pacer.rate).toBeCloseTo(100_000, 3);
    let nowNs = 0;
    while (pacer.rate < Number.POSITIVE_INFINITY && nowNs < 60e9) {
      nowNs += 250 * MS;
      control.recover(nowNs);
    }
    expect(nowNs).toBeLessThan(5e9);
  });
});

describe("RateMeter", () => {
  test("tells the rate of the last quarter to half of a second", () => {
    const meter = new RateMeter(0);
    expect(meter.rate(0, 0)).toBe(0);
    for (let ms = 1; ms <= 1000; ms++) meter.note(ms * 5, ms * MS);
    expect(meter.rate(5000, 1000 * MS)).toBeCloseTo(5000, 6);
    // Half a second later nothing more has come.
    meter.note(5000, 1300 * MS);
    meter.note(5000, 1600 * MS);
    expect(meter.rate(5000, 1700 * MS)).toBe(0);
  });
});
