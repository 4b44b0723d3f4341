/**
 * How long a complete trace takes, three probes to each hop, of 10 and of 30 hops: icmpx beside
 * traceroute and mtr, on a chain of namespaces, where answers come at once, and through a simulated
 * internet, where the target is 50 ms away and each hop as far from the next as any other. mtr
 * sends one probe to each hop, as `-c 1` says. A trace is complete when every hop has answered
 * every probe.
 *
 *     sudo bun bench/trace.ts [rounds, default 5]
 *
 * Needs root (it builds network namespaces and a TUN device), traceroute and mtr.
 */
import { join } from "node:path";
import { openLab } from "../test/lab/open-lab.ts";
import { node, type Scenario } from "../test/lab/scenario.ts";
import { buildChain } from "../test/lab/topologies.ts";
import { figure, median, printTable, ratio, takeTurns } from "./support/measure.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const PATH_MS = 50;
const TRACES = 6;
const CHILD = join(import.meta.dir, "children/trace.ts");
const COMMAND = join(import.meta.dir, "../src/cli/icmpx.ts");

/** A host to trace from. */
interface Place {
  readonly target: string;
  readonly hops: number;
  exec(command: readonly string[]): Promise<string>;
}

/** What a trace took, in ms. */
interface Outcome {
  readonly isComplete: boolean;
  readonly whole: number;
  /** The first trace of a process, from the call to the result. */
  readonly first: number;
  /** The median of those that follow in the same process. */
  readonly later: number;
}

interface Program {
  readonly name: string;
  command(target: string): readonly string[];
  /** How many hops answered, by what the program printed. */
  hops(output: string): number;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "`traceroute -I -n`",
    command: (target) => ["traceroute", "-I", "-n", target],
    hops: (output) => output.match(/^ *\d+ +[\d.]+( +[\d.]+ ms){3} *$/gm)?.length ?? 0,
  },
  {
    name: "`mtr --report -n -c 1`",
    command: (target) => ["mtr", "--report", "-n", "-c", "1", target],
    hops: (output) => output.match(/^ *\d+\.\|-- [\d.]+ +0\.0%/gm)?.length ?? 0,
  },
  {
    name: "`icmpx traceroute -n`",
    command: (target) => [process.execPath, COMMAND, "traceroute", "-n", target],
    hops: (output) => output.match(/^ *\d+ +[\d.]+( +[\d.]+ ms){3} *$/gm)?.length ?? 0,
  },
  {
    name: "`client.traceroute()`",
    command: (target) => [process.execPath, CHILD, target, String(TRACES)],
    hops: (output) => Math.min(...traces(output).map(({ hops }) => hops)),
  },
];

for (const hops of [10, 30]) {
  await using chain = await buildChain({ routers: hops - 1 });
  const { source, destination } = chain;
  await compare(`${hops} hops, no delay`, {
    target: destination[4],
    hops,
    exec: (command) => source.exec(...command),
  });
}
for (const hops of [10, 30]) {
  await using lab = await openLab(longPath(hops));
  await compare(`${hops} hops, ${PATH_MS} ms`, {
    target: node(hops).address[4],
    hops,
    exec: (command) => lab.exec(command),
  });
}

async function compare(title: string, place: Place): Promise<void> {
  const outcomes = await takeTurns(PROGRAMS, ROUNDS, (program) => trace(program, place));
  const rows = PROGRAMS.map(({ name }) => {
    const row = outcomes.get(name) ?? [];
    const of = (part: (outcome: Outcome) => number): number => median(row.map(part));
    return [
      name,
      `${row.filter(({ isComplete }) => isComplete).length} of ${ROUNDS}`,
      figure(
        of(({ whole }) => whole),
        1,
        "ms",
      ),
      figure(
        ratio(outcomes, name, "`traceroute -I -n`", ({ whole }) => whole),
        3,
      ),
      figure(
        of(({ first }) => first),
        1,
        "ms",
      ),
      figure(
        of(({ later }) => later),
        1,
        "ms",
      ),
    ];
  });
  const head = ["", "complete", "whole process", "of traceroute", "first trace", "traces after it"];
  printTable(`${title}, median of ${ROUNDS} rounds`, head, rows);
}

async function trace(program: Program, { target, hops, exec }: Place): Promise<Outcome> {
  const begun = performance.now();
  const output = await exec(program.command(target));
  const whole = performance.now() - begun;
  const isComplete = program.hops(output) === hops;
  if (!output.startsWith("[")) return { isComplete, whole, first: Number.NaN, later: Number.NaN };
  const [first = Number.NaN, ...later] = traces(output).map(({ milliseconds }) => milliseconds);
  return { isComplete, whole: Number.NaN, first, later: median(later) };
}

function traces(
  output: string,
): readonly { readonly milliseconds: number; readonly hops: number }[] {
  return JSON.parse(output);
}

/** Routers in a row, the last of them the target: all links take the same time. */
function longPath(hops: number): Scenario {
  const names = Array.from({ length: hops }, (_, index) => `hop${index + 1}`);
  const delay = PATH_MS / hops / 2;
  return {
    name: "bench",
    about: "",
    nodes: Object.fromEntries(names.map((name, index) => [name, node(index + 1, { delay })])),
    routes: [{ to: names.at(-1) ?? "", via: names.slice(0, -1) }],
    runs: [],
  };
}
