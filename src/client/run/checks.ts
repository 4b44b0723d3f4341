import { canonicalAddress } from "../../packet/address.ts";

/** Throws a TypeError or RangeError unless the option `name` may be `value`. */
export type Check = (name: string, value: unknown) => void;

/**
 * The largest ICMP data: what an IPv4 packet of 65,535 bytes leaves after 20 bytes of IP and 8 of
 * ICMP header.
 */
export const MAX_SIZE = 65_507;

/**
 * Checks every option by its name.
 *
 * @throws {TypeError | RangeError} naming the option and what it may be, also for one that there is
 * not.
 */
export function check(
  method: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Invalid options of ${method}: need an object, have ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    // Every object inherits a "toString" and a "constructor".
    const checkValue = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (checkValue === undefined) {
      throw new TypeError(
        `Unknown option "${name}" of ${method}: allowed are ${Object.keys(checks).join(", ")}`,
      );
    }
    if (value !== undefined) checkValue(name, value);
  }
}

/** A whole number in a range; `highest` may be Infinity. */
export function integer(lowest: number, highest: number): Check {
  const range =
    highest === Number.POSITIVE_INFINITY
      ? `an integer of at least ${lowest}, or Infinity`
      : `an integer from ${lowest} to ${highest}`;
  return (name, value) => {
    if (typeof value !== "number") throw wrongType(name, value, range);
    const isWhole = Number.isInteger(value) || value === highest;
    if (!isWhole || value < lowest || value > highest) throw outOfRange(name, value, range);
  };
}

/** A number in a range. */
export function between(
  lowest: number,
  highest: number,
  how: { aboveLowest?: boolean; unit: string },
): Check {
  const range = `a number ${how.aboveLowest ? "above" : "from"} ${lowest} ${how.aboveLowest ? "up " : ""}to ${highest} ${how.unit}`;
  return (name, value) => {
    if (typeof value !== "number") throw wrongType(name, value, range);
    const isInside = value >= lowest && value <= highest && !(how.aboveLowest && value === lowest);
    if (!isInside) throw outOfRange(name, value, range);
  };
}

/** One of a few values. */
export function oneOf(...choices: readonly (string | number | boolean)[]): Check {
  const range = choices.map(shown).join(" or ");
  return (name, value) => {
    if (!choices.some((choice) => choice === value)) throw wrongType(name, value, range);
  };
}

/** The name or the index of an interface. */
export function interfaceName(name: string, value: unknown): void {
  const isName = typeof value === "string" && value !== "";
  const isIndex =
    typeof value === "number" && Number.isInteger(value) && value > 0 && value < 2 ** 31;
  if (!isName && !isIndex) throw wrongType(name, value, "the name or the index of an interface");
}

/** The text of an IP address. */
export function address(name: string, value: unknown): void {
  if (typeof value !== "string" || canonicalAddress(value) === undefined) {
    throw wrongType(name, value, "an IPv4 or IPv6 address");
  }
}

/** ICMP data: bytes, or text for them. */
export function bytesOrText(name: string, value: unknown): void {
  const length = typeof value === "string" ? new TextEncoder().encode(value).length : undefined;
  const size = value instanceof Uint8Array ? value.length : length;
  if (size === undefined) throw wrongType(name, value, "a Uint8Array or a string");
  if (size > MAX_SIZE) throw outOfRange(name, `${size} bytes`, `at most ${MAX_SIZE} bytes`);
}

/** An AbortSignal. */
export function abortSignal(name: string, value: unknown): void {
  if (!(value instanceof AbortSignal)) throw wrongType(name, value, "an AbortSignal");
}

/** A function. */
export function callable(name: string, value: unknown): void {
  if (typeof value !== "function") throw wrongType(name, value, "a function");
}

function wrongType(name: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`Option "${name}" is ${shown(value)}: need ${allowed}`);
}

function outOfRange(name: string, value: unknown, allowed: string): RangeError {
  return new RangeError(`Option "${name}" is ${String(value)}: need ${allowed}`);
}

/** A value as a message names it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null
    ? `an object (${value.constructor?.name ?? "no prototype"})`
    : String(value);
}
