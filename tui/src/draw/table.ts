import { textWidth } from "../model/fit.ts";
import type { Role } from "../model/role.ts";
import type { Canvas } from "./canvas.ts";
import type { ListState } from "./list-state.ts";

/** A piece of a line with one look. */
export interface Span {
  readonly text: string;
  readonly role: Role;
}

/** What stands in a cell and in all those to its right, in place of what else would. */
export interface ToEnd {
  readonly toEnd: Span;
}

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** Default left. */
  readonly align?: "left" | "right";
  /** Cells; the least if it grows. */
  readonly width: number;
  /** Whether it takes the room that is left over; several share it. Default false. */
  readonly grows?: boolean;
  /** Cells beyond which it does not grow. Default: none. */
  readonly most?: number;
  /**
   * Cells that its texts take, if that is known: of the room that is left over, it gets these
   * before others grow, and no more.
   */
  readonly needs?: number;
  /**
   * When room is short, the columns with the highest go first, of equals the rightmost; 0 (the
   * default) never goes.
   */
  readonly priority?: number;
  /** What stands in it, in `width` cells: what is longer is cut. Called for visible rows only. */
  cell(row: Row, width: number): Span | readonly Span[] | ToEnd;
}

/** What to draw as a table. */
export interface TableOptions<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly list: ListState;
  /** The selection or the window was moved with the mouse. */
  changed(): void;
  /** The title of a column was clicked. */
  readonly onTitle?: (column: Column<Row>) => void;
  /** What stands in an empty table. */
  readonly empty?: string;
}

/** A column with the room it gets. */
export interface PlacedColumn<Row> {
  readonly column: Column<Row>;
  readonly x: number;
  readonly width: number;
}

/** Cells between two columns. */
const GAP = 1;

/** Which columns fit into `width` cells, and where. */
export function placeColumns<Row>(
  columns: readonly Column<Row>[],
  width: number,
): PlacedColumn<Row>[] {
  const kept = [...columns];
  const needed = () => kept.reduce((sum, column) => sum + column.width, GAP * (kept.length - 1));
  while (kept.length > 1 && needed() > width) {
    const most = Math.max(...kept.map(({ priority = 0 }) => priority));
    if (most === 0) break;
    kept.splice(
      kept.findLastIndex(({ priority = 0 }) => priority === most),
      1,
    );
  }
  const widths = kept.map((column) => column.width);
  const spare = Math.max(0, width - needed());
  const hasNeeds = (index: number): boolean => kept[index]?.needs !== undefined;
  const rest = grow(widths, spare, (index) => (hasNeeds(index) ? limitOf(kept[index]) : 0));
  grow(widths, rest, (index) => (hasNeeds(index) ? 0 : limitOf(kept[index])));
  let x = 0;
  return kept.map((column, index) => {
    // Those that never go may be too wide even so.
    const placed = { column, x, width: Math.max(0, Math.min(widths[index] ?? 0, width - x)) };
    x += placed.width + GAP;
    return placed;
  });
}

/** How wide a column gets at most; 0 for none. */
function limitOf<Row>(column: Column<Row> | undefined): number {
  if (column?.grows !== true) return 0;
  return Math.min(
    column.most ?? Number.POSITIVE_INFINITY,
    column.needs ?? Number.POSITIVE_INFINITY,
  );
}

/** Shares `spare` cells among `widths` up to the limit of each; gives what nobody takes. */
function grow(widths: number[], spare: number, limitAt: (index: number) => number): number {
  let left = spare;
  let growing = widths.flatMap((width, index) => (limitAt(index) > width ? [index] : []));
  // Each time round some column reaches its limit, or everything is given away.
  while (left > 0 && growing.length > 0) {
    const share = Math.ceil(left / growing.length);
    for (const index of growing) {
      const width = widths[index] ?? 0;
      const more = Math.min(share, left, limitAt(index) - width);
      widths[index] = width + more;
      left -= more;
    }
    growing = growing.filter((index) => limitAt(index) > (widths[index] ?? 0));
  }
  return left;
}

