/** What the examples share: arguments in, an exit code out. */
import { basename } from "node:path";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { type Family, IcmpxError, type Measurement } from "icmpx";
import { flush, localized } from "./output.ts";

/** What was asked for on the command line. */
interface Arguments<Name extends string> {
  readonly hosts: readonly string[];
  /** Options as they were given: undefined when they were not. */
  readonly numbers: Readonly<Partial<Record<Name, number>>>;
  /** What -4, -6 and --no-dns say to the library. */
  readonly common: { readonly resolveDns: boolean; readonly family?: Family };
}

/** One example program. */
interface Program<Name extends string> {
  readonly usage: string;
  /** Options that take a number: their long names, each with its letter. */
  readonly letters: Readonly<Record<Name, string>>;
  /** How many hosts it takes. Default 1. */
  readonly maxHosts?: number;
  /** Does the work and gives the exit code. */
  main(args: Arguments<Name>): Promise<number>;
}

class UsageError extends Error {}

/**
 * Runs a program and ends the process: code 2 after wrong use, 1 after a failure, each with one
 * line on stderr.
 */
export async function run<Name extends string>(program: Program<Name>): Promise<never> {
  try {
    const code = await program.main(readArguments(program));
    await flush();
    // Not left to the event loop: a name server that does not answer would keep it waiting.
    process.exit(code);
  } catch (error) {
    await flush();
    // Stopped before anything was measured.
    if (error instanceof DOMException && error.name === "AbortError") process.exit(1);
    const isWrongUse = error instanceof UsageError;
    if (!isWrongUse && !(error instanceof IcmpxError)) throw error;
    const name = basename(process.argv[1] ?? "icmpx", ".ts");
    process.stderr.write(localized(`${name}: ${error.message}\n`));
    process.exit(isWrongUse ? 2 : 1);
  }
}

/**
 * Makes a measurement. Options that the library refuses are wrong use. Ctrl-C and SIGTERM end it
 * early, so that its result is still shown; a second one ends the process.
 */
export function prepare<Item, Result>(
  make: () => Measurement<Item, Result>,
): Measurement<Item, Result> {
  const measurement = accepted(make);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    measurement.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
  return measurement;
}

/** Seconds as the milliseconds of the library, without the noise of binary fractions. */
export function seconds(value: number): number {
  return Math.round(value * 1e6) / 1e3;
}

function readArguments<Name extends string>(program: Program<Name>): Arguments<Name> {
  const { usage, maxHosts = 1 } = program;
  const names = Object.keys(program.letters) as Name[];
  const options: ParseArgsOptionsConfig = {
    "no-dns": { type: "boolean" },
    ipv4: { type: "boolean", short: "4" },
    ipv6: { type: "boolean", short: "6" },
    help: { type: "boolean", short: "h" },
  };
  for (const name of names) options[name] = { type: "string", short: program.letters[name] };
  const { values, positionals } = parse(options);
  if (values["help"]) {
    console.log(usage);
    process.exit(0);
  }
  if (positionals.includes("")) {
    throw new UsageError('Invalid target "": need a host name or an IP address');
  }
  if (positionals.length > maxHosts)
    throw new UsageError(`Too many hosts: need at most ${maxHosts}`);
  if (values["ipv4"] && values["ipv6"])
    throw new UsageError("Options -4 and -6 exclude each other");
  const family = values["ipv4"]
    ? { family: 4 as const }
    : values["ipv6"]
      ? { family: 6 as const }
      : {};
  const numbers: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const text = values[name];
    if (typeof text === "string") numbers[name] = readNumber(name, text);
  }
  return { hosts: positionals, numbers, common: { resolveDns: !values["no-dns"], ...family } };
}

function parse(options: ParseArgsOptionsConfig) {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Only its first sentence: the advice after it fills several lines.
    throw new UsageError(
      `${error.message.split(/\.?(?:\n| To )/, 1)[0]} (--help shows the options)`,
    );
  }
}

/** What `make` gives. TypeError and RangeError are how the library refuses an option. */
function accepted<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError)
      throw new UsageError(error.message);
    throw error;
  }
}

function readNumber(name: string, text: string): number {
  if (/^([+-]?(\d+(\.\d*)?|\.\d+)|Infinity)$/.test(text)) return Number(text);
  throw new UsageError(`Option "--${name}" is ${JSON.stringify(text)}: need a number`);
}
