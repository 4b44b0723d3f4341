import { flush, write } from "./output.ts";

// xterm's control sequences (ctlseqs): private modes 1049 and 25, CUP, EL, ED.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_LINE_END = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/**
 * Text that is drawn over and over in place, on the terminal's second screen: leaving brings back
 * what was there before. It follows the size of the window, and gives the cursor back however the
 * process ends (unless it is killed outright).
 */
export class LiveScreen {
  #render: ((width: number) => string) | undefined;
  #isOpen = true;
  #isWaiting = false;

  constructor() {
    process.stdout.on("resize", this.#redraw);
    process.on("exit", this.#leave);
    write(ENTER);
  }

  /** Shows the text that `render` gives for a width. After a change of size it is asked again. */
  draw(render: (width: number) => string): void {
    this.#render = render;
    void this.#redraw();
  }

  [Symbol.dispose](): void {
    this.#leave();
    process.stdout.off("resize", this.#redraw);
    process.off("exit", this.#leave);
  }

  readonly #redraw = async (): Promise<void> => {
    // A terminal that is stopped, or busy with the last frame, gets the newest one afterwards.
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    await flush();
    this.#isWaiting = false;
    if (this.#render === undefined || !this.#isOpen) return;
    // A serial line says it has neither.
    const columns = process.stdout.columns || 80;
    const rows = process.stdout.rows || 24;
    // Erasing after the text, not before, avoids flicker. After a full line it would erase the last
    // character.
    const lines = cutToHeight(this.#render(columns - 1).split("\n"), rows);
    write(`${HOME}${lines.join(`${ERASE_LINE_END}\r\n`)}${ERASE_BELOW}`);
  };

  readonly #leave = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    write(LEAVE);
  };
}

function cutToHeight(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, Math.max(0, rows - 1));
  return [...shown, `${lines.length - shown.length} more lines`];
}
