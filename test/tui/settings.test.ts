import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FIELD_LIMIT } from "../../tui/src/model/fields.ts";
import type { SettingsFiles } from "../../tui/src/program/owned-files.ts";
import { SettingsStore, settingsPath } from "../../tui/src/program/settings.ts";

const PATH = "/home/ann/.config/icmpx/tui.json";

describe("settingsPath()", () => {
  test.each([
    [{ XDG_CONFIG_HOME: "/etc/ann" }, "/etc/ann/icmpx/tui.json"],
    [{}, PATH],
    [{ XDG_CONFIG_HOME: "" }, PATH],
    [{ XDG_CONFIG_HOME: "relative" }, PATH],
  ])("%p", (environment, expected) => {
    expect(settingsPath(environment, "/home/ann")).toBe(expected);
  });
});

describe("SettingsStore", () => {
  test("has nothing but defaults without a file, and writes none until there is a change", () => {
    const disk = new FakeDisk();
    const { store, problems } = open(disk);
    expect([
      store.theme,
      store.view,
      store.readPreference("sort"),
      store.formValues("ping"),
    ]).toEqual([undefined, undefined, undefined, {}]);
    store.close();
    expect([disk.texts.size, store.problem, problems]).toEqual([0, null, []]);
  });

  test("gives back at the next start what it was given", () => {
    const disk = new FakeDisk();
    const { store } = open(disk);
    store.theme = "light";
    store.view = "mtr";
    store.setFormValues("ping", { target: "bücher.example", interval: "0.5" });
    store.setFormValues("mtr", { target: "2001:db8::1" });
    store.writePreference("mtr.columns", "LSDRNABWV");
    expect(store.formValues("ping")).toEqual({ target: "bücher.example", interval: "0.5" });
    store.close();

    const next = open(disk).store;
    expect(next.theme).toBe("light");
    expect(next.view).toBe("mtr");
    expect(next.formValues("ping")).toEqual({ target: "bücher.example", interval: "0.5" });
    expect(next.formValues("mtr")).toEqual({ target: "2001:db8::1" });
    expect(next.readPreference("mtr.columns")).toBe("LSDRNABWV");
  });

  test("writes several changes at once, a while after the first, and no change not at all", () => {
    const disk = new FakeDisk();
    const { store, timers } = open(disk);
    store.theme = "light";
    store.view = "ping";
    store.view = "mtr";
    expect([disk.writes, timers.length]).toEqual([0, 1]);
    timers.shift()?.();
    expect(disk.writes).toBe(1);
    expect(disk.document()).toEqual({ theme: "light", view: "mtr" });
    store.view = "mtr";
    store.close();
    expect([disk.writes, timers.length]).toEqual([1, 0]);
    store.view = "ping";
    expect(timers).toHaveLength(1);
  });

  test("close() does not wait, and calls the timer off", () => {
    const disk = new FakeDisk();
    const { store, timers } = open(disk);
    store.theme = "none";
    store.close();
    expect([disk.writes, timers.length]).toEqual([1, 0]);
  });

  test("leaves what it does not know where it is", () => {
    const disk = new FakeDisk({
      theme: "dark",
      future: { keep: [1, 2] },
      forms: { ping: { target: "a", speed: 3 }, sweep: { prefix: "10.0.0.0/8" } },
    });
    const { store } = open(disk);
    store.theme = "light";
    store.setFormValues("ping", { target: "b" });
    store.close();
    expect(disk.document()).toEqual({
      theme: "light",
      future: { keep: [1, 2] },
      forms: { ping: { target: "b", speed: 3 }, sweep: { prefix: "10.0.0.0/8" } },
    });
  });

  test("two programs at once keep each other's changes", () => {
    const disk = new FakeDisk();
    const [one, two] = [open(disk).store, open(disk).store];
    one.theme = "light";
    two.setFormValues("ping", { target: "a" });
    two.close();
    one.close();
    expect(disk.document()).toEqual({ theme: "light", forms: { ping: { target: "a" } } });
  });

  test.each([
    ["{ half", "JSON"],
    ["", "JSON"],
    ["[1]", "need an object in braces"],
    ["null", "need an object in braces"],
  ])("does not use and never overwrites the malformed file %p", (text, reason) => {
    const disk = new FakeDisk();
    disk.texts.set(PATH, text);
    const { store, problems } = open(disk);
    expect(store.problem).toStartWith(`Cannot use settings in ${PATH}: `);
    expect(store.problem).toContain(reason);
    expect(store.problem).toEndWith(". Mend the file or remove it");
    store.theme = "light";
    expect(store.theme).toBe("light");
    store.close();
    expect(disk.texts.get(PATH)).toBe(text);
    // Told once, at the start.
    expect(problems).toEqual([store.problem ?? ""]);
  });

  test("a file that was mended meanwhile is written", () => {
    const disk = new FakeDisk();
    disk.texts.set(PATH, "{");
    const { store } = open(disk);
    store.theme = "light";
    disk.texts.set(PATH, '{"view":"mtr"}');
    store.close();
    expect(disk.document()).toEqual({ view: "mtr", theme: "light" });
    expect(store.problem).toBeNull();
  });

  test("a disk that cannot be written is told once, and tried again", () => {
    const disk = new FakeDisk();
    disk.failure = new Error("EROFS: read-only file system");
    const { store, problems, timers } = open(disk);
    store.theme = "light";
    timers.shift()?.();
    store.view = "mtr";
    timers.shift()?.();
    expect(problems).toEqual([`Cannot keep settings in ${PATH}: EROFS: read-only file system`]);
    disk.failure = null;
    store.close();
    expect(disk.document()).toEqual({ theme: "light", view: "mtr" });
    expect(store.problem).toBeNull();
  });

  test("takes what has a wrong type, cannot be typed or is endless for missing", () => {
    const disk = new FakeDisk({
      theme: 5,
      view: ["mtr"],
      forms: {
        ping: { target: "a\u001b[31m", ttl: 64, size: "x".repeat(FIELD_LIMIT + 1), interval: "1" },
        mtr: "x",
      },
      preferences: [],
    });
    const { store } = open(disk);
    expect([store.theme, store.view, store.readPreference("length")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(store.formValues("ping")).toEqual({ interval: "1" });
    expect(store.formValues("mtr")).toEqual({});
    expect(store.formValues("constructor")).toEqual({});
    store.writePreference("sort", "loss");
    store.setFormValues("mtr", { target: "b" });
    store.close();
    expect(disk.document()).toMatchObject({
      preferences: { sort: "loss" },
      forms: { mtr: { target: "b" } },
    });
  });

  test("tells a path with an escape sequence safely", () => {
    const disk = new FakeDisk();
    const path = "/tmp/\u001b[31m/icmpx/tui.json";
    disk.texts.set(path, "{");
    const store = new SettingsStore({ path, files: disk, onProblem: () => {} });
    expect(store.problem).toContain("/tmp/\\x1b[31m/icmpx");
  });
});

describe("SettingsStore on the disk", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "icmpx-settings-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test("makes its folders, leaves no draft, and is for its owner only", () => {
    const path = settingsPath({ XDG_CONFIG_HOME: join(folder, "new") }, "/nowhere");
    const problems: string[] = [];
    const store = new SettingsStore({ path, onProblem: (message) => problems.push(message) });
    store.theme = "light";
    store.close();
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ theme: "light" });
    expect(readdirSync(join(folder, "new", "icmpx"))).toEqual(["tui.json"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(problems).toEqual([]);
  });

  test("keeps a link to the file a link", () => {
    const path = join(folder, "tui.json");
    const real = join(folder, "dotfiles.json");
    writeFileSync(real, '{"view":"mtr"}');
    symlinkSync(real, path);
    const store = new SettingsStore({ path, onProblem: () => {} });
    store.theme = "light";
    store.close();
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(real, "utf8"))).toEqual({ view: "mtr", theme: "light" });
  });

  test("a path that cannot be made is a message", () => {
    writeFileSync(join(folder, "file"), "");
    const problems: string[] = [];
    const path = join(folder, "file", "icmpx", "tui.json");
    const store = new SettingsStore({ path, onProblem: (message) => problems.push(message) });
    store.theme = "light";
    store.close();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("ENOTDIR");
  });

  test("a folder in its place is a message, and stays", () => {
    const path = join(folder, "tui.json");
    symlinkSync(folder, path);
    const store = new SettingsStore({ path, onProblem: () => {} });
    expect(store.problem).toContain("EISDIR");
    store.theme = "light";
    store.close();
    expect(readdirSync(folder)).toEqual(["tui.json"]);
  });

  test("writes by itself, soon", async () => {
    const path = join(folder, "tui.json");
    const store = new SettingsStore({ path, onProblem: () => {} });
    store.theme = "light";
    const written = async (): Promise<boolean> => await Bun.file(path).exists();
    while (!(await written())) await Bun.sleep(20);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ theme: "light" });
  });
});

class FakeDisk implements SettingsFiles {
  readonly texts = new Map<string, string>();
  writes = 0;
  failure: Error | null = null;

  constructor(document?: unknown) {
    if (document !== undefined) this.texts.set(PATH, JSON.stringify(document));
  }

  read(path: string): string | null {
    return this.texts.get(path) ?? null;
  }

  replace(path: string, text: string): void {
    if (this.failure !== null) throw this.failure;
    this.writes += 1;
    this.texts.set(path, text);
  }

  document(): unknown {
    return JSON.parse(this.texts.get(PATH) ?? "");
  }
}

interface Opened {
  readonly store: SettingsStore;
  readonly problems: string[];
  /** What waits to be called, the first first. */
  readonly timers: (() => void)[];
}

function open(files: SettingsFiles): Opened {
  const problems: string[] = [];
  const timers: (() => void)[] = [];
  const store = new SettingsStore({
    path: PATH,
    files,
    onProblem: (message) => problems.push(message),
    schedule(callback) {
      timers.push(callback);
      return () => timers.splice(timers.indexOf(callback), 1);
    },
  });
  return { store, problems, timers };
}
