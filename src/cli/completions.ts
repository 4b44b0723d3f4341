import { optionsOf, TAKES_HOSTS } from "./arguments.ts";
import type { Command, Option } from "./command.ts";
import { ExitCode } from "./host.ts";

type Script = (commands: readonly Command[]) => string;

const SHELLS: Readonly<Record<string, Script>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * `icmpx completions`: the scripts know all commands, this one included, so the list comes as a
 * function.
 */
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
      {
        line: "icmpx completions fish > ~/.config/fish/completions/icmpx.fish",
        summary: "fish, once",
      },
    ],
    async run({ operands: [shell = ""] }, { stdout }) {
      stdout.write(`${SHELLS[shell]?.(commands()) ?? ""}\n`);
      return ExitCode.Answered;
    },
  };
}

/** What `--help` and the like are called where no command was given yet. */
const GLOBAL_OPTIONS = ["--help", "--version", "--yes", "--bootstrap-cap"];
/** Takes the name of a command, and is none of the list. */
const HELP = { name: "help", summary: "show the help of a command" } as const;

function bashScript(commands: readonly Command[]): string {
  const branches = commands.map((command) => {
    const values = optionsOf(command)
      .filter(({ kind }) => kind !== "flag")
      .map((option) => `        ${spellings(option).join("|")}) ${bashValues(option)} ;;`);
    const options = `words="${optionsOf(command).flatMap(spellings).join(" ")}"`;
    const operands = bashOperands(command);
    return [
      `    ${namesOf(command).join("|")})`,
      '      case "$previous" in',
      ...values,
      `        *) case "$current" in -*) ${options} ;; *) ${operands ?? options} ;; esac ;;`,
      "      esac ;;",
    ].join("\n");
  });
  // The line editor takes "--order=random" for three words.
  return `_icmpx() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words="" files="" hosts=""
  if [ "$current" = "=" ]; then current=""
  elif [ "$previous" = "=" ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  case "\${COMP_CWORD}:\${COMP_WORDS[1]}" in
    1:*) words="${[...commands.flatMap(namesOf), HELP.name, ...GLOBAL_OPTIONS].join(" ")}" ;;
    2:${HELP.name}) words="${commands.flatMap(namesOf).join(" ")}" ;;
    *) case "\${COMP_WORDS[1]}" in
${branches.join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$hosts" ]; then COMPREPLY+=($(compgen -A hostname -- "$current")); fi
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -F _icmpx icmpx`;
}

function bashValues({ choices = [], takesFile }: Option): string {
  return takesFile ? "files=1" : `words="${choices.join(" ")}"`;
}

/** What offers operands; undefined for a command that takes none. */
function bashOperands({ operands, choices, takesFiles }: Command): string | undefined {
  if (takesFiles) return "files=1";
  if (choices) return `words="${choices.join(" ")}"`;
  return TAKES_HOSTS.test(operands) ? "hosts=1" : undefined;
}

function zshScript(commands: readonly Command[]): string {
  const describe = [...commands, { ...HELP, aliases: [] }].flatMap((command) =>
    namesOf(command).map(
      (name) => `    ${quoted(`${name}:${command.summary.replaceAll(":", "\\:")}`)}`,
    ),
  );
  const branches = commands.map((command) => {
    const specs = optionsOf(command).map((option) => `        ${zshSpec(option)}`);
    const operands = zshOperands(command);
    if (operands !== undefined)
      specs.push(`        ${quoted(`*:${command.operands.replaceAll(":", "\\:")}:${operands}`)}`);
    return `      ${namesOf(command).join("|")}) _arguments -s \\\n${specs.join(" \\\n")} ;;`;
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
      ${HELP.name}) _arguments ${quoted(`1:COMMAND:(${commands.flatMap(namesOf).join(" ")})`)} ;;
    esac
  fi
}
if [ "$funcstack[1]" = "_icmpx" ]; then _icmpx "$@"; else compdef _icmpx icmpx; fi`;
}

function zshOperands({ operands, choices, takesFiles }: Command): string | undefined {
  if (takesFiles) return "_files";
  if (choices) return `(${choices.join(" ")})`;
  return TAKES_HOSTS.test(operands) ? "_hosts" : undefined;
}

function zshSpec(option: Option): string {
  const { kind, name, letter, value = "", choices, takesFile } = option;
  const values = takesFile ? "_files" : choices ? `(${choices.join(" ")})` : "";
  const action = kind === "flag" ? "" : `:${value}:${values}`;
  const summary = option.summary.replace(/[[\]:\\]/g, "\\$&");
  // A value may stand in the same word: --order=random, -c3.
  const [long, short] =
    kind === "flag" ? [`--${name}`, `-${letter}`] : [`--${name}=`, `-${letter}+`];
  if (letter === undefined) return quoted(`${long}[${summary}]${action}`);
  return `'(-${letter} --${name})'{${short},${long}}${quoted(`[${summary}]${action}`)}`;
}

function fishScript(commands: readonly Command[]): string {
  const names = commands.flatMap(namesOf).join(" ");
  const isFirst = `"not __fish_seen_subcommand_from ${names} ${HELP.name}"`;
  const help = [
    `complete -c icmpx -n ${isFirst} -a ${HELP.name} -d ${quoted(HELP.summary)}`,
    `complete -c icmpx -n "__fish_seen_subcommand_from ${HELP.name}" -a ${quoted(names)}`,
  ];
  const lines = commands.flatMap((command) => {
    const isSeen = `"__fish_seen_subcommand_from ${namesOf(command).join(" ")}"`;
    return [
      ...namesOf(command).map(
        (name) => `complete -c icmpx -n ${isFirst} -a ${name} -d ${quoted(command.summary)}`,
      ),
      ...optionsOf(command).map((option) => `complete -c icmpx -n ${isSeen} ${fishOption(option)}`),
      ...(command.choices
        ? [`complete -c icmpx -n ${isSeen} -a ${quoted(command.choices.join(" "))}`]
        : []),
      ...(command.takesFiles ? [`complete -c icmpx -n ${isSeen} -F`] : []),
      ...(TAKES_HOSTS.test(command.operands)
        ? [`complete -c icmpx -n ${isSeen} -a "(__fish_print_hostnames)"`]
        : []),
    ];
  });
  const global = GLOBAL_OPTIONS.map(
    (name) => `complete -c icmpx -n ${isFirst} -l ${name.slice(2)}`,
  );
  return ["complete -c icmpx -f", ...global, ...help, ...lines].join("\n");
}

function fishOption({ kind, name, letter, choices, takesFile, summary }: Option): string {
  const value = kind === "flag" ? "" : takesFile ? "-r -F" : "-x";
  const parts = [`-l ${name}`, letter === undefined ? "" : `-s ${letter}`, value];
  if (choices) parts.push(`-a ${quoted(choices.join(" "))}`);
  return [...parts.filter((part) => part !== ""), `-d ${quoted(summary)}`].join(" ");
}

function namesOf({ name, aliases }: Pick<Command, "name" | "aliases">): string[] {
  return [name, ...aliases];
}

function spellings({ name, letter }: Option): string[] {
  return letter === undefined ? [`--${name}`] : [`-${letter}`, `--${name}`];
}

/**
 * Between single quotes, where only those themselves are special in all three shells' common
 * ground.
 */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
