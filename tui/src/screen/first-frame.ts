import { closeSync, constants, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";

/** The other screen, empty, and no cursor (DEC private modes 1049 and 25). */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l";
/**
 * Keeps what is shown until the next frame is complete, where the terminal can: its own screen
 * empties the terminal once more.
 */
const HOLD = "\x1b[?2026h";
/** The end of {@link HOLD}, with which the renderer ends each frame. */
export const RELEASE = "\x1b[?2026l";

/**
 * The picture that a person sees, and types at, until the renderer is there, which takes longer to
 * load than all the rest. What is typed meanwhile waits for it in the terminal.
 */
export class FirstFrame {
  readonly #isShown: boolean;

  /**
   * Shows it, unless the terminal stands still, which must keep nobody waiting. @param sequences
   * what draws it on an empty screen.
   */
  constructor(sequences: string) {
    // Before it: what is typed shall not show on the picture, and a job in the background stops
    // here until it may draw.
    setRawMode(true);
    this.#isShown = write(`${ENTER}${sequences}\x1b[0m`);
  }

  /** Leaves the terminal to the renderer. */
  hold(): void {
    if (this.#isShown) write(HOLD);
  }

  /** Gives the terminal back: there will be no renderer. */
  leave(): void {
    if (this.#isShown) write(`${RELEASE}${LEAVE}`);
    setRawMode(false);
  }
}

function setRawMode(isRaw: boolean): void {
  try {
    process.stdin.setRawMode?.(isRaw);
  } catch (error) {
    // The window has been closed, as its readers will be told.
    if (isatty(0)) throw error;
  }
}

/** Writes to the terminal, without waiting for it. */
function write(text: string): boolean {
  try {
    // A description of its own: O_NONBLOCK on the inherited one would reach the shell, too
    // (open(2)).
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    const fd = openSync("/proc/self/fd/1", flags);
    try {
      writeSync(fd, text);
      return true;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
