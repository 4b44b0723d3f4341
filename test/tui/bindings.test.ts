import { describe, expect, test } from "bun:test";
import type { Binding } from "../../tui/src/model/binding.ts";
import {
  type Actions,
  formBindings,
  globalBindings,
  helpBindings,
  helpGroupsOf,
  hintsOf,
} from "../../tui/src/program/bindings.ts";
import { fakeTool } from "./fake-tool.ts";

const TOOLS = [fakeTool("ping", "Ping"), fakeTool("mtr", "MTR")];
const OWN: readonly Binding[] = [
  { keys: ["p"], label: "p", summary: "pause", run: () => {} },
  { keys: ["enter"], label: "Enter", summary: "details", run: () => {} },
  { keys: ["down", "j"], label: "↓ j", summary: "row down", run: () => {} },
];

/** Actions that only say that they were asked for. */
function recorded(): { readonly actions: Actions; readonly asked: string[] } {
  const asked: string[] = [];
  const actions = new Proxy({} as Actions, {
    get: (_, name) => (argument?: unknown) =>
      asked.push(argument === undefined ? String(name) : `${String(name)} ${argument}`),
  });
  return { actions, asked };
}

/** What each key asks for. */
function asksOf(make: (actions: Actions) => readonly Binding[]): Record<string, string> {
  const { actions, asked } = recorded();
  const asks: Record<string, string> = {};
  for (const { keys, run } of make(actions)) {
    run();
    for (const key of keys) asks[key] = asked.at(-1) ?? "";
  }
  return asks;
}

describe("globalBindings()", () => {
  test("have an action for each key", () => {
    expect(asksOf((actions) => globalBindings(actions, TOOLS))).toEqual({
      space: "toggle",
      i: "focusForm",
      e: "focusForm",
      tab: "moveFocus 1",
      "shift-tab": "moveFocus -1",
      t: "addTab",
      "+": "addTab",
      x: "closeTab",
      "]": "moveTab 1",
      right: "moveTab 1",
      "[": "moveTab -1",
      left: "moveTab -1",
      1: "show summary",
      f1: "show summary",
      2: "show ping",
      f2: "show ping",
      3: "show mtr",
      f3: "show mtr",
      w: "saveReport",
      f: "freeze",
      T: "nextTheme",
      "?": "openHelp",
      f10: "openHelp",
      escape: "dismissNotices",
      q: "quit",
    });
  });

  test("give no key to two actions", () => {
    const keys = globalBindings(recorded().actions, TOOLS).flatMap((binding) => binding.keys);
    expect(keys).toHaveLength(new Set(keys).size);
  });
});

describe("formBindings()", () => {
  const asks = (isOnButton: boolean, isRunning = false): Record<string, string> =>
    asksOf((actions) =>
      formBindings(actions, { globals: globalBindings(actions, TOOLS), isOnButton, isRunning }),
    );

  test("leave letters to the input", () => {
    expect(asks(false)).toEqual({
      enter: "begin",
      tab: "moveFocus 1",
      down: "moveFocus 1",
      "shift-tab": "moveFocus -1",
      up: "moveFocus -1",
      escape: "focusPanel",
      f1: "show summary",
      f2: "show ping",
      f3: "show mtr",
      f10: "openHelp",
    });
  });

  test("press the button that is focused", () => {
    expect(asks(true)).toMatchObject({ enter: "toggle", space: "toggle" });
  });

  test("say what Enter does", () => {
    const { actions } = recorded();
    const summaryOf = (isOnButton: boolean, isRunning: boolean) =>
      formBindings(actions, { globals: [], isOnButton, isRunning })[0]?.summary;
    expect([summaryOf(false, false), summaryOf(false, true), summaryOf(true, true)]).toEqual([
      "start",
      "restart",
      "stop",
    ]);
  });
});

test("helpBindings() close and scroll, and nothing else", () => {
  const asks = asksOf(helpBindings);
  expect(new Set(Object.values(asks))).toEqual(
    new Set(["closeHelp", "scrollHelp 1", "scrollHelp -1", "scrollHelp 10", "scrollHelp -10"]),
  );
  expect([asks["q"], asks["escape"], asks["j"]]).toEqual([
    "closeHelp",
    "closeHelp",
    "scrollHelp 1",
  ]);
});

describe("hintsOf()", () => {
  const globals = globalBindings(recorded().actions, TOOLS);
  const labelsOf = (own: readonly Binding[], where: Parameters<typeof hintsOf>[2]) =>
    hintsOf(own, globals, where).map(({ label }) => label);

  test("names what applies: starting and stopping not in the summary", () => {
    expect(labelsOf(OWN, { view: "ping", isSide: true })).toEqual([
      "p",
      "Enter",
      "Space",
      "i",
      "t",
    ]);
    expect(labelsOf(OWN, { view: "summary", isSide: true })).toEqual(["p", "Enter"]);
  });

  test("begins with help where no navigation beside it tells of that", () => {
    const labels = ["?", "p", "Enter", "Space", "i", "t", "q"];
    expect(labelsOf(OWN, { view: "ping", isSide: false })).toEqual(labels);
  });

  test("leaves out what a panel uses otherwise", () => {
    const toggle = { keys: ["space"], label: "Space", summary: "show, hide", run: () => {} };
    const done = { keys: ["escape", "q"], label: "Esc", summary: "done", run: () => {} };
    const hints = hintsOf([toggle, done], globals, { view: "mtr", isSide: false });
    expect(hints.map(({ label, summary }) => `${label} ${summary}`)).toEqual([
      "? help",
      "Space show, hide",
      "Esc done",
      "i edit the form",
      "t new tab",
    ]);
  });
});

test("helpGroupsOf() tells what acts from moves, and leaves nothing out", () => {
  const globals = globalBindings(recorded().actions, TOOLS);
  const groups = helpGroupsOf(OWN, globals, "Ping");
  expect(groups.map(({ title, bindings }) => [title, bindings.map(({ label }) => label)])).toEqual([
    ["Ping", ["p", "Enter"]],
    ["Moving", ["↓ j"]],
    ["Everywhere", globals.map(({ label }) => label)],
  ]);
});
