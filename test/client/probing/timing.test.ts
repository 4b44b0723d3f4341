import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { timeArrival } from "../../../src/client/probing/timing.ts";
import { clockStepped, type Instant } from "../../../src/client/time/clock.ts";

const MS = 1e6;
const HOUR_MS = 3_600_000;

// Departure: 1 s on the monotonic scale, 5 s on the real-time scale. All below is in milliseconds
// after it.
const MONOTONIC_MS = 1000;
const REALTIME_MS = 5000;
const AT: Instant = { monotonicNs: MONOTONIC_MS * MS, realtimeNs: REALTIME_MS * MS };

function realtimeNs(ms: number | null): number | null {
  return ms === null ? null : Math.round((REALTIME_MS + ms) * MS);
}

/** `timeArrival()` in milliseconds: read after `now`, by when the clock had been set by `step`. */
function timed(tx: number | null, rx: number | null, { now = 40, step = 0 } = {}) {
  const read = {
    monotonicNs: Math.round((MONOTONIC_MS + now) * MS),
    realtimeNs: realtimeNs(now + step) as number,
  };
  const timing = timeArrival({ at: AT, stampNs: realtimeNs(tx) }, realtimeNs(rx), read);
  const { monotonicNs, realtimeNs: receivedNs } = timing.receivedAt;
  return {
    rtt: timing.rttNs / MS,
    source: timing.source,
    received: monotonicNs / MS - MONOTONIC_MS,
    receivedReal: receivedNs / MS - REALTIME_MS,
  };
}

