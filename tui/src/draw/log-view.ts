import type { Binding } from "../model/binding.ts";
import type { EventLog } from "../model/event-log.ts";
import { CLOCK_WIDTH, formatClock } from "../model/format.ts";
import type { Canvas } from "./canvas.ts";

/** Canvases narrower than this show the time without its milliseconds. */
const NARROW = 60;
/** Cells of `14:03:59`. */
const SHORT_CLOCK_WIDTH = 8;

/**
 * What the user looks at in a log: its end, or what is some lines further up. Who scrolled up keeps
 * seeing the same lines, however many are added.
 */
export class LogView {
  readonly #log: EventLog;
  readonly #changed: () => void;
  /** Lines below the window. */
  #below = 0;
  /** `total` of the log when `#below` was right. */
  #seen = 0;
  #height = 0;

  /** @param changed called when the user has scrolled. */
  constructor(log: EventLog, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
  }

  /** Scrolls by as many lines; downwards is positive. Reaching the end, it follows it again. */
  scroll(lines: number): void {
    this.#catchUp();
    this.#below = this.#clamp(this.#below - lines);
    this.#changed();
  }

  /** Goes to the newest line, and stays there. */
  toEnd(): void {
    this.scroll(this.#log.length);
  }

  /** Keys for a panel that scrolls nothing else, those of vi among them. */
  bindings(): Binding[] {
    const page = () => Math.max(1, this.#height - 1);
    const half = () => Math.max(1, Math.floor(this.#height / 2));
    return [
      { keys: ["up", "k"], label: "↑ k", summary: "log up", run: () => this.scroll(-1) },
      { keys: ["down", "j"], label: "↓ j", summary: "log down", run: () => this.scroll(1) },
      { keys: ["pageup"], label: "PgUp", summary: "page up", run: () => this.scroll(-page()) },
      { keys: ["pagedown"], label: "PgDn", summary: "page down", run: () => this.scroll(page()) },
      { keys: ["ctrl-u"], label: "^U", summary: "half a page up", run: () => this.scroll(-half()) },
      {
        keys: ["ctrl-d"],
        label: "^D",
        summary: "half a page down",
        run: () => this.scroll(half()),
      },
      {
        keys: ["home", "g"],
        label: "Home g",
        summary: "oldest line",
        run: () => this.scroll(-this.#log.length),
      },
      { keys: ["end", "G"], label: "End G", summary: "newest line", run: () => this.toEnd() },
    ];
  }

  /** Keys for a panel whose table has those of lists. */
  sideBindings(): Binding[] {
    const most = () => Math.max(1, this.#height - 1);
    return [
      {
        keys: ["shift-up", "{"],
        label: "⇧↑ {",
        summary: "log up",
        run: () => this.scroll(-most()),
      },
      {
        keys: ["shift-down", "}"],
        label: "⇧↓ }",
        summary: "log down",
        run: () => this.scroll(most()),
      },
    ];
  }

  /** Draws the log over the whole of `canvas`, the newest line at the bottom. */
  draw(canvas: Canvas): void {
    this.#height = canvas.height;
    this.#catchUp();
    const isShort = canvas.width < NARROW;
    const clockWidth = isShort ? SHORT_CLOCK_WIDTH : CLOCK_WIDTH;
    const below = this.#below;
    const length = this.#log.length;
    // The last line says what is below, if something is.
    const shown = Math.min(canvas.height - (below > 0 ? 1 : 0), length - below);
    // A log that does not fill the canvas begins at its top.
    const lastY = shown - 1;
    for (let index = 0; index < shown; index += 1) {
      const entry = this.#log.fromEnd(below + index);
      if (entry === undefined) break;
      const y = lastY - index;
      canvas.text(0, y, formatClock(entry.atMs).slice(0, clockWidth), {
        role: "dim",
        width: clockWidth,
      });
      canvas.text(clockWidth + 2, y, entry.text, { role: entry.role });
    }
    const whole = { x: 0, y: 0, width: canvas.width, height: canvas.height };
    canvas.onMouse(whole, { scroll: (lines) => this.scroll(lines) });
    if (below > 0) {
      const y = canvas.height - 1;
      const text = `↓ ${below} newer ${below === 1 ? "line" : "lines"}`;
      canvas.text(0, y, text, { role: "accent" });
      canvas.onMouse({ x: 0, y, width: canvas.width, height: 1 }, { click: () => this.toEnd() });
    }
  }

  /** Lines added meanwhile are below the window, unless it is at the end. */
  #catchUp(): void {
    if (this.#below > 0) this.#below += this.#log.total - this.#seen;
    this.#seen = this.#log.total;
    this.#below = this.#clamp(this.#below);
  }

  #clamp(below: number): number {
    // Scrolled up as far as it goes, the window is full: one of its lines tells what is below.
    const most = this.#log.length - Math.max(1, this.#height - 1);
    return Math.max(0, Math.min(below, most));
  }
}
