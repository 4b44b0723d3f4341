import { describe, expect, test } from "bun:test";
import { EchoStatistics, type StatisticsSnapshot } from "icmpx";
import { FIGURE_WIDTH } from "../../tui/src/model/format.ts";
import { ColumnChoice, MTR_COLUMNS } from "../../tui/src/model/mtr-columns.ts";

const NONE = new EchoStatistics().snapshot();

/** Every figure differs from every other. */
const SOME: StatisticsSnapshot = {
  ...NONE,
  sent: 10,
  received: 8,
  lost: 2,
  loss: 0.2,
  late: 3,
  duplicates: 4,
  last: 1,
  min: 2,
  mean: 3,
  max: 4,
  stddev: 5,
  geometricMean: 14,
  jitter: 6,
  lastJitter: 15,
  maxJitter: 16,
  rfc3550Jitter: 7,
  p50: 8,
  p90: 9,
  p95: 12,
  p99: 13,
};

describe("MTR_COLUMNS", () => {
  test("show each figure under its own name", () => {
    const shown = MTR_COLUMNS.map(
      ({ letter, title, show }) => `${letter} ${title} ${show(SOME).text}`,
    );
    expect(shown).toEqual([
      "L Loss% 20.0%",
      "D Drop 2",
      "R Rcv 8",
      "S Snt 10",
      "N Last 1.00",
      "A Avg 3.00",
      "B Best 2.00",
      "W Wrst 4.00",
      "G Gmean 14.0",
      "V StDev 5.00",
      "J Jttr 15.0",
      "M Javg 6.00",
      "X Jmax 16.0",
      "I Jint 7.00",
      "1 p50 8.00",
      "2 p90 9.00",
      "3 p95 12.0",
      "4 p99 13.0",
      "5 Late 3",
      "6 Dup 4",
    ]);
  });

  test("fit their cells, and dim what has no sample", () => {
    const extreme = Object.fromEntries(Object.keys(SOME).map((key) => [key, 123_456_789]));
    for (const { title, show } of MTR_COLUMNS) {
      expect(title.length).toBeLessThanOrEqual(FIGURE_WIDTH);
      for (const figures of [NONE, SOME, { ...SOME, ...extreme, loss: 0.0001 }]) {
        expect(show(figures).text.length).toBeLessThanOrEqual(FIGURE_WIDTH);
      }
    }
    const [loss] = MTR_COLUMNS;
    expect([NONE, SOME].map((figures) => loss?.show(figures).role)).toEqual(["dim", "bad"]);
  });
});

describe("ColumnChoice", () => {
  test("is that of mtr until somebody chooses, in a fixed order", () => {
    expect(new ColumnChoice(undefined).letters).toBe("LSNABWV");
    expect(new ColumnChoice("4VL").columns.map(({ title }) => title)).toEqual([
      "Loss%",
      "StDev",
      "p99",
    ]);
  });

  test("may be of no columns, and passes over letters it does not know", () => {
    expect(new ColumnChoice("").columns).toEqual([]);
    expect(new ColumnChoice("zL\u001b").letters).toBe("L");
  });

  test("toggles, and goes back to the default", () => {
    const choice = new ColumnChoice("LS");
    const [loss, drop] = MTR_COLUMNS;
    if (loss === undefined || drop === undefined) throw new Error("There are no columns");
    choice.toggle(loss);
    choice.toggle(drop);
    expect([choice.letters, choice.has(loss), choice.has(drop)]).toEqual(["DS", false, true]);
    choice.reset();
    expect(choice.letters).toBe("LSNABWV");
  });
});
