import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Rect } from "../../tui/src/draw/canvas.ts";
import { layoutForm, layoutScreen } from "../../tui/src/screen/layout.ts";
import { fakeTool } from "./fake-tool.ts";

const FIELDS = fakeTool("ping", "Ping").fields;

const size = fc.record({
  width: fc.integer({ min: 0, max: 300 }),
  height: fc.integer({ min: 0, max: 100 }),
  formRows: fc.integer({ min: 0, max: 6 }),
  isFormNeeded: fc.boolean(),
  noticeRows: fc.integer({ min: 0, max: 20 }),
});

function overlap(a: Rect, b: Rect): boolean {
  const inX = a.x < b.x + b.width && b.x < a.x + a.width;
  return inX && a.y < b.y + b.height && b.y < a.y + a.height;
}

describe("layoutScreen()", () => {
  test("puts the navigation beside the rest where there is room, and above it where there is not", () => {
    const needs = { formRows: 2, isFormNeeded: false, noticeRows: 0 };
    expect(layoutScreen({ ...needs, width: 120, height: 40 })).toMatchObject({
      isSide: true,
      navigation: { x: 0, y: 0, width: 16, height: 39 },
      tabs: { x: 17, y: 0, width: 93, height: 1 },
      button: { x: 110, y: 0, width: 9, height: 1 },
      form: { y: 1, height: 2 },
      body: { x: 17, y: 3, width: 103, height: 36 },
      hints: { x: 0, y: 39, width: 120, height: 1 },
    });
    expect(layoutScreen({ ...needs, width: 40, height: 12 })).toMatchObject({
      isSide: false,
      navigation: { x: 0, y: 0, width: 40, height: 1 },
      tabs: { y: 1 },
      form: { y: 2, height: 1 },
      body: { x: 0, y: 3, width: 40, height: 8 },
    });
  });

  test("shows all of a form that somebody types into, also where there is little room", () => {
    const needs = { width: 40, height: 12, formRows: 4, noticeRows: 0 };
    expect(layoutScreen({ ...needs, isFormNeeded: true }).form.height).toBe(4);
    expect(layoutScreen({ ...needs, isFormNeeded: false }).form.height).toBe(1);
  });

  test("never lets messages take more than a third", () => {
    const needs = { width: 80, height: 24, formRows: 1, isFormNeeded: false };
    expect(layoutScreen({ ...needs, noticeRows: 20 }).notices).toMatchObject({ y: 15, height: 8 });
  });

  test("divides any screen without overlaps or leftovers below the edge", () => {
    fc.assert(
      fc.property(size, (needs) => {
        const { isSide: _, ...parts } = layoutScreen(needs);
        const rects = Object.values(parts).filter(({ width, height }) => width > 0 && height > 0);
        for (const [index, rect] of rects.entries()) {
          expect(rect.x >= 0 && rect.y >= 0).toBe(true);
          expect(rect.x + rect.width).toBeLessThanOrEqual(needs.width);
          expect(rect.y + rect.height).toBeLessThanOrEqual(needs.height);
          for (const other of rects.slice(index + 1)) expect(overlap(rect, other)).toBe(false);
        }
      }),
    );
  });
});

describe("layoutForm()", () => {
  test("fills one row, the target growing, where all fits", () => {
    const { rows, fields } = layoutForm(FIELDS, 100);
    expect(rows).toBe(1);
    expect(fields.map(({ x, y, inputX, inputWidth }) => [x, y, inputX, inputWidth])).toEqual([
      [0, 0, 7, 66],
      [75, 0, 84, 5],
      [93, 0, 97, 3],
    ]);
  });

  test("breaks into rows as words into lines", () => {
    const { rows, fields } = layoutForm(FIELDS, 30);
    expect(rows).toBe(2);
    expect(fields.map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [0, 1],
      [18, 1],
    ]);
  });

  test("keeps every input on the screen, however narrow", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (width) => {
        for (const { inputX, inputWidth, x } of layoutForm(FIELDS, width).fields) {
          expect(inputWidth).toBeGreaterThanOrEqual(1);
          if (width > 20) expect(inputX + inputWidth).toBeLessThanOrEqual(width);
          expect(x).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("has no rows without fields", () => {
    expect(layoutForm([], 80)).toMatchObject({ rows: 0, fields: [] });
  });
});
