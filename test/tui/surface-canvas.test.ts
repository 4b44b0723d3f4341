import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Grid } from "./grid.ts";

describe("SurfaceCanvas", () => {
  test("clips what a part draws to the part, and counts from its corner", () => {
    const grid = new Grid(12, 4, (canvas) => {
      const part = canvas.part({ x: 3, y: 1, width: 6, height: 2 });
      part.text(0, 0, "overlong text");
      part.text(1, 1, "ab");
      part.text(0, 2, "below");
      part.text(0, -1, "above");
      part.text(-1, 1, "left");
    });
    expect(grid.rows).toEqual(["", "   overl…", "    ab", ""]);
  });

  test("clips a part to the part around it", () => {
    const grid = new Grid(12, 3, (canvas) => {
      const inner = canvas
        .part({ x: 2, y: 0, width: 5, height: 1 })
        .part({ x: 2, y: 0, width: 50, height: 5 });
      inner.text(0, 0, "abcdef");
      inner.text(0, 1, "below");
      inner.fill({ x: 0, y: 0, width: 50, height: 50 }, "selected");
    });
    expect(grid.rows).toEqual(["", "", ""]);
    const text = new Grid(12, 1, (canvas) =>
      canvas
        .part({ x: 2, y: 0, width: 5, height: 1 })
        .part({ x: 2, y: 0, width: 9, height: 1 })
        .text(0, 0, "abcdef"),
    );
    expect(text.text).toBe("    ab…");
  });

  test("aligns and fills as asked", () => {
    const grid = new Grid(10, 2, (canvas) => {
      canvas.text(0, 0, "12", { width: 5, align: "right", role: "good" });
      canvas.text(6, 0, "x");
      canvas.text(0, 1, "sel", { width: 6, role: "selected", fill: true });
    });
    expect(grid.rows).toEqual(["   12 x", "sel"]);
    expect(grid.roleOf("12")).toBe("good");
    expect(grid.roleOf("sel   ")).toBe("selected");
  });

  test("gives a click to the last rectangle drawn there, in its coordinates, and the wheel to one that wants it", () => {
    const heard: string[] = [];
    const grid = new Grid(10, 5, (canvas) => {
      canvas.onMouse(
        { x: 0, y: 0, width: 10, height: 5 },
        {
          click: (x, y) => heard.push(`all ${x},${y}`),
          scroll: (rows) => heard.push(`scroll ${rows}`),
        },
      );
      const part = canvas.part({ x: 4, y: 2, width: 3, height: 2 });
      part.onMouse(
        { x: 1, y: 0, width: 9, height: 1 },
        { click: (x, y) => heard.push(`part ${x},${y}`) },
      );
    });
    grid.click(6, 2);
    grid.click(7, 2);
    grid.click(1, 1);
    grid.scroll(6, 2, 3);
    grid.click(50, 50);
    expect(heard).toEqual(["part 1,0", "all 7,2", "all 1,1", "scroll 3"]);
  });

  test("never draws outside, wherever one asks it to", () => {
    const anywhere = fc.integer({ min: -5, max: 20 });
    const rect = fc.record({ x: anywhere, y: anywhere, width: anywhere, height: anywhere });
    fc.assert(
      fc.property(rect, rect, anywhere, anywhere, (outer, inner, x, y) => {
        // The grid throws at a cell that is not there.
        const grid = new Grid(10, 4, (canvas) => {
          const part = canvas.part(outer).part(inner);
          part.fill({ x, y, width: 9, height: 9 }, "bad");
          part.text(x, y, "例え text", { width: y });
          part.onMouse(inner, { click: () => {} });
        });
        for (const row of grid.rows) expect(Bun.stringWidth(row)).toBeLessThanOrEqual(10);
      }),
    );
  });
});
