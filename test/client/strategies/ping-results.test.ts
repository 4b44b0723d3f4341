import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { EchoResult } from "../../../src/client/results/results.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { expectClosed, scene, shortened, tick } from "../support.ts";

const { EHOSTUNREACH, ENETUNREACH } = constants.errno;
const TARGET = "198.51.100.1";

/**
 * A target at the end of three routers, which answers after these milliseconds, one row for each
 * probe in turn.
 */
function target(...delays: readonly (readonly number[])[]): FakePath {
  return new FakePath(...routers(3), { delays });
}

describe("ping() results", () => {
  test("are losses where nothing came in time", async () => {
    const { client, outcome } = scene(target([5], [], [8]));
    const result = await outcome(client.ping(TARGET, { count: 3, interval: 10, timeout: 200 }));
    expect(shortened(result)).toEqual(["1 5", "3 8", "2 timeout"]);
    expect(result.statistics).toMatchObject({
      sent: 3,
      received: 2,
      lost: 1,
      inFlight: 0,
      loss: 1 / 3,
    });
  });

  test("say of a loss that the receive queue had overflowed", async () => {
    const { client, clock, outcome } = scene({ ...target([20]), queueLimit: 1 });
    const run = client.ping(TARGET, { count: 3, interval: 10, timeout: 200 });
    void run.then(() => {});
    await clock.advance(12);
    clock.block(60);
    const { results, statistics } = await outcome(run);
    const lost = results.filter((result) => result.kind === "timeout");
    expect(lost.map(({ request, receiveOverflow }) => [request.number, receiveOverflow])).toEqual([
      [2, true],
    ]);
    expect(statistics).toMatchObject({ sent: 3, received: 2, lost: 1, overflows: 1, loss: 0 });
  });

  test("hold late answers and duplicates as further results", async () => {
    const { client, clock, watch } = scene(target([5, 6, 9], [150], [7]));
    const run = client.ping(TARGET, { count: 3, interval: 120, timeout: 100 });
    const { items, atMs, ended } = watch(run);
    await clock.advance(5000);
    await ended;
    expect(shortened(items)).toEqual(["1 5", "1 6 duplicate", "1 9 duplicate", "2 timeout", "3 7"]);
    expect(atMs).toEqual([6, 7, 10, 221, 248]);
    const { statistics } = await run;
    expect(statistics).toMatchObject({
      sent: 3,
      received: 2,
      lost: 1,
      duplicates: 2,
      late: 0,
      errors: 0,
    });
  });

  test("end with the last answer: a copy that is read along with it is not heard of", async () => {
    const heard: EchoResult[] = [];
    const { client, outcome } = scene(target([5, 5]));
    const result = await outcome(
      client.ping(TARGET, { count: 1, onResult: (item) => heard.push(item) }),
    );
    expect(shortened(result)).toEqual(["1 5"]);
    expect(heard).toHaveLength(1);
    expect(result.statistics.duplicates).toBe(0);
  });

  test("tell late ones apart from losses, as long as the run goes on", async () => {
    const { client, outcome } = scene(target([5], [150], [7], [8]));
    const result = await outcome(client.ping(TARGET, { count: 4, interval: 120, timeout: 100 }));
    expect(shortened(result)).toEqual(["1 5", "2 timeout", "3 7", "2 150 late", "4 8"]);
    expect(result.statistics).toMatchObject({
      sent: 4,
      received: 3,
      lost: 1,
      late: 1,
      last: 8,
      max: 8,
    });
  });

  test("tell answers that were overtaken", async () => {
    const { client, outcome } = scene(target([50], [5], [5]));
    const result = await outcome(client.ping(TARGET, { count: 3, interval: 10 }));
    expect(shortened(result)).toEqual(["2 5", "3 5", "1 50 reordered"]);
    expect(result.statistics).toMatchObject({ received: 3, reordered: 1 });
  });

  for (const kind of SOCKET_KINDS) {
    test(`hold ICMP errors, which count as losses, ${kind.name}`, async () => {
      const path = new FakePath({ from: kind.router, says: 0, delays: 9 });
      const { client, outcome } = scene(path, { privileged: kind.privileged });
      const result = await outcome(client.ping(kind.target, { count: 2, interval: 100 }));
      expect(shortened(result)).toEqual([
        "1 dest_unreachable(code=0)",
        "2 dest_unreachable(code=0)",
      ]);
      for (const { kind: kindOf, reply, rtt } of result) {
        expect([kindOf, reply?.addr, rtt]).toEqual(["icmpError", kind.router, 9]);
      }
      expect(result.statistics).toMatchObject({
        sent: 2,
        received: 0,
        lost: 2,
        errors: 2,
        loss: 1,
        mean: null,
      });
    });
  }

  test("hold sends that failed, and go on when the route is back", async () => {
    const { client, clock, kernel, outcome } = scene(target([5]));
    const run = client.ping(TARGET, { count: 5, interval: 100 });
    void run.then(() => {});
    await clock.advance(150);
    kernel.failSendsTo(TARGET, ENETUNREACH);
    await clock.advance(200);
    kernel.failSendsTo(TARGET, 0);
    const result = await outcome(run);
    expect(shortened(result)).toEqual(["1 5", "2 5", "3 ENETUNREACH", "4 ENETUNREACH", "5 5"]);
    expect(result.statistics).toMatchObject({
      sent: 5,
      received: 3,
      lost: 2,
      sendErrors: 2,
      errors: 0,
    });
    const failed = result.results[2];
    expect(failed).toMatchObject({ kind: "sendError", request: { sentPacket: null } });
  });

  for (const count of [40, Number.POSITIVE_INFINITY]) {
    test(`leave the event loop free while every send fails with interval 0, count ${count}`, async () => {
      const { client, clock, kernel, timers } = scene();
      kernel.failSendsTo(TARGET, EHOSTUNREACH);
      const run = client.ping(TARGET, { count, interval: 0 });
      let results = 0;
      void (async () => {
        for await (const _ of run) results += 1;
      })();
      await clock.advance(2);
      // The caller who wants to stop it must get a turn.
      expect(results).toBe(1);
      await clock.advance(100);
      expect(results).toBeWithin(2, 40);
      run.stop();
      await tick();
      expect(timers()).toBe(0);
    });
  }

  test("are the same for await, for iteration, and for both at once", async () => {
    const { client, clock, kernel, outcome, watch } = scene(target([5], [], [8], [3, 4]));
    const options = { count: 4, interval: 10, timeout: 50 };
    const run = client.ping(TARGET, options);
    const first = watch(run);
    const second = watch(run);
    const { results, statistics } = await outcome(run);
    const afterwards = watch(run);
    await clock.advance(1);
    expect(kernel.sent).toHaveLength(4);
    expect(shortened(results)).toEqual(["1 5", "3 8", "4 3", "4 4 duplicate", "2 timeout"]);
    for (const { items } of [first, second, afterwards]) expect(items).toEqual([...results]);
    for (const { ended } of [first, second, afterwards]) expect(await ended).toBeUndefined();
    expect([...(await run)]).toEqual([...results]);
    expect(statistics).toMatchObject({ sent: 4, received: 3, lost: 1, duplicates: 1 });
  });

  test("agree with the statistics, recomputed from them", async () => {
    const rows = Array.from({ length: 40 }, (_, index) => {
      if (index % 7 === 3) return [];
      const delay = 3 + ((index * 37) % 29);
      return index % 5 === 0 ? [delay, delay + 2] : [delay];
    });
    const { client, outcome } = scene(target(...rows));
    const result = await outcome(client.ping(TARGET, { count: 40, interval: 10, timeout: 100 }));
    const rtts = result.results
      .filter(({ kind, late, duplicate }) => kind === "reply" && !late && !duplicate)
      .map(({ rtt }) => rtt ?? Number.NaN);
    const mean = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length;
    const variance = rtts.reduce((sum, rtt) => sum + (rtt - mean) ** 2, 0) / rtts.length;
    const steps = rtts.slice(1).map((rtt, index) => Math.abs(rtt - (rtts[index] ?? Number.NaN)));
    const { statistics } = result;
    expect(statistics).toMatchObject({
      sent: 40,
      received: rtts.length,
      lost: rows.filter(({ length }) => length === 0).length,
      duplicates: result.results.filter(({ duplicate }) => duplicate).length,
      min: Math.min(...rtts),
      max: Math.max(...rtts),
    });
    expect(rtts.length).toBe(34);
    expect(statistics.mean).toBeCloseTo(mean, 9);
    expect(statistics.stddev).toBeCloseTo(Math.sqrt(variance), 9);
    expect(statistics.jitter).toBeCloseTo(
      steps.reduce((sum, step) => sum + step, 0) / steps.length,
      9,
    );
  });

  test("are plain data as JSON", async () => {
    const { client, outcome } = scene(target([5], []));
    const result = await outcome(
      client.ping(TARGET, { count: 2, interval: 10, timeout: 50, payload: "hi" }),
    );
    const copy = JSON.parse(JSON.stringify(result));
    expect(copy).toMatchObject({ target: TARGET, resolved: TARGET, family: 4 });
    expect(copy.statistics).toEqual(result.statistics);
    expect(copy.results[0]).toMatchObject({
      kind: "reply",
      error: null,
      rtt: 5,
      request: { number: 1, sentPacket: { packet: { payload: "6869" } } },
      reply: { addr: TARGET, receivedPacket: { icmpPacket: { payload: "6869" } } },
    });
    expect(copy.results[1]).toMatchObject({ kind: "timeout", error: "timeout", reply: null });
  });

  test("carry the names of those who answered, once they are known", async () => {
    const { client, clock, dns, watch } = scene(target([5]));
    const { items, ended } = watch(
      client.ping(TARGET, { count: 2, interval: 100, resolveDns: true }),
    );
    await clock.advance(50);
    expect(items).toEqual([]);
    await dns.answer(TARGET, "target.example");
    expect(items.map(({ reply }) => reply?.hostname)).toEqual(["target.example"]);
    await clock.advance(200);
    expect(await ended).toBeUndefined();
    expect(items.map(({ reply }) => reply?.hostname)).toEqual(["target.example", "target.example"]);
    expect(dns.reverses).toEqual([TARGET]);
  });

  test("wait for names that do not come no longer than for an answer, and delay no probe", async () => {
    const { client, sentAtMs, outcome, nowMs } = scene(target([5]));
    const run = client.ping(TARGET, { count: 3, interval: 100, timeout: 300, resolveDns: true });
    const { results } = await outcome(run);
    expect(sentAtMs()).toEqual([0, 100, 200]);
    expect(results.map(({ reply }) => reply?.hostname)).toEqual([null, null, null]);
    expect(nowMs()).toBe(1 + 200 + 5 + 300);
  });
});

