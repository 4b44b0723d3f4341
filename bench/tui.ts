/**
 * What the terminal UI costs: the time to its first frame, processor and memory while four sessions run, and the memory after a
 * while. Everything is asked of the loopback; needs Linux, and permission to ping.
 *
 *     bun run build && bun bench/tui.ts [seconds for each view, default 10]
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages } from "../scripts/support/installation.ts";
import { Pty, type PtyOptions } from "../test/tui/pty/pty.ts";

const SECONDS = Number(process.argv[2] ?? 10);
const STARTS = 9;
const SETTLE_MS = 2000;
/** Ticks of /proc/PID/stat in a second (proc_pid_stat(5): sysconf(_SC_CLK_TCK), which is 100 on Linux). */
const TICKS = 100;
const SCREENLESS = join(import.meta.dir, "support/tui-child.ts");
const SIZES = [
  [120, 40],
  [80, 24],
] as const;

interface Usage {
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

/** What is waited for, and its name. */
type Moment = readonly [name: string, isShown: (output: string) => boolean];

const folder = await mkdtemp(join(tmpdir(), "icmpx-bench-tui-"));
const ICMPX = [process.execPath, installPackages(folder).command];
try {
  await printFirstFrames();
  for (const hosts of [4, 30]) await printUsages(hosts);
  if (Bun.which("mtr") !== null) await printMtr();
} finally {
  await rm(folder, { recursive: true });
}

async function printFirstFrames(): Promise<void> {
  console.log(`Starts, median of ${STARTS}, from the start of the process to the last byte:`);
  const programs: readonly (readonly [command: readonly string[], moments: readonly Moment[]])[] = [
    [
      [process.execPath, "-e", 'console.log("ready")'],
      [["bun -e, a line", (output) => output.includes("ready")]],
    ],
    [[...ICMPX, "--version"], [["icmpx --version", (output) => output.includes("icmpx ")]]],
    [
      ICMPX,
      [
        ["first frame", (output) => output.includes("Traceroute") && output.includes("Target")],
        // The end of a frame of the renderer, which takes keys from then on.
        ["ready", (output) => output.includes("\x1b[?2026l")],
      ],
    ],
  ];
  const times = new Map<string, number[]>();
  // Taking turns, so that whatever else the machine does befalls all of them.
  for (let turn = 0; turn < STARTS; turn += 1) {
    for (const [command, moments] of programs) {
      const begun = performance.now();
      await using pty = start(command, { columns: 120, rows: 40 });
      for (const [name, isShown] of moments) {
        while (!isShown(pty.output)) await Bun.sleep(1);
        const row = times.get(name) ?? [];
        row.push(performance.now() - begun);
        times.set(name, row);
      }
    }
  }
  for (const [name, values] of times)
    console.log(`  ${name.padEnd(18)}${median(values).toFixed(0).padStart(5)} ms`);
}

/** Ten updates a second of each session, and so as many probes a second to each target. */
async function printUsages(hosts: number): Promise<void> {
  console.log(`Four sessions (two pings, ${hosts} hosts, mtr), each ten times a second:`);
  const forms = {
    ping: { target: "127.0.0.1", interval: "0.1" },
    multiping: { targets: `127.0.0.1-127.0.0.${hosts}`, interval: "0.1" },
    mtr: { target: "127.0.0.1", interval: "0.1" },
  };
  await Bun.write(join(folder, "icmpx/tui.json"), JSON.stringify({ forms }));
  {
    await using pty = start([process.execPath, SCREENLESS, String(hosts)], {});
    await printUsage("without a screen", pty);
  }
  for (const [columns, rows] of SIZES) await printViews(columns, rows);
}

async function printViews(columns: number, rows: number): Promise<void> {
  await using pty = start(ICMPX, { columns, rows });
  await pty.shows("Traceroute");
  // The views by number; Enter begins with what the settings hold.
  for (const keys of ["\x1b[12~", "\r", "t", "127.0.0.1\r", "\x1bOR", "\r", "\x1b[15~", "\r"]) {
    pty.type(keys);
    await Bun.sleep(200);
  }
  // In the first seconds the compiler takes its part: the first view once more at the end, when it has little left to do.
  for (const [view, key] of [
    ["mtr", "5"],
    ["ping", "2"],
    ["multiping", "3"],
    ["summary", "1"],
    ["mtr again", "5"],
  ] as const) {
    pty.type(key);
    await printUsage(`${view} ${columns}x${rows}`, pty);
  }
}

async function printMtr(): Promise<void> {
  console.log("One session of mtr(8), ten times a second:");
  await using pty = start(["mtr", "-n", "-i", "0.1", "127.0.0.1"], { columns: 120, rows: 40 });
  await printUsage("mtr 120x40", pty);
}

async function printUsage(name: string, pty: Pty): Promise<void> {
  await Bun.sleep(SETTLE_MS);
  const before = usageOf(pty.pid);
  const written = pty.output.length;
  await Bun.sleep(SECONDS * 1000);
  const after = usageOf(pty.pid);
  const cpu = (100 * (after.cpuSeconds - before.cpuSeconds)) / SECONDS;
  const kilobytes = (pty.output.length - written) / SECONDS / 1000;
  console.log(
    `  ${name.padEnd(20)}${cpu.toFixed(1).padStart(5)} % of a core  ${after.rssMiB.toFixed(0).padStart(4)} MiB  ${kilobytes.toFixed(0).padStart(3)} kB/s to the terminal`,
  );
}

function start(command: readonly string[], options: PtyOptions): Pty {
  return new Pty(command, { ...options, env: { XDG_CONFIG_HOME: folder } });
}

function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime and stime are fields 14 and 15 of all, so 12 and 13 of these.
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
  const [, rssKiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { cpuSeconds, rssMiB: Number(rssKiB) / 1024 };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
