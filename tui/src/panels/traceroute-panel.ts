import type { Canvas } from "../draw/canvas.ts";
import { ListState } from "../draw/list-state.ts";
import { drawTable, type Span } from "../draw/table.ts";
import type { Binding } from "../model/binding.ts";
import type { TracedHop, TracerouteSession } from "../model/traceroute-session.ts";
import { DetailView, detailBinding, drawFailure, drawHeading, drawStrip } from "./hop-detail.ts";
import { type HostStyle, nextHostStyle, readHostStyle } from "./host-text.ts";
import type { Panel, Services } from "./panel.ts";
import { tracerouteDetailLines } from "./traceroute-detail.ts";
import { type TracerouteRow, tracerouteColumns, tracerouteRows } from "./traceroute-table.ts";

const HOSTS_PREFERENCE = "traceroute.hosts";
/** Rows below the table that are enough for the details of the selected hop. */
const DETAIL_LEAST = 5;
/** Lower canvases show the details of a hop in place of the table. */
const LEAST_HEIGHT_FOR_BOTH = 18;

/**
 * The hops of a traceroute as they answer; below them everything about the selected one, if there
 * is room or on request.
 */
export class TraceroutePanel implements Panel {
  readonly session: TracerouteSession;
  readonly #services: Services;
  readonly #list = new ListState();
  readonly #detail: DetailView;
  #hosts: HostStyle;
  #isDetailed = false;
  /** The row that the user selected: rows before it may be added while hops answer. */
  #selection: Pick<TracerouteRow, "hop" | "addr"> | undefined;

  constructor(session: TracerouteSession, services: Services) {
    this.session = session;
    this.#services = services;
    this.#detail = new DetailView(() => services.redraw());
    this.#hosts = readHostStyle(services, HOSTS_PREFERENCE);
  }

  get bindings(): readonly Binding[] {
    return [
      detailBinding(this.#isDetailed, () => this.#setDetailed(!this.#isDetailed)),
      { keys: ["n"], label: "n", summary: "names, addresses", run: () => this.#nextHosts() },
      { keys: ["y"], label: "y", summary: "copy report", run: () => this.#copy() },
      ...this.#list.bindings(() => this.#selected()),
      ...this.#detail.sideBindings(),
    ];
  }

  draw(canvas: Canvas): void {
    const { width, height } = canvas;
    this.#drawStrip(canvas.part({ x: 0, y: 0, width, height: 1 }));
    const rows = tracerouteRows(this.session.hops);
    const room = height - 1;
    if (rows.length === 0 && this.session.failure !== null) {
      drawFailure(canvas.part({ x: 0, y: 1, width, height: room }), this.session);
      return;
    }
    const isDetailAlone = this.#isDetailed && height < LEAST_HEIGHT_FOR_BOTH;
    const most = this.#isDetailed ? Math.floor(room / 2) : room;
    const left = isDetailAlone ? room : Math.max(0, room - Math.min(rows.length + 1, most));
    const detail = rows.length > 0 && (this.#isDetailed || left >= DETAIL_LEAST) ? left : 0;
    const table = room - detail;
    this.#keepSelection(rows, table - 1);
    if (table > 0) this.#drawTable(canvas.part({ x: 0, y: 1, width, height: table }), rows);
    if (detail > 0) {
      const row = rows[this.#list.selected] ?? rows.at(-1);
      this.#drawDetail(canvas.part({ x: 0, y: 1 + table, width, height: detail }), row);
    }
  }

  #drawStrip(canvas: Canvas): void {
    const { title, resolved, request } = this.session;
    const { probes, maxHops } = request;
    const aHop = `${probes === 1 ? "1 probe" : `${probes} probes`} a hop`;
    drawStrip(canvas, {
      host: resolved === null || resolved === title ? title : `${title} (${resolved})`,
      status: this.#status(),
      facts: `RTT in ms, ${aHop}, ${maxHops === 1 ? "1 hop" : `${maxHops} hops`} at most`,
    });
  }

  #status(): Span {
    const { failure, conclusion, isReached, state, hops } = this.session;
    const count = hops.length === 1 ? "1 hop" : `${hops.length} hops`;
    if (failure !== null) return { text: "failed", role: "bad" };
    if (conclusion !== null && isReached) return { text: `reached in ${count}`, role: "good" };
    if (conclusion !== null)
      return { text: conclusion, role: state === "stopped" ? "dim" : "warn" };
    if (state !== "running") return { text: "stopped", role: "dim" };
    return { text: hops.length === 0 ? "searching" : `${count} so far`, role: "accent" };
  }

  #drawTable(canvas: Canvas, rows: readonly TracerouteRow[]): void {
    const isRunning = this.session.state === "running";
    const { probes } = this.session.request;
    drawTable(canvas, {
      columns: tracerouteColumns({ rows, probes, style: this.#hosts, isRunning }),
      rows,
      list: this.#list,
      changed: () => this.#selected(),
      empty: isRunning ? "Waiting for the first answers" : "",
    });
  }

  #drawDetail(canvas: Canvas, row: TracerouteRow | undefined): void {
    if (row === undefined) return;
    const { width, height } = canvas;
    const { hops, targetTtl } = this.session;
    const { hop } = row;
    drawHeading(canvas, `${hop.ttl === targetTtl ? "Target, hop" : "Hop"} ${hop.ttl}`);
    if (this.#isDetailed) {
      canvas.onMouse({ x: 0, y: 0, width, height: 1 }, { click: () => this.#setDetailed(false) });
    }
    const figuresOf = (each: TracedHop) => this.session.figuresOf(each);
    const lines = tracerouteDetailLines({ hops, hop, targetTtl, figuresOf, width });
    this.#detail.draw(canvas.part({ x: 0, y: 1, width, height: height - 1 }), lines);
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

  #keepSelection(rows: readonly TracerouteRow[], height: number): void {
    const { hop, addr } = this.#selection ?? {};
    if (hop === undefined) return;
    const sameHop = rows.findIndex((row) => row.hop.ttl === hop.ttl);
    const same = rows.findIndex((row) => row.hop.ttl === hop.ttl && row.addr === addr);
    const index = same >= 0 ? same : sameHop;
    if (index < 0 || index === this.#list.selected) return;
    this.#list.update(rows.length, height);
    this.#list.moved(index);
  }

  #selected(): void {
    this.#selection = tracerouteRows(this.session.hops)[this.#list.selected];
    this.#detail.toTop();
    this.#services.redraw();
  }
}
