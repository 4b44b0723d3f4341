import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import fc from "fast-check";
import { EchoInbox } from "../../../src/client/transport/echo-inbox.ts";
import { EchoOutbox } from "../../../src/client/transport/echo-outbox.ts";
import type { SweepReplyPacket } from "../../../src/client/transport/sweep-probe.ts";
import {
  type FlushStep,
  type SweepListener,
  SweepWire,
} from "../../../src/client/transport/sweep-wire.ts";
import type { ErrorArrival } from "../../../src/client/transport/transport.ts";
import { verifyChecksum } from "../../../src/packet/checksum.ts";
import { echoReply, type FakeNetwork, unreachable } from "../../support/fake-network.ts";
import {
  type FakePlatform,
  type FakePlatformOptions,
  fakePlatform,
  SOCKET_KINDS,
  type SocketKind,
} from "../../support/fake-platform.ts";

const { EHOSTUNREACH, EPERM } = constants.errno;

const probe = {
  ipv4: 0,
  ipv6: new Int32Array(4),
  sequence: 0,
  low: 0,
  high: 0,
  number: 0,
  time: 0,
};

/** A filler of `size` bytes as a sweep has it. */
function fillerOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index < 16 ? 0 : index & 0xff));
}

describe("EchoOutbox", () => {
  test("writes a right checksum for any probe of any size", () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 200 }),
        fc.record({
          low: word,
          high: word,
          number: word,
          time: word,
          sequence: fc.nat(0xffff),
          ipv4: word,
        }),
        fc.nat(0xffff),
        (size, fields, identifier) => {
          const outbox = new EchoOutbox({
            family: 4,
            identifier,
            filler: fillerOf(size),
            control: {},
          });
          // Over another probe: nothing of it may stay.
          outbox.setIpv4(3, {
            ...probe,
            low: -1,
            high: -1,
            number: -1,
            time: -1,
            sequence: 0xffff,
            ipv4: -1,
          });
          const checksum = outbox.setIpv4(3, { ...probe, ...fields });
          const { batch } = outbox;
          const bytes = new Uint8Array(batch.view.buffer, batch.dataOffset(3), 8 + size);
          expect(verifyChecksum(bytes)).toBe(true);
          expect(checksum).toBe(batch.view.getUint16(batch.dataOffset(3) + 2));
          expect(bytes[0]).toBe(8);
          expect(batch.view.getUint16(batch.dataOffset(3) + 4)).toBe(identifier);
          expect(batch.view.getUint16(batch.dataOffset(3) + 6)).toBe(fields.sequence);
          expect(batch.view.getUint32(batch.nameOffset(3) + 4)).toBe(fields.ipv4 >>> 0);
        },
      ),
    );
  });

  test("holds fewer probes when they are large", () => {
    const countOf = (size: number) =>
      new EchoOutbox({ family: 4, identifier: 1, filler: fillerOf(size), control: {} }).count;
    expect([countOf(56), countOf(65_507)]).toEqual([256, 64]);
  });
});

