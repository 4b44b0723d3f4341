/**
 * How soon there is a first reply, and what importing `icmpx` costs:
 * `examples/ping.ts -c 1 127.0.0.1` and `icmpx ping` beside ping, from the start of the process to
 * the line with the reply; then the import alone, of the package as it is installed, and of the
 * sources that it is bundled from.
 *
 *     bun run build && bun bench/startup.ts [rounds, default 15]
 *
 * Needs ping, and permission to ping.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Installation, installPackages } from "../scripts/support/installation.ts";
import { figure, median, printTable, ratio, run, takeTurns } from "./support/measure.ts";

const ROUNDS = Number(process.argv[2] ?? 15);
const ROOT = join(import.meta.dir, "..");
const CHILD = join(import.meta.dir, "children/import.ts");
const BUN = process.execPath;
const TARGET = "127.0.0.1";
const NOTHING = "`bun -e 0`";
const SOURCES = "`icmpx` from the sources";

/** A process, from its start. Times are in ms. */
interface Start {
  /** When the line with the reply came. */
  readonly reply: number;
  readonly whole: number;
  readonly cpu: number;
}

const directory = await mkdtemp(join(tmpdir(), "icmpx-bench-"));
try {
  const installation = installPackages(directory);
  await printStarts(installation);
  await printImports(installation);
} finally {
  await rm(directory, { recursive: true });
}

async function printStarts({ folder, command: icmpx }: Installation): Promise<void> {
  // There, its `icmpx` is the package and not the sources.
  await cp(join(ROOT, "examples"), join(folder, "examples"), { recursive: true });
  const programs = [
    { name: "`ping -c 1`", command: ["ping", "-c", "1", TARGET] },
    { name: NOTHING, command: [BUN, "-e", "0"] },
    {
      name: "`bun examples/ping.ts -c 1`",
      command: [BUN, join(folder, "examples/ping.ts"), "--no-dns", "-c", "1", TARGET],
    },
    {
      name: "`icmpx ping -c 1`",
      command: [BUN, icmpx, "ping", "-n", "-c", "1", TARGET],
    },
    {
      name: "the same from the sources",
      command: [BUN, join(ROOT, "src/cli/icmpx.ts"), "ping", "-n", "-c", "1", TARGET],
    },
  ];
  const outcomes = await takeTurns(programs, ROUNDS, ({ command }) => start(command));
  const rows = Array.from(outcomes, ([name, row]) => {
    const of = (part: (start: Start) => number): string => figure(median(row.map(part)), 1, "ms");
    return [
      name,
      of(({ reply }) => reply),
      of(({ whole }) => whole),
      figure(
        ratio(outcomes, name, NOTHING, ({ whole }) => whole),
        2,
      ),
      of(({ cpu }) => cpu),
    ];
  });
  printTable(
    `From the start of the process, median of ${ROUNDS} rounds`,
    ["", "reply shown", "whole", "of nothing", "CPU"],
    rows,
  );
}

async function start(command: readonly string[]): Promise<Start> {
  const begun = performance.now();
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  let output = "";
  let reply = Number.NaN;
  for await (const chunk of child.stdout) {
    output += new TextDecoder().decode(chunk);
    if (Number.isNaN(reply) && /time=[\d.]+ ms/.test(output)) reply = performance.now() - begun;
  }
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${output}`);
  const { cpuTime } = child.resourceUsage() ?? { cpuTime: { total: 0n } };
  return { reply, whole: performance.now() - begun, cpu: Number(cpuTime.total) / 1e3 };
}

async function printImports({ folder }: Installation): Promise<void> {
  const dist = join(folder, "node_modules/icmpx/dist");
  const imports = [
    { name: SOURCES, path: join(ROOT, "src/index.ts") },
    { name: "`icmpx`", path: join(dist, "index.js") },
    { name: "`icmpx/packet` from the sources", path: join(ROOT, "src/packet/index.ts") },
    { name: "`icmpx/packet`", path: join(dist, "packet/index.js") },
  ];
  const outcomes = await takeTurns(imports, ROUNDS, async ({ path }) => {
    const { output, cpuSeconds } = await run(BUN, CHILD, path);
    const [ms = Number.NaN, modules = Number.NaN] = output.split(" ").map(Number);
    return { ms, modules, cpu: cpuSeconds * 1000 };
  });
  const rows = Array.from(outcomes, ([name, row]) => [
    name,
    figure(median(row.map(({ modules }) => modules)), 0),
    figure(median(row.map(({ ms }) => ms)), 1, "ms"),
    figure(
      ratio(outcomes, name, SOURCES, ({ ms }) => ms),
      2,
    ),
    figure(median(row.map(({ cpu }) => cpu)), 1, "ms"),
  ]);
  printTable(
    `Importing, median of ${ROUNDS} rounds`,
    ["", "files", "import", "of the sources", "CPU of the process"],
    rows,
  );
}
