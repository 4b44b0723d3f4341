import { expect, test } from "bun:test";
import { Prober } from "../../src/client/prober.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { briefly, openBenchStream } from "../support/fake-prober.ts";
import { echoArrival, FakeTransport } from "../support/fake-transport.ts";

/** A transport whose drains stop at their limit `full` times before they come to what was queued. */
class FloodedTransport extends FakeTransport {
  drains = 0;
  full = 0;

  override drain(): boolean {
    this.drains += 1;
    if (this.drains <= this.full) return true;
    return super.drain();
  }
}

function probing() {
  const clock = new FakeClock();
  const transport = new FloodedTransport();
  const prober = new Prober(transport, clock, 1);
  return { clock, transport, bench: openBenchStream(prober, { destination: "198.51.100.1" }) };
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

test("a flood that never ends holds no timeout for ever", async () => {
  const { clock, transport, bench } = probing();
  bench.send();
  transport.full = Number.POSITIVE_INFINITY;
  await clock.advance(1000);
  expect(bench.results.map(briefly)).toEqual(["#1 timeout"]);
  expect(transport.drains).toBe(64);
});
