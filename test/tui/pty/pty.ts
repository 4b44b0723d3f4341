import { Terminal } from "@xterm/headless";

const POLL_MS = 10;
/** DEC private modes that are on in a shell: autowrap, and a cursor that is shown. */
const USUAL_MODES: ReadonlySet<string> = new Set(["7", "25"]);

/**
 * What a terminal is told with `CSI ? n h` and `CSI ? n l`, and with the keyboard protocol of
 * kitty.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for
const MODES = /\x1b\[\?([\d;]+)([hl])|\x1b\[([><])\d*u/g;

/** How a program is started on a terminal. */
export interface PtyOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Changes what the terminal answers to questions about itself. */
  readonly answer?: (text: string) => string;
}

/** What a terminal shows that is sent `output`, without the empty rows at its end. */
export async function textOf(
  output: string,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): Promise<string> {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(output, resolve));
  const text = rowsOf(terminal).join("\n").trimEnd();
  terminal.dispose();
  return text;
}

function rowsOf({ buffer: { active }, rows, cols }: Terminal): string[] {
  return Array.from(
    { length: rows },
    (_, row) => active.getLine(active.viewportY + row)?.translateToString(true, 0, cols) ?? "",
  );
}

/** A program on a terminal: xterm, without a window. */
export class Pty implements AsyncDisposable {
  /** The terminal, with every cell of its screen. */
  readonly screen: Terminal;
  readonly #child: Bun.Subprocess;
  readonly #pty: Bun.Terminal;
  #modes = new Map<string, boolean>();
  #keyboardDepth = 0;
  #tail = "";
  /** Everything that was written. */
  output = "";

  constructor(command: readonly string[], options: PtyOptions = {}) {
    const { columns = 80, rows = 24, cwd, env, answer = (text) => text } = options;
    const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true });
    const decoder = new TextDecoder();
    this.screen = terminal;
    this.#child = Bun.spawn([...command], {
      ...(cwd === undefined ? {} : { cwd }),
      env: {
        ...process.env,
        TERM: "xterm-256color",
        COLORTERM: "truecolor",
        NO_COLOR: undefined,
        LC_ALL: "C.UTF-8",
        ...env,
      },
      terminal: {
        cols: columns,
        rows,
        data: (_, bytes) => {
          terminal.write(bytes);
          this.#take(decoder.decode(bytes, { stream: true }));
        },
      },
    });
    if (this.#child.terminal === undefined)
      throw new Error("Cannot run on a terminal: there is none");
    this.#pty = this.#child.terminal;
    terminal.onData((text) => this.type(answer(text)));
  }

  get pid(): number {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The rows of the screen, without the spaces at their ends. */
  get rows(): string[] {
    return rowsOf(this.screen);
  }

  /** The screen, without the empty rows at its end. */
  get text(): string {
    return this.rows.join("\n").trimEnd();
  }

  /** Whether anything on the screen has a colour other than the terminal's own. */
  get isColoured(): boolean {
    const { active } = this.screen.buffer;
    for (let row = 0; row < this.screen.rows; row += 1) {
      const line = active.getLine(active.viewportY + row);
      for (let column = 0; column < this.screen.cols; column += 1) {
        const cell = line?.getCell(column);
        if (cell === undefined) continue;
        // The colour of a letter that is not there cannot be seen.
        if (!cell.isBgDefault() || (cell.getChars().trim() !== "" && !cell.isFgDefault()))
          return true;
      }
    }
    return false;
  }

  get isAlternate(): boolean {
    return this.screen.buffer.active.type === "alternate";
  }

  get wantsMouse(): boolean {
    return this.screen.modes.mouseTrackingMode !== "none";
  }

  /** What a shell would find otherwise than it left it; empty when all is as it was. */
  get leftovers(): string[] {
    const changed = [...this.#modes].filter(([mode, isOn]) => isOn !== USUAL_MODES.has(mode));
    const modes = changed.map(([mode, isOn]) => `?${mode}${isOn ? "h" : "l"}`);
    return this.#keyboardDepth > 0 ? [...modes, "keyboard"] : modes;
  }

  type(keys: string): void {
    if (!this.#pty.closed) this.#pty.write(keys);
  }

  /** Presses and releases the left button on the first letter of a text. */
  clickOn(text: string): void {
    const row = this.rows.findIndex((line) => line.includes(text));
    if (row < 0)
      throw new Error(`There is no ${JSON.stringify(text)} on the screen:\n${this.text}`);
    const column = Bun.stringWidth(this.rows[row]?.split(text)[0] ?? "");
    // SGR mouse reports (mode 1006 of xterm), counted from 1.
    const where = `${column + 1};${row + 1}`;
    this.type(`\x1b[<0;${where}M\x1b[<0;${where}m`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** Closes the window. */
  close(): void {
    this.#pty.close();
  }

  /** Waits until the screen shows what it should; the time limit of the test ends it. */
  async until(isShown: () => boolean): Promise<void> {
    while (!isShown()) {
      if (this.hasEnded)
        throw new Error(`Ended with code ${this.#child.exitCode}, and showed:\n${this.text}`);
      await Bun.sleep(POLL_MS);
    }
  }

  /** Waits until a text is on the screen. */
  shows(text: string): Promise<void> {
    return this.until(() => this.text.includes(text));
  }

  /** Waits for the end, and for what was written last. */
  async ended(): Promise<number> {
    const code = await this.#child.exited;
    let length = -1;
    while (this.output.length !== length) {
      length = this.output.length;
      await Bun.sleep(10 * POLL_MS);
    }
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#pty.close();
    this.screen.dispose();
  }

  #take(text: string): void {
    this.output += text;
    const unseen = this.#tail + text;
    let end = 0;
    for (const match of unseen.matchAll(MODES)) {
      const [sequence, modes, switched, stack] = match;
      for (const mode of modes?.split(";") ?? []) this.#modes.set(mode, switched === "h");
      if (stack !== undefined) this.#keyboardDepth += stack === ">" ? 1 : -1;
      end = match.index + sequence.length;
    }
    // A sequence may be cut between two reads.
    this.#tail = unseen.slice(Math.max(end, unseen.length - 16));
  }
}
