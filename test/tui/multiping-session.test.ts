import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { FEW_TARGETS, MultipingSession } from "../../tui/src/model/multiping-session.ts";
import { multipingTool } from "../../tui/src/panels/multiping.ts";
import { expectClosed } from "../client/support.ts";
import { echoReply, unreachable } from "../support/fake-network.ts";
import { logLines, multipingScene } from "./multiping-scene.ts";

const ONE = "198.51.100.1";
const TWO = "198.51.100.2";

describe("MultipingSession", () => {
  test("counts each target on its own", async () => {
    const { session, clock } = await multipingScene(`${ONE} ${TWO}`, {
      answers: { [ONE]: (_, turn) => 10 * turn, [TWO]: (_, turn) => (turn === 2 ? null : 30) },
    });
    expect(session.targets().map(({ state, figures }) => [state, figures.loss])).toEqual([
      ["waiting", null],
      ["waiting", null],
    ]);
    await clock.advance(3900);
    const [one, two] = session.targets();
    expect(one).toMatchObject({
      label: ONE,
      address: ONE,
      figures: { sent: 4, received: 4, loss: 0, last: 40, mean: 25, min: 10, max: 40 },
      isDown: false,
      state: "up",
      note: "",
    });
    expect(one?.history.latest(9)).toEqual([10, 20, 30, 40]);
    expect(two).toMatchObject({
      figures: { sent: 4, received: 3, loss: 0.25, last: 30 },
      isDown: false,
    });
    expect(two?.history.latest(9)).toEqual([30, null, 30, 30]);
    expect(session.totals()).toEqual({ up: 2, down: 0, waiting: 0, failed: 0, sent: 8, lost: 1 });
  });

  test("goes on without those that cannot be probed, and says why", async () => {
    const { session, clock, failures } = await multipingScene(`no.invalid ${ONE}`);
    await clock.advance(1900);
    const [bad, good] = session.targets();
    expect(bad).toMatchObject({
      state: "failed",
      isDown: true,
      address: null,
      figures: { sent: 0, loss: null },
    });
    expect(bad?.note).toBe('Cannot resolve "no.invalid": no such name (ENOTFOUND)');
    expect(good).toMatchObject({ state: "up", figures: { sent: 2 } });
    expect([session.state, session.isDown, failures]).toEqual(["running", true, []]);
    expect(logLines(session.log)).toContain(
      'bad: ✗  no.invalid  Cannot resolve "no.invalid": no such name (ENOTFOUND)',
    );
  });

  test("has failed when there is none that can be probed", async () => {
    const { session, clock, failures } = await multipingScene("no.invalid nor.invalid");
    await clock.advance(100);
    expect([session.state, failures]).toEqual(["failed", []]);
  });

  test("fails as a whole without permission, with the remedy", async () => {
    const { session, clock, failures } = await multipingScene(ONE, {
      allowRaw: false,
      allowDatagram: false,
    });
    await clock.advance(100);
    expect([session.state, failures]).toEqual(["failed", [session.failure ?? ""]]);
    expect(session.failure).toContain("setcap");
  });

  test("logs replies, what is odd about them, losses, and their causes", async () => {
    const scene = await multipingScene(`www.example.com ${ONE} ${TWO}`, {
      hosts: { "www.example.com": [{ address: "203.0.113.9", family: 4 }] },
      answers: {
        "203.0.113.9": (probe, turn) =>
          turn === 1
            ? [echoReply(probe, { delayMs: 12.34 }), echoReply(probe, { delayMs: 20 })]
            : 0.05,
        [ONE]: (probe, turn) =>
          turn === 1
            ? [unreachable(probe, { from: "192.0.2.1", delayMs: 3 })]
            : [echoReply(probe, { delayMs: 700 })],
        [TWO]: (probe, turn) =>
          turn === 1 ? null : [echoReply(probe, { from: "198.51.100.77", delayMs: 1 })],
      },
    });
    await scene.clock.advance(2600);
    expect(logLines(scene.session.log)).toEqual([
      "text: 12.3 ms  www.example.com  #1  ttl 64",
      "bad: lost  198.51.100.1  #1  host unreachable, says 192.0.2.1",
      "warn: 20.0 ms  www.example.com  #1  ttl 64  duplicate",
      "bad: lost  198.51.100.2  #1",
      "text: 0.050 ms  www.example.com  #2  ttl 64",
      "text: 1.00 ms  198.51.100.2  #2  ttl 64  from 198.51.100.77",
      "bad: lost  198.51.100.1  #2",
      "warn: 700 ms  198.51.100.1  #2  ttl 64  late",
      "text: 0.050 ms  www.example.com  #3  ttl 64",
      "text: 1.00 ms  198.51.100.2  #3  ttl 64  from 198.51.100.77",
      "bad: lost  198.51.100.1  #3",
      "bad: ▼  198.51.100.1 is down: 3 probes lost in a row",
    ]);
  });

  test("logs losses until a host is down, then when it answers again", async () => {
    const { session, clock } = await multipingScene(`10.0.0.0-10.0.0.${FEW_TARGETS}`, {
      answers: { "10.0.0.4": (_, turn) => (turn > 1 && turn < 8 ? null : 5) },
    });
    await clock.advance(3000);
    const target = session.targets()[4];
    expect([target?.state, target?.isDown, session.isDown]).toEqual(["losing", true, true]);
    await clock.advance(2000);
    expect([target?.state, target?.lostInARow]).toEqual(["down", 4]);
    expect(session.totals()).toMatchObject({ up: FEW_TARGETS, down: 1 });
    await clock.advance(4000);
    expect([target?.state, session.isDown]).toEqual(["up", false]);
    expect(logLines(session.log)).toEqual([
      "dim: 33 targets: losses are logged, replies are not",
      "bad: lost  10.0.0.4  #2",
      "bad: lost  10.0.0.4  #3",
      "bad: lost  10.0.0.4  #4",
      "bad: ▼  10.0.0.4 is down: 3 probes lost in a row",
      "good: ▲  10.0.0.4 is up again after 6 lost in 0:05",
    ]);
  });

  test("keeps long histories of few targets and short ones of many", async () => {
    const few = await multipingScene(ONE, { form: { interval: "0.1" } });
    await few.clock.advance(20_000);
    expect(few.session.targets()[0]?.history.length).toBe(200);
    const many = await multipingScene(`10.0.0.0-10.0.0.${FEW_TARGETS}`, {
      form: { interval: "0.1" },
    });
    await many.clock.advance(20_000);
    expect(many.session.targets()[0]?.history.length).toBe(128);
  });

  test("tells why a send was refused", async () => {
    const scene = await multipingScene(ONE);
    scene.kernel.failSendsTo(ONE, constants.errno.EHOSTUNREACH);
    await scene.clock.advance(1500);
    const [target] = scene.session.targets();
    expect(target?.note).toContain("EHOSTUNREACH");
    expect(target).toMatchObject({ figures: { loss: 1 }, state: "losing" });
    expect(logLines(scene.session.log)[0]).toStartWith(`bad: not sent  ${ONE}  #1  EHOSTUNREACH (`);
  });

  test("pauses and goes on with the same figures, trying again what had failed", async () => {
    const hosts: Record<string, { address: string; family: 4 }[]> = {};
    const scene = await multipingScene(`${ONE} later.example`, { hosts });
    const { session, clock, kernel } = scene;
    await clock.advance(1900);
    session.togglePause();
    hosts["later.example"] = [{ address: TWO, family: 4 }];
    const sentBefore = kernel.sent.length;
    await clock.advance(10_000);
    expect([session.state, kernel.sent.length]).toEqual(["paused", sentBefore]);
    session.togglePause();
    await clock.advance(1900);
    expect(session.state).toBe("running");
    expect(session.targets().map(({ figures, state }) => [figures.sent, state])).toEqual([
      [4, "up"],
      [2, "up"],
    ]);
    expect(logLines(session.log).filter((line) => line.startsWith("dim"))).toEqual([
      "dim: paused",
      "dim: goes on",
    ]);
  });

  test("pauses and stops what it tries again, too", async () => {
    const hosts: Record<string, { address: string; family: 4 }[]> = {};
    const scene = await multipingScene(`${ONE} later.example gone.example`, { hosts });
    const { session, clock, kernel } = scene;
    await clock.advance(1900);
    session.togglePause();
    hosts["later.example"] = [{ address: TWO, family: 4 }];
    session.togglePause();
    await clock.advance(1900);
    expect(session.targets().map(({ figures, state }) => [figures.sent, state])).toEqual([
      [4, "up"],
      [2, "up"],
      [0, "failed"],
    ]);
    expect(session.totals()).toMatchObject({ sent: 6, lost: 0, failed: 1 });
    session.togglePause();
    const sent = kernel.sent.length;
    await clock.advance(10_000);
    expect([session.state, kernel.sent.length]).toEqual(["paused", sent]);
    session.togglePause();
    await clock.advance(900);
    expect(kernel.sent).toHaveLength(sent + 2);
    session.stop();
    await clock.advance(10_000);
    expect([session.state, kernel.sent.length]).toEqual(["stopped", sent + 2]);
    expect(session.totals()).toMatchObject({ sent: 8, lost: 0 });
  });

  test("on reset goes on with the addresses that it knows, and counts the probes on", async () => {
    const hosts: Record<string, { address: string; family: 4 }[]> = {
      "one.example": [{ address: ONE, family: 4 }],
      "same.example": [{ address: TWO, family: 4 }],
    };
    const scene = await multipingScene(`one.example ${TWO}`, { hosts });
    const { session, clock } = scene;
    await clock.advance(1900);
    delete hosts["one.example"];
    session.reset();
    await clock.advance(1900);
    expect(session.targets().map(({ figures, state }) => [figures.sent, state])).toEqual([
      [2, "up"],
      [2, "up"],
    ]);
    expect(logLines(session.log).filter((line) => line.includes(" #3 "))).toHaveLength(2);
    // Two names of one address: each is looked up again.
    const twins = await multipingScene(`same.example ${TWO}`, { hosts });
    await twins.clock.advance(1900);
    twins.session.reset();
    await twins.clock.advance(1900);
    expect(twins.session.targets().map(({ figures, state }) => [figures.sent, state])).toEqual([
      [2, "up"],
      [2, "up"],
    ]);
  });

  test("forgets its figures on reset, and goes on", async () => {
    const { session, clock } = await multipingScene(ONE, {
      answers: { [ONE]: (_, turn) => (turn < 5 ? null : 5) },
    });
    await clock.advance(3900);
    expect(session.totals()).toMatchObject({ sent: 4, lost: 4, down: 1 });
    const beganAt = session.beganAt;
    session.reset();
    expect(session.totals()).toEqual({ up: 0, down: 0, waiting: 1, failed: 0, sent: 0, lost: 0 });
    expect(session.targets()[0]).toMatchObject({
      state: "waiting",
      figures: { loss: null },
      note: "",
    });
    await clock.advance(1000);
    expect(session.totals()).toMatchObject({ up: 1, sent: 1, lost: 0 });
    expect(session.targets()[0]?.history.latest(9)).toEqual([5]);
    expect(session.beganAt - beganAt).toBeCloseTo(3900, 3);
  });

  test("begins to count no later than it ended", async () => {
    const { session, clock } = await multipingScene(ONE);
    await clock.advance(1500);
    session.stop();
    await clock.advance(5000);
    session.reset();
    expect(session.beganAt).toBe(session.upToMs);
  });

  test("takes losses that are known after newer answers for losses, not for an outage", async () => {
    const { session, clock } = await multipingScene(ONE, {
      form: { interval: "0.2", timeout: "1" },
      answers: { [ONE]: (_, turn) => (turn > 1 && turn < 6 ? null : 5) },
    });
    // The last of them was given up at 1800 ms, just before an answer.
    await clock.advance(1803);
    expect(session.totals()).toMatchObject({ up: 1, down: 0, lost: 4 });
    expect(session.targets()[0]).toMatchObject({
      state: "up",
      lostInARow: 0,
      isDown: false,
      note: "",
    });
    expect(logLines(session.log).filter((line) => line.includes("is down"))).toEqual([]);
  });

  test("stops for good, and its time stands still", async () => {
    const scene = await multipingScene(ONE);
    const { session, clock } = scene;
    await clock.advance(2500);
    session.stop();
    await clock.advance(5000);
    session.togglePause();
    await clock.advance(5000);
    expect(session.state).toBe("stopped");
    expect(session.upToMs - session.beganAt).toBeCloseTo(2500, 3);
    expect(session.totals().sent).toBe(3);
    scene.client.close();
    expectClosed(scene);
  });

  test("reports everything in a table to paste", async () => {
    const { session, clock } = await multipingScene(`${ONE} no.invalid`, {
      answers: { [ONE]: (_, turn) => (turn === 2 ? null : 10) },
    });
    await clock.advance(3900);
    expect(`\n${session.report()}\n`).toMatchInlineSnapshot(`
      "
      2024-01-01T00:00:01.000Z to 2024-01-01T00:00:04.900Z
      every 1 s, timeout 0.5 s, 56 bytes of data, TTL 64

                                                                     Ping of 2 targets
      ┌──────────────┬──────────────┬──────┬──────┬────────┬───────┬───────┬───────┬────────┬───────────────────────────────────────────────────────┐
      │ Target       │ Address      │ Sent │ Recv │ Loss % │   Avg │  Best │ Worst │ StdDev │ Notes                                                 │
      ├──────────────┼──────────────┼──────┼──────┼────────┼───────┼───────┼───────┼────────┼───────────────────────────────────────────────────────┤
      │ 198.51.100.1 │ 198.51.100.1 │    4 │    3 │   25.0 │ 10.00 │ 10.00 │ 10.00 │   0.00 │                                                       │
      │ no.invalid   │ -            │    0 │    0 │      - │     - │     - │     - │      - │ Cannot resolve "no.invalid": no such name (ENOTFOUND) │
      └──────────────┴──────────────┴──────┴──────┴────────┴───────┴───────┴───────┴────────┴───────────────────────────────────────────────────────┘
      "
    `);
  });

  test("escapes what it was given", async () => {
    const { session, clock } = await multipingScene("evil\u001b[2J.example\u202egro");
    await clock.advance(100);
    expect(session.title).toBe("evil\\x1b[2J.example\\u{202e}gro");
    expect(session.targets()[0]?.label).toBe("evil\\x1b[2J.example\\u{202e}gro");
    const everything = [
      session.report(),
      session.targets()[0]?.note,
      ...logLines(session.log),
    ].join("\n");
    for (const raw of ["\u001b", "\u202e"]) expect(everything).not.toContain(raw);
    expect(everything).toContain("\\x1b[2J");
  });

  test("is called what was typed", async () => {
    const { session } = await multipingScene("  a.example,10.0.0.0/30\tb.example ");
    expect([session.title, session.id, session.kind]).toEqual([
      "a.example, 10.0.0.0/30, b.example",
      7,
      "multiping",
    ]);
  });
});

