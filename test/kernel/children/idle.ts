/**
 * Waits for `waitMs`, either for one reply that never comes or in Bun.sleep, and prints the CPU
 * time that cost.
 *
 * @module
 */
import { Client } from "icmpx";

/** The line of output. */
export interface Idleness {
  /** CPU time of the wait, user and system, in microseconds. */
  readonly cpuUs: number;
  /** `kind` of the result; null for a sleep. */
  readonly kind: string | null;
}

/** What to do. */
export interface IdleInput {
  readonly answering: string;
  /** Whom to wait for in vain, or null to sleep. */
  readonly silent: string | null;
  readonly waitMs: number;
}

const { answering, silent, waitMs } = JSON.parse(process.argv[2] ?? "{}") as IdleInput;
await using client = new Client();
// What is loaded and compiled once is not what is measured.
await client.ping(answering, { count: 20, interval: 1 });
Bun.gc(true);
const before = process.cpuUsage();
let kind: string | null = null;
if (silent === null) await Bun.sleep(waitMs);
else kind = (await client.probe(silent, { timeout: waitMs })).kind;
const { user, system } = process.cpuUsage(before);
const line: Idleness = { cpuUs: user + system, kind };
process.stdout.write(`${JSON.stringify(line)}\n`);
