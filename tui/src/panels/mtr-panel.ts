import type { Canvas, Rect } from "../draw/canvas.ts";
import { drawRttGraph, rttGraphCapacity } from "../draw/graph.ts";
import { ListState } from "../draw/list-state.ts";
import { LogView } from "../draw/log-view.ts";
import { drawTable, type Span } from "../draw/table.ts";
import type { Binding } from "../model/binding.ts";
import type { Hop } from "../model/hop.ts";
import { ColumnChoice } from "../model/mtr-columns.ts";
import type { MtrSession } from "../model/mtr-session.ts";
import { ColumnChooser } from "./column-chooser.ts";
import { DetailView, detailBinding, drawFailure, drawHeading, drawStrip } from "./hop-detail.ts";
import { type HostStyle, hostText, nextHostStyle, readHostStyle } from "./host-text.ts";
import { mtrDetailLines } from "./mtr-detail.ts";
import { type MtrRow, mtrRows, mtrTableColumns } from "./mtr-table.ts";
import type { Panel, Services } from "./panel.ts";

const COLUMNS_PREFERENCE = "mtr.columns";
const HOSTS_PREFERENCE = "mtr.hosts";

/** Lower canvases show the details of a hop in place of its table. */
const LEAST_HEIGHT_FOR_BOTH = 18;
/** Rows that a graph with its heading needs to be worth anything, and takes at most. */
const GRAPH_LEAST = 5;
const GRAPH_MOST = 11;
/** Rows of the graph below the details. */
const DETAIL_GRAPH_MOST = 16;
/** Rows that a log with its heading needs. */
const LOG_LEAST = 4;

/**
 * The table of hops of an mtr; below it the RTTs of the selected hop and what happened, or
 * everything about that hop.
 */
export class MtrPanel implements Panel {
  readonly session: MtrSession;
  readonly #services: Services;
  readonly #list = new ListState();
  readonly #log: LogView;
  readonly #detail: DetailView;
  readonly #choice: ColumnChoice;
  #hosts: HostStyle;
  #chooser: ColumnChooser | undefined;
  #isDetailed = false;
  /** Whether the target is selected, until the user selects. */
  #followsTarget = true;

  constructor(session: MtrSession, services: Services) {
    this.session = session;
    this.#services = services;
    this.#log = new LogView(session.log, () => services.redraw());
    this.#detail = new DetailView(() => services.redraw());
    this.#choice = new ColumnChoice(services.readPreference(COLUMNS_PREFERENCE));
    this.#hosts = readHostStyle(services, HOSTS_PREFERENCE);
  }

