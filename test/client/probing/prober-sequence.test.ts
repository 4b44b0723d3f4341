import { describe, expect, test } from "bun:test";
import { Client } from "../../../src/client/client.ts";
import { Prober } from "../../../src/client/probing/prober.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { echoReply } from "../../support/fake-network.ts";
import { fakePlatform, fakeRandom, SOCKET_KINDS } from "../../support/fake-platform.ts";
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

const SEQUENCES = 65_536;
const TARGET = "198.51.100.1";

/** A prober without a socket. */
function probing(firstSequence: number) {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const prober = new Prober(transport, clock, firstSequence);
  const open = (options: BenchStreamOptions = {}) =>
    openBenchStream(prober, { content: 14, ...options, destination: TARGET });
  return { clock, transport, prober, open };
}

describe.each(SOCKET_KINDS)("Sequence numbers on a $name socket", (kind) => {
  test("begin where the random source says, and wrap at 65,536", async () => {
    const { platform, kernel, clock } = fakePlatform({
      network: (probe) => [echoReply(probe, { delayMs: 1500 })],
      random: fakeRandom([0x4321, 65_533]),
    });
    using client = new Client({ privileged: kind.privileged, timeout: 2000 }, platform);
    const results = await clock.runUntil(client.ping(kind.target, { count: 6, interval: 1000 }));
    expect(kernel.sent.map((probe) => probe.sequence)).toEqual([65_533, 65_534, 65_535, 0, 1, 2]);
    expect([...results].map(briefly)).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => `#${number} reply 1500 ms from ${kind.target}`),
    );
  });

  test("are forgotten a minute after their probe was decided", async () => {
    const bench = new ProberBench(kind, {
      network: (probe) =>
        probe.index === 0 ? [59_000, 61_500].map((delayMs) => echoReply(probe, { delayMs })) : [],
    });
    const { results, send } = bench.open({ timeoutMs: 100 });
    send();
    await bench.clock.advance(60_000);
    expect(results.map(briefly)).toEqual([
      "#1 timeout",
      `#1 reply 59000 ms from ${kind.target} late`,
    ]);
    await bench.clock.advance(1000);
    send();
    await bench.clock.advance(2000);
    expect(results.map(briefly).slice(2)).toEqual(["#2 timeout"]);
    expect(bench.prober.counters.foreign).toBe(1);
  });
});

describe("Sequence numbers", () => {
  test("are never those of a probe in flight", async () => {
    const { clock, transport, open } = probing(65_535);
    const slow = open({ timeoutMs: 600_000 });
    for (let count = 0; count < 3; count++) slow.send();
    const quick = open();
    for (let count = 0; count < SEQUENCES; count++) {
      quick.send();
      transport.deliver(echoArrival(transport.sent.at(-1) as FakeSend));
    }
    await clock.advance(0);
    expect(slow.stream.inFlight).toBe(3);
    expect(quick.results.filter(({ error }) => error === null).length).toBe(SEQUENCES);
    const sent = transport.sent.map(({ sequence }) => sequence);
    expect(sent.slice(0, 5)).toEqual([65_535, 0, 1, 2, 3]);
    // All but the three that fly have been used, and then the next free ones.
    expect(new Set(sent.slice(3)).intersection(new Set([65_535, 0, 1])).size).toBe(0);
    expect(new Set(sent).size).toBe(SEQUENCES);
    expect(sent.slice(-3)).toEqual([2, 3, 4]);
  });

  test("that are used again do not take the answers of the probe before", async () => {
    const { clock, transport, prober, open } = probing(7);
    const { results, send } = open({ timeoutMs: 100 });
    send();
    const old = transport.sent[0] as FakeSend;
    await clock.advance(200);
    for (let count = 1; count < SEQUENCES; count++) {
      send();
      if (count % 10_000 === 0) await clock.advance(200);
    }
    await clock.advance(200);
    expect(results.length).toBe(SEQUENCES);
    send();
    expect(transport.sent.at(-1)?.sequence).toBe(7);
    transport.deliver(echoArrival(old));
    transport.deliver(errorArrival(old));
    transport.deliver(echoArrival(transport.sent.at(-1) as FakeSend));
    await clock.advance(200);
    expect(results.slice(SEQUENCES).map(briefly)).toEqual([
      `#${SEQUENCES + 1} reply 0 ms from ${TARGET}`,
    ]);
    expect(prober.counters.foreign).toBe(2);
  });

  test("make one more probe wait while all 65,536 fly, until one of them lands", async () => {
    const { clock, transport, open } = probing(100);
    const crowd = open({ timeoutMs: 5000 });
    for (let count = 0; count < SEQUENCES; count++) crowd.send();
    expect(new Set(transport.sent.map(({ sequence }) => sequence)).size).toBe(SEQUENCES);
    const more = open({ timeoutMs: 100 });
    more.send();
    more.send();
    await clock.advance(300);
    expect(transport.sent.length).toBe(SEQUENCES);
    expect(more.stream.inFlight).toBe(2);
    const landing = transport.sent.find(({ sequence }) => sequence === 777) as FakeSend;
    transport.deliver(echoArrival(landing));
    await clock.advance(0);
    // Its number is free now, and only that.
    expect(transport.sent.slice(SEQUENCES).map(({ sequence }) => sequence)).toEqual([777]);
    // The timeout counts from when it left.
    await clock.advance(99.999);
    expect(more.results).toEqual([]);
    await clock.advance(0.001);
    expect(more.results.map(briefly)).toEqual(["#1 timeout"]);
    expect(transport.sent.slice(SEQUENCES + 1).map(({ sequence }) => sequence)).toEqual([777]);
    await clock.advance(10_000);
    expect(crowd.results.filter(({ error }) => error === "timeout").length).toBe(SEQUENCES - 1);
    expect(clock.pending).toBe(0);
    expect(transport.isActive).toBe(false);
  });

  test("become free when a stream gives up", async () => {
    const { clock, transport, open } = probing(0);
    const crowd = open({ timeoutMs: 5000 });
    for (let count = 0; count < SEQUENCES; count++) crowd.send();
    const more = open({ timeoutMs: 100 });
    more.send();
    crowd.stream.close();
    await clock.advance(0);
    expect(transport.sent.length).toBe(SEQUENCES + 1);
    await clock.advance(100);
    expect(more.results.map(briefly)).toEqual(["#1 timeout"]);
    expect(crowd.results).toEqual([]);
  });
});