describe("multipingTool", () => {
  test("refuses more probes a second than it can show", async () => {
    const begin = multipingScene("10.0.0.0/21", { form: { interval: "0.1" } });
    await expect(begin).rejects.toThrow(
      "2046 targets every 0.1 s are 20460 probes a second: choose an interval of at least 0.5 s",
    );
    const { session } = await multipingScene("10.0.0.0/21", { form: { interval: "0.5" } });
    expect(session).toBeInstanceOf(MultipingSession);
    session.stop();
  });

  test("sends what the form says", async () => {
    const { kernel, clock, session } = await multipingScene(ONE, {
      form: { interval: "0.25", timeout: "2", ttl: "9", size: "100" },
    });
    await clock.advance(600);
    expect(kernel.sent.map(({ ttl, data }) => [ttl, data.length])).toEqual([
      [9, 108],
      [9, 108],
      [9, 108],
    ]);
    expect(session.request).toMatchObject({ interval: 250, timeout: 2000 });
  });

  test("checks its fields as one types", () => {
    const check = (name: string, text: string): string | null =>
      multipingTool.fields.find((field) => field.name === name)?.check(text) ?? null;
    expect(check("targets", "10.0.0.0/8")).toBe("These are 16,777,214 targets: need at most 4,096");
    expect(check("targets", "10.0.0.0/24")).toBeNull();
    expect(check("interval", "0.01")).toBe("need a number from 0.1 to 3600 s");
    expect(check("size", "65508")).toBe("need a whole number from 0 to 65507 B");
  });
});
