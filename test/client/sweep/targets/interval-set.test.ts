import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { distinctRanges } from "../../../../src/client/sweep/targets/address-set.ts";
import { type Interval, IntervalSet } from "../../../../src/client/sweep/targets/interval-set.ts";
import type { AddressRange } from "../../../../src/packet/index.ts";

const SPACE = 60;
const interval = fc
  .tuple(fc.nat({ max: SPACE }), fc.integer({ min: 1, max: 12 }))
  .map(([first, size]): Interval<number> => ({ first, end: first + size }));
const intervals = fc.array(interval, { maxLength: 12 });

function numbersOf(parts: readonly Interval<number>[]): number[] {
  return parts.flatMap(({ first, end }) =>
    Array.from({ length: end - first }, (_, index) => first + index),
  );
}

describe("IntervalSet", () => {
  test("has exactly the numbers of its intervals", () => {
    fc.assert(
      fc.property(intervals, (given) => {
        const [set, numbers] = [new IntervalSet(given), new Set(numbersOf(given))];
        for (let number = -1; number < SPACE + 15; number++)
          expect(set.has(number)).toBe(numbers.has(number));
      }),
    );
  });

  test("leaves of an interval what it does not have, in ascending parts that do not touch", () => {
    fc.assert(
      fc.property(intervals, interval, (given, whole) => {
        const excluded = new Set(numbersOf(given));
        const parts = new IntervalSet(given).without(whole);
        expect(numbersOf(parts)).toEqual(
          numbersOf([whole]).filter((number) => !excluded.has(number)),
        );
        for (const [index, { first, end }] of parts.entries()) {
          expect(first).toBeLessThan(end);
          expect(first).toBeGreaterThan(parts[index - 1]?.end ?? -1);
        }
      }),
    );
  });

  test("does the same with bigints, to the end of the address space", () => {
    const end = 2n ** 128n;
    const set = new IntervalSet([
      { first: end - 5n, end },
      { first: 0n, end: 2n },
      { first: end - 9n, end: end - 7n },
    ]);
    expect(
      [0n, 1n, 2n, end - 10n, end - 9n, end - 8n, end - 7n, end - 1n].map((number) =>
        set.has(number),
      ),
    ).toEqual([true, true, false, false, true, true, false, true]);
    expect(set.without({ first: 0n, end })).toEqual([
      { first: 2n, end: end - 9n },
      { first: end - 7n, end: end - 5n },
    ]);
  });

  test("that is empty takes nothing away", () => {
    expect(new IntervalSet<number>().without({ first: 3, end: 4 })).toEqual([{ first: 3, end: 4 }]);
    expect(new IntervalSet<number>().has(3)).toBe(false);
  });
});

describe("distinctRanges()", () => {
  const range = fc
    .tuple(fc.constantFrom<4 | 6>(4, 6), fc.nat({ max: SPACE }), fc.nat({ max: 12 }))
    .map(
      ([family, first, more]): AddressRange =>
        family === 4
          ? { family, first, last: first + more }
          : { family, first: BigInt(first), last: BigInt(first + more) },
    );

  function addresses(ranges: readonly AddressRange[]): string[] {
    return ranges.flatMap(({ family, first, last }) =>
      Array.from(
        { length: Number(last) - Number(first) + 1 },
        (_, index) => `${family}:${Number(first) + index}`,
      ),
    );
  }

  test("keeps each address in its first place only", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 15 }), (ranges) => {
        expect(addresses(distinctRanges(ranges))).toEqual([...new Set(addresses(ranges))]);
      }),
      { numRuns: 500 },
    );
  });

  test("leaves a sorted list as it is", () => {
    const ranges: AddressRange[] = [
      { family: 4, first: 1, last: 5 },
      { family: 4, first: 6, last: 6 },
    ];
    expect(distinctRanges(ranges)).toBe(ranges);
  });
});
