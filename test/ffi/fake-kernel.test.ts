import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { Libc } from "../../src/ffi/libc.ts";
import { type IncomingMessage, Socket } from "../../src/ffi/socket.ts";
import { runFilter } from "../support/fake-bpf.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeKernel, type FakeKernelOptions } from "../support/fake-libc.ts";
import {
  checksumHolds,
  echoReply,
  type FakeProbe,
  packetTooBig,
  pathNetwork,
  timeExceeded,
  unreachable,
} from "../support/fake-network.ts";

const TARGET = "203.0.113.9";

function setUp(options: FakeKernelOptions = {}, type: 2 | 3 = 2) {
  const clock = new FakeClock();
  const kernel = new FakeKernel(clock, options);
  const libc = new Libc(kernel);
  const socket = Socket.open(libc, { domain: 2, type, protocol: 1 });
  socket.setOption(0, 11, type === 2 ? 1 : 0);
  const received: IncomingMessage[] = [];
  const errors: IncomingMessage[] = [];
  const times: number[] = [];
  kernel.reactor.watch(socket.fd, () => {
    times.push(clock.monotonicNs() - 1e9);
    socket.receive((message) => received.push({ ...message, data: message.data.slice() }));
    socket.receiveErrors((message) => errors.push({ ...message, data: message.data.slice() }));
  });
  const send = (ttl = 64, payload = new Uint8Array(56)): void => {
    const data = new Uint8Array(8 + payload.length);
    data.set([8, 0, 0, 0, 0, 0, 0, ttl]);
    data.set(payload, 8);
    socket.send({ data, destination: { address: TARGET }, ttl });
  };
  return { clock, kernel, libc, socket, received, errors, times, send };
}

describe("FakeClock", () => {
  test("runs timers in order of time, then of scheduling, with promises settled in between", async () => {
    const clock = new FakeClock();
    const log: string[] = [];
    const note = (text: string) => async (): Promise<void> => {
      log.push(`${text} at ${(clock.monotonicNs() - 1e9) / 1e6}`);
      await Promise.resolve();
      await Promise.resolve();
      log.push(`${text} settled`);
    };
    clock.schedule(2e6, note("c"));
    clock.schedule(1e6, note("a"));
    clock.schedule(1e6, note("b"));
    const cancel = clock.schedule(1e6, note("cancelled"));
    cancel();
    cancel();
    await clock.advance(1.5);
    expect(log).toEqual(["a at 1", "a settled", "b at 1", "b settled"]);
    expect([clock.monotonicNs(), clock.pending]).toEqual([1_001_500_000, 1]);
    await clock.runUntilIdle();
    expect(log.slice(4)).toEqual(["c at 2", "c settled"]);
  });

  test("steps real time only", () => {
    const clock = new FakeClock();
    const before = clock.monotonicNs();
    clock.stepRealtime(5e9);
    expect([clock.monotonicNs(), clock.realtimeNs()]).toEqual([before, before + 5e9]);
  });

  test("a blocked event loop holds timers up, but not the kernel", async () => {
    const clock = new FakeClock();
    const log: [string, number][] = [];
    clock.schedule(5e6, () => log.push(["timer", (clock.monotonicNs() - 1e9) / 1e6]));
    clock.scheduleKernel(6e6, () => log.push(["kernel", (clock.monotonicNs() - 1e9) / 1e6]));
    clock.block(20);
    expect(log).toEqual([["kernel", 6]]);
    await clock.advance(0);
    expect(log).toEqual([
      ["kernel", 6],
      ["timer", 20],
    ]);
  });

  test("finds out when there is nothing to wait for, or no end", async () => {
    const clock = new FakeClock();
    // Not by `expect().rejects`: it waits in a loop of its own, which in a run of all files never
    // ended here (Bun 1.4.5).
    const failure = (run: Promise<unknown>): Promise<string> =>
      run.then(String, (error: Error) => error.message);
    expect(await failure(clock.runUntil(new Promise(() => {})))).toContain("no timer is waiting");
    const again = (): void => {
      clock.schedule(1e6, again);
    };
    again();
    expect(await failure(clock.runUntilIdle(100))).toContain("Cannot become idle");
    const { promise, resolve } = Promise.withResolvers<number>();
    clock.schedule(5e6, () => resolve(5));
    expect(await clock.runUntil(promise)).toBe(5);
  });
});

