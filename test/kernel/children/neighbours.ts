/**
 * Pings or sweeps neighbours of which only the first and the last live, and prints what became of
 * them: one line of JSON.
 *
 * @module
 */
import { readdirSync, readlinkSync } from "node:fs";
import { Client, type PingOptions } from "icmpx";

/** The argument. */
export interface NeighboursInput {
  readonly privileged: boolean;
  readonly targets: readonly string[];
  readonly method: "multiping" | "sweep";
  readonly options?: Pick<PingOptions, "count" | "interval" | "size" | "timeout">;
  /** After that long, probe the first once more. */
  readonly againAfterMs?: number;
}

/** The line of output. */
export interface NeighboursReport {
  /** How many probes of the first and of the last were answered in time; in a sweep, 1 for an answer. */
  readonly answered: readonly [first: number, last: number];
  /** How many results of all the others there were, by error. */
  readonly others: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  /** How many sockets were open at most, and after the probe at the end. */
  readonly mostSockets: number;
  readonly lastSockets: number;
}

const input = JSON.parse(process.argv[2] ?? "{}") as NeighboursInput;
const { privileged, targets, method, options, againAfterMs } = input;
await using client = new Client({ privileged });
const ends = [targets[0] ?? "", targets.at(-1) ?? ""];
const answered: [number, number] = [0, 0];
const others: Record<string, number> = {};

// Pipes of this process may be sockets, too.
const alien = countSockets();
let mostSockets = 0;
const timer = setInterval(() => {
  mostSockets = Math.max(mostSockets, countSockets() - alien);
}, 50);
const startMs = performance.now();
if (method === "multiping") {
  for await (const item of client.multiping(targets, options)) {
    if (item.kind !== "targetFailure" && !item.late && !item.duplicate)
      note(item.target, item.error);
  }
} else {
  for await (const item of client.sweep(targets, { all: true })) {
    if (item.kind !== "targetFailure") note(item.addr, item.error);
  }
}
const elapsedMs = performance.now() - startMs;
clearInterval(timer);
if (againAfterMs !== undefined) {
  await Bun.sleep(againAfterMs);
  await client.probe(ends[0] as string);
}
const report: NeighboursReport = {
  answered,
  others,
  elapsedMs,
  mostSockets,
  lastSockets: countSockets() - alien,
};
process.stdout.write(`${JSON.stringify(report)}\n`);

function note(target: string, error: string | null): void {
  const end = ends.indexOf(target);
  if (end !== -1 && error === null) answered[end as 0 | 1] += 1;
  else others[`${error}`] = (others[`${error}`] ?? 0) + 1;
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