describe("EchoInbox", () => {
  // What a kernel hands a raw IPv4 socket, written where recvmmsg() would have.
  const deliver = (inbox: EchoInbox, packet: Uint8Array): void => {
    const { batch } = inbox;
    new Uint8Array(batch.view.buffer, batch.dataOffset(0), packet.length).set(packet);
    batch.view.setUint32(batch.headerOffset(0) + 56, packet.length, true);
    batch.view.setBigUint64(batch.headerOffset(0) + 40, 0n, true);
  };
  const filler = fillerOf(33);
  const outbox = new EchoOutbox({ family: 4, identifier: 7, filler, control: {} });
  const replyTo = (fields: Partial<typeof probe>, header = 20): Uint8Array => {
    outbox.setIpv4(0, { ...probe, ...fields });
    const packet = new Uint8Array(header + 41);
    packet.set([0x40 | (header >> 2), 0, 0, 0, 0, 0, 0, 0, 61, 1, 0, 0, 192, 0, 2, 9]);
    packet.set(new Uint8Array(outbox.batch.view.buffer, outbox.batch.dataOffset(0), 41), header);
    packet[header] = 0;
    // The type went from 8 to 0: RFC 1624 has the checksum follow.
    const view = new DataView(packet.buffer);
    const sum = view.getUint16(header + 2) + 0x0800;
    view.setUint16(header + 2, (sum & 0xffff) + (sum >>> 16));
    return packet;
  };

  test("reads identity, source and TTL of an intact reply, with and without IP options", () => {
    for (const header of [20, 24, 60]) {
      const inbox = new EchoInbox({ family: 4, hasIpHeader: true, filler, epochSeconds: 0 });
      deliver(inbox, replyTo({ sequence: 0x1234, low: -2, high: 3, number: -4, time: 5 }, header));
      expect(inbox.readReply(0)).toBe(true);
      expect(inbox.reply).toMatchObject({
        ipv4: 0xc0_00_02_09 | 0,
        sequence: 0x1234,
        low: -2,
        high: 3,
        number: -4,
        time: 5,
        ttl: 61,
        stampNs: Number.NaN,
        isAltered: false,
        hasRightChecksum: true,
      });
    }
  });

  test("reads a short reply as far as it goes, whatever was there before", () => {
    const inbox = new EchoInbox({ family: 4, hasIpHeader: true, filler, epochSeconds: 0 });
    const whole = replyTo({ sequence: 9, low: -1, high: -1, number: -1, time: -1 });
    for (let length = 0; length < 16; length++) {
      deliver(inbox, whole);
      deliver(inbox, whole.subarray(0, 20 + 8 + length));
      expect(inbox.readReply(0)).toBe(true);
      const { low, high, number, time } = inbox.reply;
      const bytes = new Uint8Array(Int32Array.of(low, high, number, time).buffer);
      expect([...bytes]).toEqual([...Array(length).fill(0xff), ...Array(16 - length).fill(0)]);
      expect(inbox.reply).toMatchObject({
        length,
        sequence: 9,
        isAltered: true,
        hasRightChecksum: false,
      });
    }
    deliver(inbox, whole.subarray(0, 20 + 7));
    expect(inbox.readReply(0)).toBe(false);
  });

  test("finds any flipped bit", () => {
    for (let bit = 8; bit < 41 * 8; bit++) {
      const inbox = new EchoInbox({ family: 4, hasIpHeader: true, filler, epochSeconds: 0 });
      const packet = replyTo({ sequence: 9, low: 1, high: 2, number: 3, time: 4 });
      const at = 20 + (bit >> 3);
      packet[at] = (packet[at] ?? 0) ^ (1 << (bit & 7));
      deliver(inbox, packet);
      inbox.readReply(0);
      expect(inbox.reply.hasRightChecksum).toBe(false);
      expect(inbox.reply.isAltered).toBe(bit >= 24 * 8);
    }
  });

  test("tells altered data with a right checksum from a wrong checksum", () => {
    const inbox = new EchoInbox({ family: 4, hasIpHeader: true, filler, epochSeconds: 0 });
    const packet = replyTo({});
    // The same sum, another order.
    [packet[20 + 26], packet[20 + 28]] = [packet[20 + 28] ?? 0, packet[20 + 26] ?? 0];
    deliver(inbox, packet);
    expect(inbox.readReply(0)).toBe(true);
    expect(inbox.reply).toMatchObject({ isAltered: true, hasRightChecksum: true });
  });

  test("no bytes make it throw or read beyond the packet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, hasIpHeader) => {
        const inbox = new EchoInbox({ family: 4, hasIpHeader, filler, epochSeconds: 0 });
        deliver(inbox, bytes);
        const header = hasIpHeader ? ((bytes[0] ?? 0) & 15) * 4 : 0;
        const isReply = bytes.length >= header + 8 && bytes[header] === 0;
        expect(inbox.readReply(0)).toBe(isReply);
      }),
    );
  });
});

