import { createTestRenderer, type TestRendererSetup } from "@opentui/core/testing";
import { THEMES, themeOf } from "../../tui/src/draw/theme.ts";
import type { Tool } from "../../tui/src/panels/panel.ts";
import { App, type InitialView } from "../../tui/src/program/app.ts";
import type { CopyOutcome } from "../../tui/src/program/clipboard.ts";
import { SettingsStore } from "../../tui/src/program/settings.ts";
import { Display } from "../../tui/src/screen/display.ts";
import { type Scene, scene } from "../client/support.ts";
import type { FakePlatformOptions } from "../support/fake-platform.ts";
// What the program loads behind its first frame is there at once: loading takes real time, in which
// no time passes here.
import "../../tui/src/model/mtr-session.ts";
import "../../tui/src/model/multiping-session.ts";
import "../../tui/src/model/permission.ts";
import "../../tui/src/model/ping-session.ts";
import "../../tui/src/model/traceroute-session.ts";
import "../../tui/src/panels/mtr-panel.ts";
import "../../tui/src/panels/multiping-panel.ts";
import "../../tui/src/panels/ping-panel.ts";
import "../../tui/src/panels/traceroute-panel.ts";

/** How the program is staged. */
export interface StageOptions {
  readonly tools: readonly Tool[];
  /** Default 100 and 24. */
  readonly width?: number;
  readonly height?: number;
  readonly initial?: InitialView;
  /** The text of the settings file. Default: none. */
  readonly settings?: string;
  readonly platform?: FakePlatformOptions;
  /** What DNS says an address is called; others have no name. */
  readonly names?: Readonly<Record<string, string>>;
  /** What becomes of a text for the clipboard. Default: it is copied. */
  readonly copyOutcome?: CopyOutcome;
}

/**
 * The whole program on OpenTUI's test renderer, in a world where nothing is real. It begins at
 * midnight.
 */
export interface Stage extends Scene {
  readonly ui: TestRendererSetup;
  readonly app: App;
  readonly files: Map<string, string>;
  readonly saved: string[];
  readonly copied: string[];
  readonly errors: unknown[];
  quits(): number;
  /** The screen as text, without spaces at the ends of lines. */
  frame(): Promise<string>;
  /** Presses keys by the names of OpenTUI's mock, or "shift-tab". */
  press(...keys: readonly string[]): Promise<void>;
  type(text: string): Promise<void>;
  clickOn(text: string): Promise<void>;
  /** Lets time pass; names are found meanwhile. */
  pass(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Starts the program. */
export async function stage(options: StageOptions): Promise<Stage> {
  const { tools, width = 100, height = 24, initial, settings, platform = {}, names = {} } = options;
  const { copyOutcome = "copied" } = options;
  // Listening to SIGPIPE and no longer would end this process at the next closed pipe, which Bun
  // otherwise ignores.
  const ui = await createTestRenderer({ width, height, exitOnCtrlC: false, exitSignals: [] });
  const setting = scene(platform);
  const { clock, dns } = setting;
  const files = new Map(settings === undefined ? [] : [["/settings.json", settings]]);
  const saved: string[] = [];
  const copied: string[] = [];
  const errors: unknown[] = [];
  let quits = 0;
  const pending = new Set<unknown>();
  const settle = (): Promise<void> => settled(pending);
  const app = new App({
    size: { width, height },
    client: async () => setting.client,
    tools: tools.map((tool) => watched(tool, pending)),
    settings: new SettingsStore({
      path: "/settings.json",
      files: {
        read: (path) => files.get(path) ?? null,
        replace: (path, text) => void files.set(path, text),
      },
      onProblem: () => {},
      schedule: (callback) => clock.schedule(500e6, callback),
    }),
    theme: themeOf("dark", {}, THEMES),
    themes: THEMES,
    now: () => clock.epochMs + setting.nowMs(),
    after: (ms, callback) => clock.schedule(ms * 1e6, callback),
    copyText: async (text) => {
      copied.push(text);
      return copyOutcome;
    },
    saveText: async (name, text) => {
      saved.push(`${name}: ${text}`);
      return `/somewhere/${name}.txt`;
    },
    onQuit: () => {
      quits += 1;
    },
    onError: (error) => errors.push(error),
    ...(initial === undefined ? {} : { initial }),
  });
  app.start((handlers) => new Display(ui.renderer, handlers, true));
  await settle();
  await clock.advance(0);
  let asked = 0;
  const frame = async (): Promise<string> => {
    await ui.renderOnce();
    const lines = ui.captureCharFrame().split("\n");
    return lines
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  };
  return {
    ...setting,
    ui,
    app,
    files,
    saved,
    copied,
    errors,
    frame,
    quits: () => quits,
    press: async (...keys) => {
      for (const key of keys) {
        if (key === "shift-tab") ui.mockInput.pressTab({ shift: true });
        else ui.mockInput.pressKey(key);
        await settle();
      }
    },
    type: async (text) => {
      await ui.mockInput.typeText(text);
      await settle();
    },
    clickOn: async (text) => {
      const rows = (await frame()).split("\n");
      const y = rows.findIndex((row) => row.includes(text));
      if (y < 0)
        throw new Error(`There is no ${JSON.stringify(text)} on the screen:\n${rows.join("\n")}`);
      await ui.mockMouse.click(Bun.stringWidth(rows[y]?.split(text)[0] ?? ""), y);
      await settle();
    },
    pass: async (ms) => {
      for (let passed = 0; passed < ms; passed += 100) {
        await clock.advance(Math.min(100, ms - passed));
        while (asked < dns.reverses.length) {
          const address = dns.reverses[asked] ?? "";
          asked += 1;
          await dns.answer(address, names[address] ?? null);
        }
      }
      await settle();
    },
    dispose: async () => {
      app.close();
      await ui.dispose();
    },
  };
}

/** The same tool; `pending` has the sessions that are about to begin. */
function watched(tool: Tool, pending: Set<unknown>): Tool {
  return {
    ...tool,
    async begin(...options) {
      const mark = {};
      pending.add(mark);
      try {
        return await tool.begin(...options);
      } finally {
        pending.delete(mark);
      }
    },
  };
}

/**
 * Lets happen what needs no time to pass; modules are imported meanwhile, which takes turns even
 * when they are loaded.
 */
async function settled(pending: ReadonlySet<unknown>): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Bun.sleep(0);
  // Some never begin: a test wants to see them wait.
  for (let turn = 0; turn < 50 && pending.size > 0; turn += 1) await Bun.sleep(1);
  for (let turn = 0; turn < 5; turn += 1) await Bun.sleep(0);
}
