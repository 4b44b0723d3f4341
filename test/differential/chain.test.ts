import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Family } from "../../src/packet/address.ts";
import { dropEveryNthError } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";
import { namespaceStand, type Stand } from "./stand.ts";
import {
  compareMtr,
  comparePing,
  compareTraceroute,
  expectEqualMinima,
} from "./tool-comparison.ts";
import { type MtrHub, mtr, ping, traceroute } from "./tools.ts";

setDefaultTimeout(60_000);

const FAMILIES = [4, 6] as const;
const ROUTERS = 5;
const TIMEOUT = 700;
const MAX_HOPS = 12;
const PROBES = { count: 40, interval: 10 };
const ROUNDS = { count: 8, interval: 100 };
/** Router 2 loses one in this many of its answers. */
const LOSS_PERIOD = 4;

describeIf(
  requiresLab("ping", "traceroute", "mtr", "nft"),
  "beside the tools, on a chain of routers",
  () => {
    let chain: Chain;
    let stand: Stand;

    beforeAll(async () => {
      chain = await buildChain({ routers: ROUTERS });
      stand = namespaceStand(chain.source);
    });
    afterAll(() => chain[Symbol.asyncDispose]());

    const callOf = (family: Family) => ({
      family,
      target: chain.destination[family],
      timeout: TIMEOUT,
    });

    for (const kind of SOCKET_KINDS) {
      const { family, name } = kind;

      test(`${name}: traceroute finds what traceroute(8) finds`, async () => {
        const theirs = await traceroute(stand, callOf(family), MAX_HOPS);
        const ours = await stand.ours(kind, "traceroute", {
          target: chain.destination[family],
          options: { timeout: TIMEOUT, maxHops: MAX_HOPS },
        });
        expect(compareTraceroute(ours, theirs)).toEqual([]);
        expect(ours.result.hops.map(({ addr }) => addr)).toEqual([...chain.hops[family]]);
      });

      test(`${name}: ping has the least RTT of ping(8), and the statistics of its samples`, async () => {
        await expectEqualMinima(async () => {
          const theirs = await ping(stand, callOf(family), PROBES);
          const ours = await stand.ours(kind, "ping", {
            target: chain.destination[family],
            options: { timeout: TIMEOUT, ...PROBES },
          });
          expect(comparePing(ours, theirs)).toEqual([]);
          expect(ours.result.statistics.received).toBe(PROBES.count);
          return { ours: ours.result.statistics.min, theirs: theirs.min };
        });
      });
    }

    describe("of which one loses some of its answers", () => {
      const hubs = new Map<Family, readonly MtrHub[]>();

      beforeAll(async () => {
        const second = chain.routers[1];
        if (second === undefined) throw new Error("The chain has no second router");
        await dropEveryNthError(second, LOSS_PERIOD);
        const reports = FAMILIES.map((family) =>
          mtr(stand, callOf(family), { maxHops: MAX_HOPS, ...ROUNDS }),
        );
        for (const [index, report] of (await Promise.all(reports)).entries()) {
          hubs.set(index === 0 ? 4 : 6, report);
        }
      });

      for (const kind of SOCKET_KINDS) {
        const { family, name } = kind;

        test(`${name}: mtr finds the hops and the loss that mtr(8) finds, and has the statistics of its samples`, async () => {
          const ours = await stand.ours(kind, "mtr", {
            target: chain.destination[family],
            options: { timeout: TIMEOUT, maxHops: MAX_HOPS, ...ROUNDS },
          });
          expect(compareMtr(ours, hubs.get(family) ?? [])).toEqual([]);
          expect(ours.result.hops.map(({ addr, statistics }) => [addr, statistics.lost])).toEqual(
            chain.hops[family].map((address, index) => [
              address,
              index === 1 ? ROUNDS.count / LOSS_PERIOD : 0,
            ]),
          );
        });
      }
    });
  },
);
