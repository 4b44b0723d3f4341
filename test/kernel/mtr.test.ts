import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { capture } from "../lab/capture.ts";
import { dropEveryNthError } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const ROUNDS = 8;
/** Router 2 loses one in this many of its answers. */
const LOSS_PERIOD = 4;
const TTL_OFFSET = { 4: 8, 6: 7 } as const;

describeIf(requiresLab("nft", "tcpdump"), "mtr on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 3 });
    const second = chain.routers[1];
    if (second === undefined) throw new Error("The chain has no second router");
    await dropEveryNthError(second, LOSS_PERIOD);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    const { family, name } = kind;

    test(`${name}: counts each hop exactly, and probes nothing beyond the target once it is known`, async () => {
      const isRequest = family === 4 ? "icmp[0] == 8" : "icmp6 and ip6[40] == 128";
      const capturing = await capture(chain.source, "above", isRequest);
      const result = await measureOne(chain.source, kind, {
        method: "mtr",
        target: chain.destination[family],
        options: { count: ROUNDS, interval: 100, timeout: 700 },
      });
      const packets = await capturing.stop();

      expect(result).toMatchObject({ rounds: ROUNDS, round: ROUNDS, reached: true, family });
      expect(result.hops.map(({ ttl, addr }) => [ttl, addr])).toEqual(
        chain.hops[family].map((address, index) => [index + 1, address]),
      );
      const lost = ROUNDS / LOSS_PERIOD;
      for (const { ttl, statistics, addresses } of result.hops) {
        const here = ttl === 2 ? lost : 0;
        expect([ttl, statistics]).toMatchObject([
          ttl,
          {
            sent: ROUNDS,
            received: ROUNDS - here,
            lost: here,
            loss: here / ROUNDS,
            inFlight: 0,
            duplicates: 0,
            late: 0,
          },
        ]);
        expect(addresses).toHaveLength(1);
        expect(addresses[0]?.statistics.received).toBe(ROUNDS - here);
        const { min, mean, max, last, stddev } = statistics;
        expect(min).toBeGreaterThan(0);
        expect(mean).toBeGreaterThanOrEqual(min ?? Number.NaN);
        expect(max).toBeGreaterThanOrEqual(mean ?? Number.NaN);
        expect(max).toBeLessThan(700);
        expect(last).toBeLessThanOrEqual(max ?? Number.NaN);
        expect(stddev).toBeGreaterThanOrEqual(0);
      }

      const byTtl = new Map<number, number>();
      for (const { ip } of packets) {
        const ttl = ip.getUint8(TTL_OFFSET[family]);
        byTtl.set(ttl, (byTtl.get(ttl) ?? 0) + 1);
      }
      expect([1, 2, 3, 4].map((ttl) => byTtl.get(ttl))).toEqual([ROUNDS, ROUNDS, ROUNDS, ROUNDS]);
      // The first round may have gone further before the target had answered; no other does.
      for (const [ttl, count] of byTtl) expect([ttl, ttl <= 4 || count === 1]).toEqual([ttl, true]);
    });
  }
});