interface Heard {
  readonly replies: SweepReplyPacket[];
  readonly errors: ErrorArrival[];
}

/** One whose kernel stamps at once. */
function stampingPlatform(options: FakePlatformOptions = {}): FakePlatform {
  return fakePlatform({ ...options, stampDelayMs: 0 });
}

function openWire(
  kind: SocketKind,
  fake: FakePlatform,
  onReply: () => void = () => {},
): { wire: SweepWire; heard: Heard } {
  const heard: Heard = { replies: [], errors: [] };
  const listener: SweepListener = {
    onRead: () => {},
    onReply: (reply) => {
      heard.replies.push({ ...reply, ipv6: reply.ipv6.slice() });
      onReply();
    },
    onError: (error) => heard.errors.push(error),
  };
  const options = {
    family: kind.family,
    privileged: kind.privileged,
    identifier: 77,
    source: undefined,
    interface: undefined,
    zone: { name: undefined },
    ttl: 64,
    tos: 0,
    dontFragment: undefined,
    mark: 0,
    size: 56,
    receiveBuffer: 1 << 20,
    filler: fillerOf(56),
  };
  return { wire: new SweepWire(fake.platform, options, listener), heard };
}

/** Stages a probe to each of the hosts with these last bytes. */
function stage(wire: SweepWire, hosts: readonly number[]): void {
  for (const host of hosts) {
    const ipv6 = new Int32Array(
      Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, host).buffer,
    );
    wire.stage({ ...probe, ipv4: 0xc6336400 + host, ipv6, number: host, sequence: host });
  }
}

const address = (kind: SocketKind, host: number): string =>
  kind.family === 4 ? `198.51.100.${host}` : `2001:db8:1::${host.toString(16)}`;

