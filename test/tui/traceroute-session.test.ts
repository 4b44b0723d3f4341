import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { TracerouteSession } from "../../tui/src/model/traceroute-session.ts";
import { scene } from "../client/support.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { logLines, TARGET, tracerouteScene } from "./hops-scene.ts";

const { ENETUNREACH } = constants.errno;
const [R1 = "", R2 = "", R3 = "", R4 = ""] = routers(4);

/**
 * "1 10.0.1.1:5 ·": TTL, and each probe: who answered and after how long, "*" for silence, "·" if
 * it is undecided.
 */
function shortened({ hops }: TracerouteSession): string[] {
  return hops.map(({ ttl, probes }) => {
    const cells = probes.map((probe) => {
      if (probe === undefined) return "·";
      return probe.reply === null
        ? probe.kind === "sendError"
          ? probe.error
          : "*"
        : `${probe.reply.addr}:${probe.rtt}`;
    });
    return [ttl, ...cells].join(" ");
  });
}

describe("TracerouteSession", () => {
  test("shows each answer the moment it is known", async () => {
    const path = new FakePath(
      { from: R1, delays: [[5], [40], [5]] },
      { from: R2, delays: 30 },
      { delays: 60 },
    );
    const { clock, session } = await tracerouteScene(path);
    const waiting = {
      figures: { loss: null, sent: 0 },
      isDown: false,
      note: "0 hops",
      address: null,
    };
    expect([session.hops, session.resolved, session.targets()]).toMatchObject([
      [],
      null,
      [waiting],
    ]);
    await clock.advance(10);
    expect(shortened(session)).toEqual([`1 ${R1}:5 · ${R1}:5`]);
    expect(session.resolved).toBe(TARGET);
    await clock.advance(25);
    expect(shortened(session)).toEqual([`1 ${R1}:5 · ${R1}:5`, `2 ${R2}:30 ${R2}:30 ${R2}:30`]);
    expect([session.isReached, session.conclusion, session.targetTtl]).toEqual([
      false,
      null,
      undefined,
    ]);
    await clock.advance(2000);
    expect(shortened(session)).toEqual([
      `1 ${R1}:5 ${R1}:40 ${R1}:5`,
      `2 ${R2}:30 ${R2}:30 ${R2}:30`,
      `3 ${TARGET}:60 ${TARGET}:60 ${TARGET}:60`,
    ]);
    expect([session.state, session.isReached, session.conclusion, session.targetTtl]).toEqual([
      "finished",
      true,
      `reached ${TARGET}`,
      3,
    ]);
  });

  test("shows the gap below a hop that answered before those nearer", async () => {
    const { clock, session } = await tracerouteScene(
      new FakePath({ from: R1, delays: 50 }, R2, {}),
    );
    await clock.advance(20);
    expect(shortened(session).slice(0, 2)).toEqual(["1 · · ·", `2 ${R2}:10 ${R2}:10 ${R2}:10`]);
  });

  test("ends with the hops of the library, whatever the path", async () => {
    const paths: readonly (() => FakePath)[] = [
      () => new FakePath(R1, { from: [R2, R3, R4] }, null, { delays: [[20], [], [25]] }),
      () => new FakePath(R1, { from: R2, delays: [[5], [5, 9], []] }, { from: R3, says: 1 }),
      () => new FakePath(R1, R2, R1, R2, R1, R2, R1, R2),
      () => new FakePath(R1, null),
      () => new FakePath({ from: R1, delays: [[5], [1500], []] }, {}),
    ];
    for (const make of paths) {
      const form = { maxHops: "8", probes: "4", firstTtl: "1" };
      const { clock, session, failures } = await tracerouteScene({ ...make(), form });
      const { client, outcome } = scene(make());
      const result = await outcome(
        client.traceroute(TARGET, { maxHops: 8, probes: 4, resolveDns: true }),
      );
      await clock.advance(30_000);
      expect(session.state).toBe("finished");
      expect(session.hops.map((hop) => hop.toEntry())).toEqual([...result.hops]);
      expect(session.isReached).toBe(result.reached);
      expect(failures).toEqual([]);
    }
  });

  test("fills in names, safe to print in the report", async () => {
    const { clock, dns, session } = await tracerouteScene(new FakePath(R1, {}));
    await clock.advance(50);
    expect(session.hops[0]?.toEntry().hostname).toBe(null);
    await dns.answer(R1, "one\u001b.example");
    await dns.answer(TARGET, "target.example");
    await clock.advance(10);
    expect(session.hops.map((hop) => hop.toEntry().hostname)).toEqual([
      "one\u001b.example",
      "target.example",
    ]);
    expect(session.report()).toBe(
      [
        `traceroute to ${TARGET}`,
        ` 1  one\\x1b.example (${R1})  5.000 ms  5.000 ms  5.000 ms`,
        ` 2  target.example (${TARGET})  10.000 ms  10.000 ms  10.000 ms`,
        `reached ${TARGET}`,
      ].join("\n"),
    );
  });

  test("stop() keeps what is known, and reports it", async () => {
    const hosts = { "www.example": [{ address: TARGET, family: 4 as const }] };
    const options = {
      ...new FakePath(R1, { from: R2, delays: [[10], [400]] }, null),
      hosts,
      target: "www.example",
    };
    const { clock, session } = await tracerouteScene(options);
    await clock.advance(100);
    expect(session.report().split("\n")).toEqual([
      `traceroute to www.example (${TARGET})`,
      ` 1  ${R1}  5.000 ms  5.000 ms  5.000 ms`,
      ` 2  ${R2}  10.000 ms  10.000 ms`,
      "not finished",
    ]);
    session.stop();
    await clock.advance(5000);
    expect(session.state).toBe("stopped");
    expect(shortened(session)).toEqual([`1 ${R1}:5 ${R1}:5 ${R1}:5`, `2 ${R2}:10 · ${R2}:10`]);
    expect(session.report()).toEndWith("\nstopped");
    expect(session.targets()).toMatchObject([{ isDown: false, note: "stopped" }]);
    expect(logLines(session.log)).toEqual(["dim: stopped"]);
  });

  test("tells of answers that came after their probes were given up", async () => {
    const path = new FakePath({ from: R1, delays: [[1200]] }, { delays: 900 });
    const { clock, session } = await tracerouteScene({ ...path, form: { timeout: "1" } });
    await clock.advance(1150);
    expect(shortened(session)[0]).toBe("1 * * *");
    // The run must last for late answers to be heard.
    expect(session.hops[0]?.afterwards).toEqual([]);
    const lasting = await tracerouteScene({
      ...new FakePath({ from: R1, delays: [[1200]] }, null, null),
    });
    await lasting.clock.advance(1500);
    expect(
      lasting.session.hops[0]?.afterwards.map(({ reply, late }) => [reply?.addr, late]),
    ).toEqual([
      [R1, true],
      [R1, true],
      [R1, true],
    ]);
  });

  test("summarises the probes to the target", async () => {
    const { clock, session } = await tracerouteScene({
      ...new FakePath(R1, { delays: [[10], [], [20]] }),
    });
    await clock.advance(5000);
    const [row] = session.targets();
    expect(row).toMatchObject({
      label: TARGET,
      address: TARGET,
      figures: { sent: 3, received: 2, loss: 1 / 3, last: 20, mean: 15, min: 10, max: 20 },
      isDown: false,
      note: "2 hops",
    });
    expect(row?.history.latest(9)).toEqual([10, 20]);
    expect(logLines(session.log)).toEqual([`good: reached ${TARGET}`]);
  });

  test("tells why it went no further", async () => {
    const { clock, session } = await tracerouteScene({
      ...new FakePath(R1, { from: R2, says: 1 }),
    });
    await clock.advance(5000);
    const why = "not reached: hop 2 says it is unreachable";
    expect([session.conclusion, logLines(session.log)]).toEqual([why, [`warn: ${why}`]]);
    expect(session.targets()).toMatchObject([{ isDown: true, note: why, figures: { loss: null } }]);
  });

  test("goes on where nothing can be sent, with the reason", async () => {
    const { clock, kernel, session } = await tracerouteScene({ ...new FakePath(R1, {}) });
    kernel.failSendsTo(TARGET, ENETUNREACH);
    await clock.advance(5000);
    expect(session.state).toBe("finished");
    expect(shortened(session)).toEqual(["1 ENETUNREACH ENETUNREACH ENETUNREACH"]);
    expect(session.conclusion).toBe(
      `not reached: nothing could be sent to hop 1: sendmsg() to ${TARGET} failed: ENETUNREACH (network is unreachable)`,
    );
  });

  test("fails when the name has no address", async () => {
    const { clock, session, failures } = await tracerouteScene({ target: "nowhere.example" });
    await clock.advance(100);
    expect([session.state, session.conclusion]).toEqual(["failed", null]);
    expect(session.failure).toContain("nowhere.example");
    expect(failures).toEqual([session.failure ?? ""]);
  });

  test("does not begin when the first TTL is beyond the last", async () => {
    const begun = tracerouteScene({ form: { firstTtl: "9", maxHops: "8" } });
    await expect(begun).rejects.toThrow("First TTL is 9: need at most Max hops (8)");
  });
});