describe("FakeKernel", () => {
  test("answers at the right time, from the right place", async () => {
    const network = pathNetwork({ hops: ["10.0.0.1", null, "10.0.0.3"] });
    const { clock, kernel, received, errors, times, send } = setUp({ network });
    for (const ttl of [1, 2, 3, 4]) send(ttl);
    await clock.advance(100);
    expect(times).toEqual([5e6, 15e6, 20e6]);
    expect(errors.map(({ error }) => error?.offender?.address)).toEqual(["10.0.0.1", "10.0.0.3"]);
    expect(errors.map(({ data }) => data[7])).toEqual([1, 3]);
    expect(received.map(({ source, data }) => [source?.address, data[7]])).toEqual([[TARGET, 4]]);
    expect(kernel.sent.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
    expect(kernel.calls.filter(({ syscall }) => syscall === "sendmsg").length).toBe(4);
  });

  test("delivers a datagram socket its own identifier's replies, a raw socket everybody's", async () => {
    const foreign = Uint8Array.of(0, 0, 0, 0, 0x99, 0x99, 0, 1);
    const arrival = { family: 4, delayNs: 0, from: TARGET, icmp: foreign } as const;
    for (const [type, count] of [
      [2, 0],
      [3, 1],
    ] as const) {
      const { clock, kernel, received } = setUp({}, type);
      kernel.inject(arrival);
      await clock.advance(1);
      expect(received.length).toBe(count);
    }
  });

  test("shows bad checksums to IPv4 raw sockets only", async () => {
    for (const [type, count] of [
      [2, 0],
      [3, 1],
    ] as const) {
      const { clock, received, send } = setUp(
        {
          network: (probe) => {
            const reply = echoReply(probe);
            reply.icmp.set([0xba, 0xad], 2);
            return [{ ...reply, keepChecksum: true }];
          },
        },
        type,
      );
      send();
      await clock.advance(100);
      expect(received.length).toBe(count);
    }
  });

  test("leaves an error pending for the next system call until it is taken from the queue", async () => {
    const { clock, kernel, socket, send } = setUp({
      network: (probe) => [unreachable(probe, { from: "10.0.0.1", code: 3 })],
      wakeDelayMs: 1000,
    });
    send();
    await clock.advance(20);
    const { ECONNREFUSED } = constants.errno;
    expect(kernel.socketOf(socket.fd)?.pendingError).toBe(ECONNREFUSED);
    const address = new Uint8Array([2, 0, 0, 0, 203, 0, 113, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    const request = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 1);
    expect(kernel.sendto(socket.fd, request, 8, 0, address, 16)).toBe(-1);
    expect(kernel.errno()).toBe(ECONNREFUSED);
    expect(kernel.sendto(socket.fd, request, 8, 0, address, 16)).toBe(8);
    socket.receiveErrors(() => {});
    expect(kernel.socketOf(socket.fd)?.pendingError).toBe(0);
    expect(kernel.recvfrom(socket.fd, request, 8, 0, null, null)).toBe(-1);
  });

  test("a packet above the MTU that must not be fragmented leaves a local error", async () => {
    const { socket, send, clock, errors } = setUp({ mtu: 1000 });
    send(64, new Uint8Array(2000));
    socket.setOption(0, 10, 3);
    expect(() => send(64, new Uint8Array(2000))).toThrow("EMSGSIZE");
    await clock.advance(1);
    expect(errors[0]?.error).toMatchObject({
      errno: constants.errno.EMSGSIZE,
      origin: 1,
      info: 1000,
    });
  });

  test("wakes a watcher again that leaves something, but not one that takes nothing", async () => {
    const { clock, libc, kernel } = setUp({
      network: (probe) => [1, 2, 3].map(() => echoReply(probe)),
    });
    const socket = Socket.open(libc, { domain: 2, type: 2, protocol: 1 });
    let calls = 0;
    kernel.reactor.watch(socket.fd, () => {
      calls++;
      socket.receive(() => {}, 1);
    });
    socket.send({ data: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 1), destination: { address: TARGET } });
    await clock.advance(100);
    expect(calls).toBe(3);
    const idle = kernel.reactor.watch(socket.fd, () => calls++);
    socket.send({ data: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 1), destination: { address: TARGET } });
    await clock.runUntilIdle();
    expect(calls).toBe(4);
    idle.close();
    expect(kernel.reactor.watched).toBe(1);
  });

  test("a malformed call is the caller's error", () => {
    const { kernel, socket } = setUp();
    const { EBADF, EINVAL } = constants.errno;
    expect([kernel.close(9999), kernel.errno()]).toEqual([-1, EBADF]);
    const send = (data: number[]): unknown =>
      socket.send({ data: Uint8Array.from(data), destination: { address: TARGET } });
    expect(() => send([0, 0, 0, 0, 0, 0, 0, 0])).toThrow(
      expect.objectContaining({ errno: EINVAL }),
    );
    expect(() => send([8, 0, 0])).toThrow("EINVAL");
    expect(kernel.openedDescriptors).toBe(1);
  });
});

