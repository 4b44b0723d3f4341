import type { Canvas, Rect } from "../draw/canvas.ts";
import type { Permission } from "../model/permission.ts";
import type { Summary } from "../panels/summary.ts";
import {
  drawButton,
  drawForm,
  drawHints,
  drawNavigation,
  drawNavigationRow,
  drawNotices,
  drawParagraphs,
  drawTabs,
  noticeLines,
} from "../screen/chrome.ts";
import { drawHelp } from "../screen/help.ts";
import type { InputPlace } from "../screen/inputs.ts";
import {
  type FormLayout,
  type Layout,
  layoutForm,
  layoutScreen,
  type Size,
} from "../screen/layout.ts";
import type { Notice, Notices } from "../screen/notices.ts";
import type { Actions } from "./bindings.ts";
import { navigationEntries, tabEntries } from "./entries.ts";
import type { Keyboard } from "./keyboard.ts";
import type { Workspace } from "./workspace.ts";

/** What is drawn. */
export interface DrawingOptions {
  /** The screen in cells. */
  size(): Size;
  readonly workspace: Workspace;
  readonly keyboard: Keyboard;
  readonly notices: Notices;
  readonly summary: Summary;
  readonly actions: Actions;
  isFrozen(): boolean;
  /** Runs what a click asks for. */
  act(action: () => void): void;
}

/** Where everything is on the screen. */
interface Places {
  readonly layout: Layout;
  readonly form: FormLayout;
  /** Whether all of the form is shown, and not just a line about it. */
  readonly isFormOpen: boolean;
}

/** Draws the program: what is around a panel, the panel, and the help over both. */
export class Drawing {
  /** Whether probes may be sent; undefined while that is not known. */
  permission: Permission | undefined;
  readonly #options: DrawingOptions;
  /** What the frame leaves to the panel. */
  #body: Rect = { x: 0, y: 0, width: 0, height: 0 };

  constructor(options: DrawingOptions) {
    this.#options = options;
  }

  /** Where the text input belongs; undefined if nothing is typed into. */
  inputPlace(): InputPlace | undefined {
    const { keyboard, workspace } = this.#options;
    const { focus, isTyping } = keyboard;
    const { layout, form, isFormOpen } = this.#places();
    const place = form.fields.find(
      ({ field }) => focus.on === "field" && field.name === focus.name,
    );
    if (!isFormOpen || !isTyping || place === undefined) return undefined;
    const value = workspace.tab?.values[place.field.name] ?? "";
    return { place, left: layout.form.x + 1, top: layout.form.y, value };
  }

  /** What no result changes: navigation, tabs, form, messages and hints. */
  drawFrame(canvas: Canvas): void {
    const { workspace, keyboard, notices, actions, isFrozen, act } = this.#options;
    const { layout, form, isFormOpen } = this.#places();
    this.#body = inset(layout.body);
    const entries = navigationEntries(workspace, (view) => act(() => actions.show(view)));
    if (layout.isSide) {
      // With the cell between the navigation and the rest, for its border.
      const { x, y, width, height } = layout.navigation;
      const foot = keyboard.focus.on === "field" ? ["F10 help", "^C quit"] : ["? help", "q quit"];
      drawNavigation(canvas.part({ x, y, width: width + 1, height }), entries, foot);
    } else {
      drawNavigationRow(canvas.part(layout.navigation), entries);
    }
    const { deck, tab } = workspace;
    if (deck !== undefined && tab !== undefined) {
      const tabs = tabEntries(workspace, (index) => act(() => actions.showTab(index)));
      drawTabs(canvas.part(layout.tabs), tabs, () => act(() => actions.addTab()));
      drawButton(canvas.part(layout.button), {
        text: workspace.isRunning ? "Stop" : "Start",
        isFocused: keyboard.focus.on === "button",
        press: () => act(() => actions.toggle()),
      });
      drawForm(canvas.part(inset(layout.form)), {
        layout: form,
        values: tab.values,
        problems: workspace.problems(),
        isOpen: isFormOpen,
        edit: (name) => act(() => actions.focusForm(name)),
      });
    }
    const dismiss = () => act(() => actions.dismissNotices());
    drawNotices(canvas.part(layout.notices), this.#shownNotices(notices), dismiss);
    const { isSide } = layout;
    drawHints(canvas.part(layout.hints), keyboard.hints({ isSide, isFrozen: isFrozen() }));
  }

  /**
   * The panel, or what is there in its place, where the frame that was drawn last leaves room, and
   * the help.
   */
  drawContent(canvas: Canvas): void {
    const { keyboard, actions, act } = this.#options;
    this.#drawBody(canvas.part(this.#body));
    if (keyboard.helpTop === undefined) return;
    const furthest = drawHelp(canvas, keyboard.helpGroups(), keyboard.helpTop);
    keyboard.helpTop = Math.min(keyboard.helpTop, furthest);
    const { width, height } = canvas;
    canvas.onMouse(
      { x: 0, y: 0, width, height },
      {
        click: () => act(() => actions.closeHelp()),
        scroll: (rows) => act(() => actions.scrollHelp(rows)),
      },
    );
  }

  /** Whether there is nothing to show but what there could be. */
  get #isIdle(): boolean {
    const { view, tab, sessions } = this.#options.workspace;
    return view === "summary" ? sessions.length === 0 : tab?.panel === undefined;
  }

