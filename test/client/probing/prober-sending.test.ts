import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { Prober } from "../../../src/client/probing/prober.ts";
import { sendAttempts } from "../../../src/ffi/errno.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { echoReply, timeExceeded } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { briefly, openBenchStream, ProberBench } from "../../support/fake-prober.ts";
import { echoArrival, FakeTransport } from "../../support/fake-transport.ts";

const { EACCES, EAGAIN, EHOSTUNREACH, EINVAL, EMSGSIZE, ENETUNREACH, ENOBUFS, EPERM } =
  constants.errno;

/** As many failures as no test outlasts. */
const FOREVER = 100_000;
describe.each(SOCKET_KINDS)("Prober with a busy $name socket", (kind) => {
  test.each([
    ["ENOBUFS", ENOBUFS],
    ["EAGAIN", EAGAIN],
  ])("tries again after 1, 2, 4, 8, 16, 16, ... ms (%s)", async (_, errno) => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe)] });
    const startNs = bench.clock.monotonicNs();
    bench.kernel.failNext("sendmsg", errno, 7);
    const attempts = () => bench.kernel.calls.filter(({ syscall }) => syscall === "sendmsg").length;
    const { results, send } = bench.open();
    send();
    const times: number[] = [];
    for (let seen = 0; bench.sent.length === 0; await bench.clock.advance(0.5)) {
      if (attempts() > seen) times.push((bench.clock.monotonicNs() - startNs) / 1e6);
      seen = attempts();
    }
    expect(times).toEqual([0, 1, 3, 7, 15, 31, 47]);
    await bench.clock.advance(100);
    // The timeout and the RTT count from when it left.
    expect(bench.sent[0]?.sentAtNs).toBe(startNs + 63e6);
    expect(results.map(briefly)).toEqual([`#1 reply 10 ms from ${kind.target}`]);
  });

  test("keeps the order of what waits, and sends it all once there is room", async () => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe, { delayMs: 5 })] });
    const first = bench.open();
    const second = bench.open({ destination: kind.stranger });
    // A full send buffer.
    bench.kernel.failNext("sendmsg", kind.privileged ? ENOBUFS : EAGAIN, 3);
    first.send(1);
    second.send(2);
    await bench.clock.advance(2);
    first.send(3);
    second.send(4);
    expect(bench.sent).toEqual([]);
    await bench.clock.advance(100);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([1, 2, 3, 4]);
    const sequences = bench.sent.map((probe) => probe.sequence);
    expect(sequences).toEqual([1, 2, 3, 4]);
    expect(first.results.map(briefly)).toEqual(
      [1, 2].map((number) => `#${number} reply 5 ms from ${kind.target}`),
    );
    expect(second.results.length).toBe(2);
  });

  test("waits 1 ms again after a success", async () => {
    const bench = new ProberBench(kind);
    const { send } = bench.open();
    bench.kernel.failNext("sendmsg", ENOBUFS, 5);
    send();
    await bench.clock.advance(100);
    expect(bench.sent.length).toBe(1);
    bench.kernel.failNext("sendmsg", ENOBUFS, 1);
    send();
    await bench.clock.advance(0.999);
    expect(bench.sent.length).toBe(1);
    await bench.clock.advance(0.001);
    expect(bench.sent.length).toBe(2);
  });

  test("gives up a probe that waited for its timeout, and goes on with the next", async () => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe)] });
    const impatient = bench.open({ timeoutMs: 40 });
    const patient = bench.open({ timeoutMs: 500 });
    bench.kernel.failNext("sendmsg", ENOBUFS, 20);
    impatient.send();
    patient.send();
    await bench.clock.advance(39);
    expect(impatient.results).toEqual([]);
    await bench.clock.advance(16);
    expect(impatient.results.map(briefly)).toEqual(["#1 ENOBUFS"]);
    expect(impatient.results[0]).toMatchObject({
      kind: "sendError",
      sendError: { code: "ENOBUFS", errno: ENOBUFS, syscall: "sendmsg" },
      request: { sentPacket: null },
    });
    expect(impatient.stream.inFlight).toBe(0);
    await bench.clock.advance(1000);
    expect(patient.results.map(briefly)).toEqual([`#1 reply 10 ms from ${kind.target}`]);
  });

  test("neither spins nor leaves anything running when there is never room", async () => {
    const bench = new ProberBench(kind);
    bench.kernel.failNext("sendmsg", ENOBUFS, FOREVER);
    const { results, send } = bench.open({ timeoutMs: 1000 });
    for (let count = 0; count < 50; count++) send();
    await bench.clock.runUntilIdle(1000);
    expect(results.map(briefly)).toEqual(
      Array.from({ length: 50 }, (_, index) => `#${index + 1} ENOBUFS`),
    );
    const calls = bench.kernel.calls.filter(({ syscall }) => syscall === "sendmsg").length;
    expect(calls).toBeLessThan(1000 / 16 + 10 + 50);
    expect(bench.clock.monotonicNs()).toBeLessThan(1e9 + 1020e6);
  });

  test("drops what waits when its stream closes", async () => {
    const bench = new ProberBench(kind);
    const closed = bench.open();
    const other = bench.open();
    bench.kernel.failNext("sendmsg", ENOBUFS, 1);
    closed.send(1);
    other.send(2);
    closed.send(3);
    closed.stream.close();
    await bench.clock.advance(2000);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([2]);
    expect(closed.results).toEqual([]);
    expect(other.results.map(briefly)).toEqual(["#1 timeout"]);
  });

  test("keeps what waits while its stream is paused, in order, and holds up no other", async () => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe, { delayMs: 5 })] });
    const paused = bench.open({ timeoutMs: 50 });
    const other = bench.open();
    bench.kernel.failNext("sendmsg", ENOBUFS, 2);
    paused.send(1);
    paused.send(2);
    other.send(3);
    paused.stream.isPaused = true;
    await bench.clock.advance(10_000);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([3]);
    expect(bench.clock.pending).toBe(0);
    paused.stream.isPaused = false;
    paused.send(4);
    await bench.clock.advance(10);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([3, 1, 2, 4]);
    expect(paused.results.map(briefly)).toEqual(
      [1, 2, 3].map((number) => `#${number} reply 5 ms from ${kind.target}`),
    );
  });

  test("drops what waits when its stream closes while it is paused", async () => {
    const bench = new ProberBench(kind);
    const { send, stream, results } = bench.open();
    bench.kernel.failNext("sendmsg", ENOBUFS, 1);
    send();
    stream.isPaused = true;
    await bench.clock.advance(100);
    stream.close();
    stream.isPaused = false;
    const next = bench.open();
    next.send(9);
    await bench.clock.advance(100);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([9]);
    expect(results).toEqual([]);
  });
});

