import { sparkline } from "../draw/graph.ts";
import { DOWN, type Mark } from "../draw/marks.ts";
import type { Column, ToEnd } from "../draw/table.ts";
import { textWidth } from "../model/fit.ts";
import {
  FIGURE_WIDTH,
  figureRole,
  formatCount,
  formatLoss,
  formatRtt,
  lossRole,
} from "../model/format.ts";
import type { HostState, PingTarget } from "../model/ping-target.ts";
import type { Role } from "../model/role.ts";

/** How the hosts are ordered. */
export type HostOrder = "given" | "loss" | "worst" | "name";

/** The orders as the key goes through them. */
export const HOST_ORDERS: readonly HostOrder[] = ["given", "loss", "worst", "name"];

/** What stands before each host. */
const HOST_MARKS: Readonly<Record<HostState, Mark>> = {
  waiting: { text: "·", role: "dim" },
  up: { text: "●", role: "good" },
  losing: { text: "×", role: "bad" },
  down: DOWN,
  failed: { text: "✗", role: "bad" },
};

/** How wide the texts of the hosts are. */
export interface HostWidths {
  readonly label: number;
  /** 0 if every host was given by its address. */
  readonly address: number;
}

/**
 * Cells of an IPv4 address: names and addresses have as many before other columns are dropped for
 * them.
 */
const IPV4_WIDTH = 15;
const SPARKLINE_WIDTH = 12;
/**
 * Columns do not get wider: the eye loses its place. The line below the table has the whole name.
 */
const LONGEST_LABEL = 40;
const LONGEST_SPARKLINE = 60;

/** How wide the texts of these hosts are. */
export function hostWidths(targets: readonly PingTarget[]): HostWidths {
  let label = 0;
  let address = 0;
  for (const target of targets) {
    label = Math.max(label, textWidth(target.label));
    // Also while it is looked up, so that no column appears later.
    if (target.isNamed) address = Math.max(address, IPV4_WIDTH, textWidth(target.address ?? ""));
  }
  return { label, address };
}

/** The columns for hosts whose texts are so wide; that of the order has a mark. */
export function hostColumns(widths: HostWidths, order: HostOrder): readonly Column<PingTarget>[] {
  const label = Math.min(LONGEST_LABEL, Math.max("Target↑".length, widths.label));
  const columns: Column<PingTarget>[] = [
    { title: "", width: 1, cell: ({ state }) => HOST_MARKS[state] },
    {
      title: order === "name" ? "Target↑" : "Target",
      width: Math.min(label, IPV4_WIDTH),
      grows: true,
      needs: label,
      cell: (target) => ({ text: target.label, role: labelRole(target) }),
    },
  ];
  if (widths.address > 0) {
    columns.push({
      title: "Address",
      width: Math.min(widths.address, IPV4_WIDTH),
      grows: true,
      needs: widths.address,
      priority: 7,
      cell: (target) => failureOf(target) ?? { text: target.address ?? "", role: "dim" },
    });
  }
  return [
    ...columns,
    {
      title: order === "loss" ? "Loss↓" : "Loss",
      align: "right",
      width: FIGURE_WIDTH,
      cell: (target) =>
        failureOf(target) ?? {
          text: formatLoss(target.figures.loss),
          role: lossRole(target.figures.loss),
        },
    },
    countColumn("Sent", 9, ({ figures }) => figures.sent),
    countColumn("Recv", 6, ({ figures }) => figures.received),
    rttColumn("Last", 1, ({ figures }) => figures.last),
    rttColumn("Mean", 4, ({ figures }) => figures.mean),
    rttColumn("Best", 5, ({ figures }) => figures.min),
    rttColumn(
      order === "worst" ? "Worst↓" : "Worst",
      3,
      ({ figures }) => figures.max,
      "Worst↓".length,
    ),
    rttColumn("Jitter", 8, ({ figures }) => figures.jitter, "Jitter".length),
    {
      title: "History",
      width: SPARKLINE_WIDTH,
      grows: true,
      most: LONGEST_SPARKLINE,
      priority: 2,
      cell: ({ history }, width) => sparkline(history.latest(width), width),
    },
  ];
}

/** The order that belongs to a column, by its title; undefined for none. */
export function orderOfTitle(title: string): HostOrder | undefined {
  const name = title.replace(/[↑↓]$/, "");
  return ORDERS_BY_TITLE[name];
}

const ORDERS_BY_TITLE: Readonly<Record<string, HostOrder>> = {
  Target: "name",
  Loss: "loss",
  Worst: "worst",
};

function labelRole({ state }: PingTarget): Role {
  if (state === "waiting") return "dim";
  return state === "down" || state === "failed" ? "bad" : "text";
}

function countColumn(
  title: string,
  priority: number,
  count: (target: PingTarget) => number,
): Column<PingTarget> {
  return {
    title,
    align: "right",
    width: FIGURE_WIDTH,
    priority,
    cell: (target) => ({
      text: formatCount(count(target)),
      role: count(target) === 0 ? "dim" : "text",
    }),
  };
}

function rttColumn(
  title: string,
  priority: number,
  rtt: (target: PingTarget) => number | null,
  width: number = FIGURE_WIDTH,
): Column<PingTarget> {
  return {
    title,
    align: "right",
    width,
    priority,
    cell: (target) => ({ text: formatRtt(rtt(target)), role: figureRole(rtt(target)) }),
  };
}

/** Why a host cannot be probed, in place of all figures; undefined for one that can. */
function failureOf({ state, note }: PingTarget): ToEnd | undefined {
  return state === "failed" ? { toEnd: { text: note, role: "bad" } } : undefined;
}
