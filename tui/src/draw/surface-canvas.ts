import { fit, textWidth, truncate } from "../model/fit.ts";
import type { Role } from "../model/role.ts";
import type { Canvas, MouseTarget, Rect, TextOptions } from "./canvas.ts";

/** What a canvas ends up on. It is given nothing outside its size. */
export interface Surface {
  readonly width: number;
  readonly height: number;
  put(x: number, y: number, text: string, role: Role): void;
  fill(rect: Rect, role: Role): void;
}

/** A rectangle that the mouse acts in, in cells of the surface. */
export interface MouseArea extends MouseTarget {
  readonly rect: Rect;
}

/** A canvas on a surface: clips, and collects the mouse areas of the frame. */
export class SurfaceCanvas implements Canvas {
  readonly #surface: Surface;
  readonly #areas: MouseArea[];
  /** Where this canvas is on the surface; never beyond its edges. */
  readonly #clip: Rect;
  /** Its corner, which may be outside. */
  readonly #left: number;
  readonly #top: number;
  readonly width: number;
  readonly height: number;

  /** @param areas receives the mouse areas, in the order of drawing. */
  constructor(
    surface: Surface,
    areas: MouseArea[],
    rect: Rect = wholeOf(surface),
    clip: Rect = rect,
  ) {
    this.#surface = surface;
    this.#areas = areas;
    this.#left = rect.x;
    this.#top = rect.y;
    this.width = Math.max(0, rect.width);
    this.height = Math.max(0, rect.height);
    this.#clip = intersection(rect, clip);
  }

  text(x: number, y: number, text: string, options: TextOptions = {}): void {
    const { role = "text", align = "left", fill = false } = options;
    const row = this.#top + y;
    if (row < this.#clip.y || row >= this.#clip.y + this.#clip.height) return;
    const left = this.#left + x;
    const right = this.#clip.x + this.#clip.width;
    const wanted = options.width ?? right - left;
    const room = Math.min(wanted, right - left);
    // Nothing that a view draws begins left of its canvas and reaches into it.
    if (left < this.#clip.x || room < 1) return;
    const shown = truncate(text, room);
    if (fill) this.#surface.put(left, row, fit(shown, room, align), role);
    else if (shown !== "") {
      const indent = align === "right" ? Math.max(0, room - textWidth(shown)) : 0;
      this.#surface.put(left + indent, row, shown, role);
    }
  }

  fill(rect: Rect, role: Role): void {
    const area = intersection(this.#onSurface(rect), this.#clip);
    if (area.width > 0 && area.height > 0) this.#surface.fill(area, role);
  }

  part(rect: Rect): Canvas {
    return new SurfaceCanvas(this.#surface, this.#areas, this.#onSurface(rect), this.#clip);
  }

  onMouse(rect: Rect, target: MouseTarget): void {
    const area = intersection(this.#onSurface(rect), this.#clip);
    if (area.width > 0 && area.height > 0) this.#areas.push({ ...target, rect: area });
  }

  #onSurface(rect: Rect): Rect {
    return { ...rect, x: this.#left + rect.x, y: this.#top + rect.y };
  }
}

/** The mouse area that gets an event at a cell: the last one drawn that can use it. */
export function areaAt(
  areas: readonly MouseArea[],
  x: number,
  y: number,
  use: keyof MouseTarget,
): MouseArea | undefined {
  return areas.findLast(
    ({ rect, [use]: handler }) => handler !== undefined && contains(rect, x, y),
  );
}

function contains(rect: Rect, x: number, y: number): boolean {
  return x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
}

function wholeOf({ width, height }: Surface): Rect {
  return { x: 0, y: 0, width, height };
}

function intersection(a: Rect, b: Rect): Rect {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x);
  const height = Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y);
  return { x, y, width, height };
}