describe("ping() onResult", () => {
  test("hears every result at its moment, before names are known", async () => {
    const { client, clock, nowMs } = scene(target([5], [], [8, 9]));
    const heard: [string, number][] = [];
    const onResult = (result: EchoResult): void => {
      heard.push([shortened([result])[0] ?? "", nowMs()]);
    };
    const run = client.ping(TARGET, {
      count: 4,
      interval: 20,
      timeout: 100,
      onResult,
      resolveDns: true,
    });
    void run.then(() => {});
    await clock.advance(500);
    expect(heard).toEqual([
      ["1 5", 6],
      ["3 8", 49],
      ["3 9 duplicate", 50],
      ["4 5", 66],
      ["2 timeout", 121],
    ]);
  });

  test("that throws ends the run with that error, and leaves nothing behind", async () => {
    const setting = scene(target([5]));
    const { client, kernel, clock } = setting;
    const oops = new Error("oops");
    const run = client.ping(TARGET, {
      count: 10,
      interval: 10,
      onResult: ({ request }) => {
        if (request.number === 3) throw oops;
      },
    });
    const { items, ended } = setting.watch(run);
    expect(await setting.failure(run)).toBe(oops);
    expect(await ended).toBe(oops);
    expect(shortened(items).slice(0, 2)).toEqual(["1 5", "2 5"]);
    expect(setting.timers()).toBe(0);
    await clock.advance(5000);
    expect(kernel.sent).toHaveLength(3);
    expect((await setting.outcome(client.ping(TARGET, { count: 1 }))).statistics.received).toBe(1);
    client.close();
    expectClosed(setting);
  });
});