describe.each(SOCKET_KINDS)("Prober with a $name socket that refuses", (kind) => {
  test.each([
    ["EPERM", EPERM],
    ["EACCES", EACCES],
    ["ENETUNREACH", ENETUNREACH],
    ["EHOSTUNREACH", EHOSTUNREACH],
    ["EMSGSIZE", EMSGSIZE],
    ["EINVAL", EINVAL],
  ])("makes %s a result, and goes on", async (code, errno) => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe)] });
    const { results, send, stream } = bench.open();
    let isSending = true;
    bench.kernel.failNext("sendmsg", errno, sendAttempts(errno));
    // EINVAL may be about control messages, so it is sent without them, too.
    if (errno === EINVAL) bench.kernel.failNext("sendto", errno, 1);
    send();
    expect([results.length, stream.inFlight]).toEqual([0, 0]);
    isSending = false;
    send();
    await bench.clock.advance(100);
    expect(isSending).toBe(false);
    expect(results.map(briefly)).toEqual([`#1 ${code}`, `#2 reply 10 ms from ${kind.target}`]);
    expect(results[0]).toMatchObject({
      kind: "sendError",
      rtt: null,
      reply: null,
      request: { sentPacket: null, addr: kind.target },
      sendError: { code, errno, syscall: "sendmsg" },
    });
    expect((results[0] as { sendError: { message: string } }).sendError.message).toContain(
      kind.target,
    );
  });

  test("ends only the probes to the destination concerned", async () => {
    const bench = new ProberBench(kind, { network: (probe) => [echoReply(probe)] });
    bench.kernel.failSendsTo(kind.stranger, ENETUNREACH);
    const good = bench.open();
    const bad = bench.open({ destination: kind.stranger });
    for (let count = 0; count < 3; count++) {
      bad.send();
      good.send();
    }
    await bench.clock.advance(1000);
    expect(bad.results.map(briefly)).toEqual([
      "#1 ENETUNREACH",
      "#2 ENETUNREACH",
      "#3 ENETUNREACH",
    ]);
    expect(good.results.map(({ error }) => error)).toEqual([null, null, null]);
  });

  test("does not blame a probe for the error of another", async () => {
    const bench = new ProberBench(kind, {
      wakeDelayMs: 1000,
      network: (probe) =>
        probe.index === 0 ? [timeExceeded(probe, { from: kind.router, delayMs: 1 })] : [],
    });
    const { results, send } = bench.open({ timeoutMs: 5000 });
    send(1);
    await bench.clock.advance(2);
    send(2);
    send(3);
    await bench.clock.advance(10);
    expect(results.filter(({ kind }) => kind === "sendError")).toEqual([]);
    expect(bench.sent.map((probe) => probe.ttl)).toEqual([1, 2, 3]);
  });
});

describe("Prober that sends many probes in one task", () => {
  test.each([
    [56, 64],
    [1400, 32],
    [8000, 8],
    [65_507, 1],
  ])(
    "reads between them, lest answers of %d bytes fill the receive queue",
    async (content, expected) => {
      let unread = 0;
      let most = 0;
      class AnsweringTransport extends FakeTransport {
        override drain(): number {
          unread = 0;
          return super.drain();
        }
      }
      const transport = new AnsweringTransport();
      const { outcome } = transport;
      transport.outcome = (send) => {
        transport.queue(echoArrival(send));
        unread += 1;
        most = Math.max(most, unread);
        return outcome(send);
      };
      const prober = new Prober(transport, new FakeClock(), 0);
      const { results, send } = openBenchStream(prober, { destination: "198.51.100.1", content });
      for (let count = 0; count < 1024; count++) send();
      expect(most).toBe(expected);
      // Never from within a send: the sender may not be ready for results.
      expect(results).toEqual([]);
      await Promise.resolve();
      expect(results.length).toBe(1024);
      expect(results.every(({ kind }) => kind === "reply")).toBe(true);
      prober.close();
    },
  );
});
