import { describe, expect, test } from "bun:test";
import { Client } from "../../../src/client/client.ts";
import { Prober } from "../../../src/client/probing/prober.ts";
import { NO_COUNTS } from "../../../src/client/results/counters.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { echoReply, timeExceeded } from "../../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../../support/fake-platform.ts";
import {
  type BenchStreamOptions,
  briefly,
  openBenchStream,
  ProberBench,
} from "../../support/fake-prober.ts";
import {
  echoArrival,
  errorArrival,
  type FakeSend,
  FakeTransport,
} from "../../support/fake-transport.ts";

const TARGET = "198.51.100.1";

/** A prober without a socket: nothing keeps from it what a kernel would not let through. */
function probing(transport: FakeTransport = new FakeTransport()) {
  const clock = new FakeClock();
  const prober = new Prober(transport, clock, 100);
  const open = (options: BenchStreamOptions = {}) =>
    openBenchStream(prober, { ...options, destination: TARGET });
  const last = () => transport.sent.at(-1) as FakeSend;
  return { clock, transport, prober, open, last };
}

/** A transport on which stamps come once the error queue has been read. */
class SlowTransport extends FakeTransport {
  #onDrained: (() => void) | undefined;

  onceDrained(callback: () => void): void {
    this.#onDrained = callback;
  }

  override drainErrors(): void {
    super.drainErrors();
    const onDrained = this.#onDrained;
    this.#onDrained = undefined;
    onDrained?.();
  }
}

