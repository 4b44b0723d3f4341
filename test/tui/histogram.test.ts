import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bucketsOf, drawHistogram } from "../../tui/src/draw/histogram.ts";
import { Grid } from "./grid.ts";

describe("bucketsOf()", () => {
  test.each<[string, number[], number, [number, number, number][]]>([
    ["nothing", [], 9, []],
    ["no room", [1, 2], 0, []],
    ["one", [12.34], 9, [[12.3, 12.4, 1]]],
    ["zero", [0, 0], 9, [[0, 0.001, 2]]],
    [
      "edges belong to the bucket above",
      [1, 1.5, 2, 2.99, 3],
      3,
      [
        [1, 2, 2],
        [2, 3, 2],
        [3, 4, 1],
      ],
    ],
    [
      "0.3 belongs to that from 0.3 on",
      [0.1, 0.2, 0.3],
      3,
      [
        [0.1, 0.2, 1],
        [0.2, 0.3, 1],
        [0.3, 0.4, 1],
      ],
    ],
    [
      "microseconds, which count on the loopback",
      [0.019, 0.0195, 0.021],
      9,
      [
        [0.019, 0.02, 2],
        [0.02, 0.021, 0],
        [0.021, 0.022, 1],
      ],
    ],
    ["one bucket for all", [3, 700], 1, [[0, 1000, 2]]],
  ])("%s", (_, rtts, most, expected) => {
    expect(bucketsOf(rtts, most).map(({ from, to, count }) => [from, to, count])).toEqual(expected);
  });

  test("one outlier of a hundred is beyond the last bucket, and squeezes nobody", () => {
    const rtts = [...Array.from({ length: 99 }, (_, index) => 10 + index / 100), 5000];
    expect(bucketsOf(rtts, 5)).toEqual([
      { from: 10, to: 10.2, count: 20 },
      { from: 10.2, to: 10.4, count: 20 },
      { from: 10.4, to: 10.6, count: 20 },
      { from: 10.6, to: 10.8, count: 20 },
      { from: 10.8, to: Number.POSITIVE_INFINITY, count: 20 },
    ]);
  });

  test("every RTT is in exactly one bucket, and none overlap", () => {
    const rtt = fc.double({ min: 0, max: 1e5, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(rtt, { minLength: 1 }),
        fc.integer({ min: 1, max: 30 }),
        (rtts, most) => {
          const buckets = bucketsOf(rtts, most);
          expect(buckets.length).toBeLessThanOrEqual(most);
          expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(rtts.length);
          for (const [index, { from, to }] of buckets.entries()) {
            expect(to).toBeGreaterThan(from);
            if (index > 0) expect(from).toBe(buckets[index - 1]?.to ?? Number.NaN);
          }
          // Where an RTT is counted, it belongs, but for the noise of its last digits.
          for (const { from, to, count } of buckets) {
            const inside = rtts.filter(
              (each) => each >= from * (1 - 1e-6) && each < to * (1 + 1e-6) + 1e-9,
            );
            expect(inside.length).toBeGreaterThanOrEqual(count);
          }
        },
      ),
    );
  });
});

describe("drawHistogram()", () => {
  const outcomes = [
    ...Array<number>(8).fill(10.2),
    ...Array<number>(4).fill(11.7),
    13.1,
    null,
    null,
    null,
  ];

  test("bars, counts and shares; losses below", () => {
    expect(
      new Grid(50, 10, (canvas) => drawHistogram(canvas, outcomes)).text,
    ).toMatchInlineSnapshot(`
      "    10–10.5 ms ████████████████████████   8  50.0%
          10.5–11 ms
          11–11.5 ms
          11.5–12 ms ████████████               4  25.0%
          12–12.5 ms
          12.5–13 ms
          13–13.5 ms ███                        1   6.3%
                lost █████████                  3  18.8%"
    `);
  });

  test("bars alone where there is no room for figures", () => {
    expect(
      new Grid(24, 4, (canvas) => drawHistogram(canvas, outcomes)).text,
    ).toMatchInlineSnapshot(`
      "      10–12 ms █████████
            12–14 ms ▊
                lost ██▎"
    `);
  });

  test("losses stand out", () => {
    const grid = new Grid(50, 10, (canvas) => drawHistogram(canvas, outcomes));
    expect([grid.roleOf("lost"), grid.roleOf("█")]).toEqual(["bad", "graph"]);
  });

  test("only losses, and nothing at all", () => {
    expect(new Grid(50, 3, (canvas) => drawHistogram(canvas, [null])).text).toContain(
      "lost ██████",
    );
    expect(new Grid(50, 3, (canvas) => drawHistogram(canvas, [])).text).toBe("");
  });

  test("never fails, however small", () => {
    for (let width = 0; width < 45; width += 1) {
      for (let height = 0; height < 6; height += 1) {
        expect(
          new Grid(width, height, (canvas) => drawHistogram(canvas, outcomes)).rows,
        ).toHaveLength(height);
      }
    }
  });
});
