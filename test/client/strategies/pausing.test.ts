import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { FakeNetwork } from "../../support/fake-network.ts";
import { echoReply } from "../../support/fake-network.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { type Scene, scene, shortened, tick } from "../support.ts";

const { ENETUNREACH, ENOBUFS } = constants.errno;
const TARGET = "198.51.100.1";

/** Two routers, then a target with these delays in ms, a row for each probe in turn. */
function target(...delays: readonly (readonly number[])[]): FakePath {
  return new FakePath(...routers(2), { delays });
}

/** Pauses a run at one time and resumes it at another, in milliseconds since its first probe. */
async function pauseBetween(
  { clock, kernel }: Scene,
  run: { pause(): void; resume(): void },
  [from, to]: readonly [number, number],
): Promise<void> {
  const sinceFirst = () => (clock.monotonicNs() - (kernel.sent[0]?.sentAtNs ?? 0)) / 1e6;
  await clock.advance(1);
  await clock.advance(from - sinceFirst());
  run.pause();
  await clock.advance(to - sinceFirst());
  run.resume();
}

/** TTLs of the probes by when they left, in milliseconds since the first. */
function ttlsByTime({ kernel, sentAtMs }: Scene): Record<number, number[]> {
  const byTime: Record<number, number[]> = {};
  for (const [index, atMs] of sentAtMs().entries()) {
    byTime[atMs] = [...(byTime[atMs] ?? []), kernel.sent[index]?.ttl ?? 0];
  }
  return byTime;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe("ping() after a pause", () => {
  test("sends at once, then at the interval, and makes up for nothing", async () => {
    const setting = scene(target([7]));
    const run = setting.client.ping(TARGET, { count: 6, interval: 250 });
    void run.then();
    await pauseBetween(setting, run, [300, 10_320]);
    const result = await setting.outcome(run);
    expect(setting.sentAtMs()).toEqual([0, 250, 10_320, 10_570, 10_820, 11_070]);
    expect(result.statistics).toMatchObject({ sent: 6, received: 6, lost: 0, loss: 0, mean: 7 });
    expect(result.duration).toBe(11_070 - 10_020);
  });

  test("that was shorter than the interval does so, too", async () => {
    const setting = scene(target([7]));
    const run = setting.client.ping(TARGET, { count: 3, interval: 1000 });
    void run.then();
    await pauseBetween(setting, run, [100, 130]);
    expect((await setting.outcome(run)).duration).toBe(1100);
    expect(setting.sentAtMs()).toEqual([0, 130, 1130]);
  });

  test("has lost only what was lost in flight", async () => {
    const setting = scene(target([80], [], [90]));
    const run = setting.client.ping(TARGET, { count: 4, interval: 50, timeout: 100 });
    const { items, atMs } = setting.watch(run);
    await pauseBetween(setting, run, [110, 60_000]);
    expect(shortened(items)).toEqual(["1 80", "2 timeout", "3 90"]);
    expect(atMs).toEqual([81, 151, 191]);
    const { statistics } = await setting.outcome(run);
    expect(statistics).toMatchObject({ sent: 4, received: 3, lost: 1, late: 0 });
  });

  test("with interval 0 sends at once if no probe is in flight", async () => {
    const setting = scene(target([30]));
    const run = setting.client.ping(TARGET, { count: 4, interval: 0 });
    void run.then();
    await pauseBetween(setting, run, [40, 500]);
    await setting.outcome(run);
    expect(setting.sentAtMs()).toEqual([0, 30, 500, 530]);
  });

  test("with interval 0 waits for the probe in flight", async () => {
    const setting = scene(target([300]));
    const run = setting.client.ping(TARGET, { count: 3, interval: 0 });
    void run.then();
    await pauseBetween(setting, run, [40, 100]);
    expect((await setting.outcome(run)).duration).toBe(600 - 60);
    expect(setting.sentAtMs()).toEqual([0, 300, 600]);
  });

  test("with interval 0 goes on with one probe after a refusal", async () => {
    for (const [from, to] of [
      [5, 100],
      [5, 7],
    ] as const) {
      const setting = scene(target([20]));
      const { client, clock, kernel } = setting;
      kernel.failSendsTo(TARGET, ENETUNREACH);
      const run = client.ping(TARGET, { count: 20, interval: 0 });
      const { items } = setting.watch(run);
      await clock.advance(1 + from);
      run.pause();
      await clock.advance(to - from);
      expect(items).toHaveLength(1);
      kernel.failSendsTo(TARGET, 0);
      run.resume();
      await clock.advance(30);
      expect(kernel.sent).toHaveLength(2);
      run.stop();
    }
  });

  test("ends while it is paused when all is sent", async () => {
    const setting = scene(target([80]));
    const run = setting.client.ping(TARGET, { count: 2, interval: 10 });
    const awaited = run.then((result) => result);
    await setting.clock.advance(20);
    run.pause();
    expect(shortened(await setting.outcome(awaited))).toEqual(["1 80", "2 80"]);
    expect(run.isPaused).toBe(false);
  });

  test("may be paused and resumed by onResult", async () => {
    const setting = scene(target([20]));
    const run = setting.client.ping(TARGET, {
      count: 4,
      interval: 100,
      onResult: ({ request }) => {
        run.pause();
        if (request.number > 1) run.resume();
      },
    });
    void run.then();
    await setting.clock.advance(5000);
    expect(setting.sentAtMs()).toEqual([0]);
    run.resume();
    await setting.outcome(run);
    expect(setting.sentAtMs().map((ms) => ms - (setting.sentAtMs()[1] ?? 0))).toEqual([
      -5000 + 1,
      0,
      20,
      40,
    ]);
  });

  test("keeps what waits for room in the kernel, and gives it as long as before", async () => {
    const setting = scene(target([5]));
    const { client, clock, kernel } = setting;
    kernel.failNext("sendmsg", ENOBUFS, 5);
    const run = client.ping(TARGET, { count: 2, interval: 1000, timeout: 100 });
    const { items } = setting.watch(run);
    await clock.advance(10);
    run.pause();
    await clock.advance(60_000);
    expect([items, kernel.sent, setting.timers()]).toEqual([[], [], 0]);
    run.resume();
    await setting.outcome(run);
    expect(shortened(items).sort()).toEqual(["1 5", "2 5"]);
    expect(run.statistics).toMatchObject({ sent: 2, received: 2, noRoom: 0 });
  });

  test("fails what waits for room when its time is over, the pause left out", async () => {
    const setting = scene(target([5]));
    const { client, clock, kernel } = setting;
    kernel.failNext("sendmsg", ENOBUFS, 100_000);
    const run = client.ping(TARGET, { count: 1, timeout: 100 });
    const { items, atMs } = setting.watch(run);
    await clock.advance(51);
    run.pause();
    await clock.advance(10_000);
    run.resume();
    await clock.advance(200);
    expect(shortened(items)).toEqual(["1 ENOBUFS"]);
    expect(atMs[0]).toBeWithin(1 + 10_000 + 100, 1 + 10_000 + 100 + 17);
  });

  test("with slack sends the first probe at once, and the others in ticks", async () => {
    const setting = scene(target([5]), { slack: 20 });
    const run = setting.client.ping(TARGET, { count: 5, interval: 100 });
    void run.then();
    await pauseBetween(setting, run, [150, 1007]);
    await setting.outcome(run);
    const at = setting.kernel.sent.map(({ sentAtNs }) => sentAtNs / 1e6);
    expect(at.map((ms) => ms - (at[0] ?? 0)).slice(2, 3)).toEqual([1007]);
    for (const [index, ms] of at.slice(3).entries()) {
      expect(ms % 20).toBe(0);
      expect(ms - (at[2] ?? 0) - 100 * (index + 1)).toBeWithin(0, 20);
    }
  });
});

describe("multiping() after a pause", () => {
  const hosts = (count: number) =>
    range(0, count - 1).map((index) => `198.51.${100 + (index >> 8)}.${index & 255}`);
  const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 5 })];

  test("keeps its targets as far apart as they were", async () => {
    const setting = scene({ network: answering });
    const run = setting.client.multiping(hosts(10), { count: 4, interval: 200 });
    void run.then();
    // Of the second round, three have been sent to.
    await pauseBetween(setting, run, [225, 5000]);
    const result = await setting.outcome(run);
    const first = range(0, 9).map((index) => 10 * index);
    expect(setting.sentAtMs()).toEqual([
      ...first,
      ...first.slice(0, 3).map((ms) => 200 + ms),
      ...first.slice(3).map((ms) => 5000 + ms - 30),
      ...first.map((ms) => 5000 + 170 + ms),
      ...first.map((ms) => 5000 + 370 + ms),
    ]);
    for (const { statistics } of result)
      expect(statistics).toMatchObject({ sent: 4, received: 4, lost: 0 });
    expect(result.targets.map(({ duration }) => duration)).toEqual(
      Array(10).fill(600 - (230 - 225)),
    );
  });

  test("sends no more at once than before", async () => {
    const setting = scene({ network: answering, queueLimit: 10_000 });
    const run = setting.client.multiping(hosts(1000), { count: 3, interval: 1000 });
    void run.then();
    await pauseBetween(setting, run, [1500, 60_000]);
    await setting.outcome(run);
    const counts = new Map<number, number>();
    for (const ms of setting.sentAtMs()) counts.set(ms, (counts.get(ms) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(51);
    expect(setting.sentAtMs().filter((ms) => ms > 1500 && ms < 60_000)).toEqual([]);
    expect(counts.get(60_000)).toBeGreaterThan(0);
    const { length } = setting.sentAtMs().filter((ms) => ms >= 60_000 && ms < 61_000);
    expect(length).toBeWithin(950, 1051);
  });

  test("sends to the targets in their turn that became ready meanwhile", async () => {
    const names = { "late.example": [{ address: "198.51.100.77", family: 4 as const }] };
    const setting = scene({ network: answering, hosts: names });
    const { client, clock, dns, kernel } = setting;
    const { promise, resolve } = Promise.withResolvers<(typeof names)["late.example"]>();
    dns.lookup = () => promise;
    const run = client.multiping([TARGET, "late.example", "198.51.100.3"], {
      count: 2,
      interval: 300,
    });
    void run.then();
    await clock.advance(50);
    run.pause();
    resolve(names["late.example"]);
    await clock.advance(5000);
    expect(kernel.sent).toHaveLength(2);
    run.resume();
    await clock.advance(1000);
    const sent = kernel.sent.map(({ destination }, index) => [
      destination.split(".").at(-1),
      (setting.sentAtMs()[index] ?? 0) - (setting.sentAtMs()[2] ?? 0),
    ]);
    // Its turn had been 10 ms after the first target, whose next one would be at 300 ms.
    expect(sent.slice(2)).toEqual([
      ["77", 0],
      ["1", 251 + 39],
      ["77", 300],
      ["3", 310],
    ]);
  });

  test("keeps the turn of targets that become ready later", async () => {
    const names = { "late.example": [{ address: "198.51.100.77", family: 4 as const }] };
    const setting = scene({ network: answering, hosts: names });
    const { client, clock, dns, kernel } = setting;
    const { promise, resolve } = Promise.withResolvers<(typeof names)["late.example"]>();
    dns.lookup = () => promise;
    const run = client.multiping([TARGET, "late.example"], { count: 3, interval: 300 });
    void run.then();
    await clock.advance(50);
    run.pause();
    await clock.advance(5000);
    run.resume();
    await clock.advance(100);
    resolve(names["late.example"]);
    await clock.advance(1000);
    const sent = kernel.sent.map(({ destination }, index) => [
      destination.split(".").at(-1),
      (setting.sentAtMs()[index] ?? 0) - (setting.sentAtMs()[1] ?? 0),
    ]);
    // Its turn is 10 ms after the first target, at once for the one that has passed.
    expect(sent.slice(1)).toEqual([
      ["1", 0],
      ["77", 100],
      ["1", 300],
      ["77", 310],
      ["77", 610],
    ]);
  });

  test("with interval 0 goes on with each target that nothing is in flight to", async () => {
    const network: FakeNetwork = (probe) => [
      echoReply(probe, { delayMs: probe.destination === TARGET ? 500 : 20 }),
    ];
    const setting = scene({ network });
    const run = setting.client.multiping([TARGET, "198.51.100.2"], { count: 3, interval: 0 });
    void run.then();
    await pauseBetween(setting, run, [5, 200]);
    expect(setting.sentAtMs()).toEqual([0, 0, 200]);
    await setting.outcome(run);
    expect(setting.sentAtMs()).toEqual([0, 0, 200, 220, 500, 1000]);
  });
});