describe("Prober", () => {
  test.each([
    ["another identifier", { identifier: 0x4321 }],
    ["identifier 0", { identifier: 0 }],
    ["the sequence number of no probe", { sequence: 101 }],
    ["sequence number 0", { sequence: 0 }],
  ])("takes no reply with %s", async (_, fields) => {
    const { clock, transport, prober, open, last } = probing();
    const { results, send } = open();
    send();
    const reply = echoArrival(last());
    transport.deliver({ ...reply, icmp: { ...reply.icmp, ...fields } });
    await clock.advance(1000);
    expect(results.map(briefly)).toEqual(["#1 timeout"]);
    expect(prober.counters).toEqual({ ...NO_COUNTS, foreign: 1 });
  });

  test.each([
    ["another identifier", { identifier: 0x4321 }],
    ["the sequence number of no probe", { sequence: 101 }],
    ["another destination", { destination: "198.51.100.2" }],
    ["another cookie", { data: new Uint8Array(56).fill(1) }],
  ])("takes no error that quotes %s", async (_, fields) => {
    const { clock, transport, prober, open, last } = probing();
    const { results, send } = open();
    send();
    const error = errorArrival(last());
    transport.deliver({ ...error, quote: { ...error.quote, ...fields } });
    await clock.advance(1000);
    expect(results.map(briefly)).toEqual(["#1 timeout"]);
    expect(prober.counters).toEqual({ ...NO_COUNTS, foreign: 1 });
  });

  test.each([
    ["redirects", 5, 1],
    ["source quenches", 4, 0],
    ["errors of unknown types", 44, 0],
  ])("counts %s, and goes on waiting", async (_, type, code) => {
    const { clock, transport, prober, open, last } = probing();
    const { results, send } = open();
    send();
    const { icmp } = errorArrival(last());
    transport.deliver(errorArrival(last(), { icmp: { ...icmp, type, code } }));
    transport.deliver(echoArrival(last()));
    await clock.advance(1000);
    expect(results.map(briefly)).toEqual([`#1 reply 0 ms from ${TARGET}`]);
    expect(prober.counters).toEqual({ ...NO_COUNTS, advice: 1 });
  });

  test("waits for the transmit stamp of an answer that was read before it", async () => {
    const transport = new SlowTransport();
    const { clock, open, last } = probing(transport);
    transport.outcome = () => ({ kind: "sent", stampKey: 5 });
    const { results, send } = open();
    send();
    const departedNs = clock.realtimeNs();
    await clock.advance(30);
    transport.onceDrained(() => {
      transport.queue({ kind: "stamp", key: 5, stampNs: departedNs + 2e6 });
    });
    transport.deliver(echoArrival(last(), { stampNs: departedNs + 25e6 }));
    expect(results.map(briefly)).toEqual([`#1 reply 23 ms from ${TARGET}`]);
    expect(results[0]?.rttSource).toBe("kernel");
    // The memory that the reply lay in belongs to the kernel again.
    const kept = results[0]?.reply?.receivedPacket.raw.subarray(8) ?? [];
    expect(Array.from(kept)).toEqual([...last().data]);
  });

  test("does without a transmit stamp that does not come", () => {
    const transport = new SlowTransport();
    const { clock, open, last } = probing(transport);
    transport.outcome = () => ({ kind: "sent", stampKey: 5 });
    const { results, send } = open();
    send();
    transport.deliver(echoArrival(last(), { stampNs: clock.realtimeNs() }));
    expect(results.map(briefly)).toEqual([`#1 reply 0 ms from ${TARGET}`]);
    expect(results[0]?.rttSource).toBe("user");
  });

  test("takes a stamp from before the send for another packet's, and waits for its own", async () => {
    const { clock, transport, open, last } = probing();
    transport.outcome = () => ({ kind: "sent", stampKey: 5 });
    await clock.advance(100);
    const { results, send } = open();
    send();
    const departedNs = clock.realtimeNs();
    transport.deliver({ kind: "stamp", key: 5, stampNs: departedNs - 1 });
    transport.deliver({ kind: "stamp", key: 6, stampNs: departedNs + 1e6 });
    transport.deliver({ kind: "stamp", key: 5, stampNs: departedNs + 4e6 });
    await clock.advance(20);
    transport.deliver(echoArrival(last(), { stampNs: departedNs + 14e6 }));
    expect(results.map(briefly)).toEqual([`#1 reply 10 ms from ${TARGET}`]);
  });

  test("keeps waiting for the stamp of a probe whose key another had before key counting restarted", async () => {
    const { clock, transport, open } = probing();
    transport.outcome = () => ({ kind: "sent", stampKey: 0 });
    const { results, send } = open();
    send();
    await clock.advance(10);
    send();
    const departedNs = clock.realtimeNs();
    const [first, second] = transport.sent as [FakeSend, FakeSend];
    transport.deliver(echoArrival(first, { stampNs: departedNs }));
    transport.deliver({ kind: "stamp", key: 0, stampNs: departedNs + 2e6 });
    await clock.advance(10);
    transport.deliver(echoArrival(second, { stampNs: departedNs + 9e6 }));
    expect(results.map(({ rtt, rttSource }) => [rtt, rttSource])).toEqual([
      [10, "user"],
      [7, "kernel"],
    ]);
  });

  test("keeps a readiness timer going only while something flies", async () => {
    const { clock, transport, open, last } = probing();
    const { send } = open();
    expect(transport.isActive).toBe(false);
    send();
    const first = last();
    send();
    expect([transport.isActive, clock.pending]).toEqual([true, 1]);
    transport.deliver(echoArrival(last()));
    expect([transport.isActive, clock.pending]).toEqual([true, 1]);
    transport.deliver(echoArrival(first));
    expect([transport.isActive, clock.pending]).toEqual([false, 0]);
    send();
    await clock.advance(1000);
    expect([transport.isActive, clock.pending]).toEqual([false, 0]);
  });

  test("wakes for the earliest deadline, whatever the order of sending", async () => {
    const { clock, open } = probing();
    const times: [number, number][] = [];
    const startNs = clock.monotonicNs();
    for (const timeoutMs of [500, 100, 300, 1, 0.5]) {
      const note = () => times.push([timeoutMs, (clock.monotonicNs() - startNs) / 1e6]);
      open({ timeoutMs, onResult: note }).send();
    }
    await clock.advance(1000);
    expect(times).toEqual([
      [0.5, 0.5],
      [1, 1],
      [100, 100],
      [300, 300],
      [500, 500],
    ]);
  });
});

