import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type {
  EchoResult,
  StopReason,
  TracerouteEntry,
} from "../../../src/client/results/results.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { type Scene, scene } from "../support.ts";

const { ENETUNREACH } = constants.errno;
const TARGET = "198.51.100.1";
const [R1 = "", R2 = "", R3 = "", R4 = ""] = routers(4);

/**
 * "1 10.0.1.1 5 5 5" for each hop: its TTL, then each address with its RTTs. A silent hop is "1 *".
 */
function shortened(hops: Iterable<TracerouteEntry>): string[] {
  return Array.from(hops, ({ ttl, responders }) => {
    const answers = responders.map(({ addr, rtts }) => `${addr} ${rtts.join(" ")}`);
    return `${ttl} ${answers.join(", ") || "*"}`;
  });
}

function ttls({ kernel }: Scene): number[] {
  return kernel.sent.map(({ ttl }) => ttl);
}

/**
 * The most probes in flight at any time, from when they left and when their answers came or their
 * time was up.
 */
function mostInFlight({ kernel }: Scene, path: FakePath, timeoutMs: number): number {
  const changes = kernel.sent.flatMap(({ sentAtNs }, index) => {
    const sentMs = sentAtNs / 1e6 - 1000;
    const endMs = Math.min(
      path.answeredAtMs[index] ?? Number.POSITIVE_INFINITY,
      sentMs + timeoutMs,
    );
    return [
      { atMs: sentMs, change: 1 },
      { atMs: endMs, change: -1 },
    ];
  });
  // What lands at a moment makes room for what leaves at it.
  changes.sort((a, b) => a.atMs - b.atMs || a.change - b.change);
  let flying = 0;
  return Math.max(...changes.map(({ change }) => (flying += change)));
}

