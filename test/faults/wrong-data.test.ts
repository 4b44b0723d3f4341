import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import { formatEchoResult } from "../../src/client/format/ping.ts";
import { formatHop } from "../../src/client/format/traceroute.ts";
import { echoReply, type FakeNetwork, type FakeProbe } from "../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../support/fake-platform.ts";

const SIZE = 56;

/** What hosts send back, and what becomes of it. */
const ANSWERS = [
  ["nothing", () => new Uint8Array(), { length: 0, truncated: true }],
  [
    "the first 4 bytes",
    (probe: FakeProbe) => probe.data.slice(8, 12),
    { length: 4, truncated: true },
  ],
  ["zeros", () => new Uint8Array(SIZE), { length: SIZE, truncated: false }],
] as const;

describe("a target that does not echo what it was sent", () => {
  for (const { name, privileged, target, stranger } of SOCKET_KINDS) {
    test.each(ANSWERS)(`${name}, but %s: the timeout says so`, async (_what, data, wrongData) => {
      const network: FakeNetwork = (probe) => [echoReply(probe, { data: data(probe), delayMs: 5 })];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged, timeout: 100 }, platform);
      const [{ results, statistics }] = await Promise.all([
        client.ping(target, { count: 2, interval: 50, size: SIZE }),
        clock.advance(500),
      ]);
      expect(statistics).toMatchObject({ received: 0, lost: 2, corrupt: 2 });
      for (const result of results) {
        expect(result).toMatchObject({ kind: "timeout", corrupt: true, wrongData });
        const how = wrongData.truncated ? "truncated to" : "corrupt,";
        expect(formatEchoResult(result)).toEndWith(
          `(answered with wrong data: ${how} ${wrongData.length} bytes of data)`,
        );
      }
    });

    test(`${name}: a trace shows it`, async () => {
      const network: FakeNetwork = (probe) => [echoReply(probe, { data: new Uint8Array(SIZE) })];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged, timeout: 100 }, platform);
      const trace = client.traceroute(target, { maxHops: 1, probes: 1 });
      const [{ hops }] = await Promise.all([trace, clock.advance(500)]);
      expect(hops.map(formatHop).join()).toContain("wrong data");
    });

    test(`${name}: a true reply takes the place of a forged one, and a stranger's is nothing`, async () => {
      const forged = new Uint8Array(SIZE);
      const network: FakeNetwork = (probe) =>
        probe.index === 0
          ? [echoReply(probe, { data: forged, delayMs: 1 }), echoReply(probe, { delayMs: 20 })]
          : [echoReply(probe, { data: forged, delayMs: 1, from: stranger })];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged, timeout: 100 }, platform);
      const [{ results, statistics }] = await Promise.all([
        client.ping(target, { count: 2, interval: 50, size: SIZE }),
        clock.advance(500),
      ]);
      expect(statistics).toMatchObject({ received: 1, lost: 1, corrupt: 0, duplicates: 0 });
      expect(results).toMatchObject([{ kind: "reply" }, { kind: "timeout", wrongData: null }]);
    });

    test(`${name}: a reply with its cookie but without its end is truncated`, async () => {
      const network: FakeNetwork = (probe) => [
        echoReply(probe, {
          data: probe.index === 0 ? probe.data.slice(8, 40) : probe.data.slice(8).fill(1, 40),
        }),
      ];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged, timeout: 100 }, platform);
      const [{ results }] = await Promise.all([
        client.ping(target, { count: 2, interval: 50, size: SIZE }),
        clock.advance(500),
      ]);
      expect(results).toMatchObject([
        { kind: "reply", corrupt: true, truncated: true },
        { kind: "reply", corrupt: true, truncated: false },
      ]);
      expect(results.map((result) => formatEchoResult(result).match(/\(.*\)$/)?.[0])).toEqual([
        "(truncated)",
        "(corrupt)",
      ]);
    });
  }
});
