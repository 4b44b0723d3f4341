import { describe, expect, test } from "bun:test";
import type { EchoRequest } from "../../../src/client/results/results.ts";
import { echoReply, type FakeArrival, type FakeProbe } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { briefly, ProberBench, patched } from "../../support/fake-prober.ts";

const HEADER = 8;

/** The data of a probe, changed. */
function dataOf({ data }: FakeProbe): Uint8Array {
  return data.slice(HEADER);
}

describe.each(SOCKET_KINDS)("Prober with a $name socket", (kind) => {
  const { target, stranger } = kind;
  const v4 = kind.family === 4;

  test("takes an echo reply for its probe, and tells all about it", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [echoReply(probe, { delayMs: 12.5, ttl: 57, tos: 0x28 })],
    });
    const { results, send } = bench.open();
    send(33);
    await bench.clock.advance(100);
    expect(results.map(briefly)).toEqual([`#1 reply 12.5 ms from ${target}`]);
    const [result] = results;
    expect(result).toMatchObject({ kind: "reply", target, rttSource: "kernel", error: null });
    expect(result?.request).toMatchObject({ addr: target, ttl: 33, number: 1 });
    expect(result?.reply?.ttl).toBe(57);
    expect(result?.reply?.receivedPacket.ipHeader).toMatchObject({
      version: kind.family,
      srcAddr: target,
      destAddr: kind.host,
      ttl: 57,
      tos: 0x28,
    });
    const sent = bench.sent[0] as FakeProbe;
    expect(sent.ttl).toBe(33);
    expect(result?.request.sentPacket?.packet).toMatchObject({ sequence: sent.sequence, code: 0 });
    expect(Array.from(result?.reply?.receivedPacket.icmpPacket.payload ?? [])).toEqual([
      ...dataOf(sent),
    ]);
  });

  test("says timeout when nothing comes, at the deadline", async () => {
    const bench = new ProberBench(kind);
    const { results, send, stream } = bench.open({ timeoutMs: 250 });
    send();
    await bench.clock.advance(249.999);
    expect(results).toEqual([]);
    expect(stream.inFlight).toBe(1);
    await bench.clock.advance(0.001);
    expect(results.map(briefly)).toEqual(["#1 timeout"]);
    expect(stream.inFlight).toBe(0);
  });

  test("hears nothing of other identifiers", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => {
        const reply = echoReply(probe);
        return [
          {
            ...reply,
            icmp: patched(reply.icmp, 4, probe.identifier >>> 8, (probe.identifier ^ 1) & 0xff),
          },
        ];
      },
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual(["#1 timeout"]);
  });

  test("keeps apart two sockets that probe one target with equal sequence numbers", async () => {
    // Raw sockets share the identifier as well, so that each is handed the other's replies.
    const delays = [10, 20, 30, 40];
    const network = (probe: FakeProbe): readonly FakeArrival[] => [
      echoReply(probe, { delayMs: delays[probe.index] ?? 0 }),
    ];
    const first = new ProberBench(kind, { network });
    const second = new ProberBench(kind, { beside: first });
    const mine = first.open();
    const theirs = second.open({ nonce: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9) });
    mine.send();
    theirs.send();
    mine.send();
    theirs.send();
    await first.clock.advance(1000);
    expect(mine.results.map(briefly)).toEqual([
      `#1 reply 10 ms from ${target}`,
      `#2 reply 30 ms from ${target}`,
    ]);
    expect(theirs.results.map(briefly)).toEqual([
      `#1 reply 20 ms from ${target}`,
      `#2 reply 40 ms from ${target}`,
    ]);
    expect([first.prober.counters.foreign, second.prober.counters.foreign]).toEqual(
      kind.privileged ? [2, 2] : [0, 0],
    );
  });

  test.each([
    ["nonce", 0],
    ["last byte of the nonce", 7],
    ["probe number", 11],
  ])("takes no reply with a forged %s", async (_, offset) => {
    const bench = new ProberBench(kind, {
      network: (probe) => {
        const data = dataOf(probe);
        const forged = patched(data, offset, (data[offset] ?? 0) ^ 1);
        return [echoReply(probe, { delayMs: 5, data: forged }), echoReply(probe, { delayMs: 20 })];
      },
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 20 ms from ${target}`]);
    expect(bench.prober.counters.foreign).toBe(1);
  });

  test("takes no reply cut before the end of the cookie", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [echoReply(probe, { data: dataOf(probe).subarray(0, 11) })],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual(["#1 timeout corrupt"]);
  });

  test("takes a reply from elsewhere if the cookie is right, and says who answered", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [echoReply(probe, { from: stranger })],
    });
    const { results, send } = bench.open({ content: 14 });
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 10 ms from ${stranger}`]);
    expect(results[0]?.request.addr).toBe(target);
    expect(bench.prober.counters.foreign).toBe(0);
  });

  test.each([[13], [2], [0], [Uint8Array.from({ length: 64 }, (_, index) => index)]])(
    "with no room for a cookie (%p) takes replies from the target only",
    async (content) => {
      const bench = new ProberBench(kind, {
        network: (probe) => [
          echoReply(probe, { delayMs: 5, from: stranger }),
          echoReply(probe, { delayMs: 20 }),
        ],
      });
      const { results, send } = bench.open({ content });
      send();
      await bench.clock.advance(1000);
      expect(results.map(briefly)).toEqual([`#1 reply 20 ms from ${target}`]);
      expect(bench.prober.counters.foreign).toBe(1);
    },
  );

  const damages: [name: string, damage: (data: Uint8Array) => Uint8Array][] = [
    ["with a changed byte", (data) => patched(data, 40, (data[40] ?? 0) ^ 0x80)],
    ["with a changed last byte", (data) => patched(data, 55, (data[55] ?? 0) ^ 1)],
    ["with a changed balance", (data) => patched(data, 12, (data[12] ?? 0) ^ 1)],
    ["cut after the cookie", (data) => data.subarray(0, 12)],
    ["cut by a byte", (data) => data.subarray(0, 55)],
    ["extended by a zero", (data) => Uint8Array.of(...data, 0)],
    ["extended", (data) => Uint8Array.of(...data, 1, 2, 3)],
  ];
  test.each(damages)("calls a reply %s corrupt, yet an answer", async (_, damage) => {
    const bench = new ProberBench(kind, {
      network: (probe) => [echoReply(probe, { data: damage(dataOf(probe)) })],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 10 ms from ${target} corrupt`]);
  });

  test("lets a reply with a wrong checksum decide nothing", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => {
        const reply = echoReply(probe, { delayMs: 5 });
        const wrong = { ...reply, icmp: patched(reply.icmp, 30, 0xee), keepChecksum: true };
        return [wrong, { ...wrong, from: stranger }, echoReply(probe, { delayMs: 20 })];
      },
    });
    const stream = bench.open();
    stream.send();
    await bench.clock.advance(1000);
    expect(stream.results.map(briefly)).toEqual([`#1 reply 20 ms from ${target}`]);
    // Only raw IPv4 sockets are handed such packets (icmp(7), RFC 3542 section 3.1).
    const seen = v4 && kind.privileged;
    expect(bench.prober.counters.corrupt).toBe(seen ? 2 : 0);
    // The stream is told of those that the target may have sent.
    expect(stream.corrupt).toBe(seen ? 1 : 0);
  });

  test("counts what follows the first answer as duplicates of that probe", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [10, 11, 700].map((delayMs) => echoReply(probe, { delayMs })),
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([
      `#1 reply 10 ms from ${target}`,
      `#1 reply 11 ms from ${target} duplicate`,
      `#1 reply 700 ms from ${target} duplicate`,
    ]);
    const [first, ...others] = results.map(({ request }) => request);
    expect(others).toEqual(others.map(() => first) as EchoRequest[]);
  });

  test("tells a late reply from an answer to a newer probe", async () => {
    const delays = [1400, 800];
    const bench = new ProberBench(kind, {
      network: (probe) => [echoReply(probe, { delayMs: delays[probe.index] ?? 0 })],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([
      "#1 timeout",
      `#1 reply 1400 ms from ${target} late`,
      `#2 reply 800 ms from ${target}`,
    ]);
  });

  test("calls only the first late reply late, and the next a duplicate", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [1200, 1300].map((delayMs) => echoReply(probe, { delayMs })),
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(2000);
    expect(results.map(briefly)).toEqual([
      "#1 timeout",
      `#1 reply 1200 ms from ${target} late`,
      `#1 reply 1300 ms from ${target} duplicate`,
    ]);
    const [first, ...others] = results.map(({ request }) => request);
    expect(others).toEqual(others.map(() => first) as EchoRequest[]);
  });

  test("marks an answer that was overtaken", async () => {
    const delays = [300, 30, 100, 20];
    const bench = new ProberBench(kind, {
      network: (probe) => [echoReply(probe, { delayMs: delays[probe.index] ?? 0 })],
    });
    const { results, send } = bench.open();
    for (let count = 0; count < 4; count++) {
      send();
      await bench.clock.advance(50);
    }
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([
      `#2 reply 30 ms from ${target}`,
      `#4 reply 20 ms from ${target}`,
      `#3 reply 100 ms from ${target} reordered`,
      `#1 reply 300 ms from ${target} reordered`,
    ]);
  });

  const groups = v4 ? ["224.0.0.1", "255.255.255.255"] : ["ff02::1%2", "ff0e::1"];
  test.each(groups)(
    "takes the answers of all members of %s, with or without a cookie",
    async (group) => {
      for (const content of [56, 8]) {
        const bench = new ProberBench(kind, {
          network: (probe) => [
            echoReply(probe, { delayMs: 1, from: kind.router }),
            echoReply(probe, { delayMs: 2, from: stranger }),
            echoReply(probe, { delayMs: 3, from: target }),
          ],
        });
        const { results, send } = bench.open({ destination: group, content });
        send();
        await bench.clock.advance(1000);
        expect(results.map(briefly)).toEqual([
          `#1 reply 1 ms from ${kind.router}`,
          `#1 reply 2 ms from ${stranger} duplicate`,
          `#1 reply 3 ms from ${target} duplicate`,
        ]);
      }
    },
  );

  test("does not take its own request on loopback for an answer", async () => {
    const bench = new ProberBench(kind);
    const loopback = v4 ? "127.0.0.1" : "::1";
    const { results, send } = bench.open({ destination: loopback });
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 0.02 ms from ${loopback}`]);
    expect(bench.prober.counters.foreign).toBe(0);
  });

  test("sends with the TTL of each probe, without setting options in between", async () => {
    const bench = new ProberBench(kind);
    const { send } = bench.open();
    const before = bench.kernel.calls.filter((call) => call.syscall === "setsockopt").length;
    for (const ttl of [1, 255, 7]) send(ttl);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([1, 255, 7]);
    expect(bench.kernel.calls.filter((call) => call.syscall === "setsockopt").length).toBe(before);
  });
});

describe("Prober.close()", () => {
  test.each(SOCKET_KINDS)("lets nothing more be heard ($name)", async (kind) => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe)] });
    const { results, send } = bench.open();
    send();
    bench.prober.close();
    bench.prober.close();
    send();
    await bench.clock.advance(2000);
    expect(results).toEqual([]);
    expect(bench.kernel.openDescriptors).toBe(0);
    expect(bench.kernel.reactor.watched).toBe(0);
    expect(bench.clock.pending).toBe(0);
  });
});
