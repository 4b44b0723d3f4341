import type { Canvas } from "../draw/canvas.ts";
import { drawRttGraph, rttGraphCapacity } from "../draw/graph.ts";
import { drawHistogram } from "../draw/histogram.ts";
import { LogView } from "../draw/log-view.ts";
import { sessionMark } from "../draw/marks.ts";
import type { Binding } from "../model/binding.ts";
import { textWidth, truncate, wrapText } from "../model/fit.ts";
import { formatDuration } from "../model/format.ts";
import type { PingSession } from "../model/ping-session.ts";
import type { Role } from "../model/role.ts";
import { HISTORY_LIMIT } from "../model/rtt-history.ts";
import type { Panel, Services } from "./panel.ts";
import { drawFigures, oddities } from "./ping-figures.ts";

/** What is seen of a session besides its figures. */
type Shown = "both" | "graph" | "log";

const SHOWN_ORDER: readonly Shown[] = ["both", "graph", "log"];
const SHOWN_PREFERENCE = "ping.shown";
const HISTOGRAM_PREFERENCE = "ping.histogram";

/** Bodies at least this high have the graph above the log, and titles on both. */
const LEAST_HEIGHT_FOR_STACK = 13;
/** Logs at least this wide have a histogram beside them: no line of theirs is that long. */
const LEAST_WIDTH_FOR_HISTOGRAM = 126;
const HISTOGRAM_WIDTH = 44;
/** Lower bodies at least this wide have the graph beside the log. */
const LEAST_WIDTH_FOR_SIDES = 76;
/**
 * Lower and narrower bodies have the graph above the log down to this height, then only the graph.
 */
const LEAST_HEIGHT_FOR_LOG = 6;
/** Canvases at least this high have lines between the figures and the rest. */
const ROOMY = 16;
const DISTRIBUTION = "Distribution of RTTs";

/** Figures in a strip, RTTs as a graph or a histogram, and the log. */
export class PingPanel implements Panel {
  readonly session: PingSession;
  readonly bindings: readonly Binding[];
  readonly #services: Services;
  readonly #log: LogView;
  #shown: Shown;
  #isHistogram: boolean;

  constructor(session: PingSession, services: Services) {
    this.session = session;
    this.#services = services;
    this.#log = new LogView(session.log, () => services.redraw());
    this.#shown =
      SHOWN_ORDER.find((shown) => shown === services.readPreference(SHOWN_PREFERENCE)) ?? "both";
    this.#isHistogram = services.readPreference(HISTOGRAM_PREFERENCE) === "yes";
    this.bindings = [
      { keys: ["p"], label: "p", summary: "pause, go on", run: () => session.togglePause() },
      { keys: ["r"], label: "r", summary: "reset figures", run: () => session.reset() },
      { keys: ["h"], label: "h", summary: "graph, histogram", run: () => this.#toggleHistogram() },
      { keys: ["v"], label: "v", summary: "graph, log, both", run: () => this.#showNext() },
      { keys: ["y"], label: "y", summary: "copy the report", run: () => this.#copy() },
      ...this.#log.bindings(),
    ];
  }

  draw(canvas: Canvas): void {
    const { width, height } = canvas;
    this.#drawHead(canvas);
    let top = 1;
    if (height >= ROOMY) top += 1;
    const figures = canvas.part({ x: 0, y: top, width, height: Math.max(0, height - top) });
    top += drawFigures(figures, this.session.figures);
    if (height >= ROOMY) {
      canvas.text(0, top, oddities(this.session.figures), { role: "warn" });
      top += 1;
    }
    this.#drawBody(canvas.part({ x: 0, y: top, width, height: Math.max(0, height - top) }));
  }

  /** State and target on the left, what is sent and for how long on the right. */
  #drawHead(canvas: Canvas): void {
    const { session } = this;
    const { state, lostInARow, addressName, address, title, request } = session;
    const mark = sessionMark(session, lostInARow > 0);
    const isSilent = state === "running" && lostInARow > 0;
    const silence = `silent for ${formatDuration(session.silentForMs)}, ${lostInARow} lost`;
    const left = `${mark.text} ${isSilent ? silence : state}`;
    const elapsed = formatDuration(session.upToMs - session.beganAt);
    const details = `${request.size} bytes every ${request.interval / 1000} s, TTL ${request.ttl}`;
    const names = [address, addressName].filter((name) => name !== null && name !== title);
    const host = names.length === 0 ? title : `${title} (${names.join(", ")})`;

    canvas.text(0, 0, left, { role: mark.role });
    const x = textWidth(left) + 2;
    const room = canvas.width - x - elapsed.length - 2;
    canvas.text(x, 0, host, { role: "title", width: Math.max(0, room) });
    const spare = room - textWidth(truncate(host, room)) - 2;
    const right = spare >= details.length ? `${details}  ${elapsed}` : elapsed;
    if (room > 0) {
      canvas.text(canvas.width - right.length, 0, right, { role: "dim" });
    }
  }

  #drawBody(canvas: Canvas): void {
    const { width, height } = canvas;
    const { failure, history } = this.session;
    if (failure !== null && history.length === 0) {
      // The log says no more.
      this.#drawOutcomes(canvas, false);
      return;
    }
    const shown = failure === null ? this.#shown : "both";
    if (shown === "log") this.#drawLog(canvas, height >= LEAST_HEIGHT_FOR_STACK);
    else if (shown === "graph") this.#drawOutcomes(canvas, height >= LEAST_HEIGHT_FOR_STACK);
    else if (height >= LEAST_HEIGHT_FOR_STACK) {
      const above = Math.floor(height * 0.45);
      this.#drawOutcomes(canvas.part({ x: 0, y: 0, width, height: above }), true);
      this.#drawLower(canvas.part({ x: 0, y: above, width, height: height - above }));
    } else if (width >= LEAST_WIDTH_FOR_SIDES) {
      const left = Math.floor(width / 2) - 1;
      this.#drawOutcomes(canvas.part({ x: 0, y: 0, width: left, height }), false);
      this.#drawLog(canvas.part({ x: left + 2, y: 0, width: width - left - 2, height }), false);
    } else if (height >= LEAST_HEIGHT_FOR_LOG) {
      const above = Math.ceil(height / 2);
      this.#drawOutcomes(canvas.part({ x: 0, y: 0, width, height: above }), false);
      this.#drawLog(canvas.part({ x: 0, y: above, width, height: height - above }), false);
    } else this.#drawOutcomes(canvas, false);
  }

  /** The log, and beside it what the graph cannot show, if there is room. */
  #drawLower(canvas: Canvas): void {
    const { width, height } = canvas;
    const { history } = this.session;
    const hasHistogram =
      width >= LEAST_WIDTH_FOR_HISTOGRAM && !this.#isHistogram && history.length > 0;
    const right = hasHistogram ? HISTOGRAM_WIDTH : 0;
    this.#drawLog(canvas.part({ x: 0, y: 0, width: width - right, height }), true);
    if (!hasHistogram) return;
    const part = canvas.part({ x: width - right, y: 0, width: right, height });
    drawHistogram(titled(part, DISTRIBUTION), history.latest(HISTORY_LIMIT));
  }

