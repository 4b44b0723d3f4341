import { describe, expect, test } from "bun:test";
import { ClientClosedError, RawSocketPermissionError } from "../../../src/errors.ts";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { expectClosed, scene, tick } from "../support.ts";
import { shortHosts } from "./support.ts";

const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 10 })];

describe("Client.sweep()", () => {
  test("probes both families side by side, each on sockets of its own that open when they are needed", async () => {
    const world = scene({ network: answering });
    const result = await world.outcome(world.client.sweep(["198.51.100.0/30", "2001:db8:1::/126"]));
    expect([...result.living]).toEqual([
      "198.51.100.1",
      "198.51.100.2",
      "2001:db8:1::",
      "2001:db8:1::1",
      "2001:db8:1::2",
      "2001:db8:1::3",
    ]);
    expect(world.kernel.openedDescriptors).toBe(3);
    await world.clock.advance(0);
    expectClosed(world);
  });

  test("says which name an address comes from, and which names have none", async () => {
    const hosts = { "here.example": [{ address: "198.51.100.7", family: 4 }] } as const;
    const world = scene({ network: answering, hosts });
    const sweep = world.client.sweep(["here.example", "gone.example", "198.51.100.8"], {
      all: true,
    });
    const { items } = world.watch(sweep);
    const result = await world.outcome(sweep);
    const replies = items.flatMap((item) =>
      item.kind === "reply" ? [`${item.addr} ${item.target}`] : [],
    );
    expect(replies.sort()).toEqual(["198.51.100.7 here.example", "198.51.100.8 null"]);
    expect(result).toMatchObject({ hosts: 2, answered: 2, failed: 1 });
    expect(result.failures.map(({ target, kind }) => [target, kind])).toEqual([
      ["gone.example", "targetFailure"],
    ]);
    expect(items.filter(({ kind }) => kind === "targetFailure")).toHaveLength(1);
  });

  test("without all, iterating gives nothing but hosts that answered", async () => {
    const network: FakeNetwork = (probe) =>
      probe.destination.endsWith("1") ? [echoReply(probe, { delayMs: 1 })] : [];
    const world = scene({ network });
    const sweep = world.client.sweep(
      ["198.51.100.1", "198.51.100.2", "nowhere.example", "224.0.0.1"],
      {
        timeout: 50,
      },
    );
    const { items } = world.watch(sweep);
    const result = await world.outcome(sweep);
    expect(items.map(({ kind, addr }) => [kind, addr])).toEqual([["reply", "198.51.100.1"]]);
    expect(result).toMatchObject({ hosts: 3, answered: 1, silent: 1, sendErrors: 1, failed: 1 });
  });

  test("sends nothing to multicast, unspecified and broadcast addresses", async () => {
    const world = scene({ network: answering });
    const groups = ["224.0.0.1", "239.255.255.255", "0.0.0.0", "255.255.255.255", "ff02::1", "::"];
    const sweep = world.client.sweep(groups, { all: true });
    const { items } = world.watch(sweep);
    const result = await world.outcome(sweep);
    expect(shortHosts(items)).toEqual(groups.map((group) => `${group} EACCES 0`));
    expect(result).toMatchObject({ hosts: 6, sent: 0, sendErrors: 6 });
    expect(world.kernel.sent).toHaveLength(0);
  });

  test("addresses of this host are targets like others", async () => {
    const { client, outcome } = scene();
    const result = await outcome(client.sweep(["127.0.0.1", "192.0.2.10", "::1"]));
    expect([...result.living]).toEqual(["127.0.0.1", "192.0.2.10", "::1"]);
  });

  test("a family that this host lacks is a send error of its targets", async () => {
    const world = scene({ network: answering, families: [4] });
    const sweep = world.client.sweep(["198.51.100.1", "2001:db8:1::/124"], { all: true });
    const { items } = world.watch(sweep);
    expect(await world.outcome(sweep)).toMatchObject({
      hosts: 17,
      sent: 1,
      answered: 1,
      sendErrors: 16,
    });
    expect(items.filter((item) => item.error === "EAFNOSUPPORT")).toHaveLength(16);
  });

  test("uses datagram sockets where raw ones are not allowed, and rejects where neither is", async () => {
    const without = scene({ network: answering, allowRaw: false });
    expect(await without.outcome(without.client.sweep("198.51.100.0/29"))).toMatchObject({
      answered: 6,
    });
    const neither = scene({ allowRaw: false, allowDatagram: false });
    const failure = await neither.failure(neither.client.sweep("198.51.100.0/29"));
    expect(failure).toBeInstanceOf(RawSocketPermissionError);
    expectClosed(neither);
  });

  test("leaves out what is excluded", async () => {
    const { client, kernel, outcome } = scene({ network: answering });
    const options = { exclude: ["198.51.100.2-5", "198.51.100.128/25"] };
    const result = await outcome(client.sweep("198.51.100.0/24", options));
    expect(result.hosts).toBe(254 - 4 - 127);
    expect(kernel.sent.some(({ destination }) => destination === "198.51.100.3")).toBe(false);
  });

  test("random order gives each address once, the same for the same seed", async () => {
    const orderOf = async (seed: number): Promise<string[]> => {
      const { client, kernel, outcome } = scene({ network: answering });
      await outcome(client.sweep("198.51.100.0/25", { order: "random", seed }));
      return kernel.sent.map(({ destination }) => destination);
    };
    const [first, second, third] = [await orderOf(1), await orderOf(1), await orderOf(2)];
    expect(first).toEqual(second);
    expect(first).not.toEqual(third);
    expect(new Set(first).size).toBe(126);
  });

  test("keeps more than 65,536 in flight, and matches every answer", async () => {
    const count = 70_000;
    const world = scene({
      network: (probe) => [echoReply(probe, { delayMs: 500 })],
      queueLimit: 100_000,
    });
    const sweep = world.client.sweep("198.18.0.0-198.19.17.111", {
      rate: Number.POSITIVE_INFINITY,
    });
    let most = 0;
    world.clock.schedule(400e6, () => {
      most = sweep.progress.inFlight;
    });
    const result = await world.outcome(sweep);
    expect(most).toBe(count);
    expect(result).toMatchObject({
      hosts: count,
      sent: count,
      answered: count,
      duplicates: 0,
      late: 0,
      silent: 0,
    });
    expect(result.living.size).toBe(count);
  }, 60_000);

  test("slows down while answers find no room, says so, and asks again who was lost", async () => {
    // 40 answers come in 2 ms, and 30 find room.
    const world = scene({ network: answering, queueLimit: 30 });
    const options = { rate: 20_000, retries: 3, timeout: 200 } as const;
    const sweep = world.client.sweep("198.51.0.0/20", options);
    const result = await world.outcome(sweep);
    expect(result.overflows).toBeGreaterThan(0);
    // Unslowed it would be a quarter of all answers.
    expect(result.overflows).toBeLessThan(400);
    expect(result).toMatchObject({ hosts: 4094, answered: 4094, silent: 0 });
    expect(result.sent).toBe(4094 + result.overflows);
    expect(result.duration).toBeGreaterThan(1.2 * (4094 / 20));
  });

  test("tells how far it has come", async () => {
    const world = scene({
      network: (probe) => (probe.index % 2 === 0 ? [echoReply(probe, { delayMs: 1 })] : []),
    });
    const sweep = world.client.sweep("198.51.100.0/24", { rate: 1000, retries: 0, timeout: 50 });
    expect(sweep.progress).toEqual({
      total: 254,
      done: 0,
      sent: 0,
      answered: 0,
      inFlight: 0,
      rate: 0,
      elapsed: 0,
      remaining: null,
    });
    sweep.then(() => {});
    await world.clock.advance(100);
    const { progress } = sweep;
    expect(progress.sent).toBeGreaterThan(95);
    expect(progress.sent).toBeLessThanOrEqual(101);
    expect(progress.answered).toBeGreaterThan(45);
    expect(progress.inFlight).toBe(progress.sent - progress.done);
    expect(progress.rate).toBeGreaterThan(900);
    expect(progress.rate).toBeLessThan(1100);
    expect(progress.elapsed).toBe(100);
    expect(progress.remaining).toBeGreaterThan(150);
    const result = await world.outcome(sweep);
    expect(sweep.progress).toMatchObject({
      done: 254,
      inFlight: 0,
      answered: result.answered,
      remaining: 0,
    });
  });

  test("leaving the loop ends it, with what was found until then", async () => {
    const world = scene({ network: answering });
    const sweep = world.client.sweep("198.51.0.0/16", { rate: 1000 });
    const loop = (async () => {
      for await (const host of sweep) if (host.addr === "198.51.0.5") break;
    })();
    await world.outcome(loop);
    const result = await world.outcome(sweep);
    expect(result.answered).toBeGreaterThanOrEqual(5);
    expect(result.hosts).toBeLessThan(100);
    expectClosed(world);
  });

  test("an aborted signal and a closed client end it at once", async () => {
    const world = scene({ network: answering });
    const controller = new AbortController();
    const sweep = world.client.sweep("198.51.0.0/16", { signal: controller.signal });
    const failure = world.failure(sweep);
    await world.clock.advance(20);
    controller.abort(new Error("enough"));
    expect(await failure).toHaveProperty("message", "enough");
    expectClosed(world);

    const other = world.client.sweep("198.51.0.0/16");
    const closed = world.failure(other);
    await world.clock.advance(20);
    world.client.close();
    expect(await closed).toBeInstanceOf(ClientClosedError);
    expectClosed(world);
  });

  test("an iterable that throws ends it with that error", async () => {
    const world = scene({ network: answering });
    const failure = await world.failure(
      world.client.sweep(
        (function* () {
          yield "198.51.100.1";
          throw new Error("disk on fire");
        })(),
      ),
    );
    expect(failure).toHaveProperty("message", "disk on fire");
    expectClosed(world);
  });

  test("reads an async iterable as it comes, and ends with it", async () => {
    const world = scene({ network: answering });
    const { promise: later, resolve: goOn } = Promise.withResolvers<void>();
    const sweep = world.client.sweep(
      (async function* () {
        yield "198.51.100.1";
        yield "198.51.100.2";
        await later;
        yield "198.51.100.3";
      })(),
    );
    const { items } = world.watch(sweep);
    const result = sweep.then((totals) => totals);
    for (let turn = 0; turn < 5; turn++) await tick();
    await world.clock.advance(50);
    expect(items.map(({ addr }) => addr)).toEqual(["198.51.100.1", "198.51.100.2"]);
    await world.clock.advance(5000);
    expect(sweep.progress).toMatchObject({ total: null, done: 2, inFlight: 0, remaining: null });
    goOn();
    for (let turn = 0; turn < 5; turn++) await tick();
    expect(await world.outcome(result)).toMatchObject({ hosts: 3, answered: 3 });
  });

  test("nothing but invalid targets comes to an end", async () => {
    const world = scene();
    const junk = Array.from({ length: 5000 }, (_, index) => `198.51.100.0/${index + 33}`);
    const result = await world.outcome(world.client.sweep(junk));
    expect(result).toMatchObject({ hosts: 0, sent: 0, failed: 5000 });
    expect(result.failures).toHaveLength(1000);
    expect(await world.outcome(world.client.sweep([]))).toMatchObject({ hosts: 0, failed: 0 });
  });

  test("waits for a caller who does not read its results, unless the totals are awaited as well", async () => {
    const range = "198.18.0.0-198.19.255.255";
    const options = { rate: 200_000, timeout: 100 } as const;
    const world = scene({
      network: (probe) => [echoReply(probe, { delayMs: 0.01 })],
      queueLimit: 200_000,
    });
    const sweep = world.client.sweep(range, options);
    const iterator = sweep[Symbol.asyncIterator]();
    await world.outcome(iterator.next());
    await world.clock.advance(2000);
    const held = sweep.progress.sent;
    expect(held).toBeGreaterThan(65_536);
    expect(held).toBeLessThan(131_072);
    expect(await world.outcome(sweep)).toMatchObject({ answered: 131_072 });
  }, 60_000);

  test("wrong options are errors at the call, naming the option", () => {
    const { client } = scene();
    const wrong: readonly [object, string][] = [
      [{ rate: 0 }, "rate"],
      [{ rate: Number.NaN }, "rate"],
      [{ rate: "fast" }, "rate"],
      [{ retries: 16 }, "retries"],
      [{ retries: 1.5 }, "retries"],
      [{ size: 15 }, "size"],
      [{ order: "reverse" }, "order"],
      [{ seed: -1 }, "seed"],
      [{ all: 1 }, "all"],
      [{ ttl: 0 }, "ttl"],
      [{ interval: 5 }, "interval"],
      [{ family: 6, source: "192.0.2.10" }, "source"],
    ];
    for (const [options, name] of wrong)
      expect(() => client.sweep("198.51.100.1", options)).toThrow(name);
    expect(() => client.sweep("198.51.100.0/33")).toThrow(RangeError);
    expect(() => client.sweep("198.51.100.1", { exclude: ["here.example"] })).toThrow();
  });

  test("a source with the zone of an interface that this host lacks rejects", async () => {
    const { client, failure } = scene();
    const source = "fe80::10%eth9";
    expect(await failure(client.sweep("2001:db8::1", { source }))).toEqual(
      new RangeError('Option "source" is "fe80::10%eth9": this host has no interface "eth9"'),
    );
  });

  for (const privileged of [true, false]) {
    test(`link-local targets and sources share a zone, wherever it is given, privileged: ${privileged}`, async () => {
      const interfaces = { lo: 1, eth0: 2 };
      const addresses = ["2001:db8::10", "fe80::10"];
      const network: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 1 })];
      const { client, failure, kernel, outcome, watch } = scene(
        { network, interfaces, addresses },
        { privileged },
      );
      const rows = [
        ["fe80::1%eth0", undefined, undefined],
        ["fe80::1", undefined, "eth0"],
        ["fe80::1", "fe80::10%eth0", undefined],
        ["fe80::1%eth0", "fe80::10", undefined],
        ["fe80::1%eth0", "fe80::10%eth0", "eth0"],
      ] as const;
      for (const [target, source, by] of rows) {
        const sweep = client.sweep(target, { source, interface: by });
        const { items } = watch(sweep);
        expect(await outcome(sweep)).toMatchObject({ answered: 1 });
        expect(items).toMatchObject([{ addr: target, from: target }]);
      }
      expect(kernel.sent.slice(1).map(({ interfaceIndex }) => interfaceIndex)).toContain(2);
      const { message } = (await failure(
        client.sweep("2001:db8::1", { source: "fe80::10" }),
      )) as Error;
      expect(message).toContain("a link-local address needs its interface");
      const missing = client.sweep(["fe80::1%eth9"], { all: true });
      const { items } = watch(missing);
      await outcome(missing);
      expect(items).toMatchObject([{ kind: "sendError", addr: "fe80::1%eth9", error: "ENODEV" }]);
    });
  }

  test("an interface that this host lacks rejects", async () => {
    const { client, failure } = scene();
    expect(await failure(client.sweep("198.51.100.1", { interface: "eth9" }))).toBeInstanceOf(
      RangeError,
    );
  });
});
