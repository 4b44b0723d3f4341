import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab } from "../lab/kinds.ts";
import { Lab, type Namespace, type User } from "../lab/namespaces.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import { type CliOutcome, ENTRY, parseCsv, parseNdjson } from "./fake-environment.ts";

setDefaultTimeout(60_000);

describeIf(requiresLab(), "icmpx behind three routers", () => {
  let chain: Chain;
  let closed: Namespace;
  let island: Namespace;
  const lab = new Lab();

  beforeAll(async () => {
    closed = lab.add("closed", { pingGroups: false });
    island = lab.add("island");
    await lab.build();
    chain = await buildChain({ routers: 3 });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await chain[Symbol.asyncDispose]();
  });

  for (const as of ["root", "nobody"] as const) {
    for (const family of [4, 6] as const) {
      test(`traceroute shows every hop over IPv${family} as ${as}`, async () => {
        const target = chain.destination[family];
        const { code, stdout, stderr } = await run(
          chain.source,
          as,
          `trace -n -q 2 -w 2 -N 4 ${target}`,
        );
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        const [heading, ...lines] = stdout.split("\n");
        const bytes = family === 4 ? 84 : 104;
        expect(heading).toBe(
          `traceroute to ${target} (${target}), 30 hops max, ${bytes} byte packets`,
        );
        expect(lines.map((line) => line.replace(/( {2}\d+\.\d{3} ms){2}$/, ""))).toEqual([
          ...chain.hops[family].map((addr, index) => ` ${index + 1}  ${addr}`),
          `reached ${target}`,
          "",
        ]);
      });

      test(`mtr --report lines up over IPv${family} as ${as}`, async () => {
        const target = chain.destination[family];
        const { code, stdout, stderr } = await run(
          chain.source,
          as,
          `mtr -rwn -c 3 -i 0.05 ${target}`,
        );
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        const [start, head = "", ...rows] = stdout.trimEnd().split("\n");
        expect(start).toMatch(/^Start: \d{4}-\d\d-\d\dT[\d:.]+Z {2}to /);
        expect(head).toMatch(/^HOST: \S+ +Loss% {3}Snt {3}Last {4}Avg {3}Best {3}Wrst {2}StDev$/);
        expect(new Set([head, ...rows].map((row) => row.length)).size).toBe(1);
        const cells = rows.map((row) => row.trim().split(/ +/));
        expect(cells.map(([number, addr, loss, sent]) => [number, addr, loss, sent])).toEqual(
          chain.hops[family].map((addr, index) => [`${index + 1}.|--`, addr, "0.0%", "3"]),
        );
        for (const figures of cells) {
          for (const figure of figures.slice(4)) expect(figure).toMatch(/^\d+\.\d$/);
        }
      });
    }

    for (const family of [4, 6] as const) {
      test(`ping over IPv${family} as ${as}: text, JSON, NDJSON and CSV tell the same answers`, async () => {
        const target = chain.destination[family];
        const line = (more: string) =>
          run(chain.source, as, `ping -c 2 -i 0.05 -t 9 -s 100 ${more} ${target}`);
        const text = await line(`-${family}`);
        expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: "" });
        expect(
          text.stdout.match(/^108 bytes from \S+: icmp_seq=[12] ttl=61 time=[\d.]+ ms$/gm),
        ).toHaveLength(2);
        const [only] = JSON.parse((await line("--json")).stdout).targets;
        expect(only).toMatchObject({
          target,
          family,
          statistics: { sent: 2, received: 2, loss: 0 },
        });
        const events = parseNdjson((await line("--ndjson")).stdout);
        expect(events.map(({ event, kind }) => kind ?? event)).toEqual([
          "reply",
          "reply",
          "summary",
        ]);
        const rows = parseCsv((await line("--csv")).stdout);
        expect(rows.map(({ number, from, ttl }) => [number, from, ttl])).toEqual([
          ["1", target, "61"],
          ["2", target, "61"],
        ]);
      });

      test(`ping -t over IPv${family} as ${as} shows the router at which the TTL ran out`, async () => {
        const { code, stdout } = await run(
          chain.source,
          as,
          `ping -c 1 -t 2 ${chain.destination[family]}`,
        );
        expect(code).toBe(1);
        expect(stdout).toContain(
          `\nFrom ${chain.hops[family][1]} icmp_seq=1 ${family === 4 ? "Time to live exceeded" : "Time exceeded: Hop limit"}\n`,
        );
      });
    }

    test(`JSON, NDJSON and CSV as ${as} tell the same hops`, async () => {
      const target = chain.destination[4];
      const trace = JSON.parse(
        (await run(chain.source, as, `trace -n -q 1 --json ${target}`)).stdout,
      );
      expect(trace).toMatchObject({
        command: "traceroute",
        target,
        reached: true,
        stopReason: "target",
      });
      expect(trace.hops.map(({ addr }: { addr: string }) => addr)).toEqual([...chain.hops[4]]);
      const events = parseNdjson(
        (await run(chain.source, as, `trace -n -q 1 --ndjson ${target}`)).stdout,
      );
      expect(events.map(({ event, addr }) => addr ?? event)).toEqual([...chain.hops[4], "summary"]);
      const rows = parseCsv((await run(chain.source, as, `trace -n -q 2 --csv ${target}`)).stdout);
      expect(rows.map(({ ttl, probe, address }) => [ttl, probe, address])).toEqual(
        chain.hops[4].flatMap((addr, index) =>
          ["1", "2"].map((probe) => [String(index + 1), probe, addr]),
        ),
      );

      const mtr = JSON.parse(
        (await run(chain.source, as, `mtr -n -c 2 -i 0.05 --json ${target}`)).stdout,
      );
      expect(mtr).toMatchObject({ command: "mtr", target, rounds: 2, reached: true });
      const rounds = parseNdjson(
        (await run(chain.source, as, `mtr -n -c 2 -i 0.05 --ndjson ${target}`)).stdout,
      );
      expect(rounds.map(({ event, round }) => [event, round])).toEqual([
        ["round", 1],
        ["round", 2],
        ["summary", 2],
      ]);
      const figures = parseCsv(
        (await run(chain.source, as, `mtr -n -c 2 -i 0.05 --csv ${target}`)).stdout,
      );
      expect(figures.map(({ ttl, address, sent, loss }) => [ttl, address, sent, loss])).toEqual(
        chain.hops[4].map((addr, index) => [String(index + 1), addr, "2", "0"]),
      );
    });
  }

  test("-f and -m choose the hops, and exit code 1 tells that the target was not reached", async () => {
    const target = chain.destination[4];
    const trace = await run(
      chain.source,
      "root",
      `trace -n -f 2 -m 3 -F -t 0x20 --size 100 ${target}`,
    );
    expect(trace.code).toBe(1);
    expect(Array.from(trace.stdout.matchAll(/^ \d {2}\S+/gm), ([line]) => line)).toEqual(
      [2, 3].map((hop) => ` ${hop}  ${chain.hops[4][hop - 1]}`),
    );
    expect(trace.stdout).toEndWith("not reached within 3 hops\n");
    const mtr = await run(
      chain.source,
      "root",
      `mtr -rn -c 1 -f 2 -m 3 -Z 0.5 -Q 0x20 -s 100 -o LSM ${target}`,
    );
    expect(mtr.code).toBe(1);
    expect(mtr.stdout).toMatch(
      /Loss% {3}Snt {3}Javg\n {2}2\.\|-- 10\.77\.2\.2 +0\.0% +1 +-\n {2}3\./,
    );
  });

  test("source, interface and the limit of silent hops", async () => {
    const own = "10.77.1.1";
    const line = `trace -n -q 1 -w 0.3 -i above -s ${own} --max-unknown 2 ${chain.vacant[4]}`;
    const { code, stdout } = await run(chain.source, "root", line);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n 4 {2}\*\n 5 {2}\*\nnot reached: no answer from the last 2 hops\n$/);
    const mtr = await run(
      chain.source,
      "root",
      `mtr -rn -c 1 -a ${own} -I above -U 1 ${chain.destination[4]}`,
    );
    expect(mtr.code).toBe(0);
  });

  test("ping tells of an unreachable host, and which target it was, with exit code 1", async () => {
    const { code, stdout } = await run(
      chain.source,
      "root",
      `ping -n -c 1 -W 10 ${chain.vacant[4]} ${chain.destination[4]}`,
    );
    expect(code).toBe(1);
    expect(stdout).toContain(
      `${chain.vacant[4]}: From 10.77.3.2 icmp_seq=1 Destination Host Unreachable\n`,
    );
    expect(stdout).toContain(`64 bytes from ${chain.destination[4]}: icmp_seq=1 ttl=61`);
  });

  for (const as of ["root", "nobody"] as const) {
    test(`what cannot be sent at all is a failure as ${as}, with exit code 2 and the reason`, async () => {
      const target = "192.0.2.1";
      const ping = await run(island, as, `ping -c 1 ${target}`);
      expect(ping.code).toBe(2);
      expect(ping.stdout).toContain("ENETUNREACH (network is unreachable)");
      expect(ping.stdout).not.toContain("rtt min");
      // Whatever else answers: one of the targets was not asked.
      expect((await run(island, as, `ping -c 1 127.0.0.1 ${target}`)).code).toBe(2);
      const trace = await run(island, as, `trace -q 1 ${target}`);
      expect([trace.code, trace.stdout.includes(" 1  ENETUNREACH\n")]).toEqual([2, true]);
      const mtr = await run(island, as, `mtr -rnc 1 -m 3 ${target}`);
      expect(mtr.code).toBe(2);
      expect(mtr.stdout).toMatch(
        /\n3 probes not sent: .+ENETUNREACH \(network is unreachable\)\n$/,
      );
      const sweep = await run(island, as, `sweep ${target}`);
      expect([sweep.code, sweep.stderr.split("; ")[0]]).toEqual([
        2,
        "1 host: 0 alive, 1 not sent to",
      ]);
      expect(sweep.stderr).toEndWith("\n-A tells why something was not sent\n");
    });
  }

  test("a size that no path takes unfragmented is no failure, but an answer", async () => {
    const { code, stdout } = await run(
      chain.source,
      "root",
      `ping -M do -s 3000 -c 1 ${chain.destination[4]}`,
    );
    expect(stdout).toContain("EMSGSIZE");
    expect(code).toBe(1);
  });

  test("mtr tells what a router said of the target", async () => {
    const { code, stdout } = await run(chain.source, "root", `mtr -rnc 1 -Z 10 ${chain.vacant[4]}`);
    expect(code).toBe(1);
    expect(stdout).toEndWith("\n10.77.3.2 says: destination unreachable: host unreachable\n");
  });

  test("without permission it shows the remedies, with exit code 2", async () => {
    for (const command of ["ping", "traceroute", "mtr"]) {
      const { code, stdout, stderr } = await run(closed, "nobody", `${command} 127.0.0.1`);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toStartWith(
        "icmpx: Cannot open an ICMP socket: permission denied (CAP_NET_RAW is outside the bounding set",
      );
      expect(stderr).toContain('\n  sudo sysctl -w net.ipv4.ping_group_range="65534 65534"\n');
    }
  });
});

async function run(namespace: Namespace, as: User, line: string): Promise<CliOutcome> {
  const child = namespace.spawn([process.execPath, ENTRY, ...line.split(" ")], { as });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
