/**
 * Pings and prints the statistics and the CPU time that it cost.
 *
 * @module
 */
import { Client, type StatisticsSnapshot } from "icmpx";

/** The argument. */
export interface CostInput {
  readonly target: string;
  readonly privileged: boolean;
  readonly count: number;
  /** In milliseconds. */
  readonly interval: number;
}

/** The line of output. */
export interface CostReport {
  readonly statistics: StatisticsSnapshot;
  /** CPU time of the ping, user and system, in milliseconds. */
  readonly cpuMs: number;
}

const { target, privileged, count, interval } = JSON.parse(process.argv[2] ?? "{}") as CostInput;
await using client = new Client({ privileged });
// What is compiled once is not what is measured.
await client.ping(target, { count: 50, interval: 1 });
Bun.gc(true);
const before = process.cpuUsage();
const { statistics } = await client.ping(target, { count, interval });
const { user, system } = process.cpuUsage(before);
const line: CostReport = { statistics, cpuMs: (user + system) / 1000 };
process.stdout.write(`${JSON.stringify(line)}\n`);
