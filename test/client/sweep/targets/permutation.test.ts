import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  MAX_PERMUTATION_SIZE,
  Permutation,
} from "../../../../src/client/sweep/targets/permutation.ts";

function order(size: number, seed: number): number[] {
  const permutation = new Permutation(size, seed);
  return Array.from({ length: size }, (_, index) => permutation.at(index));
}

const seeds = fc.nat({ max: Number.MAX_SAFE_INTEGER });

describe("Permutation", () => {
  test("has each number exactly once, whatever size and seed", () => {
    fc.assert(
      fc.property(fc.nat({ max: 3000 }), seeds, (size, seed) => {
        const sorted = order(size, seed).sort((one, other) => one - other);
        expect(sorted).toEqual(Array.from({ length: size }, (_, index) => index));
      }),
      { numRuns: 300 },
    );
  });

  test.each([0, 1, 2, 3, 4, 5, 15, 16, 17, 254, 65_534])(
    "has each number exactly once for size %d",
    (size) => {
      for (let seed = 0; seed < 20; seed++) expect(new Set(order(size, seed)).size).toBe(size);
    },
  );

  test.each([
    2 ** 31,
    2 ** 32 - 2,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 40 + 7,
    2 ** 51 - 1,
    2 ** 51,
    MAX_PERMUTATION_SIZE,
  ])("gives different integers below size %d", (size) => {
    const permutation = new Permutation(size, 7);
    const seen = new Set<number>();
    for (let index = 0; index < 20_000; index++) {
      seen.add(permutation.at(index));
      seen.add(permutation.at(size - 1 - index));
    }
    expect(seen.size).toBe(40_000);
    for (const number of seen) {
      if (!Number.isInteger(number) || number < 0 || number >= size)
        throw new Error(`${number} is outside`);
    }
  });

  test("is the same for the same seed, and another for another, in any of its 53 bits", () => {
    expect(order(1000, 42)).toEqual(order(1000, 42));
    for (let bit = 0; bit < 53; bit++) expect(order(1000, 2 ** bit)).not.toEqual(order(1000, 0));
  });

  test("puts any number in any place, evenly", () => {
    // 20,000 seeds, 20 numbers in place 3: each 1,000 times, give or take 31.
    const counts = new Array<number>(20).fill(0);
    for (let seed = 0; seed < 20_000; seed++) {
      const number = new Permutation(20, seed).at(3);
      counts[number] = (counts[number] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(160);
  });

  // Lags of 1 and 2, and of 256 and 1024: the columns of the network for 2^16 and 2^20.
  test.each([
    [65_534, 1],
    [65_534, 2],
    [65_534, 256],
    [2 ** 20, 1],
    [2 ** 20, 1024],
    [1_000_003, 1],
    [2 ** 24, 256],
    [2 ** 32 - 2, 1],
    [2 ** 48, 1],
  ])("of %d spreads those %d apart over all pairs of places", (size, lag) => {
    const buckets = 16;
    const samples = 50_000;
    for (let seed = 1; seed <= 4; seed++) {
      const permutation = new Permutation(size, seed);
      const bucket = (index: number) => Math.floor((permutation.at(index) / size) * buckets);
      const pairs = new Array<number>(buckets ** 2).fill(0);
      for (let index = 0; index < samples; index++) {
        const pair = bucket(index) * buckets + bucket(index + lag);
        pairs[pair] = (pairs[pair] ?? 0) + 1;
      }
      const expected = samples / buckets ** 2;
      const chiSquared = pairs.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 255 degrees of freedom: a mean of 255 and a standard deviation of 22.6; a line in order
      // would give millions.
      expect(Math.abs(chiSquared - 255)).toBeLessThan(6 * 22.6);
    }
  });

  test("does not hit one network in a run", () => {
    // 256 /24s: of any 256 addresses in a row about one falls into each; the fullest of 256 bins
    // has 5 or 6 of 256 balls.
    for (let seed = 1; seed <= 4; seed++) {
      const numbers = order(65_536, seed);
      let fullest = 0;
      for (let start = 0; start < numbers.length; start += 256) {
        const hits = new Map<number, number>();
        for (const number of numbers.slice(start, start + 256)) {
          const network = number >> 8;
          hits.set(network, (hits.get(network) ?? 0) + 1);
        }
        fullest = Math.max(fullest, ...hits.values());
      }
      expect(fullest).toBeLessThan(13);
      const neighbours = numbers.filter(
        (number, index) => number >> 8 === (numbers[index + 1] ?? 0) >> 8,
      ).length;
      expect(Math.abs(neighbours - 256)).toBeLessThan(6 * 16);
    }
  });
});
