import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace, type User } from "../lab/namespaces.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf, requires } from "../support/requires.ts";
import {
  exampleCommand,
  type Outcome,
  outcomeOf,
  runExample,
  startExample,
} from "./run-example.ts";
import type { programs } from "./upstream-programs.ts";

setDefaultTimeout(60_000);

const UPSTREAM = "../test/examples/upstream-programs.ts";
/** Without a name server an answer takes as long as the resolver is patient, or no time at all. */
const PATIENCE_MS = 30_000;

describeIf(requires.all(requires.linux(), requires.root()), "examples on loopback", () => {
  for (const host of ["127.0.0.1", "::1"]) {
    test(`ping ${host} shows each answer and a summary`, async () => {
      const { code, stdout, stderr } = await runExample(
        "ping.ts",
        host,
        "-c",
        "3",
        "-i",
        "0.02",
        "--no-dns",
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const lines = stdout.split("\n");
      for (const [index, line] of lines.slice(0, 3).entries()) {
        expect(line).toMatch(
          new RegExp(`^64 bytes from ${host}: icmp_seq=${index + 1} ttl=64 time=\\d+\\.\\d+ ms$`),
        );
      }
      expect(lines.slice(3, 5)).toEqual(["", `--- ${host} ping statistics ---`]);
      expect(lines[5]).toMatch(/^3 packets transmitted, 3 received, 0% packet loss, time \d+ms$/);
      expect(lines[6]).toMatch(/^rtt min\/avg\/max\/mdev = (\d+\.\d{3}\/){3}\d+\.\d{3} ms$/);
      expect(lines[7]).toMatch(/^jitter \d+\.\d+ ms$/);
      expect(lines.slice(8)).toEqual([""]);
    });

    test(`traceroute ${host} reaches it in one hop, with as many RTTs as probes`, async () => {
      const { code, stdout, stderr } = await runExample(
        "traceroute.ts",
        host,
        "-c",
        "2",
        "--no-dns",
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [heading, hop, end, ...rest] = stdout.split("\n");
      expect(heading).toBe(`traceroute to ${host} (${host}), 30 hops at most`);
      expect(hop).toMatch(new RegExp(`^ 1  ${host}(  \\d+\\.\\d{3} ms){2}$`));
      expect([end, ...rest]).toEqual([`reached ${host}`, ""]);
    });

    test(`mtr ${host} prints one table when its output is no terminal`, async () => {
      const { code, stdout, stderr } = await runExample("mtr.ts", host, "-c", "3", "-i", "0.02");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [title, top, head, middle, hop, bottom, ...rest] = stdout.split("\n");
      expect(title?.trim()).toBe(`MTR to ${host}`);
      expect([top?.at(0), middle?.at(0), bottom?.at(0)]).toEqual(["┌", "├", "└"]);
      expect(head).toMatch(/Hop.+Address.+Hostname.+Sent.+Recv.+Loss %.+Last.+Avg.+Best.+Worst/);
      expect(hop).toMatch(new RegExp(`^│ +1 │ ${host} +│.+│ +3 │ +3 │ +0\\.0 │`));
      expect(rest).toEqual([""]);
    });
  }

  test("multiping shows all answers, a table, and why a target failed; its code tells of the failure", async () => {
    const hosts = ["127.0.0.1", "no such host", "::1"];
    const { code, stdout, stderr } = await runExample(
      "multiping.ts",
      ...hosts,
      "-c",
      "2",
      "-i",
      "0.02",
      "--no-dns",
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const [live = "", table = ""] = stdout.split("\n\n");
    for (const host of ["127.0.0.1", "::1"]) {
      expect(
        live.split("\n").filter((line) => line.startsWith(`64 bytes from ${host}: `)),
      ).toHaveLength(2);
      expect(table).toMatch(new RegExp(`│ ${host} +│ ${host} +│ +2 │ +2 │ +0\\.0 │`));
    }
    expect(live).toContain("no such host: Cannot resolve ");
    expect(table).toMatch(/│ no such host +│ - +│ +0 │ +0 │ +- │.+│ Cannot resolve /);
  });

  test("sweep shows who is there and sums up", async () => {
    const { code, stdout, stderr } = await runExample(
      "sweep.ts",
      "127.0.0.0/28",
      "::1",
      "-t",
      "0.5",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [, ...lines] = stdout.split("\n").toReversed();
    expect(lines[0]).toMatch(/^15 of 15 hosts answered; 15 packets in \d+\.\d\d s$/);
    const hosts = lines.slice(2).toReversed();
    expect(hosts).toHaveLength(15);
    expect(hosts[0]).toMatch(/^127\.0\.0\.1 {2}\d+\.\d{3} ms {2}ttl 64$/);
  });

  test("multiping ends with code 0 when every target answered", async () => {
    expect((await runExample("multiping.ts", "127.0.0.1", "127.0.0.2", "-c", "1")).code).toBe(0);
  });

  test("-6 and -4 choose the family, and an address of the other is refused", async () => {
    expect((await runExample("ping.ts", "-6", "::1", "-c", "1")).code).toBe(0);
    const { code, stderr } = await runExample("ping.ts", "-6", "127.0.0.1", "-c", "1");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ping: Cannot resolve "127\.0\.0\.1" to an IPv6 address: [^\n]+\n$/);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`ping sums up after ${signal}`, async () => {
      const child = startExample(
        "ping.ts",
        "127.0.0.1",
        "-c",
        "Infinity",
        "-i",
        "0.05",
        "--no-dns",
      );
      const reader = child.stdout.getReader();
      const begin = await readUntil(reader, "icmp_seq=2 ");
      child.kill(signal);
      const stdout = begin + (await readUntil(reader));
      const code = await child.exited;
      expect(code).toBe(0);
      expect(stdout).toContain("\n\n--- 127.0.0.1 ping statistics ---\n");
      const [, sent, received] = /^(\d+) packets transmitted, (\d+) received/m.exec(stdout) ?? [];
      expect(Number(received)).toBeGreaterThanOrEqual(2);
      expect(Number(sent)).toBe(stdout.match(/icmp_seq=/g)?.length ?? 0);
    });
  }

  test("mtr without a terminal goes on until SIGINT, then prints its table", async () => {
    const child = startExample("mtr.ts", "127.0.0.1", "-c", "Infinity", "-i", "0.02", "--no-dns");
    const outcome = outcomeOf(child);
    // SIGURG is caught from when the socket is watched, and SIGINT from before that (proc(5),
    // SigCgt).
    const catches = () =>
      /^SigCgt:\s*(.+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1];
    const SIGURG = 1n << 22n;
    while (child.exitCode === null && (BigInt(`0x${catches() ?? 0}`) & SIGURG) === 0n)
      await Bun.sleep(10);
    child.kill("SIGINT");
    const { code, stdout, stderr } = await outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ *MTR to 127\.0\.0\.1\n┌/);
  });

  test("sweep loses nothing when its reader is slow", async () => {
    // More than fits into a pipe.
    const sweep = exampleCommand("sweep.ts", "127.0.0.0/20", "-r", "Infinity").join(" ");
    const child = Bun.spawn(["sh", "-c", `${sweep} | (sleep 1; cat)`], { stdout: "pipe" });
    const lines = (await new Response(child.stdout).text()).split("\n");
    expect(lines).toHaveLength(4097);
    expect(lines.at(-2)).toStartWith("4094 of 4094 hosts answered; ");
  });

  test("messages are in ASCII where the locale is not UTF-8", async () => {
    const child = Bun.spawn(exampleCommand("ping.ts", "bücher.."), {
      env: { ...process.env, LC_ALL: "C" },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await new Response(child.stderr).text()).toMatch(
      /^ping: Cannot resolve "b\?cher\.\.": [ -~]+\n$/,
    );
    expect(await child.exited).toBe(1);
  });

  test("ping ends when nobody reads its output any more", async () => {
    const child = startExample("ping.ts", "127.0.0.1", "-c", "Infinity", "-i", "0.02", "--no-dns");
    const reader = child.stdout.getReader();
    await readUntil(reader, "icmp_seq=1 ");
    await reader.cancel();
    expect(await child.exited).toBe(1);
  });

  for (const program of ["ping", "traceroute", "mtr"]) {
    test(`${program} says in one line that a host is unknown, with exit code 1`, async () => {
      const begun = performance.now();
      const { code, stdout, stderr } = await runExample(`${program}.ts`, "no-such-host.invalid");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(`^${program}: Cannot resolve "no-such-host\\.invalid"[^\\n]*\\n$`),
      );
      expect(performance.now() - begun).toBeLessThan(PATIENCE_MS);
    });
  }

  describe("the programs of the Python original", () => {
    const outputs: Readonly<Record<keyof typeof programs, RegExp>> = {
      ping: /^(reply from 127\.0\.0\.1 in \d+\.\d\d ms\n){3}$/,
      traceroute: /^ 1: 127\.0\.0\.1 {8}\S.{31} \d+\.\d\d ms \d+\.\d\d ms\n$/,
      mtr: /│ +1 │ 127\.0\.0\.1 │.+│ +10 │ +10 │ +0\.0 │[^\n]+\n└[^\n]+┘\n$/,
    };
    for (const [name, output] of Object.entries(outputs)) {
      test(`${name} runs`, async () => {
        const { code, stdout, stderr } = await runExample(UPSTREAM, name, "127.0.0.1");
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toMatch(output);
      });
    }
  });
});

describeIf(requiresLab(), "examples behind three routers", () => {
  let chain: Chain;
  let closed: Namespace;
  const lab = new Lab();

  beforeAll(async () => {
    closed = lab.add("closed", { pingGroups: false });
    await lab.build();
    chain = await buildChain({ routers: 3 });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await chain[Symbol.asyncDispose]();
  });

  for (const as of ["root", "nobody"] as const) {
    for (const family of [4, 6] as const) {
      test(`traceroute and mtr show every hop over IPv${family} as ${as}`, async () => {
        const target = chain.destination[family];
        const trace = await run(chain.source, as, "traceroute.ts", target, "-c", "2", "--no-dns");
        expect({ code: trace.code, stderr: trace.stderr }).toEqual({ code: 0, stderr: "" });
        const [, ...hops] = trace.stdout.split("\n");
        expect(hops.map((hop) => hop.replace(/( {2}\d+\.\d{3} ms){2}$/, ""))).toEqual([
          ...chain.hops[family].map((addr, index) => ` ${index + 1}  ${addr}`),
          `reached ${target}`,
          "",
        ]);

        const mtr = await run(
          chain.source,
          as,
          "mtr.ts",
          target,
          "-c",
          "2",
          "-i",
          "0.05",
          "--no-dns",
        );
        expect({ code: mtr.code, stderr: mtr.stderr }).toEqual({ code: 0, stderr: "" });
        const rows = mtr.stdout.split("\n").slice(4, -2);
        expect(
          rows.map((row) =>
            row
              .split("│")
              .slice(1, 7)
              .map((cell) => cell.trim()),
          ),
        ).toEqual(
          chain.hops[family].map((addr, index) => [String(index + 1), addr, "", "2", "2", "0.0"]),
        );
      });
    }
  }

  test("ping tells of an unreachable host, and ends with code 1", async () => {
    const { code, stdout } = await run(
      chain.source,
      "root",
      "ping.ts",
      chain.vacant[4],
      "-c",
      "1",
      "-t",
      "10",
      "--no-dns",
    );
    expect(code).toBe(1);
    const [first, , , counts] = stdout.split("\n");
    expect(first).toBe("From 10.77.3.2 icmp_seq=1 Destination Host Unreachable");
    expect(counts).toBe("1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms");
  });

  for (const program of ["ping", "traceroute", "multiping", "mtr", "sweep"]) {
    test(`${program} without permission shows the remedies and ends with code 1`, async () => {
      const { code, stderr } = await run(closed, "nobody", `${program}.ts`, "127.0.0.1");
      expect(code).toBe(1);
      expect(stderr).toStartWith(`${program}: `);
      // This nobody may not gain the capability: a Bun that has it would not start.
      expect(stderr).not.toContain("setcap");
      expect(stderr).toContain("sudo sysctl -w net.ipv4.ping_group_range=");
    });
  }
});

/** Runs an example in a namespace. */
function run(
  namespace: Namespace,
  as: User,
  name: string,
  ...args: readonly string[]
): Promise<Outcome> {
  return outcomeOf(namespace.spawn(exampleCommand(name, ...args), { as }));
}

/** The standard output of a running example. */
interface OutputReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

/** Reads until `text` came, or to the end when there is none to wait for. */
async function readUntil(reader: OutputReader, text?: string): Promise<string> {
  const decoder = new TextDecoder();
  let seen = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done && text !== undefined) throw new Error(`Ended before it printed "${text}": ${seen}`);
    if (done) return seen;
    seen += decoder.decode(value, { stream: true });
    if (text !== undefined && seen.includes(text)) return seen;
  }
}
