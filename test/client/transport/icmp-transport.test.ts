import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { NS_PER_MS } from "../../../src/client/time/clock.ts";
import { IcmpTransport } from "../../../src/client/transport/icmp-transport.ts";
import type { Route } from "../../../src/client/transport/transport.ts";
import {
  ICMP_FILTER,
  ICMPV6_FILTER,
  IP_MTU_DISCOVER,
  IPPROTO_ICMPV6,
  IPV6_MTU_DISCOVER,
  PMTUDISC_DONT,
  PMTUDISC_OMIT,
  PMTUDISC_PROBE,
  SO_ATTACH_FILTER,
  SO_MARK,
  SOL_RAW,
  SOL_SOCKET,
} from "../../../src/ffi/constants.ts";
import {
  echoReply,
  type FakeArrival,
  type FakeProbe,
  timeExceeded,
} from "../../support/fake-network.ts";
import {
  type FakePlatformOptions,
  fakePlatform,
  SOCKET_KINDS,
} from "../../support/fake-platform.ts";
import { patched } from "../../support/fake-prober.ts";
import { type Arrival, listener, send } from "./support.ts";

const { EHOSTUNREACH } = constants.errno;
const DATA = new Uint8Array(16).fill(0x61);

describe.each(SOCKET_KINDS)("IcmpTransport on a $name socket", (kind) => {
  const { family, privileged, target, router, host } = kind;
  const v4 = family === 4;

  function setUp(options: FakePlatformOptions = {}) {
    const fake = fakePlatform(options);
    const { kernel } = fake;
    const transport = new IcmpTransport(fake.platform, { family, privileged, identifier: 0x1234 });
    const arrivals: Arrival[] = [];
    let wakes = 0;
    transport.attach(
      listener(arrivals, () => {
        wakes += 1;
        transport.drain();
      }),
    );
    const opened = kernel.calls.filter(({ syscall }) => syscall === "socket");
    const [socket, sender] = [opened[0], opened.at(-1)].map((call) =>
      kernel.socketOf(call?.result ?? -1),
    );
    if (socket === undefined || sender === undefined) throw new Error("There is no socket");
    const route = (fields: Partial<Route> = {}): Route => ({
      destination: target,
      source: undefined,
      interface: undefined,
      tos: 0,
      dontFragment: undefined,
      mark: 0,
      ...fields,
    });
    return { ...fake, transport, arrivals, socket, sender, route, wakes: () => wakes };
  }

  /** The calls of setsockopt for an option. */
  function settings(
    { kernel }: Pick<ReturnType<typeof setUp>, "kernel">,
    level: number,
    name: number,
  ): number {
    const calls = kernel.calls.filter(({ syscall }) => syscall === "setsockopt");
    return calls.filter(({ args }) => args[1] === level && args[2] === name).length;
  }

  test("filters by type and identifier on raw sockets only", () => {
    const setting = setUp();
    expect([
      settings(setting, SOL_RAW, ICMP_FILTER),
      settings(setting, IPPROTO_ICMPV6, ICMPV6_FILTER),
    ]).toEqual([v4 && privileged ? kind.sockets : 0, !v4 && privileged ? kind.sockets : 0]);
    expect(settings(setting, SOL_SOCKET, SO_ATTACH_FILTER)).toBe(privileged ? kind.sockets : 0);
    // A raw socket on loopback would be handed its own requests.
    if (privileged) expect(setting.socket.acceptsType(v4 ? 8 : 128)).toBe(false);
  });

  test("sends the identifier it says it has", () => {
    const { transport, kernel, route, socket } = setUp();
    expect(transport.identifier).toBe(privileged ? 0x1234 : socket.port);
    const receipt = send(transport, route(), { ttl: 9, sequence: 77, data: DATA });
    const [probe] = kernel.sent;
    expect(probe).toMatchObject({
      identifier: transport.identifier,
      sequence: 77,
      ttl: 9,
      destination: target,
    });
    expect(Array.from(probe?.data.subarray(8) ?? [])).toEqual([...DATA]);
    if (receipt.kind !== "sent") throw new Error("Not sent");
    // What it says it sent is what left, but for the checksum that the kernel fills in.
    expect(Array.from(receipt.message.subarray(4))).toEqual(
      Array.from(probe?.data.subarray(4) ?? []),
    );
  });

  test("a drain ends when its time is over, and what it leaves is not lost", async () => {
    const count = 3000;
    const microsecondsEach = 20;
    const flood = (probe: FakeProbe) => [
      ...Array.from({ length: count }, () => echoReply(probe, { delayMs: 1 })),
    ];
    const { transport, clock, route, arrivals } = setUp({ network: flood, queueLimit: 2 * count });
    transport.setTold(false);
    let replies = 0;
    let arrivedNs = 0;
    transport.attach({
      ...listener([], () => {}),
      onReply: ({ stampNs }) => {
        replies += 1;
        arrivedNs = stampNs ?? Number.NaN;
        clock.block(microsecondsEach / 1000);
      },
    });
    send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    await clock.advance(5);
    const startNs = clock.monotonicNs();
    const untilNs = transport.drain();
    // Two batches: the clock is looked at after each.
    expect(replies).toBe(512);
    expect(clock.monotonicNs() - startNs).toBeLessThan(11 * NS_PER_MS);
    // All came at the same time.
    expect(untilNs).toBe(arrivedNs);
    let drains = 1;
    while (transport.drain() !== Number.POSITIVE_INFINITY) drains += 1;
    expect([replies, drains, transport.drops, arrivals]).toEqual([count, 5, 0, []]);
  });

  test.skipIf(privileged)("a flood of ICMP errors makes no send fail", async () => {
    const errors = (probe: FakeProbe) =>
      Array.from({ length: 1000 }, () => timeExceeded(probe, { from: router, delayMs: 1 }));
    const { transport, clock, kernel, route, arrivals } = setUp({ network: errors });
    transport.setTold(false);
    send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    await clock.advance(5);
    // Each attempt may find another error pending.
    kernel.failNext("sendmsg", EHOSTUNREACH, 400);
    expect(send(transport, route(), { ttl: 64, sequence: 2, data: DATA }).kind).toBe("sent");
    expect(arrivals.length).toBeLessThan(1000);
    // What fails though no error comes in is refused.
    while (transport.drain() !== Number.POSITIVE_INFINITY);
    kernel.failNext("sendmsg", EHOSTUNREACH, 400);
    const errorCode = { kind: "failed", error: { code: "EHOSTUNREACH" } };
    expect(send(transport, route(), { ttl: 64, sequence: 3, data: DATA })).toMatchObject(errorCode);
  });

  test("sends up to 65,507 bytes", () => {
    const { transport, kernel, route } = setUp();
    const data = new Uint8Array(65_507).fill(7);
    expect(
      send(transport, route({ dontFragment: false }), { ttl: 64, sequence: 1, data: data }).kind,
    ).toBe("sent");
    expect(kernel.sent[0]?.data.length).toBe(65_515);
    expect(send(transport, route(), { ttl: 64, sequence: 2, data: DATA }).kind).toBe("sent");
    expect(kernel.sent[1]?.data.length).toBe(8 + DATA.length);
  });

  test("takes traffic class, source and interface of each route", () => {
    const { transport, kernel, route } = setUp({
      addresses: [host, v4 ? "192.0.2.11" : "2001:db8::11"],
    });
    send(transport, route({ tos: 0xb8, source: host, interface: 2 }), {
      ttl: 64,
      sequence: 1,
      data: DATA,
    });
    send(transport, route(), { ttl: 64, sequence: 2, data: DATA });
    expect(
      kernel.sent.map(({ tos, source, interfaceIndex: index }) => [tos, source, index]),
    ).toEqual([
      [0xb8, host, 2],
      [0, host, 0],
    ]);
  });

  test("sets mark and fragmentation when a route differs from the one before, and takes them back", () => {
    const setting = setUp();
    const { transport, kernel, route, sender } = setting;
    const discovery = () => sender.ipOption(IP_MTU_DISCOVER, IPV6_MTU_DISCOVER);
    const usual = discovery();
    const marksBefore = settings(setting, SOL_SOCKET, SO_MARK);
    const seen: number[] = [];
    for (const dontFragment of [true, true, false, undefined]) {
      send(transport, route({ dontFragment, mark: 42 }), { ttl: 64, sequence: 1, data: DATA });
      seen.push(discovery());
    }
    send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    const allowing = v4 ? PMTUDISC_OMIT : PMTUDISC_DONT;
    expect(seen).toEqual([PMTUDISC_PROBE, PMTUDISC_PROBE, allowing, usual]);
    expect(kernel.sent.map(({ mark }) => mark)).toEqual([42, 42, 42, 42, 0]);
    expect(settings(setting, SOL_SOCKET, SO_MARK) - marksBefore).toBe(2);
  });

  test("fails a send whose mark it may not set, and the next one does not wear it", () => {
    const { transport, kernel, route } = setUp();
    kernel.failNext("setsockopt", 1);
    const receipt = send(transport, route({ mark: 42 }), { ttl: 64, sequence: 1, data: DATA });
    expect(receipt).toMatchObject({
      kind: "failed",
      error: { code: "EPERM", syscall: "setsockopt" },
    });
    expect(send(transport, route(), { ttl: 64, sequence: 2, data: DATA }).kind).toBe("sent");
    expect(kernel.sent.map(({ mark }) => mark)).toEqual([0]);
  });

  test("hands over stamps and errors before replies", async () => {
    const { transport, arrivals, clock, route } = setUp({
      wakeDelayMs: 50,
      network: (probe) => [
        echoReply(probe, { delayMs: 1 }),
        timeExceeded(probe, { from: router, delayMs: 2 }),
      ],
    });
    send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    await clock.advance(100);
    // A raw socket has one queue for replies and errors.
    expect(arrivals.map((arrival) => arrival.kind)).toEqual(
      privileged ? ["stamp", "echo", "error"] : ["stamp", "error", "echo"],
    );
  });

  test("has stamps of what it sends and of what it receives", async () => {
    const { transport, arrivals, clock, route } = setUp({ network: (probe) => [echoReply(probe)] });
    const departedNs = clock.realtimeNs();
    const receipt = send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    await clock.advance(100);
    expect(receipt).toMatchObject({ kind: "sent", stampKey: 0 });
    expect(arrivals.map(({ stampNs }) => (stampNs ?? 0) - departedNs)).toEqual([0, 10e6]);
  });

  test("hears nothing once it is closed, more than once", async () => {
    const { transport, arrivals, clock, kernel, route, wakes } = setUp({
      network: (probe) => [echoReply(probe)],
    });
    send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    transport.close();
    transport.close();
    transport.drain();
    transport.drainErrors();
    await clock.advance(100);
    expect([arrivals.length, wakes(), kernel.openDescriptors, kernel.reactor.watched]).toEqual([
      0, 0, 0, 0,
    ]);
    const closed = kernel.calls.filter(({ syscall }) => syscall === "close");
    expect(closed.length).toBe(kind.sockets);
  });

  const oddities: [name: string, icmp: (identifier: number) => readonly number[]][] = [
    ["nothing", () => []],
    ["three bytes", () => [v4 ? 0 : 129, 0, 0]],
    ["a reply without sequence number", (id) => [v4 ? 0 : 129, 0, 0, 0, id >>> 8, id & 0xff]],
    ["an error that quotes nothing", () => [v4 ? 11 : 3, 0, 0, 0, 0, 0, 0, 0]],
    ["an error cut in its header", () => [v4 ? 11 : 3, 0, 0, 0]],
    ["a timestamp reply", (id) => [14, 0, 0, 0, id >>> 8, id & 0xff, 0, 1, ...Array(12).fill(0)]],
    ["a type that does not exist", (id) => [77, 0, 0, 0, id >>> 8, id & 0xff, 0, 1]],
  ];
  test.each(oddities)("survives %s", async (_, icmp) => {
    const { transport, arrivals, clock, kernel, route } = setUp({
      network: (probe) => [echoReply(probe)],
    });
    const arrival: FakeArrival = {
      delayNs: 0,
      from: router,
      icmp: Uint8Array.from(icmp(transport.identifier)),
    };
    kernel.inject({ ...arrival, family });
    await clock.advance(1);
    expect(arrivals).toEqual([]);
    send(transport, route(), { ttl: 64, sequence: 1, data: DATA });
    await clock.advance(100);
    expect(arrivals.map((each) => each.kind)).toEqual(["stamp", "echo"]);
  });
});