describe("timeArrival()", () => {
  // rtt, source, received (monotonic), receivedReal
  const rows: [
    name: string,
    given: Parameters<typeof timed>,
    rtt: number,
    source: "kernel" | "user",
    received: number,
    receivedReal: number,
  ][] = [
    ["both stamps", [2, 32], 30, "kernel", 32, 32],
    ["both stamps the same", [32, 32], 0, "kernel", 32, 32],
    ["both stamps, read at once", [0, 40], 40, "kernel", 40, 40],
    ["no receive stamp", [2, null], 38, "user", 40, 40],
    ["no receive stamp, transmit stamp before the departure", [-3, null], 40, "user", 40, 40],
    ["no receive stamp, transmit stamp after the reading", [50, null], 0, "user", 40, 40],
    ["no transmit stamp", [null, 32], 32, "user", 32, 32],
    ["no stamp", [null, null], 40, "user", 40, 40],
    ["received before transmitted", [35, 32], 32, "user", 32, 32],
    ["transmitted before the departure", [-20, 32], 32, "user", 32, 32],
    ["received after it was read", [2, 45], 40, "user", 40, 45],
    ["received before the departure", [2, -10], 0, "user", 0, -10],
    ["received before the departure, no transmit stamp", [null, -10], 0, "user", 0, -10],
    ["noise of reading two clocks", [2, 32.05, { step: 0.05 }], 30.05, "kernel", 32, 32.05],

    ["+1 h before arrival", [2, 32 + HOUR_MS, { step: HOUR_MS }], 32, "user", 32, 32 + HOUR_MS],
    ["+1 h after arrival", [2, 32, { step: HOUR_MS }], 32, "user", 32, 32 + HOUR_MS],
    ["-1 h before arrival", [2, 32 - HOUR_MS, { step: -HOUR_MS }], 32, "user", 32, 32 - HOUR_MS],
    ["-1 h after arrival", [2, 32, { step: -HOUR_MS }], 32, "user", 32, 32 - HOUR_MS],
    ["+1 h, no receive stamp", [2, null, { step: HOUR_MS }], 40, "user", 40, 40 + HOUR_MS],
    // The transmit stamp may lie on either side of the step: it is not used.
    [
      "+1 h before transmission",
      [2 + HOUR_MS, 32 + HOUR_MS, { step: HOUR_MS }],
      32,
      "user",
      32,
      32 + HOUR_MS,
    ],

    // Both sides of the step are possible: only the time of reading is certain.
    ["+5 ms before arrival", [2, 37, { step: 5 }], 40, "user", 40, 45],
    ["+5 ms after arrival", [2, 32, { step: 5 }], 40, "user", 40, 45],
    ["-5 ms before arrival", [2, 27, { step: -5 }], 40, "user", 40, 35],
    ["-5 ms after arrival", [2, 32, { step: -5 }], 40, "user", 40, 35],
    // One side would put it outside the flight.
    ["+5 ms before a late arrival", [2, 43, { step: 5 }], 38, "user", 38, 43],
    ["-5 ms after a late arrival", [2, 38, { step: -5 }], 38, "user", 38, 33],
    ["+5 ms after an early arrival", [1, 3, { step: 5 }], 3, "user", 3, 8],
    ["-5 ms before an early arrival", [1, -2, { step: -5 }], 3, "user", 3, -2],
    [
      "a stamp that no step explains",
      [2, 10 * HOUR_MS, { step: HOUR_MS }],
      40,
      "user",
      40,
      40 + HOUR_MS,
    ],
  ];
  test.each(rows)("%s", (_, given, rtt, source, received, receivedReal) => {
    const timing = timed(...given);
    expect(timing.source).toBe(source);
    expect(timing.rtt).toBeCloseTo(rtt, 5);
    expect(timing.received).toBeCloseTo(received, 5);
    expect(timing.receivedReal).toBeCloseTo(receivedReal, 5);
  });

  const ns = fc.integer({ min: -10_000 * MS, max: 10_000 * MS });
  const duration = fc.integer({ min: 0, max: 5000 * MS });

  test("never gives an RTT below zero or above the time that passed, whatever the stamps", () => {
    fc.assert(
      fc.property(
        fc.option(ns),
        fc.option(ns),
        duration,
        fc.oneof(fc.constant(0), ns),
        (tx, rx, elapsed, step) => {
          const now = {
            monotonicNs: AT.monotonicNs + elapsed,
            realtimeNs: AT.realtimeNs + elapsed + step,
          };
          const absolute = (stamp: number | null) =>
            stamp === null ? null : AT.realtimeNs + stamp;
          const timing = timeArrival({ at: AT, stampNs: absolute(tx) }, absolute(rx), now);
          expect(timing.rttNs).toBeGreaterThanOrEqual(0);
          expect(timing.rttNs).toBeLessThanOrEqual(elapsed);
          expect(timing.receivedAt.monotonicNs).toBeGreaterThanOrEqual(AT.monotonicNs);
          expect(timing.receivedAt.monotonicNs).toBeLessThanOrEqual(now.monotonicNs);
          if (timing.source === "kernel") {
            expect(clockStepped(AT, now)).toBe(false);
            expect(timing.rttNs).toBe((rx as number) - (tx as number));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  /**
   * What the clocks would show if the clock were set by `step` at `stepAt`, all counted from the
   * departure.
   */
  interface Journey {
    readonly sent: number;
    readonly arrived: number;
    readonly read: number;
    readonly stepAt: number;
    readonly step: number;
  }
  const journey = fc
    .tuple(duration, duration, duration, duration, fc.integer({ min: -7200_000, max: 7200_000 }))
    .map(([sent, flight, wait, stepAt, stepMs]): Journey => {
      const read = sent + flight + wait;
      return { sent, arrived: sent + flight, read, stepAt: stepAt % (read + 1), step: stepMs * MS };
    });
  const shown = (at: number, { stepAt, step }: Journey) =>
    AT.realtimeNs + at + (at >= stepAt ? step : 0);

  test("gives the time in the network exactly, unless the clock was set", () => {
    fc.assert(
      fc.property(journey, ({ sent, arrived, read }) => {
        const now = { monotonicNs: AT.monotonicNs + read, realtimeNs: AT.realtimeNs + read };
        const tx = AT.realtimeNs + sent;
        const rx = AT.realtimeNs + arrived;
        expect(timeArrival({ at: AT, stampNs: tx }, rx, now).rttNs).toBe(arrived - sent);
        expect(timeArrival({ at: AT, stampNs: null }, rx, now).rttNs).toBe(arrived);
        expect(timeArrival({ at: AT, stampNs: tx }, null, now).rttNs).toBe(read - sent);
      }),
    );
  });

  test("when the clock was set in flight, gives the time from departure to arrival, or else to reading", () => {
    fc.assert(
      fc.property(journey, (flight) => {
        fc.pre(flight.step !== 0);
        const { sent, arrived, read } = flight;
        const now = { monotonicNs: AT.monotonicNs + read, realtimeNs: shown(read, flight) };
        const timing = timeArrival(
          { at: AT, stampNs: shown(sent, flight) },
          shown(arrived, flight),
          now,
        );
        expect(timing.source).toBe("user");
        expect([arrived, read]).toContain(timing.rttNs);
        // A step longer than the flight can lie on one side only.
        if (Math.abs(flight.step) > read) expect(timing.rttNs).toBe(arrived);
      }),
      { numRuns: 1000 },
    );
  });
});
