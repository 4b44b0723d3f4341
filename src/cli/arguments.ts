import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { Command, Option } from "./command.ts";
import { UsageError } from "./host.ts";
import { HELP } from "./options.ts";
import { suggest } from "./suggest.ts";
import { Values } from "./values.ts";

/** What stands in help for operands that are hosts. */
export const TAKES_HOSTS: RegExp = /HOST|TARGET/;

/** All options of a command, those that every command has included. */
export function optionsOf(command: Command): readonly Option[] {
  return [...command.options, HELP];
}

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} naming the argument, what it may be, and what was probably meant
 */
export function readValues(command: Command, args: readonly string[]): Values {
  const options = optionsOf(command);
  const byName = new Map(
    options.flatMap((option) =>
      [option.name, ...(option.also ?? [])].map((name) => [name, option]),
    ),
  );
  const config: ParseArgsOptionsConfig = {};
  for (const [name, { kind, letter, name: main }] of byName) {
    const type = kind === "flag" ? "boolean" : "string";
    config[name] = letter !== undefined && name === main ? { type, short: letter } : { type };
  }
  const lone = words(args).find((word) => /^-[a-z]/.test(word) && byName.has(word.slice(1)));
  if (lone !== undefined) throw new UsageError(`Unknown option ${lone} (did you mean -${lone}?)`);
  const { tokens } = parseArgs({
    args: [...args],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string | number | true>();
  const operands: string[] = [];
  let flag: string | undefined;
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (flag !== undefined) checkNoValue(command, flag, token.value);
      operands.push(token.value);
    }
    flag = undefined;
    if (token.kind !== "option") continue;
    const option = byName.get(token.name);
    if (option === undefined) throw unknownOption(command, token.rawName);
    if (option.kind === "flag") flag = token.rawName;
    const value = readValue(option, token.rawName, token.value);
    given.set((typeof value === "string" && option.storeAs?.(value)) || option.name, value);
  }
  const values = new Values(
    options.map(({ name }) => name),
    given,
    operands,
  );
  if (!values.has("help")) checkOperands(command, operands);
  return values;
}

/** What stands before `--`: after it all are operands. */
function words(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}

/**
 * A number is no host. Behind a flag it is the value that another tool's option of that letter
 * takes, such as the TTL of fping's `-H 5`.
 */
function checkNoValue({ operands }: Command, flag: string, text: string): void {
  if (!TAKES_HOSTS.test(operands) || !/^(0x[\da-f]+|\d+(\.\d+)?)$/i.test(text)) return;
  throw new UsageError(`Option ${flag} takes no value, and ${JSON.stringify(text)} is no host`);
}

function readValue(
  option: Option,
  shown: string,
  text: string | undefined,
): string | number | true {
  if (option.kind === "flag") {
    if (text !== undefined) throw new UsageError(`Option ${shown} takes no value`);
    return true;
  }
  if (text === undefined) throw new UsageError(`Option ${shown} needs a value: ${option.value}`);
  if (option.kind === "text") return readText(option, shown, text);
  const isNumber =
    /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text) ||
    (option.kind === "byte" && /^0x[\da-f]+$/i.test(text));
  const value = isNumber ? Number(text) : Number.NaN;
  const [least, greatest] = option.range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const isWhole = option.kind === "seconds" || Number.isInteger(value);
  if (!isWhole || !(value >= least && value <= greatest)) {
    const what = option.kind === "seconds" ? "seconds" : "a whole number";
    const upTo =
      greatest === Number.MAX_SAFE_INTEGER
        ? `of at least ${least}`
        : `from ${least} to ${greatest}`;
    throw new UsageError(`Option ${shown} is ${JSON.stringify(text)}: need ${what} ${upTo}`);
  }
  // Without the noise of binary fractions.
  return option.kind === "seconds" ? Math.round(value * 1e6) / 1e3 : value;
}

function readText({ choices, value }: Option, shown: string, text: string): string {
  // As `"$PLACE"` without a PLACE: what was meant is not what it would be taken for.
  if (text === "") throw new UsageError(`Option ${shown} is empty: need ${value}`);
  if (choices === undefined || choices.includes(text)) return text;
  throw new UsageError(`Option ${shown} is ${JSON.stringify(text)}: need ${choices.join(", ")}`);
}

function unknownOption(command: Command, rawName: string): UsageError {
  const elsewhere = command.elsewhere?.[rawName];
  if (elsewhere !== undefined) return new UsageError(`Unknown option ${rawName} (${elsewhere})`);
  const names = optionsOf(command).flatMap(({ name, also = [] }) => [name, ...also]);
  const meant = rawName.startsWith("--") ? suggest(rawName.slice(2), names) : undefined;
  const hint =
    meant === undefined
      ? `icmpx ${command.name} --help shows the options`
      : `did you mean --${meant}?`;
  return new UsageError(`Unknown option ${rawName} (${hint})`);
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const [least, most] = command.count;
  if (operands.includes("")) throw new UsageError('Operand "" is empty');
  if (operands.length < least)
    throw new UsageError(`Need ${command.operands}: icmpx ${command.name} --help shows how`);
  if (operands.length > most) {
    throw new UsageError(
      most === 0
        ? `Takes no operand, have ${JSON.stringify(operands[0])}`
        : `Need one ${command.operands}, have ${operands.length}: ${operands.map((operand) => JSON.stringify(operand)).join(", ")}`,
    );
  }
  const { choices } = command;
  if (choices === undefined) return;
  for (const operand of operands) {
    if (choices.includes(operand)) continue;
    throw new UsageError(`Operand is ${JSON.stringify(operand)}: need ${choices.join(", ")}`);
  }
}
