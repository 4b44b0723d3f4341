import { closeSync, openSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Client } from "icmpx";
import { escapeText } from "icmpx/packet";
import { themeOf } from "../draw/theme.ts";
import { mtrTool } from "../panels/mtr.ts";
import { multipingTool } from "../panels/multiping.ts";
import type { Tool } from "../panels/panel.ts";
import { pingTool } from "../panels/ping.ts";
import { tracerouteTool } from "../panels/traceroute.ts";
import { App, type InitialView } from "./app.ts";
import { copyText } from "./clipboard.ts";
import { SettingsStore, settingsPath } from "./settings.ts";
import { runOnTerminal } from "./terminal.ts";

const TOOLS: readonly Tool[] = [pingTool, multipingTool, tracerouteTool, mtrTool];
/** Longer file names are refused by some file systems; the rest is for the time and the ending. */
const LONGEST_NAME = 120;
/** Exit codes after `q` and after Ctrl-C: somebody is there to read. */
const LEFT_CODES: readonly number[] = [0, 130];
/** How many files of the same second and name there may be. */
const MOST_COPIES = 100;

/** Results need not come sooner than they are drawn. Sessions that leave together take less than half of the processor. */
const SLACK_MS = 50;

/** What the program begins with. */
export interface StartOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Instead of the view of the last time. */
  readonly initial?: InitialView;
  /** The name of a theme, for this time only. */
  readonly theme?: string;
  /** Is given what all sessions found, as text, when the user has left and the terminal is as it was. */
  readonly onReport?: (text: string) => void;
  /** Makes the client that all sessions probe with. */
  readonly createClient?: () => Client;
}

/**
 * Runs the program on the terminal of this process.
 *
 * @returns the exit code, when the terminal is as it was
 * @throws {RendererError} before anything is shown
 */
export async function start(options: StartOptions): Promise<number> {
  const { environment, initial, theme, createClient, onReport } = options;
  let report = "";
  const code = await runOnTerminal(({ renderer, quit, fail }) => {
    let client: Promise<Client> | undefined;
    const loadClient = async (): Promise<Client> =>
      createClient?.() ?? new (await import("icmpx")).Client({ slack: SLACK_MS });
    let app: App | undefined;
    const settings = new SettingsStore({
      path: settingsPath(environment, homedir()),
      // What is wrong before there is a program is shown when it starts.
      onProblem: (message) => app?.notify("warn", message),
    });
    app = new App({
      renderer,
      client: () => {
        client ??= loadClient();
        return client;
      },
      tools: TOOLS,
      settings,
      theme: themeOf(theme ?? settings.theme, environment),
      now: Date.now,
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      copyText: (text) => copyText(text, { renderer, environment }),
      saveText: async (name, text) => saveText(name, text),
      ...(initial === undefined ? {} : { initial }),
      onQuit: quit,
      onError: fail,
    });
    app.start();
    return () => {
      try {
        if (onReport !== undefined) report = app.report();
        app.close();
      } finally {
        void client?.then((opened) => opened.close());
      }
    };
  });
  if (report !== "" && LEFT_CODES.includes(code)) onReport?.(report);
  return code;
}

/** Writes a text into a new file of the working folder, named after the time; gives its path, safe to print. */
function saveText(name: string, text: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  const stem = `${name.replaceAll(/[^\w.-]+/g, "_").slice(0, LONGEST_NAME)}-${time}`;
  for (let copy = 1; ; copy += 1) {
    const path = resolve(`${stem}${copy === 1 ? "" : `-${copy}`}.txt`);
    try {
      // Nothing that is there already is overwritten.
      const fd = openSync(path, "wx");
      try {
        writeSync(fd, `${text}\n`);
      } finally {
        closeSync(fd);
      }
      return escapeText(path);
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (!isTaken || copy === MOST_COPIES) throw error;
    }
  }
}
