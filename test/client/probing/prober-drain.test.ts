import { expect, test } from "bun:test";
import { Prober } from "../../../src/client/probing/prober.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { briefly, openBenchStream } from "../../support/fake-prober.ts";
import { echoArrival, FakeTransport } from "../../support/fake-transport.ts";

/**
 * A transport whose drains stop at their limit `full` times before they come to what was queued.
 */
class FloodedTransport extends FakeTransport {
  drains = 0;
  full = 0;
  /** Until when such a drain has read, if it is known. */
  until: (() => number) | undefined;

  override drain(): number {
    this.drains += 1;
    if (this.drains > this.full) return super.drain();
    return this.until?.() ?? Number.NEGATIVE_INFINITY;
  }
}

function probing() {
  const clock = new FakeClock();
  const transport = new FloodedTransport();
  const prober = new Prober(transport, clock, 1);
  const begunNs = clock.monotonicNs();
  const decidedMs: number[] = [];
  const bench = openBenchStream(prober, {
    destination: "198.51.100.1",
    onResult: () => decidedMs.push((clock.monotonicNs() - begunNs) / 1e6),
  });
  return { clock, transport, bench, decidedMs };
}

test("a timeout waits until a flooded queue is read to its end", async () => {
  const { clock, transport, bench } = probing();
  bench.send();
  const [send] = transport.sent;
  if (send === undefined) throw new Error("Nothing was sent");
  await clock.advance(500);
  transport.queue(echoArrival(send, { stampNs: clock.realtimeNs() }));
  transport.full = transport.drains + 5;
  await clock.advance(1000);
  expect(bench.results.map(briefly)).toEqual(["#1 reply 500 ms from 198.51.100.1"]);
});

test("under a flood, others have a turn of the event loop between two reads", async () => {
  const { clock, transport, bench } = probing();
  bench.send();
  await clock.advance(999.9);
  transport.full = Number.POSITIVE_INFINITY;
  const before = transport.drains;
  const drainsByTurn: number[] = [];
  const watch = (): void => {
    drainsByTurn.push(transport.drains - before);
    if (bench.results.length === 0) clock.schedule(0, watch);
  };
  clock.schedule(100_000, watch);
  await clock.advance(1);
  expect(bench.results.map(briefly)).toEqual(["#1 timeout"]);
  // One more drain in each turn.
  const [first = 0] = drainsByTurn;
  expect(drainsByTurn.length).toBeGreaterThan(60);
  expect(drainsByTurn).toEqual(drainsByTurn.map((_, turn) => first + turn));
});

test("once what the kernel received after a deadline is read, its timeout is declared", async () => {
  const { clock, transport, bench } = probing();
  bench.send();
  await clock.advance(999.9);
  transport.full = Number.POSITIVE_INFINITY;
  transport.until = () => clock.realtimeNs();
  const before = transport.drains;
  await clock.advance(1);
  expect(bench.results.map(briefly)).toEqual(["#1 timeout"]);
  expect(transport.drains - before).toBe(1);
});

test("a flood that never ends holds no timeout for ever", async () => {
  const { clock, transport, bench } = probing();
  bench.send();
  transport.full = Number.POSITIVE_INFINITY;
  await clock.advance(1000);
  expect(bench.results.map(briefly)).toEqual(["#1 timeout"]);
  expect(transport.drains).toBe(64);
});

test("timeouts are declared as far as the queue is read", async () => {
  const { clock, transport, bench, decidedMs } = probing();
  bench.send();
  await clock.advance(2);
  bench.send();
  await clock.advance(990);
  transport.full = Number.POSITIVE_INFINITY;
  // Each read takes half a millisecond, and comes to what arrived 10 ms ago.
  transport.until = () => {
    clock.block(0.5);
    return clock.realtimeNs() - 10e6;
  };
  await clock.advance(50);
  expect(bench.results.map(briefly)).toEqual(["#1 timeout", "#2 timeout"]);
  expect(decidedMs.map(Math.floor)).toEqual([1010, 1012]);
});

test("during a flood, sends leave reading to others", async () => {
  const { clock, transport, bench } = probing();
  transport.full = Number.POSITIVE_INFINITY;
  for (let count = 0; count < 1024; count++) bench.send();
  expect(transport.drains).toBe(1);
  transport.full = 0;
  await clock.advance(1000);
  for (let count = 0; count < 1024; count++) bench.send();
  expect(transport.drains).toBeGreaterThan(16);
});
