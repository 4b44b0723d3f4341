import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import { formatEchoResult } from "../../src/client/format/ping.ts";
import { formatHop } from "../../src/client/format/traceroute.ts";
import { scene } from "../client/support.ts";
import { rangeOf } from "../client/sweep/support.ts";
import {
  echoReply,
  type FakeNetwork,
  type FakeProbe,
  unreachable,
} from "../support/fake-network.ts";
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

describe("a host of a sweep that does not echo what it was sent", () => {
  /** A host for each kind of answer, one that answers rightly and one that is silent. */
  const FATES = [...ANSWERS.map(([what]) => what), "all of it", "no answer"] as const;

  for (const kind of SOCKET_KINDS) {
    const { name, privileged, stranger } = kind;
    const { text, addresses } = rangeOf(kind, FATES.length);

    test(`${name}: has answered with wrong data, and is neither living nor silent`, async () => {
      const network: FakeNetwork = (probe) => {
        const index = addresses.indexOf(probe.destination);
        const data = ANSWERS[index]?.[1](probe);
        if (FATES[index] === "no answer") return [];
        return [echoReply(probe, { delayMs: 5, ...(data !== undefined && { data }) })];
      };
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(text, { all: true, timeout: 100, size: SIZE });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      const known = new Map(
        items.map((item) => [item.kind === "targetFailure" ? "" : item.addr, item]),
      );
      expect(ANSWERS.map((_, index) => known.get(addresses[index] ?? ""))).toEqual(
        ANSWERS.map(([, , { length, truncated }], index) => ({
          kind: "wrongData",
          addr: addresses[index] ?? "",
          target: null,
          attempts: 2,
          error: "wrong_data",
          wrongData: { length, truncated },
        })),
      );
      expect(result).toMatchObject({
        hosts: FATES.length,
        answered: 1,
        wrongData: ANSWERS.length,
        silent: 1,
        corrupt: 0,
      });
      expect([...result.living]).toEqual([addresses[FATES.indexOf("all of it")] ?? ""]);
      expect(sweep.progress).toMatchObject({ done: FATES.length, remaining: 0 });
    });

    test(`${name}: a true reply or a verified error takes its place, also of a further attempt`, async () => {
      const forged = new Uint8Array(SIZE);
      const early = (probe: FakeProbe) => echoReply(probe, { data: forged, delayMs: 1 });
      const network: FakeNetwork = (probe) => {
        const isFurther = probe.index >= addresses.length;
        switch (addresses.indexOf(probe.destination)) {
          case 0:
            return [early(probe), echoReply(probe, { delayMs: 20 })];
          case 1:
            return isFurther ? [echoReply(probe, { delayMs: 20 })] : [early(probe)];
          case 2:
            return isFurther
              ? []
              : [early(probe), unreachable(probe, { from: kind.router, delayMs: 20 })];
          // The first attempt only: who was heard once is not silent.
          case 3:
            return isFurther ? [] : [early(probe)];
          default:
            return [];
        }
      };
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(text, { all: true, timeout: 100, size: SIZE, retries: 1 });
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      const kinds = new Map(
        items.map((item) => [item.kind === "targetFailure" ? "" : item.addr, item.kind]),
      );
      expect(addresses.map((address) => kinds.get(address) ?? "")).toEqual([
        "reply",
        "reply",
        "icmpError",
        "wrongData",
        "timeout",
      ]);
      expect(result).toMatchObject({
        answered: 2,
        icmpErrors: 1,
        wrongData: 1,
        silent: 1,
        duplicates: 0,
      });
    });

    test(`${name}: who does not know what was sent makes no host living, and no other host anything`, async () => {
      const forged = new Uint8Array(SIZE);
      const network: FakeNetwork = (probe) => {
        const other = addresses[(probe.index + 1) % addresses.length] ?? "";
        return [
          // Every answer must be from the host; and a number that it was sent.
          echoReply(probe, { data: forged, from: stranger }),
          echoReply(probe, { data: forged, from: other }),
          echoReply(probe, { data: forged, sequence: (probe.sequence + 1) & 0xffff }),
          // Attempts that were not made.
          echoReply(probe, { data: forged, sequence: (probe.sequence + 4096) & 0xffff }),
          // Nor the cookie of another probe.
          ...world.kernel.sent
            .filter(({ index }) => index !== probe.index)
            .map(({ data }) => echoReply(probe, { data: data.slice(8), from: stranger })),
        ];
      };
      const world = scene({ network }, { privileged });
      const options = { all: true, timeout: 100, size: SIZE, retries: 0 };
      const result = await world.outcome(world.client.sweep(text, options));
      expect(result).toMatchObject({ answered: 0, wrongData: 0, silent: FATES.length });
    });

    test(`${name}: the length of what came, wherever it ends or changes`, async () => {
      const sent = (probe: FakeProbe) => probe.data.slice(8);
      // The first 16 bytes are proof enough.
      const cases: readonly [data: (probe: FakeProbe) => Uint8Array, fate: object][] = [
        ...Array.from({ length: 16 }, (_, length): [(probe: FakeProbe) => Uint8Array, object] => [
          (probe) => sent(probe).slice(0, length),
          { kind: "wrongData", wrongData: { length, truncated: true } },
        ]),
        ...Array.from({ length: 12 }, (_, at): [(probe: FakeProbe) => Uint8Array, object] => [
          (probe) =>
            sent(probe)
              .slice(0, at + 1)
              .fill((sent(probe)[at] ?? 0) ^ 1, at),
          { kind: "wrongData", wrongData: { length: at + 1, truncated: false } },
        ]),
        [(probe) => sent(probe).slice(0, 16), { kind: "reply", corrupt: true }],
        [
          (probe) => sent(probe).fill(0, 4),
          { kind: "wrongData", wrongData: { length: SIZE, truncated: false } },
        ],
        [
          () => new Uint8Array(1000),
          { kind: "wrongData", wrongData: { length: 1000, truncated: false } },
        ],
      ];
      const hosts = rangeOf(kind, cases.length);
      const network: FakeNetwork = (probe) => {
        const data = cases[hosts.addresses.indexOf(probe.destination)]?.[0](probe);
        return data === undefined ? [] : [echoReply(probe, { data })];
      };
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(hosts.text, {
        all: true,
        timeout: 100,
        size: SIZE,
        retries: 0,
      });
      const { items } = world.watch(sweep);
      await world.outcome(sweep);
      const known = new Map(
        items.map((item) => [item.kind === "targetFailure" ? "" : item.addr, item]),
      );
      for (const [index, [, fate]] of cases.entries()) {
        expect(known.get(hosts.addresses[index] ?? "")).toMatchObject(fate);
      }
    });
  }
});