describe("builders of answers", () => {
  const probe = (family: 4 | 6): FakeProbe => {
    const clock = new FakeClock();
    const kernel = new FakeKernel(clock);
    const [domain, protocol] = family === 4 ? [2, 1] : [10, 58];
    const socket = Socket.open(new Libc(kernel), { domain, type: 2, protocol });
    const data = new Uint8Array(208).fill(0x5a);
    data.set([family === 4 ? 8 : 128, 0, 0, 0, 0, 0, 0x01, 0x02]);
    socket.send({ data, destination: { address: family === 4 ? TARGET : "2001:db8::99" }, ttl: 5 });
    return kernel.sent[0] as FakeProbe;
  };

  test.each([4, 6] as const)("IPv%i errors quote the packet as the router saw it", (family) => {
    const sent = probe(family);
    const headerLength = family === 4 ? 20 : 40;
    expect(checksumHolds(sent.data, sent)).toBe(true);
    const { icmp } = timeExceeded(sent, { from: "10.0.0.1", quoteLength: headerLength + 8 });
    expect(icmp.length).toBe(8 + headerLength + 8);
    expect(icmp[8 + (family === 4 ? 8 : 7)]).toBe(1);
    expect(icmp.subarray(8 + headerLength)).toEqual(sent.data.subarray(0, 8));
    const tooBig = packetTooBig(sent, { from: "10.0.0.1", mtu: 1400 }).icmp;
    expect([...tooBig.subarray(0, 2), ...tooBig.subarray(4, 8)]).toEqual(
      family === 4 ? [3, 4, 0, 0, 0x05, 0x78] : [2, 0, 0, 0, 0x05, 0x78],
    );
  });

  test.each([
    [4, 5, 32],
    [6, 4, 16],
  ] as const)("IPv%i extensions follow 128 bytes of quote", (family, at, length) => {
    const extensions = Uint8Array.of(0x20, 0, 0, 0, 0, 8, 1, 1, 0, 0, 0x11, 1);
    const { icmp } = timeExceeded(probe(family), { from: "10.0.0.1", extensions });
    expect([icmp[at], icmp.length]).toEqual([length, 8 + 128 + extensions.length]);
    expect(icmp.subarray(136)).toEqual(extensions);
  });
});

test("runFilter() computes as the kernel does", () => {
  const packet = Uint8Array.of(0x45, 0, 0, 0, 0x12, 0x34);
  const run = (...program: [number, number, number, number][]): number =>
    runFilter(
      program.map(([code, jt, jf, k]) => ({ code, jt, jf, k })),
      packet,
    );
  // ret #k; ret a after ldh [4]; ldxb 4*([0]&0xf), txa, ret a; a load past the end.
  expect(run([0x06, 0, 0, 7])).toBe(7);
  expect(run([0x28, 0, 0, 4], [0x16, 0, 0, 0])).toBe(0x1234);
  expect(run([0xb1, 0, 0, 0], [0x87, 0, 0, 0], [0x16, 0, 0, 0])).toBe(20);
  expect(run([0x20, 0, 0, 4], [0x06, 0, 0, 7])).toBe(0);
  // ld len; jgt #5, 0, 1; ret #1; ret #2.
  expect(run([0x80, 0, 0, 0], [0x25, 0, 1, 5], [0x06, 0, 0, 1], [0x06, 0, 0, 2])).toBe(1);
  expect(() => run([0x00, 0, 0, 1])).toThrow("past its end");
});
