import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { MultipingItem } from "../../../src/client/strategies/multiping.ts";
import { RawSocketPermissionError, SystemError } from "../../../src/errors.ts";
import { FakePath } from "../../support/fake-path.ts";
import { expectClosed, type Scene, scene, tick } from "../support.ts";

const { EHOSTUNREACH } = constants.errno;

/** `count` addresses of IPv4: 10.1.0.0, 10.1.0.1, ... */
function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
}

const ONE = "198.51.100.1";
const TWO = "198.51.100.2";
const SIX = "2001:db8:1::1";
const QUICK = { count: 2, interval: 100, timeout: 50 };

function shortened(items: Iterable<MultipingItem>): string[] {
  return Array.from(items, (item) =>
    item.kind === "targetFailure"
      ? `${item.target} failed ${item.error}`
      : `${item.target} ${item.request.number} ${item.error ?? item.rtt}`,
  );
}

/** Milliseconds of each send to `destination` since the first send of all. */
function sentTo({ kernel, sentAtMs }: Scene, destination: string): number[] {
  const times = sentAtMs();
  return kernel.sent.flatMap((probe, index) =>
    probe.destination === destination ? [times[index] ?? Number.NaN] : [],
  );
}

describe("multiping() schedule", () => {
  test("spreads the first sends over the interval, at most 10 ms apart", async () => {
    const cases: readonly [targets: number, interval: number, gap: number][] = [
      [4, 1000, 10],
      [10, 50, 5],
      [4, 40, 10],
      [8, 4, 0.5],
    ];
    for (const [targets, interval, gap] of cases) {
      const setting = scene(new FakePath({ delays: 2 }));
      // The socket is open and settled by now: it would let the first few wait.
      await setting.outcome(setting.client.probe(ONE));
      setting.kernel.sent.length = 0;
      await setting.outcome(
        setting.client.multiping(addresses(targets), { count: 1, interval, timeout: 50 }),
      );
      expect(setting.kernel.sent.map(({ destination }) => destination)).toEqual(addresses(targets));
      expect(setting.sentAtMs()).toEqual(
        Array.from({ length: targets }, (_, index) => index * gap),
      );
    }
  });

  test("keeps each target on its own beat", async () => {
    const setting = scene(new FakePath({ delays: 2 }));
    await setting.outcome(
      setting.client.multiping(addresses(3), { count: 3, interval: 100, timeout: 50 }),
    );
    expect(sentTo(setting, "10.1.0.0")).toEqual([0, 100, 200]);
    expect(sentTo(setting, "10.1.0.1")).toEqual([10, 110, 210]);
    expect(sentTo(setting, "10.1.0.2")).toEqual([20, 120, 220]);
  });

  test("sends to many targets in groups of 50, 10 to 50 ms or a tenth of the interval apart, without drift", async () => {
    const cases: readonly [targets: number, interval: number, tick: number][] = [
      [1000, 1000, 50],
      [2000, 1000, 25],
      [600, 100, 10],
      [250, 1000, 50],
      [150, 700, 50],
      [500, 20, 2],
    ];
    for (const [targets, interval, tick] of cases) {
      const setting = scene(new FakePath({ delays: 2 }));
      await setting.outcome(
        setting.client.multiping(addresses(targets), { count: 4, interval, timeout: interval }),
      );
      const sends = new Map<number, number>();
      const [first, ...later] = setting.kernel.sent.map(({ sentAtNs }) => sentAtNs / 1e6);
      expect(later).toHaveLength(4 * targets - 1);
      for (const atMs of later) sends.set(atMs, (sends.get(atMs) ?? 0) + 1);
      // But for the first probes, at once, all leave at the ends of ticks, and as many in one as in
      // another.
      const onTicks = [...sends].filter(([atMs]) => atMs !== first);
      expect(onTicks.every(([atMs]) => Number.isInteger(atMs / tick))).toBe(true);
      const most = Math.max(...onTicks.map(([, count]) => count));
      expect(most).toBeLessThanOrEqual(Math.ceil((targets / interval) * tick));
      // The second, third and fourth probe of a target follow each other by the interval.
      for (const address of [0, 1, targets >> 1, targets - 1].map(
        (index) => addresses(targets)[index] ?? "",
      )) {
        const [, second = 0, third = 0, fourth = 0] = sentTo(setting, address);
        expect([third - second, fourth - third].map((ms) => +ms.toFixed(6))).toEqual([
          interval,
          interval,
        ]);
      }
    }
  });

  test("sends what an Ethernet frame has no room for one by one, as its answers may not fit the receive queue together", async () => {
    const cases: readonly [size: number, most: number][] = [
      [1472, 50],
      [1473, 1],
    ];
    for (const [size, most] of cases) {
      const setting = scene(new FakePath({ delays: 2 }));
      await setting.outcome(
        setting.client.multiping(addresses(1000), { count: 2, interval: 1000, size }),
      );
      const sends = Map.groupBy(setting.kernel.sent, ({ sentAtNs }) => sentAtNs);
      expect(Math.max(...[...sends.values()].map(({ length }) => length))).toBe(most);
    }
  });

  test("keeps targets apart that began late together, or were held up together", async () => {
    const setting = scene(new FakePath({ delays: 2 }));
    const targets = addresses(50);
    const run = setting.client.multiping(targets, { count: 6, interval: 1000, timeout: 500 });
    void run.then(() => {});
    await setting.clock.advance(5);
    setting.clock.block(300);
    await setting.clock.advance(1500);
    setting.clock.block(2345);
    await setting.outcome(run);
    // The second and the last probe of each: after either block all that was late left at once.
    for (const place of [1, -1]) {
      const phases = targets.map(
        (target) => (sentTo(setting, target).at(place) ?? Number.NaN) % 1000,
      );
      expect(phases).toEqual(targets.map((_, index) => index * 10));
    }
  });

  test("lets a target that begins more than half an interval late have a beat of its own", async () => {
    const setting = scene({ ...new FakePath({ delays: 2 }), hosts: {} });
    setting.dns.lookup = (host) =>
      new Promise((resolve) => {
        const [, delayMs] = /^slow(\d+)/.exec(host) ?? [];
        const address = delayMs === "400" ? ONE : TWO;
        setting.clock.schedule(Number(delayMs) * 1e6, () => resolve([{ address, family: 4 }]));
      });
    const hosts = ["10.9.9.9", "slow400.example", "slow700.example"];
    await setting.outcome(
      setting.client.multiping(hosts, { count: 3, interval: 1000, timeout: 500 }),
    );
    expect(sentTo(setting, "10.9.9.9")).toEqual([0, 1000, 2000]);
    // The socket had settled 1 ms after the lookups began.
    expect(sentTo(setting, ONE)).toEqual([399, 1010, 2010]);
    expect(sentTo(setting, TWO)).toEqual([699, 1699, 2699]);
  });

  test("with interval 0 waits for each target's answers on its own", async () => {
    const setting = scene({
      network: (probe) =>
        new FakePath({ delays: probe.destination === ONE ? 5 : 20 }).network(probe),
    });
    await setting.outcome(setting.client.multiping([ONE, TWO], { count: 3, interval: 0 }));
    expect(sentTo(setting, ONE)).toEqual([0, 5, 10]);
    expect(sentTo(setting, TWO)).toEqual([0, 20, 40]);
  });

  test("begins with the first await or iteration", async () => {
    const { client, clock, kernel, dns } = scene();
    client.multiping([ONE, "name.example"])[Symbol.asyncIterator]();
    await clock.advance(1000);
    expect([kernel.calls, dns.lookups]).toEqual([[], []]);
  });
});

