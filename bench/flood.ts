/**
 * One host as fast as it answers: icmpx beside `ping -f` and beside a C program that does no more
 * than it must (`bench/support/latency.c`), on the loopback and over a veth pair. With one in
 * flight all of them send the next request when the one before is answered (`ping -f` also when 10
 * ms have passed, which here never happens); with 16, `ping -l 16` has that many unanswered, and
 * icmpx runs 16 pings on one client. Figures inside the process leave its start out, and of icmpx
 * the first 2,000 probes, in which its code is compiled.
 *
 *     sudo bun bench/flood.ts [packets, default 50000] [rounds, default 5]
 *
 * Needs root (it builds network namespaces), ping and cc.
 */
import { join } from "node:path";
import { compile } from "./support/compile.ts";
import { figure, median, printTable, ratio, runInside, takeTurns } from "./support/measure.ts";
import { type ProbeFigures, pingFigures } from "./support/probes.ts";
import { buildVethPair } from "./support/veth.ts";

const COUNT = Number(process.argv[2] ?? 50_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const FLIGHTS = 16;
const CHILD = join(import.meta.dir, "children/probe.ts");
const COMMAND = join(import.meta.dir, "../src/cli/icmpx.ts");

await using floor = await compile("latency");
await using pair = await buildVethPair();

/**
 * What a flood was, inside its process or, where `whole` says so, from the start of the process to
 * its end.
 */
interface Program {
  readonly name: string;
  flood(target: string): Promise<ProbeFigures>;
}

const PING = "`ping -f`";
const WHOLE_PING = "`ping -f`, whole process";
const ONE: readonly Program[] = [
  { name: PING, flood: (target) => ping(target) },
  { name: "C", flood: (target) => inside(floor.path, target, String(COUNT), "0") },
  { name: "`client.ping()`, raw", flood: (target) => icmpx(target, "ping", "raw") },
  { name: "`client.ping()`, datagram", flood: (target) => icmpx(target, "ping", "datagram") },
  { name: "`await client.probe()`", flood: (target) => icmpx(target, "probe", "raw") },
];
const MANY: readonly Program[] = [
  { name: PING, flood: (target) => ping(target, "-l", String(FLIGHTS)) },
  {
    name: `${FLIGHTS} \`client.ping()\``,
    flood: (target) => icmpx(target, String(FLIGHTS), "raw"),
  },
];
const WHOLE: readonly Program[] = [
  {
    name: WHOLE_PING,
    flood: (target) => whole("ping", "-f", "-q", "-n", "-c", String(COUNT), target),
  },
  {
    name: "`icmpx ping -f`, whole process",
    flood: (target) =>
      whole(process.execPath, COMMAND, "ping", "-f", "-q", "-n", "-c", String(COUNT), target),
  },
];

for (const [place, target] of [
  ["loopback", "127.0.0.1"],
  ["veth", pair.target[4]],
] as const) {
  await compare(`${place}, one in flight`, target, ONE, PING);
  await compare(`${place}, ${FLIGHTS} in flight`, target, MANY, PING);
  await compare(`${place}, one in flight`, target, WHOLE, WHOLE_PING);
}

async function compare(
  title: string,
  target: string,
  programs: readonly Program[],
  base: string,
): Promise<void> {
  const outcomes = await takeTurns(programs, ROUNDS, (program) => program.flood(target));
  const rate = ({ sent, seconds }: ProbeFigures): number => sent / seconds;
  const cpu = ({ sent, cpuSeconds }: ProbeFigures): number => (cpuSeconds / sent) * 100_000;
  const rows = Array.from(outcomes, ([name, row]) => {
    const of = (part: (figures: ProbeFigures) => number): number => median(row.map(part));
    return [
      name,
      figure(of(rate), 0),
      figure(ratio(outcomes, name, base, rate), 2),
      figure(of(cpu), 2, "s"),
      of(({ sent, received }) => sent - received),
    ];
  });
  printTable(
    `${title}: ${COUNT} packets, median of ${ROUNDS} rounds`,
    ["", "packets a second", "of ping", "CPU for 100,000", "lost"],
    rows,
  );
}

async function inside(...command: readonly string[]): Promise<ProbeFigures> {
  return JSON.parse((await runInside(pair.source, ...command)).output);
}

function icmpx(target: string, how: string, kind: string): Promise<ProbeFigures> {
  return inside(process.execPath, CHILD, target, String(COUNT), "0", how, kind);
}

/** Its CPU time is of the whole process, which starts in a millisecond. */
async function ping(target: string, ...options: readonly string[]): Promise<ProbeFigures> {
  const command = ["ping", "-f", "-q", "-n", ...options, "-c", String(COUNT), target];
  const { output, cpuSeconds } = await runInside(pair.source, ...command);
  return pingFigures(output, cpuSeconds);
}

async function whole(...command: readonly string[]): Promise<ProbeFigures> {
  const { output, seconds, cpuSeconds } = await runInside(pair.source, ...command);
  return { ...pingFigures(output, cpuSeconds), seconds };
}
