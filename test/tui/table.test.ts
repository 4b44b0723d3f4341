import { describe, expect, test } from "bun:test";
import { ListState } from "../../tui/src/draw/list-state.ts";
import { type Column, drawTable, placeColumns } from "../../tui/src/draw/table.ts";
import { Grid } from "./grid.ts";

interface Fruit {
  readonly name: string;
  readonly count: number;
}

const NAME: Column<Fruit> = {
  title: "Name",
  width: 6,
  grows: true,
  most: 20,
  cell: ({ name }) => ({ text: name, role: "text" }),
};
const COUNT: Column<Fruit> = {
  title: "Count",
  align: "right",
  width: 5,
  cell: ({ count }) =>
    count < 0
      ? { toEnd: { text: "there are none at all", role: "bad" } }
      : { text: String(count), role: "good" },
};
const BAR: Column<Fruit> = {
  title: "Bar",
  width: 4,
  grows: true,
  priority: 1,
  cell: ({ count }, width) => [
    { text: "#".repeat(Math.min(count, width)), role: "graph" },
    { text: "!", role: "bad" },
  ],
};
const NOTE: Column<Fruit> = {
  title: "Note",
  width: 8,
  priority: 2,
  cell: () => ({ text: "", role: "dim" }),
};

const FRUITS: readonly Fruit[] = [
  { name: "apple", count: 3 },
  { name: "桃の実とりんご", count: 12 },
  { name: "quince", count: -1 },
];

/** So many rows, each named by its place. */
function many(count: number): Fruit[] {
  return Array.from({ length: count }, (_, index) => ({ name: `row ${index}`, count: index }));
}

/** Draws rows as a table; the calls of its callbacks are counted. */
function tableOf(
  rows: readonly Fruit[],
  size: { readonly width: number; readonly height: number },
  list: ListState = new ListState(),
): { grid: Grid; list: ListState; calls: string[] } {
  const calls: string[] = [];
  const grid = new Grid(size.width, size.height, (canvas) =>
    drawTable(canvas, {
      columns: [NAME, COUNT, BAR],
      rows,
      list,
      changed: () => calls.push("changed"),
      onTitle: ({ title }) => calls.push(title),
      empty: "nothing yet",
    }),
  );
  return { grid, list, calls };
}

describe("placeColumns()", () => {
  const widths = (width: number): string =>
    placeColumns([NAME, COUNT, BAR, NOTE], width)
      .map(({ column, x, width: cells }) => `${column.title}@${x}+${cells}`)
      .join(" ");

  test("gives what texts need first, and the rest to those that can take any room", () => {
    const widthsOf = (needs: number, width: number): number[] =>
      placeColumns([{ ...NAME, needs }, COUNT, BAR], width).map(({ width: cells }) => cells);
    expect(widthsOf(12, 40)).toEqual([12, 5, 21]);
    expect(widthsOf(12, 20)).toEqual([9, 5, 4]);
    expect(widthsOf(3, 40)).toEqual([6, 5, 27]);
    expect(widthsOf(99, 60)).toEqual([20, 5, 33]);
  });

  test("drops what matters least, then what is left is cut by the canvas", () => {
    expect(widths(26)).toBe("Name@0+6 Count@7+5 Bar@13+4 Note@18+8");
    expect(widths(25)).toBe("Name@0+10 Count@11+5 Bar@17+8");
    expect(widths(17)).toBe("Name@0+6 Count@7+5 Bar@13+4");
    expect(widths(16)).toBe("Name@0+10 Count@11+5");
    expect(widths(9)).toBe("Name@0+6 Count@7+2");
    expect(widths(3)).toBe("Name@0+3 Count@4+0");
  });

  test("shares out what is left over, up to the limits", () => {
    expect(widths(30)).toBe("Name@0+8 Count@9+5 Bar@15+6 Note@22+8");
    expect(widths(60)).toBe("Name@0+20 Count@21+5 Bar@27+24 Note@52+8");
  });

  test("takes the rightmost of equal priority first", () => {
    const equal: readonly Column<Fruit>[] = [
      { ...NOTE, title: "A" },
      { ...NOTE, title: "B" },
    ];
    expect(placeColumns(equal, 10).map(({ column }) => column.title)).toEqual(["A"]);
  });
});

describe("drawTable()", () => {
  test("aligns its columns, cuts what is too long, and lets a cell take the rest of its row", () => {
    const { grid } = tableOf(FRUITS, { width: 30, height: 6 });
    expect(`\n${grid.text}\n`).toMatchInlineSnapshot(`
      "
      Name         Count Bar
      apple            3 ###!
      桃の実とり…     12 ##########
      quince       there are none …
      "
    `);
    expect(grid.roleOf("Name")).toBe("header");
    expect(grid.roleOf("12")).toBe("good");
    expect(grid.roleOf("there")).toBe("bad");
  });

  test("shows the selected row in one role", () => {
    const { grid } = tableOf(FRUITS, { width: 30, height: 6 });
    expect([grid.roleOf("apple"), grid.roleOf("3"), grid.roleOf("###")]).toEqual([
      "selected",
      "selected",
      "selected",
    ]);
    expect(grid.roleOf("桃")).toBe("text");
  });

  test("shows the window around the selection, and where it is", () => {
    const list = new ListState();
    list.update(50, 5);
    list.select(20);
    const { grid } = tableOf(many(50), { width: 12, height: 6 }, list);
    expect(grid.rows).toEqual([
      "Name   Cou…",
      "row 16   16│",
      "row 17   17█",
      "row 18   18│",
      "row 19   19│",
      "row 20   20│",
    ]);
  });

  test("asks for cells of visible rows only", () => {
    let asked = 0;
    const column: Column<Fruit> = {
      ...NAME,
      cell: ({ name }) => {
        asked += 1;
        return { text: name, role: "text" };
      },
    };
    const list = new ListState();
    const draw = () =>
      new Grid(20, 11, (canvas) =>
        drawTable(canvas, { columns: [column], rows: many(10_000), list, changed() {} }),
      );
    draw();
    list.scroll(5000);
    expect(draw().text).toContain("row 5009");
    expect(asked).toBe(20);
  });

  test("selects by click, scrolls by wheel, and tells which title was clicked", () => {
    const { grid, list, calls } = tableOf(many(50), { width: 30, height: 6 });
    grid.clickOn("row 3");
    expect(list.selected).toBe(3);
    grid.clickOn("Count");
    grid.scroll(2, 3, 7);
    expect(calls).toEqual(["changed", "Count", "changed"]);
    expect(tableOf(many(50), { width: 30, height: 6 }, list).grid.rows[1]).toStartWith("row 7");
  });

  test("ignores clicks below its last row", () => {
    const { grid, list, calls } = tableOf(FRUITS, { width: 30, height: 8 });
    list.select(1);
    grid.click(3, 7);
    expect([list.selected, calls]).toEqual([1, []]);
  });

  test("says what an empty table is waiting for", () => {
    const { grid } = tableOf([], { width: 30, height: 6 });
    expect(grid.rows[1]).toBe("nothing yet");
    expect(grid.roleOf("nothing")).toBe("dim");
  });

  test("draws at any size", () => {
    for (let width = 0; width < 8; width += 1) {
      for (let height = 0; height < 4; height += 1) {
        expect(() => tableOf(many(9), { width, height })).not.toThrow();
      }
    }
  });
});