describe("multiping() results", () => {
  test("are apart for each target, in the order given", async () => {
    const setting = scene({
      network: (probe) =>
        new FakePath({ delays: probe.destination === ONE ? 5 : [[7, 8]] }).network(probe),
    });
    setting.kernel.failSendsTo("198.51.100.3", EHOSTUNREACH);
    const targets = [ONE, TWO, "198.51.100.3"];
    const run = setting.client.multiping(targets, QUICK);
    const { items, ended } = setting.watch(run);
    const result = await setting.outcome(run);
    await tick();
    expect(await ended).toBeUndefined();
    expect([...result]).toEqual([...result.targets]);
    expect(
      result.targets.map(({ target, resolved, family, failure }) => [
        target,
        resolved,
        family,
        failure,
      ]),
    ).toEqual(targets.map((target) => [target, target, 4, null]));
    expect(
      result.targets.map(({ statistics: { sent, received, mean } }) => [sent, received, mean]),
    ).toEqual([
      [2, 2, 5],
      [2, 2, 7],
      [2, 0, null],
    ]);
    expect(
      result.targets.map(({ statistics: { duplicates, sendErrors, loss } }) => [
        duplicates,
        sendErrors,
        loss,
      ]),
    ).toEqual([
      [0, 0, 0],
      // The run of a target ends with its last answer: nobody hears of the copy of that.
      [1, 0, 0],
      [0, 2, 1],
    ]);
    expect(result.targets.map((target) => [...target].length)).toEqual([2, 3, 2]);
    expect(shortened(result.targets[2] ?? [])).toEqual(
      [1, 2].map((n) => `198.51.100.3 ${n} EHOSTUNREACH`),
    );
    const all = result.targets.flatMap(({ results }) => results);
    expect(shortened(items).toSorted()).toEqual(shortened(all).toSorted());
  });

  test("have a failure with its cause for a bad name, and the others go on", async () => {
    const hosts = { "good.example": [{ address: "203.0.113.9", family: 4 }] };
    const { client, outcome, watch } = scene({ ...new FakePath({ delays: 5 }), hosts });
    const run = client.multiping([ONE, "bad.example", "127.1", "good.example"], QUICK);
    const { items } = watch(run);
    const { targets } = await outcome(run);
    await tick();
    expect(
      targets.map(({ resolved, statistics, failure }) => [
        resolved,
        statistics.received,
        failure?.error,
      ]),
    ).toEqual([
      [ONE, 2, undefined],
      [null, 0, "ENOTFOUND"],
      [null, 0, "ERR_INVALID_HOST"],
      ["203.0.113.9", 2, undefined],
    ]);
    expect(targets[1]).toMatchObject({
      family: null,
      results: [],
      failure: { kind: "targetFailure", target: "bad.example" },
      statistics: { sent: 0, loss: null, mean: null },
    });
    expect(targets[1]?.failure?.message).toBe(
      'Cannot resolve "bad.example": no such name (ENOTFOUND)',
    );
    expect(items.filter(({ kind }) => kind === "targetFailure")).toHaveLength(2);
    expect(targets[3]?.results[0]?.request).toMatchObject({
      hostname: "good.example",
      addr: "203.0.113.9",
    });
    expect(JSON.parse(JSON.stringify(targets[1]))).toMatchObject({
      failure: { error: "ENOTFOUND" },
    });
  });

  test("have a failure for what the interface does not lead to, and the others go on", async () => {
    const { client, outcome } = scene({ ...new FakePath({ delays: 5 }), interfaces: { lo: 1 } });
    const targets = ["127.0.0.1", "fe80::1%nosuch0", ONE, "fe80::1%1"];
    const result = await outcome(client.multiping(targets, { ...QUICK, interface: "lo" }));
    expect(result.targets.map(({ failure }) => failure?.error)).toEqual([
      undefined,
      "ENODEV",
      "ENETUNREACH",
      "ENETUNREACH",
    ]);
    expect(result.targets[2]?.failure?.message).toBe(
      `Cannot probe "${ONE}": interface lo leads to addresses of this host only`,
    );
  });

  test("have a failure for a family that the kernel lacks, and the others go on", async () => {
    const { client, outcome } = scene({ ...new FakePath({ delays: 5 }), families: [4] });
    const { targets } = await outcome(client.multiping([SIX, ONE], QUICK));
    expect(targets.map(({ statistics, failure }) => [statistics.received, failure?.error])).toEqual(
      [
        [0, "EAFNOSUPPORT"],
        [2, undefined],
      ],
    );
  });

  test("are all failures when no name resolves", async () => {
    const setting = scene();
    const { targets } = await setting.outcome(setting.client.multiping(["a.example", "b.example"]));
    expect(targets.map(({ failure }) => failure?.error)).toEqual(["ENOTFOUND", "ENOTFOUND"]);
    expect(setting.kernel.openedDescriptors).toBe(0);
  });

  test("of repeated targets are apart", async () => {
    const { client, kernel, outcome } = scene(new FakePath({ delays: 5 }));
    const { targets } = await outcome(client.multiping([ONE, ONE], QUICK));
    expect(kernel.sent).toHaveLength(4);
    expect(targets.map((target) => shortened(target))).toEqual(
      Array(2).fill([`${ONE} 1 5`, `${ONE} 2 5`]),
    );
  });

  test("of no target are none, at once", async () => {
    const { client, kernel, outcome } = scene();
    for (const count of [4, Number.POSITIVE_INFINITY]) {
      expect([...(await outcome(client.multiping([], { count })))]).toEqual([]);
    }
    expect(kernel.calls).toEqual([]);
  });

  test("of 5,000 targets come over one socket, and leave by one", async () => {
    const targets = addresses(5000);
    const { client, kernel, outcome, timers } = scene(new FakePath({ delays: [[3], [], [4]] }));
    const result = await outcome(
      client.multiping(targets, { count: 1, interval: 1000, timeout: 100 }),
    );
    expect(kernel.openedDescriptors).toBe(2);
    expect(result.targets.map(({ target }) => target)).toEqual(targets);
    const received = result.targets.reduce((sum, { statistics }) => sum + statistics.received, 0);
    const lost = result.targets.reduce((sum, { statistics }) => sum + statistics.lost, 0);
    expect([received, lost]).toEqual([3333, 1667]);
    expect(timers()).toBe(0);
  });
});

