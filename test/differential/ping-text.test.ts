import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { ENTRY } from "../cli/fake-environment.ts";
import { reject } from "../lab/impairments.ts";
import { requiresLab } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

/** What a router answers, each for an address of its own behind it, in the words of nft(8). */
const REASONS = {
  4: [
    "net-unreachable",
    "host-unreachable",
    "prot-unreachable",
    "port-unreachable",
    "net-prohibited",
    "host-prohibited",
    "admin-prohibited",
  ],
  // ping(8) has no name for policy-fail and reject-route.
  6: ["no-route", "admin-prohibited", "addr-unreachable", "port-unreachable"],
} as const;

/** Arguments that both take, with what they are about. */
const CASES: readonly (readonly [name: string, line: string])[] = [
  ["replies over IPv4", "-c 3 -i 0.01 10.77.4.2"],
  ["replies over IPv6", "-c 3 -i 0.01 fd77:4::2"],
  ["numeric", "-n -c 1 10.77.4.2"],
  ["a name", "-c 1 localhost"],
  ["a name, numeric", "-n -c 1 localhost"],
  ["much data", "-c 1 -s 4000 10.77.4.2"],
  ["little data", "-c 1 -s 16 fd77:4::2"],
  ["TTL exceeded", "-c 2 -i 0.01 -t 2 10.77.4.2"],
  ["hop limit exceeded", "-c 2 -i 0.01 -t 2 fd77:4::2"],
  ["no ARP answer here", "-c 1 -W 5 10.77.1.99"],
  ["no ARP answer at the last router", "-c 1 -W 5 10.77.4.99"],
  ["no neighbour at the last router", "-c 1 -W 5 fd77:4::99"],
  ["a pattern", "-c 1 -p ff00AA 10.77.4.2"],
  ["no answer at all", "-q -c 2 -i 0.2 -W 0.5 10.77.4.4"],
  ["the summary only", "-q -c 2 -i 0.01 10.77.4.2"],
  ["times", "-D -c 1 10.77.4.2"],
  ["as fast as answers come", "-A -c 3 10.77.4.2"],
  ["an interface", "-I above -c 1 10.77.4.2"],
  ["an interface, IPv6", "-I above -c 1 fd77:4::2"],
  ["a source", "-I 10.77.1.1 -c 1 10.77.4.2"],
  ["a source, IPv6", "-I fd77:1::1 -c 1 fd77:4::2"],
  ["an interface and a source", "-I above -I 10.77.1.1 -c 1 10.77.4.2"],
  ["duplicates", "-c 2 -i 0.3 -W 0.3 10.77.4.3"],
  ["a path of too small an MTU", "-c 1 -M do -s 1400 10.77.4.2"],
  ...REASONS[4].map((reason, index) => [reason, `-c 1 10.77.4.${100 + index}`] as const),
  ...REASONS[6].map((reason, index) => [`IPv6 ${reason}`, `-c 1 fd77:4::${100 + index}`] as const),
];

describeIf(
  requiresLab("ping", "nft"),
  "the text of ping, beside iputils on a chain of routers",
  () => {
    let chain: Chain;

    beforeAll(async () => {
      chain = await buildChain({ routers: 3, lastMtu: 1300 });
      const [first] = chain.routers;
      if (first === undefined) throw new Error("The chain has no router");
      for (const family of [4, 6] as const) {
        const net = family === 4 ? "10.77.4." : "fd77:4::";
        const rejections = REASONS[family].map((reason, index) => ({
          family,
          reason,
          destination: `${net}${100 + index}`,
        }));
        await reject(first, rejections);
      }
      for (const address of ["10.77.4.3", "10.77.4.4"]) {
        await chain.target.exec("ip", "address", "add", `${address}/24`, "dev", "below");
      }
      // The first of the two answers twice, the other not at all. (Nobody to resolve is no way to
      // be silent: after 3 s a router says so, to whichever of the two tools is at it by then.)
      await chain.target.nft(`table netdev twice {
      chain out {
        type filter hook egress device "below" priority 0;
        ip saddr 10.77.4.3 icmp type echo-reply dup to "below"
        ip saddr 10.77.4.4 icmp type echo-reply drop
      }
    }`);
    });
    afterAll(() => chain[Symbol.asyncDispose]());

    for (const [name, line] of CASES) {
      test.concurrent(name, async () => {
        const theirs = await textOf("ping", ...line.split(" "));
        const ours = await textOf(process.execPath, ENTRY, "ping", ...line.split(" "));
        expect(ours.lines).toEqual(theirs.lines);
        expect(ours.code).toBe(theirs.code);
      });
    }

    test("the usual patterns find loss, counts and times", async () => {
      const { text } = await textOf(
        process.execPath,
        ENTRY,
        "ping",
        "-c",
        "2",
        "-i",
        "0.01",
        "10.77.4.2",
      );
      expect(/(\d+)% packet loss/.exec(text)?.[1]).toBe("0");
      expect(/, time (\d+)ms$/m.exec(text)?.[1]).toMatch(/^[1-9]/);
      expect(/^rtt min\/avg\/max\/mdev = ([\d.]+\/){3}[\d.]+ ms$/m.test(text)).toBe(true);
      const lost = await textOf(process.execPath, ENTRY, "ping", "-c", "1", "-t", "1", "10.77.4.2");
      expect(/(\d+)% packet loss/.exec(lost.text)?.[1]).toBe("100");
      expect(lost.text).not.toContain("time=");
    });

    async function textOf(...command: string[]) {
      const child = chain.source.spawn(command);
      const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
      return { text, code, lines: comparable(text) };
    }
  },
);

/** Without the figures, which differ from run to run, and what only one of the two tells. */
function comparable(text: string): string[] {
  return text
    .trimEnd()
    .replace(/time=[\d.]+ ms/g, "time=RTT ms")
    .replace(/time \d+ms/g, "time TIMEms")
    .replace(/^\[\d+\.\d{6}\]/gm, "[TIME]")
    .replace(/= (?:\d+\.\d{3}\/){3}\d+\.\d{3} ms(?:, (?:pipe|ipg\/ewma) .*)?$/gm, "= TIMES ms")
    .replace(/^pipe \d+$\n?/gm, "")
    .split("\n")
    .filter((line, index, all) => !(index === all.length - 1 && /^jitter /.test(line)));
}