describe.each(SOCKET_KINDS.filter(({ privileged }) => privileged))(
  "IcmpTransport on a $name socket",
  (kind) => {
    test("counts what does not decode, and drops it", async () => {
      const { platform, clock, kernel } = fakePlatform({
        // A quoted header of a version that does not exist passes the filter, which does not look
        // there.
        network: (probe) => [
          timeExceeded(probe, {
            from: kind.router,
            packet: patched(probe.packet, 0, kind.family === 4 ? 0x75 : 0x70),
          }),
          echoReply(probe, { delayMs: 20 }),
        ],
      });
      const transport = new IcmpTransport(platform, {
        family: kind.family,
        privileged: true,
        identifier: 7,
      });
      const arrivals: Arrival[] = [];
      transport.attach(listener(arrivals, () => transport.drain()));
      const route = { destination: kind.target, source: undefined, interface: undefined };
      send(
        transport,
        { ...route, tos: 0, dontFragment: undefined, mark: 0 },
        { ttl: 64, sequence: 1, data: DATA },
      );
      await clock.advance(100);
      expect(arrivals.map(({ kind }) => kind)).toEqual(["stamp", "echo"]);
      expect(transport.malformed).toBe(1);
      expect(kernel.openDescriptors).toBe(kind.sockets);
    });
  },
);
