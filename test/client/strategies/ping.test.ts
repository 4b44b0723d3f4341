import { describe, expect, test } from "bun:test";
import type { EchoResult } from "../../../src/client/results/results.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { scene, shortened } from "../support.ts";

const TARGET = "198.51.100.1";

/**
 * A target at the end of three routers, which answers after these milliseconds, one row for each
 * probe in turn.
 */
function target(...delays: readonly (readonly number[])[]): FakePath {
  return new FakePath(...routers(3), { delays });
}

describe("ping() schedule", () => {
  for (const kind of SOCKET_KINDS) {
    test(`sends at multiples of the interval, ${kind.name}`, async () => {
      const path = new FakePath({ delays: 7 });
      const { client, kernel, outcome, sentAtMs, nowMs } = scene(path, {
        privileged: kind.privileged,
      });
      const result = await outcome(client.ping(kind.target, { count: 5, interval: 250 }));
      expect(sentAtMs()).toEqual([0, 250, 500, 750, 1000]);
      expect(kernel.sent.every(({ destination }) => destination === kind.target)).toBe(true);
      expect(result).toMatchObject({
        target: kind.target,
        resolved: kind.target,
        family: kind.family,
      });
      expect(shortened(result)).toEqual(["1 7", "2 7", "3 7", "4 7", "5 7"]);
      expect(nowMs()).toBe(1 + 1000 + 7);
    });
  }

  test("does not wait for answers, and is not hurried by them", async () => {
    const { client, outcome, sentAtMs } = scene(target([], [1], [90]));
    await outcome(client.ping(TARGET, { count: 6, interval: 40, timeout: 500 }));
    expect(sentAtMs()).toEqual([0, 40, 80, 120, 160, 200]);
  });

  test("with interval 0 sends when the probe before is decided", async () => {
    const { client, outcome, sentAtMs } = scene(target([30], [], [1]));
    const result = await outcome(client.ping(TARGET, { count: 5, interval: 0, timeout: 100 }));
    expect(sentAtMs()).toEqual([0, 30, 130, 131, 161]);
    expect(shortened(result)).toEqual(["1 30", "2 timeout", "3 1", "4 30", "5 timeout"]);
  });

  test("sends nothing more once onResult has stopped it", async () => {
    const { client, kernel, outcome } = scene(target([12]));
    const run = client.ping(TARGET, {
      count: 5,
      interval: 0,
      onResult: ({ request }) => request.number === 2 && run.stop(),
    });
    const { statistics, results } = await outcome(run);
    expect(kernel.sent).toHaveLength(2);
    expect(results).toHaveLength(2);
    expect(statistics).toMatchObject({ sent: 2, received: 2, inFlight: 0 });
  });

  test("sends nothing more once onResult has thrown", async () => {
    const { client, kernel, failure } = scene(target([12]));
    const broken = new Error("broken");
    const onResult = () => {
      throw broken;
    };
    expect(await failure(client.ping(TARGET, { count: 5, interval: 0, onResult }))).toBe(broken);
    expect(kernel.sent).toHaveLength(1);
  });

  test("with count 1 sends once and ends with its answer", async () => {
    const setting = scene(target([12]));
    const result = await setting.outcome(setting.client.ping(TARGET, { count: 1 }));
    expect(shortened(result)).toEqual(["1 12"]);
    expect(setting.nowMs()).toBe(13);
    expect(setting.timers()).toBe(0);
  });

  test("begins with the first await or iteration", async () => {
    const { client, clock, kernel, outcome } = scene(target([12]));
    const awaited = client.ping(TARGET, { count: 1 });
    const iterator = client.ping(TARGET, { count: 1 })[Symbol.asyncIterator]();
    await clock.advance(60_000);
    expect(kernel.calls).toEqual([]);
    await outcome(awaited);
    expect(kernel.sent).toHaveLength(1);
    await outcome(iterator.next());
    expect(kernel.sent).toHaveLength(2);
  });

  test("makes good for a small delay", async () => {
    const { client, clock, outcome, sentAtMs } = scene(target([1]));
    const run = client.ping(TARGET, { count: 5, interval: 100 });
    void run.then(() => {});
    await clock.advance(50);
    clock.block(80);
    await outcome(run);
    expect(sentAtMs()).toEqual([0, 129, 200, 300, 400]);
  });

  test("leaves out what it missed in a long block, and keeps its beat", async () => {
    const { client, clock, outcome, sentAtMs } = scene(target([1]));
    const run = client.ping(TARGET, { count: 6, interval: 100 });
    void run.then(() => {});
    await clock.advance(150);
    clock.block(5000);
    await outcome(run);
    expect(sentAtMs()).toEqual([0, 100, 5149, 5200, 5300, 5400]);
  });

  test("with a short interval makes good for what it missed in at most 50 ms", async () => {
    const { client, clock, outcome, sentAtMs } = scene(target([1]));
    const run = client.ping(TARGET, { count: 12, interval: 10 });
    void run.then(() => {});
    await clock.advance(16);
    clock.block(30);
    await outcome(run);
    expect(sentAtMs()).toEqual([0, 10, 45, 45, 45, 50, 60, 70, 80, 90, 100, 110]);
  });

  test("goes on until the loop is left when the count is Infinity, and keeps no results", async () => {
    const setting = scene(target([20]));
    const { client, clock, kernel } = setting;
    const run = client.ping(TARGET, { count: Number.POSITIVE_INFINITY, interval: 100 });
    const seen: EchoResult[] = [];
    const loop = (async () => {
      for await (const result of run) {
        seen.push(result);
        if (seen.length === 25) break;
      }
    })();
    await clock.advance(60_000);
    await loop;
    expect(kernel.sent).toHaveLength(25);
    expect(shortened(seen)).toEqual(Array.from({ length: 25 }, (_, index) => `${index + 1} 20`));
    expect(setting.timers()).toBe(0);
    const result = await run;
    expect(result.results).toEqual([]);
    expect(result.statistics).toMatchObject({ sent: 25, received: 25, mean: 20 });
  });
});