describe("multiping() sockets", () => {
  test("are one for each family, and one to send by for raw IPv4", async () => {
    const { client, kernel, outcome } = scene(new FakePath({ delays: 5 }));
    const { targets } = await outcome(client.multiping([ONE, SIX, TWO, "2001:db8:1::2"], QUICK));
    expect(kernel.openedDescriptors).toBe(3);
    expect(targets.map(({ family, statistics }) => [family, statistics.received])).toEqual([
      [4, 2],
      [6, 2],
      [4, 2],
      [6, 2],
    ]);
  });

  test("that nobody may open end the run", async () => {
    const setting = scene({ allowRaw: false, allowDatagram: false });
    const run = setting.client.multiping([ONE, TWO, "bad.example"]);
    const { ended } = setting.watch(run);
    const error = await setting.failure(run);
    expect(error).toBeInstanceOf(RawSocketPermissionError);
    expect(await ended).toBe(error);
    expectClosed(setting);
  });

  test("for which no descriptor is left end the run", async () => {
    const setting = scene({ maxDescriptors: 0 });
    const error = await setting.failure(setting.client.multiping([ONE, TWO]));
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ code: "EMFILE" });
    expectClosed(setting);
  });

  test("by an interface that does not exist end the run", async () => {
    const { client, failure, kernel } = scene();
    expect(await failure(client.multiping([ONE], { interface: "eth9" }))).toEqual(
      new RangeError('Option "interface" is "eth9": this host has no such interface'),
    );
    expect(kernel.sent).toEqual([]);
  });
});

