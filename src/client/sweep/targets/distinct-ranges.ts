import type { AddressRange, Ipv4Range, Ipv6Range } from "../../../packet/address-range.ts";
import { type Interval, Takings } from "./interval-set.ts";

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
