import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { SweepOptions } from "../../../src/client/sweep/sweep-options.ts";
import type { SweepItem } from "../../../src/client/sweep/sweep-results.ts";
import { unreachableThroughNat } from "../../support/fake-nat.ts";
import {
  checksumHolds,
  echoReply,
  type FakeArrival,
  type FakeNetwork,
  type FakeProbe,
  timeExceeded,
  unreachable,
} from "../../support/fake-network.ts";
import { fakeRandom, SOCKET_KINDS, type SocketKind } from "../../support/fake-platform.ts";
import { expectClosed, scene } from "../support.ts";
import { rangeOf, shortHosts } from "./support.ts";

const { EAGAIN, ENETUNREACH, ENOBUFS } = constants.errno;

const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 10 })];

/** Which attempt at its destination a probe is, from 1. */
function attemptsSeen(): (probe: FakeProbe) => number {
  const seen = new Map<string, number>();
  return ({ destination }) => {
    const attempt = (seen.get(destination) ?? 0) + 1;
    seen.set(destination, attempt);
    return attempt;
  };
}

/** What a sweep calls an unreachable host. */
function label({ family }: Pick<SocketKind, "family">): string {
  return `dest_unreachable(code=${family === 4 ? 1 : 3})`;
}

for (const kind of SOCKET_KINDS) {
  const { privileged, router, stranger } = kind;

  describe(`Client.sweep(), ${kind.name}`, () => {
    test("in random order is the same again with the same chance of the platform", async () => {
      const orderOf = async (seed: number): Promise<string[]> => {
        const order: string[] = [];
        const network: FakeNetwork = (probe) => {
          order.push(probe.destination);
          return [echoReply(probe, { delayMs: 10 })];
        };
        const world = scene({ network, random: fakeRandom([], seed) }, { privileged });
        await world.outcome(world.client.sweep(rangeOf(kind, 40).text, { order: "random" }));
        return order;
      };
      const first = await orderOf(1);
      expect(first).toHaveLength(40);
      expect(await orderOf(1)).toEqual(first);
      expect(await orderOf(2)).not.toEqual(first);
    });

    test("gives every host that answers, with RTT and TTL, and the totals", async () => {
      const range = rangeOf(kind, 20);
      const world = scene(
        { network: (probe) => [echoReply(probe, { delayMs: 10, ttl: 57 })] },
        { privileged },
      );
      const sweep = world.client.sweep(range.text);
      const { items, ended } = world.watch(sweep);
      const result = await world.outcome(sweep);
      expect(await ended).toBeUndefined();
      expect(items.map(({ addr }) => addr)).toEqual([...range.addresses]);
      for (const item of items) {
        expect(item).toEqual({
          kind: "reply",
          addr: item.addr,
          target: null,
          attempts: 1,
          error: null,
          from: item.addr,
          rtt: 10,
          ttl: 57,
          corrupt: false,
          truncated: false,
        });
      }
      const { living, ...totals } = result;
      expect([...living]).toEqual([...range.addresses]);
      expect(totals).toEqual({
        hosts: 20,
        sent: 20,
        answered: 20,
        silent: 0,
        wrongData: 0,
        icmpErrors: 0,
        sendErrors: 0,
        noRoom: 0,
        failed: 0,
        failures: [],
        duplicates: 0,
        late: 0,
        corrupt: 0,
        unverified: 0,
        overflows: 0,
        rtt: { min: 10, mean: 10, max: 10 },
        duration: expect.any(Number),
        rate: expect.any(Number),
      });
      expectClosed(world);
    });

    test("sends valid echo requests with one identifier, a sequence that counts from a random start, and a cookie each", async () => {
      const { client, kernel, outcome } = scene({ network: answering }, { privileged });
      await outcome(
        client.sweep(rangeOf(kind, 300).text.replace("198.51.100.300", "198.51.101.44"), {
          size: 61,
        }),
      );
      expect(kernel.sent).toHaveLength(300);
      expect(new Set(kernel.sent.map(({ identifier }) => identifier)).size).toBe(1);
      const start = kernel.sent[0]?.sequence ?? 0;
      expect(kernel.sent.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 300 }, (_, index) => (start + index) & 0xffff),
      );
      expect(new Set(kernel.sent.map(({ data }) => data.subarray(8, 16).join())).size).toBe(300);
      for (const probe of kernel.sent) {
        expect(checksumHolds(probe.data, probe)).toBe(true);
        expect(probe.data).toHaveLength(69);
        expect([...probe.data.subarray(24)]).toEqual(
          Array.from({ length: 45 }, (_, index) => index + 16),
        );
      }
    });

    test("asks the silent again, waiting longer each time", async () => {
      const attemptOf = attemptsSeen();
      // .1 answers at once, .2 the second time, .3 the third, .4 never.
      const network: FakeNetwork = (probe) => {
        const host = Number.parseInt(probe.destination.split(/[.:]/).at(-1) ?? "", 16);
        return attemptOf(probe) === host && host < 4 ? [echoReply(probe, { delayMs: 5 })] : [];
      };
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(rangeOf(kind, 4).text, {
        retries: 2,
        timeout: 100,
        all: true,
      });
      const { items, atMs } = world.watch(sweep);
      const result = await world.outcome(sweep);
      const [first = "", second = "", third = "", fourth = ""] = rangeOf(kind, 4).addresses;
      expect(shortHosts(items)).toEqual([
        `${first} 5 1`,
        `${second} 5 2`,
        `${third} 5 3`,
        `${fourth} timeout 3`,
      ]);
      // 100 ms, then 150, then 225; new probes are gathered for up to 2 ms.
      for (const [index, expected] of [5, 105, 255, 475].entries()) {
        expect(atMs[index]).toBeGreaterThanOrEqual(expected);
        expect(atMs[index]).toBeLessThan(expected + 6);
      }
      expect(result).toMatchObject({ hosts: 4, sent: 9, answered: 3, silent: 1 });
      const start = world.kernel.sent[0]?.sequence ?? 0;
      expect(
        world.kernel.sent
          .filter(({ destination }) => destination === fourth)
          .map(({ sequence }) => (sequence - start) & 0xffff),
      ).toEqual([3, 3 + 4096, 3 + 8192]);
    });

    test("takes an answer to an earlier attempt, with its own RTT", async () => {
      const attemptOf = attemptsSeen();
      const network: FakeNetwork = (probe) =>
        attemptOf(probe) === 1 ? [echoReply(probe, { delayMs: 140 })] : [];
      const world = scene({ network, stampDelayMs: 0 }, { privileged });
      const sweep = world.client.sweep(kind.target, { timeout: 100, retries: 1 });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      expect(items).toHaveLength(1);
      expect(items[0]?.attempts).toBe(2);
      // The time of sending comes from the data, in microseconds.
      expect(items[0]?.rtt).toBeCloseTo(140, 2);
      expect(result).toMatchObject({ sent: 2, answered: 1, late: 0, duplicates: 0 });
    });

    test("reports ICMP errors with who said it, also when they quote 8 bytes only", async () => {
      const network: FakeNetwork = (probe) => {
        const host = Number.parseInt(probe.destination.split(/[.:]/).at(-1) ?? "", 16);
        if (host === 1) return [echoReply(probe, { delayMs: 10 })];
        const quoteLength = (kind.family === 4 ? 20 : 40) + 8;
        if (host === 2) return [unreachable(probe, { from: router, delayMs: 10 })];
        if (host === 3) return [unreachable(probe, { from: router, delayMs: 10, quoteLength })];
        if (host === 4) return [timeExceeded(probe, { from: router, delayMs: 10, quoteLength })];
        return [];
      };
      const world = scene({ network, stampDelayMs: 0 }, { privileged });
      const sweep = world.client.sweep(rangeOf(kind, 4).text, { all: true });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      const error = (
        addr: string | undefined,
        label: string,
        type: number,
        code: number,
      ): SweepItem => ({
        kind: "icmpError",
        addr: addr ?? "",
        target: null,
        attempts: 1,
        error: `${label}(code=${code})`,
        from: router,
        type,
        code,
        rtt: 10,
        ttl: 64,
      });
      const { addresses } = rangeOf(kind, 4);
      const [type, code] = kind.family === 4 ? [3, 1] : [1, 3];
      expect(items.slice(1)).toEqual([
        error(addresses[1], "dest_unreachable", type, code),
        error(addresses[2], "dest_unreachable", type, code),
        error(addresses[3], "time_exceeded", kind.family === 4 ? 11 : 3, 0),
      ]);
      expect(result).toMatchObject({ answered: 1, icmpErrors: 3, silent: 0 });
      expect([...result.living]).toEqual([addresses[0] ?? ""]);
    });

    test("an ICMP error decides a host only if it proves that its sender saw the probe", async () => {
      const headers = (kind.family === 4 ? 20 : 40) + 8;
      const options = { from: router, delayMs: 10 } as const;
      const padded = (error: FakeArrival): FakeArrival => ({
        ...error,
        icmp: Uint8Array.of(...error.icmp, ...new Uint8Array(100)),
      });
      const cases: readonly [answers: FakeNetwork, fate: string][] = [
        [(probe) => [unreachable(probe, { ...options, quoteLength: headers })], "icmpError"],
        [(probe) => [unreachableThroughNat(probe, options)], "timeout"],
        [(probe) => [unreachable(probe, options)], "icmpError"],
        // Our data are proof whatever the checksum is.
        [(probe) => [unreachableThroughNat(probe, { ...options, quoteLength: 500 })], "icmpError"],
        [
          (probe) => [unreachableThroughNat(probe, { ...options, quoteLength: headers + 4 })],
          "icmpError",
        ],
        [
          (probe) => [unreachableThroughNat(probe, { ...options, quoteLength: headers + 3 })],
          "timeout",
        ],
        [(probe) => [padded(unreachableThroughNat(probe, options))], "timeout"],
        [
          (probe) => [unreachableThroughNat(probe, options), echoReply(probe, { delayMs: 90 })],
          "reply",
        ],
        [
          (probe) => [unreachableThroughNat(probe, options), unreachable(probe, options)],
          "icmpError",
        ],
      ];
      const network: FakeNetwork = (probe) => cases[probe.index]?.[0](probe) ?? [];
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(rangeOf(kind, cases.length).text, {
        all: true,
        retries: 0,
        timeout: 100,
      });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      const fates = new Map(
        items.map((item) => [shortHosts([item])[0]?.split(" ")[0], item.kind as string]),
      );
      const { addresses } = rangeOf(kind, cases.length);
      expect(addresses.map((address) => fates.get(address))).toEqual(cases.map(([, fate]) => fate));
      expect(result).toMatchObject({
        answered: 1,
        icmpErrors: 5,
        silent: 3,
        unverified: 5,
        duplicates: 0,
        late: 0,
      });
    });

    test("a further attempt is verified by its own checksum, the first by its data only", async () => {
      const quoteLength = (kind.family === 4 ? 20 : 40) + 8;
      const attemptOf = attemptsSeen();
      // .1 by the second, .2 and .3 by the first, when the second is under way.
      const network: FakeNetwork = (probe) => {
        const host = Number.parseInt(probe.destination.split(/[.:]/).at(-1) ?? "", 16);
        const attempt = attemptOf(probe);
        if (host === 1 && attempt === 2) return [unreachable(probe, { from: router, quoteLength })];
        if (host === 1 || attempt === 2) return [];
        const delayMs = 150;
        return [unreachable(probe, { from: router, delayMs, ...(host === 2 && { quoteLength }) })];
      };
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(rangeOf(kind, 3).text, {
        all: true,
        retries: 1,
        timeout: 100,
      });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      const { addresses } = rangeOf(kind, 3);
      expect(shortHosts(items).toSorted()).toEqual([
        `${addresses[0]} ${label(kind)} 2`,
        `${addresses[1]} timeout 2`,
        `${addresses[2]} ${label(kind)} 2`,
      ]);
      expect(result).toMatchObject({ icmpErrors: 2, silent: 1, unverified: 1 });
    });

    test("sequences of two sweeps start at different numbers", async () => {
      const { client, kernel, outcome } = scene({ network: answering }, { privileged });
      for (let index = 0; index < 2; index++) await outcome(client.sweep(kind.target));
      const starts = kernel.sent.map(({ sequence }) => sequence);
      expect(new Set([0, ...starts]).size).toBe(3);
    });

    test("counts duplicates and late answers and reports none of them", async () => {
      const network: FakeNetwork = (probe) => {
        const host = Number.parseInt(probe.destination.split(/[.:]/).at(-1) ?? "", 16);
        if (host === 1) return [1, 2, 3].map((delayMs) => echoReply(probe, { delayMs }));
        if (host === 2) return [120, 130].map((delayMs) => echoReply(probe, { delayMs }));
        return host === 3 ? [echoReply(probe, { delayMs: 90 })] : [];
      };
      const world = scene({ network }, { privileged });
      // One each 100 ms: the fourth keeps the sweep going while further answers come to the second.
      const options = { all: true, timeout: 100, retries: 0, rate: 10 } as const;
      const sweep = world.client.sweep(rangeOf(kind, 4).text, options);
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      expect(shortHosts(items).map((text) => text.split(" ").slice(1).join(" "))).toEqual([
        "1 1",
        "timeout 1",
        "90 1",
        "timeout 1",
      ]);
      // Of the two late ones, the first is late and the second a duplicate of it.
      expect(result).toMatchObject({ hosts: 4, answered: 2, silent: 2, duplicates: 3, late: 1 });
      expect(result.living.size).toBe(2);
    });

    test("ignores forged answers: a wrong cookie, another probe's, a sequence never sent", async () => {
      const network: FakeNetwork = (probe) => {
        const forged = probe.data.slice(8);
        forged[3] = (forged[3] ?? 0) ^ 1;
        return [
          echoReply(probe, { delayMs: 1, from: stranger, data: forged }),
          echoReply(probe, { delayMs: 1, sequence: (probe.sequence + 1) & 0xffff }),
          echoReply(probe, { delayMs: 1, from: stranger, data: probe.data.slice(8, 20) }),
        ];
      };
      const { client, outcome } = scene({ network }, { privileged });
      const result = await outcome(
        client.sweep(rangeOf(kind, 5).text, { timeout: 50, retries: 0 }),
      );
      expect(result).toMatchObject({ hosts: 5, answered: 0, silent: 5, wrongData: 0 });
      expect(result).toMatchObject({ late: 0, duplicates: 0, corrupt: 0 });
    });

    test("takes an answer from another address of the host, and says so", async () => {
      const world = scene(
        { network: (probe) => [echoReply(probe, { delayMs: 1, from: stranger })] },
        { privileged },
      );
      const sweep = world.client.sweep(kind.target);
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      expect(items.map(({ addr, from }) => [addr, from])).toEqual([[kind.target, stranger]]);
      expect(result.living.has(kind.target)).toBe(true);
      expect(result.living.has(stranger)).toBe(false);
    });

    test.each([
      ["altered", 33, false],
      ["cut", 21, true],
      ["cut and altered", 22, false],
    ])("counts %s data as corrupt, and as an answer", async (_, length, truncated) => {
      const altered: FakeNetwork = (probe) => {
        const data = probe.data.slice(8, 8 + length);
        if (!truncated) data[length - 1] = 0;
        return [echoReply(probe, { delayMs: 1, data })];
      };
      const world = scene({ network: altered }, { privileged });
      const sweep = world.client.sweep(kind.target, { size: 33 });
      const { items } = world.watch(sweep);
      expect(await world.outcome(sweep)).toMatchObject({ answered: 1, corrupt: 1 });
      expect(items).toMatchObject([{ corrupt: true, truncated }]);
    });

    test("a send that fails is the result of that host", async () => {
      const world = scene({ network: answering }, { privileged });
      const { addresses, text } = rangeOf(kind, 10);
      const [, , third = "", , , , , , , last = ""] = addresses;
      world.kernel.failSendsTo(third, ENETUNREACH);
      world.kernel.failSendsTo(last, ENETUNREACH);
      const sweep = world.client.sweep(text, { all: true });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      expect(result).toMatchObject({ hosts: 10, sent: 8, answered: 8, sendErrors: 2, silent: 0 });
      expect(items.filter(({ kind }) => kind === "sendError")).toEqual([
        expect.objectContaining({
          addr: third,
          error: "ENETUNREACH",
          attempts: 0,
          message: expect.stringContaining(third),
        }),
        expect.objectContaining({ addr: last, error: "ENETUNREACH", attempts: 0 }),
      ]);
    });

    test("goes on after a batch whose last send failed", async () => {
      const network: FakeNetwork = (probe) =>
        probe.destination === kind.target ? [] : [echoReply(probe, { delayMs: 10 })];
      const { client, kernel, outcome } = scene({ network }, { privileged });
      const [, second = ""] = rangeOf(kind, 2).addresses;
      kernel.failSendsTo(second, ENETUNREACH);
      const result = await outcome(
        client.sweep([kind.target, second], { timeout: 50, retries: 2 }),
      );
      expect(result).toMatchObject({ hosts: 2, sent: 3, silent: 1, sendErrors: 1 });
    });

    test("waits while the kernel has no room, and loses nothing", async () => {
      const { client, kernel, outcome } = scene(
        { network: answering, stampDelayMs: 0 },
        { privileged },
      );
      // What a full send buffer says.
      kernel.failNext("sendmmsg", privileged ? ENOBUFS : EAGAIN, 5);
      const result = await outcome(
        client.sweep(rangeOf(kind, 200).text, { rate: Number.POSITIVE_INFINITY }),
      );
      expect(result).toMatchObject({ hosts: 200, sent: 200, answered: 200, sendErrors: 0 });
      // 1, 2, 4, 8 and 16 ms.
      expect(kernel.sent[0]?.sentAtNs).toBe(1_000_000_000 + 31_000_000);
    });

    test("a host that is refused says what was asked for, or exceeded", async () => {
      const world = scene({ network: answering }, { privileged });
      const [target = ""] = rangeOf(kind, 1).addresses;
      const source = kind.family === 4 ? "192.0.2.99" : "2001:db8::99";
      const refusalOf = async (options: SweepOptions): Promise<string[]> => {
        const sweep = world.client.sweep([target], { ...options, all: true });
        const { items } = world.watch(sweep);
        await world.outcome(sweep);
        return items.map((item) => (item.kind === "sendError" ? item.message : item.kind));
      };
      expect(await refusalOf({ source })).toEqual([
        `Cannot send to ${target} from ${source}: this host has no such address (EADDRNOTAVAIL)`,
      ]);
      expect(await refusalOf({ size: 1600, dontFragment: true })).toEqual([
        `sendmmsg() to ${target} failed: EMSGSIZE (message too long), mtu=1500`,
      ]);
      expect(await refusalOf({ size: 1400, dontFragment: true })).toEqual(["reply"]);
    });

    test("an interface that is created again is found again", async () => {
      const interfaces: Record<string, number> = { lo: 1, eth0: 2 };
      const world = scene({ network: answering, interfaces }, { privileged });
      const { addresses } = rangeOf(kind, 6);
      const sweep = world.client.sweep(addresses, { rate: 1, interface: "eth0", all: true });
      const { items, ended } = world.watch(sweep);
      await world.clock.advance(1500);
      delete interfaces["eth0"];
      await world.clock.advance(1000);
      interfaces["eth0"] = 7;
      await world.clock.advance(20_000);
      await ended;
      const codes = items.map(({ error }): string | null => error);
      expect(codes.slice(0, 2)).toEqual([null, null]);
      expect(codes).toContain("ENODEV");
      expect(codes.slice(-2)).toEqual([null, null]);
      expect([...new Set(world.kernel.sent.map(({ interfaceIndex }) => interfaceIndex))]).toEqual([
        2, 7,
      ]);
    });

    test("dscp, TTL, DF, mark, size, interface and source", async () => {
      const own =
        kind.family === 4 ? ["192.0.2.10", "192.0.2.11"] : ["2001:db8::10", "2001:db8::11"];
      const { client, kernel, outcome } = scene(
        { network: answering, addresses: own },
        { privileged },
      );
      const options = {
        dscp: 46,
        ttl: 7,
        dontFragment: true,
        mark: 99,
        size: 100,
        interface: "eth0",
        source: own[1],
      };
      await outcome(client.sweep(kind.target, options));
      await outcome(client.sweep(kind.target, { dontFragment: false }));
      const fields = kernel.sent.map(
        ({ tos, ttl, dontFragment, mark, data, interfaceIndex, source }) => {
          return { tos, ttl, dontFragment, mark, length: data.length, interfaceIndex, source };
        },
      );
      expect(fields).toEqual([
        {
          tos: 184,
          ttl: 7,
          dontFragment: true,
          mark: 99,
          length: 108,
          interfaceIndex: 2,
          source: own[1] ?? "",
        },
        {
          tos: 0,
          ttl: 64,
          dontFragment: false,
          mark: 0,
          length: 64,
          interfaceIndex: 0,
          source: own[0] ?? "",
        },
      ]);
    });

    test("an event loop held up costs no answer and no accuracy", async () => {
      const world = scene(
        { network: (probe) => [echoReply(probe, { delayMs: 30 })] },
        { privileged },
      );
      const sweep = world.client.sweep(rangeOf(kind, 50).text, { retries: 0, timeout: 100 });
      const { items } = world.watch(sweep);
      await world.clock.advance(10);
      world.clock.block(3000);
      const result = await world.outcome(sweep);
      expect(result).toMatchObject({ answered: 50, silent: 0, late: 0 });
      expect(new Set(items.map(({ rtt }) => rtt))).toEqual(new Set([30]));
    });

    test("what comes after the deadline is late, though the event loop was held up", async () => {
      const world = scene(
        { network: (probe) => [echoReply(probe, { delayMs: 150 })] },
        { privileged },
      );
      const sweep = world.client.sweep(kind.target, { retries: 0, timeout: 100 });
      sweep.then(() => {});
      await world.clock.advance(10);
      world.clock.block(3000);
      expect(await world.outcome(sweep)).toMatchObject({ answered: 0, silent: 1, late: 1 });
    });

    test("a clock that is stepped does not touch the RTTs", async () => {
      const world = scene(
        { network: (probe) => [echoReply(probe, { delayMs: 30 })] },
        { privileged },
      );
      const sweep = world.client.sweep(kind.target);
      const { items } = world.watch(sweep);
      await world.clock.advance(10);
      world.clock.stepRealtime(-5e9);
      await world.outcome(sweep);
      expect(items[0]?.rtt).toBe(30);
    });
  });
}