describe("ping() ends early", () => {
  const options = { count: 10, interval: 100, timeout: 500 };

  test("with what it has, when stopped or disposed", async () => {
    for (const end of ["stop", Symbol.asyncDispose] as const) {
      const setting = scene(target([5], []));
      const run = setting.client.ping(TARGET, options);
      const { items, ended } = setting.watch(run);
      await setting.clock.advance(250);
      void run[end]();
      const { results, statistics } = await run;
      expect(await ended).toBeUndefined();
      expect(shortened(results)).toEqual(["1 5", "3 5"]);
      expect(items).toEqual([...results]);
      expect(statistics).toMatchObject({ sent: 3, received: 2, lost: 0, inFlight: 1, loss: 0 });
      expect(setting.timers()).toBe(0);
      await setting.clock.advance(5000);
      expect(setting.kernel.sent).toHaveLength(3);
    }
  });

  test("with the reason of the aborted signal", async () => {
    const setting = scene(target([5], []));
    const controller = new AbortController();
    const run = setting.client.ping(TARGET, { ...options, signal: controller.signal });
    const { items, ended } = setting.watch(run);
    void run.catch(() => {});
    await setting.clock.advance(250);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await setting.failure(run)).toBe(reason);
    expect(await ended).toBe(reason);
    expect(shortened(items)).toEqual(["1 5", "3 5"]);
    expect(setting.timers()).toBe(0);
  });

  test("before anything is opened, when the signal was aborted beforehand", async () => {
    const { client, kernel, failure } = scene();
    const signal = AbortSignal.abort("never");
    expect(await failure(client.ping(TARGET, { ...options, signal }))).toBe("never");
    expect(kernel.calls).toEqual([]);
  });

  test("before the first probe, when stopped while the socket settles", async () => {
    const { client, clock, kernel, timers } = scene(target([5]));
    const run = client.ping(TARGET, options);
    void run.then(() => {});
    await clock.advance(0.5);
    expect(kernel.openDescriptors).toBe(2);
    run.stop();
    expect((await run).statistics).toMatchObject({ sent: 0, loss: null });
    await clock.advance(5000);
    expect(kernel.sent).toEqual([]);
    expect(timers()).toBe(0);
  });

  test("while the name is looked up, when stopped: there is no address to report on", async () => {
    const { client, dns, kernel } = scene();
    dns.lookup = () => new Promise(() => {});
    const run = client.ping("slow.example", options);
    const awaited = run.then(
      () => "result",
      (error: unknown) => (error as Error).name,
    );
    await tick();
    run.stop();
    expect(await awaited).toBe("AbortError");
    expect(kernel.openedDescriptors).toBe(0);
  });
});

