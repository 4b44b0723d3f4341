import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { capture } from "../lab/capture.ts";
import { addDeadRoute, reject, silence } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measure, measureOne, resultOf } from "../lab/measure.ts";
import {
  type Addresses,
  buildChain,
  buildDiamond,
  type Chain,
  type Diamond,
} from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

/** Off in the space beyond the last router. */
const DEAD: Addresses = { 4: "10.88.0.1", 6: "fd88::1" };
const NOWHERE: Addresses = { 4: "10.88.0.2", 6: "fd88::2" };
// IP header, then type, code, checksum (RFC 792; RFC 4443 section 2.1).
const ICMP_OFFSET = { 4: 20, 6: 40 } as const;
const TTL_OFFSET = { 4: 8, 6: 7 } as const;
const CHECKSUM_OFFSET = 2;

describeIf(requiresLab("nft", "tcpdump"), "traceroute on a real kernel", () => {
  describe("across four routers", () => {
    let chain: Chain;

    beforeAll(async () => {
      chain = await buildChain({ routers: 4 });
      const last = chain.routers.at(-1);
      if (last === undefined) throw new Error("The chain has no router");
      for (const family of [4, 6] as const) {
        await reject(last, [{ family, destination: DEAD[family], reason: "admin-prohibited" }]);
        await addDeadRoute(last, "blackhole", NOWHERE[family]);
      }
    });
    afterAll(() => chain[Symbol.asyncDispose]());

    for (const kind of SOCKET_KINDS) {
      const { family, name } = kind;

      test(`${name}: finds every hop, with an RTT for each probe`, async () => {
        const trace = await measureOne(chain.source, kind, {
          method: "traceroute",
          target: chain.destination[family],
        });
        expect(trace.hops.map(({ ttl, addr }) => [ttl, addr])).toEqual(
          chain.hops[family].map((address, index) => [index + 1, address]),
        );
        expect(trace).toMatchObject({ reached: true, stopReason: "target", family });
        for (const hop of trace.hops) {
          expect(hop.probes).toHaveLength(3);
          expect(hop.responders).toHaveLength(1);
          expect(hop.responders[0]?.rtts).toHaveLength(3);
          for (const probe of hop.probes) {
            expect(probe.rttSource).toBe("kernel");
            expect(probe.rtt).toBeGreaterThan(0);
            expect(probe.rtt).toBeLessThan(1000);
            expect(probe.reply?.ttl).toBe(65 - hop.ttl);
          }
        }
      });

      test(`${name}: stops where the target is prohibited, without reaching it`, async () => {
        const trace = await measureOne(chain.source, kind, {
          method: "traceroute",
          target: DEAD[family],
        });
        expect(trace).toMatchObject({ reached: false, stopReason: "unreachable" });
        expect(trace.hops.map(({ addr }) => addr)).toEqual(chain.hops[family].slice(0, 4));
        expect(trace.hops.at(-1)?.probes.map(({ error }) => error)).toEqual(
          Array(3).fill(family === 4 ? "dest_unreachable(code=13)" : "dest_unreachable(code=1)"),
        );
      });

      test(`${name}: maxHops, firstTtl and gapLimit bound the trace`, async () => {
        const target = chain.destination[family];
        const [short, middle, gap] = await measure(chain.source, kind, [
          { method: "traceroute", target, options: { maxHops: 2, probes: 1 } },
          { method: "traceroute", target, options: { firstTtl: 2, maxHops: 3, probes: 2 } },
          {
            method: "traceroute",
            target: NOWHERE[family],
            options: { gapLimit: 2, timeout: 300, probes: 1 },
          },
        ]);
        const hops = chain.hops[family];
        const shortTrace = resultOf(short);
        expect(shortTrace).toMatchObject({ reached: false, stopReason: "maxHops" });
        expect(shortTrace.hops.map(({ addr }) => addr)).toEqual(hops.slice(0, 2));
        const middleTrace = resultOf(middle);
        expect(middleTrace.hops.map(({ ttl, addr }) => [ttl, addr])).toEqual([
          [2, hops[1] ?? ""],
          [3, hops[2] ?? ""],
        ]);
        const gapTrace = resultOf(gap);
        // The last router swallows the probes instead of answering: it would do so at TTL 5 and 6,
        // not at 4.
        expect(gapTrace).toMatchObject({ reached: false, stopReason: "gapLimit" });
        const silent = gapTrace.hops.filter(({ addr }) => addr === null);
        expect(silent).toHaveLength(2);
        expect(gapTrace.hops.slice(-2)).toEqual(silent);
      });

      test(`${name}: a hundred traces at once on one socket do not get mixed up`, async () => {
        const target = chain.destination[family];
        const calls = Array.from(
          { length: 100 },
          () => ({ method: "traceroute", target }) as const,
        );
        for (const outcome of await measure(chain.source, kind, calls)) {
          const { hops } = resultOf(outcome);
          expect(hops.map(({ addr }) => addr)).toEqual([...chain.hops[family]]);
          expect(hops.map(({ responders }) => responders.map(({ rtts }) => rtts.length))).toEqual(
            Array(5).fill([3]),
          );
        }
      });

      test(`${name}: the checksum of all probes of a trace is the same on the wire`, async () => {
        const target = chain.destination[family];
        const isRequest = family === 4 ? "icmp[0] == 8" : "icmp6 and ip6[40] == 128";
        const capturing = await capture(chain.source, "above", isRequest);
        const trace = await measureOne(chain.source, kind, { method: "traceroute", target });
        const packets = await capturing.stop();
        expect(trace.reached).toBe(true);
        const ttls = new Set(packets.map(({ ip }) => ip.getUint8(TTL_OFFSET[family])));
        for (const ttl of [1, 2, 3, 4, 5]) expect(ttls).toContain(ttl);
        expect(packets.length).toBeGreaterThanOrEqual(15);
        const checksums = packets.map(({ ip }) =>
          ip.getUint16(ICMP_OFFSET[family] + CHECKSUM_OFFSET),
        );
        expect(new Set(checksums).size).toBe(1);
      });
    }
  });

  describe("with a silent router", () => {
    let chain: Chain;

    beforeAll(async () => {
      chain = await buildChain({ routers: 3 });
      const second = chain.routers[1];
      if (second === undefined) throw new Error("The chain has no second router");
      await silence(second);
    });
    afterAll(() => chain[Symbol.asyncDispose]());

    for (const kind of SOCKET_KINDS) {
      test(`${kind.name}: keeps the hop and goes on`, async () => {
        const trace = await measureOne(chain.source, kind, {
          method: "traceroute",
          target: chain.destination[kind.family],
          options: { timeout: 500 },
        });
        const [first = "", , third = "", last = ""] = chain.hops[kind.family];
        expect(trace.hops.map(({ addr }) => addr)).toEqual([first, null, third, last]);
        expect(trace.hops[1]?.probes.map(({ error }) => error)).toEqual([
          "timeout",
          "timeout",
          "timeout",
        ]);
        expect(trace.hops[1]?.responders).toEqual([]);
        expect(trace.reached).toBe(true);
      });
    }
  });

  describe("over two equal paths", () => {
    let diamond: Diamond;

    beforeAll(async () => {
      diamond = await buildDiamond();
    });
    afterAll(() => diamond[Symbol.asyncDispose]());

    for (const kind of SOCKET_KINDS) {
      const { family, name } = kind;
      test(`${name}: every probe of every trace takes one path`, async () => {
        const target = diamond.destination[family];
        const call = { method: "traceroute", target, options: { probes: 4 } } as const;
        const traces = (await measure(diamond.source, kind, [call, call, call])).map(resultOf);
        const paths = new Set(
          traces.flatMap(({ hops }) => JSON.stringify(hops.map(({ addr }) => addr))),
        );
        expect(paths.size).toBe(1);
        for (const { hops, reached } of traces) {
          expect(reached).toBe(true);
          expect(hops.map(({ responders }) => responders.length)).toEqual([1, 1, 1, 1]);
          expect(diamond.branches[family]).toContain(hops[1]?.addr as string);
          // r2 answers from the side the probes came from, so that hops 2 and 3 are of one branch.
          const branch = diamond.branches[family].indexOf(hops[1]?.addr as string);
          expect(hops[2]?.addr).toBe(diamond.after[family][branch] as string);
          expect(hops[3]?.addr).toBe(target);
        }
      });
    }
  });
});