describe("multiping() names", () => {
  test("that are slow delay nobody else, however many", async () => {
    for (const slow of [1, 15, 40]) {
      const hosts = { "quick.example": [{ address: TWO, family: 4 }] };
      const setting = scene({ ...new FakePath({ delays: 5 }), hosts });
      const { client, dns, clock } = setting;
      const lookup = dns.lookup.bind(dns);
      dns.lookup = (host, family) =>
        host.startsWith("slow") ? new Promise(() => {}) : lookup(host, family);
      const names = Array.from({ length: slow }, (_, index) => `slow${index}.example`);
      // A name may have to wait for one of the 16 lookups, an address for none.
      const others = slow < 16 ? ["quick.example", ONE] : [ONE];
      const run = client.multiping([...names, ...others], QUICK);
      const { items, ended } = setting.watch(run);
      await clock.advance(5000);
      const resolvedAs = others.map((other) => (other === ONE ? ONE : TWO));
      for (const address of resolvedAs) expect(sentTo(setting, address)).toHaveLength(2);
      expect(items).toHaveLength(2 * others.length);
      run.stop();
      expect(await ended).toBeUndefined();
      const { targets } = await run;
      expect(
        targets
          .slice(0, slow)
          .every(({ resolved, failure }) => resolved === null && failure === null),
      ).toBe(true);
      expect(setting.timers()).toBe(0);
    }
  });

  test("are looked up at most 16 at a time", async () => {
    const { client, dns, clock } = scene(new FakePath({ delays: 5 }));
    const answers: (() => void)[] = [];
    let most = 0;
    let open = 0;
    dns.lookup = () => {
      most = Math.max(most, ++open);
      return new Promise((resolve) => {
        answers.push(() => {
          open -= 1;
          resolve([{ address: ONE, family: 4 }]);
        });
      });
    };
    const run = client.multiping(
      Array.from({ length: 100 }, (_, index) => `h${index}.example`),
      { count: 1 },
    );
    void run.then(() => {});
    for (let round = 0; round < 30; round++) {
      await clock.advance(10);
      for (const answer of answers.splice(0)) answer();
    }
    await clock.advance(5000);
    expect(most).toBe(16);
    expect((await run).targets.every(({ statistics }) => statistics.received === 1)).toBe(true);
  });
});

