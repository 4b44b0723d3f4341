/**
 * How soon there is a first reply, and what importing `icmpx` costs: `bun examples/ping.ts -c 1 127.0.0.1` and `icmpx ping` beside
 * ping, from the start of the process to the line with the reply; then the import alone, of the sources (which the `bun` condition of the
 * package names), of `dist/` (which other bundlers and type checkers read) and of a bundle of the whole library, minified or
 * not. The bundles are measured to know what they would gain: they are not published.
 *
 *     bun run build && bun bench/startup.ts [rounds, default 15]
 *
 * Needs ping, and permission to ping.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figure, median, printTable, ratio, run, takeTurns } from "./support/measure.ts";

const ROUNDS = Number(process.argv[2] ?? 15);
const ROOT = join(import.meta.dir, "..");
const CHILD = join(import.meta.dir, "support/import-child.ts");
const BUN = process.execPath;
const TARGET = "127.0.0.1";
const NOTHING = "`bun -e 0`";

/** A process, from its start. Times are in ms. */
interface Start {
  /** When the line with the reply came. */
  readonly reply: number;
  readonly whole: number;
  readonly cpu: number;
}

interface Import {
  readonly name: string;
  readonly path: string;
  /** How many files are read. */
  readonly modules: number;
}

await printStarts();
const directory = await mkdtemp(join(tmpdir(), "icmpx-bench-"));
try {
  await printImports(directory);
} finally {
  await rm(directory, { recursive: true });
}

async function printStarts(): Promise<void> {
  const programs = [
    { name: "`ping -c 1`", command: ["ping", "-c", "1", TARGET] },
    { name: NOTHING, command: [BUN, "-e", "0"] },
    {
      name: "`bun examples/ping.ts -c 1`",
      command: [BUN, join(ROOT, "examples/ping.ts"), "--no-dns", "-c", "1", TARGET],
    },
    {
      name: "`icmpx ping -c 1`",
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

async function printImports(folder: string): Promise<void> {
  const sources = join(ROOT, "src/index.ts");
  const dist = join(ROOT, "dist/index.js");
  const modules = await bundle(sources, folder, false);
  await bundle(sources, folder, true);
  const imports: readonly Import[] = [
    { name: "`src/index.ts`", path: sources, modules },
    { name: "`src/packet/index.ts`", path: join(ROOT, "src/packet/index.ts"), modules: Number.NaN },
    { name: "`dist/index.js`", path: dist, modules },
    { name: "a bundle", path: bundlePath(folder, false), modules: 1 },
    { name: "a minified bundle", path: bundlePath(folder, true), modules: 1 },
  ];
  const outcomes = await takeTurns(imports, ROUNDS, async ({ path }) => {
    const { output, cpuSeconds } = await run(BUN, CHILD, path);
    return { ms: Number(output), cpu: cpuSeconds * 1000 };
  });
  const rows = imports.map(({ name, modules: files }) => {
    const row = outcomes.get(name) ?? [];
    return [
      name,
      figure(files, 0),
      figure(median(row.map(({ ms }) => ms)), 1, "ms"),
      figure(
        ratio(outcomes, name, "`src/index.ts`", ({ ms }) => ms),
        2,
      ),
      figure(median(row.map(({ cpu }) => cpu)), 1, "ms"),
    ];
  });
  printTable(
    `Importing, median of ${ROUNDS} rounds`,
    ["", "modules", "import", "of the sources", "CPU of the process"],
    rows,
  );
}

/** Bundles the library into one file; gives the number of modules in it. */
async function bundle(entry: string, folder: string, minify: boolean): Promise<number> {
  let modules = 0;
  const counter: Bun.BunPlugin = {
    name: "count modules",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        modules += 1;
        return { contents: await Bun.file(path).text(), loader: "ts" };
      });
    },
  };
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "bun", minify, plugins: [counter] });
  const [output] = outputs;
  if (output === undefined) throw new Error(`Nothing came of bundling ${entry}`);
  await Bun.write(bundlePath(folder, minify), output);
  return modules;
}

function bundlePath(folder: string, minify: boolean): string {
  return join(folder, minify ? "icmpx.min.js" : "icmpx.js");
}
