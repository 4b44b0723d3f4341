import { heapStats } from "bun:jsc";
import { expect, setDefaultTimeout, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { MtrRound } from "../../src/client/results/results.ts";
import { echoReply, type FakeProbe, timeExceeded } from "../support/fake-network.ts";
import { fakePlatform } from "../support/fake-platform.ts";

setDefaultTimeout(120_000);

const HOURS = 24;
const INTERVAL_MS = 2000;
const ROUNDS = (HOURS * 3_600_000) / INTERVAL_MS;
const TARGET = "198.51.100.1";
/** Each answers one probe in so many with silence. */
const LOSSES = [0, 10, 0, 7] as const;

test(`an mtr of ${HOURS} hours sends what it should, counts what it should and takes no more memory`, async () => {
  const seen = [0, 0, 0, 0];
  const network = (probe: FakeProbe) => {
    const hop = Math.min(probe.ttl, LOSSES.length) - 1;
    const turn = seen[hop] ?? 0;
    seen[hop] = turn + 1;
    const loss = LOSSES[hop] ?? 0;
    if (loss > 0 && turn % loss === loss - 1) return [];
    // RTTs that never repeat for long, so that percentiles have something to keep.
    const delayMs = 5 * (hop + 1) + (turn % 997) / 100;
    if (hop === LOSSES.length - 1) return [echoReply(probe, { delayMs })];
    // Two routers take turns at the third hop, as load balancers make them.
    const from = hop === 2 ? `192.0.2.${3 + (turn % 2)}` : `192.0.2.${hop + 1}`;
    return [timeExceeded(probe, { from, delayMs })];
  };
  const { clock, kernel, platform } = fakePlatform({ network });
  using client = new Client({}, platform);
  const run = client.mtr(TARGET, {
    count: Number.POSITIVE_INFINITY,
    interval: INTERVAL_MS,
    maxHops: 8,
  });
  let rounds = 0;
  let last: MtrRound | undefined;
  const consumed = (async () => {
    for await (const round of run) {
      rounds += 1;
      last = round;
    }
  })();

  const heap: number[] = [];
  for (let hour = 1; hour <= HOURS; hour += 1) {
    // The clock settles everything after each timer: in steps, so that the fake does not remember a
    // day of packets.
    for (let minute = 0; minute < 60; minute += 1) {
      await clock.advance(60_000);
      kernel.sent.length = 0;
      kernel.calls.length = 0;
    }
    Bun.gc(true);
    heap.push(heapStats().heapSize);
  }
  await clock.advance(2000);
  run.stop();
  await consumed;

  expect(rounds).toBeGreaterThanOrEqual(ROUNDS);
  expect(last?.hops).toHaveLength(LOSSES.length);
  for (const [index, hop] of (last?.hops ?? []).entries()) {
    const { statistics } = hop;
    expect(statistics.sent).toBeGreaterThanOrEqual(ROUNDS);
    expect(statistics.sent - ROUNDS).toBeLessThan(10);
    const loss = LOSSES[index] ?? 0;
    // The last of the probes sent may be in flight yet.
    const decided = statistics.sent - statistics.inFlight;
    expect(Math.abs(statistics.lost - (loss === 0 ? 0 : decided / loss))).toBeLessThan(2);
    expect(statistics).toMatchObject({
      duplicates: 0,
      late: 0,
      corrupt: 0,
      sendErrors: 0,
      overflows: 0,
    });
    expect(statistics.min).toBeCloseTo(5 * (index + 1), 6);
    expect(statistics.max).toBeLessThan(5 * (index + 1) + 10);
  }
  expect(last?.hops[2]?.addresses.map(({ addr }) => addr)).toEqual(["192.0.2.3", "192.0.2.4"]);

  // What is remembered for a minute or ten is there after two hours.
  const [settled, ...later] = heap.slice(2);
  const growth = Math.max(...later.slice(-6)) - (settled as number);
  expect(growth).toBeLessThan(1 << 20);
});
