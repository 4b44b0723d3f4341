import { optionsOf } from "./arguments.ts";
import type { Command, Option } from "./command.ts";
import { type Paint, wrap } from "./text.ts";

/** Lines longer than this are tiring to read. */
const MAX_WIDTH = 100;
const INDENT = "  ";

/** How help is laid out. */
export interface HelpOptions {
  /** Columns of the terminal. Default 80. */
  readonly width?: number | undefined;
  readonly paint: Paint;
}

/** The help of `icmpx` itself. */
export function formatHelp(
  commands: readonly Command[],
  { width = 80, paint }: HelpOptions,
): string {
  const room = Math.min(width, MAX_WIDTH);
  const names = commands.map(({ name, operands }) =>
    operands === "" ? name : `${name} ${operands}`,
  );
  return [
    `${paint("bold", "Usage:")} icmpx [COMMAND [options] ...]`,
    "",
    wrap(
      "ICMP diagnostics: who answers, how fast, and by which way. Without a command it starts the terminal UI.",
      room,
    ),
    "",
    paint("bold", "Commands:"),
    ...twoColumns(
      commands.map(({ summary }, index) => [names[index] ?? "", summary]),
      room,
    ),
    "",
    paint("bold", "Options:"),
    ...twoColumns(
      [
        ["-h, --help", "show this; icmpx COMMAND --help shows the options of a command"],
        ["-V, --version", "show the version"],
        ["--yes", "fetch the terminal UI without asking, if it is not installed"],
        [
          "--bootstrap-cap",
          "allow this Bun to open raw sockets (icmpx doctor --fix) and start the terminal UI",
        ],
      ],
      room,
    ),
  ].join("\n");
}

/** The help of one command. */
export function formatCommandHelp(command: Command, { width = 80, paint }: HelpOptions): string {
  const room = Math.min(width, MAX_WIDTH);
  const { name, aliases, operands, description, examples } = command;
  const usage = ["icmpx", name, "[options]", operands].filter((word) => word !== "").join(" ");
  return [
    `${paint("bold", "Usage:")} ${usage}`,
    ...(aliases.length === 0 ? [] : [`Also known as: ${aliases.join(", ")}`]),
    ...description.flatMap((paragraph) => ["", wrap(paragraph, room)]),
    "",
    paint("bold", "Options:"),
    ...twoColumns(
      optionsOf(command).map((option) => [optionText(option), option.summary]),
      room,
    ),
    ...(examples.length === 0 ? [] : ["", paint("bold", "Examples:")]),
    ...examples.flatMap(({ line, summary }) => [
      ...(summary === "" ? [] : [`${INDENT}# ${summary}`]),
      `${INDENT}${line}`,
    ]),
  ].join("\n");
}

function optionText({ name, letter, value }: Option): string {
  const short = letter === undefined ? "    " : `-${letter}, `;
  return `${short}--${name}${value === undefined ? "" : ` ${value}`}`;
}

function twoColumns(
  rows: readonly (readonly [left: string, right: string])[],
  width: number,
): string[] {
  const leftWidth = INDENT.length + Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(
    ([left, right]) => `${`${INDENT}${left}`.padEnd(leftWidth)}${wrap(right, width, leftWidth)}`,
  );
}
