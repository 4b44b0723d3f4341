import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import {
  AF_INET,
  IPPROTO_ICMP,
  MSGHDR,
  SO_TIMESTAMPING,
  SOCK_RAW,
  SOCKADDR_IN,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import { decodeIncoming } from "../../src/ffi/incoming.ts";
import { Libc } from "../../src/ffi/libc.ts";
import { MessageBatch } from "../../src/ffi/msghdr.ts";
import { encodeSocketAddress } from "../../src/ffi/sockaddr.ts";
import { Socket } from "../../src/ffi/socket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel } from "../support/fake-libc.ts";
import { echoReply } from "../support/fake-network.ts";

const { EAGAIN, EINTR, EPERM } = constants.errno;
const SMALL = { count: 4, controlLength: 64, dataLength: 128 } as const;

/** A raw socket on a fake kernel whose network answers everything after 1 ms. */
function open(): { socket: Socket; kernel: FakeKernel; clock: FakeClock; libc: Libc } {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock, { network: (probe) => [echoReply(probe, { delayMs: 1 })] });
  const libc = new Libc(kernel);
  const socket = Socket.open(libc, { domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP });
  return { socket, kernel, clock, libc };
}

/** A batch with an echo request to each of the hosts. */
function batchTo(hosts: readonly number[]): MessageBatch {
  const batch = new MessageBatch({ ...SMALL, count: hosts.length });
  for (const [index, host] of hosts.entries()) {
    const name = encodeSocketAddress(
      { address: `198.51.100.${host}` },
      batch.view,
      batch.nameOffset(index),
    );
    const dataOffset = batch.dataOffset(index);
    batch.view.setUint8(dataOffset, 8);
    // 0x0800 + host and this make a sum of 0xffff.
    batch.view.setUint16(dataOffset + 2, 0xffff - 0x0800 - host);
    batch.view.setUint16(dataOffset + 6, host);
    batch.setForSend(index, { name, control: 0, data: 16, dataOffset });
  }
  return batch;
}

describe("Socket.sendPrepared()", () => {
  test("sends messages from a given one on, and says how many left", () => {
    const { socket, kernel } = open();
    const batch = batchTo([1, 2, 3, 4]);
    expect(socket.sendPrepared(batch, 1, 2)).toBe(2);
    expect(socket.sendPrepared(batch, 0, 4)).toBe(4);
    expect(kernel.sent.map(({ sequence }) => sequence)).toEqual([2, 3, 1, 2, 3, 4]);
  });

  test("stops before the one that fails, then gives its errno", () => {
    const { socket, kernel } = open();
    kernel.failSendsTo("198.51.100.3", EPERM);
    const batch = batchTo([1, 2, 3, 4]);
    expect(socket.sendPrepared(batch, 0, 4)).toBe(2);
    expect(socket.sendPrepared(batch, 2, 2)).toBe(-EPERM);
    expect(socket.sendPrepared(batch, 3, 1)).toBe(1);
  });

  test("goes on when a signal comes, and tells that there is no room", () => {
    const { socket, kernel } = open();
    kernel.failNext("sendmmsg", EINTR, 2);
    expect(socket.sendPrepared(batchTo([1]), 0, 1)).toBe(1);
    kernel.failNext("sendmmsg", EAGAIN);
    expect(socket.sendPrepared(batchTo([1]), 0, 1)).toBe(-EAGAIN);
  });
});

describe("Socket.receivePrepared()", () => {
  test("fills a batch again and again, if it gets its room back", () => {
    const { socket, kernel, clock, libc } = open();
    socket.setOption(
      SOL_SOCKET,
      SO_TIMESTAMPING,
      SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE,
    );
    const inbox = new MessageBatch({ ...SMALL, controlLength: 128 });
    for (let round = 0; round < 3; round++) {
      expect(socket.receivePrepared(inbox)).toBe(0);
      socket.sendPrepared(batchTo([1, 2, 3]), 0, 3);
      clock.block(2);
      expect(socket.receivePrepared(inbox)).toBe(3);
      const messages = [0, 1, 2].map((index) => decodeIncoming(inbox, index, libc.epochSeconds));
      expect(messages.map(({ source }) => source?.address)).toEqual([
        "198.51.100.1",
        "198.51.100.2",
        "198.51.100.3",
      ]);
      expect(messages.map(({ data }) => data.length)).toEqual([36, 36, 36]);
      expect(new Set(messages.map(({ timestampNs }) => timestampNs))).toEqual(
        new Set([clock.realtimeNs() - 1_000_000]),
      );
      inbox.resetReceived(3);
    }
    expect(kernel.calls.filter(({ syscall }) => syscall === "recvmmsg")).toHaveLength(6);
  });

  test("without names the kernel writes none", () => {
    const { socket, clock } = open();
    const inbox = new MessageBatch({ ...SMALL, names: false });
    expect(inbox.view.getBigUint64(inbox.headerOffset(0) + MSGHDR.name, true)).toBe(0n);
    socket.sendPrepared(batchTo([7]), 0, 1);
    clock.block(2);
    expect(socket.receivePrepared(inbox)).toBe(1);
    expect(decodeIncoming(inbox, 0, 0).source).toBeUndefined();
    expect(inbox.view.getUint32(inbox.nameOffset(0) + SOCKADDR_IN.address)).toBe(0);
    inbox.resetReceived(1);
    expect(inbox.view.getUint32(inbox.headerOffset(0) + MSGHDR.nameLength, true)).toBe(0);
  });
});

describe("MessageBatch", () => {
  test("headersFrom() is the same memory from a later message on", () => {
    const batch = new MessageBatch(SMALL);
    expect(batch.headersFrom(0)).toBe(batch.headers);
    const third = batch.headersFrom(2);
    expect(batch.headersFrom(2)).toBe(third);
    third[0] = 0x5a;
    expect(batch.headers[128]).toBe(0x5a);
    expect(third.length).toBe(batch.headers.length - 128);
  });

  test("words are the same memory as the view", () => {
    const batch = new MessageBatch(SMALL);
    batch.view.setInt32(batch.dataOffset(1), -7, true);
    expect(batch.words[batch.dataOffset(1) >> 2]).toBe(-7);
  });
});
