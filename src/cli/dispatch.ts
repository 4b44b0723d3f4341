import { readValues } from "./arguments.ts";
import { asciiHost, isUtf8 } from "./ascii.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { DOCTOR, fix } from "./doctor.ts";
import { entryPath } from "./entry.ts";
import { formatCommandHelp, formatHelp } from "./help.ts";
import { ExitCode, type Host, type Output, UsageError } from "./host.ts";
import { suggest } from "./suggest.ts";
import { painter } from "./text.ts";

/** Options that make stdout one for programs. */
const MACHINE_FORMATS: ReadonlySet<string> = new Set(["json", "ndjson", "csv"]);

/**
 * Runs what the first argument names.
 *
 * @param args at least one
 * @throws {UsageError}
 */
export async function dispatch(args: readonly string[], host: Host): Promise<number> {
  const [first = "help", ...rest] = args;
  switch (first) {
    case "help":
      return showHelp(rest, host);
    case "-h":
    case "--help":
      return showHelp([], host);
    case "--bootstrap-cap":
      return bootstrap(rest, host);
    default:
      return runCommand(findCommand(first), rest, host);
  }
}

/**
 * Grants the capability, and starts the terminal UI in a fresh process: this one would not gain it
 * any more.
 */
async function bootstrap(args: readonly string[], host: Host): Promise<number> {
  const values = readValues(DOCTOR, ["--fix", ...args]);
  if (values.has("help")) return showHelp([DOCTOR.name], host);
  const bun = await fix(values, host);
  if (bun === undefined) return ExitCode.Failed;
  if (!host.isInteractive) return ExitCode.Answered;
  return (await host.become([bun, entryPath()])) ?? ExitCode.Failed;
}

async function runCommand(command: Command, args: readonly string[], host: Host): Promise<number> {
  const values = readValues(command, args);
  if (values.has("help")) return showHelp([command.name], host);
  if (isUtf8(host.env)) return command.run(values, host);
  const isForPrograms = command.options.some(
    ({ name }) => MACHINE_FORMATS.has(name) && values.has(name),
  );
  return command.run(values, asciiHost(host, !isForPrograms));
}

/** Shows the help of a command, or of all of them. */
export function showHelp([name]: readonly string[], host: Host): number {
  const options = helpOptions(host, host.stdout);
  const text =
    name === undefined || name === "help"
      ? formatHelp(COMMANDS, options)
      : formatCommandHelp(findCommand(name), options);
  host.stdout.write(`${text}\n`);
  return ExitCode.Answered;
}

function findCommand(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name || command.aliases.includes(name));
  if (found !== undefined) return found;
  if (/^[^-].*[.:]/.test(name))
    throw new UsageError(
      `Unknown command ${JSON.stringify(name)} (did you mean icmpx ping ${name}?)`,
    );
  const isOption = name.startsWith("-");
  const names = COMMANDS.flatMap((command) => [command.name, ...command.aliases]);
  const known = isOption ? ["--help", "--version", "--yes", "--bootstrap-cap"] : [...names, "help"];
  const meant = suggest(name, known);
  const fallback = `${isOption ? "those of a command stand after it; " : ""}icmpx --help shows what there is`;
  const hint = meant === undefined ? fallback : `did you mean ${meant}?`;
  throw new UsageError(
    `Unknown ${isOption ? "option" : "command"} ${JSON.stringify(name)} (${hint})`,
  );
}

function helpOptions(host: Host, output: Output) {
  return { width: output.columns, paint: painter(host, output) };
}
