import { describe, expect, test } from "bun:test";
import type { MtrHop } from "../../../src/client/results/results.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { type Scene, scene } from "../support.ts";

const TARGET = "198.51.100.1";
const [R1 = "", R2 = "", R3 = "", R4 = "", R5 = ""] = routers(5);

/** "1 10.0.1.1 3/4": TTL, the last address, how many probes were received of how many decided. */
function shortened(hops: Iterable<MtrHop>): string[] {
  return Array.from(hops, ({ ttl, addr, statistics: { received, lost } }) => {
    return `${ttl} ${addr ?? "*"} ${received}/${received + lost}`;
  });
}

/** TTLs of the probes by when they left, in milliseconds since the first. */
function ttlsByTime({ kernel, sentAtMs }: Scene): Map<number, number[]> {
  const byTime = new Map<number, number[]>();
  for (const [index, atMs] of sentAtMs().entries()) {
    const ttls = byTime.get(atMs) ?? [];
    ttls.push(kernel.sent[index]?.ttl ?? 0);
    byTime.set(atMs, ttls);
  }
  return byTime;
}

function upTo(ttl: number): number[] {
  return Array.from({ length: ttl }, (_, index) => index + 1);
}

describe("mtr() path", () => {
  test("is searched no more than gapLimit beyond the last that answered", async () => {
    for (const gapLimit of [1, 3, 10]) {
      const path = new FakePath(R1, R2, R3, {});
      const setting = scene(path);
      await setting.outcome(setting.client.mtr(TARGET, { count: 2, gapLimit, interval: 100 }));
      const first = setting.kernel.sent.filter(
        (_, index) => (setting.sentAtMs()[index] ?? 0) < 100,
      );
      // The routers answer one after the other, 5 ms apart.
      for (const { ttl, sentAtNs } of first) {
        const farthest = Math.min(3, Math.floor((sentAtNs / 1e6 - 1001) / 5));
        expect(ttl).toBeLessThanOrEqual(farthest + gapLimit);
      }
      expect(Math.max(...first.map(({ ttl }) => ttl))).toBe(Math.max(4, 3 + gapLimit));
      expect(new Set(first.map(({ ttl }) => ttl)).size).toBe(first.length);
      const second = setting.kernel.sent.slice(first.length).map(({ ttl }) => ttl);
      expect(second).toEqual([1, 2, 3, 4]);
    }
  });

  test("ends at the target once that is known", async () => {
    const setting = scene(new FakePath(R1, R2, { delays: [[3], [], [40]] }));
    const { items } = setting.watch(
      setting.client.mtr(TARGET, { count: 30, interval: 100, timeout: 60 }),
    );
    await setting.clock.advance(10_000);
    expect(items).toHaveLength(30);
    const later = setting.kernel.sent.filter(({ sentAtNs }) => sentAtNs / 1e6 > 1001 + 3);
    expect(Math.max(...later.map(({ ttl }) => ttl))).toBe(3);
    for (const { hops } of items) expect(hops).toHaveLength(3);
  });

  test("may be that of a silent target, and then ends at maxHops or gapLimit", async () => {
    const silent = (): Scene => scene(new FakePath(R1, null, R3, null));
    const far = silent();
    const result = await far.outcome(
      far.client.mtr(TARGET, { count: 2, gapLimit: 3, timeout: 100 }),
    );
    expect(shortened(result)).toEqual([
      `1 ${R1} 2/2`,
      "2 * 0/2",
      `3 ${R3} 2/2`,
      "4 * 0/2",
      "5 * 0/2",
      "6 * 0/2",
    ]);
    expect(result.reached).toBe(false);
    const near = silent();
    const { hops } = await near.outcome(
      near.client.mtr(TARGET, { count: 1, maxHops: 4, timeout: 100 }),
    );
    expect(hops.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
  });

  test("may begin further on", async () => {
    const setting = scene(new FakePath(R1, R2, R3, {}));
    const result = await setting.outcome(
      setting.client.mtr(TARGET, { count: 2, firstTtl: 3, gapLimit: 2 }),
    );
    expect(shortened(result)).toEqual([`3 ${R3} 2/2`, `4 ${TARGET} 2/2`]);
    expect(setting.kernel.sent.map(({ ttl }) => ttl)).toEqual([3, 4, 5, 3, 4]);
  });

  test("that gets shorter loses its far hops", async () => {
    const path = new FakePath(R1, R2, R3, R4, {});
    const setting = scene(path);
    const { items } = setting.watch(setting.client.mtr(TARGET, { count: 6, interval: 100 }));
    await setting.clock.advance(250);
    path.hops = [R5, {}];
    await setting.clock.advance(5000);
    expect(items.map(({ hops }) => hops.length)).toEqual([5, 5, 5, 2, 2, 2]);
    expect(shortened(items[5]?.hops ?? [])).toEqual([`1 ${R5} 6/6`, `2 ${TARGET} 6/6`]);
    expect(
      items[5]?.hops[0]?.addresses.map(({ addr, statistics }) => [addr, statistics.received]),
    ).toEqual([
      [R1, 3],
      [R5, 3],
    ]);
    const byTime = ttlsByTime(setting);
    expect([byTime.get(200), byTime.get(300), byTime.get(400)]).toEqual([
      upTo(5),
      upTo(5),
      upTo(2),
    ]);
  });

  test("that gets longer is searched again", async () => {
    const path = new FakePath(R1, {});
    const setting = scene(path);
    const { items } = setting.watch(
      setting.client.mtr(TARGET, { count: 6, interval: 100, gapLimit: 2 }),
    );
    await setting.clock.advance(250);
    path.hops = [R1, R2, R3, R4, {}];
    await setting.clock.advance(5000);
    expect(items.map(({ hops }) => hops.length)).toEqual([2, 2, 2, 2, 5, 5]);
    expect(items.at(-1)?.hops.map(({ addr }) => addr)).toEqual([R1, R2, R3, R4, TARGET]);
    expect(ttlsByTime(setting).get(500)).toEqual(upTo(5));
  });

  test("that gets longer after it got shorter is not searched as far as it once was", async () => {
    const path = new FakePath(R1, R2, R3, R4, {});
    const setting = scene(path);
    const run = setting.client.mtr(TARGET, { count: 6, interval: 100, gapLimit: 1 });
    void run.then(() => {});
    await setting.clock.advance(150);
    path.hops = [R1, {}];
    await setting.clock.advance(200);
    path.hops = [R1, R2, null];
    await setting.outcome(run);
    const byTime = ttlsByTime(setting);
    expect([byTime.get(300), byTime.get(400)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(byTime.get(500)).toEqual([1, 2, 3]);
  });

  test("is not learned from late answers", async () => {
    const setting = scene(new FakePath(R1, { delays: 150 }));
    const { client, outcome } = setting;
    const result = await outcome(
      client.mtr(TARGET, { count: 3, interval: 200, timeout: 100, maxHops: 3 }),
    );
    expect([result.reached, result.hops.length]).toEqual([false, 3]);
    expect(result.hops[1]?.statistics).toMatchObject({ sent: 3, lost: 3, late: 2 });
  });

  test("that ends at a router which calls the target unreachable is not probed beyond it", async () => {
    const path = new FakePath(R1, R2, { from: R3, says: 1 });
    const setting = scene(path);
    const { items, ended } = setting.watch(setting.client.mtr(TARGET, { count: 4, interval: 100 }));
    await setting.clock.advance(150);
    expect(shortened(items[1]?.hops ?? [])).toEqual([`1 ${R1} 2/2`, `2 ${R2} 2/2`, `3 ${R3} 2/2`]);
    expect(items.map(({ reached }) => reached)).toEqual([false, false]);
    // The route is back: that router now passes probes on.
    path.hops = [R1, R2, R3, {}];
    await setting.clock.advance(5000);
    expect(await ended).toBeUndefined();
    expect(items.map(({ reached, hops }) => [reached, hops.length])).toEqual([
      [false, 3],
      [false, 3],
      [false, 3],
      [true, 4],
    ]);
    expect(ttlsByTime(setting).get(100)).toEqual([1, 2, 3]);
  });

  test("that is cut off for a while has the figures of its far hops again afterwards", async () => {
    const path = new FakePath(R1, R2, null, R4, {});
    const setting = scene(path);
    const options = { count: 9, interval: 100, timeout: 90 };
    const { items } = setting.watch(setting.client.mtr(TARGET, options));
    await setting.clock.advance(250);
    expect(items[1]?.end).toEqual({ ttl: 5, reason: "target" });
    // It answers every probe that would go beyond it, so that three answers of it come at once.
    path.hops = [R1, { from: R2, says: 1 }];
    await setting.clock.advance(300);
    expect(items[3]?.end).toEqual({ ttl: 2, reason: "unreachable" });
    expect(shortened(items[4]?.hops ?? [])).toEqual([`1 ${R1} 5/5`, `2 ${R2} 5/5`]);
    path.hops = [R1, R2, null, R4, {}];
    await setting.clock.advance(5000);
    // The round that found the way open had not asked beyond it.
    expect(shortened(items[8]?.hops ?? [])).toEqual([
      `1 ${R1} 9/9`,
      `2 ${R2} 9/9`,
      "3 * 0/5",
      `4 ${R4} 5/5`,
      `5 ${TARGET} 5/5`,
    ]);
    expect(items[8]?.end).toEqual({ ttl: 5, reason: "target" });
    for (const { statistics } of items[8] ?? []) expect(statistics.inFlight).toBe(0);
  });

  test("ends at the target, even if a router had said so at that hop", async () => {
    const path = new FakePath(R1, { from: R2, says: 1 });
    const setting = scene(path);
    const { items } = setting.watch(setting.client.mtr(TARGET, { count: 4, interval: 100 }));
    await setting.clock.advance(150);
    expect(items[1]).toMatchObject({ reached: false, end: { ttl: 2, reason: "unreachable" } });
    path.hops = [R1, {}];
    await setting.clock.advance(5000);
    expect(items[3]).toMatchObject({ reached: true, end: { ttl: 2, reason: "target" } });
  });

  test("is reached when the target itself says port unreachable", async () => {
    const { client, outcome } = scene(new FakePath(R1, { says: "port" }));
    expect(await outcome(client.mtr(TARGET, { count: 1 }))).toMatchObject({ reached: true });
  });
});
