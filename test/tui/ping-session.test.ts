import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { LOG_LIMIT } from "../../tui/src/model/event-log.ts";
import { checkFields } from "../../tui/src/model/fields.ts";
import { HISTORY_LIMIT } from "../../tui/src/model/rtt-history.ts";
import { pingTool } from "../../tui/src/panels/ping.ts";
import { expectClosed, tick } from "../client/support.ts";
import { echoReply, packetTooBig, timeExceeded } from "../support/fake-network.ts";
import { logLines, pingScene } from "./ping-scene.ts";

const TARGET = "198.51.100.1";
const ROUTER = "192.0.2.1";
const NAMED = { "www.example.com": [{ address: TARGET, family: 4 as const }] };

describe("pingTool", () => {
  test("takes what its form says", async () => {
    const form = { interval: "0.5", timeout: "2", ttl: "9", size: "100" };
    const { session, kernel, clock, sentAtMs } = await pingScene(` ${TARGET} `, { form });
    await clock.advance(1600);
    expect(session.request).toEqual({
      target: TARGET,
      interval: 500,
      timeout: 2000,
      ttl: 9,
      size: 100,
    });
    expect(sentAtMs()).toEqual([0, 500, 1000, 1500]);
    expect(kernel.sent.map(({ ttl, data }) => [ttl, data.length])).toEqual(Array(4).fill([9, 108]));
  });

  test("its form needs a target, and nothing else", () => {
    const initial = Object.fromEntries(pingTool.fields.map(({ name, initial }) => [name, initial]));
    expect([...checkFields(pingTool.fields, initial)]).toEqual([
      ["target", "Target: need a host name or an address"],
    ]);
    expect([...checkFields(pingTool.fields, { ...initial, target: TARGET })]).toEqual([]);
  });

  test.each([
    ["interval", "0"],
    ["interval", "fast"],
    ["timeout", "61"],
    ["ttl", "256"],
    ["ttl", "1.5"],
    ["size", "65508"],
    ["target", "two hosts"],
  ])("its form refuses %s %p", (name, text) => {
    const initial = Object.fromEntries(pingTool.fields.map((field) => [field.name, field.initial]));
    const problems = checkFields(pingTool.fields, { ...initial, target: TARGET, [name]: text });
    expect([...problems.keys()]).toEqual([name]);
  });
});