describe("multiping() ends early", () => {
  const endless = { count: Number.POSITIVE_INFINITY, interval: 100 };

  test("when the loop is left", async () => {
    const setting = scene(new FakePath({ delays: 5 }));
    const run = setting.client.multiping([ONE, TWO], endless);
    let seen = 0;
    const loop = (async () => {
      for await (const _ of run) if (++seen === 50) break;
    })();
    await setting.clock.advance(10_000);
    await loop;
    const { targets } = await run;
    expect(targets.map(({ results, statistics }) => [results.length, statistics.received])).toEqual(
      [
        [0, 25],
        [0, 25],
      ],
    );
    expect(setting.timers()).toBe(0);
  });

  test("with the reason of the aborted signal, names under way included", async () => {
    const setting = scene(new FakePath({ delays: 5 }));
    setting.dns.lookup = () => new Promise(() => {});
    const controller = new AbortController();
    const run = setting.client.multiping([ONE, "slow.example"], {
      ...endless,
      signal: controller.signal,
    });
    const { items, ended } = setting.watch(run);
    await setting.clock.advance(250);
    controller.abort("enough");
    expect(await ended).toBe("enough");
    expect(await setting.failure(run)).toBe("enough");
    expect(shortened(items)).toEqual([1, 2, 3].map((number) => `${ONE} ${number} 5`));
    expect(setting.timers()).toBe(0);
    await setting.clock.advance(5000);
    expect(setting.kernel.sent).toHaveLength(3);
  });

  test("before all targets have begun, without beginning them", async () => {
    const setting = scene(new FakePath({ delays: 5 }));
    const run = setting.client.multiping(addresses(500), { count: 3 });
    void run.then(() => {});
    await setting.clock.advance(50);
    run.stop();
    const { targets } = await run;
    expect(targets).toHaveLength(500);
    const sent = setting.kernel.sent.length;
    expect(sent).toBeWithin(2, 30);
    await setting.clock.advance(60_000);
    expect(setting.kernel.sent).toHaveLength(sent);
    expect(setting.timers()).toBe(0);
  });

  test("when onResult throws", async () => {
    const setting = scene(new FakePath({ delays: 5 }));
    const oops = new Error("oops");
    const onResult = (): void => {
      throw oops;
    };
    expect(await setting.failure(setting.client.multiping(addresses(100), { onResult }))).toBe(
      oops,
    );
    await setting.clock.advance(0);
    expect(setting.timers()).toBe(0);
    const sent = setting.kernel.sent.length;
    await setting.clock.advance(60_000);
    expect(setting.kernel.sent).toHaveLength(sent);
  });
});
