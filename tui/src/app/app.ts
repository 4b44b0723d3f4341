import type { KeyEvent } from "@opentui/core";
import type { Client } from "icmpx";
import type { Canvas, Rect } from "../draw/canvas.ts";
import { type Theme, themeAfter } from "../draw/theme.ts";
import type { Permission } from "../model/permission.ts";
import type { Binding, Services, Tool } from "../panels/panel.ts";
import { Summary } from "../panels/summary.ts";
import {
  type Actions,
  FREEZE_KEY,
  FROZEN_HINTS,
  formBindings,
  globalBindings,
  helpBindings,
  helpGroupsOf,
  hintsOf,
} from "./bindings.ts";
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
} from "./chrome.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { DownSessions } from "./down-sessions.ts";
import { navigationEntries, tabEntries } from "./entries.ts";
import { type Focus, focusBeside, PANEL } from "./focus.ts";
import { drawHelp, type HelpGroup } from "./help.ts";
import type { InputPlace } from "./inputs.ts";
import { keyName } from "./keys.ts";
import { type FormLayout, type Layout, layoutForm, layoutScreen, type Size } from "./layout.ts";
import { type Notice, type NoticeRole, Notices } from "./notices.ts";
import { type ReportOutlets, Reports } from "./reports.ts";
import type { SettingsStore } from "./settings.ts";
import { type ViewName, Workspace } from "./workspace.ts";

/** What the program is made of. */
export interface AppOptions extends ReportOutlets {
  /** The size of the terminal before there is a renderer. */
  readonly size: Size;
  /** The client that all sessions probe with. Not asked for before the first frame: the library takes a while to load. */
  client(): Promise<Client>;
  readonly tools: readonly Tool[];
  readonly settings: SettingsStore;
  readonly theme: Theme;
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `callback` once, `ms` milliseconds from now; returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** What to begin with, instead of the view of the last time. */
  readonly initial?: InitialView;
  /** The user wants to leave. */
  onQuit(): void;
  /** Something failed that never should: the renderer would only log it. */
  onError(error: unknown): void;
}

/** A view to begin with. */
export interface InitialView {
  readonly view: ViewName;
  /** Text of the first field; the session is begun at once. */
  readonly target?: string;
}

/** Milliseconds in which the first frame gets from its drawing to the terminal. */
const FIRST_FRAME_MS = 20;
/**
 * Milliseconds between two drawings for the sake of measurements; keys and the mouse are answered at once. Half of them cost two
 * per cent of a core more (four sessions, each ten times a second), and nobody reads faster.
 */
const DRAW_INTERVAL_MS = 200;

/** The program: puts sessions, keys and the screen together. It can be drawn before there is a renderer. */
export class App {
  readonly #options: AppOptions;
  readonly #workspace: Workspace;
  readonly #notices: Notices;
  readonly #reports: Reports;
  readonly #summary: Summary;
  readonly #downSessions = new DownSessions();
  readonly #boundActions: Actions;
  readonly #globals: readonly Binding[];
  readonly #helpKeys: readonly Binding[];
  #display: Display | undefined;
  #theme: Theme;
  #focus: Focus = PANEL;
  /** Rows the help is scrolled down by; undefined while it is not shown. */
  #helpTop: number | undefined;
  #permission: Permission | undefined;
  #cancelDraw: (() => void) | undefined;
  #cancelPermission: (() => void) | undefined;
  #drawnAtMs = 0;
  /** Whether the screen stands still until the next key. */
  #isFrozen = false;
  #isClosed = false;

