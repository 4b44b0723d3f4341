import type { Dissection } from "../fixtures/tshark.ts";

/** A packet, and what the two make of it. */
export interface Comparison {
  readonly bytes: Uint8Array;
  /** What we say, unless `error` says that we do not. */
  readonly ours: Dissection;
  /** Why we refuse. */
  readonly error?: string;
  readonly theirs: Dissection;
}

/**
 * How tshark's values of a field differ from ours: more or fewer occurrences of them, or other
 * ones.
 */
export type Relation = "more" | "less" | "other";

/** A difference that is meant to be. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  /** Fields that may differ. */
  readonly fields: RegExp;
  /** How. */
  readonly relations: readonly Relation[];
  /** Refusals that it explains, too. */
  readonly errors?: RegExp;
  readonly applies: (comparison: Comparison) => boolean;
}

/** Every field. */
export const ANY: RegExp = /./;

/** How tshark's values of a field relate to ours; undefined when they are alike. */
export function relationOf(
  ours: readonly string[] = [],
  theirs: readonly string[] = [],
): Relation | undefined {
  if (Bun.deepEquals(ours, theirs)) return undefined;
  const [short, long] = ours.length < theirs.length ? [ours, theirs] : [theirs, ours];
  if (short.length === long.length || !isSubsequence(short, long)) return "other";
  return ours.length < theirs.length ? "more" : "less";
}

function isSubsequence(short: readonly string[], long: readonly string[]): boolean {
  let found = 0;
  for (const value of long) if (value === short[found]) found += 1;
  return found === short.length;
}
