import type { Canvas } from "../draw/canvas.ts";
import { DOWN, type Mark } from "../draw/marks.ts";
import type { Binding } from "../model/binding.ts";
import { textWidth, truncate, wrapText } from "../model/fit.ts";
import type { Role } from "../model/role.ts";
import type { FormLayout } from "./layout.ts";
import type { Notice, NoticeRole } from "./notices.ts";

/** An entry of the navigation. */
export interface NavigationEntry {
  readonly title: string;
  /** For where there is little room. */
  readonly shortTitle: string;
  readonly isShown: boolean;
  /** Sessions that are under way. */
  readonly running: number;
  /** Of those, the ones in which something does not answer. */
  readonly down: number;
  open(): void;
}

/** A tab above a panel. */
export interface TabEntry {
  readonly title: string;
  readonly mark: Mark | undefined;
  readonly isShown: boolean;
  open(): void;
}

/** Cells that a tab's title takes at most. */
const TAB_WIDTH = 24;

/** The navigation as a column, keys at its foot, the last column of the canvas a border. */
export function drawNavigation(
  canvas: Canvas,
  entries: readonly NavigationEntry[],
  foot: readonly string[],
): void {
  const width = canvas.width - 1;
  const { height } = canvas;
  canvas.text(1, 0, "icmpx", { role: "title" });
  for (const [index, entry] of entries.entries()) {
    const y = index + 2;
    const role: Role = entry.isShown ? "selected" : "text";
    canvas.text(0, y, ` ${index + 1} ${entry.title}`, {
      role,
      width: width - 1,
      fill: entry.isShown,
    });
    const { down, running } = entry;
    const count = down > 0 ? `${DOWN.text}${down}` : running > 0 ? `●${running}` : "";
    const countRole = entry.isShown ? "selected" : down > 0 ? "bad" : "good";
    canvas.text(width - 5, y, count, { role: countRole, width: 4, align: "right" });
    canvas.onMouse({ x: 0, y, width, height: 1 }, { click: entry.open });
  }
  const first = height - foot.length;
  if (first > entries.length + 2) {
    for (const [index, line] of foot.entries())
      canvas.text(1, first + index, line, { role: "dim" });
  }
  for (let y = 0; y < height; y += 1) canvas.text(width, y, "│", { role: "border" });
}

/** The navigation as a row, for small screens. */
export function drawNavigationRow(canvas: Canvas, entries: readonly NavigationEntry[]): void {
  const isRoomy = entries.reduce((sum, { title }) => sum + title.length + 6, 0) <= canvas.width;
  let x = 0;
  for (const [index, entry] of entries.entries()) {
    const title = isRoomy ? `${index + 1} ${entry.title}` : entry.shortTitle;
    const mark = entry.down > 0 ? DOWN.text : entry.running > 0 ? "●" : "";
    const text = ` ${title}${mark} `;
    const role = entry.isShown ? "selected" : entry.down > 0 ? "bad" : "text";
    canvas.text(x, 0, text, { role });
    canvas.onMouse({ x, y: 0, width: textWidth(text), height: 1 }, { click: entry.open });
    x += textWidth(text);
  }
}

/**
 * The tabs of a tool, those around the one that is shown if there is no room for all, and a way to
 * add one.
 */
export function drawTabs(canvas: Canvas, tabs: readonly TabEntry[], add: () => void): void {
  const texts = tabs.map(({ title }, index) => ` ${index + 1} ${truncate(title, TAB_WIDTH)} `);
  const widths = texts.map(
    (text, index) => textWidth(text) + (tabs[index]?.mark === undefined ? 0 : 2),
  );
  const shown = Math.max(
    0,
    tabs.findIndex(({ isShown }) => isShown),
  );
  const room = canvas.width - textWidth(ADD_TAB) - 2;
  let first = 0;
  while (first < shown && sum(widths.slice(first, shown + 1)) > room) first += 1;
  let x = 0;
  if (first > 0) canvas.text(x++, 0, "‹", { role: "dim" });
  for (const [offset, { mark, isShown, open }] of tabs.slice(first).entries()) {
    const index = first + offset;
    const width = widths[index] ?? 0;
    if (x > 1 && x + width > room) {
      canvas.text(x++, 0, "›", { role: "dim" });
      break;
    }
    canvas.text(x, 0, texts[index] ?? "", {
      role: isShown ? "selected" : "text",
      width,
      fill: isShown,
    });
    if (mark !== undefined) {
      canvas.text(x + width - 2, 0, mark.text, { role: isShown ? "selected" : mark.role });
    }
    canvas.onMouse({ x, y: 0, width, height: 1 }, { click: open });
    x += width;
  }
  canvas.text(x + 1, 0, ADD_TAB, { role: "dim" });
  canvas.onMouse({ x: x + 1, y: 0, width: textWidth(ADD_TAB), height: 1 }, { click: add });
}

