import { textWidth } from "../model/fit.ts";
import type { Role } from "../model/role.ts";
import type { Rect } from "./canvas.ts";
import type { Surface } from "./surface-canvas.ts";

/**
 * What views are drawn with, and what stands for it, as wide. Cells of one meaning share a letter.
 */
const GLYPHS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "-": "─–",
    "|": "│",
    "+": "┌┬┐├┼┤└┴┘╭╮╰╯✓",
    "#": "▆▇█▊▉■",
    "=": "▃▄▅▌▋‖",
    _: "▁▂",
    ".": "▏▎▍·",
    "*": "●",
    o: "○",
    x: "×✗",
    v: "▼▾↓",
    "^": "▲↑",
    S: "⇧",
    "<": "←‹",
    ">": "→›≥",
    "~": "…",
  }).flatMap(([letter, glyphs]) => Array.from(glyphs, (glyph) => [glyph, letter] as const)),
);

/**
 * The braille pattern without dots; the eight bits after it are dots (Unicode 3.0 section 12.7).
 */
const BRAILLE = 0x2800;

/**
 * Whether the terminal reads UTF-8, as the locale says (locale(7): LC_ALL, LC_CTYPE, LANG, the
 * first that is set). Where none is, as in containers, it does: hardly a terminal reads anything
 * else today.
 */
export function isUtf8(environment: Readonly<Record<string, string | undefined>>): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = environment;
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value);
  return locale === undefined || /utf-?8/i.test(locale);
}

/** `text` in ASCII, as wide as before: what has no likeness becomes `?`. */
export function toAscii(text: string): string {
  return text.replace(
    /[^\0-\x7f]/gu,
    (character) =>
      GLYPHS.get(character) ?? brailleOf(character) ?? "?".repeat(textWidth(character)),
  );
}

/** The bars of a graph: the more dots, the darker. */
function brailleOf(character: string): string | undefined {
  let dots = (character.codePointAt(0) ?? 0) - BRAILLE;
  if (dots < 0 || dots > 0xff) return undefined;
  let count = 0;
  for (; dots > 0; dots >>= 1) count += dots & 1;
  return " ..:::###"[count];
}

/**
 * A surface for a terminal that does not read UTF-8, in which some bytes of it would be controls.
 */
export class AsciiSurface implements Surface {
  readonly #surface: Surface;

  constructor(surface: Surface) {
    this.#surface = surface;
  }

  get width(): number {
    return this.#surface.width;
  }

  get height(): number {
    return this.#surface.height;
  }

  put(x: number, y: number, text: string, role: Role): void {
    this.#surface.put(x, y, toAscii(text), role);
  }

  fill(rect: Rect, role: Role): void {
    this.#surface.fill(rect, role);
  }
}
