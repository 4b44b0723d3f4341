import { truncate } from "icmpx/format";
import type { Host } from "./host.ts";

/** How often it is drawn, in milliseconds. */
const PERIOD_MS = 200;
// Carriage return and EL (ECMA-48 8.3.41): to the beginning of the line, which is erased.
const ERASE_LINE = "\r\x1b[K";

/**
 * A line below all others that tells how far a command has come, on stderr. Where that is no
 * terminal, or one that cannot erase, there is none; nor is there while it has no text.
 */
export class ProgressLine implements Disposable {
  readonly #host: Host;
  readonly #render: () => string;
  /** Undefined where nothing is drawn, and after the end. */
  #timer: ReturnType<typeof setInterval> | undefined;
  #isShown = false;

  constructor(host: Host, render: () => string) {
    this.#host = host;
    this.#render = render;
    if (host.stderr.isTerminal && host.env["TERM"] !== "dumb") {
      this.#timer = setInterval(() => this.draw(), PERIOD_MS);
    }
  }

  /** Lets `write` write whole lines to the terminal: above this one. */
  above(write: () => void): void {
    const wasShown = this.#isShown;
    this.#hide();
    write();
    if (wasShown) this.draw();
  }

  /** Draws it now: something has changed that should not wait for the next time. */
  draw(): void {
    const { stderr } = this.#host;
    // A terminal that stands still does without.
    if (this.#timer === undefined || stderr.isBusy) return;
    const text = this.#render();
    if (text === "") {
      this.#hide();
      return;
    }
    this.#isShown = true;
    stderr.write(`${ERASE_LINE}${truncate(text, (stderr.columns ?? 80) - 1)}`);
  }

  /** Takes the line away for good. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#hide();
  }

  /** As `end()`. */
  [Symbol.dispose](): void {
    this.end();
  }

  #hide(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#host.stderr.write(ERASE_LINE);
  }
}