describe("traceroute()", () => {
  for (const kind of SOCKET_KINDS) {
    test(`finds the routers in order and ends at the target, ${kind.name}`, async () => {
      const hops = routers(3, kind.family);
      const path = new FakePath(...hops, {});
      const { client, kernel, outcome } = scene(path, { privileged: kind.privileged });
      const result = await outcome(client.traceroute(kind.target));
      expect(result).toMatchObject({
        target: kind.target,
        resolved: kind.target,
        family: kind.family,
      });
      expect([result.reached, result.stopReason]).toEqual([true, "target"]);
      expect(shortened(result)).toEqual([
        `1 ${hops[0]} 5 5 5`,
        `2 ${hops[1]} 10 10 10`,
        `3 ${hops[2]} 15 15 15`,
        `4 ${kind.target} 20 20 20`,
      ]);
      expect(result.hops.map(({ addr }) => addr)).toEqual([...hops, kind.target]);
      for (const { ttl, probes } of result.hops) {
        expect(probes.map(({ request }) => [request.ttl, request.number])).toEqual(
          [1, 2, 3].map((probe) => [ttl, (ttl - 1) * 3 + probe]),
        );
      }
      const sums = new Set(kernel.sent.map(({ data }) => new DataView(data.buffer).getUint16(2)));
      if (kind.family === 4) expect(sums.size).toBe(1);
    });
  }

  test("sends by TTL, as many at once as it may, and never more", async () => {
    for (const concurrency of [1, 2, 5, 16]) {
      const path = new FakePath(R1, null, { from: R3, delays: 70 }, R4, {
        delays: [[40], [], [3]],
      });
      const setting = scene(path);
      const run = setting.client.traceroute(TARGET, {
        concurrency,
        timeout: 100,
        probes: 4,
        gapLimit: 3,
      });
      const result = await setting.outcome(run);
      expect(result.stopReason).toBe("target");
      expect(ttls(setting)).toEqual(ttls(setting).toSorted((a, b) => a - b));
      expect(mostInFlight(setting, path, 100)).toBe(concurrency);
      if (concurrency === 1)
        expect(ttls(setting)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]);
      expect(result.hops.map(({ probes }) => probes.length)).toEqual([4, 4, 4, 4, 4]);
    }
  });

  test("sends the next probe as soon as one lands", async () => {
    const setting = scene(new FakePath(R1, R2, { delays: 30 }));
    await setting.outcome(setting.client.traceroute(TARGET, { concurrency: 2, probes: 1 }));
    // TTL 1 lands after 5 ms, TTL 2 after 10; the fourth probe is dropped when the target answers.
    expect(setting.sentAtMs()).toEqual([0, 0, 5, 10]);
    expect(ttls(setting)).toEqual([1, 2, 3, 4]);
  });

  test("sends more at once as answers come, so that a long path takes little more than its longest round trip", async () => {
    for (const length of [10, 30]) {
      const longest = 50;
      const hops = routers(length).map((from, index) => ({
        from,
        delays: (longest * (index + 1)) / length,
      }));
      const path = new FakePath(...hops.slice(0, -1), { delays: longest });
      const setting = scene(path);
      const { atMs, ended } = setting.watch(setting.client.traceroute(TARGET));
      await setting.clock.advance(1000);
      expect(await ended).toBeUndefined();
      expect(setting.sentAtMs().filter((ms) => ms === 0)).toHaveLength(16);
      expect(atMs).toHaveLength(length);
      expect(atMs.at(-1)).toBeLessThanOrEqual(1.2 * longest + 10);
    }
  });

  test("sends no more at once while nobody answers", async () => {
    const path = new FakePath(...Array<null>(29).fill(null), { delays: 5 });
    const setting = scene(path);
    const run = setting.client.traceroute(TARGET, { timeout: 100, gapLimit: 30 });
    expect((await setting.outcome(run)).stopReason).toBe("target");
    expect(mostInFlight(setting, path, 100)).toBe(16);
  });

  test("keeps silent hops and lost probes", async () => {
    const path = new FakePath(R1, null, { from: R3, delays: [[9], [], [11]] }, {});
    const { client, outcome } = scene(path);
    const result = await outcome(client.traceroute(TARGET));
    expect(shortened(result)).toEqual([
      `1 ${R1} 5 5 5`,
      "2 *",
      `3 ${R3} 9 11`,
      `4 ${TARGET} 20 20 20`,
    ]);
    expect(result.hops[1]).toMatchObject({ addr: null, hostname: null, responders: [] });
    expect(result.hops[1]?.probes.map(({ kind }) => kind)).toEqual([
      "timeout",
      "timeout",
      "timeout",
    ]);
    expect(result.hops[2]?.probes.map(({ kind }) => kind)).toEqual([
      "icmpError",
      "timeout",
      "icmpError",
    ]);
  });

  test("gives each responder of a hop its own RTTs", async () => {
    const path = new FakePath(R1, { from: [R2, R3], delays: [[4], [8], [6], [10]] }, {});
    const { client, outcome } = scene(path);
    const { hops } = await outcome(client.traceroute(TARGET, { probes: 4 }));
    expect(hops[1]?.responders).toEqual([
      { addr: R2, hostname: null, rtts: [4, 6] },
      { addr: R3, hostname: null, rtts: [8, 10] },
    ]);
    expect(hops[1]?.addr).toBe(R2);
  });

  test("lists the probes of a hop in the order sent, whatever the order of the answers", async () => {
    const path = new FakePath({ from: R1, delays: [[30], [20], [10]] }, {});
    const { client, outcome } = scene(path);
    const { hops } = await outcome(client.traceroute(TARGET));
    expect(hops[0]?.probes.map(({ rtt }) => rtt)).toEqual([30, 20, 10]);
    expect(hops[0]?.responders[0]?.rtts).toEqual([30, 20, 10]);
  });

  test("takes neither duplicates nor late answers for those of other probes", async () => {
    const heard: EchoResult[] = [];
    const { client, outcome } = scene(
      new FakePath({ from: R1, delays: [[5, 9], [120], [150]] }, { delays: [[10], [11], [140]] }),
    );
    const options = { timeout: 100, onResult: (item: EchoResult) => heard.push(item) };
    const { hops, stopReason } = await outcome(client.traceroute(TARGET, options));
    expect(hops.map(({ probes }) => probes.map(({ rtt }) => rtt))).toEqual([
      [5, null, null],
      [10, 11, null],
    ]);
    expect(stopReason).toBe("target");
    expect(heard.filter(({ duplicate }) => duplicate).map(({ rtt }) => rtt)).toEqual([9]);
  });

  test("publishes hops in order, each when it is complete", async () => {
    const path = new FakePath(
      { from: R1, delays: [[5], [80], [6]] },
      { from: R2, delays: [[10], [11], [12]] },
      { from: R3, delays: [[90], [15], [16]] },
      { delays: 120 },
    );
    const { client, clock, watch } = scene(path);
    const { items, atMs, ended } = watch(client.traceroute(TARGET));
    await clock.advance(1000);
    expect(await ended).toBeUndefined();
    expect(items.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
    expect(atMs).toEqual([81, 81, 91, 121]);
  });

  test("may begin further on, with one probe for each hop", async () => {
    const setting = scene(new FakePath(R1, R2, R3, {}));
    const result = await setting.outcome(
      setting.client.traceroute(TARGET, { firstTtl: 3, probes: 1, concurrency: 1 }),
    );
    expect(shortened(result)).toEqual([`3 ${R3} 15`, `4 ${TARGET} 20`]);
    expect(ttls(setting)).toEqual([3, 4]);
    expect(
      result.hops.flatMap(({ probes }) => probes.map(({ request }) => request.number)),
    ).toEqual([1, 2]);
  });

  test("finds a target that is the first hop", async () => {
    const { client, outcome } = scene(new FakePath({ delays: 1 }));
    const result = await outcome(client.traceroute(TARGET));
    expect(shortened(result)).toEqual([`1 ${TARGET} 1 1 1`]);
  });
});

