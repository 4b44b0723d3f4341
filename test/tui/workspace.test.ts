import { describe, expect, test } from "bun:test";
import type { Client } from "icmpx";
import type { FieldValues } from "../../tui/src/model/fields.ts";
import type { SessionKind } from "../../tui/src/model/session.ts";
import type { Services } from "../../tui/src/panels/panel.ts";
import { Workspace } from "../../tui/src/program/workspace.ts";
import { type FakeTool, fakeTool } from "./fake-tool.ts";

interface Bench {
  readonly workspace: Workspace;
  readonly ping: FakeTool;
  readonly mtr: FakeTool;
  readonly notices: string[];
  readonly kept: (readonly [SessionKind, FieldValues])[];
  changes(): number;
  /** The targets of the tabs that had results. */
  readonly results: (string | undefined)[];
}

function bench(
  begin?: (target: string) => unknown,
  initialValues: Partial<Record<SessionKind, FieldValues>> = {},
): Bench {
  const ping = fakeTool("ping", "Ping", begin);
  const mtr = fakeTool("mtr", "MTR");
  const notices: string[] = [];
  const kept: Bench["kept"] = [];
  const results: Bench["results"] = [];
  let changes = 0;
  const services: Services = {
    notify: (role, message) => notices.push(`${role}: ${message}`),
    copy: () => {},
    redraw: () => {},
    readPreference: () => undefined,
    writePreference: () => {},
  };
  const workspace = new Workspace({
    // Fake tools send nothing.
    client: async () => ({}) as Client,
    tools: [ping, mtr],
    services,
    initialValues,
    now: () => 0,
    onChange: () => {
      changes += 1;
    },
    onResults: ({ values }) => results.push(values["target"]),
    onValues: (kind, values) => kept.push([kind, values]),
    refuse: (_, message) => {
      notices.push(`refused: ${message}`);
      return () => notices.push("dismissed");
    },
  });
  return { workspace, ping, mtr, notices, kept, results, changes: () => changes };
}

async function start({ workspace }: Bench, target: string): Promise<void> {
  workspace.setValue("target", target);
  expect(workspace.start()).toBeUndefined();
  await Bun.sleep(0);
}

