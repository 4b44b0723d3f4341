import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { EchoResult, MtrHop, MtrRound } from "../../../src/client/results/results.ts";
import { echoReply, timeExceeded } from "../../support/fake-network.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { fromHex } from "../../support/hex.ts";
import { expectClosed, type Scene, scene, tick } from "../support.ts";

const { ENETUNREACH } = constants.errno;
const TARGET = "198.51.100.1";
const [R1 = "", R2 = "", R3 = "", R4 = "", _R5 = ""] = routers(5);

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

describe("mtr()", () => {
  for (const kind of SOCKET_KINDS) {
    test(`measures every hop in each round, ${kind.name}`, async () => {
      const hops = routers(3, kind.family);
      const setting = scene(new FakePath(...hops, {}), { privileged: kind.privileged });
      const result = await setting.outcome(setting.client.mtr(kind.target, { count: 3 }));
      expect(result).toMatchObject({
        target: kind.target,
        resolved: kind.target,
        family: kind.family,
      });
      expect([result.round, result.rounds, result.reached]).toEqual([3, 3, true]);
      const expected = [...hops, kind.target].map((addr, index) => `${index + 1} ${addr} 3/3`);
      expect(shortened(result)).toEqual(expected);
      expect([...result]).toEqual([...result.hops]);
      expect(result.hops.map(({ statistics: { mean } }) => mean)).toEqual([5, 10, 15, 20]);
    });
  }

  test("tells the labels that each address answered last with", async () => {
    // One MPLS label stack entry (RFC 4950): label 16001, bottom of stack, TTL 1; checksum by hand.
    const extensions = fromHex("2000 ca0d 0008 01 01 03e81101");
    let labelled = 0;
    const { client, outcome } = scene({
      network: (probe) => {
        if (probe.ttl > 2) return [echoReply(probe)];
        if (probe.ttl === 2) return [timeExceeded(probe, { from: R2 })];
        labelled += 1;
        return [timeExceeded(probe, labelled === 2 ? { from: R1 } : { from: R1, extensions })];
      },
    });
    const labelsAfter = async (count: number) => {
      const { hops } = await outcome(client.mtr(TARGET, { count }));
      return hops.map(({ addresses }) => addresses.map((address) => address.extensions));
    };
    const stack = { kind: "mpls", labels: [{ label: 16001, bottomOfStack: true, ttl: 1 }] };
    expect(await labelsAfter(1)).toMatchObject([[[stack]], [[]], [[]]]);
    expect(await labelsAfter(1)).toEqual([[[]], [[]], [[]]]);
    expect(await labelsAfter(2)).toMatchObject([[[stack]], [[]], [[]]]);
  });

  test("begins a round each interval, and publishes them in order when they are decided", async () => {
    const setting = scene(new FakePath(R1, R2, {}));
    const run = setting.client.mtr(TARGET, { count: 4, interval: 100 });
    const { items, atMs, ended } = setting.watch(run);
    await setting.clock.advance(1000);
    expect(await ended).toBeUndefined();
    const byTime = ttlsByTime(setting);
    expect([...byTime.keys()].filter((ms) => ms % 100 === 0)).toEqual([0, 100, 200, 300]);
    for (const ms of [100, 200, 300]) expect(byTime.get(ms)).toEqual([1, 2, 3]);
    expect(items.map(({ round }) => round)).toEqual([1, 2, 3, 4]);
    expect(atMs).toEqual([16, 116, 216, 316]);
    expect(items.map(({ hops }) => shortened(hops)[2])).toEqual(
      upTo(4).map((n) => `3 ${TARGET} ${n}/${n}`),
    );
    expect(await run).toMatchObject({ round: 4, rounds: 4 });
  });

  test("with interval 0 begins a round when the one before is decided", async () => {
    const setting = scene(new FakePath(R1, { delays: [[20], [30], []] }));
    await setting.outcome(setting.client.mtr(TARGET, { count: 4, interval: 0, timeout: 80 }));
    const starts = [...ttlsByTime(setting)].filter(([, ttls]) => ttls[0] === 1).map(([ms]) => ms);
    expect(starts).toEqual([0, 20, 50, 130]);
  });

  test("with interval 0 leaves the event loop free while every send fails", async () => {
    const setting = scene();
    setting.kernel.failSendsTo(TARGET, ENETUNREACH);
    const run = setting.client.mtr(TARGET, { interval: 0, gapLimit: 2 });
    const { items, ended } = setting.watch(run);
    await setting.clock.advance(105);
    expect(items.length).toBeWithin(2, 15);
    expect(items[0]?.hops.map(({ statistics }) => statistics)).toMatchObject([
      { sent: 1, lost: 1, sendErrors: 1 },
      { sent: 1, lost: 1, sendErrors: 1 },
    ]);
    run.stop();
    await ended;
    await tick();
    expect(setting.timers()).toBe(0);
  });

  test("with interval 0 begins no round after onResult has stopped it", async () => {
    const setting = scene(new FakePath({ delays: 1 }));
    const run = setting.client.mtr(TARGET, {
      interval: 0,
      maxHops: 1,
      onResult: ({ request }) => request.number === 3 && run.stop(),
    });
    const { ended } = setting.watch(run);
    await setting.clock.advance(10);
    expect(await ended).toBeUndefined();
    expect(setting.kernel.sent).toHaveLength(3);
    expect(await run).toMatchObject({
      rounds: 3,
      hops: [{ statistics: { sent: 3, received: 3 } }],
    });
    expect(setting.timers()).toBe(0);
  });

  test("with interval 0 begins no round after onResult has thrown", async () => {
    const setting = scene(new FakePath({ delays: 1 }));
    const broken = new Error("broken");
    const onResult = () => {
      throw broken;
    };
    const { ended } = setting.watch(
      setting.client.mtr(TARGET, { interval: 0, maxHops: 1, onResult }),
    );
    await setting.clock.advance(10);
    expect(await ended).toBe(broken);
    expect(setting.kernel.sent).toHaveLength(1);
    expect(setting.timers()).toBe(0);
  });

  test("makes good for a small delay", async () => {
    const setting = scene(new FakePath({ delays: 1 }));
    const run = setting.client.mtr(TARGET, { count: 5, interval: 100, maxHops: 1 });
    void run.then(() => {});
    await setting.clock.advance(150);
    setting.clock.block(80);
    await setting.outcome(run);
    expect(setting.sentAtMs()).toEqual([0, 100, 229, 300, 400]);
  });

  test("restarts after a long block, without a burst of what was missed", async () => {
    const setting = scene(new FakePath({ delays: 1 }));
    const run = setting.client.mtr(TARGET, { count: 5, interval: 100, maxHops: 1 });
    void run.then(() => {});
    await setting.clock.advance(150);
    setting.clock.block(5000);
    await setting.outcome(run);
    expect(setting.sentAtMs()).toEqual([0, 100, 5149, 5249, 5349]);
  });

  test("begins with the first await or iteration, and endless only with the latter", async () => {
    const { client, clock, kernel, failure } = scene();
    client.mtr(TARGET)[Symbol.asyncIterator]();
    await clock.advance(1000);
    expect(await failure(client.mtr(TARGET))).toEqual(
      new TypeError("Cannot await an endless mtr: pass count, a signal, or iterate it"),
    );
    expect(kernel.calls).toEqual([]);
  });

  test("goes on until the loop is left when there is no count", async () => {
    const setting = scene(new FakePath(R1, {}));
    const run = setting.client.mtr(TARGET, { interval: 100 });
    let last: MtrRound | undefined;
    const loop = (async () => {
      for await (const round of run) {
        last = round;
        if (round.round === 25) break;
      }
    })();
    await setting.clock.advance(60_000);
    await loop;
    expect(shortened(last ?? [])).toEqual([`1 ${R1} 25/25`, `2 ${TARGET} 25/25`]);
    expect(setting.timers()).toBe(0);
    expect((await run).rounds).toBe(25);
  });
});

