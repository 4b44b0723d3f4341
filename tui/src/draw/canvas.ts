import type { Role } from "../model/role.ts";
/** A rectangle of cells. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What the mouse does within a rectangle. */
export interface MouseTarget {
  /** The left button was pressed. `x` and `y` count from the corner of the rectangle. */
  readonly click?: (x: number, y: number) => void;
  /** The wheel was turned by as many rows; downwards is positive. */
  readonly scroll?: (rows: number) => void;
}

/** How a text is put into its place. */
export interface TextOptions {
  readonly role?: Role;
  /** Cells to fit into; what is longer ends in "…". Default: to the edge of the canvas. */
  readonly width?: number;
  /** Where in `width`. Default left. */
  readonly align?: "left" | "right";
  /**
   * Whether the cells of `width` that the text leaves free take the look of `role`, too. Default
   * false.
   */
  readonly fill?: boolean;
}

/**
 * A part of the screen to draw on. Everything is clipped to it, and coordinates count from its
 * upper left corner; what lies outside is left out in silence, so that a view need not ask whether
 * there is room.
 *
 * What changes with the results is redrawn from the state each time; the renderer sends only what
 * differs from the frame before.
 */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Puts one line. Text that came from the network must be escaped. */
  text(x: number, y: number, text: string, options?: TextOptions): void;
  /** Gives all cells of a rectangle the look of `role`, empty. */
  fill(rect: Rect, role: Role): void;
  /** A part of this canvas. */
  part(rect: Rect): Canvas;
  /** Lets the mouse act within a rectangle. Of several that overlap, the last one gets it. */
  onMouse(rect: Rect, target: MouseTarget): void;
}
