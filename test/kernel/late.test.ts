import { expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { buildChain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

describeIf(requiresLab(), "answers after the timeout, on a real kernel", () => {
  test("host unreachable, which comes 3 s later, is reported late and on its own probe", async () => {
    await using chain = await buildChain({ routers: 2 });
    const pings = SOCKET_KINDS.map(async (kind) => {
      const options = { count: 5, interval: 800, timeout: 1000 };
      const target = chain.vacant[kind.family];
      return {
        kind,
        ...(await measureOne(chain.source, kind, { method: "ping", target, options })),
      };
    });
    for (const { kind, statistics, results } of await Promise.all(pings)) {
      // The last router gives up after three tries a second apart (arp(7), mcast_solicit).
      const late = results.filter((result) => result.late);
      expect([kind.name, late.map(({ request }) => request.number)]).toContainEqual(
        expect.arrayContaining([1]),
      );
      expect(statistics).toMatchObject({ sent: 5, received: 0, lost: 5, late: late.length });
      for (const result of late) {
        expect(result).toMatchObject({
          kind: "icmpError",
          error: kind.family === 4 ? "dest_unreachable(code=1)" : "dest_unreachable(code=3)",
          reply: { addr: chain.hops[kind.family][1] ?? "" },
        });
        expect(result.rtt).toBeGreaterThan(1000);
        const { number, sentPacket } = result.request;
        const first = results.find((other) => other.request.number === number && !other.late);
        expect(first?.kind).toBe("timeout");
        expect(first?.request.sentPacket?.raw).toBe(sentPacket?.raw ?? "");
      }
    }
  });
});