describe("probe()", () => {
  for (const kind of SOCKET_KINDS) {
    test(`gives the one result, awaited or iterated, ${kind.name}`, async () => {
      const path = new FakePath(kind.router, { delays: 7 });
      const { client, clock, kernel, outcome, watch } = scene(path, {
        privileged: kind.privileged,
      });
      const run = client.probe(kind.target);
      const { items, ended } = watch(run);
      const result = await outcome(run);
      expect(result).toMatchObject({
        kind: "reply",
        rtt: 7,
        request: { addr: kind.target, number: 1 },
      });
      await clock.advance(1);
      expect(await ended).toBeUndefined();
      expect(items).toEqual([result]);
      expect(await outcome(client.probe(kind.target, { ttl: 1 }))).toMatchObject({
        kind: "icmpError",
        error: "time_exceeded(code=0)",
        reply: { addr: kind.router },
        request: { ttl: 1 },
      });
      expect(kernel.sent).toHaveLength(2);
    });
  }

  test("gives timeouts and failed sends as results", async () => {
    const { client, kernel, outcome, nowMs } = scene();
    expect(await outcome(client.probe(TARGET, { timeout: 40 }))).toMatchObject({ kind: "timeout" });
    expect(nowMs()).toBe(41);
    kernel.failSendsTo(TARGET, EHOSTUNREACH);
    expect(await outcome(client.probe(TARGET))).toMatchObject({
      kind: "sendError",
      error: "EHOSTUNREACH",
    });
  });

  test("has no result when stopped before there is one", async () => {
    const { client, clock, timers } = scene();
    const run = client.probe(TARGET);
    const awaited = run.then(
      () => "result",
      (error: unknown) => (error as Error).name,
    );
    await clock.advance(50);
    run.stop();
    expect(await awaited).toBe("AbortError");
    expect(timers()).toBe(0);
  });
});
