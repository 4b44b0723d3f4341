import type { KeyEvent } from "@opentui/core";
import type { Client } from "icmpx";
import type { Canvas } from "../draw/canvas.ts";
import { type Theme, themeAfter } from "../draw/theme.ts";
import type { Services, Tool } from "../panels/panel.ts";
import { Summary } from "../panels/summary.ts";
import type { Display, DisplayOptions } from "../screen/display.ts";
import type { Size } from "../screen/layout.ts";
import { type NoticeRole, Notices } from "../screen/notices.ts";
import { type Actions, FREEZE_KEY } from "./bindings.ts";
import { Drawing } from "./drawing.ts";
import { Pace } from "./frame-rate.ts";
import { Keyboard } from "./keyboard.ts";
import { keyName } from "./keys.ts";
import { type ReportOutlets, Reports } from "./reports.ts";
import type { SettingsStore } from "./settings.ts";
import { type ViewName, Workspace } from "./workspace.ts";

/** What the program is made of. */
export interface AppOptions extends ReportOutlets {
  /** The size of the terminal before there is a renderer. */
  readonly size: Size;
  /**
   * The client that all sessions probe with. Not asked for before the first frame: the library
   * takes a while to load.
   */
  client(): Promise<Client>;
  readonly tools: readonly Tool[];
  readonly settings: SettingsStore;
  readonly theme: Theme;
  /** Those to choose from. */
  readonly themes: readonly Theme[];
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
 * The program: puts sessions, keys and the screen together. It can be drawn before there is a
 * renderer.
 */
export class App {
  readonly #options: AppOptions;
  readonly #workspace: Workspace;
  readonly #notices: Notices;
  readonly #reports: Reports;
  readonly #pace: Pace;
  readonly #keyboard: Keyboard;
  readonly #drawing: Drawing;
  #display: Display | undefined;
  #theme: Theme;
  #cancelPermission: (() => void) | undefined;
  /** Whether more has changed than results since the screen was drawn. */
  #isOutdated = true;
  #isClosed = false;

