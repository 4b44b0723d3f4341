/**
 * What the terminal UI costs: the time until it is there, then processor, memory and output while
 * four sessions run (two pings, a multiping, an mtr), each ten times a second. Each view has a
 * start of its own. Its first seconds are those after its sessions have begun, in which the
 * compiler has most to do; the steady state begins 30 s later. mtr(8) asks the same target as
 * often, where it is installed. All programs take turns. Everything is asked of the loopback; needs
 * Linux, and permission to ping.
 *
 *     bun run build && bun bench/tui.ts [seconds of each figure, default 10] [rounds, default 3]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages } from "../scripts/support/installation.ts";
import { Pty } from "../test/tui/pty/pty.ts";
import {
  figure,
  median,
  printTable,
  processCpuSeconds,
  processRssMiB,
  takeTurns,
} from "./support/measure.ts";

const SECONDS = Number(process.argv[2] ?? 10);
const ROUNDS = Number(process.argv[3] ?? 3);
const STEADY_AFTER_SECONDS = 30;
const STARTS = 9;
const FEW_HOSTS = 4;
const MANY_HOSTS = 30;
const KEY_PAUSE_MS = 200;
const SCREENLESS = [process.execPath, join(import.meta.dir, "children/tui.ts"), String(FEW_HOSTS)];
const LARGE = { columns: 120, rows: 40 };
const SMALL = { columns: 80, rows: 24 };

/** Keys that begin a session with what the settings hold: the view, and Enter in its form. */
const BEGIN_PING = ["\x1b[12~", "\r", "t", "127.0.0.1\r"];
const BEGIN_MULTIPING = ["\x1bOR", "\r"];
const BEGIN_MTR = ["\x1b[15~", "\r"];
const BEGIN_ALL = [...BEGIN_PING, ...BEGIN_MULTIPING, ...BEGIN_MTR];

/** The settings, and an installation as people have it. */
const folder = await mkdtemp(join(tmpdir(), "icmpx-bench-tui-"));
const ICMPX = [process.execPath, installPackages(folder).command];

interface Start {
  readonly name: string;
  readonly command: readonly string[];
  /** What is waited for, by its name. */
  readonly moments: Readonly<Record<string, (output: string) => boolean>>;
}

const STARTING: readonly Start[] = [
  {
    name: "bun",
    command: [process.execPath, "-e", 'console.log("ready")'],
    moments: { "bun -e, a line": (output) => output.includes("ready") },
  },
  {
    name: "version",
    command: [...ICMPX, "--version"],
    moments: { "icmpx --version": (output) => output.includes("icmpx ") },
  },
  {
    name: "icmpx",
    command: ICMPX,
    moments: {
      "first frame": (output) => output.includes("Traceroute") && output.includes("Target"),
      // The end of a frame of the renderer, which takes keys from then on.
      ready: (output) => output.includes("\x1b[?2026l"),
    },
  },
];

interface Program {
  readonly name: string;
  readonly command: readonly string[];
  readonly size: typeof LARGE;
  /** What is typed when it is there. */
  readonly keys: readonly string[];
  /** Hosts of its multiping. */
  readonly hosts: number;
}

interface Usage {
  /** Of a core. */
  readonly load: number;
  /** Kilobytes a second to the terminal. */
  readonly written: number;
}

interface Run {
  readonly first: Usage;
  readonly steady: Usage;
  /** At the end. */
  readonly rssMiB: number;
}

const PROGRAMS: readonly Program[] = [
  { name: "without a screen", command: SCREENLESS, size: LARGE, keys: [], hosts: FEW_HOSTS },
  view("summary", "1", LARGE),
  view("ping", "2", LARGE),
  view("multiping", "3", LARGE),
  view("mtr", "5", LARGE),
  view("mtr", "5", SMALL),
  {
    ...view("multiping", "3", LARGE),
    name: `multiping of ${MANY_HOSTS} hosts 120x40`,
    hosts: MANY_HOSTS,
  },
  { ...view("mtr", "5", LARGE), name: "mtr alone 120x40", keys: BEGIN_MTR },
  ...(Bun.which("mtr") === null
    ? []
    : [
        {
          name: "mtr(8) 120x40",
          command: ["mtr", "-n", "-i", "0.1", "127.0.0.1"],
          size: LARGE,
          keys: [],
          hosts: FEW_HOSTS,
        },
      ]),
];

