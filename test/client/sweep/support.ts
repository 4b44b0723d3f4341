import type { SweepItem } from "../../../src/client/sweep/sweep-results.ts";
import type { SocketKind } from "../../support/fake-platform.ts";

/** A small range of each family, and its addresses. */
export function rangeOf(
  { family }: Pick<SocketKind, "family">,
  count: number,
): {
  readonly text: string;
  readonly addresses: readonly string[];
} {
  const addresses = Array.from({ length: count }, (_, index) =>
    family === 4 ? `198.51.100.${index + 1}` : `2001:db8:1::${(index + 1).toString(16)}`,
  );
  return { text: `${addresses[0]}-${addresses.at(-1)}`, addresses };
}

/** Hosts in short: address, what became of it, and after how many attempts. */
export function shortHosts(items: Iterable<SweepItem>): string[] {
  return Array.from(items, (item) =>
    item.kind === "targetFailure"
      ? `${item.target} ${item.error}`
      : `${item.addr} ${item.error ?? `${item.rtt}`} ${item.attempts}`,
  );
}
