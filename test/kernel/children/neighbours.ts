/**
 * Pings or sweeps neighbours of which only the first and the last live, and prints what became of
 * them: one line of JSON.
 *
 * @module
 */
import { readdirSync, readlinkSync } from "node:fs";
import { Client, type PingOptions, type SweepResult } from "icmpx";

/** The argument. */
export interface NeighboursInput {
  readonly privileged: boolean;
  readonly targets: readonly string[];
  readonly method: "multiping" | "sweep";
  readonly options?: Pick<PingOptions, "count" | "interval" | "size" | "timeout">;
  /** After that long, probe the first once more. */
  readonly againAfterMs?: number;
}

/** How many results there were, by error; "reply" without one. */
export type Outcomes = Readonly<Record<string, number>>;

/** The line of output. */
export interface NeighboursReport {
  readonly first: Outcomes;
  readonly last: Outcomes;
  readonly others: Outcomes;
  /** Of multiping: replies of the first whose RTT the kernel measured. */
  readonly measured: number;
  /** Of a sweep: its totals. */
  readonly totals: Omit<SweepResult, "failures" | "living" | "rtt"> | null;
  readonly elapsedMs: number;
  /** How many sockets were open at most, and after the probe at the end. */
  readonly mostSockets: number;
  readonly lastSockets: number;
}

const input = JSON.parse(process.argv[2] ?? "{}") as NeighboursInput;
const { privileged, targets, method, options, againAfterMs } = input;
await using client = new Client({ privileged });
const ends = [targets[0] ?? "", targets.at(-1) ?? ""];
const first: Record<string, number> = {};
const last: Record<string, number> = {};
const others: Record<string, number> = {};
let measured = 0;
let totals: NeighboursReport["totals"] = null;

// Pipes of this process may be sockets, too.
const alien = countSockets();
let mostSockets = 0;
const timer = setInterval(() => {
  mostSockets = Math.max(mostSockets, countSockets() - alien);
}, 50);
const startMs = performance.now();
if (method === "multiping") {
  for await (const item of client.multiping(targets, options)) {
    if (item.kind === "targetFailure" || item.late || item.duplicate) continue;
    note(item.target, item.error);
    if (item.target === ends[0] && item.rttSource === "kernel") measured += 1;
  }
} else {
  const sweep = client.sweep(targets, { all: true });
  for await (const item of sweep) {
    if (item.kind !== "targetFailure") note(item.addr, item.error);
  }
  const { failures: _, living: _living, rtt: _rtt, ...rest } = await sweep;
  totals = rest;
}
const elapsedMs = performance.now() - startMs;
clearInterval(timer);
if (againAfterMs !== undefined) {
  await Bun.sleep(againAfterMs);
  await client.probe(ends[0] as string);
}
const report: NeighboursReport = {
  first,
  last,
  others,
  measured,
  totals,
  elapsedMs,
  mostSockets,
  lastSockets: countSockets() - alien,
};
process.stdout.write(`${JSON.stringify(report)}\n`);

function note(target: string, error: string | null): void {
  const outcomes = target === ends[0] ? first : target === ends[1] ? last : others;
  const outcome = error ?? "reply";
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

function countSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => isSocket(`/proc/self/fd/${fd}`)).length;
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    // That of the directory is closed by now.
    return false;
  }
}