  get bindings(): readonly Binding[] {
    if (this.#chooser !== undefined) return this.#chooser.bindings;
    const { session } = this;
    const isPaused = session.state === "paused";
    return [
      detailBinding(this.#isDetailed, () => this.#setDetailed(!this.#isDetailed)),
      {
        keys: ["p"],
        label: "p",
        summary: isPaused ? "go on" : "pause",
        run: () => this.#togglePause(),
      },
      { keys: ["r"], label: "r", summary: "reset figures", run: () => session.reset() },
      { keys: ["o"], label: "o", summary: "columns", run: () => this.#openChooser() },
      { keys: ["n"], label: "n", summary: "names, addresses", run: () => this.#nextHosts() },
      { keys: ["y"], label: "y", summary: "copy report", run: () => this.#copy() },
      ...this.#list.bindings(() => this.#selected()),
      ...(this.#isDetailed ? this.#detail.sideBindings() : this.#log.sideBindings()),
    ];
  }

  draw(canvas: Canvas): void {
    const { width, height } = canvas;
    this.#drawStrip(canvas.part({ x: 0, y: 0, width, height: 1 }));
    const room = height - 1;
    const { hops } = this.session;
    if (hops.length === 0 && this.session.failure !== null) {
      drawFailure(canvas.part({ x: 0, y: 1, width, height: room }), this.session);
      return;
    }
    const rows = mtrRows(hops, this.session.targetTtl);
    const tableRows = Math.max(1, rows.length) + 1;
    const isDetailAlone = this.#isDetailed && height < LEAST_HEIGHT_FOR_BOTH;
    const most = this.#isDetailed ? Math.floor(room / 2) : room;
    const below = isDetailAlone ? room : Math.max(0, room - Math.min(tableRows, most));
    // A graph of a hop is worth some rows of a long table, which scrolls.
    const kept = !this.#isDetailed && room >= 24 ? Math.max(below, GRAPH_LEAST + LOG_LEAST) : below;
    const table = room - kept;
    this.#followTarget(rows, table - 1);
    if (table > 0) this.#drawTable(canvas.part({ x: 0, y: 1, width, height: table }), rows);
    const rest = { x: 0, y: 1 + table, width, height: kept };
    if (this.#isDetailed) this.#drawDetail(canvas.part(rest));
    else this.#drawBelow(canvas, rest);
    this.#chooser?.draw(canvas);
  }

  // What is drawn.

  #drawStrip(canvas: Canvas): void {
    const { session } = this;
    const { title, resolved, request } = session;
    const rounds = session.rounds === 1 ? "1 round" : `${session.rounds} rounds`;
    drawStrip(canvas, {
      host: resolved === null || resolved === title ? title : `${title} (${resolved})`,
      status: this.#status(),
      facts: `${rounds}, every ${request.interval / 1000} s`,
    });
  }

  #status(): Span {
    const { session } = this;
    const { hops, targetTtl, failure, isDown } = session;
    if (failure !== null) return { text: "failed", role: "bad" };
    if (session.state === "paused") return { text: "paused", role: "warn" };
    if (session.endsEarly) return { text: `unreachable at hop ${hops.length}`, role: "bad" };
    if (targetTtl === undefined) {
      if (isDown) return { text: "not reached", role: "bad" };
      return { text: session.state === "running" ? "searching" : "stopped", role: "dim" };
    }
    if (isDown) return { text: "no answer", role: "bad" };
    return { text: targetTtl === 1 ? "1 hop" : `${targetTtl} hops`, role: "good" };
  }

  #drawTable(canvas: Canvas, rows: readonly MtrRow[]): void {
    drawTable(canvas, {
      columns: mtrTableColumns(rows, this.#choice.columns, this.#hosts),
      rows,
      list: this.#list,
      changed: () => this.#selected(),
      empty: this.session.state === "running" ? "Waiting for the first answers" : "",
    });
  }

  /** The graph, and the log below it if there is room for both. */
  #drawBelow(canvas: Canvas, { x, y, width, height }: Rect): void {
    const hop = this.#selectedHop();
    const hasGraph = hop !== undefined && height >= GRAPH_LEAST;
    const hasLog = height >= (hasGraph ? GRAPH_LEAST + LOG_LEAST : LOG_LEAST);
    const graph = hasGraph
      ? Math.min(height - (hasLog ? LOG_LEAST : 0), hasLog ? graphRows(height) : height)
      : 0;
    if (hop !== undefined && graph > 0)
      this.#drawGraph(canvas.part({ x, y, width, height: graph }), hop);
    if (hasLog) this.#drawLog(canvas.part({ x, y: y + graph, width, height: height - graph }));
  }

  #drawGraph(canvas: Canvas, hop: Hop): void {
    const { width, height } = canvas;
    const name =
      hop.last === null ? "no answer" : hostText(this.#hosts, hop.last.addr, hop.last.name);
    drawHeading(canvas, `RTT of hop ${hop.ttl}, ${name}`);
    const graph = canvas.part({ x: 0, y: 1, width, height: height - 1 });
    const { interval } = this.session.request;
    drawRttGraph(graph, hop.history.latest(rttGraphCapacity(width)), { interval });
    canvas.onMouse({ x: 0, y: 0, width, height }, { click: () => this.#setDetailed(true) });
  }

  #drawLog(canvas: Canvas): void {
    const { width, height } = canvas;
    drawHeading(canvas, "Events");
    this.#log.draw(canvas.part({ x: 0, y: 1, width, height: height - 1 }));
  }

  #drawDetail(canvas: Canvas): void {
    const { width, height } = canvas;
    const { hops, targetTtl } = this.session;
    const hop = this.#selectedHop();
    const isTarget = hop !== undefined && hop.ttl === targetTtl;
    const host = hop?.last == null ? "" : `, ${hostText("both", hop.last.addr, hop.last.name)}`;
    drawHeading(
      canvas,
      hop === undefined ? "Hop" : `${isTarget ? "Target, hop" : "Hop"} ${hop.ttl}${host}`,
    );
    canvas.onMouse({ x: 0, y: 0, width, height: 1 }, { click: () => this.#setDetailed(false) });
    const lines = mtrDetailLines({ hops, index: this.#list.selected, targetTtl, width });
    const body = height - 1;
    // What is left below the text shows the graph.
    const graph =
      hop !== undefined && body - lines.length >= GRAPH_LEAST + 1 ? body - lines.length - 1 : 0;
    this.#detail.draw(canvas.part({ x: 0, y: 1, width, height: body - graph }), lines);
    if (hop === undefined || graph === 0) return;
    const rows = Math.min(graph, DETAIL_GRAPH_MOST);
    const values = hop.history.latest(rttGraphCapacity(width));
    const { interval } = this.session.request;
    drawRttGraph(canvas.part({ x: 0, y: height - graph, width, height: rows }), values, {
      interval,
    });
  }

  /**
   * Its graph is what people look for first; but the first hops of a long table are not scrolled
   * away for it.
   */
  #followTarget(rows: readonly MtrRow[], height: number): void {
    const index = rows.findIndex(({ isTarget }) => isTarget);
    if (!this.#followsTarget || index < 0 || rows.length > height) return;
    this.#list.update(rows.length, height);
    this.#list.select(index);
  }

  #selectedHop(): Hop | undefined {
    return this.session.hops[this.#list.selected];
  }

  // What keys and the mouse do.

  #togglePause(): void {
    const { session } = this;
    if (session.state === "paused") session.goOn();
    else session.pause();
  }

  #openChooser(): void {
    this.#chooser = new ColumnChooser(this.#choice, {
      changed: () => {
        this.#services.writePreference(COLUMNS_PREFERENCE, this.#choice.letters);
        this.#services.redraw();
      },
      close: () => {
        this.#chooser = undefined;
        this.#services.redraw();
      },
    });
    this.#services.redraw();
  }

  #nextHosts(): void {
    this.#hosts = nextHostStyle(this.#services, HOSTS_PREFERENCE, this.#hosts);
    this.#services.redraw();
  }

  #copy(): void {
    this.#services.copy(this.session.report(), `the report of ${this.session.title}`);
  }

  #setDetailed(isDetailed: boolean): void {
    this.#isDetailed = isDetailed;
    this.#detail.toTop();
    this.#services.redraw();
  }

  #selected(): void {
    this.#followsTarget = false;
    this.#detail.toTop();
    this.#services.redraw();
  }
}

/** Rows of the graph where the log has room, too. */
function graphRows(height: number): number {
  return Math.max(GRAPH_LEAST, Math.min(GRAPH_MOST, Math.ceil(height * 0.55)));
}
