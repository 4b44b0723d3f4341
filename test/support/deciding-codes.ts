import type { Family } from "../../src/packet/address.ts";

/**
 * Which ICMP errors decide a probe, by family, type and code, as the RFCs and Linux have it;
 * written apart from the library's own table, so that one checks the other.
 */
export const DECIDES: Readonly<
  Record<Family, Readonly<Record<number, (code: number) => boolean>>>
> = {
  4: {
    3: (code) => code < 16,
    11: (code) => code !== 1,
    12: () => true,
  },
  6: { 1: () => true, 2: () => true, 3: () => true, 4: () => true },
};
