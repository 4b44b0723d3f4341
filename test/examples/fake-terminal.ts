const FIRST_PRINTABLE = " ";
/** A control sequence, any other escape sequence, or one character. */
const TOKEN = "\\u001b\\[([?\\d;]*)([A-Za-z])|\\u001b(?!\\[)(.)|([^\\u001b])";

/**
 * What a terminal of xterm's kind shows after the output of a program: as much of its control
 * sequences as the examples use, and an error for any other.
 */
export class FakeTerminal {
  /** Everything that was written. */
  output = "";
  isCursorVisible = true;
  /** How often the cursor went to the upper left corner. */
  homeCount = 0;
  /** Lines that left the screen at the top. */
  scrolled = 0;
  #columns: number;
  #rows: number;
  readonly #decoder = new TextDecoder();
  #main: string[][] = [[]];
  #alternate: string[][] | undefined;
  #row = 0;
  #column = 0;
  #savedCursor: readonly [row: number, column: number] = [0, 0];
  #pending = "";

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Whether the second screen is shown. */
  get isAlternate(): boolean {
    return this.#alternate !== undefined;
  }

  /** The lines shown, without the spaces at their ends and the empty lines at the bottom. */
  get lines(): string[] {
    const lines = this.#screen.map((line) =>
      Array.from(line, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
  }

  /** Lines longer than the window are cut, as many terminals do. */
  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    for (const line of this.#screen) line.splice(columns);
    this.#screen.splice(rows);
    this.#row = Math.min(this.#row, rows - 1);
    this.#column = Math.min(this.#column, columns);
  }

  write(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.output += text;
    this.#pending += text;
    // A sequence may be cut between two writes: what is unfinished waits.
    const token = new RegExp(TOKEN, "suy");
    let end = 0;
    for (;;) {
      token.lastIndex = end;
      const match = token.exec(this.#pending);
      if (match === null) break;
      end = token.lastIndex;
      const [sequence, parameters = "", final, , character] = match;
      if (character !== undefined) this.#put(character);
      else if (final !== undefined) this.#control(`${parameters}${final}`);
      else throw new Error(`Unknown sequence ${JSON.stringify(sequence)}`);
    }
    this.#pending = this.#pending.slice(end);
  }

  get #screen(): string[][] {
    return this.#alternate ?? this.#main;
  }

  get #line(): string[] {
    const screen = this.#screen;
    while (screen.length <= this.#row) screen.push([]);
    return screen[this.#row] ?? [];
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#feed();
    else if (character < FIRST_PRINTABLE)
      throw new Error(`Unknown control ${JSON.stringify(character)}`);
    else {
      if (this.#column >= this.#columns) {
        this.#column = 0;
        this.#feed();
      }
      const line = this.#line;
      while (line.length < this.#column) line.push(" ");
      line[this.#column] = character;
      this.#column += 1;
    }
  }

  #feed(): void {
    if (this.#row < this.#rows - 1) {
      this.#row += 1;
    } else {
      this.#screen.shift();
      this.scrolled += 1;
    }
  }

  #control(sequence: string): void {
    switch (sequence) {
      case "H":
        this.homeCount += 1;
        this.#row = 0;
        this.#column = 0;
        break;
      case "K":
        this.#line.splice(Math.min(this.#column, this.#columns - 1));
        break;
      case "J":
        this.#line.splice(Math.min(this.#column, this.#columns - 1));
        this.#screen.splice(this.#row + 1);
        break;
      case "?1049h":
        this.#savedCursor = [this.#row, this.#column];
        this.#alternate = [];
        break;
      case "?1049l":
        this.#alternate = undefined;
        [this.#row, this.#column] = this.#savedCursor;
        break;
      case "?25l":
        this.isCursorVisible = false;
        break;
      case "?25h":
        this.isCursorVisible = true;
        break;
      default:
        throw new Error(`Unknown control sequence ${JSON.stringify(sequence)}`);
    }
  }
}
