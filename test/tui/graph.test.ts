import { describe, expect, test } from "bun:test";
import { drawRttGraph, niceScale, rttGraphCapacity, sparkline } from "../../tui/src/draw/graph.ts";
import { Grid } from "./grid.ts";

/** The text of a sparkline. */
function line(values: readonly (number | null)[], width: number): string {
  return sparkline(values, width)
    .map(({ text }) => text)
    .join("");
}

function graph(
  values: readonly (number | null)[],
  { width, height, interval }: { width: number; height: number; interval?: number },
): Grid {
  return new Grid(width, height, (canvas) =>
    drawRttGraph(canvas, values, interval === undefined ? {} : { interval }),
  );
}

describe("sparkline()", () => {
  test("goes from the best to the worst", () => {
    expect(line([10, 20, 30, 40, 50, 60, 70, 80], 8)).toBe("▁▂▃▄▅▆▇█");
  });

  test("is flat at the bottom for a steady host, near or far", () => {
    expect(line([20, 21, 20.4, 22], 4)).toBe("▁▁▁▁");
    expect(line([0.03, 0.05, 0.04], 3)).toBe("▁▁▁");
    expect(line([7, 7, 7], 3)).toBe("▁▁▁");
  });

  test("marks losses, in their own role", () => {
    expect(sparkline([10, null, null, 40], 4)).toEqual([
      { text: "▁", role: "graph" },
      { text: "××", role: "bad" },
      { text: "█", role: "graph" },
    ]);
  });

  test("has the newest at the right, and room at the left for those to come", () => {
    expect(line([10, 40], 5)).toBe("   ▁█");
    expect(line([99, 99, 10, 40], 2)).toBe("▁█");
  });

  test("copes with nothing but losses, with nothing, and with no room", () => {
    expect(line([null, null], 3)).toBe(" ××");
    expect(line([], 2)).toBe("  ");
    expect(line([1, 2], 0)).toBe("");
  });
});

describe("niceScale()", () => {
  test("ends at a round number, and begins at 0 or in the middle", () => {
    const rows: readonly (readonly [min: number, max: number, low: number, high: number])[] = [
      [0, 0, 0, 0.1],
      [0.02, 0.07, 0, 0.1],
      [0.02, 0.3, 0, 0.3],
      [0.4, 0.5, 0.25, 0.5],
      [1, 7.3, 0, 8],
      [11, 14, 8, 16],
      [20, 21, 12, 24],
      [3, 100, 0, 100],
      [900, 1001, 600, 1200],
    ];
    for (const [min, max, low, high] of rows) expect(niceScale(min, max)).toEqual({ low, high });
  });

  test("stays put while values move between round numbers", () => {
    const scales = Array.from({ length: 20 }, (_, step) => niceScale(3, 30.5 + step * 0.5));
    expect(new Set(scales.map(({ high }) => high))).toEqual(new Set([40]));
  });
});

describe("drawRttGraph()", () => {
  test("draws bars between labelled axes, losses dotted and marked", () => {
    const values = [...Array.from({ length: 40 }, (_, index) => 10 + index), null, 30, 30, 5, 50];
    const grid = graph(values, { width: 40, height: 6, interval: 1000 });
    expect(`\n${grid.text}\n`).toMatchInlineSnapshot(`
      "
         50ms┤                         ⣀⣠⣤⣶⡯ ⢸
             │                    ⣀⣤⣴⣶⣿⣿⣿⣿⣿⡯ ⢸
         25ms┤              ⢀⣀⣤⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⡯⣿⢸
             │         ⢀⣠⣤⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⡯⣿⢸
          0ms┤         ⢸⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⡯⣿⣾
         -64s└─────────────────────────────×──
      "
    `);
    expect(grid.roleOf("×")).toBe("bad");
    expect(grid.roleOf("50ms")).toBe("dim");
  });

  test("begins above zero where everything is close together", () => {
    const values = Array.from({ length: 64 }, (_, index) => 20 + (index % 5) / 2);
    expect(`\n${graph(values, { width: 40, height: 6 }).text}\n`).toMatchInlineSnapshot(`
      "
         24ms┤  ⡀ ⢀  ⡀ ⢀  ⡀ ⢀  ⡀ ⢀  ⡀ ⢀  ⡀ ⢀
             │⣤⣾⣧⣴⣿⣤⣾⣧⣴⣿⣤⣾⣧⣴⣿⣤⣾⣧⣴⣿⣤⣾⣧⣴⣿⣤⣾⣧⣴⣿⣤⣾
         18ms┤⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
             │⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
         12ms┤⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
             └────────────────────────────────
      "
    `);
  });

  test("says that there is an answer, however quick", () => {
    const grid = graph([0, 100], { width: 10, height: 2 });
    expect(grid.rows).toEqual(["         ⢸", "         ⣸"]);
  });

  test("shows the newest only, and as many as it says that fit", () => {
    expect([10, 40].map(rttGraphCapacity)).toEqual([20, 64]);
    const values = [9000, ...Array.from({ length: rttGraphCapacity(40) }, () => 10)];
    expect(graph(values, { width: 40, height: 6 }).text).not.toContain("9000");
    expect(graph(values.slice(1), { width: 40, height: 6 }).rows[1]).not.toContain(" ⣿");
  });

  test("tells how long ago the left edge was", () => {
    const age = (interval: number): string | undefined =>
      graph([1], { width: 40, height: 6, interval }).rows.at(-1)?.slice(0, 8);
    expect([10, 100, 1000, 10_000, 60_000, 600_000].map(age)).toEqual(
      ["-0.6s└", "-6.4s└", " -64s└", "-11min└", "-64min└", " -11h└"].map((text) =>
        text.padStart(8),
      ),
    );
    expect(age(0)).toBe("       └");
  });

  test("has room for the label of any RTT", () => {
    for (let rtt = 0.001; rtt < 70_000; rtt *= 1.03) {
      for (const values of [[rtt, 0], [rtt]]) {
        const { text } = graph(values, { width: 40, height: 6 });
        expect(text).not.toContain("…");
        expect(text.match(/ms┤/g)).toHaveLength(3);
      }
    }
  });

  test("does without labels and line where there is no room, and draws nothing on nothing", () => {
    expect(graph([1, null], { width: 3, height: 1 }).rows).toEqual(["  ⡯"]);
    for (const [width, height] of [
      [0, 0],
      [0, 5],
      [5, 0],
      [1, 1],
    ] as const) {
      expect(() => graph([1, null, 3], { width, height })).not.toThrow();
    }
  });

  test("draws an empty graph with its axes", () => {
    expect(graph([], { width: 30, height: 4 }).rows).toEqual([
      "  0.1ms┤",
      "       │",
      "    0ms┤",
      `       └${"─".repeat(22)}`,
    ]);
  });
});
