import { describe, expect, test } from "bun:test";
import { IP_RECVERR, IPV6_RECVERR } from "../../../src/ffi/constants.ts";
import {
  echoReply,
  type FakeArrival,
  type FakeProbe,
  icmpError,
  packetTooBig,
  timeExceeded,
  unreachable,
} from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { briefly, ProberBench, patched } from "../../support/fake-prober.ts";
import { fromHex } from "../../support/hex.ts";

// One MPLS label stack entry (RFC 4950): label 16001, bottom of stack, TTL 1; checksum by hand.
const MPLS = fromHex("2000 ca0d 0008 01 01 03e81101");

const IP_HEADER = { 4: 20, 6: 40 } as const;

/** `packet` with bytes changed, counted from its ICMP header on. */
function icmpPatched(probe: FakeProbe, offset: number, ...values: readonly number[]): Uint8Array {
  return patched(probe.packet, IP_HEADER[probe.family] + offset, ...values);
}

/** The IPv4 packet with options put into its header. */
function withOptions(probe: FakeProbe, options: Uint8Array): Uint8Array {
  const packet = Uint8Array.of(
    ...probe.packet.subarray(0, 20),
    ...options,
    ...probe.packet.subarray(20),
  );
  packet[0] = 0x40 | (5 + options.length / 4);
  new DataView(packet.buffer).setUint16(2, packet.length);
  return packet;
}

