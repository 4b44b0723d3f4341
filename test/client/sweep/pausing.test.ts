import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { scene } from "../support.ts";
import { shortHosts } from "./support.ts";

const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 10 })];
const silent: FakeNetwork = () => [];

describe("a paused sweep", () => {
  test("goes on at its rate, and makes up for nothing", async () => {
    const world = scene({ network: answering });
    const sweep = world.client.sweep("198.51.100.0/24", { rate: 1000 });
    void sweep.then();
    await world.clock.advance(100);
    sweep.pause();
    const sent = world.kernel.sent.length;
    expect(sent).toBeWithin(95, 106);
    await world.clock.advance(60_000);
    expect(world.kernel.sent).toHaveLength(sent);
    sweep.resume();
    expect(world.kernel.sent).toHaveLength(sent + 1);
    await world.clock.advance(50);
    expect(world.kernel.sent.length - sent).toBeWithin(45, 53);
    expect(await world.outcome(sweep)).toMatchObject({ hosts: 254, sent: 254, answered: 254 });
  });

  test("counts no time in its figures", async () => {
    const paused = scene({ network: answering });
    const plain = scene({ network: answering });
    const options = { rate: 1000, timeout: 50 };
    const one = paused.client.sweep("198.51.100.0/24", options);
    const other = plain.client.sweep("198.51.100.0/24", options);
    void one.then();
    await paused.clock.advance(100);
    one.pause();
    await paused.clock.advance(10_000);
    expect(one.statistics).toMatchObject({ elapsed: 100, rate: 0, inFlight: 0 });
    expect(one.statistics.remaining).toBeWithin(130, 170);
    one.resume();
    await paused.clock.advance(20);
    expect(one.progress.elapsed).toBe(120);
    expect(one.progress.rate).toBeWithin(900, 1100);
    const [result, expected] = [await paused.outcome(one), await plain.outcome(other)];
    expect(result.duration).toBeWithin(expected.duration - 5, expected.duration + 5);
    expect(result.rate).toBeWithin(0.95 * expected.rate, 1.05 * expected.rate);
    expect({ ...result, duration: 0, rate: 0, living: [...result.living] }).toEqual({
      ...{ ...expected, duration: 0, rate: 0 },
      living: [...expected.living] as never,
    });
  });

  test("asks no silent host again before it goes on", async () => {
    const world = scene({ network: silent });
    const sweep = world.client.sweep("198.51.100.0/30", { all: true, timeout: 100, retries: 2 });
    const { items, atMs } = world.watch(sweep);
    await world.clock.advance(50);
    sweep.pause();
    await world.clock.advance(5000);
    expect(world.kernel.sent).toHaveLength(2);
    expect(sweep.statistics).toMatchObject({ done: 0, inFlight: 2 });
    expect(world.timers()).toBe(0);
    sweep.resume();
    await world.clock.advance(160);
    expect(world.kernel.sent).toHaveLength(6);
    sweep.pause();
    // The last attempts are in flight, and have their time.
    await world.clock.advance(5000);
    expect(shortHosts(items)).toEqual(["198.51.100.1 timeout 3", "198.51.100.2 timeout 3"]);
    expect(atMs[0]).toBeWithin(5050 + 150 + 225, 5050 + 160 + 225 + 5);
    expect(await sweep).toMatchObject({ hosts: 2, sent: 6, silent: 2 });
  });

  test("takes an answer to a probe whose host was to be asked again", async () => {
    const world = scene({ network: (probe) => [echoReply(probe, { delayMs: 150 })] });
    const sweep = world.client.sweep("198.51.100.1", { timeout: 100, retries: 1 });
    const awaited = sweep.then((result) => result);
    await world.clock.advance(50);
    sweep.pause();
    expect(await world.outcome(awaited)).toMatchObject({ sent: 1, answered: 1 });
  });

  test("keeps what the kernel had no room for", async () => {
    const world = scene({ network: answering });
    world.kernel.failNext("sendmmsg", constants.errno.ENOBUFS, 3);
    const sweep = world.client.sweep("198.51.100.0/29", { timeout: 100, retries: 0 });
    void sweep.then();
    await world.clock.advance(2);
    sweep.pause();
    await world.clock.advance(5000);
    expect(world.kernel.sent).toEqual([]);
    expect(world.timers()).toBe(0);
    sweep.resume();
    expect(await world.outcome(sweep)).toMatchObject({ hosts: 6, sent: 6, answered: 6 });
  });

  test.each([1000, Number.POSITIVE_INFINITY])(
    "may be paused and resumed by the iterable of its targets, rate %p",
    async (rate) => {
      const world = scene({ network: answering });
      let sent = -1;
      const targets = function* () {
        for (let host = 1; host <= 20; host++) {
          if (host === 8) {
            sweep.pause();
            sent = world.kernel.sent.length;
          }
          if (host === 9) {
            sweep.pause();
            sweep.resume();
          }
          yield `198.51.100.${host}`;
        }
      };
      const sweep = world.client.sweep(targets(), { rate });
      const awaited = sweep.then((result) => result);
      await world.clock.advance(5000);
      expect(world.kernel.sent).toHaveLength(sent);
      expect(sweep.isPaused).toBe(true);
      sweep.resume();
      expect(await world.outcome(awaited)).toMatchObject({ hosts: 20, sent: 20, answered: 20 });
      expect(world.timers()).toBe(0);
    },
  );

  test("waits for targets that come later", async () => {
    const world = scene({ network: answering });
    const { promise: later, resolve: goOn } = Promise.withResolvers<void>();
    const sweep = world.client.sweep(
      (async function* () {
        await later;
        yield "198.51.100.1";
      })(),
    );
    const awaited = sweep.then((result) => result);
    await world.clock.advance(10);
    sweep.pause();
    goOn();
    await world.clock.advance(1000);
    expect(world.kernel.sent).toEqual([]);
    sweep.resume();
    expect(await world.outcome(awaited)).toMatchObject({ hosts: 1, answered: 1 });
  });
});
