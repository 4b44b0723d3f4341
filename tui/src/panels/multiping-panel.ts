import type { Canvas } from "../draw/canvas.ts";
import { drawRttGraph, rttGraphCapacity } from "../draw/graph.ts";
import { ListState } from "../draw/list-state.ts";
import { LogView } from "../draw/log-view.ts";
import { sessionMark } from "../draw/marks.ts";
import { drawTable, type Span } from "../draw/table.ts";
import type { Binding } from "../model/binding.ts";
import { textWidth } from "../model/fit.ts";
import { formatDuration, formatLoss, formatRtt, lossRole } from "../model/format.ts";
import type { MultipingSession } from "../model/multiping-session.ts";
import type { PingTarget } from "../model/ping-target.ts";
import type { Role } from "../model/role.ts";
import { drawFailure } from "./hop-detail.ts";
import {
  HOST_ORDERS,
  type HostOrder,
  hostColumns,
  hostWidths,
  orderOfTitle,
} from "./multiping-columns.ts";
import { OrderedHosts } from "./multiping-order.ts";
import type { Panel, Services } from "./panel.ts";

const ORDER_PREFERENCE = "multiping.order";
const ORDER_TEXTS: Readonly<Record<HostOrder, string>> = {
  given: "as given",
  loss: "by loss",
  worst: "by worst",
  name: "by name",
};

/** Canvases lower than this show the table alone. */
const LEAST_HEIGHT_FOR_LOG = 12;
/** Rows of the lower part, its title included, if the canvas is lower than three times that. */
const LEAST_LOG_ROWS = 5;
/** A lower part of this size has a graph of the selected host beside the log. */
const LEAST_ROWS_FOR_GRAPH = 7;
const LEAST_WIDTH_FOR_GRAPH = 90;

/** A table of hosts, and below it what is to be said of the selected one, the log and a graph. */
export class MultipingPanel implements Panel {
  readonly session: MultipingSession;
  readonly bindings: readonly Binding[];
  readonly #services: Services;
  readonly #list = new ListState();
  readonly #log: LogView;
  readonly #hosts: OrderedHosts;
  /** As they were drawn last. */
  #rows: readonly PingTarget[] = [];
  #selected: PingTarget | undefined;

  constructor(session: MultipingSession, services: Services) {
    this.session = session;
    this.#services = services;
    const redraw = () => services.redraw();
    this.#log = new LogView(session.log, redraw);
    const kept = HOST_ORDERS.find((order) => order === services.readPreference(ORDER_PREFERENCE));
    this.#hosts = new OrderedHosts(session.targets(), kept ?? "given");
    [this.#selected] = session.targets();
    this.bindings = [
      { keys: ["s"], label: "s", summary: "sort", run: () => this.#nextOrder() },
      { keys: ["p"], label: "p", summary: "pause, go on", run: () => session.togglePause() },
      { keys: ["r"], label: "r", summary: "reset figures", run: () => session.reset() },
      { keys: ["y"], label: "y", summary: "copy the report", run: () => this.#copy() },
      ...this.#list.bindings(() => this.#onMoved()),
      ...this.#log.sideBindings(),
    ];
  }

  draw(canvas: Canvas): void {
    const { width, height } = canvas;
    const rows = this.#hosts.at(this.session.upToMs);
    this.#rows = rows;
    this.#followSelected();
    this.#drawStrip(canvas.part({ x: 0, y: 0, width, height: Math.min(1, height) }));
    // Lines beyond the first are a remedy, for which the log has no room.
    if (this.session.failure?.includes("\n") && this.session.totals().sent === 0) {
      drawFailure(canvas.part({ x: 0, y: 1, width, height: height - 1 }), this.session);
      return;
    }
    const lower = lowerRows(height, rows.length);
    const table = { x: 0, y: 1, width, height: Math.max(0, height - 1 - lower) };
    drawTable(canvas.part(table), {
      columns: hostColumns(hostWidths(this.session.targets()), this.#hosts.order),
      rows,
      list: this.#list,
      changed: () => this.#onMoved(),
      onTitle: ({ title }) => this.#sortBy(orderOfTitle(title) ?? "given"),
    });
    if (lower > 0) this.#drawLower(canvas.part({ x: 0, y: height - lower, width, height: lower }));
  }

  #drawStrip(canvas: Canvas): void {
    const { session } = this;
    const { up, down, waiting, failed, sent, lost } = session.totals();
    const loss = sent > 0 ? lost / sent : null;
    const mark = sessionMark(session, false);
    const count = (number: number, what: string, role: Role): Span[] =>
      number > 0 ? [{ text: `${number} ${what}`, role }] : [];
    const x = drawParts(canvas, [
      { text: `${mark.text} ${session.state}`, role: mark.role },
      { text: `${up} up`, role: up > 0 ? "good" : "dim" },
      { text: `${down} down`, role: down > 0 ? "bad" : "dim" },
      ...count(failed, "failed", "bad"),
      ...count(waiting, "waiting", "dim"),
      ...(sent > 0 ? [{ text: `loss ${formatLoss(loss)} of ${sent}`, role: lossRole(loss) }] : []),
    ]);
    const elapsed = formatDuration(session.upToMs - session.beganAt);
    const about = `times in ms, ${ORDER_TEXTS[this.#hosts.order]}  ${elapsed}`;
    const right = [about, elapsed].find((text) => x + text.length <= canvas.width) ?? "";
    canvas.text(canvas.width - right.length, 0, right, { role: "dim" });
  }

  #drawLower(canvas: Canvas): void {
    const { width, height } = canvas;
    const target = this.#selected;
    canvas.text(0, 0, "─".repeat(width), { role: "border" });
    if (target !== undefined) {
      const parts = detailOf(target, this.session.upToMs);
      drawParts(canvas.part({ x: 2, y: 0, width: width - 3, height: 1 }), parts, " ");
    }
    const hasRoom = height >= LEAST_ROWS_FOR_GRAPH && width >= LEAST_WIDTH_FOR_GRAPH;
    const hasGraph = target !== undefined && target.state !== "failed" && hasRoom;
    const graphWidth = hasGraph ? Math.floor(width * 0.4) : 0;
    const logWidth = width - (hasGraph ? graphWidth + 2 : 0);
    this.#log.draw(canvas.part({ x: 0, y: 1, width: logWidth, height: height - 1 }));
    if (!hasGraph) return;
    const { interval } = this.session.request;
    const outcomes = target.history.latest(rttGraphCapacity(graphWidth));
    const graph = { x: width - graphWidth, y: 1, width: graphWidth, height: height - 1 };
    drawRttGraph(canvas.part(graph), outcomes, { interval });
  }

  /** The selection stays on its host, wherever that moves. */
  #followSelected(): void {
    const index = this.#selected === undefined ? 0 : this.#rows.indexOf(this.#selected);
    if (index !== this.#list.selected) this.#list.moved(index);
  }

  #onMoved(): void {
    this.#selected = this.#rows[this.#list.selected];
    this.#services.redraw();
  }

  #nextOrder(): void {
    const next = HOST_ORDERS.indexOf(this.#hosts.order) + 1;
    this.#sortBy(HOST_ORDERS[next % HOST_ORDERS.length] ?? "given");
  }

  #sortBy(order: HostOrder): void {
    this.#hosts.order = order;
    // What is worst is at the top: that is what was asked for.
    this.#list.select(0);
    [this.#selected] = this.#hosts.at(this.session.upToMs);
    this.#services.writePreference(ORDER_PREFERENCE, order);
    this.#services.redraw();
  }

  #copy(): void {
    this.#services.copy(this.session.report(), "the report");
  }
}

