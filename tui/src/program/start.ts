import { closeSync, openSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Client } from "icmpx";
import { escapeText } from "icmpx/packet";
import { AnsiSurface } from "../draw/ansi-surface.ts";
import { AsciiSurface, isUtf8 } from "../draw/ascii.ts";
import { SurfaceCanvas } from "../draw/surface-canvas.ts";
import { type Theme, themeOf, themesFor } from "../draw/theme.ts";
import { mtrTool } from "../panels/mtr.ts";
import { multipingTool } from "../panels/multiping.ts";
import type { Tool } from "../panels/panel.ts";
import { pingTool } from "../panels/ping.ts";
import { tracerouteTool } from "../panels/traceroute.ts";
import type { Size } from "../screen/layout.ts";
import { App, type InitialView } from "./app.ts";
import { copyText } from "./clipboard.ts";
import { SettingsStore, settingsPath } from "./settings.ts";
import { runOnTerminal, type Terminal } from "./terminal.ts";
import { ALL_COLOURS, terminalColours } from "./terminal-colours.ts";

const TOOLS: readonly Tool[] = [pingTool, multipingTool, tracerouteTool, mtrTool];
/** Longer file names are refused by some file systems; the rest is for the time and the ending. */
const LONGEST_NAME = 120;
/** Exit codes after `q` and after Ctrl-C: somebody is there to read. */
const LEFT_CODES: readonly number[] = [0, 130];
/** How many files of the same second and name there may be. */
const MOST_COPIES = 100;

/**
 * Results need not come sooner than they are drawn, and probes of all sessions that leave together
 * wake the process up more rarely.
 */
const SLACK_MS = 50;

/** What the program begins with. */
export interface StartOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Instead of the view of the last time. */
  readonly initial?: InitialView;
  /** The name of a theme, for this time only. */
  readonly theme?: string;
  /**
   * Is given what all sessions found, as text, when the user has left and the terminal is as it
   * was.
   */
  readonly onReport?: (text: string) => void;
  /** Makes the client that all sessions probe with. */
  readonly createClient?: () => Client;
}

/**
 * Runs the program on the terminal of this process.
 *
 * @returns the exit code, when the terminal is as it was
 * @throws {RendererError} when the terminal is as it was
 */
export async function start(options: StartOptions): Promise<number> {
  const { environment, initial, theme, createClient, onReport } = options;
  const { stdout } = process;
  // What the renderer assumes of a terminal that does not tell.
  const size: Size = { width: stdout.columns || 80, height: stdout.rows || 24 };
  let client: Promise<Client> | undefined;
  const loadClient = async (): Promise<Client> =>
    createClient?.() ?? new (await import("icmpx")).Client({ slack: SLACK_MS });
  let app: App | undefined;
  let terminal: Terminal | undefined;
  const settings = new SettingsStore({
    path: settingsPath(environment, homedir()),
    // What is wrong before there is a program is shown when it starts.
    onProblem: (message) => app?.notify("warn", message),
  });
  const colours = terminalColours(environment);
  const themes = themesFor(colours);
  const chosen = themeOf(theme ?? settings.theme, environment, themes);
  app = new App({
    size,
    client: () => {
      client ??= loadClient();
      return client;
    },
    tools: TOOLS,
    settings,
    theme: chosen,
    themes,
    now: Date.now,
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    copyText: async (text) =>
      terminal === undefined
        ? "refused"
        : copyText(text, { renderer: terminal.renderer, environment }),
    saveText: async (name, text) => saveText(name, text),
    ...(initial === undefined ? {} : { initial }),
    onQuit: () => terminal?.quit(),
    onError: (error) => terminal?.fail(error),
  });
  const program = app;
  let report = "";
  const code = await runOnTerminal(
    async () => {
      // It needs the renderer, which takes longer to load than all the rest.
      const { Display } = await import("../screen/display.ts");
      return (opened) => {
        terminal = opened;
        program.start((handlers) => new Display(opened.renderer, handlers, isUtf8(environment)));
        return () => {
          try {
            if (onReport !== undefined) report = program.report();
            program.close();
          } finally {
            client?.then(
              (open) => open.close(),
              () => {
                // The caller has told why there is none.
              },
            );
          }
        };
      };
    },
    {
      colours,
      firstFrame: firstFrame(program, {
        size,
        theme: chosen,
        colours,
        isPlain: !isUtf8(environment),
      }),
    },
  );
  if (report !== "" && LEFT_CODES.includes(code)) onReport?.(report);
  return code;
}

interface FrameOptions {
  readonly size: Size;
  readonly theme: Theme;
  readonly colours: number;
  /** Whether the terminal reads ASCII only. */
  readonly isPlain: boolean;
}

/** The program as control sequences. */
function firstFrame(app: App, { size, theme, colours, isPlain }: FrameOptions): string {
  // The renderer asks the terminal, too, which takes time.
  const surface = new AnsiSurface({ ...size, theme, isTrueColour: colours >= ALL_COLOURS });
  if (theme.background !== undefined) surface.fill({ x: 0, y: 0, ...size }, "text");
  app.draw(new SurfaceCanvas(isPlain ? new AsciiSurface(surface) : surface, []));
  return surface.sequences;
}

/**
 * Writes a text into a new file of the working folder, named after the time; gives its path, safe
 * to print.
 */
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
