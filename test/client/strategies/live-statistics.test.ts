import { describe, expect, test } from "bun:test";
import type { Measurement } from "../../../src/client/run/measurement.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { RUNS, scene } from "../support.ts";

const TARGET = "198.51.100.1";
const [R1 = "", R2 = ""] = routers(2);

/** Two routers, then a target with these delays in ms, a row for each probe in turn. */
function target(...delays: readonly (readonly number[])[]): FakePath {
  return new FakePath(R1, R2, { delays });
}

describe.each(RUNS)("the statistics of %s", (_, begin) => {
  test("are plain data, another copy at each read, before, while and after it runs", async () => {
    const setting = scene(target([10], [20], []));
    const run: Measurement<unknown, unknown> = begin(setting.client);
    const check = () => {
      const { statistics } = run;
      expect(structuredClone(statistics)).toEqual(statistics);
      expect(JSON.parse(JSON.stringify(statistics))).toEqual(statistics);
      expect(run.statistics).toEqual(statistics);
      expect(run.statistics).not.toBe(statistics);
    };
    check();
    expect(setting.kernel.calls).toEqual([]);
    void run.then();
    await setting.clock.advance(15);
    check();
    await setting.outcome(run);
    check();
  });
});

describe("the statistics of a run", () => {
  test("of ping() and probe() are those of its result", async () => {
    const { client, clock, outcome } = scene(target([10], [], [30]));
    const run = client.ping(TARGET, { count: 3, interval: 100, timeout: 50 });
    expect(run.statistics).toMatchObject({ sent: 0, received: 0, loss: null, mean: null });
    void run.then();
    await clock.advance(105);
    expect(run.statistics).toMatchObject({ sent: 2, received: 1, lost: 0, inFlight: 1, mean: 10 });
    const result = await outcome(run);
    expect(run.statistics).toEqual(result.statistics);
    expect(run.statistics).toMatchObject({ sent: 3, received: 2, lost: 1, inFlight: 0, mean: 20 });
    const one = client.probe(TARGET);
    await outcome(one);
    expect(one.statistics).toMatchObject({ sent: 1, received: 1, last: 10 });
  });

  test("of multiping() are those of each target, in the order given", async () => {
    const { client, clock, outcome } = scene(target([10]));
    const hosts = ["198.51.100.9", "gone.example", TARGET, TARGET];
    const run = client.multiping(hosts, { count: 2, interval: 100 });
    const nothing = { resolved: null, family: null, duration: 0, failure: null };
    expect(run.statistics).toMatchObject(hosts.map((host) => ({ target: host, ...nothing })));
    void run.then();
    await clock.advance(21);
    expect(run.statistics.map(({ statistics }) => statistics.sent)).toEqual([1, 0, 1, 0]);
    expect(run.statistics[1]?.failure).toMatchObject({ error: "ENOTFOUND" });
    const result = await outcome(run);
    const kept = result.targets.map(({ results: _, [Symbol.iterator]: __, ...target }) => target);
    expect(run.statistics).toEqual(kept);
    expect(run.statistics.map(({ statistics }) => statistics.received)).toEqual([2, 0, 2, 2]);
  });

  test("of traceroute() tell of each hop, late and further answers too", async () => {
    const setting = scene(target([10], [], [12, 14], [130]));
    const { client, clock, outcome } = setting;
    const run = client.traceroute(TARGET, { probes: 4, timeout: 100 });
    const path = { target: TARGET, hops: [], reached: false };
    expect(run.statistics).toEqual({ ...path, resolved: null, family: null });
    void run.then();
    await clock.advance(7);
    expect(run.statistics).toMatchObject({ resolved: TARGET, family: 4, reached: false });
    expect(run.statistics.hops.slice(0, 2)).toMatchObject([
      { ttl: 1, addr: R1, statistics: { sent: 4, received: 4, inFlight: 0, mean: 5 } },
      { ttl: 2, addr: null, statistics: { sent: 4, received: 0, inFlight: 4, loss: null } },
    ]);
    await clock.advance(10);
    // The target answered: there is nothing beyond.
    expect(run.statistics.reached).toBe(true);
    expect(run.statistics.hops.map(({ ttl }) => ttl)).toEqual([1, 2, 3]);
    await outcome(run);
    expect(run.statistics.hops[2]).toMatchObject({
      addr: TARGET,
      statistics: { sent: 4, received: 2, lost: 2, duplicates: 1, late: 0, loss: 0.5 },
      addresses: [{ addr: TARGET, statistics: { received: 2 } }],
    });
  });

  test("of mtr() are those of its result, and of the round that goes on", async () => {
    const { client, clock, outcome } = scene(target([10], []));
    const run = client.mtr(TARGET, { count: 2, interval: 100, timeout: 50 });
    expect(run.statistics).toEqual({
      ...{ target: TARGET, resolved: null, family: null },
      ...{ rounds: 0, hops: [], reached: false, end: null },
    });
    void run.then();
    await clock.advance(105);
    expect(run.statistics).toMatchObject({
      ...{ resolved: TARGET, family: 4, rounds: 1 },
      ...{ reached: true, end: { ttl: 3, reason: "target" } },
    });
    expect(
      run.statistics.hops.map(({ statistics: { sent, inFlight } }) => [sent, inFlight]),
    ).toEqual(Array(3).fill([2, 1]));
    const {
      rounds,
      hops,
      reached,
      end,
      round: _,
      [Symbol.iterator]: __,
      ...rest
    } = await outcome(run);
    expect(run.statistics).toEqual({ rounds, hops, reached, end, ...rest });
    expect(run.statistics).toMatchObject({
      rounds: 2,
      hops: [{}, {}, { statistics: { lost: 1 } }],
    });
  });

  test("have the names that are known when they are read", async () => {
    for (const method of ["mtr", "traceroute"] as const) {
      const { client, clock, dns } = scene(target([10]));
      const run = client[method](TARGET, { resolveDns: true });
      void run[Symbol.asyncIterator]().next();
      await clock.advance(20);
      const names = () => run.statistics.hops.map(({ hostname }) => hostname);
      expect(names()).toEqual([null, null, null]);
      await dns.answer(R1, "one.example");
      expect(names()).toEqual(["one.example", null, null]);
      run.stop();
    }
  });

  test.each(["ping", "mtr", "traceroute"] as const)(
    "of %s() include the result that onResult is called with",
    async (method) => {
      const { client, outcome } = scene(target([10]));
      const seen: boolean[] = [];
      const run = client[method](TARGET, {
        ...(method === "traceroute" ? {} : { count: 3 }),
        onResult: ({ request }) => {
          const text = JSON.stringify(run.statistics);
          const counted = [...text.matchAll(/"sent":\d+,"received":(\d+)/g)];
          const answers = counted.reduce((sum, [, received]) => sum + Number(received), 0);
          seen.push(answers >= (method === "ping" ? request.number : 1));
        },
      });
      await outcome<unknown>(run);
      expect(seen.length).toBeGreaterThanOrEqual(3);
      expect(seen).not.toContain(false);
    },
  );
});