  /** The failure that the body tells in full. */
  #bodyFailure(): string | undefined {
    if (this.#isIdle)
      return this.permission?.state === "denied" ? this.permission.message : undefined;
    return this.#options.workspace.tab?.panel?.session.failure ?? undefined;
  }

  #drawBody(canvas: Canvas): void {
    const { workspace, summary } = this.#options;
    const { view, deck, tab } = workspace;
    if (this.#isIdle && this.permission?.state === "denied") {
      const [first = "", ...rest] = this.permission.message.split("\n");
      drawParagraphs(canvas, [["bad", first], ...rest.map((line) => ["text", line] as const)]);
    } else if (view === "summary") {
      summary.draw(canvas);
    } else if (tab?.panel !== undefined) {
      tab.panel.draw(canvas);
    } else {
      const [first = "", ...rest] = deck?.tool.introduction ?? [];
      drawParagraphs(canvas, [["title", first], ...rest.map((line) => ["dim", line] as const)]);
    }
  }

  /** The messages, and what is wrong with the text that is being typed. */
  #shownNotices(notices: Notices): readonly Notice[] {
    const { keyboard, workspace } = this.#options;
    // Nor the lines that stand above: of a failure, its remedy.
    const above = this.#bodyFailure()?.split("\n").slice(1).join("\n");
    const shown = notices.shown.map(({ role, lines }): Notice => {
      return { role, lines: lines.slice(1).join("\n") === above ? lines.slice(0, 1) : lines };
    });
    if (keyboard.focus.on !== "field") return shown;
    const { name } = keyboard.focus;
    // An empty form is no mistake.
    const isEmpty = workspace.tab?.values[name] === "" && workspace.tab.panel === undefined;
    const problem = isEmpty ? undefined : workspace.problems().get(name);
    // Not twice: a wrong start has said so.
    if (problem === undefined || shown.some(({ lines }) => lines[0] === problem)) return shown;
    return [...shown, { role: "bad", lines: [problem] }];
  }

  #places(): Places {
    const { size, keyboard, workspace, notices } = this.#options;
    const { width, height } = size();
    const needs = {
      width,
      height,
      noticeRows: noticeLines(this.#shownNotices(notices), width).length,
    };
    const fields = workspace.deck?.tool.fields ?? [];
    const isFormNeeded = keyboard.focus.on !== "panel" || workspace.tab?.panel === undefined;
    const sizeOf = (formRows: number): Layout => layoutScreen({ ...needs, formRows, isFormNeeded });
    // The width of the form does not depend on its rows.
    const form = layoutForm(fields, Math.max(1, sizeOf(1).form.width - 2));
    const layout = sizeOf(form.rows);
    const isFormOpen =
      layout.form.height >= form.rows && form.rows > 0 && (form.rows > 1 || height > 1);
    return { layout, form, isFormOpen };
  }
}

/** A rectangle without its first and last column. */
function inset({ x, y, width, height }: Rect): Rect {
  return { x: x + 1, y, width: Math.max(0, width - 2), height };
}
