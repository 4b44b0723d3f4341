import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  EXACT_SAMPLES,
  MAX_RELATIVE_ERROR,
  Percentiles,
} from "../../../src/client/results/percentiles.ts";

const PERCENTS = [0, 0.1, 1, 5, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100];
const SAMPLES = 1_000_000;

/** A small generator with a seed (mulberry32), so that a failure can be looked at again. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Type 7, from sorted samples. */
function exact(sorted: ArrayLike<number>, percent: number): number {
  const position = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(position)] as number;
  const high = sorted[Math.ceil(position)] as number;
  return low * (1 - (position % 1)) + high * (position % 1);
}

function filled(samples: Iterable<number>): Percentiles {
  const percentiles = new Percentiles();
  for (const sample of samples) percentiles.add(sample);
  return percentiles;
}

const DISTRIBUTIONS: [name: string, sample: (random: () => number, index: number) => number][] = [
  ["uniform on a LAN", (random) => 0.02 + random() * 0.1],
  [
    "normal around 25 ms",
    (random) => 25 + 2 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  ],
  ["exponential queueing", (random) => 5 - 20 * Math.log(1 - random())],
  ["Pareto tail without a variance", (random) => 0.5 * (1 - random()) ** (-1 / 1.1)],
  ["log-uniform over twelve decades", (random) => 10 ** (random() * 12 - 5)],
  ["two routes", (random) => (random() < 0.7 ? 10 + random() : 180 + random() * 5)],
  ["always the same", () => 12.345],
  ["slowly rising", (_random, index) => 1 + index / 1000],
  ["slowly falling", (_random, index) => 2000 - index / 1000],
];

describe("Percentiles", () => {
  test("percentile() of nothing is null", () => {
    expect(new Percentiles().percentile(50)).toBeNull();
  });

  // numpy.percentile(x, p) of the same numbers.
  const table: [samples: number[], percent: number, value: number][] = [
    [[5], 0, 5],
    [[5], 99, 5],
    [[3, 1], 50, 2],
    [[15, 20, 35, 40, 50], 40, 29],
    [[15, 20, 35, 40, 50], 50, 35],
    [[15, 20, 35, 40, 50], 75, 40],
    [[1, 2, 3, 4], 90, 3.7],
    [[4, 3, 2, 1], 100, 4],
  ];
  for (const [samples, percent, value] of table) {
    test(`percentile(${percent}) of ${samples} is ${value}`, () => {
      expect(filled(samples).percentile(percent)).toBeCloseTo(value, 12);
    });
  }

  test("is exact for any samples up to 1,024", () => {
    const sample = fc.oneof(
      fc.double({ min: 0, max: 1e12, noNaN: true }),
      fc.integer({ min: 0, max: 5 }),
    );
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 1, maxLength: EXACT_SAMPLES }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (samples, percent) => {
          const wanted = exact(
            samples.toSorted((a, b) => a - b),
            percent,
          );
          const difference = Math.abs((filled(samples).percentile(percent) as number) - wanted);
          expect(difference).toBeLessThanOrEqual(1e-12 * wanted + Number.MIN_VALUE);
        },
      ),
    );
  });

  test("turns from exact to counting after 1,024 samples without a jump", () => {
    const random = uniform(7);
    const samples = Array.from({ length: EXACT_SAMPLES + 1 }, () => 1 + random() * 99);
    const percentiles = filled(samples.slice(0, EXACT_SAMPLES));
    expect(percentiles.percentile(50)).toBeCloseTo(
      exact(
        samples.slice(0, EXACT_SAMPLES).sort((a, b) => a - b),
        50,
      ),
      12,
    );
    percentiles.add(samples[EXACT_SAMPLES] as number);
    expect(percentiles.count).toBe(EXACT_SAMPLES + 1);
    const sorted = samples.toSorted((a, b) => a - b);
    for (const percent of PERCENTS) {
      const wanted = exact(sorted, percent);
      const error = Math.abs((percentiles.percentile(percent) as number) - wanted) / wanted;
      expect(error).toBeLessThanOrEqual(MAX_RELATIVE_ERROR);
    }
  });

  for (const [seed, [name, sample]] of DISTRIBUTIONS.entries()) {
    test(`is within 0.5 % for 1,000,000 samples: ${name}`, () => {
      const random = uniform(seed + 1);
      const samples = Float64Array.from({ length: SAMPLES }, (_, index) => sample(random, index));
      const percentiles = filled(samples);
      samples.sort();
      let worst = 0;
      for (const percent of PERCENTS) {
        const wanted = exact(samples, percent);
        worst = Math.max(
          worst,
          Math.abs((percentiles.percentile(percent) as number) - wanted) / wanted,
        );
      }
      expect(worst).toBeLessThanOrEqual(MAX_RELATIVE_ERROR);
      expect(percentiles.percentile(0)).toBe(samples[0] as number);
      expect(percentiles.percentile(100)).toBe(samples[SAMPLES - 1] as number);
    });
  }

  test("holds the bound for values at the very edge of a bucket", () => {
    // Powers of the bucket's growth factor, which rounding may put on either side.
    const alpha = MAX_RELATIVE_ERROR * 0.999;
    const growth = (1 + alpha) / (1 - alpha);
    const samples = Array.from({ length: 3000 }, (_, index) => growth ** (index - 1300));
    const percentiles = filled(samples);
    for (let index = 0; index < samples.length; index += 1) {
      const wanted = samples[index] as number;
      const have = percentiles.percentile((100 * index) / (samples.length - 1)) as number;
      expect(Math.abs(have - wanted) / wanted).toBeLessThanOrEqual(MAX_RELATIVE_ERROR);
    }
  });

  test("zero and values beyond the counted range stay between the least and the greatest", () => {
    const percentiles = new Percentiles();
    for (let index = 0; index < 2000; index += 1) percentiles.add(index % 2 === 0 ? 0 : 1e300);
    expect(percentiles.percentile(0)).toBe(0);
    expect(percentiles.percentile(25)).toBeLessThanOrEqual(1.01e-6);
    expect(percentiles.percentile(75)).toBeGreaterThanOrEqual(0.99e9);
    expect(percentiles.percentile(100)).toBe(1e300);
  });

  test("uses constant memory", () => {
    const percentiles = new Percentiles();
    const random = uniform(99);
    const fill = (count: number): void => {
      for (let index = 0; index < count; index += 1) percentiles.add(10 ** (random() * 17 - 7));
    };
    fill(50_000);
    Bun.gc(true);
    const before = process.memoryUsage();
    fill(1_000_000);
    Bun.gc(true);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 1024);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1024 * 1024);
  });

  test("refuses what is no sample, and what is no percentage", () => {
    const percentiles = filled([1]);
    for (const sample of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(() => percentiles.add(sample)).toThrow(RangeError);
    }
    for (const percent of [-0.1, 100.1, Number.NaN]) {
      expect(() => percentiles.percentile(percent)).toThrow(RangeError);
    }
    expect(percentiles.count).toBe(1);
  });
});