/**
 * Rows below the table: what a short list leaves free, a third beside a long one, none on a low
 * canvas.
 */
function lowerRows(height: number, count: number): number {
  if (height < LEAST_HEIGHT_FOR_LOG) return 0;
  const least = Math.max(LEAST_LOG_ROWS, Math.floor(height / 3));
  // The strip and the titles take a row each.
  return Math.max(least, height - 2 - count);
}

/** What the table has no room for, the full name above all. */
function detailOf(target: PingTarget, nowMs: number): Span[] {
  const { label, address, isNamed, state, note, figures, lostInARow, silentSinceMs } = target;
  const name = isNamed && address !== null ? `${label} (${address})` : label;
  const parts: Span[] = [{ text: name, role: "title" }];
  if (state === "down" || state === "losing") {
    const silent = `${lostInARow} lost in a row, silent for ${formatDuration(nowMs - silentSinceMs)}`;
    parts.push({ text: silent, role: "bad" });
  }
  if (note !== "") parts.push({ text: note, role: "bad" });
  const { p50, p95, p99, stddev, duplicates, late, reordered, corrupt } = figures;
  if (p50 !== null) {
    const shown = [p50, p95, p99].map(formatRtt).join("/");
    parts.push({ text: `p50/p95/p99 ${shown} ms`, role: "text" });
    parts.push({ text: `deviation ${formatRtt(stddev)} ms`, role: "text" });
  }
  const odd = { duplicate: duplicates, late, reordered, corrupt };
  for (const [what, count] of Object.entries(odd)) {
    if (count > 0) parts.push({ text: `${count} ${what}`, role: "warn" });
  }
  return parts;
}

/** Cells in which a part is shown although it is cut there. */
const LEAST_PART_WIDTH = 20;

/**
 * Draws parts of a line side by side, as many as there is room for; returns where the next one
 * would be.
 */
function drawParts(canvas: Canvas, parts: readonly Span[], margin: string = ""): number {
  let x = 0;
  for (const { text, role } of parts) {
    const shown = `${margin}${text}${margin}`;
    const width = textWidth(shown);
    const isCut = x + width > canvas.width;
    if (isCut && x > 0 && canvas.width - x < LEAST_PART_WIDTH) break;
    canvas.text(x, 0, shown, { role });
    x += width + 2 - margin.length;
    if (isCut) break;
  }
  return x;
}