test("mtr() shows in each row who answered last, when a path gets longer for a moment", async () => {
  const four = [R1, R2, R3, {}];
  const path = new FakePath(...four);
  const { client, clock, watch } = scene(path);
  const rounds = watch(client.mtr(TARGET, { count: 9 }));
  const rows = async (seconds: number) => {
    await clock.advance(seconds * 1000);
    return rounds.items.at(-1)?.hops.map(({ addr }) => addr);
  };
  expect(await rows(3.5)).toEqual([R1, R2, R3, TARGET]);
  path.hops = [R1, "10.0.2.5", "10.0.3.5", R4, {}];
  expect(await rows(2)).toEqual([R1, "10.0.2.5", "10.0.3.5", R4, TARGET]);
  path.hops = four;
  expect(await rows(1)).toEqual([R1, R2, R3, TARGET]);
  await clock.advance(5000);
  await rounds.ended;
});

describe("mtr() statistics", () => {
  test("of hops and addresses agree with the results, recomputed from them", async () => {
    const path = new FakePath(
      { from: R1, delays: [[4], [], [6], [5, 7]] },
      { from: [R2, R3, R4], delays: [[11], [12], [13], [], [15]] },
      null,
      { delays: [[30], [21], [], [180], [25]] },
    );
    const heard: EchoResult[] = [];
    const setting = scene(path);
    const { hops } = await setting.outcome(
      setting.client.mtr(TARGET, {
        count: 30,
        interval: 200,
        timeout: 150,
        onResult: (item) => heard.push(item),
      }),
    );
    expect(hops.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
    for (const { ttl, addr, statistics, addresses } of hops) {
      const mine = heard.filter(({ request }) => request.ttl === ttl);
      const decisive = mine.filter(({ late, duplicate }) => !late && !duplicate);
      const answered = decisive.filter(({ reply }) => reply !== null);
      expect(statistics).toMatchObject({
        sent: decisive.length,
        inFlight: 0,
        duplicates: mine.filter(({ duplicate }) => duplicate).length,
        late: mine.filter(({ late }) => late).length,
        ...figures(answered),
        lost: decisive.length - answered.length,
      });
      expect(addr).toBe(answered.at(-1)?.reply?.addr ?? null);
      const byAddress = Object.groupBy(answered, ({ reply }) => reply?.addr ?? "");
      expect(addresses.map((entry) => entry.addr)).toEqual(Object.keys(byAddress));
      for (const entry of addresses) {
        const others = mine.filter(({ reply }) => reply?.addr === entry.addr);
        expect(entry.statistics).toMatchObject({
          duplicates: others.filter(({ duplicate }) => duplicate).length,
          late: others.filter(({ late }) => late).length,
          ...figures(byAddress[entry.addr] ?? []),
        });
      }
    }
    expect(hops.map(({ addresses }) => addresses.length)).toEqual([1, 3, 0, 1]);
    expect(hops[0]?.statistics.duplicates).toBeGreaterThan(5);
    expect(hops[3]?.statistics.late).toBeGreaterThan(4);
  });

  test("take probes in flight for neither received nor lost", async () => {
    // The second hop is silent: its probes stay in flight for five rounds.
    const setting = scene(new FakePath(R1, null, {}));
    const { items, ended } = setting.watch(
      setting.client.mtr(TARGET, { count: 8, interval: 100, timeout: 450 }),
    );
    await setting.clock.advance(5000);
    expect(await ended).toBeUndefined();
    expect(items.map(({ round }) => round)).toEqual(upTo(8));
    const silent = items.map(({ hops }) => hops[1]?.statistics);
    expect(
      silent.map((statistics) => [statistics?.sent, statistics?.lost, statistics?.inFlight]),
    ).toEqual([
      [5, 1, 4],
      [6, 2, 4],
      [7, 3, 4],
      [8, 4, 4],
      [8, 5, 3],
      [8, 6, 2],
      [8, 7, 1],
      [8, 8, 0],
    ]);
    expect(silent.every((statistics) => statistics?.loss === 1)).toBe(true);
    expect(items.map(({ hops }) => hops[0]?.statistics.loss)).toEqual(Array(8).fill(0));
  });

  test("do not blame the network for what found no room in the receive queue", async () => {
    const setting = scene({ ...new FakePath(R1, R2, R3, {}), queueLimit: 2 });
    const { client, clock, kernel, outcome } = setting;
    const run = client.mtr(TARGET, { count: 2, interval: 300, maxHops: 4 });
    void run.then(() => {});
    await clock.advance(1);
    expect(kernel.sent).toHaveLength(4);
    clock.block(100);
    const { hops } = await outcome(run);
    expect(
      hops.map(({ statistics: { received, lost, overflows, loss } }) => [
        received,
        lost,
        overflows,
        loss,
      ]),
    ).toEqual([
      [2, 0, 0, 0],
      [2, 0, 0, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 0],
    ]);
  });

  test("are those of the moment, though names keep the round waiting", async () => {
    const setting = scene(new FakePath(R1, {}));
    const options = { count: 6, interval: 100, timeout: 450, resolveDns: true };
    const { items, atMs } = setting.watch(setting.client.mtr(TARGET, options));
    await setting.clock.advance(5000);
    expect(atMs[0]).toBe(461);
    expect(items.map(({ hops }) => hops[0]?.statistics.sent)).toEqual(upTo(6));
  });

  test("are those of the moment: a round does not change any more", async () => {
    const setting = scene(new FakePath(R1, {}));
    const { items } = setting.watch(setting.client.mtr(TARGET, { count: 3, interval: 50 }));
    await setting.clock.advance(40);
    const before = structuredClone(items[0]?.hops);
    await setting.clock.advance(1000);
    expect(items).toHaveLength(3);
    expect(items[0]?.hops).toEqual(before);
    expect(JSON.parse(JSON.stringify(items[0]))).toMatchObject({
      round: 1,
      hops: [{ addr: R1 }, { addr: TARGET }],
    });
  });
});

describe("mtr() names", () => {
  test("fill in, and delay no probe", async () => {
    const setting = scene(new FakePath(R1, {}));
    const { client, clock, dns } = setting;
    const run = client.mtr(TARGET, { count: 4, interval: 1000, timeout: 300, resolveDns: true });
    const { items, atMs, ended } = setting.watch(run);
    await clock.advance(1500);
    expect(dns.reverses).toEqual([R1, TARGET]);
    await dns.answer(R1, "one.example");
    await dns.answer(TARGET, "target.example");
    await clock.advance(5000);
    expect(await ended).toBeUndefined();
    const names = items.map(({ hops }) => hops.map(({ hostname }) => hostname));
    expect(names).toEqual([
      [null, null],
      [null, null],
      ["one.example", "target.example"],
      ["one.example", "target.example"],
    ]);
    expect(items[2]?.hops[0]?.addresses[0]).toMatchObject({ addr: R1, hostname: "one.example" });
    // The first two waited for names in vain, for as long as the timeout.
    expect(atMs).toEqual([311, 1311, 2011, 3011]);
    expect([...ttlsByTime(setting).keys()].filter((ms) => ms % 1000 === 0)).toEqual([
      0, 1000, 2000, 3000,
    ]);
    expect((await run).hops.map(({ hostname }) => hostname)).toEqual([
      "one.example",
      "target.example",
    ]);
    expect(dns.reverses).toEqual([R1, TARGET]);
  });
});

describe("mtr() ends early", () => {
  test("with the rounds that are decided, when stopped or disposed", async () => {
    for (const end of ["stop", Symbol.asyncDispose] as const) {
      const setting = scene(new FakePath(R1, {}));
      const run = setting.client.mtr(TARGET, { count: 10, interval: 100 });
      const { items, ended } = setting.watch(run);
      await setting.clock.advance(208);
      void run[end]();
      const result = await run;
      expect(await ended).toBeUndefined();
      expect([result.rounds, result.round, items.length]).toEqual([2, 2, 2]);
      expect(setting.timers()).toBe(0);
      const sent = setting.kernel.sent.length;
      await setting.clock.advance(5000);
      expect(setting.kernel.sent).toHaveLength(sent);
    }
  });

  test("with the reason of the aborted signal, which also allows to await an endless one", async () => {
    const setting = scene(new FakePath(R1, {}));
    const controller = new AbortController();
    const run = setting.client.mtr(TARGET, { signal: controller.signal });
    const failed = run.then(
      () => "result",
      (error: unknown) => error,
    );
    await setting.clock.advance(3500);
    controller.abort("enough");
    expect(await failed).toBe("enough");
    await tick();
    expect(setting.timers()).toBe(0);
  });

  test("when onResult throws", async () => {
    const setting = scene(new FakePath(R1, {}));
    const oops = new Error("oops");
    const run = setting.client.mtr(TARGET, {
      count: 5,
      onResult: ({ request }) => {
        if (request.ttl === 2) throw oops;
      },
    });
    expect(await setting.failure(run)).toBe(oops);
    await setting.clock.advance(0);
    expect(setting.timers()).toBe(0);
    setting.client.close();
    expectClosed(setting);
  });
});

/** What statistics say of these answers, computed again. */
function figures(answers: readonly EchoResult[]): object {
  const rtts = answers.map(({ reply }) => reply?.rtt ?? Number.NaN);
  if (rtts.length === 0)
    return { received: 0, last: null, min: null, mean: null, max: null, stddev: null };
  const mean = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length;
  const variance = rtts.reduce((sum, rtt) => sum + (rtt - mean) ** 2, 0) / rtts.length;
  return {
    received: rtts.length,
    last: rtts.at(-1),
    min: Math.min(...rtts),
    mean: expect.closeTo(mean, 9),
    max: Math.max(...rtts),
    stddev: expect.closeTo(Math.sqrt(variance), 9),
  };
}