  constructor(options: AppOptions) {
    const { size, client, initial, tools, settings, now, after } = options;
    this.#options = options;
    this.#theme = options.theme;
    this.#pace = new Pace({ now, after, draw: () => this.#draw() });
    this.#notices = new Notices({ after, onChange: () => this.#redraw() });
    this.#reports = new Reports(options, this.#notices);
    const services = this.#services();
    this.#workspace = new Workspace({
      client,
      tools,
      services,
      now,
      initialValues: Object.fromEntries(tools.map(({ kind }) => [kind, settings.formValues(kind)])),
      onChange: () => this.#redrawSoon(),
      onResults: (tab) => {
        const { view, tab: shown } = this.#workspace;
        if (view === "summary" || tab === shown) this.#pace.drawSoon();
      },
      onValues: (kind, values) => settings.setFormValues(kind, values),
      refuse: (tab, message) => {
        // The form wants another text.
        if (tab === this.#workspace.tab && this.#keyboard.focus.on === "panel") this.#focusField();
        return this.#notices.add("bad", message);
      },
    });
    const summary = new Summary({
      sessions: () => this.#workspace.sessions,
      open: (session) => this.#act(() => this.#workspace.open(session)),
      services,
    });
    const actions = this.#actions();
    this.#keyboard = new Keyboard({ workspace: this.#workspace, summary, tools, actions });
    this.#drawing = new Drawing({
      size: () => this.#display ?? size,
      workspace: this.#workspace,
      keyboard: this.#keyboard,
      notices: this.#notices,
      summary,
      actions,
      isFrozen: () => this.#pace.isFrozen,
      act: (action) => this.#act(action),
    });
    const known: readonly ViewName[] = ["summary", ...tools.map(({ kind }) => kind)];
    const view = initial?.view ?? known.find((name) => name === settings.view) ?? "ping";
    this.#show(view);
    if (settings.problem !== null) this.#notices.add("warn", settings.problem);
    const [target] = this.#workspace.deck?.tool.fields ?? [];
    if (initial?.target !== undefined && target !== undefined) {
      this.#workspace.setValue(target.name, initial.target);
    }
  }

  /**
   * Shows itself on a display, takes the keyboard, and begins with the target that it was given.
   */
  start(open: (options: DisplayOptions) => Display): void {
    const { after, initial, onError } = this.#options;
    this.#display = open({
      theme: this.#theme,
      drawFrame: (canvas) => {
        // Loading the library and opening sockets take their time, which the first frame need not
        // wait for.
        this.#cancelPermission ??= after(FIRST_FRAME_MS, () => void this.#findPermission());
        this.#drawing.drawFrame(canvas);
      },
      drawContent: (canvas) => this.#drawing.drawContent(canvas),
      onUse: () => this.#thaw(),
      onError,
      onInput: (name, text) => this.#act(() => this.#workspace.setValue(name, text)),
      onRefused: (message) => this.#notices.add("bad", message),
      onKey: this.#onKey,
      onResize: this.#onResize,
    });
    if (initial?.target !== undefined) this.#begin();
    this.#redraw();
  }

  /** Draws everything but the text input, which lies over one of the fields. */
  draw(canvas: Canvas): void {
    this.#drawing.drawFrame(canvas);
    this.#drawing.drawContent(canvas);
  }

  /** Shows a message at the bottom, which must be safe to print. */
  notify(role: NoticeRole, message: string): void {
    this.#notices.add(role, message);
  }

  /** Stops everything, and lets go of the renderer, which may be gone already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pace.close();
    this.#cancelPermission?.();
    this.#workspace.close();
    this.#display?.close();
    this.#notices.clear();
    this.#options.settings.close();
  }

  /** What all sessions found, as text to paste. Safe to print; empty without sessions. */
  report(): string {
    return this.#workspace.sessions.map((session) => session.report()).join("\n\n");
  }

  async #findPermission(): Promise<void> {
    try {
      const client = await this.#options.client();
      const { findPermission } = await import("../model/permission.ts");
      this.#drawing.permission = await findPermission(client);
      this.#redraw();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  // What keys and the mouse do.

  readonly #onKey = (event: KeyEvent): void => {
    try {
      if (this.#press(keyName(event))) event.preventDefault();
    } catch (error) {
      this.#options.onError(error);
    }
  };

  readonly #onResize = (): void => {
    this.#pace.thaw();
    this.#redraw();
  };

  /** Does what a key stands for. Returns false if it belongs to the input that has the keyboard. */
  #press(key: string): boolean {
    // The terminal's own business, whatever has the keyboard.
    if (key === "ctrl-c" || key === "ctrl-z") return true;
    if (this.#thaw() && key === FREEZE_KEY) return true;
    const binding = this.#keyboard.bindingOf(key);
    if (binding !== undefined) this.#act(() => binding.run());
    return binding !== undefined || !this.#keyboard.isTyping;
  }

  #actions(): Actions {
    const focusPanel = (): void => {
      this.#keyboard.focusPanel();
      this.#redraw();
    };
    return {
      show: (view) => this.#show(view),
      toggle: () => {
        if (this.#workspace.isRunning) this.#workspace.stop();
        else this.#begin();
      },
      begin: () => this.#begin(),
      addTab: () => {
        this.#workspace.addTab();
        this.#focusField();
      },
      closeTab: () => this.#workspace.closeTab(),
      showTab: (index) => {
        this.#workspace.showTab(index);
        focusPanel();
      },
      moveTab: (step) => this.#workspace.showTab((this.#workspace.deck?.active ?? 0) + step),
      focusForm: (name) => this.#focusField(name),
      focusPanel,
      moveFocus: (step) => {
        this.#keyboard.moveFocus(step);
        this.#redraw();
      },
      saveReport: () => void this.#reports.save(this.#workspace.tab?.panel?.session),
      nextTheme: () => this.#nextTheme(),
      freeze: () => {
        this.#redraw();
        this.#pace.freeze();
      },
      openHelp: () => {
        this.#keyboard.helpTop = 0;
      },
      closeHelp: () => {
        this.#keyboard.helpTop = undefined;
      },
      scrollHelp: (rows) => {
        this.#keyboard.helpTop = Math.max(0, (this.#keyboard.helpTop ?? 0) + rows);
      },
      dismissNotices: () => void this.#notices.clear(),
      quit: () => this.#options.onQuit(),
    };
  }

  #show(view: ViewName): void {
    this.#workspace.show(view);
    this.#options.settings.view = view;
    // An empty form is there to be filled in.
    const { tab } = this.#workspace;
    if (tab !== undefined && tab.panel === undefined && !tab.isBeginning)
      this.#keyboard.focusField();
    else this.#keyboard.focusPanel();
    this.#redraw();
  }

  #begin(): void {
    const wrongField = this.#workspace.start();
    if (wrongField === undefined) this.#keyboard.focusPanel();
    else this.#keyboard.focusField(wrongField);
    this.#redraw();
  }

  /** @param name undefined: the first one. */
  #focusField(name?: string): void {
    this.#keyboard.focusField(name);
    this.#redraw();
  }

  #nextTheme(): void {
    const next = themeAfter(this.#theme, this.#options.themes);
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
      redraw: () => this.#redrawSoon(),
      readPreference: (name) => settings.readPreference(name),
      writePreference: (name, value) => settings.writePreference(name, value),
    };
  }

  // Drawing.

  /** Runs what a key or the mouse asks for, and shows what came of it at once. */
  #act(action: () => void): void {
    action();
    this.#redraw();
  }

  /** Lets the screen go on. Returns whether it stood still. */
  #thaw(): boolean {
    const wasFrozen = this.#pace.thaw();
    if (wasFrozen) this.#redraw();
    return wasFrozen;
  }

  /** More than results may have changed, and is shown at once. */
  #redraw(): void {
    this.#isOutdated = true;
    this.#pace.drawNow();
  }

  #redrawSoon(): void {
    this.#isOutdated = true;
    this.#pace.drawSoon();
  }

  #draw(): void {
    if (this.#isOutdated) this.#display?.showAnew(this.#drawing.inputPlace());
    else this.#display?.show();
    this.#isOutdated = false;
  }
}
