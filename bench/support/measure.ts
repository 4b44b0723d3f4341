import { readFileSync } from "node:fs";

/**
 * Ticks of /proc/PID/stat in a second (proc_pid_stat(5): sysconf(_SC_CLK_TCK), which is 100 on
 * Linux).
 */
const TICKS = 100;

/**
 * The processor time that a process has taken so far, user and system, all its threads, in seconds.
 */
export function processCpuSeconds(pid: number): number {
  // The name in parentheses may hold anything; utime and stime are the 12th and 13th fields after
  // it.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** The memory of a process that is in use (resident), in MiB. */
export function processRssMiB(pid: number): number {
  const [, rssKiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(rssKiB) / 1024;
}

/** What a program took from its start to its end, and what it said. */
export interface Cost {
  /** By the clock on the wall. */
  readonly seconds: number;
  /** Of the processor, user and system, all threads. */
  readonly cpuSeconds: number;
  readonly output: string;
}

/** Runs a program to its end. Throws, with what it said, when it fails. */
export async function run(...command: readonly string[]): Promise<Cost> {
  const start = performance.now();
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, complaint, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0)
    throw new Error(
      `${command.join(" ")} failed (${child.signalCode ?? code}): ${complaint || output}`,
    );
  const { cpuTime } = child.resourceUsage() ?? { cpuTime: { total: 0n } };
  return { seconds, cpuSeconds: Number(cpuTime.total) / 1e6, output };
}

/** The same inside a network namespace that ip-netns(8) knows. */
export function runInside(namespace: string, ...command: readonly string[]): Promise<Cost> {
  return run("ip", "netns", "exec", namespace, ...command);
}

/** The middle one of some values, NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which `share` of some values lie, NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** What several programs took, by name: each has a list of its rounds, in which all take turns. */
export type Rounds<Outcome> = ReadonlyMap<string, readonly Outcome[]>;

/**
 * Runs all programs `rounds` times, one after the other, so that whatever else the machine does
 * befalls all of them.
 */
export async function takeTurns<Program extends { readonly name: string }, Outcome>(
  programs: readonly Program[],
  rounds: number,
  measure: (program: Program) => Promise<Outcome>,
): Promise<Rounds<Outcome>> {
  const outcomes = new Map(programs.map(({ name }) => [name, [] as Outcome[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const program of programs) outcomes.get(program.name)?.push(await measure(program));
  }
  return outcomes;
}

/**
 * The median over the rounds of one figure of a program, divided round by round by that of another
 * program.
 */
export function ratio<Outcome>(
  outcomes: Rounds<Outcome>,
  name: string,
  base: string,
  figure: (outcome: Outcome) => number,
): number {
  const divisors = (outcomes.get(base) ?? []).map(figure);
  const values = (outcomes.get(name) ?? []).map(figure);
  return median(values.map((value, round) => value / (divisors[round] ?? Number.NaN)));
}

/** A table in Markdown, with a title above it. A figure that is not a number is left out. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  console.log(`\n${title}\n`);
  console.log(line(head));
  console.log(`|${"---|".repeat(head.length)}`);
  for (const row of rows) console.log(line(row));
}

/** A figure with so many digits after the point and its unit; empty when there is none. */
export function figure(value: number, digits: number, unit = ""): string {
  return Number.isNaN(value) ? "" : `${value.toFixed(digits)}${unit && ` ${unit}`}`;
}
