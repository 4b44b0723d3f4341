import type { Canvas, Rect } from "../../tui/src/draw/canvas.ts";
import {
  areaAt,
  type MouseArea,
  type Surface,
  SurfaceCanvas,
} from "../../tui/src/draw/surface-canvas.ts";
import type { Role } from "../../tui/src/model/role.ts";

/** A screen of plain text, to look at what is drawn without a renderer. */
export class Grid implements Surface {
  readonly #cells: { text: string; role: Role }[][];
  readonly #areas: MouseArea[] = [];
  readonly width: number;
  readonly height: number;

  constructor(width: number, height: number, draw: (canvas: Canvas) => void) {
    this.width = width;
    this.height = height;
    this.#cells = Array.from({ length: height }, () =>
      Array.from({ length: width }, () => ({ text: " ", role: "text" as const })),
    );
    draw(new SurfaceCanvas(this, this.#areas));
  }

  /** The rows, without the spaces at their ends. */
  get rows(): string[] {
    return this.#cells.map((row) =>
      row
        .map(({ text }) => text)
        .join("")
        .trimEnd(),
    );
  }

  /** The rows as one text, without the empty ones at the end. */
  get text(): string {
    return this.rows.join("\n").trimEnd();
  }

  /** The role of the first letter of `text`, wherever it stands first. */
  roleOf(text: string): Role | undefined {
    for (const row of this.#cells) {
      for (let x = 0; x < row.length; x += 1) {
        const rest = row
          .slice(x)
          .map((cell) => cell.text)
          .join("");
        if (rest.startsWith(text)) return row[x]?.role;
      }
    }
    return undefined;
  }

  /** Presses the left button on the first letter of `text`. */
  clickOn(text: string): void {
    const y = this.rows.findIndex((row) => row.includes(text));
    if (y < 0) throw new Error(`There is no ${JSON.stringify(text)} on the screen:\n${this.text}`);
    this.click(Bun.stringWidth(this.rows[y]?.split(text)[0] ?? ""), y);
  }

  click(x: number, y: number): void {
    const area = areaAt(this.#areas, x, y, "click");
    area?.click?.(x - area.rect.x, y - area.rect.y);
  }

  scroll(x: number, y: number, rows: number): void {
    areaAt(this.#areas, x, y, "scroll")?.scroll?.(rows);
  }

  // As a Surface.

  put(x: number, y: number, text: string, role: Role): void {
    let column = x;
    for (const { segment } of new Intl.Segmenter().segment(text)) {
      const width = Math.max(1, Bun.stringWidth(segment));
      this.#set(column, y, segment, role);
      // A wide letter takes two cells, the second of which holds nothing of its own.
      for (let more = 1; more < width; more += 1) this.#set(column + more, y, "", role);
      column += width;
    }
  }

  fill({ x, y, width, height }: Rect, role: Role): void {
    for (let row = y; row < y + height; row += 1) {
      for (let column = x; column < x + width; column += 1) this.#set(column, row, " ", role);
    }
  }

  #set(x: number, y: number, text: string, role: Role): void {
    const cell = this.#cells[y]?.[x];
    if (cell === undefined) throw new Error(`Drew outside of the screen: ${x}, ${y}`);
    cell.text = text;
    cell.role = role;
  }
}
