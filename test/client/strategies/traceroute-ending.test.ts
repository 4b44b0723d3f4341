import { describe, expect, test } from "bun:test";
import type { TracerouteEntry } from "../../../src/client/results/results.ts";
import { FakePath, routers } from "../../support/fake-path.ts";
import { expectClosed, scene } from "../support.ts";

const TARGET = "198.51.100.1";
const [R1 = "", R2 = "", R3 = ""] = routers(3);

/**
 * "1 10.0.1.1 5 5 5" for each hop: its TTL, then each address with its RTTs. A silent hop is "1 *".
 */
function shortened(hops: Iterable<TracerouteEntry>): string[] {
  return Array.from(hops, ({ ttl, responders }) => {
    const answers = responders.map(({ addr, rtts }) => `${addr} ${rtts.join(" ")}`);
    return `${ttl} ${answers.join(", ") || "*"}`;
  });
}

describe("traceroute() names", () => {
  test("are filled in, and asked for once each", async () => {
    const { client, clock, dns, watch } = scene(new FakePath(R1, R2, {}));
    const run = client.traceroute(TARGET, { resolveDns: true });
    const { items, ended } = watch(run);
    await clock.advance(50);
    expect(items).toEqual([]);
    expect(dns.reverses).toEqual([R1, R2, TARGET]);
    await dns.answer(R2, "two.example");
    expect(items).toEqual([]);
    await dns.answer(R1, "one.example");
    await dns.answer(TARGET, null);
    await clock.advance(1);
    expect(await ended).toBeUndefined();
    expect(items.map(({ hostname }) => hostname)).toEqual(["one.example", "two.example", null]);
    expect(items[1]?.responders).toEqual([
      { addr: R2, hostname: "two.example", rtts: [10, 10, 10] },
    ]);
    expect(items[1]?.probes.map(({ reply }) => reply?.hostname)).toEqual(
      Array(3).fill("two.example"),
    );
    expect([...(await run)]).toEqual(items);
  });

  test("are asked for with the first answer of a hop, though its others are slow", async () => {
    const { client, clock, dns, watch } = scene(
      new FakePath({ from: R1, delays: [[5], [80], [6]] }, {}),
    );
    const { items } = watch(client.traceroute(TARGET, { resolveDns: true }));
    await clock.advance(7);
    expect(dns.reverses).toEqual([R1]);
    await dns.answer(R1, "one.example");
    await clock.advance(75);
    expect(items.map(({ hostname }) => hostname)).toEqual(["one.example"]);
  });

  test("that never come delay no probe, and no hop by more than the timeout", async () => {
    const path = (): FakePath => new FakePath(R1, R2, R3, {});
    const plain = scene(path());
    await plain.outcome(plain.client.traceroute(TARGET, { concurrency: 2 }));
    const named = scene(path());
    const run = named.client.traceroute(TARGET, { concurrency: 2, timeout: 400, resolveDns: true });
    const { items, atMs } = named.watch(run);
    const result = await named.outcome(run);
    expect(named.sentAtMs()).toEqual(plain.sentAtMs());
    expect(result.hops.map(({ addr, hostname }) => [addr, hostname])).toEqual(
      [R1, R2, R3, TARGET].map((addr) => [addr, null]),
    );
    expect(items.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
    expect(Math.max(...atMs)).toBe(plain.nowMs() + 400);
  });
});

describe("traceroute() ends early", () => {
  const path = (): FakePath => new FakePath(R1, R2, null, {});

  test("with the hops that are complete, when stopped or disposed", async () => {
    for (const end of ["stop", Symbol.asyncDispose] as const) {
      const setting = scene(path());
      const run = setting.client.traceroute(TARGET);
      const { items, ended } = setting.watch(run);
      await setting.clock.advance(100);
      void run[end]();
      const result = await run;
      expect(await ended).toBeUndefined();
      expect(result.stopReason).toBe("stopped");
      expect(shortened(result)).toEqual([`1 ${R1} 5 5 5`, `2 ${R2} 10 10 10`]);
      expect(items).toEqual([...result]);
      expect(setting.timers()).toBe(0);
    }
  });

  test("when the loop is left", async () => {
    const setting = scene(path());
    const run = setting.client.traceroute(TARGET);
    const loop = (async () => {
      for await (const { ttl } of run) if (ttl === 1) break;
    })();
    await setting.clock.advance(20);
    await loop;
    expect((await run).stopReason).toBe("stopped");
    expect(setting.timers()).toBe(0);
  });

  test("with the reason of the aborted signal", async () => {
    const setting = scene(path());
    const controller = new AbortController();
    const run = setting.client.traceroute(TARGET, { signal: controller.signal });
    const { items, ended } = setting.watch(run);
    await setting.clock.advance(100);
    controller.abort("enough");
    expect(await ended).toBe("enough");
    expect(await setting.failure(run)).toBe("enough");
    expect(items.map(({ ttl }) => ttl)).toEqual([1, 2]);
    expect(setting.timers()).toBe(0);
  });

  test("when onResult throws", async () => {
    const setting = scene(path());
    const oops = new Error("oops");
    const run = setting.client.traceroute(TARGET, {
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
