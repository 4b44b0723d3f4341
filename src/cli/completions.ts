import { optionsOf } from "./arguments.ts";
import type { Command, Option } from "./command.ts";
import { ExitCode } from "./host.ts";

type Script = (commands: readonly Command[]) => string;

const SHELLS: Readonly<Record<string, Script>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `icmpx completions`: the scripts know all commands, this one included, so the list comes as a function. */
export function completionsCommand(commands: () => readonly Command[]): Command {
  return {
    name: "completions",
    aliases: [],
    operands: "SHELL",
    count: [1, 1],
    choices: Object.keys(SHELLS),
    summary: "print what completes the command in a shell: bash, zsh or fish",
    description: ["Prints a script that makes Tab complete commands, options and their values."],
    options: [],
    examples: [
      { line: 'eval "$(icmpx completions bash)"', summary: "in ~/.bashrc" },
      { line: 'icmpx completions zsh > "$fpath[1]/_icmpx"', summary: "zsh, once" },
      { line: "icmpx completions fish > ~/.config/fish/completions/icmpx.fish", summary: "fish, once" },
    ],
    async run({ operands: [shell = ""] }, { stdout }) {
      stdout.write(`${SHELLS[shell]?.(commands()) ?? ""}\n`);
      return ExitCode.Answered;
    },
  };
}

/** What `--help` and the like are called where no command was given yet. */
const GLOBAL_OPTIONS = ["--help", "--version", "--bootstrap-cap"];

function bashScript(commands: readonly Command[]): string {
  const branches = commands.map((command) => {
    const words = [...optionsOf(command).flatMap(spellings), ...(command.choices ?? [])];
    const values = optionsOf(command)
      .filter(({ kind }) => kind !== "flag")
      .map(
        (option) => `        ${spellings(option).join("|")}) words="${(option.choices ?? []).join(" ")}" ;;`,
      );
    return [
      `    ${namesOf(command).join("|")})`,
      '      case "$previous" in',
      ...values,
      `        *) words="${words.join(" ")}"${command.takesFiles ? "; files=1" : ""} ;;`,
      "      esac ;;",
    ].join("\n");
  });
  return `_icmpx() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words="" files=""
  case "\${COMP_CWORD}:\${COMP_WORDS[1]}" in
    1:*) words="${[...commands.flatMap(namesOf), ...GLOBAL_OPTIONS].join(" ")}" ;;
    *) case "\${COMP_WORDS[1]}" in
${branches.join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -F _icmpx icmpx`;
}

function zshScript(commands: readonly Command[]): string {
  const describe = commands.flatMap((command) =>
    namesOf(command).map((name) => `    ${quoted(`${name}:${command.summary.replaceAll(":", "\\:")}`)}`),
  );
  const branches = commands.map((command) => {
    const specs = optionsOf(command).map((option) => `        ${zshSpec(option)}`);
    const operands = command.takesFiles
      ? "_files"
      : command.choices
        ? `(${command.choices.join(" ")})`
        : "_hosts";
    const operand = `        ${quoted(`*:${command.operands.replaceAll(":", "\\:") || "operand"}:${operands}`)}`;
    return `      ${namesOf(command).join("|")}) _arguments -s \\\n${[...specs, operand].join(" \\\n")} ;;`;
  });
  return `#compdef icmpx
_icmpx() {
  local -a commands=(
${describe.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments ${GLOBAL_OPTIONS.join(" ")}
  else
    shift words
    (( CURRENT -= 1 ))
    case "$words[1]" in
${branches.join("\n")}
    esac
  fi
}
if [ "$funcstack[1]" = "_icmpx" ]; then _icmpx "$@"; else compdef _icmpx icmpx; fi`;
}

function zshSpec(option: Option): string {
  const { kind, name, letter, value = "", choices } = option;
  const action = kind === "flag" ? "" : `:${value}:${choices ? `(${choices.join(" ")})` : ""}`;
  const summary = option.summary.replace(/[[\]:\\]/g, "\\$&");
  if (letter === undefined) return quoted(`--${name}[${summary}]${action}`);
  return `'(-${letter} --${name})'{-${letter},--${name}}${quoted(`[${summary}]${action}`)}`;
}

function fishScript(commands: readonly Command[]): string {
  const isFirst = `"not __fish_seen_subcommand_from ${commands.flatMap(namesOf).join(" ")}"`;
  const lines = commands.flatMap((command) => {
    const isSeen = `"__fish_seen_subcommand_from ${namesOf(command).join(" ")}"`;
    return [
      ...namesOf(command).map(
        (name) => `complete -c icmpx -n ${isFirst} -a ${name} -d ${quoted(command.summary)}`,
      ),
      ...optionsOf(command).map((option) => `complete -c icmpx -n ${isSeen} ${fishOption(option)}`),
      ...(command.choices ? [`complete -c icmpx -n ${isSeen} -a ${quoted(command.choices.join(" "))}`] : []),
      ...(command.takesFiles ? [`complete -c icmpx -n ${isSeen} -F`] : []),
    ];
  });
  const global = GLOBAL_OPTIONS.map((name) => `complete -c icmpx -n ${isFirst} -l ${name.slice(2)}`);
  return ["complete -c icmpx -f", ...global, ...lines].join("\n");
}

function fishOption({ kind, name, letter, choices, summary }: Option): string {
  const parts = [`-l ${name}`, letter === undefined ? "" : `-s ${letter}`, kind === "flag" ? "" : "-x"];
  if (choices) parts.push(`-a ${quoted(choices.join(" "))}`);
  return [...parts.filter((part) => part !== ""), `-d ${quoted(summary)}`].join(" ");
}

function namesOf({ name, aliases }: Command): string[] {
  return [name, ...aliases];
}

function spellings({ name, letter }: Option): string[] {
  return letter === undefined ? [`--${name}`] : [`-${letter}`, `--${name}`];
}

/** Between single quotes, where only those themselves are special in all three shells' common ground. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
