import {
  type CliRenderer,
  type OptimizedBuffer,
  Renderable,
  RGBA,
  TextAttributes,
} from "@opentui/core";
import { AsciiSurface } from "../draw/ascii.ts";
import type { Canvas, Rect } from "../draw/canvas.ts";
import { Picture } from "../draw/picture.ts";
import { areaAt, type MouseArea, type Surface, SurfaceCanvas } from "../draw/surface-canvas.ts";
import type { Colour, Look, Theme } from "../draw/theme.ts";
import type { Role } from "../model/role.ts";

/** Rows that one step of the wheel scrolls. */
const WHEEL_ROWS = 3;

/** How a role is drawn by the renderer. */
interface Paint {
  readonly fg: RGBA;
  readonly bg: RGBA;
  readonly attributes: number;
  /** Whether white spaces on the background do for a place without letters. */
  readonly isPlain: boolean;
}

/** What a screen shows, and whom it tells of the mouse. */
export interface ScreenOptions {
  readonly theme: Theme;
  /** Draws what stays from frame to frame until it is said to be outdated. */
  drawFrame(canvas: Canvas): void;
  /** Draws the rest, over it, in each frame. */
  drawContent(canvas: Canvas): void;
  /** The mouse is about to do something. */
  onUse(): void;
  /** Drawing or a click failed: the renderer would only log it. */
  onError(error: unknown): void;
}

/**
 * The whole screen as one renderable: what is put on a canvas, and the mouse back to what was
 * drawn.
 */
export class Screen extends Renderable {
  readonly #options: ScreenOptions;
  readonly #isUtf8: boolean;
  /** Undefined when it is outdated. */
  #frame: Picture | undefined;
  #paints: Readonly<Record<Role, Paint>>;
  #areas: readonly MouseArea[] = [];

  /** @param isUtf8 whether the terminal reads UTF-8 */
  constructor(renderer: CliRenderer, options: ScreenOptions, isUtf8: boolean) {
    super(renderer, {
      width: "100%",
      height: "100%",
      onMouseDown: ({ x, y, button }) => {
        if (button === 0) this.#guard(() => this.#click(x, y));
      },
      onMouseScroll: ({ x, y, scroll }) => this.#guard(() => this.#scroll(x, y, scroll?.direction)),
    });
    this.#options = options;
    this.#isUtf8 = isUtf8;
    this.#paints = paintsOf(options.theme);
  }

  set theme(theme: Theme) {
    this.#paints = paintsOf(theme);
    this.requestRender();
  }

  /** What stays from frame to frame has changed. */
  outdate(): void {
    this.#frame = undefined;
  }

  protected override renderSelf(buffer: OptimizedBuffer): void {
    this.#guard(() => {
      const { width, height } = this;
      const bytes = new BufferSurface(buffer, width, height, this.#paints);
      const surface = this.#isUtf8 ? bytes : new AsciiSurface(bytes);
      surface.fill({ x: 0, y: 0, width, height }, "text");
      if (this.#frame?.width !== width || this.#frame.height !== height) this.#frame = undefined;
      this.#frame ??= new Picture(width, height, (canvas) => this.#options.drawFrame(canvas));
      this.#frame.copyTo(surface);
      const areas = [...this.#frame.areas];
      this.#options.drawContent(new SurfaceCanvas(surface, areas));
      this.#areas = areas;
    });
  }

  #click(x: number, y: number): void {
    const area = areaAt(this.#areas, x, y, "click");
    this.#options.onUse();
    area?.click?.(x - area.rect.x, y - area.rect.y);
  }

  #scroll(x: number, y: number, direction: string | undefined): void {
    if (direction !== "up" && direction !== "down") return;
    this.#options.onUse();
    areaAt(this.#areas, x, y, "scroll")?.scroll?.(direction === "up" ? -WHEEL_ROWS : WHEEL_ROWS);
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

class BufferSurface implements Surface {
  readonly #buffer: OptimizedBuffer;
  readonly #paints: Readonly<Record<Role, Paint>>;
  readonly width: number;
  readonly height: number;

  constructor(
    buffer: OptimizedBuffer,
    width: number,
    height: number,
    paints: Readonly<Record<Role, Paint>>,
  ) {
    this.#buffer = buffer;
    this.#paints = paints;
    this.width = width;
    this.height = height;
  }

  put(x: number, y: number, text: string, role: Role): void {
    const { fg, bg, attributes } = this.#paints[role];
    this.#buffer.drawText(text, x, y, fg, bg, attributes);
  }

  fill({ x, y, width, height }: Rect, role: Role): void {
    const { fg, bg, attributes, isPlain } = this.#paints[role];
    if (isPlain) {
      this.#buffer.fillRect(x, y, width, height, bg);
      return;
    }
    const blank = " ".repeat(width);
    for (let row = y; row < y + height; row += 1)
      this.#buffer.drawText(blank, x, row, fg, bg, attributes);
  }
}

function paintsOf({ looks, background }: Theme): Readonly<Record<Role, Paint>> {
  const entries = Object.entries(looks).map(
    ([role, look]) => [role, paintOf(look, background)] as const,
  );
  return Object.fromEntries(entries) as Record<Role, Paint>;
}

function paintOf(look: Look, background: Colour | undefined): Paint {
  const { fg, bg = background, bold, dim, inverse, underline } = look;
  const attributes =
    (bold ? TextAttributes.BOLD : 0) |
    (dim ? TextAttributes.DIM : 0) |
    (inverse ? TextAttributes.INVERSE : 0) |
    (underline ? TextAttributes.UNDERLINE : 0);
  return {
    // An attribute such as inverse shows on spaces, too, and a terminal need not know white.
    isPlain: attributes === 0 && fg !== undefined,
    fg: fg === undefined ? RGBA.defaultForeground() : rgbaOf(fg),
    bg: bg === undefined ? RGBA.defaultBackground() : rgbaOf(bg),
    attributes,
  };
}

/** A colour as the renderer takes it. */
export function rgbaOf(colour: Colour): RGBA {
  return typeof colour === "number" ? RGBA.fromIndex(colour) : RGBA.fromHex(colour);
}
