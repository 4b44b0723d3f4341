import { readFileSync } from "node:fs";

/** Ticks of /proc/PID/stat in a second (proc_pid_stat(5): sysconf(_SC_CLK_TCK), which is 100 on Linux). */
const TICKS = 100;

/** The processor time that a process has taken so far, user and system, all its threads, in seconds. */
export function processCpuSeconds(pid: number): number {
  // The name in parentheses may hold anything; utime and stime are the 12th and 13th fields after it.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** The middle one of some values, NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
