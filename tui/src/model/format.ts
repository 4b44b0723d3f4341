import type { Role } from "./role.ts";

/** Cells that {@link formatRtt}, {@link formatLoss} and {@link formatCount} need at most. */
export const FIGURE_WIDTH = 5;

/** Stands for a figure without a sample. */
const UNKNOWN = "-";

/**
 * A time in milliseconds with two or three digits that count, in at most 5 cells: `0.031`, `0.31`,
 * `1.24`, `12.4`, `123`, `4567`, then in seconds: `12.3s`, `123s`. `-` for null.
 */
export function formatRtt(rtt: number | null): string {
  if (rtt === null) return UNKNOWN;
  // The bounds are those of the rounded text: 9.996 is "10.0", not "10.00".
  if (rtt < 0.0005) return "0.00";
  if (rtt < 0.0995) return rtt.toFixed(3);
  if (rtt < 9.995) return rtt.toFixed(2);
  if (rtt < 99.95) return rtt.toFixed(1);
  if (rtt < 9999.5) return rtt.toFixed(0);
  if (rtt < 99_950) return `${(rtt / 1000).toFixed(1)}s`;
  return `${Math.min(9999, Math.round(rtt / 1000))}s`;
}

/**
 * A loss ratio from 0 to 1 as a percentage in at most 5 cells: `0.0%`, `12.5%`, `100%`; `-` for
 * null. Rounding never hides a loss or an answer: what is not nothing is at least `<0.1%`, what is
 * not everything at most `99.9%`.
 */
export function formatLoss(loss: number | null): string {
  if (loss === null) return UNKNOWN;
  if (loss >= 1) return "100%";
  const percent = loss * 100;
  if (percent > 0 && percent < 0.05) return "<0.1%";
  return `${Math.min(percent, 99.9).toFixed(1)}%`;
}

/** A number of probes in at most 5 cells: `0`, `99999`, then `123k`, `12.3M`, `123M`. */
export function formatCount(count: number): string {
  if (count < 100_000) return String(count);
  if (count < 999_500) return `${Math.round(count / 1000)}k`;
  if (count < 99_950_000) return `${(count / 1e6).toFixed(1)}M`;
  return `${Math.round(count / 1e6)}M`;
}

/** Cells of {@link formatClock}. */
export const CLOCK_WIDTH = 12;

/** A moment, milliseconds since 1970, as the wall clock here shows it: `14:03:59.042`. */
export function formatClock(atMs: number): string {
  const date = new Date(atMs);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(
    two,
  );
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** A span of milliseconds in whole seconds: `0:07`, `12:05`, `1:02:03`, `3d 01:02:03`. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [seconds, minutes, hours, days] = [
    total % 60,
    Math.floor(total / 60) % 60,
    Math.floor(total / 3600) % 24,
    Math.floor(total / 86_400),
  ];
  if (days > 0) return `${days}d ${two(hours)}:${two(minutes)}:${two(seconds)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** How a loss ratio is to be taken: none is nothing to look at, from 10 % on it is bad. */
export function lossRole(loss: number | null): Role {
  if (loss === null) return "dim";
  if (loss === 0) return "text";
  return loss < 0.1 ? "warn" : "bad";
}

/** How a figure is to be taken that may have no sample: dim then. */
export function figureRole(value: number | null): Role {
  return value === null ? "dim" : "text";
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
