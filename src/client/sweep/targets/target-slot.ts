import type { Family } from "../../../packet/address.ts";
import type { TargetFailure } from "../../results/results.ts";

/** Where {@link TargetStream.next} writes: the caller owns one and reads it before the next call. */
export interface TargetSlot {
  /** Of the address. */
  family: Family;
  /** The address of an IPv4 target as an unsigned 32-bit number. Of an IPv6 target: what was there before. */
  ipv4: number;
  /** The 16 bytes of the address of an IPv6 target. Of an IPv4 target: what was there before. */
  readonly ipv6: Uint8Array;
  /** The name that was resolved to the address, as given; null when the address itself was given, alone or in a range. */
  host: string | null;
  /** Why there is no address, after `"failure"`. Otherwise: what was there before. */
  failure: TargetFailure | null;
}

/** An empty slot. */
export function createTargetSlot(): TargetSlot {
  return { family: 4, ipv4: 0, ipv6: new Uint8Array(16), host: null, failure: null };
}
