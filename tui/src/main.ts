/**
 * The terminal UI as a function: what `icmpx-tui` runs, and `icmpx` without a command, too.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { escapeText } from "icmpx/packet";
import packageJson from "../package.json" with { type: "json" };
import { THEMES } from "./draw/theme.ts";
import type { InitialView } from "./program/app.ts";
import type { StartOptions } from "./program/start.ts";
import { RendererError } from "./screen/renderer.ts";

/** The public entry, whichever chunk of the bundle this module is in: all lie in one folder. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "main.ts" : "main.js", import.meta.url)
  .href;

/** Wrong use, or it cannot be started here. */
const FAILED = 2;

const VIEWS: ReadonlyMap<string, InitialView["view"]> = new Map([
  ["summary", "summary"],
  ["ping", "ping"],
  ["multiping", "multiping"],
  ["traceroute", "traceroute"],
  ["trace", "traceroute"],
  ["mtr", "mtr"],
]);

const HELP = `Usage: icmpx-tui [options] [VIEW [TARGET...]]

Ping, multiping, traceroute and mtr side by side, on a terminal. ? shows the keys.

  VIEW    summary, ping, multiping, traceroute or mtr; default: the one of the last time
  TARGET  begins at once with this host name or address; multiping takes several

Options:
      --theme NAME  ${THEMES.map(({ name }) => name).join(", ")}; for this time only
      --report      print what all sessions found after q or Ctrl-C
  -h, --help        show this
  -V, --version     show the version

Settings are kept in $XDG_CONFIG_HOME/icmpx/tui.json (~/.config/icmpx/tui.json).`;

/** What surrounds the program: this process, or a test. */
export interface MainHost {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether both standard input and output are a terminal. */
  readonly isTerminal: boolean;
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes to standard error. */
  complain(text: string): void;
  /** Runs the program on the terminal, and gives its exit code. */
  start(options: StartOptions): Promise<number>;
}

/** How the program is run. */
export interface MainOptions {
  /** What follows its name on the command line. */
  readonly args: readonly string[];
  /** Default: this process. */
  readonly host?: MainHost;
}

class UsageError extends Error {}

/**
 * Runs the terminal UI until the user leaves it.
 *
 * @returns the exit code: 0 after `q`; 1 after an error, which it has printed; 2 after wrong use,
 * and when it cannot be started here, for which it has printed the reason; 128 and the number of
 * the signal after one, or after Ctrl-C
 */
export async function main({ args, host = processHost() }: MainOptions): Promise<number> {
  try {
    return await run(args, host);
  } catch (error) {
    const isExpected = error instanceof UsageError || error instanceof RendererError;
    if (!isExpected) throw error;
    const reason = error.message.split("\n").map(escapeText).join("\n");
    host.complain(
      error instanceof RendererError
        ? `icmpx-tui: Cannot load the renderer: ${reason}\nicmpx ping, traceroute and mtr work without it.\n`
        : `icmpx-tui: ${reason}\n`,
    );
    return FAILED;
  }
}

async function run(args: readonly string[], host: MainHost): Promise<number> {
  const { values, positionals } = readArguments(args);
  if (values.help) {
    host.print(`${HELP}\n`);
    return 0;
  }
  if (values.locate) {
    host.print(`${ENTRY}\n`);
    return 0;
  }
  if (values.version) {
    host.print(`icmpx-tui ${packageJson.version}\n`);
    return 0;
  }
  const theme = readTheme(values.theme);
  const initial = readView(positionals);
  if (!host.isTerminal)
    throw new UsageError("Needs a terminal: standard input and output must be one");
  return host.start({
    environment: host.environment,
    ...(initial === undefined ? {} : { initial }),
    ...(theme === undefined ? {} : { theme }),
    ...(values.report ? { onReport: (text) => host.print(`${text}\n`) } : {}),
  });
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        theme: { type: "string" },
        report: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
        // For icmpx, which has this package fetched and then runs it in its own process; not for
        // people.
        locate: { type: "boolean" },
      },
    });
  } catch (error) {
    // A TypeError of parseArgs, whose first sentence says all.
    const [message] = (error instanceof Error ? error.message : String(error)).split(". ");
    throw new UsageError(`${message} (icmpx-tui --help shows what there is)`);
  }
}

function readTheme(name: string | undefined): string | undefined {
  const names: readonly string[] = THEMES.map((theme) => theme.name);
  if (name === undefined || names.includes(name)) return name;
  throw new UsageError(`Option --theme is "${name}": need ${names.join(", ")}`);
}

function readView([name, ...targets]: readonly string[]): InitialView | undefined {
  if (name === undefined) return undefined;
  const view = VIEWS.get(name);
  if (view === undefined) {
    throw new UsageError(`View is "${name}": need ${[...new Set(VIEWS.values())].join(", ")}`);
  }
  const most = view === "summary" ? 0 : view === "multiping" ? Number.POSITIVE_INFINITY : 1;
  if (targets.length > most) {
    throw new UsageError(
      most === 0 ? "The summary takes no target" : `${view} takes one target here`,
    );
  }
  return targets.length === 0 ? { view } : { view, target: targets.join(" ") };
}

function processHost(): MainHost {
  const { env, stdin, stdout, stderr } = process;
  return {
    environment: env,
    isTerminal: stdin.isTTY === true && stdout.isTTY === true && env["TERM"] !== "dumb",
    print: (text) => void stdout.write(text),
    complain: (text) => void stderr.write(text),
    // Not for `--help` and mistakes.
    start: async (options) => (await import("./program/start.ts")).start(options),
  };
}
