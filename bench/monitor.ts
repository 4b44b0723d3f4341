/**
 * Steady state: 1,000 and 10,000 hosts of the loopback, each asked once a second, by icmpx and by
 * fping in turn. Losses are false ones, as the loopback loses nothing. Processor time is that of
 * the whole process, threads included, without its first 40 seconds, in which Bun compiles: what it
 * costs to go on. A program that ends before its time has no such figure. Needs Linux, fping and
 * permission to send raw packets.
 *
 *     sudo bun bench/monitor.ts [seconds of each run, default 70] [rounds, default 1]
 */
import { join } from "node:path";
import { type BeatFigures, Beats, monitoredHosts } from "./support/beats.ts";
import {
  figure,
  median,
  printTable,
  processCpuSeconds,
  ratio,
  takeTurns,
} from "./support/measure.ts";

const SECONDS = Number(process.argv[2] ?? 70);
const ROUNDS = Number(process.argv[3] ?? 1);
const SETTLE_SECONDS = 40;
const CHILD = join(import.meta.dir, "children", "monitor.ts");

/** What a program says of its probes; NaN if it ended without a word. */
interface Outcome extends Partial<BeatFigures> {
  readonly sent: number;
  readonly received: number;
}

interface Program {
  readonly name: string;
  command(hosts: number): readonly string[];
  /** Whether it goes on until it is interrupted. */
  readonly endless: boolean;
  /** Whether it reads its targets. */
  readonly reads: boolean;
  outcome(stdout: string, stderr: string): Outcome;
}

interface Run extends Outcome {
  /** Of a core, in the steady state. */
  readonly load: number;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "fping -l",
    command: (hosts) => ["fping", "-l", "-D", ...fpingPace(hosts)],
    endless: true,
    reads: true,
    outcome: (stdout, stderr) => ({ ...fpingTotals(stderr), ...fpingBeats(stdout) }),
  },
  {
    name: "fping -q -c",
    command: (hosts) => ["fping", "-q", "-c", String(SECONDS), ...fpingPace(hosts)],
    endless: false,
    reads: true,
    outcome: (_, stderr) => fpingTotals(stderr),
  },
  {
    name: "icmpx",
    command: (hosts) => [process.execPath, CHILD, String(hosts), String(SECONDS)],
    endless: false,
    reads: false,
    outcome: (stdout) => JSON.parse(stdout),
  },
];

for (const hosts of [1000, 10_000]) await compare(hosts);

async function compare(hosts: number): Promise<void> {
  const runs = await takeTurns(PROGRAMS, ROUNDS, (program) => measure(program, hosts));
  const rows = Array.from(runs, ([name, row]) => {
    const of = (part: (run: Run) => number | undefined): number =>
      median(row.flatMap((run) => part(run) ?? []));
    return [
      name,
      figure(of(({ load }) => load) * 100, 1, "%"),
      figure(
        ratio(runs, name, "fping -l", ({ load }) => load),
        2,
      ),
      figure(
        of(({ sent }) => sent),
        0,
      ),
      figure(
        of(({ sent, received }) => sent - received),
        0,
      ),
      figure(
        of(({ driftMedian }) => driftMedian),
        2,
        "ms",
      ),
      figure(
        of(({ driftMost }) => driftMost),
        2,
        "ms",
      ),
      figure(
        of(({ windowMost }) => windowMost),
        0,
      ),
      figure(
        of(({ windowMost = Number.NaN, windowMean = Number.NaN }) => windowMost / windowMean),
        1,
      ),
    ];
  });
  printTable(
    `${hosts} hosts, each once a second, ${SECONDS} s; median of ${ROUNDS} round(s)`,
    [
      "",
      "of a core",
      "of fping -l",
      "sent",
      "lost",
      "drift, median",
      "drift, most",
      "most sends in 10 ms",
      "of the mean",
    ],
    rows,
  );
}

async function measure(program: Program, hosts: number): Promise<Run> {
  const input = program.reads ? new Blob([monitoredHosts(hosts).join("\n")]) : "ignore";
  const child = Bun.spawn([...program.command(hosts)], {
    stdin: input,
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await Bun.sleep(SETTLE_SECONDS * 1000);
  const cpuNow = (): number =>
    child.exitCode === null ? processCpuSeconds(child.pid) : Number.NaN;
  const begun = { cpu: cpuNow(), at: performance.now() };
  await Bun.sleep((SECONDS - SETTLE_SECONDS - 1) * 1000);
  const ended = { cpu: cpuNow(), at: performance.now() };
  await Bun.sleep(1000);
  if (program.endless) child.kill("SIGINT");
  const [stdout, stderr] = await output;
  await child.exited;
  const load = ((ended.cpu - begun.cpu) / (ended.at - begun.at)) * 1000;
  return { load, ...program.outcome(stdout, stderr) };
}

/**
 * Once a second to each; between any two probes as long as that leaves, less a tenth, since fping
 * never catches up.
 */
function fpingPace(hosts: number): readonly string[] {
  return ["-p", "1000", "-i", String(900 / hosts), "-f", "-"];
}

function fpingTotals(summary: string): Outcome {
  const lines = [...summary.matchAll(/xmt\/rcv\/%loss = (\d+)\/(\d+)/g)];
  if (lines.length === 0) return { sent: Number.NaN, received: Number.NaN };
  const sum = (field: number): number =>
    lines.reduce((total, line) => total + Number(line[field]), 0);
  return { sent: sum(1), received: sum(2) };
}

/** fping tells when a reply came: on the loopback, when the probe left. */
function fpingBeats(lines: string): BeatFigures {
  const beats = new Beats();
  for (const [, at, host, number] of lines.matchAll(
    /^\[([\d.]+)\] (\S+) +: \[(\d+)\], \d+ bytes/gm,
  )) {
    if (host !== undefined) beats.add(host, Number(number), Number(at) * 1000);
  }
  return beats.figures();
}
