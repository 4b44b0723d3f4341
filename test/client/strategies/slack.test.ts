import { expect, test } from "bun:test";
import { FakePath } from "../../support/fake-path.ts";
import { expectClosed, type Scene, scene, shortened } from "../support.ts";

const ONE = "198.51.100.1";
const TWO = "198.51.100.2";
const SLACK = 50;

/** A client that lets probes wait for each other, whose socket is open and settled. */
async function slack(delays: number): Promise<Scene> {
  const setting = scene(new FakePath({ delays }), { slack: SLACK });
  await setting.outcome(setting.client.probe(ONE, { timeout: 10 }));
  setting.kernel.sent.length = 0;
  return setting;
}

/** When probes left and how many at each time, in milliseconds since the scene began. */
function departures({ kernel, clock, nowMs }: Scene): [atMs: number, probes: number][] {
  const beginNs = clock.monotonicNs() - nowMs() * 1e6;
  const counts = new Map<number, number>();
  for (const { sentAtNs } of kernel.sent) {
    const atMs = Math.round((sentAtNs - beginNs) / 1e3) / 1e3;
    counts.set(atMs, (counts.get(atMs) ?? 0) + 1);
  }
  return [...counts];
}

test("probes of several runs leave together, late by the slack at most, and the first of each at once", async () => {
  const setting = await slack(2);
  const { client, clock, nowMs } = setting;
  const options = { count: 4, interval: 100, timeout: 80 };
  const beginMs = nowMs();
  const first = setting.watch(client.ping(ONE, options));
  await clock.advance(13);
  const second = setting.watch(client.multiping([TWO], options));
  await clock.advance(21);
  const third = setting.watch(client.mtr(TWO, { ...options, maxHops: 1 }));
  await setting.outcome(Promise.all([first.ended, second.ended, third.ended]));
  expect(departures(setting)).toEqual([
    [beginMs, 1],
    [beginMs + 13, 1],
    [beginMs + 34, 1],
    // Multiples of the slack: the clock of a scene begins at one.
    [150, 3],
    [250, 3],
    [350, 3],
  ]);
  client.close();
  expectClosed(setting);
});

test("results wait for twice the slack at most, and RTTs are the kernel's", async () => {
  const setting = await slack(7);
  const seen = setting.watch(setting.client.ping(ONE, { count: 3, interval: 1000 }));
  await setting.outcome(seen.ended);
  expect(seen.items.map(({ rtt }) => rtt)).toEqual([7, 7, 7]);
  const waits = seen.items.map(({ reply }, index) => {
    const receivedAt = reply?.receivedPacket.receivedAt ?? Number.NaN;
    return (seen.atMs[index] ?? Number.NaN) - (receivedAt - epochMs(setting));
  });
  for (const wait of waits) expect(wait).toBeWithin(1, 2 * SLACK + 0.001);
});

test("an answer that came in time is no timeout, however long it waits", async () => {
  const setting = await slack(20);
  const results = await setting.outcome(
    setting.client.ping(ONE, { count: 3, interval: 100, timeout: 21 }),
  );
  expect(shortened(results)).toEqual(["1 20", "2 20", "3 20"]);
});

test("what must not wait does not: without an interval, with much data, a probe, a trace", async () => {
  const setting = await slack(2);
  const { client, nowMs } = setting;
  const takenMs = async (run: PromiseLike<unknown>): Promise<number> => {
    const beginMs = nowMs();
    await setting.outcome(run);
    return nowMs() - beginMs;
  };
  expect(await takenMs(client.ping(ONE, { count: 5, interval: 0 }))).toBe(10);
  expect(await takenMs(client.ping(ONE, { count: 3, interval: 10, size: 1473 }))).toBe(22);
  expect(await takenMs(client.probe(ONE))).toBe(2);
  expect(await takenMs(client.traceroute(ONE))).toBeLessThan(SLACK);
});

/** Milliseconds since 1970 at which the scene began. */
function epochMs({ clock, nowMs }: Scene): number {
  return clock.epochMs + clock.realtimeNs() / 1e6 - nowMs();
}
