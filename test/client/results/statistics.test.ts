import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Statistics, type StatisticsSnapshot } from "../../../src/client/results/statistics.ts";

const NOTHING: StatisticsSnapshot = {
  sent: 0,
  received: 0,
  lost: 0,
  overflows: 0,
  noRoom: 0,
  inFlight: 0,
  loss: null,
  duplicates: 0,
  late: 0,
  reordered: 0,
  corrupt: 0,
  errors: 0,
  sendErrors: 0,
  last: null,
  min: null,
  mean: null,
  geometricMean: null,
  max: null,
  stddev: null,
  jitter: null,
  lastJitter: null,
  maxJitter: null,
  rfc3550Jitter: null,
  p50: null,
  p90: null,
  p95: null,
  p99: null,
};

function recorded(rtts: readonly number[]): Statistics {
  const statistics = new Statistics();
  for (const rtt of rtts) {
    statistics.addSent();
    statistics.addReply(rtt);
  }
  return statistics;
}

/** The definitions, written down as they are, over all samples at once. */
function naive(rtts: readonly number[]): Partial<StatisticsSnapshot> {
  const n = rtts.length;
  const sum = (values: readonly number[]): number =>
    values.reduce((total, value) => total + value, 0);
  const mean = sum(rtts) / n;
  const differences = rtts.slice(1).map((rtt, index) => Math.abs(rtt - (rtts[index] as number)));
  let smoothed = 0;
  for (const difference of differences) smoothed = smoothed + (difference - smoothed) / 16;
  const sorted = rtts.toSorted((a, b) => a - b);
  const rank = (percent: number): number => {
    const position = ((n - 1) * percent) / 100;
    const low = sorted[Math.floor(position)] as number;
    const high = sorted[Math.ceil(position)] as number;
    return low * (1 - (position % 1)) + high * (position % 1);
  };
  return {
    last: rtts[n - 1] as number,
    min: sorted[0] as number,
    mean,
    geometricMean: Math.exp(sum(rtts.map((rtt) => Math.log(rtt))) / n),
    max: sorted[n - 1] as number,
    stddev: Math.sqrt(sum(rtts.map((rtt) => (rtt - mean) ** 2)) / n),
    jitter: n > 1 ? sum(differences) / (n - 1) : null,
    lastJitter: differences.at(-1) ?? null,
    maxJitter: n > 1 ? Math.max(...differences) : null,
    rfc3550Jitter: n > 1 ? smoothed : null,
    p50: rank(50),
    p90: rank(90),
    p95: rank(95),
    p99: rank(99),
  };
}

function expectClose(
  actual: StatisticsSnapshot,
  expected: Partial<StatisticsSnapshot>,
  scale: number,
): void {
  for (const [name, value] of Object.entries(expected)) {
    const have = actual[name as keyof StatisticsSnapshot];
    if (value === null) expect({ [name]: have }).toEqual({ [name]: null });
    else if (have === null || Math.abs(have - value) > 1e-9 * scale) {
      expect({ [name]: have }).toEqual({ [name]: value });
    }
  }
}

// Worked out by hand.
const TABLE: [name: string, rtts: number[], figures: Partial<StatisticsSnapshot>][] = [
  [
    "one reply has no jitter yet, and deviates from nothing",
    [7.25],
    {
      last: 7.25,
      min: 7.25,
      mean: 7.25,
      max: 7.25,
      stddev: 0,
      jitter: null,
      rfc3550Jitter: null,
      p50: 7.25,
      p99: 7.25,
    },
  ],
  [
    // Variance (9 + 1 + 1 + 1 + 0 + 0 + 4 + 16) / 8 = 4. Differences 2 0 0 1 0 2 2.
    "the textbook deviation of 2",
    [2, 4, 4, 4, 5, 5, 7, 9],
    {
      last: 9,
      min: 2,
      mean: 5,
      max: 9,
      stddev: 2,
      jitter: 1,
      lastJitter: 2,
      maxJitter: 2,
      p50: 4.5,
      p90: 7.6,
    },
  ],
  [
    // J = 160/16 = 10, then 10 + (0 - 10)/16 = 9.375.
    "RFC 3550 jitter rises by a sixteenth, and is not printed sixteen times too large",
    [100, 260, 260],
    { jitter: 80, lastJitter: 0, maxJitter: 160, rfc3550Jitter: 9.375, p50: 260, min: 100 },
  ],
  [
    // A first RTT of 1,000 ms is no jitter at all when the second is the same.
    "the first RTT contributes no jitter",
    [1000, 1000],
    { jitter: 0, rfc3550Jitter: 0, stddev: 0 },
  ],
  [
    // Mean 2; about the old means (as one rival has it) the deviation would come out otherwise.
    "deviation is about the final mean",
    [0, 4],
    { mean: 2, stddev: 2, jitter: 4, rfc3550Jitter: 0.25, p50: 2, p90: 3.6, p95: 3.8, p99: 3.96 },
  ],
  [
    "an RTT of 0 is a sample",
    [0],
    { last: 0, min: 0, mean: 0, geometricMean: 0, max: 0, stddev: 0, p50: 0 },
  ],
  [
    // The cube root of 2 * 4 * 8; the arithmetic mean is 14/3.
    "the geometric mean is the root of the product",
    [2, 8, 4],
    { geometricMean: 4, mean: 14 / 3, lastJitter: 4, maxJitter: 6, jitter: 5 },
  ],
];

