import type { Rect } from "../draw/canvas.ts";
import type { Field } from "../model/fields.ts";
import { textWidth } from "../model/fit.ts";

/** Cells of a terminal. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Cells of the navigation on the left. */
const NAVIGATION_WIDTH = 16;
/** Narrower or lower than this, the navigation is a row on top. */
const LEAST_WIDTH_FOR_SIDE = 76;
const LEAST_HEIGHT_FOR_SIDE = 14;
/** Lower than this, a form that nobody types into takes one row. */
const LEAST_HEIGHT_FOR_FORM = 22;

/** Cells of the button: "[ Start ]". */
const BUTTON_WIDTH = 9;

/** Where the parts of the screen are. Parts for which there is no room have no height. */
export interface Layout {
  /** Whether the navigation is a column on the left. */
  readonly isSide: boolean;
  readonly navigation: Rect;
  readonly tabs: Rect;
  /** The button that starts and stops, at the end of the row of tabs. */
  readonly button: Rect;
  readonly form: Rect;
  readonly body: Rect;
  readonly notices: Rect;
  readonly hints: Rect;
}

/** What the parts of a screen need. */
export interface Needs {
  readonly width: number;
  readonly height: number;
  /** Rows of the form when all of it is shown; 0 where there is none. */
  readonly formRows: number;
  /** Whether all of the form must be seen, since somebody types into it. */
  readonly isFormNeeded: boolean;
  /** Lines of the messages at the bottom. */
  readonly noticeRows: number;
}

/** Divides the screen. */
export function layoutScreen({ width, height, formRows, isFormNeeded, noticeRows }: Needs): Layout {
  const isSide = width >= LEAST_WIDTH_FOR_SIDE && height >= LEAST_HEIGHT_FOR_SIDE;
  const left = isSide ? NAVIGATION_WIDTH + 1 : 0;
  let top = isSide ? 0 : 1;
  let bottom = height;
  const wide = Math.max(0, width - left);
  const take = (rows: number, from: "top" | "bottom", x = left, span = wide): Rect => {
    const taken = Math.max(0, Math.min(rows, bottom - top));
    if (from === "bottom") bottom -= taken;
    const rect = { x, y: from === "top" ? top : bottom, width: span, height: taken };
    if (from === "top") top += taken;
    return rect;
  };
  const hints = take(1, "bottom", 0, width);
  const notices = take(Math.min(noticeRows, Math.floor(height / 3)), "bottom", 0, width);
  const navigation = isSide
    ? { x: 0, y: 0, width: NAVIGATION_WIDTH, height: bottom }
    : { x: 0, y: 0, width, height: Math.min(1, height) };
  const hasForm = formRows > 0;
  const row = take(hasForm ? 1 : 0, "top");
  const buttonWidth = Math.min(BUTTON_WIDTH + 1, row.width);
  const tabs = { ...row, width: row.width - buttonWidth };
  const button = { ...row, x: row.x + tabs.width, width: Math.max(0, buttonWidth - 1) };
  const isFull = isFormNeeded || height >= LEAST_HEIGHT_FOR_FORM;
  const form = take(hasForm ? (isFull ? formRows : 1) : 0, "top");
  return { isSide, navigation, tabs, button, form, notices, hints, body: take(height, "top") };
}

/** Where a field is in its form. */
export interface FieldPlace {
  readonly field: Field;
  readonly x: number;
  readonly y: number;
  /** Cells of its input, which follows the label. */
  readonly inputX: number;
  readonly inputWidth: number;
}

/** Where everything is in a form. */
export interface FormLayout {
  readonly rows: number;
  readonly fields: readonly FieldPlace[];
}

/** Cells between two fields. */
const GAP = 2;

/** Puts fields into rows as words into lines; one that grows takes what its row leaves. */
export function layoutForm(fields: readonly Field[], width: number): FormLayout {
  const rows: { readonly parts: Field[]; used: number }[] = [];
  for (const field of fields) {
    const needed = Math.min(widthOf(field), width);
    const row = rows.at(-1);
    if (row !== undefined && row.used + GAP + needed <= width) {
      row.parts.push(field);
      row.used += GAP + needed;
    } else {
      rows.push({ parts: [field], used: needed });
    }
  }
  const places: FieldPlace[] = [];
  for (const [y, { parts, used }] of rows.entries()) {
    let x = 0;
    for (const field of parts) {
      // A row of its own may still be wider than the screen.
      const growth = field.grows ? Math.max(0, width - used) : 0;
      const inputX = x + textWidth(field.label) + 1;
      const inputWidth = Math.max(1, Math.min(field.width + growth, width - inputX));
      places.push({ field, x, y, inputX, inputWidth });
      x = inputX + inputWidth + unitWidth(field) + GAP;
    }
  }
  return { rows: rows.length, fields: places };
}

function widthOf(field: Field): number {
  return textWidth(field.label) + 1 + field.width + unitWidth(field);
}

function unitWidth({ unit }: Field): number {
  return unit === "" ? 0 : textWidth(unit) + 1;
}
