import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { countOutput } from "../lab/impairments.ts";
import { requiresLab, SOCKET_KINDS } from "../lab/kinds.ts";
import { measure, measureOne, resultOf } from "../lab/measure.ts";
import { buildChain, type Chain } from "../lab/topologies.ts";
import { describeIf } from "../support/requires.ts";

setDefaultTimeout(60_000);

const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;
/**
 * Around each change of behaviour: no cookie below 14 bytes, no fragment up to the MTU, the largest
 * IPv4 packet.
 */
const SIZES = [0, 1, 2, 13, 14, 56, 1400, 9000, 65_507];

describeIf(requiresLab("nft"), "echo on a real kernel", () => {
  let chain: Chain;

  beforeAll(async () => {
    chain = await buildChain({ routers: 2 });
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  for (const kind of SOCKET_KINDS) {
    const { family, name } = kind;

    test(`${name}: loopback answers, timed by the kernel`, async () => {
      const result = await measureOne(chain.source, kind, {
        method: "ping",
        target: LOOPBACK[family],
        options: { count: 3, interval: 20 },
      });
      expect(result.statistics).toMatchObject({
        sent: 3,
        received: 3,
        lost: 0,
        loss: 0,
        duplicates: 0,
      });
      expect(result.results.map(({ request }) => request.number)).toEqual([1, 2, 3]);
      for (const one of result.results) {
        expect(one).toMatchObject({
          kind: "reply",
          error: null,
          rttSource: "kernel",
          request: { addr: LOOPBACK[family] },
          reply: { addr: LOOPBACK[family], ttl: 64 },
        });
        expect(one.rtt).toBeGreaterThan(0);
        expect(one.rtt).toBeLessThan(1000);
      }
    });

    test(`${name}: a target behind routers answers with the TTL its way leaves`, async () => {
      const result = await measureOne(chain.source, kind, {
        method: "probe",
        target: chain.destination[family],
      });
      expect(result).toMatchObject({ kind: "reply", rttSource: "kernel", reply: { ttl: 62 } });
      expect(result.rtt).toBeGreaterThan(0);
      expect(result.rtt).toBeLessThan(1000);
      expect(result.reply?.receivedPacket.ipHeader).toMatchObject({
        version: family,
        srcAddr: chain.destination[family],
        destAddr: family === 4 ? "10.77.1.1" : "fd77:1::1",
        ttl: 62,
      });
    });

    for (const [path, target] of [
      ["loopback", () => LOOPBACK[family]],
      ["a path of MTU 1500", () => chain.destination[family]],
    ] as const) {
      test(`${name}: every size comes back unaltered over ${path}`, async () => {
        const calls = SIZES.map(
          (size) => ({ method: "probe", target: target(), options: { size } }) as const,
        );
        const outcomes = await measure(chain.source, kind, calls);
        expect(outcomes).toHaveLength(SIZES.length);
        for (const [index, outcome] of outcomes.entries()) {
          const result = resultOf(outcome);
          expect([SIZES[index], result.kind, result.corrupt]).toEqual([
            SIZES[index],
            "reply",
            false,
          ]);
          const { sentPacket } = result.request;
          expect(sentPacket?.packet.payload).toHaveLength(2 * (SIZES[index] ?? 0));
          expect(result.reply?.receivedPacket.icmpPacket.payload).toBe(
            sentPacket?.packet.payload as string,
          );
        }
      });
    }

    test(`${name}: a payload of one's own comes back as it was sent`, async () => {
      const text = "ping über ICMP";
      const result = await measureOne(chain.source, kind, {
        method: "probe",
        target: chain.destination[family],
        options: { payload: text },
      });
      expect(result.kind).toBe("reply");
      const received = result.reply?.receivedPacket.icmpPacket.payload ?? "";
      expect(Buffer.from(received, "hex").toString()).toBe(text);
    });

    test(`${name}: the source address can be chosen, and must be one of this host`, async () => {
      const own = family === 4 ? "10.77.1.77" : "fd77:1::77";
      const foreign = family === 4 ? "10.77.1.78" : "fd77:1::78";
      const prefix = `${own}/${family === 4 ? 24 : 64}`;
      // Deprecated, so that the kernel never prefers it of its own accord (RFC 6724 rule 3).
      const lifetime = family === 6 ? ["nodad", "preferred_lft", "0"] : [];
      await chain.source.exec("ip", "addr", "replace", prefix, "dev", "above", ...lifetime);
      const target = chain.destination[family];
      const bound = await measureOne(
        chain.source,
        kind,
        { method: "probe", target: chain.destination[family] },
        { client: { bindAddr: own } },
      );
      expect(bound.reply?.receivedPacket.ipHeader.destAddr).toBe(own);
      const [chosen, usual, refused] = await measure(chain.source, kind, [
        { method: "probe", target, options: { source: own } },
        { method: "probe", target },
        { method: "probe", target, options: { source: foreign } },
      ]);
      expect(resultOf(chosen).reply?.receivedPacket.ipHeader.destAddr).toBe(own);
      expect(resultOf(usual).reply?.receivedPacket.ipHeader.destAddr).not.toBe(own);
      expect(resultOf(refused)).toMatchObject({ kind: "sendError" });
    });

    test(`${name}: the interface can be chosen by name and by index`, async () => {
      const index = Number((await chain.source.exec("cat", "/sys/class/net/above/ifindex")).trim());
      const target = chain.hops[family][0] ?? "";
      const [byName, byIndex, wrong, unknown] = await measure(chain.source, kind, [
        { method: "probe", target, options: { interface: "above" } },
        { method: "probe", target, options: { interface: index } },
        { method: "probe", target, options: { interface: "lo", timeout: 200 } },
        { method: "probe", target, options: { interface: "nonesuch" } },
      ]);
      expect(resultOf(byName).kind).toBe("reply");
      expect(resultOf(byIndex).kind).toBe("reply");
      expect(wrong?.error).toMatchObject({ name: "RouteError", code: "ENETUNREACH" });
      expect(unknown?.error).toMatchObject({ name: "RangeError" });
      expect(unknown?.error?.message).toContain("nonesuch");
    });

    test(`${name}: DSCP and hop limit are those on the wire`, async () => {
      const header = family === 4 ? "ip" : "ip6";
      const ttl = family === 4 ? "ip ttl 17" : "ip6 hoplimit 17";
      const count = await countOutput(chain.source, [
        `${header} dscp 46 ${ttl}`,
        `${header} dscp 10 ${ttl}`,
      ]);
      const target = chain.destination[family];
      const options = { count: 3, interval: 5, ttl: 17 };
      const [expedited, assured] = await measure(chain.source, kind, [
        { method: "ping", target, options: { ...options, dscp: 46 } },
        { method: "ping", target, options: { ...options, dscp: 10, count: 2 } },
      ]);
      expect(resultOf(expedited).statistics.received).toBe(3);
      expect(resultOf(assured).statistics.received).toBe(2);
      // The kernel that answers copies the traffic class of the request (RFC 1349 section 5.1).
      expect(resultOf(expedited).results[0]?.reply?.receivedPacket.ipHeader.tos).toBe(46 << 2);
      expect(await count()).toEqual([3, 2]);
    });

    test(`${name}: the whole type of service byte is on the wire, ECN bits included`, async () => {
      const header = family === 4 ? "ip" : "ip6";
      const count = await countOutput(chain.source, [
        ...["ect1", "ect0"].map((ecn) => `${header} dscp 11 ${header} ecn ${ecn}`),
      ]);
      const target = chain.destination[family];
      const outcomes = await measure(chain.source, kind, [
        { method: "ping", target, options: { count: 3, interval: 5, tos: 0x2d } },
        { method: "traceroute", target, options: { probes: 1, tos: 0x2e, maxHops: 1 } },
      ]);
      for (const { error } of outcomes) expect(error).toBeUndefined();
      expect(await count()).toEqual([3, 1]);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`${kind.name}: a group's members answer for themselves`, async () => {
      const [router] = chain.routers;
      await router?.exec("sysctl", "-q", "-w", "net.ipv4.icmp_echo_ignore_broadcasts=0");
      const groups = kind.family === 4 ? ["224.0.0.1", "10.77.1.255"] : ["ff02::1", "ff02::2"];
      const calls = groups.map((target) => {
        const options = { count: 2, interval: 50, interface: "above" };
        return { method: "ping", target, options } as const;
      });
      for (const [index, outcome] of (await measure(chain.source, kind, calls)).entries()) {
        const { statistics, results } = resultOf(outcome);
        expect([groups[index], statistics.received]).toEqual([groups[index], 2]);
        for (const { reply } of results) {
          expect(reply?.addr).not.toBe(groups[index] ?? "");
          expect(reply?.addr).toMatch(
            kind.family === 4 ? /^10\.77\.1\.2$/ : /^fe80::[\da-f:]+%\w+$/,
          );
        }
      }
    });
  }

  for (const kind of SOCKET_KINDS.filter(({ privileged }) => privileged)) {
    test(`${kind.name}: a mark is set on what is sent, packet by packet`, async () => {
      const protocol = kind.family === 4 ? "meta l4proto icmp" : "meta l4proto icmpv6";
      const count = await countOutput(chain.source, [
        `${protocol} meta mark 0x1234`,
        `${protocol} meta mark 0xffffffff`,
      ]);
      const target = chain.destination[kind.family];
      const options = { count: 3, interval: 5 };
      const outcomes = await measure(chain.source, kind, [
        { method: "ping", target, options: { ...options, mark: 0x1234 } },
        { method: "ping", target, options },
        { method: "ping", target, options: { ...options, mark: 0xffffffff } },
      ]);
      for (const outcome of outcomes) expect(resultOf(outcome).statistics.received).toBe(3);
      expect(await count()).toEqual([3, 3]);
    });
  }

  for (const kind of SOCKET_KINDS.filter(({ privileged }) => !privileged)) {
    test(`${kind.name}: a mark without the capability is a result that says so`, async () => {
      const [marked, plain] = await measure(chain.source, kind, [
        { method: "probe", target: chain.destination[kind.family], options: { mark: 7 } },
        { method: "probe", target: chain.destination[kind.family] },
      ]);
      expect(resultOf(marked)).toMatchObject({ kind: "sendError", error: "EPERM" });
      expect(resultOf(plain).kind).toBe("reply");
    });
  }

  for (const kind of SOCKET_KINDS.filter(({ family }) => family === 6)) {
    test(`${kind.name}: a link-local target needs its zone`, async () => {
      const [router] = chain.routers;
      const listing =
        (await router?.exec("ip", "-6", "-o", "addr", "show", "dev", "below", "scope", "link")) ??
        "";
      const address = /inet6 (fe80:[^/]*)/.exec(listing)?.[1] ?? "";
      const [zoned, byOption, bare] = await measure(chain.source, kind, [
        { method: "probe", target: `${address}%above` },
        { method: "probe", target: address, options: { interface: "above" } },
        { method: "probe", target: address },
      ]);
      expect(resultOf(zoned)).toMatchObject({
        kind: "reply",
        target: `${address}%above`,
        reply: { addr: `${address}%above`, ttl: 64 },
      });
      expect(resultOf(byOption).kind).toBe("reply");
      // A raw socket would find a route for it all the same, by any interface (ipv6(7) leaves that
      // open).
      expect(bare?.error).toMatchObject({ name: "RouteError", code: "ERR_ZONE" });
    });
  }
});
