import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { Measurement } from "../../src/client/run/measurement.ts";
import { ClientClosedError, RawSocketPermissionError } from "../../src/errors.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { expectClosed, RUNS, scene, tick } from "./support.ts";

const TARGET = "198.51.100.1";
const SIX = "2001:db8:1::1";
const NAME = "target.example";
const HOSTS = {
  [NAME]: [
    { address: SIX, family: 6 },
    { address: TARGET, family: 4 },
  ],
};

describe("Client.close()", () => {
  for (const [name, begin] of RUNS) {
    // While the socket settles; while probes fly; after some answers.
    for (const afterMs of [0, 0.5, 1, 7, 500]) {
      test(`ends ${name} after ${afterMs} ms with ClientClosedError, and nothing is left`, async () => {
        const setting = scene(new FakePath("10.0.1.1", { delays: [[20], [2000]] }));
        const { client, clock, kernel } = setting;
        const run = begin(client);
        const awaited = run.then(
          () => "result",
          (error: unknown) => error,
        );
        const { ended } = setting.watch(run);
        await clock.advance(afterMs);
        const isOver = setting.timers() === 0;
        client.close();
        // The first probe is answered after 20 ms, and that is all there is to a probe().
        expect(isOver).toBe(name === "probe()" && afterMs === 500);
        if (isOver) expect(await awaited).toBe("result");
        else expect(await awaited).toBeInstanceOf(ClientClosedError);
        expect(await ended).toBe(isOver ? undefined : await awaited);
        await tick();
        expectClosed(setting);
        const sent = kernel.sent.length;
        await clock.advance(10_000);
        expect(kernel.sent).toHaveLength(sent);
        expect(clock.pending).toBe(0);
      });
    }

    test(`ends ${name} while names are looked up`, async () => {
      const setting = scene(new FakePath("10.0.1.1", { delays: 20 }));
      const { client, clock } = setting;
      // Longer than the queries themselves take to be given up (5 s).
      const run = begin(client, { resolveDns: true, timeout: 10_000 });
      const awaited = run.then(
        () => "result",
        (error: unknown) => error,
      );
      await clock.advance(30);
      client.close();
      expect(await awaited).toBeInstanceOf(ClientClosedError);
      // The queries cannot be called back: their own timers remain.
      await clock.advance(5001);
      expectClosed(setting);
    });
  }

  test("ends a run whose name is being looked up, and opens nothing for it", async () => {
    const { client, dns, kernel } = scene();
    const { promise, resolve } = Promise.withResolvers<(typeof HOSTS)[typeof NAME]>();
    dns.lookup = () => promise;
    const awaited = client.ping(NAME).then(
      () => "result",
      (error: unknown) => error,
    );
    await tick();
    client.close();
    expect(await awaited).toBeInstanceOf(ClientClosedError);
    resolve(HOSTS[NAME] ?? []);
    await tick();
    expect(kernel.openedDescriptors).toBe(0);
  });

  test("ends all runs of the client, and none of another", async () => {
    const setting = scene(new FakePath({ delays: 5 }));
    const other = new Client({}, setting.platform);
    const mine = RUNS.map(([, begin]) => begin(setting.client).then(String, String));
    const theirs = other.ping(TARGET, { count: 3 });
    void theirs.then(() => {});
    await setting.clock.advance(2);
    setting.client.close();
    expect(await Promise.all(mine)).toEqual(
      Array(5).fill("ClientClosedError: The client is closed"),
    );
    expect((await setting.outcome(theirs)).statistics.received).toBe(3);
    other.close();
    expectClosed(setting);
  });

  test("may be called twice, and before anything was done", async () => {
    const setting = scene();
    setting.client.close();
    setting.client.close();
    expect(setting.kernel.calls).toEqual([]);
    const used = scene(new FakePath({}));
    await used.outcome(used.client.probe(TARGET));
    used.client.close();
    used.client.close();
    expect(used.kernel.openDescriptors).toBe(0);
    const closes = used.kernel.calls.filter(({ syscall }) => syscall === "close");
    expect(closes.filter(({ errno }) => errno !== 0)).toEqual([]);
  });

  test("leaves finished runs with their results", async () => {
    const { client, outcome } = scene(new FakePath({ delays: 5 }));
    const run = client.ping(TARGET, { count: 1 });
    const result = await outcome(run);
    client.close();
    expect(await run).toBe(result);
  });

  test("makes every later run fail, begun before or not", async () => {
    const { client, kernel, failure } = scene();
    const prepared = RUNS.map(([, begin]) => begin(client));
    client.close();
    const later = [...RUNS.map(([, begin]) => begin(client)), client.multiping([])];
    for (const run of [...prepared, ...later])
      expect(await failure(run)).toBeInstanceOf(ClientClosedError);
    expect(kernel.calls).toEqual([]);
    expect(() => client.ping("")).toThrow(TypeError);
  });

  test("is what using and await using do", async () => {
    const setting = scene(new FakePath({}));
    const { platform, kernel, outcome } = setting;
    let run: Measurement<unknown, unknown>;
    {
      using client = new Client({}, platform);
      await outcome(client.probe(TARGET));
      expect(kernel.openDescriptors).toBe(2);
      run = client.ping(TARGET);
    }
    expectClosed(setting);
    expect(await setting.failure(run)).toBeInstanceOf(ClientClosedError);
    {
      await using client = new Client({}, platform);
      await outcome(client.probe(TARGET));
      expect(kernel.openDescriptors).toBe(2);
    }
    expectClosed(setting);
  });
});

