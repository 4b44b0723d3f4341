import type { IBufferCell, Terminal } from "@xterm/headless";

/** Pixels of a cell. */
const CELL = { width: 8, height: 17 } as const;
const FONT_SIZE = 13.3;
const BASELINE = 13;
const MARGIN = 12;
const INK = "#d5dae1";
const PAPER = "#11151c";
/** The 16 colours that a terminal names, as xterm.js has them; the other 240 are computed. */
const NAMED =
  "#2e3436 #cc0000 #4e9a06 #c4a000 #3465a4 #75507b #06989a #d3d7cf #555753 #ef2929 #8ae234 #fce94f #729fcf #ad7fa8 #34e2e2 #eeeeec".split(
    " ",
  );
/** Dots of a braille letter by its bits (Unicode, "Braille Patterns"): column and row. */
const DOTS = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
] as const;

/** How some cells look. */
interface Style {
  readonly fg: string;
  readonly bg: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isUnderlined: boolean;
}

/**
 * The screen of a terminal as a picture (SVG 1.1). Graphs are drawn as shapes, so that no font can
 * put them out of line.
 */
export function screenSvg(terminal: Terminal, title: string): string {
  const { cols, rows, buffer } = terminal;
  const width = cols * CELL.width + 2 * MARGIN;
  const height = rows * CELL.height + 2 * MARGIN;
  const shapes: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const line = buffer.active.getLine(buffer.active.viewportY + row);
    if (line === undefined) continue;
    const y = MARGIN + row * CELL.height;
    for (let column = 0; column < cols; ) {
      const cell = line.getCell(column);
      if (cell === undefined) break;
      const style = styleOf(cell);
      const first = column;
      let text = "";
      // Cells of one look are one run; a shape is a run of its own.
      do {
        const next = line.getCell(column);
        if (next === undefined || (text !== "" && !isAlike(styleOf(next), style))) break;
        if (text !== "" && isShape(text[0] ?? "") !== isShape(next.getChars())) break;
        // Wide letters are as wide as their font has them: each in a place of its own, the others
        // stay in line.
        if (text !== "" && (next.getWidth() > 1 || Bun.stringWidth(text) > text.length)) break;
        text += next.getChars() || " ".repeat(next.getWidth());
        column += Math.max(1, next.getWidth());
      } while (column < cols);
      shapes.push(
        ...runShapes(text, { x: MARGIN + first * CELL.width, y, cells: column - first, style }),
      );
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>`,
    `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${FONT_SIZE}" xml:space="preserve">`,
    ...shapes,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

interface RunPlace {
  readonly x: number;
  readonly y: number;
  readonly cells: number;
  readonly style: Style;
}

function runShapes(text: string, { x, y, cells, style }: RunPlace): string[] {
  const { fg, bg, isBold, isDim, isUnderlined } = style;
  const width = cells * CELL.width;
  const shapes: string[] = [];
  if (bg !== PAPER) {
    shapes.push(`<rect x="${x}" y="${y}" width="${width}" height="${CELL.height}" fill="${bg}"/>`);
  }
  if (text.trim() === "") return shapes;
  if (isShape(text[0] ?? "")) {
    const path = [...text]
      .map((letter, index) => shapePath(letter, x + index * CELL.width, y))
      .join("");
    return [...shapes, `<path fill="${fg}" d="${path}"/>`];
  }
  const leading = text.length - text.trimStart().length;
  const shown = text.trim();
  // Cells that the text itself takes: spaces around it are a cell each.
  const span = cells - leading - (text.length - text.trimEnd().length);
  const attributes = [
    `x="${x + leading * CELL.width}" y="${y + BASELINE}" textLength="${span * CELL.width}" lengthAdjust="spacingAndGlyphs"`,
    `fill="${fg}"`,
    ...(isBold ? ['font-weight="bold"'] : []),
    ...(isDim ? ['opacity="0.65"'] : []),
    ...(isUnderlined ? ['text-decoration="underline"'] : []),
  ];
  return [...shapes, `<text ${attributes.join(" ")}>${escapeXml(shown)}</text>`];
}

function isShape(letter: string): boolean {
  return /^[\u2800-\u28ff\u2580-\u259f│─]/.test(letter);
}

/** The outline of a braille, block or line letter whose cell begins at `x`, `y`. */
function shapePath(letter: string, x: number, y: number): string {
  const code = letter.codePointAt(0) ?? 0;
  const box = (left: number, top: number, width: number, height: number): string =>
    `M${round(x + left)} ${round(y + top)}h${round(width)}v${round(height)}h${round(-width)}z`;
  if (letter === "│") return box(CELL.width / 2 - 0.5, 0, 1, CELL.height);
  if (letter === "─") return box(0, CELL.height / 2 - 0.5, CELL.width, 1);
  if (code >= 0x2800 && code <= 0x28ff) {
    const side = 2;
    const dots = DOTS.filter((_, bit) => ((code - 0x2800) >> bit) & 1);
    const left = (column: number): number => (column + 0.5) * (CELL.width / 2) - side / 2;
    const top = (row: number): number => (row + 0.5) * (CELL.height / 4) - side / 2;
    return dots.map(([column, row]) => box(left(column), top(row), side, side)).join("");
  }
  // U+2581 to U+2588 are blocks from the bottom, in eighths.
  if (code >= 0x2581 && code <= 0x2588) {
    const height = ((code - 0x2580) / 8) * CELL.height;
    return box(0, CELL.height - height, CELL.width, height);
  }
  return letter === "▀"
    ? box(0, 0, CELL.width, CELL.height / 2)
    : box(0, 0, CELL.width, CELL.height);
}

function styleOf(cell: IBufferCell): Style {
  const fg = colourOf(cell, "fg") ?? INK;
  const bg = colourOf(cell, "bg") ?? PAPER;
  const isInverse = cell.isInverse() !== 0;
  return {
    fg: isInverse ? bg : fg,
    bg: isInverse ? fg : bg,
    isBold: cell.isBold() !== 0,
    isDim: cell.isDim() !== 0,
    isUnderlined: cell.isUnderline() !== 0,
  };
}

function colourOf(cell: IBufferCell, plane: "fg" | "bg"): string | undefined {
  const isForeground = plane === "fg";
  const value = isForeground ? cell.getFgColor() : cell.getBgColor();
  if (isForeground ? cell.isFgRGB() : cell.isBgRGB())
    return `#${value.toString(16).padStart(6, "0")}`;
  if (isForeground ? cell.isFgPalette() : cell.isBgPalette()) return paletteColour(value);
  return undefined;
}

/** A colour of the 256 of xterm: 16 named ones, a cube of 6 levels, 24 greys. */
function paletteColour(index: number): string {
  if (index < 16) return NAMED[index] ?? INK;
  if (index >= 232) return hexOf([0, 1, 2].map(() => 8 + (index - 232) * 10));
  const steps = [Math.floor((index - 16) / 36), Math.floor((index - 16) / 6) % 6, (index - 16) % 6];
  return hexOf(steps.map((step) => (step === 0 ? 0 : 55 + step * 40)));
}

function hexOf(levels: readonly number[]): string {
  return `#${levels.map((level) => level.toString(16).padStart(2, "0")).join("")}`;
}

function isAlike(a: Style, b: Style): boolean {
  return (
    a.fg === b.fg &&
    a.bg === b.bg &&
    a.isBold === b.isBold &&
    a.isDim === b.isDim &&
    a.isUnderlined === b.isUnderlined
  );
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
