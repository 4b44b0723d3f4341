import type { Role } from "../model/role.ts";
import type { Canvas } from "./canvas.ts";
import type { Span } from "./table.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";
/**
 * A loss in a sparkline and on the axis of a graph: to be told from an answer without colour, too.
 */
const LOSS_MARK = "×";
/**
 * Milliseconds that a sparkline spans at least, so that the noise of a near host does not look like
 * a storm.
 */
const LEAST_SPAN = 0.2;

/**
 * The latest outcomes in `width` cells, the newest at the right: an RTT as a block, null (a loss)
 * as a mark. Spaces stand for those that are yet to come.
 *
 * The scale goes from the best RTT shown to the worst, or to twice the best if that is more: a
 * steady host is a flat line at the bottom, whatever its distance.
 */
export function sparkline(values: readonly (number | null)[], width: number): Span[] {
  const shown = values.slice(Math.max(0, values.length - width));
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const value of shown) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const span = Math.max(high - low, low, LEAST_SPAN);
  const spans: { text: string; role: Role }[] = [];
  if (shown.length < width) spans.push({ text: " ".repeat(width - shown.length), role: "graph" });
  for (const value of shown) {
    const level = value === null ? 0 : Math.floor(((value - low) / span) * BLOCKS.length);
    const text = value === null ? LOSS_MARK : (BLOCKS[Math.min(level, BLOCKS.length - 1)] ?? "");
    const role = value === null ? "bad" : "graph";
    const last = spans.at(-1);
    if (last?.role === role) last.text += text;
    else spans.push({ text, role });
  }
  return spans;
}

/** The ends of an axis. */
export interface Scale {
  readonly low: number;
  readonly high: number;
}

/**
 * What the upper end of an axis may be, times a power of ten: three quarters of each have at most
 * three digits, too.
 */
const NICE = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];

/**
 * Round ends for an axis that shows `min` to `max`, both at least 0. It begins at 0 unless
 * everything shown is in the upper half; it changes only when a value passes a round number, so
 * that it stays put from frame to frame.
 */
export function niceScale(min: number, max: number): Scale {
  const high = niceCeiling(max);
  return { low: min < high / 2 ? 0 : high / 2, high };
}

/** The least number of {@link NICE} that is not below `value`; 0.1 at least. */
function niceCeiling(value: number): number {
  if (!(value > 0.1)) return 0.1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = NICE.find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
  // Without the noise of 3 * 0.1.
  return Number((factor * power).toPrecision(3));
}

/** Cells of the labels of the axis, `0.375ms` or `60000ms`, and of the axis itself. */
const LABEL_WIDTH = 7;
const AXIS_WIDTH = LABEL_WIDTH + 1;
/** Canvases narrower than this have no labels. */
const LEAST_WIDTH_FOR_LABELS = 24;
/** Canvases lower than this have no line below the graph. */
const LEAST_HEIGHT_FOR_BASE = 4;

/** How many outcomes {@link drawRttGraph} shows on a canvas of `width` cells. */
export function rttGraphCapacity(width: number): number {
  return 2 * Math.max(0, width - axisWidth(width));
}

/** What a graph may be told besides its values. */
export interface RttGraphOptions {
  /**
   * Milliseconds from one probe to the next; if given, the line below tells how long ago the left
   * edge was.
   */
  readonly interval?: number;
}

/**
 * Draws the latest outcomes over the whole of `canvas`, the newest at the right: RTTs as bars of
 * braille dots, two probes a cell; null, a loss, as a dotted column of full height, with a mark
 * below. Ask {@link rttGraphCapacity} how many fit.
 */
export function drawRttGraph(
  canvas: Canvas,
  values: readonly (number | null)[],
  options: RttGraphOptions = {},
): void {
  const { width, height } = canvas;
  if (width < 1 || height < 1) return;
  const left = axisWidth(width);
  const hasBase = height >= LEAST_HEIGHT_FOR_BASE;
  const rows = hasBase ? height - 1 : height;
  const shown = values.slice(Math.max(0, values.length - 2 * (width - left)));
  const scale = scaleOf(shown);
  if (left > 0) drawAxis(canvas, { rows, scale });
  const bars = barsOf(shown, { cells: width - left, rows, scale });
  const highest = Math.max(...bars);
  for (let row = 0; row < rows; row += 1) {
    const below = (rows - 1 - row) * DOTS;
    if (below >= highest) continue;
    drawRuns(canvas, {
      x: left,
      y: row,
      bars,
      role: "graph",
      textOf: (cell) => brailleOf(bars, cell, below),
    });
  }
  if (hasBase) {
    if (left > 0) {
      const { interval = 0 } = options;
      const age = interval > 0 ? formatAge(interval * rttGraphCapacity(width)) : "";
      canvas.text(0, rows, age, { role: "dim", width: LABEL_WIDTH, align: "right" });
      canvas.text(LABEL_WIDTH, rows, "└", { role: "border" });
    }
    const textOf = (_: number, isLoss: boolean): string => (isLoss ? LOSS_MARK : "─");
    drawRuns(canvas, { x: left, y: rows, bars, role: "border", textOf });
  }
}

