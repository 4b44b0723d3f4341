import type { Binding } from "../model/binding.ts";
import type { Tool } from "../panels/panel.ts";
import type { HelpGroup } from "../screen/help.ts";
import type { ViewName } from "./workspace.ts";

/** What keys and the mouse can ask for, whatever is looked at. */
export interface Actions {
  show(view: ViewName): void;
  /** Starts or stops the session of the tab. */
  toggle(): void;
  /** Begins a session with the form. */
  begin(): void;
  addTab(): void;
  closeTab(): void;
  showTab(index: number): void;
  moveTab(step: 1 | -1): void;
  /** Goes to an input; to the first one without a name. */
  focusForm(name?: string): void;
  focusPanel(): void;
  moveFocus(step: 1 | -1): void;
  saveReport(): void;
  nextTheme(): void;
  /** Leaves the screen as it is until the next key. */
  freeze(): void;
  openHelp(): void;
  closeHelp(): void;
  scrollHelp(rows: number): void;
  dismissNotices(): void;
  quit(): void;
}

/** Freezes the screen, and lets it go on. */
export const FREEZE_KEY = "f";
/** What the last row says meanwhile. */
export const FROZEN_HINTS: readonly Binding[] = [
  bind([], "Frozen", "measurements go on; any key shows them again", () => {}),
];
/** Rows that a page of help is scrolled by. */
const HELP_PAGE = 10;
const HELP = "help";
const FUNCTION_KEY = /^f\d+$/;
/** Keys that the last row names besides those of a panel, by their labels. */
const COMMON_HINTS = ["Space", "i", "t"];
/** Those that stand below the navigation where that is a column. */
const HELP_HINT = "?";
const QUIT_HINT = "q";
/** Keys with names that do something with what is shown, and do not just move in it. */
const ACTING_KEYS: readonly string[] = ["enter", "space", "escape"];

/** Keys that work everywhere but in inputs. */
export function globalBindings(actions: Actions, tools: readonly Tool[]): readonly Binding[] {
  const views: readonly ViewName[] = ["summary", ...tools.map(({ kind }) => kind)];
  return [
    bind(["space"], "Space", "start, stop", () => actions.toggle()),
    bind(["i", "e"], "i", "edit the form", () => actions.focusForm()),
    bind(["tab"], "Tab", "next input", () => actions.moveFocus(1)),
    bind(["shift-tab"], "S-Tab", "input before", () => actions.moveFocus(-1)),
    bind(["t", "+"], "t", "new tab", () => actions.addTab()),
    bind(["x"], "x", "close the tab", () => actions.closeTab()),
    bind(["]", "right"], "] →", "next tab", () => actions.moveTab(1)),
    bind(["[", "left"], "[ ←", "tab before", () => actions.moveTab(-1)),
    ...views.map((view, index) => {
      const number = index + 1;
      return bind([`${number}`, `f${number}`], `${number} F${number}`, view, () =>
        actions.show(view),
      );
    }),
    bind(["w"], "w", "save the report", () => actions.saveReport()),
    bind([FREEZE_KEY], FREEZE_KEY, "freeze the screen", () => actions.freeze()),
    bind(["T"], "T", "next theme", () => actions.nextTheme()),
    bind(["?", "f10"], "?", HELP, () => actions.openHelp()),
    bind(["escape"], "Esc", "dismiss messages", () => actions.dismissNotices()),
    bind(["q"], "q", "quit", () => actions.quit()),
  ];
}

/** Keys while the form has the keyboard; what else is typed belongs to the input. */
export function formBindings(
  actions: Actions,
  state: {
    readonly globals: readonly Binding[];
    readonly isOnButton: boolean;
    readonly isRunning: boolean;
  },
): readonly Binding[] {
  const { globals, isOnButton, isRunning } = state;
  const enter = isOnButton
    ? bind(["enter", "space"], "Enter", isRunning ? "stop" : "start", () => actions.toggle())
    : bind(["enter"], "Enter", isRunning ? "restart" : "start", () => actions.begin());
  const functionKeys = globals
    .map((binding) => ({ ...binding, keys: binding.keys.filter((key) => FUNCTION_KEY.test(key)) }))
    .filter(({ keys }) => keys.length > 0)
    .map((binding) => ({ ...binding, label: binding.keys.join(" ").toUpperCase() }));
  const isHelp = ({ summary }: Binding): boolean => summary === HELP;
  return [
    enter,
    bind(["escape"], "Esc", "leave the form", () => actions.focusPanel()),
    ...functionKeys.filter(isHelp),
    bind(["tab", "down"], "Tab", "next input", () => actions.moveFocus(1)),
    bind(["shift-tab", "up"], "S-Tab", "input before", () => actions.moveFocus(-1)),
    ...functionKeys.filter((binding) => !isHelp(binding)),
  ];
}

/** Keys while help is shown: no others work. */
export function helpBindings(actions: Actions): readonly Binding[] {
  const scroll = (rows: number) => () => actions.scrollHelp(rows);
  return [
    bind(["?", "escape", "q", "enter", "f10"], "Esc", "close the help", () => actions.closeHelp()),
    bind(["down", "j"], "↓ j", "down", scroll(1)),
    bind(["up", "k"], "↑ k", "up", scroll(-1)),
    bind(["pagedown", "space"], "PgDn", "page down", scroll(HELP_PAGE)),
    bind(["pageup"], "PgUp", "page up", scroll(-HELP_PAGE)),
  ];
}

/**
 * What the last row names: what a panel does, then what works everywhere and is not something else
 * in it. Help comes first where nothing else tells of it.
 */
export function hintsOf(
  own: readonly Binding[],
  globals: readonly Binding[],
  { view, isSide }: { readonly view: ViewName; readonly isSide: boolean },
): readonly Binding[] {
  const taken = new Set(own.flatMap(({ keys }) => keys));
  const free = globals.filter(({ keys }) => !keys.some((key) => taken.has(key)));
  const named = (...labels: readonly string[]): readonly Binding[] =>
    free.filter(({ label }) => labels.includes(label));
  return [
    ...(isSide ? [] : named(HELP_HINT)),
    ...own.filter((binding) => !isMove(binding)),
    ...(view === "summary" ? [] : named(...COMMON_HINTS)),
    ...(isSide ? [] : named(QUIT_HINT)),
  ];
}

/**
 * What help shows: what a panel does, how to move in it, and what works everywhere. Those of a form
 * are always in sight there.
 */
export function helpGroupsOf(
  own: readonly Binding[],
  globals: readonly Binding[],
  title: string,
): readonly HelpGroup[] {
  return [
    { title, bindings: own.filter((binding) => !isMove(binding)) },
    { title: "Moving", bindings: own.filter(isMove) },
    { title: "Everywhere", bindings: globals },
  ];
}

function isMove({ keys }: Binding): boolean {
  return keys.some((key) => key.length > 1 && !ACTING_KEYS.includes(key));
}

function bind(keys: readonly string[], label: string, summary: string, run: () => void): Binding {
  return { keys, label, summary, run };
}
