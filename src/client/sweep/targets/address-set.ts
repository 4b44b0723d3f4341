import type { AddressRange, Ipv4Range, Ipv6Range } from "../../../packet/address-range.ts";
import { type Interval, IntervalSet, Takings } from "./interval-set.ts";

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

/** `ranges` in their order, without the addresses that an earlier one has. */
export function distinctRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  if (isAscending(ranges)) return ranges;
  const ipv4 = new Takings(ranges.filter((range) => range.family === 4).map(ipv4Interval));
  const ipv6 = new Takings(ranges.filter((range) => range.family === 6).map(ipv6Interval));
  return ranges.flatMap((range): AddressRange[] => {
    if (range.family === 4) {
      const parts = ipv4.take(ipv4Interval(range));
      return parts.map(({ first, end }) => ({ family: 4, first, last: end - 1 }));
    }
    const parts = ipv6.take(ipv6Interval(range));
    return parts.map(({ first, end }) => ({ family: 6, first, last: end - 1n }));
  });
}

/** Whether nothing can overlap, as in a sorted list. */
function isAscending(ranges: readonly AddressRange[]): boolean {
  return ranges.every((range, index) => {
    const previous = ranges[index - 1];
    return (
      previous === undefined || (previous.family === range.family && previous.last < range.first)
    );
  });
}

function ipv4Interval({ first, last }: Ipv4Range): Interval<number> {
  return { first, end: last + 1 };
}

function ipv6Interval({ first, last }: Ipv6Range): Interval<bigint> {
  return { first, end: last + 1n };
}