describe("Client sockets", () => {
  test("open on first use, one for each family and kind (raw IPv4: two), however many runs", async () => {
    const { client, clock, kernel, outcome } = scene({
      ...new FakePath("10.0.1.1", { delays: 5 }),
      hosts: HOSTS,
    });
    expect(kernel.openedDescriptors).toBe(0);
    await outcome(client.probe(TARGET));
    expect(kernel.openedDescriptors).toBe(2);
    const runs = [TARGET, SIX, NAME, "198.51.100.9"].flatMap((host) => [
      client.ping(host, { count: 2 }),
      client.traceroute(host),
      client.mtr(host, { count: 2 }),
      client.multiping([host, host], { count: 2 }),
      client.probe(host),
    ]);
    await outcome(Promise.all(runs));
    expect(kernel.openedDescriptors).toBe(3);
    await outcome(client.ping(TARGET, { count: 1, privileged: false }));
    await outcome(client.ping(SIX, { count: 1, privileged: false }));
    expect(kernel.openedDescriptors).toBe(5);
    await clock.advance(0);
    expect(kernel.openDescriptors).toBe(5);
    client.close();
    expect(kernel.openDescriptors).toBe(0);
  });

  test("are all closed after 1,000 clients", async () => {
    const setting = scene(new FakePath({ delays: 1 }));
    for (let count = 0; count < 1000; count++) {
      using client = new Client({}, setting.platform);
      expect((await setting.outcome(client.probe(TARGET))).kind).toBe("reply");
    }
    expect(setting.kernel.openedDescriptors).toBe(2000);
    expectClosed(setting);
  });

  test("are datagram ones where raw ones are not allowed, unless they must be raw", async () => {
    const setting = scene({ ...new FakePath({ delays: 1 }), allowRaw: false });
    expect((await setting.outcome(setting.client.probe(TARGET))).kind).toBe("reply");
    expect(
      await setting.failure(setting.client.probe(TARGET, { privileged: true })),
    ).toBeInstanceOf(RawSocketPermissionError);
    expect(setting.kernel.openDescriptors).toBe(1);
  });

  test("may be tried again after a refusal", async () => {
    const setting = scene({ ...new FakePath({ delays: 1 }), maxDescriptors: 1 });
    const other = new Client({}, setting.platform);
    await setting.outcome(other.probe(TARGET));
    expect(await setting.failure(setting.client.probe(TARGET))).toMatchObject({ code: "EMFILE" });
    other.close();
    expect((await setting.outcome(setting.client.probe(TARGET))).kind).toBe("reply");
  });
});

describe("Client runs side by side", () => {
  test("do not take each other's answers", async () => {
    const path = new FakePath(...routers(3), { delays: [[30], [5, 6], [12]] });
    const setting = scene(path);
    const { client, platform, outcome } = setting;
    const other = new Client({}, platform);
    const results = await outcome(
      Promise.all([
        client.ping(TARGET, { count: 5, interval: 7 }),
        other.ping(TARGET, { count: 5, interval: 7 }),
        client.mtr(TARGET, { count: 3, interval: 50 }),
        other.traceroute(TARGET),
        client.multiping([TARGET, TARGET], { count: 5, interval: 7 }),
      ]),
    );
    const [ping, otherPing, mtr, trace, multi] = results;
    for (const { statistics } of [ping, otherPing, ...multi]) {
      expect(statistics).toMatchObject({ sent: 5, received: 5, late: 0 });
    }
    expect(mtr.hops.map(({ statistics }) => statistics.received)).toEqual([3, 3, 3, 3]);
    expect(trace.hops.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4]);
    await setting.clock.advance(0);
    expect(setting.timers()).toBe(0);
  });
});

describe("Client elsewhere than on Linux", () => {
  test("fails with UnsupportedPlatformError once a socket is wanted, not before", () => {
    const program = `
      Object.defineProperty(process, "platform", { value: "plan9" });
      const { Client } = await import(${JSON.stringify(`${import.meta.dir}/../../src/index.ts`)});
      const client = new Client();
      const run = client.ping("127.0.0.1");
      console.log(Client.validIp("127.0.0.1"), await Client.resolveHost("127.0.0.1"));
      console.log(await run.then(() => "result", (error) => error.name + " " + error.code));
      client.close();`;
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "-e", program], {
      stdin: "ignore",
    });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toBe(
      "true 127.0.0.1\nUnsupportedPlatformError ERR_UNSUPPORTED_PLATFORM\n",
    );
    expect(exitCode).toBe(0);
  });
});
