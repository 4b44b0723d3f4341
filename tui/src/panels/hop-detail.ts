import type { Canvas } from "../draw/canvas.ts";
import type { Span } from "../draw/table.ts";
import type { Binding } from "../model/binding.ts";
import { fit, textWidth, wrapText } from "../model/fit.ts";
import type { Role } from "../model/role.ts";
import type { Session } from "../model/session.ts";

/** A line of a detail view. */
export type DetailLine = readonly Span[];

/** Text in as many lines as it needs in `width` cells. */
export function paragraph(text: string, role: Role, width: number): DetailLine[] {
  return wrapText(text, Math.max(1, width)).map((line) => [{ text: line, role }]);
}

/** A line of cells of fixed widths, two spaces between: columns in a detail view. */
export function cells(
  parts: readonly (readonly [text: string, width: number, role: Role, align?: "left" | "right"])[],
): DetailLine {
  return parts.map(([text, width, role, align = "left"]) => ({
    text: `${fit(text, width, align)}  `,
    role,
  }));
}

/** Lines that are scrolled through, such as the details of a hop. */
export class DetailView {
  readonly #changed: () => void;
  #top = 0;
  #height = 0;

  /** @param changed called when the user has scrolled. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Scrolls by as many lines; downwards is positive. How far it goes shows when it is drawn. */
  scroll(lines: number): void {
    this.#top = Math.max(0, this.#top + lines);
    this.#changed();
  }

  /** Scrolls by a page. */
  page(direction: -1 | 1): void {
    this.scroll(direction * Math.max(1, this.#height - 1));
  }

  /** Keys for a panel whose table has those of lists: those of a log beside one. */
  sideBindings(): Binding[] {
    return [
      { keys: ["shift-up", "{"], label: "⇧↑ {", summary: "details up", run: () => this.page(-1) },
      {
        keys: ["shift-down", "}"],
        label: "⇧↓ }",
        summary: "details down",
        run: () => this.page(1),
      },
    ];
  }

  /** Shows the first line again. */
  toTop(): void {
    this.#top = 0;
  }

  /**
   * Draws the lines over the whole of `canvas`; the last row says what is below, if something is.
   */
  draw(canvas: Canvas, lines: readonly DetailLine[]): void {
    const { width, height } = canvas;
    this.#height = height;
    this.#top = Math.max(0, Math.min(this.#top, lines.length - height));
    const below = lines.length - height - this.#top;
    for (const [y, line] of lines
      .slice(this.#top, this.#top + height - (below > 0 ? 1 : 0))
      .entries()) {
      let x = 0;
      for (const { text, role } of line) {
        if (x >= width) break;
        canvas.text(x, y, text, { role });
        x += textWidth(text);
      }
    }
    if (below > 0) {
      const text = `↓ ${below + 1} more ${below === 0 ? "line" : "lines"}`;
      canvas.text(0, height - 1, text, { role: "accent" });
      canvas.onMouse({ x: 0, y: height - 1, width, height: 1 }, { click: () => this.page(1) });
    }
    canvas.onMouse({ x: 0, y: 0, width, height }, { scroll: (lines) => this.scroll(lines) });
  }
}

/** The keys that show and hide the details of a hop. */
export function detailBinding(isShown: boolean, toggle: () => void): Binding {
  return isShown
    ? { keys: ["enter", "escape"], label: "Esc", summary: "close details", run: toggle }
    : { keys: ["enter"], label: "Enter", summary: "hop details", run: toggle };
}

/** A title in a rule over the first row. */
export function drawHeading(canvas: Canvas, title: string): void {
  const { width } = canvas;
  canvas.text(0, 0, "─".repeat(width), { role: "border" });
  canvas.text(2, 0, ` ${title} `, { role: "title", width: Math.max(0, width - 4) });
}

/** What the first row of a panel of hops tells. */
export interface StripOptions {
  /** The target, safe to print. */
  readonly host: string;
  readonly status: Span;
  /** At the right, if there is room. */
  readonly facts: string;
}

/**
 * Draws the first row: the host is cut before how it stands is, but a third of the row is its own.
 */
export function drawStrip(canvas: Canvas, { host, status, facts }: StripOptions): void {
  const { width } = canvas;
  const statusWidth = textWidth(status.text);
  const hostWidth = Math.min(
    textWidth(host),
    Math.max(Math.floor(width / 3), width - statusWidth - 2),
  );
  canvas.text(0, 0, host, { role: "title", width: hostWidth });
  const statusX = hostWidth === 0 ? 0 : hostWidth + 2;
  canvas.text(statusX, 0, status.text, { role: status.role });
  const factsX = statusX + statusWidth + 2;
  if (width - factsX >= textWidth(facts)) {
    canvas.text(factsX, 0, facts, { role: "dim", width: width - factsX, align: "right" });
  }
}

/** Tells over the whole of `canvas` why a session failed before it had anything to show. */
export function drawFailure(canvas: Canvas, { failure }: Session): void {
  const lines = (failure ?? "")
    .split("\n")
    .flatMap((line) => wrapText(line, Math.max(1, canvas.width - 2)));
  for (const [index, line] of lines.entries()) {
    canvas.text(0, index + 1, line, { role: index === 0 ? "bad" : "text" });
  }
}
