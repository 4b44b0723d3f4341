import type { StatisticsSnapshot } from "../../src/client/results/statistics.ts";
import type { SeenResult } from "../lab/measurer.ts";

/** What the RTTs alone decide. */
export type Times = Pick<
  StatisticsSnapshot,
  | "last"
  | "min"
  | "mean"
  | "geometricMean"
  | "max"
  | "stddev"
  | "jitter"
  | "lastJitter"
  | "maxJitter"
  | "rfc3550Jitter"
  | "p50"
  | "p90"
  | "p95"
  | "p99"
>;

/**
 * Figures of a rational number's size may differ by this fraction: a few roundings of 2^-53 each.
 */
const RELATIVE = 1e-12;
/**
 * Differences of RTTs are wrong by the rounding of the RTTs themselves, however small the
 * difference.
 */
const ROUNDINGS = 16;

/**
 * The statistics of a ping, told from its samples with no code of the library, in the order in
 * which they came.
 */
export function recountPing(seen: readonly SeenResult[]): StatisticsSnapshot {
  return recount(seen, {
    isReceived: ({ kind }) => kind === "reply",
    countsErrors: true,
  });
}

/** The statistics of a hop of an mtr: any answer counts as one. */
export function recountHop(seen: readonly SeenResult[]): StatisticsSnapshot {
  return recount(seen, { isReceived: ({ reply }) => reply !== null, countsErrors: false });
}

/** The times of an address at a hop: of its own answers. */
export function recountAddress(seen: readonly SeenResult[], addr: string): Times {
  return timesOf(
    seen.filter(isFirst).flatMap(({ reply }) => (reply?.addr === addr ? reply.rtt : [])),
  );
}

/** The names of the figures that differ by more than floating-point numbers must. */
export function disagreements(actual: object, expected: object): string[] {
  const ours = actual as Readonly<Record<string, unknown>>;
  const scale = Number(ours["max"] ?? 0);
  return Object.entries(expected).flatMap(([name, value]) => {
    const mine = ours[name];
    if (typeof value !== "number" || typeof mine !== "number") {
      return mine === value ? [] : `${name} is ${mine}, not ${value}`;
    }
    const tolerance =
      Number.isInteger(value) && Number.isInteger(mine)
        ? 0
        : Math.max(RELATIVE * Math.abs(value), ROUNDINGS * Number.EPSILON * scale);
    return Math.abs(mine - value) <= tolerance ? [] : `${name} is ${mine}, not ${value}`;
  });
}

interface Rules {
  readonly isReceived: (result: SeenResult) => boolean;
  /** Whether ICMP errors are failures, and overtaken replies are counted. */
  readonly countsErrors: boolean;
}

function recount(
  seen: readonly SeenResult[],
  { isReceived, countsErrors }: Rules,
): StatisticsSnapshot {
  const first = seen.filter(isFirst);
  const received = first.filter(isReceived);
  const overflows = count(first, (result) => result.kind === "timeout" && result.receiveOverflow);
  const lost = first.length - received.length;
  const noRoom = count(first, ({ kind, error }) => kind === "sendError" && error === "ENOBUFS");
  const judged = first.length - overflows - noRoom;
  return {
    sent: first.length,
    received: received.length,
    lost,
    overflows,
    noRoom,
    inFlight: 0,
    loss: judged === 0 ? null : (lost - overflows - noRoom) / judged,
    duplicates: seen.reduce((sum, each) => sum + Number(each.duplicate) + each.moreDuplicates, 0),
    late: count(seen, ({ late, duplicate }) => late && !duplicate),
    reordered: countsErrors ? count(received, ({ reordered }) => reordered) : 0,
    corrupt: count(seen, ({ corrupt }) => corrupt),
    errors: countsErrors
      ? count(seen, ({ kind, duplicate }) => kind === "icmpError" && !duplicate)
      : 0,
    sendErrors: count(first, ({ kind }) => kind === "sendError"),
    ...timesOf(received.map(({ rtt }) => rtt ?? Number.NaN)),
  };
}

function isFirst({ late, duplicate }: SeenResult): boolean {
  return !late && !duplicate;
}

function count(results: readonly SeenResult[], holds: (result: SeenResult) => boolean): number {
  return results.filter(holds).length;
}

function timesOf(rtts: readonly number[]): Times {
  if (rtts.length === 0) {
    const none = { last: null, min: null, mean: null, max: null, stddev: null, jitter: null };
    const noJitter = { geometricMean: null, lastJitter: null, maxJitter: null };
    return {
      ...none,
      ...noJitter,
      rfc3550Jitter: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
    };
  }
  const mean = sum(rtts) / rtts.length;
  const sorted = rtts.toSorted((a, b) => a - b);
  const differences = rtts
    .slice(1)
    .map((rtt, index) => Math.abs(rtt - (rtts[index] ?? Number.NaN)));
  const hasPairs = differences.length > 0;
  return {
    last: rtts.at(-1) ?? null,
    min: sorted[0] ?? null,
    mean,
    max: sorted.at(-1) ?? null,
    stddev: Math.sqrt(sum(rtts.map((rtt) => (rtt - mean) ** 2)) / rtts.length),
    jitter: hasPairs ? sum(differences) / differences.length : null,
    geometricMean: Math.exp(sum(rtts.map((rtt) => Math.log(rtt))) / rtts.length),
    lastJitter: differences.at(-1) ?? null,
    maxJitter: hasPairs ? Math.max(...differences) : null,
    rfc3550Jitter: hasPairs ? interarrivalJitter(differences) : null,
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p95: percentile(sorted, 95),
    p99: percentile(sorted, 99),
  };
}

/**
 * RFC 3550 section 6.4.1: "J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16", from 0. A round trip's D is
 * the difference of RTTs.
 */
function interarrivalJitter(differences: readonly number[]): number {
  let jitter = 0;
  for (const difference of differences) jitter = jitter + (difference - jitter) / 16;
  return jitter;
}

/**
 * The weighted mean of the two samples around the fractional rank (n - 1) p / 100 (Hyndman and Fan
 * 1996, type 7).
 */
function percentile(sorted: readonly number[], percent: number): number {
  const rank = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(rank)] ?? Number.NaN;
  const high = sorted[Math.ceil(rank)] ?? Number.NaN;
  const weight = rank % 1;
  return low * (1 - weight) + high * weight;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
