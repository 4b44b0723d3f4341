import type { AddressRange } from "../../../packet/address-range.ts";
import { type Interval, IntervalSet } from "./interval-set.ts";

/** Addresses of both families that a sweep leaves out. */
export class AddressSet {
  readonly #ipv4: IntervalSet<number>;
  readonly #ipv6: IntervalSet<bigint>;

  constructor(ranges: Iterable<AddressRange> = []) {
    const ipv4: Interval<number>[] = [];
    const ipv6: Interval<bigint>[] = [];
    for (const range of ranges) {
      if (range.family === 4) ipv4.push({ first: range.first, end: range.last + 1 });
      else ipv6.push({ first: range.first, end: range.last + 1n });
    }
    this.#ipv4 = new IntervalSet(ipv4);
    this.#ipv6 = new IntervalSet(ipv6);
  }

  hasIpv4(number: number): boolean {
    return this.#ipv4.has(number);
  }

  hasIpv6(number: bigint): boolean {
    return this.#ipv6.has(number);
  }

  /** The parts of `range` that are not in the set, in ascending order. */
  without(range: AddressRange): AddressRange[] {
    if (range.family === 4) {
      const parts = this.#ipv4.without({ first: range.first, end: range.last + 1 });
      return parts.map(({ first, end }) => ({ family: 4, first, last: end - 1 }));
    }
    const parts = this.#ipv6.without({ first: range.first, end: range.last + 1n });
    return parts.map(({ first, end }) => ({ family: 6, first, last: end - 1n }));
  }
}
