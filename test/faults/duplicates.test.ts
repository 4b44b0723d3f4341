import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import { EchoStatistics } from "../../src/client/results/echo-statistics.ts";
import { echoReply, type FakeNetwork, timeExceeded } from "../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../support/fake-platform.ts";

const PROBES = 4;
const COPIES = 1000;
/** How many duplicates of a probe become results. */
const KEPT = 16;
const MEMBERS = 100;

describe("each probe answered very often", () => {
  for (const { name, family, privileged, target, router, host } of SOCKET_KINDS) {
    test(`${name}: a ping keeps ${KEPT} duplicates of each and counts the others`, async () => {
      const network: FakeNetwork = (probe) =>
        probe.index < PROBES
          ? Array(COPIES).fill(echoReply(probe, { delayMs: 1 }))
          : [echoReply(probe)];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged }, platform);
      const own = new EchoStatistics();
      const run = client.ping(target, {
        count: PROBES,
        interval: 10,
        onResult: (result) => own.add(result),
      });
      const [{ results, statistics }] = await Promise.all([run, clock.advance(200)]);
      const answers = { received: PROBES, duplicates: (PROBES - 1) * (COPIES - 1), lost: 0 };
      expect(statistics).toMatchObject(answers);
      expect(own.snapshot()).toMatchObject(answers);
      expect(results).toHaveLength(PROBES + (PROBES - 1) * KEPT);
    });

    test(`${name}: so it is with errors, and with late answers`, async () => {
      const network: FakeNetwork = (probe) => [
        ...Array(COPIES).fill(
          timeExceeded(probe, { from: router, delayMs: probe.index === 1 ? 60 : 1 }),
        ),
      ];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged, timeout: 50 }, platform);
      const [{ results, statistics }] = await Promise.all([
        client.ping(target, { count: 3, interval: 100 }),
        clock.advance(500),
      ]);
      expect(statistics).toMatchObject({
        lost: 3,
        late: 1,
        errors: 3,
        duplicates: 2 * (COPIES - 1),
      });
      expect(results).toHaveLength(3 + 1 + 2 * KEPT);
    });

    test(`${name}: an mtr counts them for the hop that sent them`, async () => {
      const network: FakeNetwork = (probe) =>
        probe.ttl === 1
          ? Array(COPIES).fill(timeExceeded(probe, { from: router, delayMs: 1 }))
          : [echoReply(probe, { delayMs: 2 })];
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged }, platform);
      const [{ hops }] = await Promise.all([
        client.mtr(target, { count: 3, interval: 100 }),
        clock.advance(5000),
      ]);
      expect(hops.map(({ statistics }) => statistics.duplicates > COPIES)).toEqual([true, false]);
      expect(hops[1]?.statistics.duplicates).toBe(0);
    });

    test(`${name}: every member of a group has a result`, async () => {
      const group = family === 4 ? "224.0.0.1" : "ff02::1%1";
      const network: FakeNetwork = (probe) =>
        Array.from({ length: MEMBERS }, (_, index) =>
          echoReply(probe, { delayMs: 1, from: host.replace(/10$/, String(20 + index)) }),
        );
      const { clock, platform } = fakePlatform({ network });
      await using client = new Client({ privileged }, platform);
      const [{ results }] = await Promise.all([
        client.ping(group, { count: 2, interval: 100 }),
        clock.advance(300),
      ]);
      const members = new Set(results.map(({ reply }) => reply?.addr));
      expect(members.size).toBe(MEMBERS);
    });
  }
});
