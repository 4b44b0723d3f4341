import { expect, test } from "bun:test";
import { Prober } from "../../../src/client/probing/prober.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type BenchStream, briefly, openBenchStream } from "../../support/fake-prober.ts";
import { echoArrival, type FakeSend, FakeTransport } from "../../support/fake-transport.ts";

/** A stream on a transport that the test stamps and answers for; a send takes `sendMs`. */
class Bench {
  readonly clock = new FakeClock();
  readonly transport = new FakeTransport();
  readonly stream: BenchStream;

  constructor({ timeoutMs, sendMs = 0 }: { timeoutMs: number; sendMs?: number }) {
    this.transport.outcome = () => {
      this.clock.block(sendMs);
      return { kind: "sent", stampKey: 0 };
    };
    const prober = new Prober(this.transport, this.clock, 1);
    this.stream = openBenchStream(prober, { destination: "198.51.100.1", timeoutMs });
  }

  get results(): string[] {
    return this.stream.results.map(briefly);
  }

  send(): FakeSend {
    this.stream.send();
    return this.transport.sent.at(-1) as FakeSend;
  }

  /** The transmit stamp of the probe, `agoMs` ago. */
  stamp(agoMs = 0): void {
    this.transport.queue({ kind: "stamp", key: 0, stampNs: this.clock.realtimeNs() - agoMs * 1e6 });
  }

  /** A reply with the receive stamp of now. */
  reply(send: FakeSend): void {
    this.transport.deliver(echoArrival(send, { stampNs: this.clock.realtimeNs() }));
  }
}

test("an RTT above the timeout is late, though less time has passed since the send returned", async () => {
  const bench = new Bench({ timeoutMs: 0.05, sendMs: 0.03 });
  const sent = bench.send();
  bench.stamp(0.02);
  bench.clock.block(0.046);
  bench.reply(sent);
  expect(bench.results).toEqual(["#1 timeout", "#1 reply 0.066 ms from 198.51.100.1 late"]);
});

test("so is one that the kernel did not measure at both ends", async () => {
  const bench = new Bench({ timeoutMs: 0.05, sendMs: 0.03 });
  const sent = bench.send();
  bench.clock.block(0.046);
  bench.reply(sent);
  expect(bench.results).toEqual(["#1 timeout", "#1 reply 0.076 ms from 198.51.100.1 late"]);
});

test("while this process was suspended before the probe left, no timeout passes", async () => {
  for (const isStamped of [true, false]) {
    const bench = new Bench({ timeoutMs: 50, sendMs: 3000 });
    const sent = bench.send();
    if (isStamped) bench.stamp();
    await bench.clock.advance(10);
    bench.reply(sent);
    const rtt = isStamped ? 10 : 3010;
    expect(bench.results).toEqual([`#1 reply ${rtt} ms from 198.51.100.1`]);
  }
});

test("what a probe was held back for by this host does not count", async () => {
  const bench = new Bench({ timeoutMs: 100 });
  const sent = bench.send();
  await bench.clock.advance(60);
  bench.stamp();
  await bench.clock.advance(90);
  bench.reply(sent);
  await bench.clock.advance(1000);
  expect(bench.results).toEqual(["#1 reply 90 ms from 198.51.100.1"]);
});

test("a probe that was held back has its timeout from when it left, and no more", async () => {
  const bench = new Bench({ timeoutMs: 100 });
  bench.send();
  await bench.clock.advance(60);
  bench.stamp();
  await bench.clock.advance(99);
  expect(bench.results).toEqual([]);
  await bench.clock.advance(2);
  expect(bench.results).toEqual(["#1 timeout"]);
});
