import type { StatisticsSnapshot } from "icmpx";
import type { Canvas } from "../draw/canvas.ts";
import { figureRole, formatCount, formatLoss, formatRtt, lossRole } from "../model/format.ts";
import type { Role } from "../model/role.ts";

/** One figure of the strip. */
interface Figure {
  readonly title: string;
  readonly text: string;
  readonly role: Role;
  /** Where room is short, those with the highest are left out. */
  readonly priority: number;
}

/** Cells of a figure, and of those in a row that is as wide as it gets. */
const LEAST_WIDTH = 7;
const MOST_WIDTH = 9;
/** Behind each row. */
const UNIT = " ms";
/**
 * Rows of figures that canvases of some height have, titles not counted: the graph needs room, too.
 */
const HEIGHTS_FOR_ROWS = [0, 12, 24];

/**
 * Draws figures under their titles at the top of `canvas`, in as many rows as they need and there
 * is room for; times are in milliseconds.
 *
 * @returns how many lines they take, which depends on the size alone.
 */
export function drawFigures(canvas: Canvas, statistics: StatisticsSnapshot): number {
  const figures = figuresOf(statistics);
  const room = Math.max(0, canvas.width - UNIT.length);
  const perRow = Math.max(1, Math.floor(room / LEAST_WIDTH));
  const rows = Math.min(
    HEIGHTS_FOR_ROWS.filter((least) => canvas.height >= least).length,
    Math.ceil(figures.length / perRow),
  );
  const limit = rows * perRow;
  const kept = [...figures].sort((a, b) => a.priority - b.priority).slice(0, limit);
  const shown = figures.filter((figure) => kept.includes(figure));
  const columns = Math.min(perRow, Math.ceil(shown.length / rows));
  const width = Math.min(MOST_WIDTH, Math.floor(room / columns));
  for (const [index, { title, text, role }] of shown.entries()) {
    const x = (index % columns) * width;
    const y = 2 * Math.floor(index / columns);
    canvas.text(x, y, title, { role: "header", width, align: "right" });
    canvas.text(x, y + 1, text, { role, width, align: "right" });
  }
  // The last figure of each row is a time.
  for (let row = 0; row < rows; row += 1) {
    const inRow = Math.min(columns, shown.length - row * columns);
    canvas.text(inRow * width, 2 * row + 1, UNIT, { role: "dim" });
  }
  return 2 * rows;
}

/** What else was counted, in words; empty if nothing was. */
export function oddities(statistics: StatisticsSnapshot): string {
  const { duplicates, late, reordered, corrupt, errors, sendErrors, noRoom, overflows } =
    statistics;
  const counts: readonly (readonly [count: number, what: string])[] = [
    [errors, errors === 1 ? "ICMP error" : "ICMP errors"],
    [sendErrors - noRoom, "not sent"],
    [noRoom, "not sent (no room in this host)"],
    [duplicates, duplicates === 1 ? "duplicate" : "duplicates"],
    [late, "late"],
    [reordered, "reordered"],
    [corrupt, "corrupt"],
    [overflows, "unknown (receive queue overflowed)"],
  ];
  const parts = counts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  return parts.length === 0 ? "" : `! ${parts.join(", ")}`;
}

function figuresOf(statistics: StatisticsSnapshot): readonly Figure[] {
  const { sent, received, lost, overflows, noRoom, loss, last, min, mean, max } = statistics;
  const { jitter, stddev, p50, p90, p99 } = statistics;
  const count = (title: string, priority: number, value: number): Figure => ({
    title,
    priority,
    text: formatCount(value),
    role: value === 0 ? "dim" : "text",
  });
  const time = (title: string, priority: number, value: number | null): Figure => ({
    title,
    priority,
    text: formatRtt(value),
    role: figureRole(value),
  });
  return [
    count("Sent", 2, sent),
    count("Recv", 6, received),
    { ...count("Lost", 5, lost - overflows - noRoom), role: lossRole(loss) },
    { title: "Loss", priority: 0, text: lossText(loss), role: lossRole(loss) },
    time("Last", 1, last),
    time("Min", 7, min),
    time("Mean", 3, mean),
    time("Max", 4, max),
    time("Jitter", 8, jitter),
    time("StdDev", 9, stddev),
    time("p50", 10, p50),
    time("p90", 11, p90),
    time("p99", 12, p99),
  ];
}

/** With a mark, so that a loss is seen without colours, too. */
function lossText(loss: number | null): string {
  return loss !== null && loss > 0 ? `×${formatLoss(loss)}` : formatLoss(loss);
}
