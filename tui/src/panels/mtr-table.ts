import { sparkline } from "../draw/graph.ts";
import type { Column, Span } from "../draw/table.ts";
import { textWidth, truncate } from "../model/fit.ts";
import { FIGURE_WIDTH } from "../model/format.ts";
import type { Hop } from "../model/hop.ts";
import type { MtrColumn } from "../model/mtr-columns.ts";
import { type HostStyle, hostText } from "./host-text.ts";

/** A hop, and what of those around it decides how it looks. */
export interface MtrRow {
  readonly hop: Hop;
  readonly isTarget: boolean;
  /** Whether it never answers while somebody beyond it does: no fault of the path. */
  readonly isMute: boolean;
  /** The last hop that the row stands for. */
  readonly upTo: number;
}

/**
 * The hops of an mtr as rows. Those beyond the last that ever answered share one: they all say the
 * same.
 */
export function mtrRows(hops: readonly Hop[], targetTtl: number | undefined): MtrRow[] {
  const farthest = hops.findLast(({ last }) => last !== null)?.ttl ?? 0;
  return hops.slice(0, farthest + 1).map((hop) => ({
    hop,
    isTarget: hop.ttl === targetTtl,
    isMute: hop.last === null && hop.ttl < farthest,
    upTo: hop.ttl > farthest ? hops.length : hop.ttl,
  }));
}

/** Cells of the column of hosts, at least and at most. */
const HOST_WIDTH = 13;
const HOST_MOST = 48;
/** Cells of a sparkline, at least. */
const HISTORY_WIDTH = 7;
/** A picture says more than the worst of all and the deviation, which the details tell. */
const HISTORY_PRIORITY = 5;

/** The table of an mtr with the figures that are chosen. */
export function mtrTableColumns(
  rows: readonly MtrRow[],
  figures: readonly MtrColumn[],
  style: HostStyle,
): Column<MtrRow>[] {
  const widest = rows.reduce(
    (most, row) => Math.max(most, widthOf(hostSpans(row, style))),
    HOST_WIDTH,
  );
  return [
    {
      title: "#",
      align: "right",
      width: 2,
      cell: ({ hop }) => ({ text: String(hop.ttl), role: "dim" }),
    },
    { title: "", width: 1, cell: lossCell },
    {
      title: "Host",
      width: HOST_WIDTH,
      most: HOST_MOST,
      needs: widest,
      grows: true,
      cell: (row, width) => hostCell(row, style, width),
    },
    ...figures.map(
      (column): Column<MtrRow> => ({
        title: column.title,
        align: "right",
        width: FIGURE_WIDTH,
        priority: column.priority,
        cell: (row) => figureCell(row, column),
      }),
    ),
    {
      title: "History",
      width: HISTORY_WIDTH,
      grows: true,
      priority: HISTORY_PRIORITY,
      cell: ({ hop, isMute }, width) => {
        const spans = sparkline(hop.history.latest(width), width);
        return isMute ? spans.map(({ text }) => ({ text, role: "dim" })) : spans;
      },
    },
  ];
}

/** A column of its own, so that nothing moves when a probe is lost. */
function lossCell({ hop: { lostInARow, last } }: MtrRow): Span {
  return { text: lostInARow > 0 && last !== null ? "×" : "", role: "bad" };
}

function figureCell({ hop, isMute }: MtrRow, column: MtrColumn): Span {
  if (hop.figures.sent === 0) return { text: "-", role: "dim" };
  const figure = column.show(hop.figures);
  return isMute ? { text: figure.text, role: "dim" } : figure;
}

function hostCell(row: MtrRow, style: HostStyle, width: number): Span[] {
  const [host, ...tags] = hostSpans(row, style);
  if (host === undefined) return [];
  // The tags are what a name that is too long is cut for.
  return [{ ...host, text: truncate(host.text, Math.max(8, width - widthOf(tags))) }, ...tags];
}

/** Who answers at a hop, or that nobody does, and what else there is to know of it in a word. */
function hostSpans({ hop, isTarget, upTo }: MtrRow, style: HostStyle): Span[] {
  const { last, figures } = hop;
  if (last === null) {
    if (hop.sendError !== null) return [{ text: hop.sendError, role: "bad" }];
    const text = figures.sent === 0 ? "waiting" : "no answer";
    return [{ text: upTo > hop.ttl ? `${text}, to ${upTo}` : text, role: "dim" }];
  }
  const spans: Span[] = [
    { text: hostText(style, last.addr, last.name), role: isTarget ? "title" : "text" },
  ];
  if (last.note !== undefined) spans.push({ text: ` ${last.note.mark}`, role: "bad" });
  if (last.unverified > 0) spans.push({ text: " ?", role: "warn" });
  const others = hop.addresses.length - 1;
  if (others > 0) spans.push({ text: ` +${others}`, role: "accent" });
  if (last.extensions.some(({ kind }) => kind === "mpls"))
    spans.push({ text: " MPLS", role: "dim" });
  return spans;
}

function widthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { text }) => sum + textWidth(text), 0);
}
