import { describe, expect, test } from "bun:test";
import type { AddressStatistics, MtrHop, MtrRound } from "icmpx";
import { formatReport, type ReportOptions, readOrder } from "../../src/cli/mtr-report.ts";
import { Statistics } from "../../src/client/results/statistics.ts";

const OPTIONS: ReportOptions = {
  heading: "HOST: laptop",
  order: "LSNABWV",
  showAddresses: false,
  showExtensions: false,
  paint: (_, text) => text,
};

/** Figures of probes: an RTT in milliseconds, or null for a loss. */
function figures(rtts: readonly (number | null)[]) {
  const statistics = new Statistics();
  for (const rtt of rtts) {
    statistics.addSent();
    if (rtt === null) statistics.addLost();
    else statistics.addReply(rtt);
  }
  return statistics.snapshot();
}

function hop(
  ttl: number,
  addr: string | null,
  hostname: string | null,
  rtts: readonly (number | null)[],
): MtrHop {
  const statistics = figures(rtts);
  return {
    ttl,
    addr,
    hostname,
    statistics,
    addresses: addr === null ? [] : [{ addr, hostname, statistics, extensions: [], unverified: 0 }],
  };
}

function roundOf(...hops: MtrHop[]): MtrRound {
  const common = {
    round: 4,
    target: "192.0.2.9",
    resolved: "192.0.2.9",
    family: 4,
    reached: true,
    end: null,
  } as const;
  return { ...common, hops, [Symbol.iterator]: () => hops[Symbol.iterator]() };
}

/** Of one address: what a lost probe was for, nobody knows. */
function answersOf(rtts: readonly number[]): AddressStatistics {
  const { sent: _, lost, loss, overflows, inFlight, sendErrors, ...answers } = figures(rtts);
  expect([lost, loss, overflows, inFlight, sendErrors]).toEqual([0, 0, 0, 0, 0]);
  return answers;
}

const ROUND = roundOf(
  hop(1, "10.0.0.1", "gw.example", [0.4, 0.5, 0.6, 0.5]),
  hop(2, null, null, [null, null, null, null]),
  {
    ...hop(3, "10.0.2.1", null, [1, 1, 1, null]),
    addresses: [
      {
        addr: "10.0.2.1",
        hostname: null,
        statistics: answersOf([2]),
        extensions: [],
        unverified: 0,
      },
      {
        addr: "10.0.2.5",
        hostname: "other.example",
        statistics: answersOf([2]),
        extensions: [],
        unverified: 0,
      },
    ],
  },
  hop(4, "192.0.2.9", null, [123.456, 9.8, 10.1, 11]),
);

describe("formatReport()", () => {
  test("lines up as mtr --report does; what has no sample is no zero", () => {
    expect(formatReport(ROUND, OPTIONS)).toBe(
      [
        "HOST: laptop               Loss%   Snt   Last    Avg   Best   Wrst  StDev",
        "  1.|-- gw.example          0.0%     4    0.5    0.5    0.4    0.6    0.1",
        "  2.|-- ???               100.0%     4      -      -      -      -      -",
        "  3.|-- 10.0.2.1           25.0%     4    1.0    1.0    1.0    1.0    0.0",
        "    |  `|-- other.example                 2.0    2.0    2.0    2.0    0.0",
        "  4.|-- 192.0.2.9           0.0%     4   11.0   38.6    9.8  123.5   49.0",
      ].join("\n"),
    );
  });

  test("shows addresses beside names, and the columns asked for in their order", () => {
    expect(
      formatReport(ROUND, { ...OPTIONS, order: "SRDLMI", showAddresses: true })
        .split("\n")
        .slice(0, 2),
    ).toEqual([
      "HOST: laptop                           Snt   Rcv Drop  Loss%   Javg   Jint",
      "  1.|-- gw.example (10.0.0.1)            4     4    0   0.0%    0.1    0.0",
    ]);
  });

  for (const width of [200, 79, 59, 49, 39, 30, 24]) {
    test(`fits into ${width} columns`, () => {
      const lines = formatReport(ROUND, { ...OPTIONS, showAddresses: true, width }).split("\n");
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      expect(lines[0]).toContain("Loss%");
    });
  }

  test("paints by severity: a silent router is no fault", () => {
    const text = formatReport(ROUND, { ...OPTIONS, paint: (colour) => colour });
    expect(text.split("\n").map((line) => line.slice(0, 20).trim())).toEqual([
      "bold",
      "1.|-- gw.example",
      "dim",
      "red",
      "|  `|-- other.ex",
      "4.|-- 192.0.2.9",
    ]);
  });

  test("never rounds a loss, nor an answer, away", () => {
    const rare = Array.from({ length: 3000 }, (_, index) => (index === 0 ? null : 1));
    const lonely = rare.map((rtt) => (rtt === null ? 1 : null));
    const text = formatReport(
      roundOf(hop(1, "10.0.0.1", null, rare), hop(2, "10.0.0.2", null, lonely)),
      OPTIONS,
    );
    expect(text).toContain(" <0.1%");
    expect(text).toContain(">99.9%");
  });
});

describe("readOrder()", () => {
  test("takes letters of either case, with spaces as mtr's -o", () => {
    expect(readOrder("ls naBWV")).toBe("LSNABWV");
  });
});