const ADD_TAB = "+ new";

/** What a form shows; the input that has the keyboard lies on top of it. */
export interface FormLook {
  readonly layout: FormLayout;
  readonly values: Readonly<Record<string, string>>;
  readonly problems: ReadonlyMap<string, string>;
  /** Whether all of it is shown; else it is one line to read. */
  readonly isOpen: boolean;
  edit(name: string | undefined): void;
}

/** A form, or a line about it. */
export function drawForm(canvas: Canvas, look: FormLook): void {
  const { layout, values, problems, isOpen, edit } = look;
  if (!isOpen) {
    const parts = layout.fields.map(({ field: { name, label, unit } }, index) =>
      index === 0 ? (values[name] ?? "") : `${label.toLowerCase()} ${values[name]}${unit}`,
    );
    canvas.text(0, 0, parts.join("  "), { role: problems.size > 0 ? "bad" : "dim" });
    canvas.onMouse(
      { x: 0, y: 0, width: canvas.width, height: 1 },
      { click: () => edit(undefined) },
    );
    return;
  }
  for (const { field, x, y, inputX, inputWidth } of layout.fields) {
    const role = problems.has(field.name) ? "bad" : "dim";
    canvas.text(x, y, field.label, { role });
    const value = values[field.name] ?? "";
    canvas.text(inputX, y, value === "" ? field.placeholder : value, {
      role: value === "" ? "placeholder" : "input",
      width: inputWidth,
      fill: true,
    });
    if (field.unit !== "") canvas.text(inputX + inputWidth + 1, y, field.unit, { role: "dim" });
    canvas.onMouse(
      { x, y, width: inputX + inputWidth - x, height: 1 },
      { click: () => edit(field.name) },
    );
  }
}

/** A button over the whole of `canvas`. */
export function drawButton(
  canvas: Canvas,
  { text, isFocused, press }: { readonly text: string; readonly isFocused: boolean; press(): void },
): void {
  const { width } = canvas;
  canvas.text(0, 0, `[ ${text} ]`, {
    role: isFocused ? "selected" : "button",
    width,
    align: "right",
  });
  canvas.onMouse({ x: 0, y: 0, width, height: 1 }, { click: press });
}

/** Marks before notices, so that they are told apart without colours. */
const NOTICE_MARKS: Readonly<Record<NoticeRole, string>> = {
  text: "·",
  good: "✓",
  warn: "!",
  bad: "✗",
};

/** The lines that notices take on a screen of some width, marks included. */
export function noticeLines(
  notices: readonly Notice[],
  width: number,
): readonly { readonly role: NoticeRole; readonly text: string }[] {
  return notices.flatMap(({ role, lines }) =>
    lines
      .flatMap((line) => wrapText(line, Math.max(1, width - 3)))
      .map((text, index) => ({ role, text: `${index === 0 ? NOTICE_MARKS[role] : " "} ${text}` })),
  );
}

/** The notices, the newest last; if there is no room for all, the newest. */
export function drawNotices(canvas: Canvas, notices: readonly Notice[], dismiss: () => void): void {
  const lines = noticeLines(notices, canvas.width);
  for (const [y, { role, text }] of lines.slice(-canvas.height || lines.length).entries()) {
    canvas.text(0, y, ` ${text}`, { role: role === "text" ? "accent" : role });
  }
  canvas.onMouse({ x: 0, y: 0, width: canvas.width, height: canvas.height }, { click: dismiss });
}

/** As many keys as there is room for. */
export function drawHints(canvas: Canvas, bindings: readonly Binding[]): void {
  let x = 1;
  for (const { label, summary } of bindings) {
    const width = textWidth(label) + 1 + textWidth(summary);
    if (x + width > canvas.width) break;
    canvas.text(x, 0, label, { role: "accent" });
    canvas.text(x + textWidth(label) + 1, 0, summary, { role: "dim" });
    x += width + 2;
  }
}

/** Lines of text in the middle of nowhere: what an empty view says. */
export function drawParagraphs(
  canvas: Canvas,
  lines: readonly (readonly [role: Role, text: string])[],
): void {
  let y = 1;
  for (const [role, text] of lines) {
    for (const line of wrapText(text, Math.max(1, canvas.width - 4))) {
      canvas.text(2, y, line, { role });
      y += 1;
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
