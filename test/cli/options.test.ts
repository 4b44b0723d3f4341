import { describe, expect, test } from "bun:test";
import type { Client } from "icmpx";
import { optionsOf } from "../../src/cli/arguments.ts";
import type { Command } from "../../src/cli/command.ts";
import { UsageError } from "../../src/cli/host.ts";
import { main } from "../../src/cli/main.ts";
import { MTR } from "../../src/cli/mtr.ts";
import { PING } from "../../src/cli/ping.ts";
import { TRACEROUTE } from "../../src/cli/traceroute.ts";
import { FakeHost } from "./fake-environment.ts";

type Options = Readonly<Record<string, unknown>>;

/** An option as it is typed, and how it changes what the library is asked for. */
type Row = readonly [typed: string, change: Options];

const EVERY_COMMAND: readonly Row[] = [
  ["-4", { family: 4 }],
  ["-6", { family: 6 }],
  ["--socket auto", {}],
  ["--socket raw", { privileged: true }],
  ["--socket datagram", { privileged: false }],
  ["-v", {}],
];

const PING_ROWS: readonly Row[] = [
  ["-c 7", { count: 7 }],
  ["-i 0.25", { interval: 250 }],
  ["-W 0.5", { timeout: 500 }],
  ["-t 9", { ttl: 9 }],
  ["-s 100", { size: 100 }],
  ["-p c0ff", { payload: new Uint8Array(56).map((_, index) => (index % 2 === 0 ? 0xc0 : 0xff)) }],
  ["-Q 0xb8", { tos: 0xb8 }],
  ["-Q 0x2e", { tos: 0x2e }],
  ["-I lo", { interface: "lo" }],
  ["-I 127.0.0.5", { source: "127.0.0.5" }],
  ["-I lo -I 127.0.0.5", { interface: "lo", source: "127.0.0.5" }],
  ["--source 127.0.0.5", { source: "127.0.0.5" }],
  ["-m 7", { mark: 7 }],
  ["-M do", { dontFragment: true }],
  ["-M dont", { dontFragment: false }],
  ["-M want", {}],
  ["-f", { interval: 0 }],
  ["-A", { interval: 0 }],
  ["-A -i 0.1", { interval: 100 }],
  ["-H", { resolveDns: true }],
  // It always does.
  ["-O", {}],
  ...EVERY_COMMAND,
];

const TRACEROUTE_ROWS: readonly Row[] = [
  ["-f 2", { firstTtl: 2 }],
  ["-m 9", { maxHops: 9 }],
  ["--max-unknown 3", { gapLimit: 3 }],
  ["-q 2", { probes: 2 }],
  ["-w 0.5", { timeout: 500 }],
  ["-N 4", { concurrency: 4 }],
  ["-F", { dontFragment: true }],
  ["-t 0xb8", { tos: 0xb8 }],
  ["-i lo", { interface: "lo" }],
  ["-s 127.0.0.5", { source: "127.0.0.5" }],
  ["--size 100", { size: 100 }],
  ["--mark 7", { mark: 7 }],
  // It always does.
  ["-I", {}],
  ["-n", { resolveDns: false }],
  ...EVERY_COMMAND,
];

const MTR_ROWS: readonly Row[] = [
  ["-c 7", { count: 7 }],
  ["-i 0.25", { interval: 250 }],
  ["-Z 0.5", { timeout: 500 }],
  ["-f 2", { firstTtl: 2 }],
  ["-m 9", { maxHops: 9 }],
  ["-U 3", { gapLimit: 3 }],
  ["-s 100", { size: 100 }],
  ["-Q 0xb8", { tos: 0xb8 }],
  ["-I lo", { interface: "lo" }],
  ["-I 127.0.0.5", { source: "127.0.0.5" }],
  ["-a 127.0.0.5", { source: "127.0.0.5" }],
  ["-M 7", { mark: 7 }],
  ["--ndjson", { count: Number.POSITIVE_INFINITY }],
  ["-n", { resolveDns: false }],
  ...EVERY_COMMAND,
];

const FORMATS = ["json", "ndjson", "csv", "help"];

/**
 * Options that change what is shown, and not what the library is asked for: other tests look at the
 * output.
 */
const TABLES: readonly (readonly [
  command: Command,
  rows: readonly Row[],
  shown: readonly string[],
])[] = [
  [PING, PING_ROWS, ["deadline", "quiet", "timestamp", "numeric", ...FORMATS]],
  [TRACEROUTE, TRACEROUTE_ROWS, FORMATS],
  [MTR, MTR_ROWS, ["report", "report-wide", "order", "mpls", "show-ips", ...FORMATS]],
];

for (const [command, rows, shown] of TABLES) {
  describe(`what icmpx ${command.name} asks of the library`, () => {
    for (const [typed, change] of rows) {
      test(`with ${typed}`, async () => {
        const plain = await asked(`${command.name} 127.0.0.1`);
        expect(await asked(`${command.name} ${typed} 127.0.0.1`)).toEqual({ ...plain, ...change });
      });
    }

    test("has a row for each option that is not only for the eye", () => {
      const tried = rows.flatMap(([typed]) =>
        typed.split(" ").filter((word) => word.startsWith("-")),
      );
      const untried = optionsOf(command).filter(
        ({ name, letter }) => !tried.includes(`--${name}`) && !tried.includes(`-${letter}`),
      );
      expect(untried.map(({ name }) => name).sort()).toEqual(
        shown.filter((name) => !tried.includes(`--${name}`)).sort(),
      );
    });
  });
}

/** What a command line would ask of the library; nothing is carried out. */
async function asked(line: string): Promise<Options> {
  const calls: Options[] = [];
  const record = (_: unknown, options: Options): never => {
    calls.push(options);
    throw new UsageError("asked");
  };
  class AskingHost extends FakeHost {
    override async createClient(): Promise<Client> {
      const methods = { multiping: record, traceroute: record, mtr: record, [Symbol.dispose]() {} };
      return methods as unknown as Client;
    }
  }
  const host = new AskingHost();
  expect(await main(line.split(" "), host)).toBe(2);
  expect(host.stderr.text).toBe("icmpx: asked\n");
  const [options = {}] = calls;
  return Object.fromEntries(
    Object.entries(options).filter(
      ([, value]) => value !== undefined && typeof value !== "function",
    ),
  );
}