try {
  await printStarts();
  await printUsages();
} finally {
  await rm(folder, { recursive: true });
}

async function printStarts(): Promise<void> {
  const runs = await takeTurns(STARTING, STARTS, timesOf);
  const rows = STARTING.flatMap(({ name, moments }) =>
    Object.keys(moments).map((moment, index) => {
      return [
        moment,
        figure(median((runs.get(name) ?? []).map((times) => times[index] ?? Number.NaN)), 0, "ms"),
      ];
    }),
  );
  printTable(
    `Starts, median of ${STARTS}, from the start of the process to the last byte`,
    ["", "after"],
    rows,
  );
}

async function timesOf({ command, moments }: Start): Promise<readonly number[]> {
  const begun = performance.now();
  await using pty = open(command, LARGE);
  const times: number[] = [];
  for (const isShown of Object.values(moments)) {
    while (!isShown(pty.output)) await Bun.sleep(1);
    times.push(performance.now() - begun);
  }
  return times;
}

async function printUsages(): Promise<void> {
  const runs = await takeTurns(PROGRAMS, ROUNDS, usageOf);
  const rows = PROGRAMS.map(({ name }) => {
    const of = (part: (run: Run) => number): number => median((runs.get(name) ?? []).map(part));
    return [
      name,
      figure(
        of(({ first }) => first.load * 100),
        1,
        "%",
      ),
      figure(
        of(({ steady }) => steady.load * 100),
        1,
        "%",
      ),
      figure(
        of(({ rssMiB }) => rssMiB),
        0,
        "MiB",
      ),
      figure(
        of(({ steady }) => steady.written),
        0,
        "kB/s",
      ),
    ];
  });
  printTable(
    `Four sessions, each ten times a second; ${SECONDS} s of each, median of ${ROUNDS} round(s)`,
    ["", "first seconds", `after ${STEADY_AFTER_SECONDS} s`, "RSS", "to the terminal"],
    rows,
  );
}

function view(name: string, key: string, size: typeof LARGE): Program {
  const title = `${name} ${size.columns}x${size.rows}`;
  return { name: title, command: ICMPX, size, keys: [...BEGIN_ALL, key], hosts: FEW_HOSTS };
}

async function usageOf({ command, size, keys, hosts }: Program): Promise<Run> {
  const forms = {
    ping: { target: "127.0.0.1", interval: "0.1" },
    multiping: { targets: `127.0.0.1-127.0.0.${hosts}`, interval: "0.1" },
    mtr: { target: "127.0.0.1", interval: "0.1" },
  };
  await Bun.write(join(folder, "icmpx/tui.json"), JSON.stringify({ forms }));
  await using pty = open(command, size);
  if (keys.length > 0) await pty.shows("Traceroute");
  for (const key of keys) {
    pty.type(key);
    await Bun.sleep(KEY_PAUSE_MS);
  }
  const begun = performance.now();
  const first = await watch(pty);
  await Bun.sleep(STEADY_AFTER_SECONDS * 1000 - (performance.now() - begun));
  const steady = await watch(pty);
  return { first, steady, rssMiB: processRssMiB(pty.pid) };
}

async function watch(pty: Pty): Promise<Usage> {
  const begun = {
    cpu: processCpuSeconds(pty.pid),
    written: pty.output.length,
    at: performance.now(),
  };
  await Bun.sleep(SECONDS * 1000);
  const seconds = (performance.now() - begun.at) / 1000;
  return {
    load: (processCpuSeconds(pty.pid) - begun.cpu) / seconds,
    written: (pty.output.length - begun.written) / seconds / 1000,
  };
}

function open(command: readonly string[], size: typeof LARGE): Pty {
  return new Pty(command, { ...size, env: { XDG_CONFIG_HOME: folder } });
}
