import { describe, expect, test } from "bun:test";
import { drawHelp, type HelpGroup } from "../../tui/src/screen/help.ts";
import { Grid } from "./grid.ts";

const GROUPS: readonly HelpGroup[] = [
  {
    title: "Everywhere",
    bindings: [
      { label: "?", summary: "this help" },
      { label: "q  Ctrl-C", summary: "quit" },
      { label: "1 … 5", summary: "go to a view" },
      { label: "Tab", summary: "next field" },
      { label: "[ ]", summary: "other session" },
      { label: "t", summary: "next theme" },
    ],
  },
  { title: "Nothing", bindings: [] },
  {
    title: "Ping",
    bindings: [
      { label: "p", summary: "pause or go on" },
      { label: "r", summary: "reset the figures" },
    ],
  },
  {
    title: "Log",
    bindings: [
      { label: "↑ k", summary: "a line up" },
      { label: "↓ j", summary: "a line down" },
    ],
  },
];

describe("drawHelp()", () => {
  test("two columns where there is room", () => {
    expect(drawn(80, 24).grid.text).toMatchInlineSnapshot(`
      "






              ╭─ Keys ───────────────────────────────────────────────────────╮
              │ Everywhere                      Ping                         │
              │ ?          this help            p          pause or go on    │
              │ q  Ctrl-C  quit                 r          reset the figures │
              │ 1 … 5      go to a view                                      │
              │ Tab        next field           Log                          │
              │ [ ]        other session        ↑ k        a line up         │
              │ t          next theme           ↓ j        a line down       │
              ╰──────────────────────────────────────────────────────────────╯"
    `);
  });

  test("one column that scrolls in a small terminal", () => {
    const { grid, furthest } = drawn(40, 12);
    expect(grid.text).toMatchInlineSnapshot(`
      "    ╭─ Keys ───────────────────────╮
          │ Everywhere                   │
          │ ?          this help         │
          │ q  Ctrl-C  quit              │
          │ 1 … 5      go to a view      │
          │ Tab        next field        │
          │ [ ]        other session     │
          │ t          next theme        │
          │                              │
          │ Ping                         │
          │ p          pause or go on    │
          ╰────────────────────────── ↓ ─╯"
    `);
    expect(furthest).toBe(5);
    expect(drawn(40, 12, 2).grid.text).toMatchInlineSnapshot(`
      "    ╭─ Keys ─────────────────── ↑ ─╮
          │ q  Ctrl-C  quit              │
          │ 1 … 5      go to a view      │
          │ Tab        next field        │
          │ [ ]        other session     │
          │ t          next theme        │
          │                              │
          │ Ping                         │
          │ p          pause or go on    │
          │ r          reset the figures │
          │                              │
          ╰────────────────────────── ↓ ─╯"
    `);
  });

  test("does not scroll beyond the end", () => {
    expect(drawn(40, 12, 99).grid.text).toBe(drawn(40, 12, 5).grid.text);
    expect(drawn(40, 12, -3).grid.text).toBe(drawn(40, 12, 0).grid.text);
    expect(drawn(80, 24, 4).grid.text).toBe(drawn(80, 24).grid.text);
  });

  test("covers what is below it, and nothing else", () => {
    const grid = new Grid(60, 20, (canvas) => {
      for (let row = 0; row < 20; row += 1) canvas.text(0, row, "#".repeat(60));
      drawHelp(canvas, GROUPS.slice(2, 3), 0);
    });
    const rows = grid.rows.filter((row) => row !== "#".repeat(60));
    expect(rows.map((row) => row.replaceAll(/#+/g, "#"))).toEqual([
      "#╭─ Keys ───────────────╮#",
      "#│ Ping                 │#",
      "#│ p  pause or go on    │#",
      "#│ r  reset the figures │#",
      "#╰──────────────────────╯#",
    ]);
  });

  test("keys stand out", () => {
    const { grid } = drawn(80, 24);
    expect(grid.roleOf("q  Ctrl-C")).toBe("accent");
    expect(grid.roleOf("quit")).toBe("text");
    expect(grid.roleOf("Ping")).toBe("header");
  });

  test("never fails, however small", () => {
    for (let width = 0; width < 30; width += 1) {
      for (let height = 0; height < 8; height += 1) {
        expect(drawn(width, height, 3).furthest).toBeGreaterThanOrEqual(0);
      }
    }
    expect(new Grid(20, 5, (canvas) => drawHelp(canvas, [], 0)).rows).toHaveLength(5);
  });
});

function drawn(width: number, height: number, scroll = 0): { grid: Grid; furthest: number } {
  let furthest = -1;
  const grid = new Grid(width, height, (canvas) => {
    furthest = drawHelp(canvas, GROUPS, scroll);
  });
  return { grid, furthest };
}
