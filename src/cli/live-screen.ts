import type { Host } from "./host.ts";

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
export class LiveScreen implements Disposable {
  readonly #host: Host;
  readonly #forget: readonly (() => void)[];
  #render: ((width: number) => string) | undefined;
  #isOpen = true;

  constructor(host: Host) {
    this.#host = host;
    this.#forget = [host.stdout.onResize(() => this.#redraw()), host.onExit(() => this.#leave())];
    host.stdout.write(ENTER);
  }

  /** Shows the text that `render` gives for a width. After a change of size it is asked again. */
  draw(render: (width: number) => string): void {
    this.#render = render;
    this.#redraw();
  }

  [Symbol.dispose](): void {
    this.#leave();
    for (const each of this.#forget) each();
  }

  #redraw(): void {
    const { stdout } = this.#host;
    // A terminal that is still busy with the last frame does without this one.
    if (this.#render === undefined || !this.#isOpen || stdout.isBusy) return;
    // Erasing after the text, not before, avoids flicker. After a full line it would erase the last
    // character.
    const lines = cutToHeight(
      this.#render((stdout.columns ?? 80) - 1).split("\n"),
      stdout.rows ?? 24,
    );
    stdout.write(`${HOME}${lines.join(`${ERASE_LINE_END}\r\n`)}${ERASE_LINE_END}${ERASE_BELOW}`);
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#host.stdout.write(LEAVE);
  }
}

function cutToHeight(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, Math.max(0, rows - 1));
  return [...shown, `${lines.length - shown.length} more lines`];
}
