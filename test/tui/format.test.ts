import { describe, expect, test } from "bun:test";
import {
  CLOCK_WIDTH,
  FIGURE_WIDTH,
  figureRole,
  formatClock,
  formatCount,
  formatDuration,
  formatLoss,
  formatRtt,
  lossRole,
} from "../../tui/src/model/format.ts";

describe("formatRtt()", () => {
  const rows: readonly (readonly [rtt: number | null, text: string])[] = [
    [null, "-"],
    [0, "0.00"],
    [1e-16, "0.00"],
    [0.0042, "0.004"],
    [0.031, "0.031"],
    [0.0996, "0.10"],
    [0.314, "0.31"],
    [1.239, "1.24"],
    [9.994, "9.99"],
    [9.996, "10.0"],
    [12.36, "12.4"],
    [99.94, "99.9"],
    [99.96, "100"],
    [123.4, "123"],
    [9999.4, "9999"],
    [9999.6, "10.0s"],
    [12_345, "12.3s"],
    [99_960, "100s"],
    [3_600_000, "3600s"],
    [1e12, "9999s"],
  ];
  for (const [rtt, text] of rows) {
    test(`writes ${rtt} as ${text}`, () => expect(formatRtt(rtt)).toBe(text));
  }

  test("never needs more than its width", () => {
    for (let rtt = 0.001; rtt < 1e9; rtt *= 1.003) {
      expect(formatRtt(rtt).length).toBeLessThanOrEqual(FIGURE_WIDTH);
    }
  });
});

describe("formatLoss()", () => {
  const rows: readonly (readonly [loss: number | null, text: string])[] = [
    [null, "-"],
    [0, "0.0%"],
    [0.00001, "<0.1%"],
    [0.00051, "0.1%"],
    [0.125, "12.5%"],
    [0.9999, "99.9%"],
    [1, "100%"],
  ];
  for (const [loss, text] of rows) {
    test(`writes ${loss} as ${text}`, () => expect(formatLoss(loss)).toBe(text));
  }
});

test("lossRole() is bad from a tenth on, and says nothing where nothing is lost", () => {
  expect([null, 0, 0.001, 0.099, 0.1, 1].map(lossRole)).toEqual([
    "dim",
    "text",
    "warn",
    "warn",
    "bad",
    "bad",
  ]);
});

test("figureRole() dims what there is no sample for", () => {
  expect([figureRole(null), figureRole(0)]).toEqual(["dim", "text"]);
});

test("formatCount() shortens what is longer than its width", () => {
  const counts = [
    0, 99_999, 100_000, 999_499, 999_500, 1_234_567, 99_949_999, 99_950_000, 123_456_789,
  ];
  const texts = ["0", "99999", "100k", "999k", "1.0M", "1.2M", "99.9M", "100M", "123M"];
  expect(counts.map(formatCount)).toEqual(texts);
});

test("formatDuration() counts in seconds, minutes, hours and days", () => {
  const seconds = [-1, 0, 7.9, 59, 60, 725, 3599, 3600, 3723, 86_399, 86_400, 263_523];
  expect(seconds.map((each) => formatDuration(each * 1000))).toEqual([
    "0:00",
    "0:00",
    "0:07",
    "0:59",
    "1:00",
    "12:05",
    "59:59",
    "1:00:00",
    "1:02:03",
    "23:59:59",
    "1d 00:00:00",
    "3d 01:12:03",
  ]);
});

test("formatClock() is the time of day here, with milliseconds", () => {
  const at = new Date(2026, 10, 22, 4, 3, 9, 42).getTime();
  expect(formatClock(at + 0.9)).toBe("04:03:09.042");
  expect(formatClock(at)).toHaveLength(CLOCK_WIDTH);
});