/**
 * Draws a table over the whole of `canvas`: titles, then as many rows as fit, the selected one
 * marked. A click selects, the wheel scrolls; the last column of cells shows where in the list the
 * window is, if not all rows fit.
 */
export function drawTable<Row>(canvas: Canvas, options: TableOptions<Row>): void {
  const { columns, rows, list, changed, onTitle, empty } = options;
  const height = Math.max(0, canvas.height - 1);
  list.update(rows.length, height);
  // Always kept free, so that nothing moves when the list grows beyond the window.
  const placed = placeColumns(columns, canvas.width - 1);
  canvas.fill({ x: 0, y: 0, width: canvas.width, height: 1 }, "header");
  for (const { column, x, width } of placed) {
    const { title, align = "left" } = column;
    canvas.text(x, 0, title, { role: "header", width, align });
    if (onTitle) canvas.onMouse({ x, y: 0, width, height: 1 }, { click: () => onTitle(column) });
  }
  if (rows.length === 0 && empty !== undefined) canvas.text(0, 1, empty, { role: "dim" });
  const shown = Math.min(height, rows.length - list.top);
  for (let line = 0; line < shown; line += 1) {
    const row = rows[list.top + line] as Row;
    drawRow(canvas, { row, y: line + 1, placed, isSelected: list.top + line === list.selected });
  }
  canvas.onMouse(
    { x: 0, y: 1, width: canvas.width, height },
    {
      click(_, y) {
        if (list.top + y >= rows.length) return;
        list.select(list.top + y);
        changed();
      },
      scroll(by) {
        list.scroll(by);
        changed();
      },
    },
  );
  drawScrollMark(canvas, { count: rows.length, top: list.top, height });
}

interface RowOptions<Row> {
  readonly row: Row;
  readonly y: number;
  readonly placed: readonly PlacedColumn<Row>[];
  readonly isSelected: boolean;
}

function drawRow<Row>(canvas: Canvas, { row, y, placed, isSelected }: RowOptions<Row>): void {
  if (isSelected) canvas.fill({ x: 0, y, width: canvas.width, height: 1 }, "selected");
  for (const { column, x, width } of placed) {
    const content = column.cell(row, width);
    if ("toEnd" in content) {
      const spans = [content.toEnd];
      drawSpans(canvas, { x, y, width: canvas.width - 1 - x, align: "left", spans, isSelected });
      return;
    }
    const spans = "text" in content ? [content] : content;
    drawSpans(canvas, { x, y, width, align: column.align ?? "left", spans, isSelected });
  }
}

interface SpansOptions {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly align: "left" | "right";
  readonly spans: readonly Span[];
  readonly isSelected: boolean;
}

function drawSpans(canvas: Canvas, { x, y, width, align, spans, isSelected }: SpansOptions): void {
  const total = spans.reduce((sum, { text }) => sum + textWidth(text), 0);
  let at = align === "right" ? Math.max(0, width - total) : 0;
  for (const { text, role } of spans) {
    if (at >= width) return;
    // One look for the whole row, or its background would have holes.
    canvas.text(x + at, y, text, { role: isSelected ? "selected" : role, width: width - at });
    at += textWidth(text);
  }
}

interface ScrollMarkOptions {
  readonly count: number;
  readonly top: number;
  readonly height: number;
}

function drawScrollMark(canvas: Canvas, { count, top, height }: ScrollMarkOptions): void {
  if (count <= height || height < 1) return;
  const length = Math.max(1, Math.round((height * height) / count));
  const start = Math.round(((height - length) * top) / (count - height));
  for (let line = 0; line < height; line += 1) {
    const isHere = line >= start && line < start + length;
    canvas.text(canvas.width - 1, line + 1, isHere ? "█" : "│", {
      role: isHere ? "accent" : "border",
    });
  }
}
