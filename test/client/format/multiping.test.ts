import { describe, expect, test } from "bun:test";
import { formatMultiping } from "../../../src/client/format/multiping.ts";
import type {
  EchoResult,
  MultipingResult,
  MultipingTarget,
} from "../../../src/client/results/results.ts";
import { errorOf, sendErrorOf, statisticsOf } from "./samples.ts";

const GOOD = targetOf("dns.google", "8.8.8.8", { rtts: [10, 12, null], others: { duplicates: 1 } });
const FAILED: MultipingTarget = {
  ...targetOf("no.invalid", null, { rtts: [] }),
  failure: {
    kind: "targetFailure",
    target: "no.invalid",
    error: "ENOTFOUND",
    message: 'Cannot resolve "no.invalid": no such name (ENOTFOUND)',
  },
};

describe("formatMultiping()", () => {
  test("shows a row for each target, with figures or the cause of failure", () => {
    expect(formatMultiping(resultOf(GOOD, FAILED)).split("\n")).toEqual([
      "                                                           Ping of 2 targets",
      "┌────────────┬─────────┬──────┬──────┬────────┬───────┬───────┬───────┬────────┬───────────────────────────────────────────────────────┐",
      "│ Target     │ Address │ Sent │ Recv │ Loss % │   Avg │  Best │ Worst │ StdDev │ Notes                                                 │",
      "├────────────┼─────────┼──────┼──────┼────────┼───────┼───────┼───────┼────────┼───────────────────────────────────────────────────────┤",
      "│ dns.google │ 8.8.8.8 │    3 │    2 │   33.3 │ 11.00 │ 10.00 │ 12.00 │   1.00 │ 1 duplicate                                           │",
      '│ no.invalid │ -       │    0 │    0 │      - │     - │     - │     - │      - │ Cannot resolve "no.invalid": no such name (ENOTFOUND) │',
      "└────────────┴─────────┴──────┴──────┴────────┴───────┴───────┴───────┴────────┴───────────────────────────────────────────────────────┘",
    ]);
  });

  test("names each cause of a target's losses once", () => {
    const unreachable = errorOf({
      type: 3,
      code: 1,
      description: "destination unreachable: host unreachable",
    });
    const refused = sendErrorOf("ENETUNREACH", "sendmsg() failed");
    const target = targetOf("2001:db8::1", "2001:db8::1", {
      rtts: [null, null, null],
      others: { errors: 2, sendErrors: 1 },
      results: [unreachable, unreachable, refused],
    });
    expect(formatMultiping(resultOf(target)).split("\n")[4]).toBe(
      "│ 2001:db8::1 │ 2001:db8::1 │    3 │    0 │  100.0 │   - │    - │     - │      - │ " +
        "2 ICMP errors, 1 not sent, destination unreachable: host unreachable, ENETUNREACH │",
    );
  });

  test("shows no targets", () => {
    expect(formatMultiping(resultOf()).split("\n")).toEqual([
      "                                Ping of 0 targets",
      "┌────────┬─────────┬──────┬──────┬────────┬─────┬──────┬───────┬────────┬───────┐",
      "│ Target │ Address │ Sent │ Recv │ Loss % │ Avg │ Best │ Worst │ StdDev │ Notes │",
      "├────────┼─────────┼──────┼──────┼────────┼─────┼──────┼───────┼────────┼───────┤",
      "└────────┴─────────┴──────┴──────┴────────┴─────┴──────┴───────┴────────┴───────┘",
    ]);
  });

  test("counts one target as one", () => {
    expect(formatMultiping(resultOf(GOOD))).toContain("Ping of 1 target\n");
  });

  test("makes hostile targets and messages harmless", () => {
    const failure = {
      kind: "targetFailure",
      target: "\x1b[2J",
      error: "E",
      message: "line\r\nbreak\u2067",
    } as const;
    const text = formatMultiping(resultOf({ ...targetOf("\x1b[2J", null, { rtts: [] }), failure }));
    expect(text).toContain("│ \\x1b[2J │");
    expect(text).toContain("│ line\\x0d\\x0abreak\\u{2067} │");
  });

  test("at 80 columns keeps the beginning of the cause", () => {
    expect(formatMultiping(resultOf(GOOD, FAILED), { width: 80 }).split("\n").slice(2, 6)).toEqual([
      "│Target    │Address│Sent│Recv│Loss %│  Avg│Notes                               │",
      "├──────────┼───────┼────┼────┼──────┼─────┼────────────────────────────────────┤",
      "│dns.google│8.8.8.8│   3│   2│  33.3│11.00│1 duplicate                         │",
      '│no.invalid│-      │   0│   0│     -│    -│Cannot resolve "no.invalid": no suc…│',
    ]);
  });

  test("fits any width", () => {
    for (let width = 1; width <= 150; width += 1) {
      for (const line of formatMultiping(resultOf(GOOD, FAILED), { width }).split("\n")) {
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      }
    }
  });
});

interface TargetFacts {
  readonly rtts: readonly (number | null)[];
  readonly others?: Parameters<typeof statisticsOf>[1];
  readonly results?: readonly EchoResult[];
}

function targetOf(
  target: string,
  resolved: string | null,
  { rtts, others, results = [] }: TargetFacts,
): MultipingTarget {
  return {
    target,
    resolved,
    family: resolved === null ? null : 4,
    statistics: statisticsOf(rtts, others),
    duration: 0,
    results,
    failure: null,
    [Symbol.iterator]: () => results.values(),
  };
}

function resultOf(...targets: readonly MultipingTarget[]): MultipingResult {
  return { targets, [Symbol.iterator]: () => targets.values() };
}