  /** The graph or the histogram; in their place why there is none. */
  #drawOutcomes(canvas: Canvas, hasTitle: boolean): void {
    const { session } = this;
    const content = hasTitle ? titled(canvas, this.#isHistogram ? DISTRIBUTION : "RTT") : canvas;
    const { width } = content;
    if (session.failure !== null) drawLines(content, session.failure, "bad");
    else if (session.history.length === 0) {
      drawLines(
        content,
        session.state === "running" ? "Waiting for the first answer …" : "No answers",
        "dim",
      );
    } else if (this.#isHistogram) drawHistogram(content, session.history.latest(HISTORY_LIMIT));
    else {
      const { interval } = session.request;
      drawRttGraph(content, session.history.latest(rttGraphCapacity(width)), { interval });
    }
  }

  #drawLog(canvas: Canvas, hasTitle: boolean): void {
    this.#log.draw(hasTitle ? titled(canvas, "Log") : canvas);
  }

  #toggleHistogram(): void {
    this.#isHistogram = !this.#isHistogram;
    this.#services.writePreference(HISTOGRAM_PREFERENCE, this.#isHistogram ? "yes" : "no");
    this.#services.redraw();
  }

  #showNext(): void {
    this.#shown =
      SHOWN_ORDER[(SHOWN_ORDER.indexOf(this.#shown) + 1) % SHOWN_ORDER.length] ?? "both";
    this.#services.writePreference(SHOWN_PREFERENCE, this.#shown);
    this.#services.redraw();
  }

  #copy(): void {
    this.#services.copy(this.session.report(), "the report");
  }
}

/** A line with a title in it, and what is below. */
function titled(canvas: Canvas, title: string): Canvas {
  const { width, height } = canvas;
  canvas.text(0, 0, "─".repeat(width), { role: "border" });
  canvas.text(2, 0, ` ${title} `, { role: "title" });
  return canvas.part({ x: 0, y: 1, width, height: Math.max(0, height - 1) });
}

function drawLines(canvas: Canvas, text: string, role: Role): void {
  const lines = text.split("\n").flatMap((line) => wrapText(line, Math.max(1, canvas.width)));
  for (const [y, line] of lines.entries()) canvas.text(0, y, line, { role });
}