describe("traceroute() after a pause", () => {
  test("goes on where it was, with as many in flight as may be", async () => {
    const setting = scene(new FakePath(...routers(20), {}));
    const options = { concurrency: 12 };
    const run = setting.client.traceroute(TARGET, options);
    const { items } = setting.watch(run);
    await pauseBetween(setting, run, [3, 5000]);
    // Three to each of the first four routers.
    expect(items.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
    expect(ttlsByTime(setting)).toEqual({
      0: range(0, 11).map((index) => 1 + Math.floor(index / 3)),
      5000: range(12, 23).map((index) => 1 + Math.floor(index / 3)),
    });
    const result = await setting.outcome(run);
    const other = scene(new FakePath(...routers(20), {}));
    const expected = await other.outcome(other.client.traceroute(TARGET, options));
    expect(result.hops.map(({ responders }) => responders)).toEqual(
      expected.hops.map(({ responders }) => responders),
    );
    expect(JSON.stringify(run.statistics.hops.map(({ statistics }) => statistics.received))).toBe(
      JSON.stringify(Array(21).fill(3)),
    );
  });

  test("has ended if what was in flight showed the target", async () => {
    const setting = scene(target([20]));
    const run = setting.client.traceroute(TARGET);
    const awaited = run.then((result) => result);
    await setting.clock.advance(3);
    run.pause();
    expect(await setting.outcome(awaited)).toMatchObject({ reached: true, stopReason: "target" });
  });
});

describe("mtr() after a pause", () => {
  test("begins a round at once, then at the interval, and makes up for none", async () => {
    const setting = scene(target([15]));
    const run = setting.client.mtr(TARGET, { count: 5, interval: 100 });
    const { items } = setting.watch(run);
    await pauseBetween(setting, run, [150, 9030]);
    await setting.clock.advance(1000);
    const later = Object.entries(ttlsByTime(setting)).slice(-4);
    expect(later.map(([ms]) => Number(ms))).toEqual([100, 9030, 9130, 9230]);
    // The first one searches for the end of the path.
    expect(later.map(([, ttls]) => ttls)).toEqual([3, 13, 3, 3].map((last) => range(1, last)));
    expect(items.map(({ round }) => round)).toEqual([1, 2, 3, 4, 5]);
    expect(items.at(-1)?.hops.map(({ statistics: { sent, lost } }) => [sent, lost])).toEqual(
      Array(3).fill([5, 0]),
    );
  });

  test("goes on with the round that it cut short", async () => {
    const setting = scene(new FakePath(...routers(14), {}));
    const run = setting.client.mtr(TARGET, { count: 3, interval: 1000 });
    const { items } = setting.watch(run);
    await pauseBetween(setting, run, [3, 5000]);
    // Ten routers have answered, and the round is not over.
    expect(items).toEqual([]);
    expect(run.statistics.hops.map(({ statistics }) => statistics.received)).toEqual([
      ...Array(10).fill(1),
      ...Array(10).fill(0),
    ]);
    await setting.clock.advance(5000);
    const byTime = ttlsByTime(setting);
    expect(byTime[0]).toEqual(range(1, 10));
    expect(byTime[5000]).toEqual(range(11, 20));
    expect(byTime[6000]).toEqual(range(1, 15));
    expect(byTime[7000]).toEqual(range(1, 15));
    expect(items.map(({ round, hops }) => [round, hops.length])).toEqual([
      [1, 15],
      [2, 15],
      [3, 15],
    ]);
    for (const { statistics } of items[2] ?? []) expect(statistics.lost).toBe(0);
  });

  test("begins another round if it had sent all of the one before", async () => {
    const setting = scene(new FakePath(...routers(3), null));
    const run = setting.client.mtr(TARGET, { count: 3, interval: 500, timeout: 200, gapLimit: 2 });
    const { items } = setting.watch(run);
    await pauseBetween(setting, run, [50, 5000]);
    expect(ttlsByTime(setting)).toMatchObject({ 0: [1, 2], 5: [3], 10: [4], 20: [5] });
    expect(items.map(({ round }) => round)).toEqual([1]);
    await setting.clock.advance(2000);
    expect(ttlsByTime(setting)).toMatchObject({ 5000: range(1, 5), 5500: range(1, 5) });
    expect(items.map(({ round }) => round)).toEqual([1, 2, 3]);
  });

  test("finds a path that became longer, even if the hop of the target is silent now", async () => {
    const path = target([15]);
    const setting = scene(path);
    const run = setting.client.mtr(TARGET, { count: 4, interval: 200, timeout: 100 });
    const { items } = setting.watch(run);
    await setting.clock.advance(250);
    run.pause();
    path.hops = [...routers(2), null, "10.0.4.1", {}];
    await setting.clock.advance(5000);
    expect(run.statistics.end).toEqual({ ttl: 3, reason: "target" });
    run.resume();
    await setting.clock.advance(1000);
    expect(items[3]?.end).toEqual({ ttl: 5, reason: "target" });
    expect(items[3]?.hops.map(({ statistics: { sent, lost } }) => [sent, lost])).toEqual([
      ...[
        [4, 0],
        [4, 0],
        [4, 2],
        [2, 0],
        [2, 0],
      ],
    ]);
  });

  test("with interval 0 begins the round that was due, once", async () => {
    const setting = scene(new FakePath({ delays: 30 }));
    const run = setting.client.mtr(TARGET, { count: 4, interval: 0, maxHops: 1 });
    void run.then();
    await pauseBetween(setting, run, [10, 20]);
    await pauseBetween(setting, run, [45, 400]);
    await setting.outcome(run);
    expect(setting.sentAtMs()).toEqual([0, 30, 400, 430]);
  });

  test("with interval 0 begins one round after a refusal", async () => {
    const setting = scene(new FakePath({ delays: 30 }));
    const { client, clock, kernel } = setting;
    kernel.failSendsTo(TARGET, ENETUNREACH);
    const run = client.mtr(TARGET, { interval: 0, maxHops: 1 });
    const { items } = setting.watch(run);
    await clock.advance(6);
    run.pause();
    await clock.advance(5000);
    expect(items).toHaveLength(1);
    kernel.failSendsTo(TARGET, 0);
    run.resume();
    await clock.advance(25);
    expect(kernel.sent).toHaveLength(1);
    run.stop();
    await tick();
    expect(setting.timers()).toBe(0);
  });
});
