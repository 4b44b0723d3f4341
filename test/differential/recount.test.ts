import { describe, expect, test } from "bun:test";
import type { SeenResult } from "../lab/measurer.ts";
import { disagreements, recountAddress, recountHop, recountPing } from "./recount.ts";

/** As much of a result as statistics look at. */
function sample(rtt: number | null, more: object = {}): SeenResult {
  const reply = rtt === null ? null : { addr: "10.20.0.1", rtt };
  const kind = rtt === null ? "timeout" : "reply";
  const flags = {
    late: false,
    duplicate: false,
    corrupt: false,
    reordered: false,
    moreDuplicates: 0,
    receiveOverflow: false,
  };
  return { kind, rtt, reply, ...flags, ...more } as unknown as SeenResult;
}

const SAMPLES = [
  ...[sample(2), sample(4), sample(null), sample(9)],
  sample(30, { late: true }),
  sample(31, { duplicate: true }),
  sample(1, { kind: "icmpError" }),
];

describe("recountPing()", () => {
  test("computes by hand what it should", () => {
    const { loss, stddev, rfc3550Jitter, geometricMean, ...rest } = recountPing(SAMPLES);
    expect(rest).toEqual({
      ...{
        sent: 5,
        received: 3,
        lost: 2,
        overflows: 0,
        noRoom: 0,
        inFlight: 0,
        duplicates: 1,
        late: 1,
        reordered: 0,
      },
      ...{ corrupt: 0, errors: 1, sendErrors: 0, last: 9, min: 2, mean: 5, max: 9, jitter: 3.5 },
      ...{ lastJitter: 5, maxJitter: 5 },
      ...{ p50: 4, p90: 8, p95: 8.5, p99: 8.9 },
    });
    expect(loss).toBe(0.4);
    expect(geometricMean).toBeCloseTo(72 ** (1 / 3), 12);
    // Squares of 3, 1 and 4.
    expect(stddev).toBeCloseTo(Math.sqrt(26 / 3), 12);
    // 2/16, and then a sixteenth of the way to 5.
    expect(rfc3550Jitter).toBeCloseTo(0.125 + (5 - 0.125) / 16, 12);
  });

  test("has no times without a reply", () => {
    expect(recountPing([sample(null)])).toMatchObject({
      sent: 1,
      lost: 1,
      loss: 1,
      min: null,
      stddev: null,
      p50: null,
    });
  });
});

describe("recountHop() and recountAddress()", () => {
  test("count errors as answers", () => {
    expect(recountHop(SAMPLES)).toMatchObject({
      sent: 5,
      received: 4,
      lost: 1,
      errors: 0,
      last: 1,
      mean: 4,
    });
    expect(recountAddress(SAMPLES, "10.20.0.1")).toMatchObject({ last: 1, mean: 4 });
    expect(recountAddress(SAMPLES, "10.20.0.2")).toMatchObject({ last: null });
  });
});

describe("disagreements()", () => {
  test("accepts roundings and nothing more", () => {
    const expected = recountPing(SAMPLES);
    const { stddev, p90 } = expected;
    expect(disagreements({ ...expected, stddev: (stddev ?? 0) * (1 + 1e-13) }, expected)).toEqual(
      [],
    );
    expect(
      disagreements({ ...expected, stddev: (stddev ?? 0) * (1 + 1e-11) }, expected),
    ).toHaveLength(1);
    expect(disagreements({ ...expected, p90: (p90 ?? 0) - 1e-9 }, expected)).toHaveLength(1);
    expect(disagreements({ ...expected, lost: 3 }, expected)).toEqual(["lost is 3, not 2"]);
    expect(disagreements({ ...expected, min: null }, expected)).toEqual(["min is null, not 2"]);
  });
});
