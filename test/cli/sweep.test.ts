import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client, ClientOptions, SweepOptions } from "icmpx";
import { main } from "../../src/cli/main.ts";
import { Resolver } from "../../src/client/names/resolver.ts";
import {
  type Platform,
  RESOLVER_CLOCK,
  systemPlatform,
} from "../../src/client/transport/platform.ts";
import { FakeDns } from "../support/fake-dns.ts";
import { echoReply, type FakeNetwork } from "../support/fake-network.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { describeIf, requires } from "../support/requires.ts";
import {
  ENTRY,
  FakeHost,
  type FakeHostOptions,
  parseCsv,
  parseNdjson,
  runCli,
} from "./fake-environment.ts";

setDefaultTimeout(30_000);

const ESCAPE = "\x1b";
/** Nothing is sent to a broadcast address: EACCES. */
const REFUSED = "127.255.255.255";
const TOTALS =
  /^[\d,]+ hosts?: [\d,]+ alive(, [^;]+)?; [\d,]+ packets? in \d+\.\d\d s \([\d,]+\/s\)\n/;

/** A platform whose only names are these. */
function withNames(names: Readonly<Record<string, string>>): Platform {
  const hosts = Object.entries(names).map(([name, address]) => [
    name,
    [{ address, family: address.includes(":") ? 6 : 4 }],
  ]);
  const dns = new FakeDns(Object.fromEntries(hosts));
  return { ...systemPlatform(), resolver: new Resolver(dns, dns) };
}

function lines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

function input(text: string): Uint8Array[] {
  return [new TextEncoder().encode(text)];
}

/** Remembers what the library was asked for. */
class SpyHost extends FakeHost {
  readonly asked: { targets: unknown; options: SweepOptions }[] = [];

  override async createClient(options: ClientOptions): Promise<Client> {
    const client = await super.createClient(options);
    const sweep = client.sweep.bind(client) as Client["sweep"];
    client.sweep = ((targets: string, given: SweepOptions) => {
      this.asked.push({ targets, options: given });
      return sweep(targets, given);
    }) as Client["sweep"];
    return client;
  }
}

async function spy(
  line: string,
  options?: FakeHostOptions,
): Promise<SpyHost & { readonly code: number }> {
  const host = new SpyHost(options);
  const code = await main(line.split(" "), host);
  return Object.assign(host, { code });
}