for (const kind of SOCKET_KINDS) {
  describe(`SweepWire, ${kind.name}`, () => {
    const answering: FakeNetwork = (sent) => [echoReply(sent, { delayMs: 1, ttl: 33 })];

    test("sends what is staged and reads the answers", async () => {
      const fake = stampingPlatform({ network: answering });
      const { wire, heard } = openWire(kind, fake);
      stage(wire, [1, 2, 3]);
      expect(wire.flush()).toBe("done");
      expect(wire.waiting).toBe(0);
      await fake.clock.advance(2);
      expect(wire.drain()).toBe(Number.POSITIVE_INFINITY);
      expect(heard.replies.map(({ number, ttl, isAltered }) => [number, ttl, isAltered])).toEqual([
        [1, 33, false],
        [2, 33, false],
        [3, 33, false],
      ]);
      expect(heard.replies[0]?.stampNs).toBe(1_001_000_000);
      wire.close();
      expect(fake.kernel.openDescriptors).toBe(0);
    });

    test("a refused probe stops the flush, and the others go on after it is skipped", () => {
      const fake = stampingPlatform({ network: answering });
      const { wire } = openWire(kind, fake);
      fake.kernel.failSendsTo(address(kind, 2), EPERM);
      stage(wire, [1, 2, 3]);
      const steps: FlushStep[] = [wire.flush()];
      expect(wire.flushed).toBe(1);
      expect(wire.refusal(address(kind, 2))).toMatchObject({ code: "EPERM", syscall: "sendmmsg" });
      wire.skip();
      steps.push(wire.flush());
      expect(steps).toEqual(["refused", "done"]);
      expect(fake.kernel.sent.map(({ destination }) => destination)).toEqual([
        address(kind, 1),
        address(kind, 3),
      ]);
    });

    test("errors of earlier probes do not make others fail", async () => {
      const network: FakeNetwork = (sent) => [unreachable(sent, { from: kind.router, delayMs: 1 })];
      const fake = stampingPlatform({ network });
      const { wire, heard } = openWire(kind, fake);
      stage(wire, [1, 2]);
      wire.flush();
      await fake.clock.advance(2);
      stage(wire, [3]);
      expect(wire.flush()).toBe("done");
      wire.drain();
      expect(heard.errors.map(({ quote }) => quote.destination)).toEqual([
        address(kind, 1),
        address(kind, 2),
      ]);
      expect(heard.errors.map(({ from }) => from)).toEqual([kind.router, kind.router]);
    });

    test("a send that fails again and again is refused with its own errno", () => {
      const fake = stampingPlatform();
      const { wire } = openWire(kind, fake);
      fake.kernel.failNext("sendmmsg", EHOSTUNREACH, 31);
      stage(wire, [1]);
      expect(wire.flush()).toBe("done");
      fake.kernel.failNext("sendmmsg", EHOSTUNREACH, 32);
      stage(wire, [2]);
      expect(wire.flush()).toBe("refused");
      expect(wire.refusal("x").code).toBe("EHOSTUNREACH");
    });

    test.skipIf(kind.privileged)("a flood of ICMP errors makes no send fail", async () => {
      const network: FakeNetwork = (sent) =>
        Array(1000).fill(unreachable(sent, { from: kind.router, delayMs: 1 }));
      const fake = stampingPlatform({ network });
      const { wire, heard } = openWire(kind, fake);
      stage(wire, [1]);
      wire.flush();
      await fake.clock.advance(2);
      fake.kernel.failNext("sendmmsg", EHOSTUNREACH, 400);
      stage(wire, [2]);
      expect(wire.flush()).toBe("done");
      expect(heard.errors.length).toBeLessThan(1000);
    });

    test("a flood is read in parts, each of which tells until when it was read", async () => {
      const count = 3000;
      const network: FakeNetwork = (sent) =>
        Array.from({ length: count }, (_, index) => echoReply(sent, { delayMs: index / 1000 }));
      const fake = stampingPlatform({ network, queueLimit: count });
      const { wire, heard } = openWire(kind, fake, () => fake.clock.block(0.02));
      stage(wire, [1]);
      wire.flush();
      await fake.clock.advance(5);
      const startNs = fake.clock.monotonicNs();
      expect(wire.drain()).toBe(heard.replies.at(-1)?.stampNs as number);
      expect(fake.clock.monotonicNs() - startNs).toBeLessThan(11e6);
      expect(heard.replies.length).toBeLessThan(count);
      while (wire.drain() !== Number.POSITIVE_INFINITY);
      expect([heard.replies.length, wire.drops]).toEqual([count, 0]);
    });

    test("counts what the full receive queue dropped", async () => {
      const fake = stampingPlatform({ network: answering, queueLimit: 10 });
      const { wire, heard } = openWire(kind, fake);
      stage(
        wire,
        Array.from({ length: 25 }, (_, index) => index + 1),
      );
      wire.flush();
      await fake.clock.advance(2);
      wire.drain();
      expect(heard.replies).toHaveLength(10);
      expect(wire.drops).toBe(15);
    });

    test("wakes its owner while it is watched", async () => {
      const fake = stampingPlatform({ network: answering });
      const { wire } = openWire(kind, fake);
      let woken = 0;
      wire.watch(() => {
        woken += 1;
        wire.drain();
      });
      stage(wire, [1]);
      wire.flush();
      await fake.clock.advance(2);
      expect(woken).toBe(1);
      wire.watch(undefined);
      expect(fake.kernel.reactor.watched).toBe(0);
      wire.close();
    });

    test("what does not decode is counted and dropped", () => {
      if (!kind.privileged) return;
      const fake = stampingPlatform();
      const { wire, heard } = openWire(kind, fake);
      const [socket] = [fake.kernel.socketOf(100)];
      // An ICMP error whose quote ends in its IP header.
      const error = Uint8Array.of(kind.family === 4 ? 3 : 1, 0, 0, 0, 0, 0, 0, 0, 0x45, 0, 0);
      socket?.attachFilter(undefined);
      fake.kernel.inject({ family: kind.family, delayNs: 0, from: kind.router, icmp: error });
      fake.clock.block(1);
      wire.drain();
      expect(wire.malformed).toBe(1);
      expect(heard.errors).toHaveLength(0);
    });
  });
}
