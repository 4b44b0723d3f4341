import type { Canvas } from "../draw/canvas.ts";
import { ListState } from "../draw/list-state.ts";
import type { Binding } from "../model/binding.ts";
import { type ColumnChoice, MTR_COLUMNS } from "../model/mtr-columns.ts";

const TITLE = " Columns ";
const HINTS = " Space: show, d: default ";
/** Cells of the box: its borders, a mark, a title, and the longest summary. */
const WIDTH = 40;

/** A box over a panel in which the columns of an mtr are chosen. */
export class ColumnChooser {
  readonly #choice: ColumnChoice;
  readonly #list = new ListState();
  readonly #changed: () => void;
  readonly #close: () => void;

  /** @param options `changed` is called after each choice, and when another row is selected. */
  constructor(choice: ColumnChoice, options: { changed(): void; close(): void }) {
    this.#choice = choice;
    this.#changed = options.changed;
    this.#close = options.close;
  }

  get bindings(): readonly Binding[] {
    return [
      {
        keys: ["space", "enter"],
        label: "Space",
        summary: "show, hide",
        run: () => this.#toggle(),
      },
      { keys: ["d"], label: "d", summary: "default columns", run: () => this.#reset() },
      { keys: ["o", "escape", "q"], label: "o Esc", summary: "done", run: () => this.#close() },
      ...this.#list.bindings(this.#changed),
    ];
  }

  draw(canvas: Canvas): void {
    const width = Math.min(WIDTH, canvas.width);
    const height = Math.min(MTR_COLUMNS.length + 2, canvas.height);
    const x = Math.floor((canvas.width - width) / 2);
    const y = Math.floor((canvas.height - height) / 2);
    const box = canvas.part({ x, y, width, height });
    const inner = { x: 1, y: 1, width: width - 2, height: height - 2 };
    box.fill({ x: 0, y: 0, width, height }, "text");
    drawFrame(box);
    box.text(2, 0, TITLE, { role: "title" });
    box.text(2, height - 1, HINTS, { role: "dim", width: width - 4 });
    // A click beside the box closes it, one within does what it is on.
    canvas.onMouse(
      { x: 0, y: 0, width: canvas.width, height: canvas.height },
      { click: () => this.#close() },
    );
    this.#list.update(MTR_COLUMNS.length, inner.height);
    const rows = box.part(inner);
    for (const [line, column] of MTR_COLUMNS.slice(
      this.#list.top,
      this.#list.top + inner.height,
    ).entries()) {
      const index = this.#list.top + line;
      const isSelected = index === this.#list.selected;
      const role = isSelected ? "selected" : this.#choice.has(column) ? "text" : "dim";
      const mark = this.#choice.has(column) ? "[x]" : "[ ]";
      const text = ` ${mark} ${column.title.padEnd(6)}${column.summary}`;
      rows.text(0, line, text, { role, width: rows.width, fill: isSelected });
    }
    box.onMouse(
      { x: 0, y: 0, width, height },
      {
        click: (_, row) => {
          const index = this.#list.top + row - inner.y;
          if (row < inner.y || row >= inner.y + inner.height || index >= MTR_COLUMNS.length) return;
          this.#list.select(index);
          this.#toggle();
        },
        scroll: (by) => {
          this.#list.scroll(by);
          this.#changed();
        },
      },
    );
  }

  #toggle(): void {
    const column = MTR_COLUMNS[this.#list.selected];
    if (column !== undefined) this.#choice.toggle(column);
    this.#changed();
  }

  #reset(): void {
    this.#choice.reset();
    this.#changed();
  }
}

function drawFrame(canvas: Canvas): void {
  const { width, height } = canvas;
  if (width < 2 || height < 2) return;
  const line = "─".repeat(width - 2);
  canvas.text(0, 0, `╭${line}╮`, { role: "border" });
  canvas.text(0, height - 1, `╰${line}╯`, { role: "border" });
  for (let y = 1; y < height - 1; y += 1) {
    canvas.text(0, y, "│", { role: "border" });
    canvas.text(width - 1, y, "│", { role: "border" });
  }
}