function axisWidth(width: number): number {
  return width < LEAST_WIDTH_FOR_LABELS ? 0 : AXIS_WIDTH;
}

function scaleOf(values: readonly (number | null)[]): Scale {
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const value of values) {
    if (value === null) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return niceScale(min <= max ? min : 0, max);
}

interface AxisOptions {
  readonly rows: number;
  readonly scale: Scale;
}

function drawAxis(canvas: Canvas, { rows, scale: { low, high } }: AxisOptions): void {
  const labels = new Map([[0, high]]);
  if (rows > 1) labels.set(rows - 1, low);
  // Only where a row is in the very middle: a label half a row off would be wrong.
  if (rows > 4 && rows % 2 === 1) labels.set((rows - 1) / 2, (low + high) / 2);
  for (let row = 0; row < rows; row += 1) {
    const value = labels.get(row);
    const text = value === undefined ? "" : `${Number(value.toPrecision(3))}ms`;
    canvas.text(0, row, text, { role: "dim", width: LABEL_WIDTH, align: "right" });
    canvas.text(LABEL_WIDTH, row, value === undefined ? "│" : "┤", { role: "border" });
  }
}

/** How long ago, in a few cells: `-50s`, `-12min`, `-3h`. */
function formatAge(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 600) return `-${Number(seconds.toFixed(seconds < 10 ? 1 : 0))}s`;
  return seconds < 6000 ? `-${Math.round(seconds / 60)}min` : `-${Math.round(seconds / 3600)}h`;
}

/** Dots of a braille cell, one above the other. */
const DOTS = 4;
/** The height of a bar that stands for a loss: beyond all others. */
const LOST = Number.POSITIVE_INFINITY;

interface BarsOptions {
  readonly cells: number;
  readonly rows: number;
  readonly scale: Scale;
}

/**
 * Heights in dots, two for each cell, the last for the newest: {@link LOST} for a loss, 0 for none
 * yet.
 */
function barsOf(
  values: readonly (number | null)[],
  { cells, rows, scale: { low, high } }: BarsOptions,
): number[] {
  const bars = new Array<number>(2 * cells).fill(0);
  const most = rows * DOTS - 1;
  const first = bars.length - values.length;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? null;
    const share = value === null ? 0 : Math.max(0, Math.min(1, (value - low) / (high - low)));
    // The lowest dot says that there is an answer.
    bars[first + index] = value === null ? LOST : 1 + Math.round(share * most);
  }
  return bars;
}

const BRAILLE = 0x2800;
/**
 * The left and the right column of a braille cell with so many dots from the bottom up (Unicode 17,
 * section 21.1).
 */
const LEFT_BARS = [0, 0x40, 0x44, 0x46, 0x47];
const RIGHT_BARS = [0, 0x80, 0xa0, 0xb0, 0xb8];
/** The same with every other dot. */
const LEFT_LOSS = 0x05;
const RIGHT_LOSS = 0x28;

/** A cell of a row that has so many dots below it. */
function brailleOf(bars: readonly number[], cell: number, below: number): string {
  const a = bars[2 * cell] ?? 0;
  const b = bars[2 * cell + 1] ?? 0;
  const left = a === LOST ? LEFT_LOSS : (LEFT_BARS[Math.max(0, Math.min(DOTS, a - below))] ?? 0);
  const right = b === LOST ? RIGHT_LOSS : (RIGHT_BARS[Math.max(0, Math.min(DOTS, b - below))] ?? 0);
  return left + right === 0 ? " " : String.fromCharCode(BRAILLE + left + right);
}

interface RunsOptions {
  readonly x: number;
  readonly y: number;
  readonly bars: readonly number[];
  /** How cells without a loss look. */
  readonly role: Role;
  textOf(cell: number, isLoss: boolean): string;
}

/** Draws cell after cell, those of one look at once. */
function drawRuns(canvas: Canvas, { x, y, bars, role, textOf }: RunsOptions): void {
  const cells = bars.length / 2;
  let from = 0;
  while (from < cells) {
    const isLoss = hasLoss(bars, from);
    let text = "";
    let to = from;
    for (; to < cells && hasLoss(bars, to) === isLoss; to += 1) text += textOf(to, isLoss);
    if (text.trim() !== "") canvas.text(x + from, y, text, { role: isLoss ? "bad" : role });
    from = to;
  }
}

function hasLoss(bars: readonly number[], cell: number): boolean {
  return bars[2 * cell] === LOST || bars[2 * cell + 1] === LOST;
}
