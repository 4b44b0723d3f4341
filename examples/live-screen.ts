import type { WriteStream } from "node:tty";

// xterm's control sequences (ctlseqs): private modes 1049 and 25, CUP, EL, ED.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_LINE_END = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/**
 * Text that is drawn over and over in place, on the terminal's second screen: leaving brings back what was there before.
 * It follows the size of the window, and gives the cursor back however the process ends (unless it is killed outright).
 */
export class LiveScreen {
  readonly #terminal: WriteStream;
  #render: ((width: number) => string) | undefined;
  #isOpen = true;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
    terminal.on("resize", this.#redraw);
    process.on("exit", this.#leave);
    terminal.write(ENTER);
  }

  /** Shows the text that `render` gives for a width. After a change of size it is asked again. */
  draw(render: (width: number) => string): void {
    this.#render = render;
    this.#redraw();
  }

  [Symbol.dispose](): void {
    this.#leave();
    this.#terminal.off("resize", this.#redraw);
    process.off("exit", this.#leave);
  }

  readonly #redraw = (): void => {
    // A terminal that is still busy with the last frame does without this one.
    if (this.#render === undefined || !this.#isOpen || this.#terminal.writableLength > 0) return;
    // A serial line says it has neither.
    const columns = this.#terminal.columns || 80;
    const rows = this.#terminal.rows || 24;
    // Erasing after the text, not before, avoids flicker. After a full line it would erase the last character.
    const lines = cutToHeight(this.#render(columns - 1).split("\n"), rows);
    this.#terminal.write(`${HOME}${lines.join(`${ERASE_LINE_END}\r\n`)}${ERASE_BELOW}`);
  };

  readonly #leave = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#terminal.write(LEAVE);
  };
}

function cutToHeight(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, Math.max(0, rows - 1));
  return [...shown, `${lines.length - shown.length} more lines`];
}
