/**
 * How long `await client.probe()` takes beyond the path: probes one after the other over four hops
 * of namespaces, beside a C program that does nothing but `sendto`, `poll` and `recvfrom`
 * (`bench/support/latency.c`) and beside `ping -f`, which tells only how long it took from one
 * packet to the next. Over veth the answer is there when the send returns; steered to the other
 * core, it comes later and from elsewhere, as from a network card. With a pause before each probe
 * the event loop, the caches and the core itself have gone to rest. A table for each path tells
 * where the time goes: what a busy-poll could save is the third figure.
 *
 *     sudo bun bench/latency.ts [probes, default 10000] [rounds, default 5]
 *
 * Needs root (it builds network namespaces), two cores, ping and cc.
 */
import { join } from "node:path";
import { buildChain } from "../test/lab/topologies.ts";
import { compile } from "./support/compile.ts";
import { figure, median, printTable, ratio, runInside, takeTurns } from "./support/measure.ts";
import { type LatencyParts, type ProbeFigures, pingFigures } from "./support/probes.ts";

const COUNT = Number(process.argv[2] ?? 10_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const PAUSE_MS = 10;
const PAUSED_COUNT = Math.ceil(COUNT / 20);
const PARTS_CHILD = join(import.meta.dir, "children/latency-parts.ts");
const CHILD = join(import.meta.dir, "children/probe.ts");

await using floor = await compile("latency");
await using chain = await buildChain({ routers: 3 });
const { source, target, destination } = chain;

/** A program that sends probes one after the other. */
interface Program {
  readonly name: string;
  /** Whether it can pause. */
  readonly pauses: boolean;
  measure(count: number, pauseMs: number): Promise<ProbeFigures>;
}

const C = "C";
const PROGRAMS: readonly Program[] = [
  {
    name: C,
    pauses: true,
    measure: (count, pauseMs) =>
      inside(floor.path, destination[4], String(count), String(pauseMs * 1000)),
  },
  {
    name: "`ping -f`",
    pauses: false,
    async measure(count) {
      const command = ["ping", "-f", "-q", "-n", "-c", String(count), destination[4]];
      const { output, cpuSeconds } = await runInside(source.name, ...command);
      return pingFigures(output, cpuSeconds);
    },
  },
  icmpx("raw"),
  icmpx("datagram"),
];

await compare("Answered within the send");
// Receive packet steering: the target's interrupts for arrivals are handled on the second core.
await target.exec("sh", "-c", "echo 2 > /sys/class/net/below/queues/rx-0/rps_cpus");
await compare("Answered from the other core");

function icmpx(kind: "raw" | "datagram"): Program {
  return {
    name: `\`client.probe()\`, ${kind}`,
    pauses: true,
    measure: (count, pauseMs) =>
      inside(
        process.execPath,
        CHILD,
        destination[4],
        String(count),
        String(pauseMs),
        "probe",
        kind,
      ),
  };
}

async function inside(...command: readonly string[]): Promise<ProbeFigures> {
  return JSON.parse((await runInside(source.name, ...command)).output);
}

async function compare(title: string): Promise<void> {
  await compareAt(`${title}, one after the other`, COUNT, 0);
  await compareAt(`${title}, ${PAUSE_MS} ms before each`, PAUSED_COUNT, PAUSE_MS);
  await printParts(title);
}

async function printParts(title: string): Promise<void> {
  const manners = [
    { name: "one after the other", count: COUNT, pauseMs: 0 },
    { name: `${PAUSE_MS} ms before each`, count: PAUSED_COUNT, pauseMs: PAUSE_MS },
  ];
  const outcomes = await takeTurns(
    manners,
    ROUNDS,
    async ({ count, pauseMs }): Promise<LatencyParts> => {
      const command = [
        process.execPath,
        PARTS_CHILD,
        destination[4],
        String(count),
        String(pauseMs),
      ];
      return JSON.parse((await runInside(source.name, ...command)).output);
    },
  );
  const rows = Array.from(outcomes, ([name, row]) => {
    const of = (part: keyof LatencyParts): string =>
      figure(median(row.map((parts) => parts[part])), 1, "us");
    return [name, of("making"), of("sending"), of("hearing"), of("handling"), of("whole")];
  });
  printTable(
    `${title}, where the time goes: medians of ${ROUNDS} rounds`,
    [
      "",
      "making the probe",
      "`sendmsg`",
      "until the handler runs",
      "reading and resuming",
      "whole",
    ],
    rows,
  );
}

async function compareAt(title: string, count: number, pauseMs: number): Promise<void> {
  const programs = PROGRAMS.filter(({ pauses }) => pauses || pauseMs === 0);
  const outcomes = await takeTurns(programs, ROUNDS, (program) => program.measure(count, pauseMs));
  const each = (part: "seconds" | "cpuSeconds") => (figures: ProbeFigures) =>
    (figures[part] * 1e6) / figures.sent;
  const rows = Array.from(outcomes, ([name, row]) => {
    const of = (part: (figures: ProbeFigures) => number): number => median(row.map(part));
    return [
      name,
      figure(
        of((figures) => figures.median),
        1,
        "us",
      ),
      figure(
        of(({ p90 }) => p90),
        1,
        "us",
      ),
      figure(
        of(({ p99 }) => p99),
        1,
        "us",
      ),
      figure(of(each("seconds")), 1, "us"),
      figure(ratio(outcomes, name, C, each("seconds")), 2),
      figure(of(each("cpuSeconds")), 1, "us"),
      of(({ sent, received }) => sent - received),
    ];
  });
  printTable(
    `${title}: ${count} probes, median of ${ROUNDS} rounds`,
    ["", "wait, median", "p90", "p99", "from one to the next", "of C", "CPU each", "lost"],
    rows,
  );
}