describe("ProbeStream", () => {
  test("hears nothing more once it is closed, not even of what was read together", () => {
    const { transport, open, last } = probing();
    const stream = open({ onResult: () => stream.stream.close() });
    for (let count = 0; count < 3; count++) {
      stream.send();
      transport.queue(echoArrival(last()));
    }
    transport.deliver(echoArrival(last()));
    expect(stream.results.map(({ request }) => request.number)).toEqual([1]);
    expect(stream.stream.inFlight).toBe(0);
    expect(stream.stream.closed).toBe(true);
  });

  test("may send from where it hears of results", async () => {
    const { clock, transport, open } = probing();
    const stream = open({
      timeoutMs: 10,
      onResult: () => {
        if (stream.results.length < 5) stream.send();
      },
    });
    stream.send();
    await clock.advance(100);
    expect(stream.results.map(briefly)).toEqual(
      [1, 2, 3, 4, 5].map((number) => `#${number} timeout`),
    );
    expect(transport.sent.map(({ sequence }) => sequence)).toEqual([100, 101, 102, 103, 104]);
  });

  test("drops what flies beyond a TTL, and hears nothing of it", async () => {
    const { clock, transport, open } = probing();
    const { stream, results, send } = open();
    for (const ttl of [1, 5, 2, 9, 3]) send(ttl);
    expect(stream.dropBeyond(2)).toEqual([2, 4, 5]);
    expect(stream.inFlight).toBe(2);
    for (const sent of transport.sent) transport.deliver(errorArrival(sent));
    await clock.advance(5000);
    expect(results.map(({ request }) => request.ttl)).toEqual([1, 2]);
  });

  test("numbers its own probes, beside others", () => {
    const { open } = probing();
    const [first, second] = [open(), open()];
    expect([first.stream.send(1), second.stream.send(1), first.stream.send(1)]).toEqual([1, 1, 2]);
    first.stream.close();
    expect(first.stream.send(1)).toBe(3);
    expect(first.stream.inFlight).toBe(0);
  });
});

describe.each(SOCKET_KINDS)("Addresses on a $name socket", (kind) => {
  const spellings =
    kind.family === 4
      ? [kind.target]
      : ["2001:DB8:1::1", "2001:0db8:0001:0:0:0:0:1", "2001:db8:1:0::0.0.0.1"];

  test.each(spellings)("are compared in canonical form (%s)", async (spelling) => {
    const { platform, clock } = fakePlatform({
      network: (probe) =>
        probe.ttl === 1
          ? [timeExceeded(probe, { from: kind.router, quoteLength: 48 })]
          : [echoReply(probe)],
    });
    using client = new Client({ privileged: kind.privileged }, platform);
    // 8 bytes have no room for a cookie, so that the address decides.
    const reply = await clock.runUntil(client.probe(spelling, { size: 8 }));
    expect(reply).toMatchObject({ kind: "reply", target: spelling, reply: { addr: kind.target } });
    const error = await clock.runUntil(client.probe(spelling, { size: 8, ttl: 1 }));
    expect(error).toMatchObject({ kind: "icmpError", reply: { addr: kind.router } });
  });
});

describe.each(SOCKET_KINDS.filter(({ family }) => family === 6))(
  "A link-local target ($name)",
  (kind) => {
    test("keeps the zone it was given with, and is known without", async () => {
      const bench = new ProberBench(kind, {
        network: (probe) => [
          echoReply(probe),
          timeExceeded(probe, { from: "fe80::7", delayMs: 20 }),
        ],
      });
      const { results, send } = bench.open({ destination: "fe80::1%eth0", content: 8 });
      send();
      await bench.clock.advance(1000);
      expect(results.map(briefly)).toEqual([
        "#1 reply 10 ms from fe80::1%eth0",
        "#1 time_exceeded(code=0) 20 ms from fe80::7%2 duplicate",
      ]);
    });
  },
);