describeIf(requires.all(requires.linux(), requires.root()), "icmpx sweep on loopback", () => {
  test("prints the hosts that answer, one a line, and the totals on stderr", async () => {
    const { code, stdout, stderr } = await runCli("sweep 127.0.0.0/29 127.0.1.5-7 ::1");
    expect(code).toBe(0);
    const expected = [1, 2, 3, 4, 5, 6].map((octet) => `127.0.0.${octet}`);
    expect(lines(stdout).sort()).toEqual(
      [...expected, "127.0.1.5", "127.0.1.6", "127.0.1.7", "::1"].sort(),
    );
    expect(stderr).toMatch(TOTALS);
    expect(stderr).toStartWith("10 hosts: 10 alive; 10 packets in ");
    expect(stderr).toMatch(/\nrtt min\/avg\/max = (\d+\.\d{3}\/){2}\d+\.\d{3} ms\n$/);
  });

  test("-a is what it does anyway, -u prints the others, -A all with their fate, -q none", async () => {
    const targets = `127.0.0.1 ${REFUSED} 127.0.0.2`;
    for (const [option, code, expected] of [
      ["", 1, ["127.0.0.1", "127.0.0.2"]],
      ["-a", 1, ["127.0.0.1", "127.0.0.2"]],
      ["-u", 1, [REFUSED]],
      ["-q", 1, []],
    ] as const) {
      const outcome = await runCli(`sweep ${option} ${targets}`);
      expect([outcome.code, lines(outcome.stdout).sort()]).toEqual([code, [...expected]]);
      expect(outcome.stderr).toStartWith("3 hosts: 2 alive, 1 not sent to; 2 packets in ");
    }
    const all = await runCli(`sweep -A ${targets}`);
    expect(lines(all.stdout).sort()).toEqual([
      expect.stringMatching(/^127\.0\.0\.1 is alive \(\d+\.\d{3} ms, ttl 64\)$/),
      expect.stringMatching(/^127\.0\.0\.2 is alive \(\d+\.\d{3} ms, ttl 64\)$/),
      expect.stringMatching(/^127\.255\.255\.255: .+ EACCES /),
    ]);
  });

  test("-e prints the time, too", async () => {
    const { stdout } = await runCli("sweep -e 127.0.0.1");
    expect(stdout).toMatch(/^127\.0\.0\.1 \(\d+\.\d{3} ms\)\n$/);
  });

  test("names are printed as given; one that does not resolve is told, with exit code 2", async () => {
    const platform = withNames({ "good.example": "127.0.0.9", "six.example": "::1" });
    const { code, stdout, stderr } = await runCli(
      "sweep good.example nowhere.example six.example 127.0.0.0/40",
      {
        platform,
      },
    );
    expect(code).toBe(2);
    expect(lines(stdout).sort()).toEqual(["good.example", "six.example"]);
    expect(stderr).toContain('icmpx: Cannot resolve "nowhere.example": ');
    expect(stderr).toContain('icmpx: Cannot read "127.0.0.0/40" as addresses: ');
    expect(stderr).toContain("2 hosts: 2 alive, 2 failures; 2 packets in ");
    const all = await runCli("sweep -A good.example", { platform });
    expect(all.stdout).toStartWith("good.example (127.0.0.9) is alive (");
    const only = await runCli("sweep -4 six.example good.example", { platform });
    expect([only.code, only.stdout]).toEqual([2, "good.example\n"]);
  });

  test("-f reads targets from a file or standard input, after those given", async () => {
    const folder = await mkdtemp(join(tmpdir(), "icmpx-sweep-"));
    try {
      const path = join(folder, "targets");
      await Bun.write(path, "# routers\n127.0.0.7 # the first\r\n\n127.0.0.8/31\n");
      const fromFile = await runCli(["sweep", "-f", path, "127.0.0.1"]);
      expect([fromFile.code, lines(fromFile.stdout).sort()]).toEqual([
        0,
        ["127.0.0.1", "127.0.0.7", "127.0.0.8", "127.0.0.9"],
      ]);
      const fromInput = await runCli("sweep --file -", { input: input("127.0.0.3\n127.0.0.4") });
      expect([fromInput.code, lines(fromInput.stdout).sort()]).toEqual([
        0,
        ["127.0.0.3", "127.0.0.4"],
      ]);
      for (const option of ["-f", "--exclude-file"]) {
        const refusals: readonly (readonly [path: string, why: string])[] = [
          [join(folder, "nothing"), "no such file or directory (ENOENT)"],
          [folder, "illegal operation on a directory (EISDIR)"],
        ];
        for (const [path, why] of refusals) {
          const { code, stderr } = await runCli(["sweep", option, path, "127.0.0.1"]);
          expect({ code, stderr }).toEqual({
            code: 2,
            stderr: `icmpx: Cannot read ${JSON.stringify(path)}: ${why}\n`,
          });
        }
      }
      const binary = await runCli(["sweep", "-f", process.execPath]);
      expect([binary.code, binary.stderr]).toEqual([
        2,
        "icmpx: A list of targets has NUL bytes: need text in UTF-8\n",
      ]);
      const several = await runCli("sweep -f -", {
        input: input("127.0.0.3 gateway # it\n127.0.0.4,127.0.0.5"),
      });
      expect(lines(several.stdout).sort()).toEqual(["127.0.0.3", "127.0.0.4", "127.0.0.5"]);
      const picture = await runCli("sweep -f -", { input: [new Uint8Array(100_000).fill(1)] });
      expect(picture.code).toBe(2);
      expect(picture.stderr).toContain("a line of over 65536 characters");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("--exclude and --exclude-file leave out addresses, networks and ranges", async () => {
    const one = await runCli("sweep --exclude 127.0.0.1,127.0.0.4-5 127.0.0.0/29");
    expect(lines(one.stdout).sort()).toEqual(["127.0.0.2", "127.0.0.3", "127.0.0.6"]);
    const both = await runCli("sweep --exclude 127.0.0.1 --exclude-file - 127.0.0.0/29", {
      input: input("127.0.0.4/31\n# no more\n"),
    });
    expect(lines(both.stdout).sort()).toEqual(["127.0.0.2", "127.0.0.3", "127.0.0.6"]);
    const wrong = await runCli("sweep --exclude host.example 127.0.0.1");
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain('Option "exclude" has "host.example"');
    const twice = await runCli("sweep -f - --exclude-file -", { input: input("127.0.0.1") });
    expect([twice.code, twice.stderr]).toEqual([
      2,
      "icmpx: Options --file and --exclude-file cannot both read standard input\n",
    ]);
  });

  test("-x makes so many answers enough for exit code 0", async () => {
    const targets = `127.0.0.1 127.0.0.2 ${REFUSED}`;
    expect((await runCli(`sweep -x 2 ${targets}`)).code).toBe(0);
    expect((await runCli(`sweep -x 3 ${targets}`)).code).toBe(1);
  });

  test("all options get through to the library, in its units", async () => {
    const line =
      "sweep --rate 500.5 -r 3 -W 0.25 --order random --seed 7 -H 9 -b 100 -O 0xb8 -I lo -S 127.0.0.5 -M -k 3 -4 --socket raw 127.0.0.1";
    const { code, asked } = await spy(line);
    expect(code).toBe(0);
    expect(asked).toEqual([
      {
        targets: ["127.0.0.1"],
        options: {
          all: false,
          rate: 500.5,
          retries: 3,
          timeout: 250,
          order: "random",
          seed: 7,
          exclude: [],
          ttl: 9,
          size: 100,
          tos: 0xb8,
          interface: "lo",
          source: "127.0.0.5",
          dontFragment: true,
          mark: 3,
          family: 4,
          privileged: true,
        },
      },
    ]);
    expect((await spy("sweep --rate max 127.0.0.1")).asked[0]?.options.rate).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect((await spy("sweep 127.0.0.1")).asked[0]?.options).toEqual({
      all: false,
      exclude: [],
      order: "sequential",
    });
    expect((await spy("sweep -I 127.0.0.5 -6 ::1")).asked[0]?.options).toMatchObject({
      source: "127.0.0.5",
      family: 6,
    });
  });

  test("of many failures the first 1000 are told, and how many there are", async () => {
    const wrong = Array.from({ length: 1007 }, (_, index) => `127.0.0.${index}/99`);
    const { code, stdout, stderr } = await runCli(["sweep", "127.0.0.1", ...wrong]);
    expect([code, stdout]).toEqual([2, "127.0.0.1\n"]);
    const told = lines(stderr);
    expect(told).toHaveLength(1000 + 1 + 2);
    expect(told[0]).toContain('"127.0.0.0/99"');
    expect(told[1000]).toBe("icmpx: 7 more failures");
    expect(told[1001]).toStartWith("1 host: 1 alive, 1,007 failures; ");
  });

  test("nothing in a list is shown as it came that a terminal would obey", async () => {
    const list = "a\x1b[2Jb/1\n\u202e127.0.0.1\nc\u0007.example\n";
    for (const format of ["", "--ndjson", "--csv", "--json"]) {
      const { code, stdout, stderr } = await runCli(`sweep ${format} -f -`, { input: input(list) });
      expect(code).toBe(2);
      for (const control of ["\x07", "\x1b", "\u202e"])
        expect(stdout + stderr).not.toContain(control);
      expect((stdout + stderr).length).toBeGreaterThan(100);
    }
  });

  test("-w ends in time, with the totals so far", async () => {
    const { code, stderr } = await runCli("sweep -q -w 0.2 --rate 100 127.1.0.0/16");
    expect(code).toBe(0);
    const [, hosts] = /^(\d+) hosts: /.exec(stderr) ?? [];
    expect(Number(hosts)).toBeGreaterThan(0);
    expect(Number(hosts)).toBeLessThan(60_000);
  });

  test("--json is the result of the library", async () => {
    const { code, stdout, stderr } = await runCli("sweep --json 127.0.0.0/30 127.0.0.0/99");
    expect([code, stderr]).toEqual([2, ""]);
    const { command, living, failures, ...totals } = JSON.parse(stdout);
    expect([command, living]).toEqual(["sweep", ["127.0.0.1", "127.0.0.2"]]);
    expect(failures).toMatchObject([{ target: "127.0.0.0/99", error: "ERR_INVALID_TARGET" }]);
    expect(totals).toMatchObject({ hosts: 2, answered: 2, silent: 0, failed: 1, sent: 2 });
    expect(totals.rtt.min).toBeGreaterThan(0);
  });

  test("--ndjson is a line for each host and failure, then one for all", async () => {
    const { stdout } = await runCli(`sweep --ndjson -A 127.0.0.1 ${REFUSED} 127.0.0.0/99`);
    const events = parseNdjson(stdout);
    const fates = events.map(({ event, kind, addr }) => [event, kind, addr]);
    expect(fates.slice(0, 2).sort()).toEqual([
      ["host", "reply", "127.0.0.1"],
      ["host", "sendError", REFUSED],
    ]);
    expect(fates.slice(2)).toEqual([
      ["failure", "targetFailure", undefined],
      ["summary", undefined, undefined],
    ]);
    expect(events.at(-1)).toMatchObject({ hosts: 2, answered: 1, sendErrors: 1, failed: 1 });
    expect(events.at(-1)).not.toHaveProperty("living");
  });

  test("--csv has a row for each host, and its heading even for none", async () => {
    const { stdout } = await runCli(`sweep --csv -A 127.0.0.1 ${REFUSED} 127.0.0.0/99`);
    const rows = parseCsv(stdout);
    const find = (kind: string) => rows.find((row) => row["kind"] === kind);
    expect(rows).toHaveLength(3);
    expect(find("reply")).toMatchObject({
      target: "127.0.0.1",
      address: "127.0.0.1",
      ttl: "64",
      from: "127.0.0.1",
      error: "",
      attempts: "1",
      corrupt: "false",
    });
    expect(Number(find("reply")?.["rtt_ms"])).toBeGreaterThan(0);
    expect(find("sendError")).toMatchObject({
      address: REFUSED,
      rtt_ms: "",
      error: "EACCES",
      attempts: "0",
    });
    expect(find("targetFailure")).toMatchObject({
      target: "127.0.0.0/99",
      address: "",
      error: "ERR_INVALID_TARGET",
    });
    const none = await runCli(`sweep --csv ${REFUSED}`);
    expect(none.stdout).toBe("target,address,kind,rtt_ms,ttl,from,error,attempts,corrupt\n");
  });

  test("a file of 20,000 targets comes out whole, through a pipe", async () => {
    const targets = Array.from(
      { length: 20_000 },
      (_, index) => `127.2.${index >> 8}.${index & 255}`,
    );
    const child = Bun.spawn(
      [process.execPath, ENTRY, "sweep", "--rate", "max", "-r", "5", "-f", "-"],
      {
        stdin: new TextEncoder().encode(`${targets.join("\n")}\n`),
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(await child.exited).toBe(0);
    expect(lines(stdout).sort()).toEqual(targets.sort());
    expect(stderr).toStartWith("20,000 hosts: 20,000 alive; ");
  });

  for (const isTerminal of [false, true]) {
    test(`${isTerminal ? "does not wait for a terminal" : "waits for the reader of a pipe"} that stands still`, async () => {
      const host = new FakeHost(isTerminal ? { terminal: { columns: 80 } } : {});
      const flushes: number[] = [];
      let isHeld = false;
      Object.assign(host.stdout, {
        isBusy: true,
        flush: async () => {
          flushes.push(host.stdout.text.length);
          isHeld = true;
          await Bun.sleep(20);
          // While the reader does not read, nothing comes but what was collected.
          expect(host.stdout.text.length - (flushes.at(-1) ?? 0)).toBeLessThan(20_000);
          isHeld = false;
        },
      });
      expect(await main(["sweep", "--csv", "--rate", "max", "-r", "5", "127.1.0.0/17"], host)).toBe(
        0,
      );
      expect(lines(host.stdout.text)).toHaveLength(1 + 32_766);
      expect(isHeld).toBe(false);
      if (isTerminal) expect(flushes).toEqual([]);
      else expect(flushes[0]).toBeGreaterThan(1 << 20);
    });
  }

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} ends it with the totals; the second ends the process`, async () => {
      const { stdout, stderr, host } = await runCli("sweep --rate 200 127.1.0.0/16", {
        onWrite: (_, fake) => {
          fake.send(signal);
          fake.send(signal);
        },
      });
      expect(lines(stdout)).toContain("127.1.0.1");
      expect(stderr).toMatch(TOTALS);
      expect(host.exits).toEqual([130]);
      expect(host.listenerCount).toBe(0);
    });
  }

  test("SIGINT while it waits for a name server ends it with exit code 1", async () => {
    const lookup = () => {
      setTimeout(() => host.send("SIGINT"));
      return new Promise<never>(() => {});
    };
    const platform = {
      ...systemPlatform(),
      resolver: new Resolver({ lookup, reverse: async () => null }, RESOLVER_CLOCK),
    };
    const host = new FakeHost({ platform });
    expect(await main(["sweep", "slow.example"], host)).toBe(1);
    expect(host.listenerCount).toBe(0);
  });

  test("SIGQUIT shows on stderr how far it is", async () => {
    let isSent = false;
    const { stderr } = await runCli("sweep --rate 1000 127.1.0.0/24", {
      onWrite: (_, fake) => {
        if (!isSent) fake.send("SIGQUIT");
        isSent = true;
      },
    });
    expect(stderr).toMatch(
      /^\d+ of 254 hosts \(\d+%\), \d+ alive, [\d,]+\/s, \d+ s left\n254 hosts: 254 alive; /,
    );
  });

  test("a terminal gets colour for who does not answer with -A, unless NO_COLOR is set", async () => {
    const line = `sweep -A ${REFUSED}`;
    const coloured = await runCli(line, { terminal: { columns: 80 } });
    expect(coloured.stdout).toStartWith(`${ESCAPE}[31m${REFUSED}: `);
    const plain = await runCli(line, { terminal: { columns: 80 }, env: { NO_COLOR: "1" } });
    expect(plain.stdout).not.toContain(ESCAPE);
    expect((await runCli(line)).stdout).not.toContain(ESCAPE);
  });
});

describe("icmpx sweep of a host that answers with wrong data", () => {
  async function run(options: string, terminal?: FakeHostOptions["terminal"]) {
    const network: FakeNetwork = (probe) =>
      probe.destination === "198.51.100.1"
        ? [echoReply(probe, { data: new Uint8Array(56) })]
        : [echoReply(probe, { data: probe.data.slice(8) })];
    const { clock, platform } = fakePlatform({ network });
    const host = new FakeHost({ platform, ...(terminal && { terminal }) });
    const line = `sweep -W 0.05 ${options} 198.51.100.1 198.51.100.2`;
    let isOver = false;
    const ended = main(line.split(" "), host).finally(() => {
      isOver = true;
    });
    // The command is loaded in real time.
    while (!isOver) await clock.advance(10);
    return { code: await ended, stdout: host.stdout.text, stderr: host.stderr.text };
  }

  test("is not alive, and says so in text", async () => {
    const all = await run("-A");
    expect(all.code).toBe(1);
    expect(lines(all.stdout).sort()).toEqual([
      "198.51.100.1 answered with wrong data: corrupt, 56 bytes of data",
      "198.51.100.2 is alive (10.000 ms, ttl 64)",
    ]);
    expect(all.stderr).toStartWith("2 hosts: 1 alive, 1 with wrong data; 3 packets in ");
    expect((await run("-u")).stdout).toBe("198.51.100.1\n");
    expect((await run("-a")).stdout).toBe("198.51.100.2\n");
    const coloured = await run("-A", { columns: 80 });
    expect(coloured.stdout).toContain(`${ESCAPE}[33m198.51.100.1 answered`);
  });

  test("is told in JSON and CSV", async () => {
    const document = JSON.parse((await run("--json")).stdout);
    expect(document).toMatchObject({
      answered: 1,
      silent: 0,
      wrongData: 1,
      living: ["198.51.100.2"],
    });
    const events = parseNdjson((await run("--ndjson -A")).stdout);
    expect(events.find(({ addr }) => addr === "198.51.100.1")).toEqual({
      event: "host",
      kind: "wrongData",
      addr: "198.51.100.1",
      target: null,
      attempts: 2,
      error: "wrong_data",
      wrongData: { length: 56, truncated: false },
    });
    expect(events.at(-1)).toMatchObject({ event: "summary", wrongData: 1 });
    const rows = parseCsv((await run("--csv -A")).stdout);
    expect(rows.find(({ address }) => address === "198.51.100.1")).toEqual({
      target: "198.51.100.1",
      address: "198.51.100.1",
      kind: "wrongData",
      rtt_ms: "",
      ttl: "",
      from: "",
      error: "wrong_data",
      attempts: "2",
      corrupt: "true",
    });
  });
});

describe("icmpx sweep", () => {
  test.each<[line: string, message: string]>([
    ["sweep", "Need TARGET..., or --file: icmpx sweep --help shows how"],
    ["sweep -a -u 127.0.0.1", "Options --alive and --unreach exclude each other"],
    ["sweep -A -q 127.0.0.1", "Options --all and --quiet exclude each other"],
    ["sweep --json --csv 127.0.0.1", "Options --json and --csv exclude each other"],
    ["sweep --rate 0 127.0.0.1", 'Option --rate is "0": need packets a second, above 0, or max'],
    [
      "sweep --rate fast 127.0.0.1",
      'Option --rate is "fast": need packets a second, above 0, or max',
    ],
    ["sweep --rate -5 127.0.0.1", 'Option --rate is "-5": need packets a second, above 0, or max'],
    ["sweep -r 16 127.0.0.1", 'Option -r is "16": need a whole number from 0 to 15'],
    ["sweep -b 8 127.0.0.1", 'Option -b is "8": need a whole number from 16 to 65507'],
    ["sweep --order upward 127.0.0.1", 'Option --order is "upward": need sequential, random'],
    ["sweep -t 500 127.0.0.1", "Unknown option -t (-W takes seconds)"],
    ["sweep -4 -6 127.0.0.1", "Options -4 and -6 exclude each other"],
  ])("%s is refused before anything is sent", async (line, message) => {
    const { code, stdout, stderr } = await runCli(line);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: "",
      stderr: `icmpx: ${message}\n`,
    });
  });
});