describe("traceroute() ends", () => {
  test("at the nearest TTL at which the target answers, in whatever order it answers", async () => {
    const path = new FakePath(
      R1,
      R2,
      { says: "reply", delays: 60 },
      { says: "reply", delays: 20 },
      { delays: 10 },
    );
    const { client, outcome } = scene(path);
    const result = await outcome(client.traceroute(TARGET));
    expect(shortened(result)).toEqual([
      `1 ${R1} 5 5 5`,
      `2 ${R2} 10 10 10`,
      `3 ${TARGET} 60 60 60`,
    ]);
    expect(result.stopReason).toBe("target");
  });

  test("drops what flies beyond the target, and never reports it", async () => {
    const heard: EchoResult[] = [];
    // The target is so slow at greater TTLs that the trace is over by then.
    const setting = scene(
      new FakePath(R1, { says: "reply", delays: [[10], [40], [40]] }, { delays: 300 }),
    );
    const { client, clock, kernel, outcome, timers, nowMs } = setting;
    const result = await outcome(
      client.traceroute(TARGET, { onResult: (item) => heard.push(item) }),
    );
    expect(result.hops.map(({ ttl }) => ttl)).toEqual([1, 2]);
    expect(kernel.sent.length).toBeGreaterThan(6);
    expect(nowMs()).toBeLessThan(60);
    expect(timers()).toBe(0);
    const sent = kernel.sent.length;
    await clock.advance(5000);
    expect(kernel.sent).toHaveLength(sent);
    expect(heard.map(({ request }) => request.ttl).toSorted()).toEqual([1, 1, 1, 2, 2, 2]);
  });

  test("drops what is answered from beyond the target while the trace goes on", async () => {
    const heard: EchoResult[] = [];
    const { client, outcome } = scene(
      new FakePath(R1, { says: "reply", delays: [[10], [40], [40]] }, { delays: 20 }),
    );
    await outcome(client.traceroute(TARGET, { onResult: (item) => heard.push(item) }));
    expect(heard.map(({ request }) => request.ttl).toSorted()).toEqual([1, 1, 1, 2, 2, 2]);
  });

  test("sends nothing beyond the target once it has answered", async () => {
    const path = new FakePath(R1, { delays: [[6], [50], [50]] });
    const setting = scene(path);
    await setting.outcome(setting.client.traceroute(TARGET, { concurrency: 6 }));
    const beyond = setting.kernel.sent.filter(
      ({ ttl, sentAtNs }) => ttl > 2 && sentAtNs / 1e6 - 1001 >= 6,
    );
    expect(beyond).toEqual([]);
    expect(ttls(setting)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  const ends: [
    name: string,
    says: "port" | number,
    from: string | undefined,
    reached: boolean,
    reason: StopReason,
  ][] = [
    ["port unreachable from the target itself", "port", undefined, true, "target"],
    ["unreachable from the target itself", 10, undefined, true, "target"],
    ["host unreachable from a router", 1, R3, false, "unreachable"],
    ["prohibited by a router", 13, R3, false, "unreachable"],
  ];
  for (const [name, says, from, reached, stopReason] of ends) {
    for (const privileged of [true, false]) {
      test(`with ${name}, ${privileged ? "raw" : "datagram"}`, async () => {
        const path = new FakePath(R1, R2, { says, ...(from !== undefined && { from }) });
        const { client, outcome } = scene(path, { privileged });
        const result = await outcome(client.traceroute(TARGET));
        expect(shortened(result)).toEqual([
          `1 ${R1} 5 5 5`,
          `2 ${R2} 10 10 10`,
          `3 ${from ?? TARGET} 15 15 15`,
        ]);
        expect([result.reached, result.stopReason]).toEqual([reached, stopReason]);
      });
    }
  }

  test("with the target's own answer rather than somebody's error at the same hop", async () => {
    let turn = 0;
    const setting = scene({
      network: (probe) => {
        const isTarget = probe.ttl >= 2 && turn++ % 2 === 1;
        return new FakePath(R1, isTarget ? {} : { from: R2, says: 1 }).network(probe);
      },
    });
    const result = await setting.outcome(setting.client.traceroute(TARGET, { concurrency: 1 }));
    expect([result.reached, result.stopReason]).toEqual([true, "target"]);
    expect(shortened(result)).toEqual([`1 ${R1} 5 5 5`, `2 ${R2} 10 10, ${TARGET} 10`]);
  });

  test("with a reply from another address of the target", async () => {
    const { client, outcome } = scene(new FakePath(R1, { from: R4 }));
    const result = await outcome(client.traceroute(TARGET));
    expect([result.reached, result.stopReason]).toEqual([true, "target"]);
    expect(shortened(result)).toEqual([`1 ${R1} 5 5 5`, `2 ${R4} 10 10 10`]);
  });

  test("at maxHops", async () => {
    const setting = scene(new FakePath(R1, R2, R3, R4, {}));
    const result = await setting.outcome(setting.client.traceroute(TARGET, { maxHops: 3 }));
    expect(shortened(result)).toEqual([`1 ${R1} 5 5 5`, `2 ${R2} 10 10 10`, `3 ${R3} 15 15 15`]);
    expect([result.reached, result.stopReason]).toEqual([false, "maxHops"]);
    expect(Math.max(...ttls(setting))).toBe(3);
    const exact = scene(new FakePath(R1, R2, {}));
    expect(await exact.outcome(exact.client.traceroute(TARGET, { maxHops: 3 }))).toMatchObject({
      reached: true,
      stopReason: "target",
    });
  });

  test("with a better reason than maxHops where there is one", async () => {
    const { client, outcome } = scene(new FakePath(R1, R2, { from: R3, says: 1 }));
    expect((await outcome(client.traceroute(TARGET, { maxHops: 3 }))).stopReason).toBe(
      "unreachable",
    );
  });

  test("after gapLimit silent hops in a row, an answer beyond them notwithstanding", async () => {
    const { client, outcome } = scene(new FakePath(R1, null, R3, null, null, null, {}));
    const options = { timeout: 100, concurrency: 100 };
    const result = await outcome(client.traceroute(TARGET, { ...options, gapLimit: 2 }));
    expect(shortened(result)).toEqual([`1 ${R1} 5 5 5`, "2 *", `3 ${R3} 15 15 15`, "4 *", "5 *"]);
    expect([result.reached, result.stopReason]).toEqual([true, "gapLimit"]);
    const patient = await outcome(client.traceroute(TARGET, { ...options, gapLimit: 4 }));
    expect([patient.hops.length, patient.stopReason]).toEqual([7, "target"]);
  });

  test("at a hop to which nothing could be sent", async () => {
    const setting = scene(new FakePath(R1, R2, {}));
    setting.kernel.failSendsTo(TARGET, ENETUNREACH);
    const result = await setting.outcome(setting.client.traceroute(TARGET));
    expect([result.reached, result.stopReason]).toEqual([false, "sendError"]);
    expect(result.hops).toHaveLength(1);
    expect(result.hops[0]?.probes.map(({ error }) => error)).toEqual(Array(3).fill("ENETUNREACH"));
    expect(setting.timers()).toBe(0);
  });

  test("not at a hop where some probe could be sent", async () => {
    const setting = scene(new FakePath(R1, R2, {}));
    const { client, clock, kernel, outcome } = setting;
    const run = client.traceroute(TARGET, { concurrency: 1 });
    void run.then(() => {});
    await clock.advance(2);
    kernel.failSendsTo(TARGET, ENETUNREACH);
    // The second probe leaves, in vain, when the first is answered; so does the third at once.
    await clock.advance(5);
    kernel.failSendsTo(TARGET, 0);
    const { hops, stopReason } = await outcome(run);
    expect(hops[0]?.probes.map(({ kind }) => kind)).toEqual([
      "icmpError",
      "sendError",
      "sendError",
    ]);
    expect(hops).toHaveLength(2);
    expect(stopReason).toBe("sendError");
  });
});
