// Sweeps of 65,534 loopback hosts: icmpx beside fping, and beside a C program that does nothing but
// what must be done. All are run in turn, since the machine may have other things to do; what
// counts are ratios of the best and of the median.
//
//     bun run build && sudo bun bench/sweep.ts [rounds]
//
// Needs root, fping and cc.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { installPackages } from "../scripts/support/installation.ts";

const NETWORK = "127.1.0.0/16";
const FIRST = "127.1.0.1";
const HOSTS = 65_534;
const PACED = 50_000;

const rounds = Number(process.argv[2] ?? 15);
const directory = await mkdtemp(join(tmpdir(), "icmpx-bench-"));
const floor = join(directory, "sweep");
// There, its `icmpx` is the package and not the sources.
const CHILD = join(installPackages(directory).folder, "sweep.ts");
await Bun.write(CHILD, Bun.file(join(import.meta.dir, "children", "sweep.ts")));
await $`cc -O2 -o ${floor} ${join(import.meta.dir, "support", "sweep.c")}`;

/** What a program took. */
interface Cost {
  readonly seconds: number;
  readonly cpu: number;
  readonly output: string;
}

async function run(...command: readonly string[]): Promise<Cost> {
  const start = performance.now();
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe" });
  const output = await new Response(child.stdout).text();
  await new Response(child.stderr).text();
  await child.exited;
  const seconds = (performance.now() - start) / 1000;
  const { cpuTime } = child.resourceUsage() ?? { cpuTime: { total: 0n } };
  return { seconds, cpu: Number(cpuTime.total) / 1e6, output };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Seconds of several programs, gathered in turn. */
class Table {
  readonly #rows = new Map<string, number[]>();

  add(name: string, seconds: number): void {
    const row = this.#rows.get(name) ?? [];
    row.push(seconds);
    this.#rows.set(name, row);
  }

  best(name: string): number {
    return Math.min(...(this.#rows.get(name) ?? []));
  }

  print(title: string, reference: string): void {
    console.log(`\n${title}`);
    const base = this.#rows.get(reference) ?? [];
    for (const [name, row] of this.#rows) {
      const best = Math.min(...row);
      const bestRatio = best / Math.min(...base);
      const ratios = row.map((seconds, index) => seconds / (base[index] ?? Number.NaN));
      const figures = [best, median(row)].map((seconds) =>
        `${(seconds * 1000).toFixed(1)} ms`.padStart(10),
      );
      console.log(
        `${name.padEnd(34)} best ${figures[0]}  median ${figures[1]}  of ${reference}: best ${bestRatio.toFixed(3)}, median ${median(ratios).toFixed(3)}`,
      );
    }
  }
}

const whole = new Table();
for (let round = 0; round < rounds; round++) {
  whole.add("fping", (await run("fping", "-q", "-i", "0", "-r", "0", "-g", NETWORK)).seconds);
  whole.add("icmpx", (await run("bun", CHILD, NETWORK, "Infinity", "1")).seconds);
  whole.add("C", (await run(floor, FIRST, String(HOSTS))).seconds);
  whole.add(
    "bun, importing icmpx and no more",
    (await run("bun", CHILD, NETWORK, "Infinity", "0")).seconds,
  );
}
whole.print(`Whole process, ${HOSTS} hosts once (${rounds} rounds)`, "fping");

const inside = new Table();
for (let round = 0; round < rounds; round++) {
  const ordinary = (await run(floor, FIRST, String(HOSTS), "plain")).output;
  const tuned = (await run(floor, FIRST, String(HOSTS))).output;
  const child = (await run("bun", CHILD, NETWORK, "Infinity", "10")).output;
  const seconds = child
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).duration / 1000);
  inside.add("C", Number(tuned.split(" ")[2]));
  inside.add("C, kernel chooses identifications", Number(ordinary.split(" ")[2]));
  inside.add("icmpx, first sweep", seconds[0] ?? Number.NaN);
  inside.add("icmpx, best of 10 in one process", Math.min(...seconds));
}
inside.print("Inside the process", "C");
console.log(
  `throughput of C's: ${(inside.best("C") / inside.best("icmpx, best of 10 in one process")).toFixed(3)}`,
);

console.log(`\nPaced, ${PACED} a second`);
// fping takes its interval in ms with two decimals: 0.02 is 50,000 a second.
const fping = await run("fping", "-q", "-i", "0.02", "-r", "0", "-g", NETWORK);
const icmpx = await run("bun", CHILD, NETWORK, String(PACED), "1");
const { rate, answered } = JSON.parse(icmpx.output);
console.log(
  `fping  ${fping.seconds.toFixed(2)} s, ${fping.cpu.toFixed(2)} s of CPU, ${(HOSTS / fping.seconds).toFixed(0)} a second`,
);
console.log(
  `icmpx  ${icmpx.seconds.toFixed(2)} s, ${icmpx.cpu.toFixed(2)} s of CPU, ${rate.toFixed(0)} a second, ${answered} of ${HOSTS} answered`,
);
await rm(directory, { recursive: true });