  constructor(options: AppOptions) {
    const { client, initial, tools, settings, now, after } = options;
    this.#options = options;
    this.#theme = options.theme;
    this.#notices = new Notices({ after, onChange: () => this.#drawNow() });
    this.#reports = new Reports(options, this.#notices);
    const services = this.#services();
    this.#workspace = new Workspace({
      client,
      tools,
      services,
      now,
      initialValues: Object.fromEntries(tools.map(({ kind }) => [kind, settings.formValues(kind)])),
      onChange: () => this.#drawSoon(),
      onValues: (kind, values) => settings.setFormValues(kind, values),
      onRefused: (tab) => {
        if (tab === this.#workspace.tab && this.#focus.on === "panel") this.#focusField(undefined);
      },
    });
    this.#summary = new Summary({
      sessions: () => this.#workspace.sessions,
      open: (session) => this.#act(() => this.#workspace.open(session)),
      services,
    });
    this.#boundActions = this.#actions();
    this.#globals = globalBindings(this.#boundActions, tools);
    this.#helpKeys = helpBindings(this.#boundActions);
    const known: readonly ViewName[] = ["summary", ...tools.map(({ kind }) => kind)];
    const view = initial?.view ?? known.find((name) => name === settings.view) ?? "ping";
    this.#show(view);
    if (settings.problem !== null) this.#notices.add("warn", settings.problem);
    const [target] = this.#workspace.deck?.tool.fields ?? [];
    if (initial?.target !== undefined && target !== undefined) {
      this.#workspace.setValue(target.name, initial.target);
    }
  }

  /** Shows itself on a display, takes the keyboard, and begins with the target that it was given. */
  start(open: (options: DisplayOptions) => Display): void {
    const { after, initial, onError } = this.#options;
    this.#display = open({
      theme: this.#theme,
      draw: (canvas) => {
        // Loading the library and opening sockets take their time, which the first frame need not wait for.
        this.#cancelPermission ??= after(FIRST_FRAME_MS, () => void this.#findPermission());
        this.draw(canvas);
      },
      onUse: () => this.#thaw(),
      onError,
      onInput: (name, text) => this.#act(() => this.#workspace.setValue(name, text)),
      onKey: this.#onKey,
      onResize: this.#onResize,
    });
    if (initial?.target !== undefined) this.#begin();
    this.#drawNow();
  }

  /** Shows a message at the bottom, which must be safe to print. */
  notify(role: NoticeRole, message: string): void {
    this.#notices.add(role, message);
  }

  /** Stops everything, and lets go of the renderer, which may be gone already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelDraw?.();
    this.#cancelPermission?.();
    this.#workspace.close();
    this.#display?.close();
    this.#notices.clear();
    this.#options.settings.close();
  }

  async #findPermission(): Promise<void> {
    try {
      const client = await this.#options.client();
      const { findPermission } = await import("../model/permission.ts");
      this.#permission = await findPermission(client);
      this.#drawNow();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** What all sessions found, as text to paste. Safe to print; empty without sessions. */
  report(): string {
    return this.#workspace.sessions.map((session) => session.report()).join("\n\n");
  }

  // The keyboard.

  readonly #onKey = (event: KeyEvent): void => {
    try {
      if (this.#press(keyName(event))) event.preventDefault();
    } catch (error) {
      this.#options.onError(error);
    }
  };

  readonly #onResize = (): void => {
    this.#isFrozen = false;
    this.#drawNow();
  };

  /** Does what a key stands for. Returns false if it belongs to the input that has the keyboard. */
  #press(key: string): boolean {
    // The terminal's own business, whoever has the keyboard.
    if (key === "ctrl-c" || key === "ctrl-z") return true;
    if (this.#thaw() && key === FREEZE_KEY) return true;
    const binding = this.#bindings().find(({ keys }) => keys.includes(key));
    if (binding !== undefined) this.#act(() => binding.run());
    return binding !== undefined || this.#focus.on !== "field" || this.#helpTop !== undefined;
  }

  /** The keys that work at the moment; those of what is looked at come before those that work everywhere. */
  #bindings(): readonly Binding[] {
    if (this.#helpTop !== undefined) return this.#helpKeys;
    if (this.#focus.on === "panel") return [...this.#panelBindings(), ...this.#globals];
    const isOnButton = this.#focus.on === "button";
    const { isRunning } = this.#workspace;
    return formBindings(this.#boundActions, { globals: this.#globals, isOnButton, isRunning });
  }

  #panelBindings(): readonly Binding[] {
    const { view, tab } = this.#workspace;
    return view === "summary" ? this.#summary.bindings : (tab?.panel?.bindings ?? []);
  }

  #actions(): Actions {
    const workspace = this.#workspace;
    return {
      show: (view) => this.#show(view),
      toggle: () => this.#toggle(),
      begin: () => this.#begin(),
      addTab: () => this.#addTab(),
      closeTab: () => workspace.closeTab(),
      moveTab: (step) => workspace.showTab((workspace.deck?.active ?? 0) + step),
      focusForm: () => this.#focusField(undefined),
      focusPanel: () => this.#noteFocus(PANEL),
      moveFocus: (step) => this.#moveFocus(step),
      saveReport: () => void this.#reports.save(this.#workspace.tab?.panel?.session),
      nextTheme: () => this.#nextTheme(),
      freeze: () => {
        this.#drawNow();
        this.#isFrozen = true;
      },
      openHelp: () => {
        this.#helpTop = 0;
      },
      closeHelp: () => {
        this.#helpTop = undefined;
      },
      scrollHelp: (rows) => {
        this.#helpTop = Math.max(0, (this.#helpTop ?? 0) + rows);
      },
      dismissNotices: () => void this.#notices.clear(),
      quit: () => this.#options.onQuit(),
    };
  }

  // What keys and the mouse do.

  #show(view: ViewName): void {
    this.#workspace.show(view);
    this.#options.settings.view = view;
    // An empty form is there to be filled in.
    const { tab } = this.#workspace;
    if (tab !== undefined && tab.panel === undefined && !tab.isBeginning) this.#focusField(undefined);
    else this.#noteFocus(PANEL);
  }

  #toggle(): void {
    if (this.#workspace.isRunning) this.#workspace.stop();
    else this.#begin();
  }

  #addTab(): void {
    this.#workspace.addTab();
    this.#focusField(undefined);
  }

  #begin(): void {
    const wrongField = this.#workspace.start();
    if (wrongField === undefined) this.#noteFocus(PANEL);
    else this.#focusField(wrongField);
  }

  /** @param name undefined: the first one. */
  #focusField(name: string | undefined): void {
    const [first] = this.#workspace.deck?.tool.fields ?? [];
    const wanted = name ?? first?.name;
    this.#noteFocus(wanted === undefined ? PANEL : { on: "field", name: wanted });
  }

  #moveFocus(step: 1 | -1): void {
    const fields = this.#workspace.deck?.tool.fields ?? [];
    if (fields.length === 0) return;
    this.#noteFocus(focusBeside(this.#focus, fields, step));
  }

  #noteFocus(focus: Focus): void {
    this.#focus = focus;
    this.#drawNow();
  }

  #nextTheme(): void {
    const next = themeAfter(this.#theme);
    this.#theme = next;
    if (this.#display !== undefined) this.#display.theme = next;
    this.#options.settings.theme = next.name;
    this.#notices.add("text", `Theme: ${next.label}`);
  }

  #services(): Services {
    const { settings } = this.#options;
    return {
      notify: (role, message) => this.#notices.add(role, message),
      copy: (text, what) => void this.#reports.copy(text, what),
      redraw: () => this.#drawSoon(),
      readPreference: (name) => settings.readPreference(name),
      writePreference: (name, value) => settings.writePreference(name, value),
    };
  }

  // Drawing.

  /** Runs what a key or the mouse asks for, and shows what came of it at once. */
  #act(action: () => void): void {
    action();
    this.#drawNow();
  }

  /** Lets the screen go on. Returns whether it stood still. */
  #thaw(): boolean {
    if (!this.#isFrozen) return false;
    this.#isFrozen = false;
    this.#drawNow();
    return true;
  }

  #drawSoon(): void {
    if (this.#display === undefined || this.#cancelDraw !== undefined) return;
    if (this.#isClosed || this.#isFrozen) return;
    const { now, after } = this.#options;
    const wait = Math.min(DRAW_INTERVAL_MS, Math.max(0, this.#drawnAtMs + DRAW_INTERVAL_MS - now()));
    this.#cancelDraw = after(wait, () => this.#drawNow());
  }

  #drawNow(): void {
    if (this.#display === undefined || this.#isClosed || this.#isFrozen) return;
    this.#cancelDraw?.();
    this.#cancelDraw = undefined;
    this.#drawnAtMs = this.#options.now();
    this.#display.show(this.#inputPlace());
  }

  /** Where one types. */
  #inputPlace(): InputPlace | undefined {
    const focus = this.#focus;
    const { layout, form } = this.#layout();
    const isOpen = this.#isFormOpen(layout, form) && this.#helpTop === undefined;
    const place = form.fields.find(({ field }) => focus.on === "field" && field.name === focus.name);
    if (!isOpen || place === undefined) return undefined;
    const value = this.#workspace.tab?.values[place.field.name] ?? "";
    return { place, left: layout.form.x + 1, top: layout.form.y, value };
  }

  /** The messages, and what is wrong with the text that is being typed. */
  #shownNotices(): readonly Notice[] {
    const { shown } = this.#notices;
    if (this.#focus.on !== "field") return shown;
    const { name } = this.#focus;
    // An empty form is no mistake.
    const isEmpty = this.#workspace.tab?.values[name] === "" && this.#workspace.tab.panel === undefined;
    const problem = isEmpty ? undefined : this.#workspace.problems().get(name);
    // Not twice: a wrong start has said so.
    if (problem === undefined || shown.some(({ lines }) => lines[0] === problem)) return shown;
    return [...shown, { role: "bad", lines: [problem] }];
  }

  get #size(): Size {
    return this.#display ?? this.#options.size;
  }

  #layout(): { readonly layout: Layout; readonly form: FormLayout } {
    const { width, height } = this.#size;
    const needs = { width, height, noticeRows: noticeLines(this.#shownNotices(), width).length };
    const fields = this.#workspace.deck?.tool.fields ?? [];
    const isFormNeeded = this.#focus.on !== "panel" || this.#workspace.tab?.panel === undefined;
    const sizeOf = (formRows: number): Layout => layoutScreen({ ...needs, formRows, isFormNeeded });
    // The width of the form does not depend on its rows.
    const form = layoutForm(fields, Math.max(1, sizeOf(1).form.width - 2));
    return { layout: sizeOf(form.rows), form };
  }

  /** Whether all of the form is shown, and not just a line about it. */
  #isFormOpen({ form }: Layout, { rows }: FormLayout): boolean {
    return form.height >= rows && rows > 0 && (rows > 1 || this.#size.height > 1);
  }

  /** Draws everything but the text input, which lies over one of the fields. */
  draw(canvas: Canvas): void {
    const { layout, form } = this.#layout();
    this.#downSessions.refresh(this.#workspace.sessions, this.#options.now());
    const entries = navigationEntries(this.#workspace, this.#downSessions, (view) =>
      this.#act(() => this.#show(view)),
    );
    const navigation = canvas.part(layout.navigation);
    if (layout.isSide) {
      // With the cell between the navigation and the rest, for its border.
      const { x, y, width, height } = layout.navigation;
      const isTyping = this.#focus.on === "field";
      drawNavigation(
        canvas.part({ x, y, width: width + 1, height }),
        entries,
        isTyping ? ["F10 help", "^C quit"] : ["? help", "q quit"],
      );
    } else {
      drawNavigationRow(navigation, entries);
    }
    const { deck, tab } = this.#workspace;
    if (deck !== undefined && tab !== undefined) {
      const tabs = tabEntries(this.#workspace, this.#downSessions, (index) =>
        this.#act(() => {
          this.#workspace.showTab(index);
          this.#noteFocus(PANEL);
        }),
      );
      drawTabs(canvas.part(layout.tabs), tabs, () => this.#act(() => this.#addTab()));
      drawButton(canvas.part(layout.button), {
        text: this.#workspace.isRunning ? "Stop" : "Start",
        isFocused: this.#focus.on === "button",
        press: () => this.#act(() => this.#toggle()),
      });
      drawForm(canvas.part(inset(layout.form)), {
        layout: form,
        values: tab.values,
        problems: this.#workspace.problems(),
        isOpen: this.#isFormOpen(layout, form),
        edit: (name) => this.#act(() => this.#focusField(name)),
      });
    }
    this.#drawBody(canvas.part(inset(layout.body)));
    drawNotices(canvas.part(layout.notices), this.#shownNotices(), () =>
      this.#act(() => void this.#notices.clear()),
    );
    drawHints(canvas.part(layout.hints), this.#hints(layout.isSide));
    if (this.#helpTop !== undefined) {
      const furthest = drawHelp(canvas, this.#helpGroups(), this.#helpTop);
      this.#helpTop = Math.min(this.#helpTop, furthest);
      const { width, height } = canvas;
      canvas.onMouse(
        { x: 0, y: 0, width, height },
        {
          click: () => this.#act(() => this.#boundActions.closeHelp()),
          scroll: (rows) => this.#act(() => this.#boundActions.scrollHelp(rows)),
        },
      );
    }
  }

  #drawBody(canvas: Canvas): void {
    const { view, deck, tab } = this.#workspace;
    const isIdle = view === "summary" ? this.#workspace.sessions.length === 0 : tab?.panel === undefined;
    if (isIdle && this.#permission?.state === "denied") {
      const [first = "", ...rest] = this.#permission.message.split("\n");
      drawParagraphs(canvas, [["bad", first], ...rest.map((line) => ["text", line] as const)]);
    } else if (view === "summary") {
      this.#summary.draw(canvas);
    } else if (tab?.panel !== undefined) {
      tab.panel.draw(canvas);
    } else {
      const [first = "", ...rest] = deck?.tool.introduction ?? [];
      drawParagraphs(canvas, [["title", first], ...rest.map((line) => ["dim", line] as const)]);
    }
  }

  #hints(isSide: boolean): readonly Binding[] {
    if (this.#isFrozen) return FROZEN_HINTS;
    const isReading = this.#focus.on === "panel" && this.#helpTop === undefined;
    if (!isReading) return this.#bindings();
    return hintsOf(this.#panelBindings(), this.#globals, { view: this.#workspace.view, isSide });
  }

  #helpGroups(): readonly HelpGroup[] {
    const title = this.#workspace.deck?.tool.title ?? "Summary";
    return helpGroupsOf(this.#panelBindings(), this.#globals, title);
  }
}

/** A rectangle without its first and last column. */
function inset({ x, y, width, height }: Rect): Rect {
  return { x: x + 1, y, width: Math.max(0, width - 2), height };
}