describe("Statistics", () => {
  test("without anything sent has no figures, not zeros", () => {
    expect(new Statistics().snapshot()).toEqual(NOTHING);
  });

  for (const [name, rtts, figures] of TABLE) {
    test(`snapshot(): ${name}`, () => expectClose(recorded(rtts).snapshot(), figures, 1));
  }

  test("agrees with the plain formulas on any RTTs", () => {
    const rtt = fc.oneof(
      fc.double({ min: 0, max: 1e5, noNaN: true }),
      fc.integer({ min: 0, max: 3 }),
    );
    fc.assert(
      fc.property(fc.array(rtt, { minLength: 1, maxLength: 200 }), (rtts) => {
        const snapshot = recorded(rtts).snapshot();
        expectClose(snapshot, naive(rtts), 1 + Math.max(...rtts));
        expect(snapshot).toMatchObject({
          sent: rtts.length,
          received: rtts.length,
          lost: 0,
          loss: 0,
        });
      }),
    );
  });

  test("keeps its digits where sums of squares would cancel", () => {
    // 1e9 ms with a spread of 1 ms: squares are 1e18, beyond what a double resolves.
    const snapshot = recorded([1e9, 1e9 + 1, 1e9 + 2]).snapshot();
    expect(snapshot.stddev).toBeCloseTo(Math.sqrt(2 / 3), 9);
  });

  test("counts each outcome of a probe once", () => {
    const statistics = new Statistics();
    for (let probe = 0; probe < 6; probe += 1) statistics.addSent();
    expect(statistics.snapshot()).toEqual({ ...NOTHING, sent: 6, inFlight: 6 });
    statistics.addReply(3);
    statistics.addLost();
    statistics.addError();
    statistics.addSendError();
    expect(statistics.snapshot()).toMatchObject({
      sent: 6,
      received: 1,
      lost: 3,
      inFlight: 2,
      loss: 0.75,
      errors: 1,
      sendErrors: 1,
    });
  });

  test("probes in flight are no loss", () => {
    const statistics = recorded([1, 1, 1]);
    statistics.addSent();
    expect(statistics.snapshot()).toMatchObject({ sent: 4, inFlight: 1, loss: 0 });
    statistics.addLost();
    expect(statistics.snapshot()).toMatchObject({ sent: 4, inFlight: 0, loss: 0.25 });
  });

  test("loss is not rounded", () => {
    const statistics = recorded([1, 1]);
    statistics.addSent();
    statistics.addLost();
    expect(statistics.snapshot().loss).toBe(1 / 3);
  });

  test("lost probes leave every time figure alone, and jitter passes over them", () => {
    const gaps = new Statistics();
    for (const rtt of [10, null, null, 14, null, 13]) {
      gaps.addSent();
      if (rtt === null) gaps.addLost();
      else gaps.addReply(rtt);
    }
    const times = ({ sent, lost, loss, ...rest }: StatisticsSnapshot): object => rest;
    expect(times(gaps.snapshot())).toEqual(times(recorded([10, 14, 13]).snapshot()));
    expect(gaps.snapshot()).toMatchObject({ sent: 6, lost: 3, loss: 0.5, jitter: 2.5 });
  });

  test("late, duplicate, reordered and corrupt answers change nothing but their own counts", () => {
    const statistics = recorded([5, 6]);
    statistics.addSent();
    statistics.addLost();
    const before = statistics.snapshot();
    statistics.addLate();
    statistics.addDuplicate();
    statistics.addDuplicate();
    statistics.addReordered();
    statistics.addCorrupt();
    expect(statistics.snapshot()).toEqual({
      ...before,
      late: 1,
      duplicates: 2,
      reordered: 1,
      corrupt: 1,
    });
    statistics.addLateError();
    expect(statistics.snapshot()).toEqual({
      ...before,
      late: 2,
      errors: 1,
      duplicates: 2,
      reordered: 1,
      corrupt: 1,
    });
  });

  test("refuses RTTs that are no times, and records nothing of them", () => {
    const statistics = new Statistics();
    statistics.addSent();
    for (const rtt of [Number.NaN, Number.POSITIVE_INFINITY, -0.001]) {
      expect(() => statistics.addReply(rtt)).toThrow(RangeError);
    }
    expect(statistics.snapshot()).toEqual({ ...NOTHING, sent: 1, inFlight: 1 });
  });

  test("refuses a second outcome for the same probe", () => {
    const statistics = recorded([1]);
    for (const decide of [
      () => statistics.addReply(1),
      () => statistics.addLost(),
      () => statistics.addError(),
      () => statistics.addSendError(),
      () => statistics.removeSent(),
    ]) {
      expect(decide).toThrow("Cannot decide a probe: none is in flight");
    }
    expect(statistics.snapshot()).toMatchObject({
      sent: 1,
      received: 1,
      lost: 0,
      errors: 0,
      sendErrors: 0,
    });
  });

  test("any history gives consistent counts and JSON without a null that was a number", () => {
    const step = fc.constantFrom(
      "sent",
      "removed",
      "reply",
      "lost",
      "error",
      "sendError",
      "late",
      "duplicate",
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const statistics = new Statistics();
        for (const [index, kind] of steps.entries()) {
          const open = statistics.snapshot().inFlight > 0;
          if (kind === "sent") statistics.addSent();
          else if (open && kind === "removed") statistics.removeSent();
          else if (kind === "late") statistics.addLate();
          else if (kind === "duplicate") statistics.addDuplicate();
          else if (open && kind === "reply") statistics.addReply(index);
          else if (open && kind === "lost") statistics.addLost();
          else if (open && kind === "error") statistics.addError();
          else if (open && kind === "sendError") statistics.addSendError();
        }
        const snapshot = statistics.snapshot();
        expect(snapshot.inFlight).toBe(snapshot.sent - snapshot.received - snapshot.lost);
        expect(snapshot.inFlight).toBeGreaterThanOrEqual(0);
        expect(snapshot.lost).toBeGreaterThanOrEqual(snapshot.errors + snapshot.sendErrors);
        expect(snapshot.loss === null).toBe(snapshot.received + snapshot.lost === 0);
        for (const name of ["last", "min", "mean", "max", "stddev", "p50", "p99"] as const) {
          expect(snapshot[name] === null).toBe(snapshot.received === 0);
        }
        expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
      }),
    );
  });

  test("what this host had no room to send is not in the loss, and what it refuses otherwise is", () => {
    const statistics = recorded([1]);
    statistics.addSent();
    statistics.addNoRoom();
    expect(statistics.snapshot()).toMatchObject({
      sent: 2,
      lost: 1,
      sendErrors: 1,
      noRoom: 1,
      loss: 0,
    });
    statistics.addSent();
    statistics.addSendError();
    expect(statistics.snapshot()).toMatchObject({
      sent: 3,
      lost: 2,
      sendErrors: 2,
      noRoom: 1,
      loss: 0.5,
    });
    const nothingElse = new Statistics();
    nothingElse.addSent();
    nothingElse.addNoRoom();
    expect(nothingElse.snapshot()).toMatchObject({ lost: 1, loss: null });
  });

  test("a snapshot does not change afterwards", () => {
    const statistics = recorded([1]);
    const snapshot = statistics.snapshot();
    const copy = structuredClone(snapshot);
    statistics.addSent();
    statistics.addReply(50);
    expect(snapshot).toEqual(copy);
  });

  test("percentile() takes any percentage of 0 to 100", () => {
    const statistics = recorded([10, 20, 30]);
    expect(statistics.percentile(0)).toBe(10);
    expect(statistics.percentile(25)).toBe(15);
    expect(statistics.percentile(100)).toBe(30);
    expect(() => statistics.percentile(101)).toThrow(RangeError);
    expect(new Statistics().percentile(50)).toBeNull();
  });
});
