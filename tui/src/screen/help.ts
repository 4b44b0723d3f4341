import type { Canvas } from "../draw/canvas.ts";
import type { Binding } from "../model/binding.ts";
import { textWidth } from "../model/fit.ts";

/** Keys that belong together. */
export interface HelpGroup {
  /** Where they work, e.g. "Everywhere" or "Ping". */
  readonly title: string;
  readonly bindings: readonly Pick<Binding, "label" | "summary">[];
}

/** A line of a column: a title, a key, or nothing between two groups. */
type Line = { readonly title: string } | Pick<Binding, "label" | "summary"> | null;

/** Cells between a frame and what is in it. */
const MARGIN = 2;
const COLUMN_GAP = 4;
const LABEL_GAP = 2;
/** Cells below which a summary is not worth a column of its own. */
const LEAST_SUMMARY = 20;

/**
 * Draws the keys in a frame in the middle of `canvas`, in two columns where there is room.
 *
 * @param scroll rows scrolled down; what is beyond the end counts as the end.
 * @returns the furthest that it can be scrolled.
 */
export function drawHelp(canvas: Canvas, groups: readonly HelpGroup[], scroll: number): number {
  const shown = groups.filter(({ bindings }) => bindings.length > 0);
  const labelWidth = Math.max(
    0,
    ...shown.flatMap(({ bindings }) => bindings.map(({ label }) => textWidth(label))),
  );
  const summaryWidth = Math.max(
    0,
    ...shown.flatMap(({ title, bindings }) => [
      textWidth(title) - labelWidth - LABEL_GAP,
      ...bindings.map(({ summary }) => textWidth(summary)),
    ]),
  );
  const wanted = labelWidth + LABEL_GAP + summaryWidth;
  const room = canvas.width - 2 * MARGIN;
  const isWide =
    room >= 2 * (labelWidth + LABEL_GAP + Math.min(summaryWidth, LEAST_SUMMARY)) + COLUMN_GAP;
  const columns = isWide && shown.length > 1 ? balanced(shown) : [linesOf(shown)];
  const gaps = COLUMN_GAP * (columns.length - 1);
  const columnWidth = Math.min(wanted, Math.floor((room - gaps) / columns.length));
  const rows = Math.max(...columns.map((lines) => lines.length));

  const width = columnWidth * columns.length + gaps + 2 * MARGIN;
  const height = Math.min(rows + 2, canvas.height);
  const box = canvas.part({
    x: Math.floor((canvas.width - width) / 2),
    y: Math.floor((canvas.height - height) / 2),
    width,
    height,
  });
  const seen = Math.max(0, height - 2);
  const furthest = Math.max(0, rows - seen);
  const from = Math.max(0, Math.min(scroll, furthest));
  drawFrame(box, { above: from > 0, below: from < furthest });
  const inner = box.part({ x: MARGIN, y: 1, width: width - 2 * MARGIN, height: seen });
  for (const [index, lines] of columns.entries()) {
    const part = inner.part({
      x: index * (columnWidth + COLUMN_GAP),
      y: 0,
      width: columnWidth,
      height: seen,
    });
    for (const [row, line] of lines.slice(from, from + seen).entries())
      drawLine(part, { row, line, labelWidth });
  }
  return furthest;
}

function drawFrame(
  box: Canvas,
  { above, below }: { readonly above: boolean; readonly below: boolean },
): void {
  const { width, height } = box;
  box.fill({ x: 0, y: 0, width, height }, "text");
  const line = "─".repeat(Math.max(0, width - 2));
  box.text(0, 0, `╭${line}╮`, { role: "border" });
  for (let row = 1; row < height - 1; row += 1) {
    box.text(0, row, "│", { role: "border" });
    box.text(width - 1, row, "│", { role: "border" });
  }
  box.text(0, height - 1, `╰${line}╯`, { role: "border" });
  box.text(2, 0, " Keys ", { role: "title", width: Math.max(0, width - 4) });
  if (above) box.text(width - 5, 0, " ↑ ", { role: "accent" });
  if (below) box.text(width - 5, height - 1, " ↓ ", { role: "accent" });
}

function drawLine(
  canvas: Canvas,
  {
    row,
    line,
    labelWidth,
  }: { readonly row: number; readonly line: Line; readonly labelWidth: number },
): void {
  if (line === null) return;
  if ("title" in line) {
    canvas.text(0, row, line.title, { role: "header" });
    return;
  }
  canvas.text(0, row, line.label, { role: "accent", width: labelWidth });
  canvas.text(labelWidth + LABEL_GAP, row, line.summary);
}

/** Two columns of whole groups in their order, as equal as they get. */
function balanced(groups: readonly HelpGroup[]): readonly (readonly Line[])[] {
  const splits = groups.slice(1).map((_, index) => {
    const left = linesOf(groups.slice(0, index + 1));
    const right = linesOf(groups.slice(index + 1));
    return { columns: [left, right], rows: Math.max(left.length, right.length) };
  });
  return splits.reduce((best, split) => (split.rows < best.rows ? split : best)).columns;
}

function linesOf(groups: readonly HelpGroup[]): readonly Line[] {
  return groups.flatMap(({ title, bindings }, index) => [
    ...(index === 0 ? [] : [null]),
    { title },
    ...bindings,
  ]);
}
