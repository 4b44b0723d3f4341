import type { Role } from "../model/role.ts";
import type { Rect } from "./canvas.ts";
import type { Surface } from "./surface-canvas.ts";
import type { Colour, Look, Theme } from "./theme.ts";

/** What an {@link AnsiSurface} is made with. */
export interface AnsiOptions {
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  /** Whether the terminal knows all colours, or 256 of them. */
  readonly isTrueColour: boolean;
}

/**
 * A surface that becomes control sequences (ECMA-48), in the order of drawing: a picture without
 * the renderer.
 */
export class AnsiSurface implements Surface {
  readonly #options: AnsiOptions;
  #role: Role | undefined;
  /** What was drawn. */
  sequences = "";

  constructor(options: AnsiOptions) {
    this.#options = options;
  }

  get width(): number {
    return this.#options.width;
  }

  get height(): number {
    return this.#options.height;
  }

  put(x: number, y: number, text: string, role: Role): void {
    if (role !== this.#role) this.sequences += this.#rendition(role);
    this.#role = role;
    // A control character would act on the terminal, which the renderer keeps from it as well.
    this.sequences += `\x1b[${y + 1};${x + 1}H${text.replaceAll(/\p{Cc}/gu, " ")}`;
  }

  fill({ x, y, width, height }: Rect, role: Role): void {
    const blank = " ".repeat(width);
    for (let row = y; row < y + height; row += 1) this.put(x, row, blank, role);
  }

  #rendition(role: Role): string {
    const { looks, background }: Theme = this.#options.theme;
    const { fg, bg = background, bold, dim, inverse, underline }: Look = looks[role];
    const attributes = [
      0,
      bold ? 1 : [],
      dim ? 2 : [],
      underline ? 4 : [],
      inverse ? 7 : [],
    ].flat();
    const foreground = fg === undefined ? "" : this.#colour(fg);
    // The same, but for the first digit.
    const behind = bg === undefined ? "" : this.#colour(bg).replace("[3", "[4");
    return `\x1b[${attributes.join(";")}m${foreground}${behind}`;
  }

  #colour(colour: Colour): string {
    if (typeof colour === "number") return `\x1b[3${colour}m`;
    return Bun.color(colour, this.#options.isTrueColour ? "ansi-16m" : "ansi-256") ?? "";
  }
}
