import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { requiresLab, SOCKET_KINDS, type SocketKind } from "../lab/kinds.ts";
import type { Namespace } from "../lab/namespaces.ts";
import { type Addresses, buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import type { BurstInput, BurstReport } from "./children/burst.ts";
import { isReply, Pinging } from "./pinging.ts";
import { runChild } from "./run-child.ts";
import { addSilentAddress } from "./silent-address.ts";

setDefaultTimeout(60_000);

const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;

async function burst(
  host: Namespace,
  { privileged, as }: SocketKind,
  input: Omit<BurstInput, "privileged">,
): Promise<BurstReport> {
  const [report] = (await runChild(
    host,
    "burst.ts",
    { ...input, privileged },
    { as },
  )) as BurstReport[];
  if (report === undefined) throw new Error("The burst printed nothing");
  return report;
}

function total({ causes }: BurstReport): number {
  return Object.values(causes).reduce((sum, count) => sum + count, 0);
}

describeIf(requiresLab("nft", "tc"), "full queues of this host", () => {
  let chain: Chain;
  let silent: Addresses;

  beforeAll(async () => {
    chain = await buildChain({ routers: 0 });
    silent = await addSilentAddress(chain);
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  /** Makes the device send at a rate (tc-tbf(8)) while `use` runs; `limit` bytes wait there. */
  async function slowed<Result>(
    { rate, limit }: { rate: string; limit: string },
    use: () => Promise<Result>,
  ): Promise<Result> {
    const shape = ["root", "tbf", "rate", rate, "burst", "5kb", "limit", limit];
    await chain.source.exec("tc", "qdisc", "replace", "dev", "above", ...shape);
    try {
      return await use();
    } finally {
      await chain.source.exec("tc", "qdisc", "del", "dev", "above", "root");
    }
  }

  describe("the receive queue", () => {
    // Room for a few replies, while nobody reads.
    const SCARCE = { probes: 400, size: 1000, timeout: 500, blockMs: 300, receiveBuffer: 8192 };

    for (const kind of SOCKET_KINDS) {
      test(`${kind.name}: what found no room in it is not called loss`, async () => {
        const target = LOOPBACK[kind.family];
        const thereafter = [target, silent[kind.family], target];
        const report = await burst(chain.source, kind, { ...SCARCE, target, thereafter });
        const { causes, overflowTimeouts, overflows, lost, loss, odd } = report;
        expect(Object.keys(causes).toSorted()).toEqual(["reply", "timeout"]);
        expect(total(report)).toBe(SCARCE.probes);
        expect(causes["timeout"]).toBeGreaterThan(50);
        expect(overflowTimeouts).toBe(causes["timeout"] as number);
        expect([overflows, lost]).toEqual([overflowTimeouts, overflowTimeouts]);
        expect([loss, odd]).toEqual([0, 0]);
        expect(report.thereafter).toEqual(["reply", "timeout", "reply"]);
        // The replies waited in it for as long as the loop was blocked, which is not the network's
        // doing.
        expect(report.maxRtt).toBeLessThan(200);
      });
    }

    test("without an overflow silence is loss", async () => {
      const reports = await Promise.all(
        SOCKET_KINDS.map(async (kind) => {
          const target = silent[kind.family];
          return burst(chain.source, kind, {
            target,
            probes: 20,
            size: 56,
            timeout: 200,
            thereafter: [],
          });
        }),
      );
      for (const { causes, overflows, loss } of reports) {
        expect([causes, overflows, loss]).toEqual([{ timeout: 20 }, 0, 1]);
      }
    });
  });

  describe("the send queue", () => {
    const BURST = { probes: 1000, size: 1000, timeout: 20_000 };

    test("probes wait for room, and the wait is in nobody's RTT", async () => {
      await slowed({ rate: "20mbit", limit: "10mb" }, async () => {
        for (const kind of SOCKET_KINDS) {
          const target = chain.destination[kind.family];
          const report = await burst(chain.source, kind, {
            ...BURST,
            target,
            thereafter: [target],
          });
          expect([kind.name, report.causes, report.odd]).toEqual([
            kind.name,
            { reply: BURST.probes },
            0,
          ]);
          // 1 MB at 20 Mbit/s takes 0.4 s, of which the socket's memory holds only a part.
          expect(report.sendingMs).toBeGreaterThan(150);
          expect(report.maxRtt).toBeLessThan(100);
          expect(report.thereafter).toEqual(["reply"]);
        }
      });
    });

    for (const kind of SOCKET_KINDS) {
      // ping_v6_sendmsg() does not ask what became of a packet, so nobody can try it again.
      const isSilent = kind.family === 6 && !kind.privileged;
      const what = isSilent ? "is not called loss" : "is sent again later";
      test(`${kind.name}: what the device has no room for ${what}`, async () => {
        await slowed({ rate: "20mbit", limit: "20kb" }, async () => {
          const target = chain.destination[kind.family];
          const report = await burst(chain.source, kind, {
            ...BURST,
            ...(isSilent && { timeout: 2000 }),
            target,
            thereafter: [target],
          });
          const { reply = 0, ENOBUFS = 0 } = report.causes;
          expect([reply + ENOBUFS, report.odd]).toEqual([BURST.probes, 0]);
          if (isSilent) expect(ENOBUFS).toBeGreaterThan(50);
          else expect(ENOBUFS).toBe(0);
          expect([report.loss, report.noRoom]).toEqual([0, ENOBUFS]);
          expect(report.thereafter).toEqual(["reply"]);
        });
      });
    }

    test("a probe that finds no room for its whole timeout says so, and the run goes on when there is", async () => {
      const options = { interval: 5, size: 1400, timeout: 300 };
      let pings: Pinging[] = [];
      await slowed({ rate: "64kbit", limit: "10mb" }, async () => {
        pings = SOCKET_KINDS.map(
          (kind) =>
            new Pinging(chain.source, kind, { target: chain.destination[kind.family], options }),
        );
        await Promise.all(pings.map((ping) => ping.see(20, ({ error }) => error === "ENOBUFS")));
      });
      await Promise.all(pings.map((ping) => ping.see(20, isReply)));
      for (const ping of pings) {
        const { results, statistics } = await ping.stop();
        const decisive = results.filter(({ late, duplicate }) => !late && !duplicate);
        expect(new Set(decisive.map(({ error }) => error))).toEqual(
          new Set(["timeout", "ENOBUFS", null]),
        );
        const refused = decisive.filter(({ error }) => error === "ENOBUFS");
        expect(statistics).toMatchObject({
          sendErrors: refused.length,
          overflows: 0,
          duplicates: 0,
        });
        for (const { message } of refused) expect(message).toContain("no room");
        for (const { rtt } of results)
          expect(rtt === null || (rtt >= 0 && rtt < 10_000)).toBe(true);
        expect(decisive.at(-1)?.kind).toBe("reply");
      }
    });
  });
});
