import type { Family } from "../../../packet/address.ts";
import { type AddressRange, endsOf, parseAddressRange } from "../../../packet/address-range.ts";
import type { TargetFailure } from "../../results/results.ts";
import type { SweepZone } from "./sweep-zone.ts";

/** What a target as given turned out to be. */
export type ParsedTarget =
  | { readonly kind: "range"; readonly range: AddressRange }
  | { readonly kind: "name" }
  | TargetFailure;

/**
 * What the text of one target stands for. An IPv6 address or network may have a zone:
 * `fe80::1%eth0`, `fe80::%eth0/120` (RFC 4007 section 11.7). A text that is meant as addresses and
 * is wrong, or has addresses of another family than wanted, is a failure; so is an empty one. What
 * is none of these is a name, and the resolver's business.
 */
export function parseTarget(
  text: string,
  family: Family | undefined,
  zones: SweepZone,
): ParsedTarget {
  const zoned = ZONED.exec(text);
  const zone = zoned?.[2];
  let range: AddressRange | undefined;
  try {
    range = parseAddressRange(zoned === null ? text : `${zoned[1]}${zoned[3] ?? ""}`, {
      hostsOnly: true,
    });
  } catch (error) {
    if (error instanceof RangeError) return failedTarget(text, "ERR_INVALID_TARGET", error.message);
    throw error;
  }
  if (range === undefined) {
    return text === ""
      ? failedTarget(text, "ERR_INVALID_TARGET", "A target is empty")
      : { kind: "name" };
  }
  const refusal = zones.refusal(endsOf(range), zone);
  if (refusal !== undefined) {
    return failedTarget(text, refusal.code, `Target ${text} cannot be probed: ${refusal.why}`);
  }
  if (family === undefined || range.family === family) return { kind: "range", range };
  return failedTarget(
    text,
    "ERR_NO_ADDRESS",
    `Target ${text} is not IPv${family}, as "family" wants`,
  );
}

/** An IPv6 address, its zone, and the length of a network. */
const ZONED = /^([\da-f:.]*:[\da-f:.]*)%([^/\s]+)(\/\d+)?$/i;

/** A target that cannot be probed, for one of our own reasons or that of an error. */
export function failedTarget(target: string, error: string, message: string): TargetFailure {
  return { kind: "targetFailure", target, error, message };
}

/**
 * Reads the ranges that a sweep leaves out.
 *
 * @throws TypeError for a name or what is no text, RangeError for addresses that are written
 * wrongly.
 */
export function parseExcludes(texts: Iterable<unknown>): AddressRange[] {
  return Array.from(texts, (text) => {
    const range = typeof text === "string" ? parseAddressRange(text) : undefined;
    if (range !== undefined) return range;
    const shown = typeof text === "string" ? JSON.stringify(text) : String(text);
    throw new TypeError(
      `Option "exclude" has ${shown}: need addresses, networks or ranges, no names`,
    );
  });
}
