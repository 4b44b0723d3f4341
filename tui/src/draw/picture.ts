import type { Role } from "../model/role.ts";
import type { Canvas, Rect } from "./canvas.ts";
import { type MouseArea, type Surface, SurfaceCanvas } from "./surface-canvas.ts";

/** A text in its place, or a rectangle that was filled. */
type Piece =
  | { readonly x: number; readonly y: number; readonly text: string; readonly role: Role }
  | { readonly rect: Rect; readonly role: Role };

/** What was drawn once, to be put on surfaces of its size without being worked out again. */
export class Picture implements Surface {
  readonly width: number;
  readonly height: number;
  /** What the mouse does in it. */
  readonly areas: readonly MouseArea[];
  readonly #pieces: Piece[] = [];

  constructor(width: number, height: number, draw: (canvas: Canvas) => void) {
    this.width = width;
    this.height = height;
    const areas: MouseArea[] = [];
    draw(new SurfaceCanvas(this, areas));
    this.areas = areas;
  }

  put(x: number, y: number, text: string, role: Role): void {
    this.#pieces.push({ x, y, text, role });
  }

  fill(rect: Rect, role: Role): void {
    this.#pieces.push({ rect, role });
  }

  /** Puts all of it on another surface. */
  copyTo(surface: Surface): void {
    for (const piece of this.#pieces) {
      if ("text" in piece) surface.put(piece.x, piece.y, piece.text, piece.role);
      else surface.fill(piece.rect, piece.role);
    }
  }
}