describe("PingSession", () => {
  test("counts replies and losses", async () => {
    const { session, clock, changes } = await pingScene(TARGET, {
      answer: (turn) => (turn === 2 ? null : 10 * turn),
    });
    expect(session).toMatchObject({
      id: 7,
      kind: "ping",
      title: TARGET,
      state: "running",
      failure: null,
    });
    expect(session.targets()[0]).toMatchObject({
      figures: { loss: null, last: null },
      isDown: false,
    });
    await clock.advance(2021);
    expect(session.targets()[0]).toMatchObject({
      figures: { sent: 2, received: 1, loss: 0.5 },
      isDown: true,
    });
    expect([session.lostInARow, session.silentForMs]).toEqual([1, 20]);
    await clock.advance(1900);
    expect(session.targets()).toEqual([
      expect.objectContaining({
        label: TARGET,
        address: TARGET,
        figures: expect.objectContaining({
          sent: 4,
          received: 3,
          loss: 0.25,
          last: 40,
          mean: 80 / 3,
          min: 10,
          max: 40,
        }),
        isDown: false,
        note: "",
      }),
    ]);
    expect(session.history.latest(9)).toEqual([10, null, 30, 40]);
    expect([session.lostInARow, session.silentForMs]).toEqual([0, 0]);
    expect(changes()).toBeGreaterThanOrEqual(4);
  });

  test("logs everything that comes, once", async () => {
    const { session, clock } = await pingScene(TARGET, {
      answer: (turn, probe) => {
        switch (turn) {
          case 1:
            return 12.34;
          case 2:
            return [echoReply(probe, { delayMs: 3 }), echoReply(probe, { delayMs: 4 })];
          case 3:
            return null;
          case 4:
            return 1200;
          case 5:
            return [timeExceeded(probe, { from: ROUTER, delayMs: 2 })];
          case 6:
            return [packetTooBig(probe, { from: ROUTER, delayMs: 2, mtu: 1400 })];
          case 7:
            return [echoReply(probe, { delayMs: 1, data: damaged(probe.data.slice(8)) })];
          default:
            return [echoReply(probe, { delayMs: 0.04, from: "198.51.100.77", ttl: 250 })];
        }
      },
    });
    await clock.advance(7500);
    expect(logLines(session.log)).toEqual([
      "text: 12.3 ms  #1  ttl 64",
      "text: 3.00 ms  #2  ttl 64",
      "warn: 4.00 ms  #2  ttl 64  duplicate",
      "bad: lost  #3",
      "bad: lost  #4",
      "bad: lost  #5  time exceeded: in transit, says 192.0.2.1",
      "bad: ▼  down: 3 probes lost in a row",
      "warn: 1200 ms  #4  ttl 64  late",
      "bad: lost  #6  fragmentation needed, mtu 1400, says 192.0.2.1",
      "warn: 1.00 ms  #7  ttl 64  corrupt",
      "good: ▲  up again after 4 lost in 0:03",
      "text: 0.040 ms  #8  ttl 250  from 198.51.100.77",
    ]);
    expect(session.log.fromEnd(session.log.length - 1)?.atMs).toBe(clock.epochMs + 13.34);
  });

  test("is up once a newer probe is answered, whenever older ones are given up", async () => {
    const { session, clock } = await pingScene("198.51.100.1", {
      form: { interval: "0.2", timeout: "1" },
      answer: (turn) => (turn > 1 && turn < 10 ? null : 5),
    });
    // Probes 2 to 4 are known to be lost, 5 to 9 are not yet.
    await clock.advance(1750);
    expect(session.targets()[0]).toMatchObject({ state: "down", lostInARow: 3 });
    // The tenth was answered at 1805 ms; the sixth was given up after that, at 2000 ms, and nothing
    // came since.
    await clock.advance(253);
    expect(session.figures.lost).toBe(5);
    expect(session.targets()[0]).toMatchObject({ state: "up", lostInARow: 0 });
    await clock.advance(1000);
    expect(session.figures.lost).toBe(8);
    expect(logLines(session.log).filter((line) => /[▼▲]/.test(line))).toEqual([
      "bad: ▼  down: 3 probes lost in a row",
      "good: ▲  up again after 4 lost in 0:00",
    ]);
  });

  test("sees after a pause that the host is down, whatever was answered before", async () => {
    const { session, clock } = await pingScene("198.51.100.1", {
      answer: (turn) => (turn > 9 ? null : 5),
    });
    await clock.advance(8500);
    session.togglePause();
    session.togglePause();
    await clock.advance(4500);
    expect(session.targets()[0]).toMatchObject({ state: "down", lostInARow: 4 });
  });

  test("tells why a send was refused", async () => {
    const { session, clock, kernel } = await pingScene(TARGET);
    await clock.advance(900);
    kernel.failSendsTo(TARGET, constants.errno.ENETUNREACH);
    await clock.advance(1000);
    expect(logLines(session.log).at(-1)).toMatch(/^bad: not sent {2}#2 {2}.*ENETUNREACH/);
    expect(session.figures).toMatchObject({ sendErrors: 1, loss: 0.5 });
    expect(session.targets()[0].note).toContain("ENETUNREACH");
  });

  test("names come later, and stay", async () => {
    const { session, clock, dns } = await pingScene("www.example.com", {
      hosts: NAMED,
      answer: (turn, probe) =>
        turn % 2 === 0 ? [timeExceeded(probe, { from: ROUTER, delayMs: 1 })] : 5,
    });
    await clock.advance(1500);
    expect([session.address, session.addressName]).toEqual([TARGET, null]);
    await dns.answer(TARGET, "server\u001b[31m.example.net");
    await dns.answer(ROUTER, "gw.example.net");
    await clock.advance(2000);
    expect(session.addressName).toBe("server\\x1b[31m.example.net");
    expect(logLines(session.log).at(-1)).toEndWith(", says gw.example.net (192.0.2.1)");
    expect(session.title).toBe("www.example.com");
  });

  test.each([
    [50, true],
    [100, false],
  ])("of %d hosts that answer in turn, are the names still known? %p", async (count, isKnown) => {
    const { session, clock, dns } = await pingScene(TARGET, {
      form: { interval: "0.01" },
      answer: (turn, probe) => [
        timeExceeded(probe, { from: `10.0.0.${turn % count}`, delayMs: 1 }),
      ],
    });
    const answered = new Set<string>();
    while (answered.size < count) {
      await clock.advance(100);
      for (const address of dns.reverses.filter((each) => !answered.has(each))) {
        answered.add(address);
        await dns.answer(address, `name-of-${address}`);
      }
    }
    await clock.advance(2000);
    expect(session.log.fromEnd(0)?.text.includes("name-of-")).toBe(isKnown);
  });

  test("fails with the reason when there is no such name", async () => {
    const { session, clock, failures } = await pingScene("no\u202e.invalid");
    await clock.advance(100);
    expect(session.state).toBe("failed");
    expect(session.failure).toStartWith("Cannot resolve ");
    expect(session.title + session.failure + session.report()).not.toContain("\u202e");
    expect(failures).toEqual([session.failure ?? ""]);
    expect(session.targets()[0]).toMatchObject({
      note: session.failure,
      isDown: true,
      figures: { loss: null },
      address: null,
    });
    expect(logLines(session.log)).toEqual([`bad: ${session.failure}`]);
    expect(session.report()).toContain(session.failure ?? "?");
  });

  test("fails with the remedy when it may not open a socket", async () => {
    const { session, clock } = await pingScene(TARGET, { allowRaw: false, allowDatagram: false });
    await clock.advance(100);
    expect(session.failure).toContain("\n  sudo setcap cap_net_raw+ep ");
    expect(session.targets()[0].note).not.toContain("\n");
  });

  test("stops at once, and leaves nothing behind", async () => {
    const setting = await pingScene(TARGET, { answer: () => 500 });
    const { session, clock, kernel } = setting;
    await clock.advance(1200);
    session.stop();
    await tick();
    await clock.advance(5000);
    expect(session.state).toBe("stopped");
    expect(kernel.sent).toHaveLength(2);
    expect(session.figures).toMatchObject({ sent: 1, received: 1 });
    expect(session.upToMs - session.beganAt).toBe(1200);
    await setting.client.close();
    expectClosed(setting);
  });

  test("pauses and goes on: what was in flight is decided meanwhile", async () => {
    const { session, clock, kernel } = await pingScene(TARGET, { answer: () => 300 });
    await clock.advance(1100);
    session.togglePause();
    await clock.advance(10_000);
    expect([session.state, kernel.sent.length]).toEqual(["paused", 2]);
    session.togglePause();
    await clock.advance(1500);
    expect(session.state).toBe("running");
    expect(logLines(session.log)).toEqual([
      "text: 300 ms  #1  ttl 64",
      "dim: paused",
      "text: 300 ms  #2  ttl 64",
      "dim: goes on",
      "text: 300 ms  #3  ttl 64",
      "text: 300 ms  #4  ttl 64",
    ]);
    expect(session.figures).toMatchObject({ sent: 4, received: 4, loss: 0 });
    session.togglePause();
    session.stop();
    session.togglePause();
    expect(session.state).toBe("stopped");
  });

  test("reset restarts the count and keeps the log", async () => {
    const { session, clock } = await pingScene(TARGET, { answer: (turn) => (turn < 3 ? null : 7) });
    await clock.advance(2500);
    session.reset();
    expect(session.figures).toMatchObject({ sent: 0, loss: null });
    expect([session.history.length, session.lostInARow, session.upToMs - session.beganAt]).toEqual([
      0, 0, 0,
    ]);
    await clock.advance(1000);
    expect(session.figures).toMatchObject({ sent: 1, received: 1 });
    expect(logLines(session.log)).toEqual([
      "bad: lost  #1",
      "bad: lost  #2",
      "text: 7.00 ms  #3  ttl 64",
      "dim: figures reset",
      "text: 7.00 ms  #4  ttl 64",
    ]);
  });

  test("reset while it is paused leaves it paused, and goes on with the address that it knows", async () => {
    const hosts: Record<string, { address: string; family: 4 }[]> = { ...NAMED };
    const { session, clock, kernel, failures } = await pingScene("www.example.com", { hosts });
    await clock.advance(1500);
    session.togglePause();
    delete hosts["www.example.com"];
    session.reset();
    await clock.advance(10_000);
    expect([session.state, kernel.sent.length]).toEqual(["paused", 2]);
    expect(session.figures).toMatchObject({ sent: 0, loss: null });
    session.togglePause();
    await clock.advance(900);
    expect([session.state, failures]).toEqual(["running", []]);
    expect(session.figures).toMatchObject({ sent: 1, received: 1 });
    expect(logLines(session.log).at(-1)).toBe("text: 5.00 ms  #3  ttl 64");
  });

  test("leaves out what is in flight", async () => {
    const { session, clock } = await pingScene(TARGET, { answer: () => 400 });
    await clock.advance(1100);
    expect(session.figures).toMatchObject({ sent: 1, received: 1, inFlight: 0 });
    session.stop();
    expect(session.figures).toMatchObject({ sent: 1, received: 1, inFlight: 0 });
  });

  test("reports what a ticket needs", async () => {
    const { session, clock } = await pingScene("www.example.com", {
      hosts: NAMED,
      answer: (turn) => (turn === 3 ? null : 10),
    });
    await clock.advance(3900);
    expect(session.report()).toMatchInlineSnapshot(`
      "2024-01-01T00:00:00.000Z to 2024-01-01T00:00:03.900Z
      address 198.51.100.1
      every 1 s, timeout 1 s, 56 bytes of data, TTL 64

      --- www.example.com ping statistics ---
      4 packets transmitted, 3 received, 25% packet loss, time 3900ms
      rtt min/avg/max/mdev = 10.000/10.000/10.000/0.000 ms
      jitter 0.000 ms
      rtt p50/p90/p99 = 10/10/10 ms

      Most recent events other than plain replies:
      2024-01-01T00:00:03.001Z      lost  #3"
    `);
  });

  test("reports only the latest of many events", async () => {
    const { session, clock } = await pingScene(TARGET, { answer: () => null });
    await clock.advance(60_000);
    const events = session
      .report()
      .split("\n")
      .filter((line) => line.includes("lost  #"));
    expect(events).toHaveLength(20);
    expect(events.at(-1)).toEndWith("lost  #59");
  });

  test("uses as much memory after hours as after minutes", async () => {
    const { session, clock } = await pingScene(TARGET, { form: { interval: "0.1" } });
    await clock.advance(400_000);
    expect(session.figures.sent).toBe(4000);
    expect(session.log.length).toBe(LOG_LIMIT);
    expect(session.history.length).toBe(HISTORY_LIMIT);
    expect(session.history.latest(5000)).toHaveLength(HISTORY_LIMIT);
  });
});

/** With one bit that is not as it was sent. */
function damaged(data: Uint8Array): Uint8Array {
  const last = data.length - 1;
  return data.with(last, (data[last] ?? 0) ^ 1);
}
