import type { Canvas } from "./canvas.ts";

/** How many RTTs lie between two. */
export interface Bucket {
  /** Milliseconds; `from` belongs to it, `to` does not. */
  readonly from: number;
  /** Infinity for the last one, if it takes all that is beyond. */
  readonly to: number;
  readonly count: number;
}

/**
 * Share of the RTTs that must have a bucket of their own: a few outliers shall not squeeze the
 * others into one.
 */
const MOST_SHARE = 0.98;
/** More buckets than that say no more. */
const MOST_BUCKETS = 24;
/** Widths of buckets, times a power of ten. */
const STEPS = [1, 2, 2.5, 5];
/** Finer than a microsecond, or than that share of the RTTs themselves, differences are noise. */
const LEAST_POWER = -3;
const LEAST_SHARE = 0.005;
/** Quotients are off by less than that: 0.3 / 0.1 is 2.9999999999999996. */
const NOISE = 1e-9;

/**
 * Sorts RTTs into at most `most` buckets of one round width, from the least RTT on. The last one
 * takes all that is beyond what nearly all are within.
 */
export function bucketsOf(rtts: readonly number[], most: number): readonly Bucket[] {
  const sorted = rtts.toSorted((a, b) => a - b);
  const limit = Math.min(most, MOST_BUCKETS);
  const [least] = sorted;
  const greatest = sorted.at(-1);
  if (least === undefined || greatest === undefined || limit < 1) return [];
  const usual = sorted[Math.ceil(sorted.length * MOST_SHARE) - 1] ?? greatest;
  const step = stepFor(least, { usual, limit });
  const first = placeOf(least, step);
  const needed = placeOf(greatest, step) - first + 1;
  const counts = new Array<number>(Math.min(needed, limit)).fill(0);
  for (const rtt of sorted) {
    const index = Math.min(placeOf(rtt, step) - first, counts.length - 1);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const hasRest = needed > counts.length;
  return counts.map((count, index) => ({
    from: withoutNoise((first + index) * step),
    to:
      hasRest && index === counts.length - 1
        ? Number.POSITIVE_INFINITY
        : withoutNoise((first + index + 1) * step),
    count,
  }));
}

/** The least round width by which `limit` buckets reach from `least` to `usual`. */
function stepFor(
  least: number,
  { usual, limit }: { readonly usual: number; readonly limit: number },
): number {
  for (let power = LEAST_POWER; ; power += 1) {
    for (const factor of STEPS) {
      const step = withoutNoise(factor * 10 ** power);
      if (step < LEAST_SHARE * usual) continue;
      // One bucket holds everything once it is as wide as that.
      if (placeOf(usual, step) - placeOf(least, step) < limit || step > usual) return step;
    }
  }
}

function placeOf(rtt: number, step: number): number {
  return Math.floor(rtt / step + NOISE);
}

function withoutNoise(value: number): number {
  return Number(value.toPrecision(10));
}

/** Cells of `995–997.5 ms`, and more. */
const LABEL_WIDTH = 14;
/** Cells of ` 1024 99.9%`. */
const FIGURES_WIDTH = 11;
const LEAST_BAR = 4;
/** Eighths of a cell, from none on. */
const EIGHTHS = " ▏▎▍▌▋▊▉";
const FULL = "█";

/**
 * Draws how the latest outcomes are distributed, over the whole of `canvas`: a bar for each bucket,
 * and one for losses.
 */
export function drawHistogram(canvas: Canvas, outcomes: readonly (number | null)[]): void {
  const { width, height } = canvas;
  const rtts = outcomes.filter((outcome) => outcome !== null);
  const losses = outcomes.length - rtts.length;
  const buckets = bucketsOf(rtts, height - (losses > 0 ? 1 : 0));
  const most = Math.max(losses, ...buckets.map(({ count }) => count));
  const hasFigures = width >= LABEL_WIDTH + 1 + LEAST_BAR + FIGURES_WIDTH;
  const barWidth = Math.max(0, width - LABEL_WIDTH - 1 - (hasFigures ? FIGURES_WIDTH : 0));
  const draw = (y: number, label: string, count: number, role: "graph" | "bad"): void => {
    canvas.text(0, y, label, {
      role: role === "bad" ? "bad" : "dim",
      width: LABEL_WIDTH,
      align: "right",
    });
    canvas.text(LABEL_WIDTH + 1, y, barOf(count / most, barWidth), { role, width: barWidth });
    if (!hasFigures || count === 0) return;
    const figures = `${count} ${((100 * count) / outcomes.length).toFixed(1).padStart(5)}%`;
    canvas.text(width - FIGURES_WIDTH, y, figures, { width: FIGURES_WIDTH, align: "right" });
  };
  for (const [y, { from, to, count }] of buckets.entries()) {
    const label = to === Number.POSITIVE_INFINITY ? `≥ ${from} ms` : `${from}–${to} ms`;
    draw(y, label, count, "graph");
  }
  if (losses > 0) draw(buckets.length, "lost", losses, "bad");
}

/** A bar over a share of `width` cells, at least the thinnest for anything at all. */
function barOf(share: number, width: number): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(share * width * 8));
  return (
    FULL.repeat(Math.floor(eighths / 8)) + (eighths % 8 > 0 ? (EIGHTHS[eighths % 8] ?? "") : "")
  );
}