describe("Workspace", () => {
  test("begins with one empty tab for each tool, filled in as far as kept", () => {
    const { workspace } = bench(undefined, { ping: { target: "192.0.2.1", ttl: "9", gone: "x" } });
    expect(workspace.tab?.values).toEqual({ target: "192.0.2.1", interval: "1", ttl: "9" });
    workspace.show("mtr");
    expect(workspace.tab?.values).toEqual({ target: "", interval: "1", ttl: "64" });
    expect(workspace.sessions).toEqual([]);
  });

  test("begins a session with the form, and keeps its values", async () => {
    const setting = bench();
    await start(setting, "192.0.2.1");
    expect(setting.ping.begun.map(({ title, id }) => [title, id])).toEqual([["192.0.2.1", 1]]);
    expect(setting.kept).toEqual([["ping", { target: "192.0.2.1", interval: "1", ttl: "64" }]]);
    expect(setting.workspace.isRunning).toBe(true);
  });

  test("begins nothing with a wrong form: says what is wrong, and names the field", () => {
    const { workspace, ping, notices } = bench();
    workspace.setValue("target", "192.0.2.1");
    workspace.setValue("ttl", "256");
    expect(workspace.start()).toBe("ttl");
    expect(notices).toEqual(["refused: TTL: need a whole number from 1 to 255"]);
    // What was said of the form is not true of the next one.
    workspace.setValue("ttl", "25");
    expect(notices.slice(1)).toEqual(["dismissed"]);
    workspace.setValue("ttl", "255");
    expect(notices.slice(2)).toEqual([]);
    expect(ping.begun).toEqual([]);
    workspace.setValue("target", " ");
    expect(workspace.start()).toBe("target");
  });

  test("stops the session before when one begins in its tab", async () => {
    const setting = bench();
    await start(setting, "192.0.2.1");
    await start(setting, "192.0.2.2");
    expect(setting.ping.begun.map(({ title, state }) => [title, state])).toEqual([
      ["192.0.2.1", "stopped"],
      ["192.0.2.2", "running"],
    ]);
    expect(setting.workspace.sessions.map(({ title }) => title)).toEqual(["192.0.2.2"]);
  });

  test("lets sessions run on in other tabs and views, and finds them again", async () => {
    const setting = bench();
    const { workspace } = setting;
    await start(setting, "192.0.2.1");
    workspace.addTab();
    expect(workspace.tab?.values).toEqual({ target: "", interval: "1", ttl: "64" });
    await start(setting, "192.0.2.2");
    workspace.show("mtr");
    await start(setting, "192.0.2.3");
    expect(workspace.sessions.map(({ title, state }) => [title, state])).toEqual([
      ["192.0.2.1", "running"],
      ["192.0.2.2", "running"],
      ["192.0.2.3", "running"],
    ]);
    const [first] = workspace.sessions;
    if (first !== undefined) workspace.open(first);
    expect([workspace.view, workspace.deck?.active]).toEqual(["ping", 0]);
  });

  test("tells results of a session from what else changes in it", async () => {
    const setting = bench();
    await start(setting, "192.0.2.1");
    const [session] = setting.ping.begun;
    // Whatever it was before: the first time all of it is news.
    session?.options.onChange();
    const { results } = setting;
    const told = (change: () => void): readonly [changes: number, results: number] => {
      const before = [setting.changes(), results.length] as const;
      change();
      session?.options.onChange();
      return [setting.changes() - before[0], results.length - before[1]];
    };
    expect(told(() => {})).toEqual([0, 1]);
    expect(results).toEqual(["192.0.2.1"]);
    expect(told(() => session && Object.assign(session, { isDown: true }))).toEqual([1, 0]);
    expect(told(() => {})).toEqual([0, 1]);
    expect(told(() => session?.stop())).toEqual([1, 0]);
  });

  test("goes round its tabs in both directions", async () => {
    const setting = bench();
    const { workspace } = setting;
    workspace.addTab();
    workspace.addTab();
    const active: (number | undefined)[] = [];
    for (const index of [3, 4, -1, 1]) {
      workspace.showTab(index);
      active.push(workspace.deck?.active);
    }
    expect(active).toEqual([0, 1, 2, 1]);
  });

  test("stops what a closed tab ran, and always keeps a tab", async () => {
    const setting = bench();
    const { workspace, ping } = setting;
    await start(setting, "192.0.2.1");
    workspace.addTab();
    await start(setting, "192.0.2.2");
    workspace.closeTab();
    expect(ping.begun.map(({ state }) => state)).toEqual(["running", "stopped"]);
    expect(workspace.tab?.panel?.session.title).toBe("192.0.2.1");
    workspace.closeTab();
    expect(ping.begun.map(({ state }) => state)).toEqual(["stopped", "stopped"]);
    expect(workspace.deck?.tabs).toHaveLength(1);
    expect(workspace.tab?.panel).toBeUndefined();
  });

  test("tells of a beginning that fails, and goes on", async () => {
    const setting = bench((target) => {
      if (target === "bad") throw new RangeError("No such \x1b[2J list");
    });
    await start(setting, "192.0.2.1");
    setting.workspace.addTab();
    await start(setting, "bad");
    expect(setting.notices).toEqual(["refused: Ping: No such \\x1b[2J list"]);
    expect(setting.workspace.tab).toMatchObject({ panel: undefined, isBeginning: false });
    expect(setting.ping.begun.map(({ state }) => state)).toEqual(["running"]);
  });

  test("tells of a session that fails later, whatever is looked at", async () => {
    const setting = bench();
    await start(setting, "192.0.2.1");
    setting.workspace.show("mtr");
    setting.ping.begun[0]?.options.onFailure("No permission\n  do this");
    expect(setting.notices).toEqual(["bad: Ping: No permission\n  do this"]);
  });

  test("stops a session whose tab was closed while it was about to begin", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const setting = bench(() => promise);
    const { workspace, ping } = setting;
    workspace.setValue("target", "slow");
    workspace.start();
    expect(workspace.tab?.isBeginning).toBe(true);
    workspace.start();
    workspace.closeTab();
    resolve();
    await Bun.sleep(0);
    expect(ping.begun.map(({ state }) => state)).toEqual(["stopped"]);
    expect(workspace.sessions).toEqual([]);
  });

  test("stops everything at its end", async () => {
    const setting = bench();
    await start(setting, "192.0.2.1");
    setting.workspace.show("mtr");
    await start(setting, "192.0.2.3");
    setting.workspace.close();
    expect([...setting.ping.begun, ...setting.mtr.begun].map(({ state }) => state)).toEqual([
      "stopped",
      "stopped",
    ]);
  });

  test("has neither tab nor form in the summary", () => {
    const { workspace } = bench();
    workspace.show("summary");
    expect([workspace.deck, workspace.tab, workspace.start()]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([...workspace.problems()]).toEqual([]);
  });
});
