import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { addDeadRoute, refuseDns, reject } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measureOne } from "../lab/measure.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const MANY = 100;
const HOSTS = {
  4: Array.from({ length: MANY }, (_, index) => `10.90.0.${index + 1}`),
  6: Array.from({ length: MANY }, (_, index) => `fd90::${(index + 1).toString(16)}`),
} as const;
const PROHIBITED = { 4: "10.91.0.1", 6: "fd91::1" } as const;
const SILENT = { 4: "10.91.0.2", 6: "fd91::2" } as const;
const UNSENDABLE = { 4: "10.91.0.3", 6: "fd91::3" } as const;
const NO_NAME = "no-such-host.invalid";

describeIf(requiresLab("nft"), "multiping on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 1 });
    const [router] = chain.routers;
    if (router === undefined) throw new Error("The chain has no router");
    await refuseDns(chain.source);
    // A "local" route makes a host answer for a whole prefix.
    await chain.target.exec("ip", "route", "add", "local", "10.90.0.0/24", "dev", "lo");
    await chain.target.exec("ip", "-6", "route", "add", "local", "fd90::/112", "dev", "lo");
    for (const family of [4, 6] as const) {
      await reject(router, [
        { family, destination: PROHIBITED[family], reason: "admin-prohibited" },
      ]);
      await addDeadRoute(router, "blackhole", SILENT[family]);
      await addDeadRoute(chain.source, "unreachable", UNSENDABLE[family]);
    }
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    const { family, name } = kind;

    test(`${name}: ${MANY} targets answer, each for itself`, async () => {
      const result = await measureOne(chain.source, kind, {
        method: "multiping",
        target: HOSTS[family],
        options: { count: 3, interval: 50 },
      });
      expect(result.targets.map(({ target }) => target)).toEqual(HOSTS[family]);
      for (const { target, resolved, statistics, results, failure } of result.targets) {
        expect([target, resolved, failure]).toEqual([target, target, null]);
        expect([target, statistics]).toMatchObject([
          target,
          { sent: 3, received: 3, duplicates: 0 },
        ]);
        for (const one of results) {
          expect(one.reply?.addr).toBe(target);
          expect(one.reply?.receivedPacket.icmpPacket.payload).toBe(
            one.request.sentPacket?.packet.payload ?? "",
          );
        }
      }
    });
  }

  for (const kind of [SOCKET_KINDS[0], SOCKET_KINDS[2]]) {
    if (kind === undefined) throw new Error("There are four kinds of socket");
    const label = kind.privileged ? "raw" : "datagram";

    test(`${label}: both families together; what ails one target leaves the others alone`, async () => {
      const well = [
        chain.destination[4],
        chain.destination[6],
        chain.hops[4][0] ?? "",
        chain.hops[6][0] ?? "",
      ];
      const ill = [
        ...[
          NO_NAME,
          PROHIBITED[4],
          PROHIBITED[6],
          SILENT[4],
          SILENT[6],
          UNSENDABLE[4],
          UNSENDABLE[6],
        ],
      ];
      const { targets } = await measureOne(chain.source, kind, {
        method: "multiping",
        // One of them twice: these are two targets.
        target: [...ill, ...well, chain.destination[4]],
        options: { count: 3, interval: 50, timeout: 500 },
      });
      expect(targets.map(({ target }) => target)).toEqual([...ill, ...well, chain.destination[4]]);
      const outcome = targets.map(({ target, statistics, failure, results }) => {
        const { sent, received, lost, errors, sendErrors } = statistics;
        const kinds = [...new Set(results.map((result) => result.kind))].join();
        return [target, failure?.kind ?? kinds, sent, received, lost, errors, sendErrors];
      });
      expect(outcome).toEqual([
        [NO_NAME, "targetFailure", 0, 0, 0, 0, 0],
        [PROHIBITED[4], "icmpError", 3, 0, 3, 3, 0],
        [PROHIBITED[6], "icmpError", 3, 0, 3, 3, 0],
        [SILENT[4], "timeout", 3, 0, 3, 0, 0],
        [SILENT[6], "timeout", 3, 0, 3, 0, 0],
        [UNSENDABLE[4], "sendError", 3, 0, 3, 0, 3],
        [UNSENDABLE[6], "sendError", 3, 0, 3, 0, 3],
        ...[...well, chain.destination[4]].map((target) => [target, "reply", 3, 3, 0, 0, 0]),
      ]);
      expect(targets[0]?.failure?.message).toContain(NO_NAME);
      expect(targets[0]?.resolved).toBeNull();
    });
  }
});
