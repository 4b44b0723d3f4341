import type { Binding } from "../model/binding.ts";
import type { Tool } from "../panels/panel.ts";
import type { Summary } from "../panels/summary.ts";
import type { HelpGroup } from "../screen/help.ts";
import {
  type Actions,
  FROZEN_HINTS,
  formBindings,
  globalBindings,
  helpBindings,
  helpGroupsOf,
  hintsOf,
} from "./bindings.ts";
import { type Focus, focusBeside, PANEL } from "./focus.ts";
import type { Workspace } from "./workspace.ts";

/** What a keyboard is made with. */
export interface KeyboardOptions {
  readonly workspace: Workspace;
  readonly summary: Summary;
  readonly tools: readonly Tool[];
  readonly actions: Actions;
}

/** Who has the keyboard, and what the keys do there. */
export class Keyboard {
  /** Rows the help is scrolled down by; undefined while it is not shown. */
  helpTop: number | undefined;
  readonly #options: KeyboardOptions;
  readonly #globals: readonly Binding[];
  readonly #helpKeys: readonly Binding[];
  #focus: Focus = PANEL;

  constructor(options: KeyboardOptions) {
    const { actions, tools } = options;
    this.#options = options;
    this.#globals = globalBindings(actions, tools);
    this.#helpKeys = helpBindings(actions);
  }

  get focus(): Focus {
    return this.#focus;
  }

  /** What a key does at the moment; undefined for nothing. */
  bindingOf(key: string): Binding | undefined {
    return this.#bindings().find(({ keys }) => keys.includes(key));
  }

  /** Whether what is typed, and does nothing else, belongs to an input. */
  get isTyping(): boolean {
    return this.#focus.on === "field" && this.helpTop === undefined;
  }

  /** @param name a field of the form; undefined: the first one. */
  focusField(name?: string): void {
    const [first] = this.#fields;
    const wanted = name ?? first?.name;
    this.#focus = wanted === undefined ? PANEL : { on: "field", name: wanted };
  }

  focusPanel(): void {
    this.#focus = PANEL;
  }

  moveFocus(step: 1 | -1): void {
    if (this.#fields.length > 0) this.#focus = focusBeside(this.#focus, this.#fields, step);
  }

  /** What the last row names. `isSide` tells whether the navigation is a column. */
  hints({
    isSide,
    isFrozen,
  }: {
    readonly isSide: boolean;
    readonly isFrozen: boolean;
  }): readonly Binding[] {
    if (isFrozen) return FROZEN_HINTS;
    const isReading = this.#focus.on === "panel" && this.helpTop === undefined;
    if (!isReading) return this.#bindings();
    return hintsOf(this.#panelBindings(), this.#globals, {
      view: this.#options.workspace.view,
      isSide,
    });
  }

  /** What the help names. */
  helpGroups(): readonly HelpGroup[] {
    const title = this.#options.workspace.deck?.tool.title ?? "Summary";
    return helpGroupsOf(this.#panelBindings(), this.#globals, title);
  }

  get #fields(): Tool["fields"] {
    return this.#options.workspace.deck?.tool.fields ?? [];
  }

  /**
   * The keys that work at the moment; those of what is looked at come before those that work
   * everywhere.
   */
  #bindings(): readonly Binding[] {
    if (this.helpTop !== undefined) return this.#helpKeys;
    if (this.#focus.on === "panel") return [...this.#panelBindings(), ...this.#globals];
    const { actions, workspace } = this.#options;
    const isOnButton = this.#focus.on === "button";
    return formBindings(actions, {
      globals: this.#globals,
      isOnButton,
      isRunning: workspace.isRunning,
    });
  }

  #panelBindings(): readonly Binding[] {
    const { workspace, summary } = this.#options;
    const { view, tab } = workspace;
    return view === "summary" ? summary.bindings : (tab?.panel?.bindings ?? []);
  }
}
