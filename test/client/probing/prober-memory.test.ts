import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { Prober } from "../../../src/client/probing/prober.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openBenchStream } from "../../support/fake-prober.ts";
import {
  echoArrival,
  errorArrival,
  type FakeSend,
  FakeTransport,
} from "../../support/fake-transport.ts";

const TARGET = "198.51.100.1";

/** How many of the objects are still there. */
async function heldOf(references: readonly WeakRef<object>[]): Promise<number> {
  // A WeakRef holds its target until the task that made it, or asked for it, ends.
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate);
    Bun.gc(true);
  }
  return references.filter((reference) => reference.deref() !== undefined).length;
}

function countObjects(): number {
  Bun.gc(true);
  return heapStats().objectCount;
}

function probing() {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const prober = new Prober(transport, clock, 0);
  return { clock, transport, prober };
}

/**
 * A run of its own stream: every third probe is answered, one is dropped, and the rest time out.
 */
async function run(
  { clock, transport, prober }: ReturnType<typeof probing>,
  count: number,
): Promise<WeakRef<object>> {
  const { stream, send, results } = openBenchStream(prober, {
    destination: TARGET,
    timeoutMs: 100,
  });
  for (let index = 0; index < count; index++) {
    send(index === 1 ? 65 : 64);
    if (index % 3 === 0) transport.deliver(echoArrival(transport.sent.at(-1) as FakeSend));
  }
  stream.dropBeyond(64);
  await clock.advance(100);
  expect(results.length).toBe(count - 1);
  stream.close();
  transport.sent.length = 0;
  return new WeakRef(stream);
}

/** One run after the other. Their streams hold all that was heard. */
async function runs(setting: ReturnType<typeof probing>): Promise<WeakRef<object>[]> {
  const references: WeakRef<object>[] = [];
  for (let count = 0; count < 50; count++) references.push(await run(setting, 40));
  return references;
}

// A conservative collector may take a stray word on the stack for a reference.
const STRAY = 5;

describe("Prober", () => {
  test("keeps nothing of runs that are over", async () => {
    const setting = probing();
    expect(await heldOf(await runs(setting))).toBeLessThan(STRAY);
    expect(setting.clock.pending).toBe(0);
    setting.prober.close();
  });

  test("keeps nothing of a run that was given up in flight", async () => {
    const setting = probing();
    const { prober, clock } = setting;
    const start = (): WeakRef<object> => {
      const { stream, send } = openBenchStream(prober, { destination: TARGET });
      for (let index = 0; index < 100; index++) send();
      stream.close();
      return new WeakRef(stream);
    };
    const references = Array.from({ length: 50 }, start);
    expect(clock.pending).toBe(0);
    expect(await heldOf(references)).toBeLessThan(STRAY);
    prober.close();
  });

  test("keeps nothing of runs beside one that goes on, once their deadlines have passed", async () => {
    const setting = probing();
    const other = openBenchStream(setting.prober, { destination: TARGET, timeoutMs: 60_000 });
    other.send();
    const references = await runs(setting);
    await setting.clock.advance(200);
    expect(other.stream.inFlight).toBe(1);
    expect(await heldOf(references)).toBeLessThan(STRAY);
    setting.prober.close();
  });

  test.each([
    ["errors that prove nothing", new Uint8Array(), 1],
    ["answers", undefined, 17],
  ])("keeps few of 4,000 %s about a probe whose stamp is awaited", async (_, data, most) => {
    const { clock, transport, prober } = probing();
    transport.outcome = () => ({ kind: "sent", stampKey: 7 });
    const { send, results } = openBenchStream(prober, { destination: TARGET });
    send();
    const probe = transport.sent[0] as FakeSend;
    let copies = 0;
    for (let count = 0; count < 4000; count++) {
      const arrival = errorArrival(data === undefined ? probe : { ...probe, data });
      transport.queue(
        Object.defineProperty(arrival, "raw", {
          enumerable: true,
          get: () => {
            copies += 1;
            return new Uint8Array(64);
          },
        }),
      );
    }
    transport.deliver({ kind: "stamp", key: 8, stampNs: 0 });
    // Each that is kept is copied twice, once for the rest of the read and once for its result.
    expect(copies).toBeLessThanOrEqual(3 * most);
    await clock.advance(2000);
    expect(results).toHaveLength(most);
    expect(prober.counters.unverified).toBe(data === undefined ? 0 : 4000);
  });

  test("remembers the last 16,384 decided probes of a run, however long, and keeps no object of any", async () => {
    const { clock, transport, prober } = probing();
    const references: WeakRef<object>[] = [];
    const { stream, send, results } = openBenchStream(prober, {
      destination: TARGET,
      content: 14,
      onResult: (result) => references.push(new WeakRef(result.request)),
    });
    const sent: FakeSend[] = [];
    const before = countObjects();
    const held: number[] = [];
    for (let index = 0; index < 40_000; index++) {
      if (index % 20_000 === 19_999) held.push(countObjects() - before - references.length);
      send();
      const last = transport.sent.at(-1) as FakeSend;
      if (index === 40_000 - 16_384 || index === 40_000 - 16_385) sent.push(last);
      transport.deliver(echoArrival(last));
      transport.sent.length = 0;
      results.length = 0;
    }
    await clock.advance(1);
    expect(references.length).toBe(40_000);
    expect(await heldOf(references)).toBeLessThan(STRAY);
    const [half = 0, all = 0] = held;
    expect(all - half).toBeLessThan(3000);
    // So that late and duplicate answers are known as such.
    for (const each of sent) transport.deliver(echoArrival(each));
    expect(results.map(({ duplicate }) => duplicate)).toEqual([true]);
    expect(prober.counters.foreign).toBe(1);
    stream.close();
    for (const each of sent) transport.deliver(echoArrival(each));
    expect(prober.counters.foreign).toBe(3);
  });
});
