import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Client } from "../../src/client/client.ts";
import type { Measurement } from "../../src/client/run/measurement.ts";
import { ClientClosedError } from "../../src/errors.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { expectClosed, RUNS, type Scene, scene, tick } from "./support.ts";

const TARGET = "198.51.100.1";
const CHILD = join(import.meta.dir, "children/paused.ts");

interface Options {
  readonly signal?: AbortSignal;
}

/** What a test ends a run with. */
interface Ending {
  readonly run: Measurement<unknown, unknown>;
  readonly client: Client;
  readonly controller: AbortController;
}

/** Every kind of run, sweeps too. */
const ALL_RUNS: readonly [
  name: string,
  begin: (client: Client, options?: Options) => Measurement<unknown, unknown>,
][] = [
  ...RUNS,
  ["sweep()", (client, options) => client.sweep("198.51.100.0/26", { rate: 100, ...options })],
];

/** Eight routers, then targets that answer after 20 ms, but for each fourth probe to them. */
function path(): FakePath {
  return new FakePath(...routers(8), { delays: [[20], [20], [20], []] });
}

/** Lets time pass in which a paused run must do nothing: no probe leaves, no timer is left. */
async function expectQuiet(setting: Scene): Promise<void> {
  await setting.clock.advance(5000);
  const sent = setting.kernel.sent.length;
  expect(setting.timers()).toBe(0);
  await setting.clock.advance(60_000);
  expect(setting.kernel.sent).toHaveLength(sent);
}

describe.each(ALL_RUNS)("a paused %s", (name, begin) => {
  test("from before its start sends nothing until it goes on", async () => {
    const setting = scene(path());
    const { client, kernel, outcome } = setting;
    const run = begin(client);
    expect(run.isPaused).toBe(false);
    run.pause();
    run.pause();
    expect(run.isPaused).toBe(true);
    const before = run.statistics;
    await tick();
    expect(kernel.calls).toEqual([]);
    const awaited = run.then(() => "result");
    await expectQuiet(setting);
    expect(kernel.sent).toEqual([]);
    // A sweep opens its sockets with the first target of their families.
    expect(kernel.openDescriptors > 0).toBe(name !== "sweep()");
    expect(JSON.stringify(run.statistics)).not.toMatch(/"sent":[1-9]/);
    expect(Object.keys(run.statistics as object)).toEqual(Object.keys(before as object));
    run.resume();
    expect(run.isPaused).toBe(false);
    // Its sockets open now, and it sends once the kernel stamps what they receive.
    if (name === "sweep()") await setting.clock.advance(2);
    expect(kernel.sent.length).toBeGreaterThan(0);
    expect(await outcome(awaited)).toBe("result");
  });

  test("that is resumed before it begins is as one that was not paused", async () => {
    const setting = scene(path());
    const run = begin(setting.client);
    run.resume();
    run.pause();
    run.resume();
    const awaited = run.then(() => "result");
    await setting.clock.advance(1);
    expect(setting.kernel.sent.length).toBeGreaterThan(0);
    expect(await setting.outcome(awaited)).toBe("result");
  });

  test.each(["before it begins", "while it runs"])(
    "ends by its signal, close() and stop(), paused %s",
    async (when) => {
      const reason = new Error("enough");
      const endings: [end: (ending: Ending) => void, outcome: unknown][] = [
        [({ controller }) => controller.abort(reason), reason],
        [({ client }) => client.close(), expect.any(ClientClosedError)],
        [({ run }) => run.stop(), name === "probe()" ? expect.any(DOMException) : "result"],
      ];
      for (const [end, expected] of endings) {
        const controller = new AbortController();
        const setting = scene(path());
        const run = begin(setting.client, { signal: controller.signal });
        if (when === "before it begins") run.pause();
        const awaited = run.then(
          () => "result",
          (error: unknown) => error,
        );
        await setting.clock.advance(when === "before it begins" ? 3000 : 3);
        run.pause();
        const sent = setting.kernel.sent.length;
        end({ run, controller, client: setting.client });
        expect(await awaited).toEqual(expected);
        expect(run.isPaused).toBe(false);
        run.resume();
        await setting.clock.advance(5000);
        expect(setting.kernel.sent).toHaveLength(sent);
        expect(setting.timers()).toBe(0);
        setting.client.close();
        expectClosed(setting);
      }
    },
  );

  test("has what was in flight decided, and nothing sent", async () => {
    const setting = scene(path());
    const { client, clock, kernel } = setting;
    const run = begin(client);
    const { ended } = setting.watch(run);
    await clock.advance(3);
    run.pause();
    const sent = kernel.sent.length;
    expect(sent).toBeGreaterThan(0);
    await clock.advance(2000);
    const statistics = JSON.stringify(run.statistics);
    expect(statistics).toMatch(/"(received|answered)":[1-9]/);
    expect(statistics).not.toMatch(/"inFlight":[1-9]/);
    if (name === "probe()") {
      // There is nothing more to send.
      expect(await ended).toBeUndefined();
      return;
    }
    expect(run.isPaused).toBe(true);
    await expectQuiet(setting);
    expect(kernel.sent).toHaveLength(sent);
    expect(JSON.stringify({ ...(run.statistics as object), rate: 0 })).toBe(
      JSON.stringify({ ...JSON.parse(statistics), rate: 0 }),
    );
    run.resume();
    expect(kernel.sent.length).toBeGreaterThan(sent);
    run.stop();
    await clock.advance(0);
    expect(await ended).toBeUndefined();
  });

  test("that is over does nothing", async () => {
    const setting = scene(path());
    const run = begin(setting.client);
    await setting.outcome(run);
    const statistics = JSON.stringify(run.statistics);
    const sent = setting.kernel.sent.length;
    run.pause();
    expect(run.isPaused).toBe(false);
    run.resume();
    await setting.clock.advance(60_000);
    expect(setting.kernel.sent).toHaveLength(sent);
    expect(JSON.stringify(run.statistics)).toBe(statistics);
  });
});

describe("a paused run", () => {
  test("looks its target up, and fails if there is no such name", async () => {
    const hosts = { "here.example": [{ address: TARGET, family: 4 as const }] };
    const { client, clock, kernel, failure } = scene({ ...path(), hosts });
    const found = client.ping("here.example", { count: 1 });
    const missing = client.ping("gone.example", { count: 1 });
    found.pause();
    missing.pause();
    void found.then();
    expect(await failure(missing)).toMatchObject({ code: "ENOTFOUND" });
    await clock.advance(100);
    expect(kernel.sent).toEqual([]);
    found.resume();
    expect(kernel.sent).toHaveLength(1);
  });

  test.each([
    ["awaited", "resumed\nover\n"],
    ["iterated", "resumed\nover\n"],
    ["unawaited", "idle\n"],
    ["left", "idle\n"],
  ])(
    "that is %s keeps the process alive, or does not",
    async (use, expected) => {
      const child = Bun.spawn([process.execPath, CHILD, use], {
        stdout: "pipe",
        stderr: "inherit",
      });
      expect(await new Response(child.stdout).text()).toBe(expected);
      expect(await child.exited).toBe(0);
    },
    60_000,
  );
});
