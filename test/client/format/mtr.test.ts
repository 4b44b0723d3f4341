import { describe, expect, test } from "bun:test";
import { formatMtr } from "../../../src/client/format/mtr.ts";
import type {
  AddressStatistics,
  MtrAddress,
  MtrHop,
  MtrRound,
} from "../../../src/client/results/results.ts";
import { statisticsOf } from "./samples.ts";

const GATEWAY = hopOf(1, [0.3, 0.69], [["10.0.0.1", "gw.example", [0.3, 0.69]]]);
const SILENT = hopOf(2, [null, null], []);
const GOAL = hopOf(3, [4.97, null, 41.674], [["8.8.8.8", "dns.google", [4.97, 41.674]]]);

describe("formatMtr()", () => {
  test("shows hops, silent ones included, as a table", () => {
    expect(lines(roundOf("dns.google", [GATEWAY, SILENT, GOAL]))).toEqual([
      "                             MTR to dns.google (8.8.8.8)",
      "┌─────┬──────────┬────────────┬──────┬──────┬────────┬───────┬───────┬──────┬───────┐",
      "│ Hop │ Address  │ Hostname   │ Sent │ Recv │ Loss % │  Last │   Avg │ Best │ Worst │",
      "├─────┼──────────┼────────────┼──────┼──────┼────────┼───────┼───────┼──────┼───────┤",
      "│   1 │ 10.0.0.1 │ gw.example │    2 │    2 │    0.0 │  0.69 │  0.49 │ 0.30 │  0.69 │",
      "│   2 │ ?        │            │    2 │    0 │  100.0 │     - │     - │    - │     - │",
      "│   3 │ 8.8.8.8  │ dns.google │    3 │    2 │   33.3 │ 41.67 │ 23.32 │ 4.97 │ 41.67 │",
      "└─────┴──────────┴────────────┴──────┴──────┴────────┴───────┴───────┴──────┴───────┘",
    ]);
  });

  test("shows a line for each other address of a hop, without a loss that nobody knows", () => {
    const hop = hopOf(
      2,
      [1, 2, null, 4],
      [
        ["10.0.2.1", "a.example", [1]],
        ["10.0.2.5", null, [2, 4]],
      ],
    );
    expect(lines(roundOf("8.8.8.8", [hop])).slice(4, 6)).toEqual([
      "│   2 │ 10.0.2.5 │           │    4 │    3 │   25.0 │ 4.00 │ 2.33 │ 1.00 │  4.00 │",
      "│     │ 10.0.2.1 │ a.example │      │    1 │        │ 1.00 │ 1.00 │ 1.00 │  1.00 │",
    ]);
  });

  test("marks each address of which an answer is unverified", () => {
    const hop = hopOf(
      2,
      [1, 2],
      [
        ["10.0.2.1", null, [1]],
        ["10.0.2.5", null, [2]],
      ],
    );
    const mark = (...counts: number[]): string[] => {
      const addresses = hop.addresses.map((each, index) => ({
        ...each,
        unverified: counts[index] ?? 0,
      }));
      return lines(roundOf("8.8.8.8", [{ ...hop, addresses }]))
        .slice(4, 6)
        .map((line) => line.split("│")[2]?.trim() ?? "");
    };
    expect(mark(0, 0)).toEqual(["10.0.2.5", "10.0.2.1"]);
    expect(mark(0, 3)).toEqual(["10.0.2.5 ?", "10.0.2.1"]);
    expect(mark(1, 0)).toEqual(["10.0.2.5", "10.0.2.1 ?"]);
  });

  test("does not count probes in flight as lost", () => {
    const hop = { ...SILENT, statistics: statisticsOf([], { sent: 1, inFlight: 1 }) };
    expect(lines(roundOf("8.8.8.8", [hop]))[4]).toBe(
      "│   2 │ ?       │          │    1 │    0 │      - │    - │   - │    - │     - │",
    );
  });

  test("shows a table without rows before the first answer", () => {
    expect(lines(roundOf("8.8.8.8", []))).toEqual([
      "                                MTR to 8.8.8.8",
      "┌─────┬─────────┬──────────┬──────┬──────┬────────┬──────┬─────┬──────┬───────┐",
      "│ Hop │ Address │ Hostname │ Sent │ Recv │ Loss % │ Last │ Avg │ Best │ Worst │",
      "├─────┼─────────┼──────────┼──────┼──────┼────────┼──────┼─────┼──────┼───────┤",
      "└─────┴─────────┴──────────┴──────┴──────┴────────┴──────┴─────┴──────┴───────┘",
    ]);
  });

  test("makes hostile names harmless", () => {
    const hop = hopOf(1, [1], [["10.0.0.1", "\x1b[31m\u202ered\u0000", [1]]]);
    const text = formatMtr(roundOf("\x1b]0;x\x07", [hop]));
    expect(text).toContain("│ \\x1b[31m\\u{202e}red\\x00 │");
    expect(text).toContain("MTR to \\x1b]0;x\\x07 (8.8.8.8)");
    expect(text).not.toMatch(/[\p{Cc}--\n]|\p{Cf}/v);
  });

  test("lines up wide letters and combining marks", () => {
    const wide = hopOf(1, [1], [["10.0.0.1", "例え.テスト", [1]]]);
    const combining = hopOf(2, [1], [["10.0.0.2", "e\u0301cole.example", [1]]]);
    const emoji = hopOf(3, [1], [["10.0.0.3", "👩‍💻.example", [1]]]);
    const widths = lines(roundOf("8.8.8.8", [wide, combining, emoji]))
      .slice(1)
      .map((line) => Bun.stringWidth(line));
    expect(new Set(widths).size).toBe(1);
  });

  describe("fits a width", () => {
    const long = "a-very-long-name-of-a-router.in.some.network.example";
    const path = [
      hopOf(1, [0.53], [["172.19.112.100", long, [0.53]]]),
      hopOf(
        2,
        [11.1],
        [["2001:db8:1111:2222:3333:4444:5555:6666", "例え例え例え例え例え.テスト", [11.1]]],
      ),
    ];
    const v4 = path.slice(0, 1);

    test("without change where there is room", () => {
      const round = roundOf("8.8.8.8", v4);
      expect(formatMtr(round, { width: 200 })).toBe(formatMtr(round));
    });

    test("at 80 columns with a shorter name", () => {
      expect(lines(roundOf("8.8.8.8", v4), 80)).toEqual([
        "                                 MTR to 8.8.8.8",
        "┌───┬──────────────┬─────────────────────┬────┬────┬──────┬────┬────┬────┬─────┐",
        "│Hop│Address       │Hostname             │Sent│Recv│Loss %│Last│ Avg│Best│Worst│",
        "├───┼──────────────┼─────────────────────┼────┼────┼──────┼────┼────┼────┼─────┤",
        "│  1│172.19.112.100│a-very-long-name-of-…│   1│   1│   0.0│0.53│0.53│0.53│ 0.53│",
        "└───┴──────────────┴─────────────────────┴────┴────┴──────┴────┴────┴────┴─────┘",
      ]);
    });

    test("at 60 columns without names", () => {
      expect(lines(roundOf("8.8.8.8", v4), 60).slice(2, 5)).toEqual([
        "│Hop│Address       │Sent│Recv│Loss %│Last│ Avg│Best│Worst│",
        "├───┼──────────────┼────┼────┼──────┼────┼────┼────┼─────┤",
        "│  1│172.19.112.100│   1│   1│   0.0│0.53│0.53│0.53│ 0.53│",
      ]);
    });

    test("at 40 columns with the most important figures", () => {
      expect(lines(roundOf("8.8.8.8", v4), 40).slice(2, 5)).toEqual([
        "│Hop│Address       │Sent│Loss %│ Avg│",
        "├───┼──────────────┼────┼──────┼────┤",
        "│  1│172.19.112.100│   1│   0.0│0.53│",
      ]);
    });

    test("keeps long addresses whole while anything else can go", () => {
      const text = formatMtr(roundOf("8.8.8.8", path), { width: 70 });
      expect(text).toContain("│2001:db8:1111:2222:3333:4444:5555:6666│");
    });

    test("at any width, whatever letters it has to cut", () => {
      for (let width = 1; width <= 160; width += 1) {
        for (const line of lines(roundOf("例え.example", path), width)) {
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
        }
      }
    });

    test("with columns that stay in line where a wide letter is cut", () => {
      for (let width = 60; width <= 160; width += 1) {
        const [, ...table] = lines(roundOf("8.8.8.8", path), width);
        expect(new Set(table.map((line) => Bun.stringWidth(line))).size).toBe(1);
      }
    });
  });
});

type Seen = readonly [addr: string, hostname: string | null, rtts: readonly number[]];

/** A hop at which `addresses` answered, the last of them last. */
function hopOf(ttl: number, rtts: readonly (number | null)[], addresses: readonly Seen[]): MtrHop {
  const [addr, hostname] = addresses.at(-1) ?? [null, null];
  return {
    ttl,
    addr,
    hostname,
    statistics: statisticsOf(rtts),
    addresses: addresses.map(addressOf),
  };
}

function addressOf([addr, hostname, rtts]: Seen): MtrAddress {
  const { sent, lost, loss, inFlight, sendErrors, ...answers } = statisticsOf(rtts);
  const statistics: AddressStatistics = answers;
  return { addr, hostname, statistics, unverified: 0, extensions: [] };
}

function roundOf(target: string, hops: readonly MtrHop[]): MtrRound {
  return {
    round: 1,
    target,
    resolved: "8.8.8.8",
    family: 4,
    hops,
    reached: true,
    end: null,
    [Symbol.iterator]: () => hops.values(),
  };
}

function lines(round: MtrRound, width?: number): string[] {
  return formatMtr(round, width === undefined ? {} : { width }).split("\n");
}