describe.each(SOCKET_KINDS)("Prober with a $name socket", (kind) => {
  const { family, target, router, stranger } = kind;
  const v4 = family === 4;
  const exceeded = "time_exceeded(code=0)";

  test("takes a time exceeded, and tells all about it", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [timeExceeded(probe, { from: router, delayMs: 7.25, ttl: 254 })],
    });
    const { results, send } = bench.open();
    send(3);
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 ${exceeded} 7.25 ms from ${router}`]);
    const [result] = results;
    expect(result).toMatchObject({ kind: "icmpError", rttSource: "kernel", reply: { ttl: 254 } });
    if (result?.kind !== "icmpError") throw new Error("Not an ICMP error");
    const sent = bench.sent[0] as FakeProbe;
    expect(result.icmpError).toMatchObject({
      type: v4 ? 11 : 3,
      code: 0,
      mtu: null,
      pointer: null,
      extensions: [],
    });
    expect(result.icmpError.quote).toMatchObject({
      destAddr: target,
      id: sent.identifier,
      sequence: sent.sequence,
      truncated: false,
    });
    expect(Array.from(result.icmpError.quote.payload)).toEqual([...sent.data.subarray(8)]);
    // The error queue strips the quoted IP header.
    if (kind.privileged)
      expect(result.icmpError.quote.ipHeader).toMatchObject({ destination: target });
    else expect(result.icmpError.quote.ipHeader).toBeNull();
  });

  // 8 bytes after the IP header are all that RFC 792 asks for; the cookie begins after them.
  test.each([8, 9, 15, 16, 19, 20, 22, 40, 63])(
    "takes a quote of %d ICMP bytes",
    async (length) => {
      const bench = new ProberBench(kind, {
        network: (probe) => [
          timeExceeded(probe, { from: router, quoteLength: IP_HEADER[family] + length }),
        ],
      });
      const { results, send } = bench.open();
      send();
      await bench.clock.advance(1000);
      expect(results.map(briefly)).toEqual([`#1 ${exceeded} 10 ms from ${router}`]);
      expect(results[0]).toMatchObject({ icmpError: { quote: { truncated: true } } });
    },
  );

  test.each([0, 8, 14, 56, 300])(
    "takes a quote with MPLS labels behind it (%d data bytes)",
    async (content) => {
      const bench = new ProberBench(kind, {
        network: (probe) => [timeExceeded(probe, { from: router, extensions: MPLS })],
      });
      const { results, send } = bench.open({ content });
      send();
      await bench.clock.advance(1000);
      expect(results.map(briefly)).toEqual([`#1 ${exceeded} 10 ms from ${router}`]);
      expect(results[0]).toMatchObject({
        icmpError: {
          extensions: [{ kind: "mpls", labels: [{ label: 16001, bottomOfStack: true, ttl: 1 }] }],
        },
      });
    },
  );

  test("takes a quote of 8 ICMP bytes padded with zeros to 128", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => {
        const packet = new Uint8Array(128);
        packet.set(probe.packet.subarray(0, IP_HEADER[family] + 8));
        return [timeExceeded(probe, { from: router, packet, extensions: MPLS })];
      },
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 ${exceeded} 10 ms from ${router}`]);
  });

  const otherDestinations = v4 ? [16, 198, 51, 100, 2] : [24 + 15, 2];
  const foreign: [name: string, packet: (probe: FakeProbe) => Uint8Array][] = [
    [
      "another destination",
      (probe) => patched(probe.packet, ...(otherDestinations as [number, number])),
    ],
    ["another identifier", (probe) => icmpPatched(probe, 4, 0x77, 0x77)],
    ["another sequence number", (probe) => icmpPatched(probe, 6, 0x77, 0x77)],
    ["another nonce", (probe) => icmpPatched(probe, 8 + 3, 0x77)],
    ["another probe number", (probe) => icmpPatched(probe, 8 + 11, 0x77)],
    [
      "another nonce, cut after it",
      (probe) => icmpPatched(probe, 8 + 7, 0x77).subarray(0, IP_HEADER[family] + 16),
    ],
    ["an echo reply", (probe) => icmpPatched(probe, 0, v4 ? 0 : 129)],
    ["a UDP datagram", (probe) => patched(probe.packet, v4 ? 9 : 6, 17)],
    ["too little", (probe) => probe.packet.subarray(0, IP_HEADER[family] + 7)],
  ];
  test.each(foreign)("lets an error that quotes %s decide nothing", async (_, packet) => {
    const bench = new ProberBench(kind, {
      network: (probe) => [
        timeExceeded(probe, { from: router, delayMs: 5, packet: packet(probe) }),
        unreachable(probe, { from: router, delayMs: 6, packet: packet(probe) }),
        echoReply(probe, { delayMs: 20 }),
      ],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 20 ms from ${target}`]);
  });

  test("gives each of many probes its own error", async () => {
    const delays = [50, 10, 40, 20, 30];
    const bench = new ProberBench(kind, {
      network: (probe) => [
        timeExceeded(probe, {
          from: router,
          delayMs: delays[probe.index] ?? 0,
          quoteLength: IP_HEADER[family] + 8,
        }),
      ],
    });
    const { results, send } = bench.open();
    for (const ttl of [1, 2, 3, 4, 5]) send(ttl);
    await bench.clock.advance(1000);
    expect(results.map(({ request, rtt }) => [request.ttl, rtt])).toEqual([
      [2, 10],
      [4, 20],
      [5, 30],
      [3, 40],
      [1, 50],
    ]);
  });

  test("never lets a redirect end a probe", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [
        icmpError(probe, { from: router, type: v4 ? 5 : 137, code: v4 ? 1 : 0, delayMs: 5 }),
        echoReply(probe, { delayMs: 20 }),
      ],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 20 ms from ${target}`]);
    // The other three kinds of socket do not hand redirects on.
    expect(bench.prober.counters.advice).toBe(v4 && kind.privileged ? 1 : 0);
    expect(bench.prober.counters.foreign).toBe(0);
  });

  const errors: [
    name: string,
    answer: (probe: FakeProbe) => FakeArrival,
    label: string,
    details: object,
  ][] = [
    [
      "host unreachable",
      (probe) => unreachable(probe, { from: router }),
      `dest_unreachable(code=${v4 ? 1 : 3})`,
      {},
    ],
    [
      "port unreachable",
      (probe) => unreachable(probe, { from: target, code: v4 ? 3 : 4 }),
      `dest_unreachable(code=${v4 ? 3 : 4})`,
      {},
    ],
    [
      "packet too big",
      (probe) => packetTooBig(probe, { from: router, mtu: 1280 }),
      v4 ? "dest_unreachable(code=4)" : "packet_too_big(code=0)",
      { mtu: 1280 },
    ],
    [
      "parameter problem",
      (probe) => icmpError(probe, { from: router, type: v4 ? 12 : 4, word: v4 ? 20 << 24 : 20 }),
      "parameter_problem(code=0)",
      { pointer: 20 },
    ],
  ];
  test("takes a reassembly time exceeded of IPv6; that of IPv4 never reaches a datagram socket", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [
        timeExceeded(probe, { from: router, code: 1 }),
        echoReply(probe, { delayMs: 20 }),
      ],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    const reply = `#1 reply 20 ms from ${target}`;
    expect(results.map(briefly)).toEqual(
      v4 ? [reply] : [`#1 time_exceeded(code=1) 10 ms from ${router}`, `${reply} duplicate`],
    );
  });

  test.each(errors)("takes a %s", async (_, answer, label, details) => {
    const bench = new ProberBench(kind, { network: (probe) => [answer(probe)] });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(({ error }): string | null => error)).toEqual([label]);
    expect(results[0]).toMatchObject({ icmpError: { mtu: null, pointer: null, ...details } });
  });

  test("tells an error after a reply, and a reply after an error, as duplicates", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => {
        const [first, second] = probe.index === 0 ? [10, 20] : [20, 10];
        return [
          echoReply(probe, { delayMs: first as number }),
          timeExceeded(probe, { from: router, delayMs: second as number }),
        ];
      },
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(100);
    send();
    await bench.clock.advance(100);
    expect(results.map(briefly)).toEqual([
      `#1 reply 10 ms from ${target}`,
      `#1 ${exceeded} 20 ms from ${router} duplicate`,
      `#2 ${exceeded} 10 ms from ${router}`,
      `#2 reply 20 ms from ${target} duplicate`,
    ]);
  });

  test("reports a host unreachable that comes 3 s later late, and on the right probe", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [unreachable(probe, { from: router, delayMs: 3050 - 10 * probe.index })],
    });
    const { results, send } = bench.open();
    for (let count = 0; count < 3; count++) {
      send(10 + count);
      await bench.clock.advance(1000);
    }
    await bench.clock.advance(4000);
    const label = `dest_unreachable(code=${v4 ? 1 : 3})`;
    expect(results.map(briefly)).toEqual([
      "#1 timeout",
      "#2 timeout",
      "#3 timeout",
      `#1 ${label} 3050 ms from ${router} late`,
      `#2 ${label} 3040 ms from ${router} late`,
      `#3 ${label} 3030 ms from ${router} late`,
    ]);
    expect(results.map(({ request }) => request.ttl)).toEqual([10, 11, 12, 10, 11, 12]);
  });

  test("sends although an error of an earlier probe waits unread, and answers both rightly", async () => {
    const bench = new ProberBench(kind, {
      wakeDelayMs: 50,
      network: (probe) =>
        probe.index === 0
          ? [timeExceeded(probe, { from: router, delayMs: 5 })]
          : [echoReply(probe, { delayMs: 200 })],
    });
    const { results, send } = bench.open();
    send(1);
    await bench.clock.advance(10);
    // The error is in the kernel; nobody has been woken.
    expect(bench.socket.pendingError !== 0).toBe(!kind.privileged);
    expect(results).toEqual([]);
    send(2);
    expect(bench.sent.length).toBe(2);
    // It is read first, so that no call fails for the sake of another.
    const refused = bench.kernel.calls.filter(
      ({ syscall, errno }) => syscall === "sendmsg" && errno !== 0,
    );
    expect(refused).toEqual([]);
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([
      `#1 ${exceeded} 5 ms from ${router}`,
      `#2 reply 200 ms from ${target}`,
    ]);
    expect(bench.prober.counters.foreign).toBe(0);
  });

  test("hears no result from within a send that came upon an error", async () => {
    const bench = new ProberBench(kind, {
      wakeDelayMs: 50,
      network: (probe) => [timeExceeded(probe, { from: router, delayMs: 5 })],
    });
    let isSending = false;
    const { results, send } = bench.open({ onResult: () => expect(isSending).toBe(false) });
    for (let count = 0; count < 5; count++) {
      isSending = true;
      send(1);
      isSending = false;
      await bench.clock.advance(10);
    }
    await bench.clock.advance(100);
    expect(results.length).toBe(5);
  });

  test("reports a packet that is too big for the link once, as a failed send", async () => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe)] });
    const { results, send } = bench.open({ content: 3000, dontFragment: true });
    send();
    await bench.clock.advance(2000);
    expect(results.map(briefly)).toEqual(["#1 EMSGSIZE"]);
    expect(results[0]).toMatchObject({
      kind: "sendError",
      sendError: { code: "EMSGSIZE", syscall: "sendmsg" },
    });
    const small = bench.open({ dontFragment: true });
    small.send();
    await bench.clock.advance(2000);
    expect(small.results.map(briefly)).toEqual([`#1 reply 10 ms from ${target}`]);
  });

  test("asks for ICMP errors on the error queue on datagram sockets only", () => {
    const bench = new ProberBench(kind);
    expect(bench.socket.ipOption(IP_RECVERR, IPV6_RECVERR)).toBe(kind.privileged ? 0 : 1);
    // The one that raw IPv4 probes leave by is offered none.
    if (bench.sender !== bench.socket) expect(bench.sender.boundAddress).toBe("224.0.0.0");
  });

  test("says who sent the error, even where that is not the router that should", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) => [timeExceeded(probe, { from: stranger })],
    });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 ${exceeded} 10 ms from ${stranger}`]);
  });
});

describe.each(SOCKET_KINDS.filter(({ family }) => family === 4))(
  "Prober with a $name socket",
  (kind) => {
    test.each([4, 12, 40])("takes a quote with %d bytes of IP options", async (length) => {
      const bench = new ProberBench(kind, {
        network: (probe) => {
          const packet = withOptions(probe, new Uint8Array(length).fill(1));
          return [
            timeExceeded(probe, {
              from: kind.router,
              packet,
              quoteLength: 20 + length + 8,
              delayMs: 5,
            }),
            timeExceeded(probe, { from: kind.router, packet, delayMs: 10 }),
          ];
        },
      });
      const { results, send } = bench.open();
      send();
      await bench.clock.advance(1000);
      expect(results.map(briefly)).toEqual([
        `#1 time_exceeded(code=0) 5 ms from ${kind.router}`,
        `#1 time_exceeded(code=0) 10 ms from ${kind.router} duplicate`,
      ]);
    });

    test("lets an error with a wrong checksum decide nothing", async () => {
      const bench = new ProberBench(kind, {
        network: (probe) => [
          { ...timeExceeded(probe, { from: kind.router, delayMs: 5 }), keepChecksum: true },
          echoReply(probe, { delayMs: 20 }),
        ],
      });
      const { results, send } = bench.open();
      send();
      await bench.clock.advance(1000);
      expect(results.map(briefly)).toEqual([`#1 reply 20 ms from ${kind.target}`]);
    });
  },
);
