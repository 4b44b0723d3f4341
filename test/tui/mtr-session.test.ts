import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { MtrSession } from "../../tui/src/model/mtr-session.ts";
import { scene } from "../client/support.ts";
import { timeExceeded } from "../support/fake-network.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { fromHex } from "../support/hex.ts";
import { type HopsScene, logLines, mtrScene, TARGET } from "./hops-scene.ts";

const { ENETUNREACH } = constants.errno;
const [R1 = "", R2 = "", R3 = "", R4 = "", R5 = ""] = routers(5);

/** "1 10.0.1.1 3/4": TTL, the last address, how many probes were received of how many decided. */
function shortened({ hops }: MtrSession): string[] {
  return hops.map(
    ({ ttl, last, figures: { received, sent } }) =>
      `${ttl} ${last?.addr ?? "*"} ${received}/${sent}`,
  );
}

/** The lines of the log that are about something else than the target's first answer. */
function news({ session }: HopsScene<MtrSession>): string[] {
  return logLines(session.log).filter((line) => !line.startsWith("good: reached"));
}

describe("MtrSession figures", () => {
  const label = fromHex("2000 ca0d 0008 01 01 03e81101");
  const paths: readonly [name: string, make: () => FakePath, change?: (path: FakePath) => void][] =
    [
      ["a plain path", () => new FakePath(R1, R2, R3, {})],
      [
        "silent, lossy, late and duplicate answers",
        () => {
          return new FakePath(
            { from: R1, delays: [[5], [], [5, 9], [7]] },
            null,
            { from: R3, delays: [[10], [170], [12, 13, 90], []] },
            { delays: [[20], [21], [180], [19], []] },
          );
        },
      ],
      ["a balanced path", () => new FakePath(R1, { from: [R2, R3, R4] }, { from: [R5, R4] }, {})],
      ["a loop", () => new FakePath(R1, R2, R1, R2, R1, R2, R1, R2)],
      ["a silent target", () => new FakePath(R1, null, R3, null)],
      ["an unreachable target", () => new FakePath(R1, R2, { from: R3, says: 1 })],
      [
        "a path that gets shorter",
        () => new FakePath(R1, R2, R3, R4, {}),
        (path) => {
          path.hops = [R5, {}];
        },
      ],
      [
        "a path that gets longer",
        () => new FakePath(R1, {}),
        (path) => {
          path.hops = [R1, R2, R3, R4, {}];
        },
      ],
      [
        "a target that comes back",
        () => new FakePath(R1, R2, { from: R3, says: 1 }),
        (path) => {
          path.hops = [R1, R2, R3, {}];
        },
      ],
    ];
  for (const [name, make, change] of paths) {
    test(`are those of the library: ${name}`, async () => {
      const run = { interval: 200, timeout: 150, maxHops: 12, size: 56 };
      const mine = make();
      const setting = await mtrScene({
        ...mine,
        form: { interval: "0.2", timeout: "0.15", maxHops: "12" },
      });
      const theirs = make();
      const { client, clock, watch } = scene(theirs);
      const { items, ended } = watch(client.mtr(TARGET, { ...run, count: 40, resolveDns: true }));
      for (const [path, time] of [
        [mine, setting.clock],
        [theirs, clock],
      ] as const) {
        await time.advance(1500);
        change?.(path);
        // The last round begins at 7800, and the next one at 8000.
        await time.advance(6480);
      }
      expect(setting.session.rounds).toBe(40);
      expect(setting.session.hops.map((hop) => hop.toMtrHop())).toEqual([
        ...(items[39]?.hops ?? []),
      ]);
      await clock.advance(1000);
      expect(await ended).toBeUndefined();
      expect(setting.failures).toEqual([]);
    });
  }

  test("are those of the library: what found no room in the receive queue", async () => {
    const options = { queueLimit: 2 };
    const setting = await mtrScene({
      ...new FakePath(R1, R2, R3, {}),
      ...options,
      form: { maxHops: "4" },
    });
    const { client, clock, watch } = scene({ ...new FakePath(R1, R2, R3, {}), ...options });
    const { items } = watch(client.mtr(TARGET, { count: 3, maxHops: 4, resolveDns: true }));
    for (const time of [setting.clock, clock]) {
      await time.advance(1);
      time.block(100);
      await time.advance(2800);
    }
    await clock.advance(2000);
    expect(setting.session.hops.map((hop) => hop.toMtrHop())).toEqual([
      ...(items.at(-1)?.hops ?? []),
    ]);
    expect(setting.session.hops.map(({ figures }) => figures.overflows)).toEqual([0, 0, 1, 1]);
  });

  test("include the extensions of each address", async () => {
    const path = new FakePath(R1, R2, {});
    const { clock, session } = await mtrScene({
      network: (probe) => {
        return probe.ttl === 2
          ? [timeExceeded(probe, { from: R2, extensions: label })]
          : path.network(probe);
      },
    });
    await clock.advance(100);
    const extensions = session.hops.map(({ last }) => last?.extensions);
    expect(extensions).toMatchObject([[], [{ kind: "mpls", labels: [{ label: 16001 }] }], []]);
  });

  test("leave out what is in flight", async () => {
    const { clock, session } = await mtrScene({ ...new FakePath(R1, { delays: 700 }) });
    await clock.advance(600);
    expect(shortened(session)[0]).toBe(`1 ${R1} 1/1`);
    expect(session.hops.every(({ ttl, figures }) => ttl === 1 || figures.sent === 0)).toBe(true);
  });

  test("of the target are those of its hop, and null before there are any", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, { delays: [[10], [14], []] }) });
    const { clock, session } = setting;
    const unknown = {
      figures: { sent: 0, received: 0, loss: null, last: null, mean: null },
      isDown: false,
      note: "",
    };
    expect(session.targets()).toMatchObject([{ label: TARGET, address: null, ...unknown }]);
    await clock.advance(1500);
    const hop = session.hops[1];
    const row = session.targets()[0];
    expect(row).toMatchObject({
      label: TARGET,
      address: TARGET,
      figures: { sent: 2, received: 2, loss: 0, last: 14, mean: 12, min: 10, max: 14 },
      isDown: false,
      note: "2 hops",
    });
    expect(row?.history.latest(9)).toEqual(hop?.history.latest(9) ?? []);
    await clock.advance(1508);
    expect(session.targets()).toMatchObject([{ figures: { sent: 3, loss: 1 / 3 }, isDown: true }]);
  });

  test("of a target that never answered are a loss for each round", async () => {
    const { clock, session } = await mtrScene({
      ...new FakePath(R1, null),
      form: { maxHops: "3" },
    });
    await clock.advance(3500);
    const row = {
      figures: { sent: 2, received: 0, loss: 1, mean: null },
      isDown: true,
      note: "not reached",
    };
    expect(session.targets()).toMatchObject([row]);
  });

  test("tell that a target which answered is unreachable now", async () => {
    const path = new FakePath(R1, R2, {});
    const { clock, session } = await mtrScene(path);
    await clock.advance(2500);
    path.hops = [R1, { from: R2, says: 1 }];
    await clock.advance(2000);
    expect(session.targets()).toMatchObject([
      { figures: { received: 3 }, isDown: true, note: "not reached" },
    ]);
    expect(session.endsEarly).toBe(true);
    expect(session.hops).toHaveLength(2);
  });

  test("count an outage as losses of the target, and have those of hops beyond it again afterwards", async () => {
    const path = new FakePath(R1, R2, R3, {});
    const { clock, dns, session } = await mtrScene(path);
    await clock.advance(2500);
    for (const router of [R1, R2, R3, TARGET]) await dns.answer(router, null);
    path.hops = [R1, { from: R2, says: 0 }];
    await clock.advance(4000);
    expect(shortened(session)).toEqual([`1 ${R1} 7/7`, `2 ${R2} 7/7`]);
    expect(session.targets()).toMatchObject([{ figures: { sent: 7, received: 3 }, isDown: true }]);
    path.hops = [R1, R2, R3, {}];
    await clock.advance(3000);
    // The round that found the way open had not asked beyond it.
    expect(shortened(session)).toEqual([
      `1 ${R1} 10/10`,
      `2 ${R2} 10/10`,
      `3 ${R3} 5/5`,
      `4 ${TARGET} 5/9`,
    ]);
    expect(session.targets()).toMatchObject([{ figures: { sent: 9, received: 5 }, isDown: false }]);
    expect(session.hops[3]?.history.latest(7)).toEqual([20, null, null, null, null, 20, 20]);
  });
});

describe("MtrSession names", () => {
  test("fill in when they are known, safe to print", async () => {
    const { clock, dns, session } = await mtrScene({ ...new FakePath(R1, {}) });
    await clock.advance(500);
    expect(session.hops.map(({ last }) => last?.name)).toEqual([null, null]);
    await dns.answer(R1, "evil\u001b[2J.example");
    await dns.answer(TARGET, "target.example");
    await clock.advance(1000);
    expect(session.hops.map(({ last }) => last?.name)).toEqual([
      "evil\\x1b[2J.example",
      "target.example",
    ]);
  });

  test("of the target may be what was asked for", async () => {
    const hosts = { "www.example": [{ address: TARGET, family: 4 as const }] };
    const { clock, session } = await mtrScene({
      ...new FakePath({}),
      hosts,
      target: " www.example ",
    });
    expect([session.title, session.resolved]).toEqual(["www.example", null]);
    await clock.advance(500);
    expect(session.resolved).toBe(TARGET);
    expect(session.targets()[0]).toMatchObject({
      label: "www.example",
      address: TARGET,
      note: "1 hop",
    });
  });
});

describe("MtrSession pause()", () => {
  test("sends nothing, keeps the figures, and goOn() continues them", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, R2, {}) });
    const { clock, kernel, session } = setting;
    await clock.advance(2500);
    const before = shortened(session);
    expect(before).toEqual([`1 ${R1} 3/3`, `2 ${R2} 3/3`, `3 ${TARGET} 3/3`]);
    session.pause();
    expect(session.state).toBe("paused");
    const sent = kernel.sent.length;
    await clock.advance(60_000);
    expect(kernel.sent).toHaveLength(sent);
    expect(shortened(session)).toEqual(before);
    session.goOn();
    expect(session.state).toBe("running");
    await clock.advance(1500);
    expect(shortened(session)).toEqual([`1 ${R1} 5/5`, `2 ${R2} 5/5`, `3 ${TARGET} 5/5`]);
    expect(session.targets()).toMatchObject([
      { figures: { sent: 5, received: 5, loss: 0 }, isDown: false },
    ]);
    expect(session.rounds).toBe(5);
    expect(news(setting)).toEqual(["dim: paused", "dim: going on"]);
  });

  test("shows what became of the probes in flight", async () => {
    const { clock, session } = await mtrScene({ ...new FakePath(R1, { delays: 300 }) });
    await clock.advance(1100);
    session.pause();
    await clock.advance(5000);
    expect(shortened(session)).toEqual([`1 ${R1} 2/2`, `2 ${TARGET} 2/2`]);
  });

  test("finds a path again that became longer meanwhile, silent where the target was", async () => {
    const path = new FakePath(R1, {});
    const { clock, session } = await mtrScene(path);
    await clock.advance(1500);
    session.pause();
    path.hops = [R1, null, R3, {}];
    session.goOn();
    await clock.advance(2500);
    expect(shortened(session)).toEqual([
      `1 ${R1} 5/5`,
      `2 ${TARGET} 2/4`,
      `3 ${R3} 3/3`,
      `4 ${TARGET} 3/3`,
    ]);
    expect(session.targetTtl).toBe(4);
  });

  test("does nothing to what is over, and stop() ends what is paused", async () => {
    const { clock, session, kernel } = await mtrScene({ ...new FakePath(R1, {}) });
    await clock.advance(100);
    session.pause();
    session.pause();
    session.stop();
    session.goOn();
    session.pause();
    const sent = kernel.sent.length;
    await clock.advance(5000);
    expect([session.state, kernel.sent.length]).toEqual(["stopped", sent]);
  });
});

describe("MtrSession reset()", () => {
  test("restarts the count in another run, and forgets what was in flight", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, { delays: 300 }) });
    const { clock, dns, session } = setting;
    await clock.advance(1100);
    await dns.answer(R1, "one.example");
    session.reset();
    expect([session.hops, session.rounds, session.targets()[0]?.figures.sent]).toEqual([[], 0, 0]);
    expect(session.beganAt).toBe(clock.epochMs + 1100);
    await clock.advance(1600);
    expect(shortened(session)).toEqual([`1 ${R1} 2/2`, `2 ${TARGET} 2/2`]);
    expect(session.targets()).toMatchObject([
      { figures: { sent: 2 }, note: "2 hops", isDown: false },
    ]);
    await clock.advance(1000);
    expect(session.hops[0]?.last?.name).toBe("one.example");
    expect(news(setting)).toEqual(["dim: figures reset"]);
  });
});

describe("MtrSession reset() while it is paused", () => {
  test("leaves it paused, and goes on with the address that it knows", async () => {
    const hosts: Record<string, { address: string; family: 4 }[]> = {
      "www.example": [{ address: TARGET, family: 4 }],
    };
    const path = new FakePath(R1, {});
    const setting = await mtrScene({ ...path, hosts, target: "www.example" });
    const { clock, kernel, session } = setting;
    await clock.advance(1500);
    session.pause();
    delete hosts["www.example"];
    session.reset();
    const sent = kernel.sent.length;
    await clock.advance(10_000);
    expect([session.state, kernel.sent.length, session.hops]).toEqual(["paused", sent, []]);
    session.goOn();
    await clock.advance(1500);
    expect(shortened(session)).toEqual([`1 ${R1} 2/2`, `2 ${TARGET} 2/2`]);
    expect([session.resolved, session.failure, session.state]).toEqual([TARGET, null, "running"]);
    session.stop();
    session.reset();
    expect([session.hops, session.state]).toEqual([[], "stopped"]);
  });
});

describe("MtrSession log", () => {
  test("tells when the target is reached, each of its losses until it is lost, and when it is back", async () => {
    const path = new FakePath(R1, {});
    const { clock, session } = await mtrScene(path);
    await clock.advance(1500);
    expect(logLines(session.log)).toEqual([`good: reached ${TARGET} in 2 hops`]);
    path.hops = [R1, null];
    await clock.advance(4000);
    path.hops = [R1, {}];
    await clock.advance(2000);
    const loss = `bad: no answer from hop 2, ${TARGET}`;
    expect(logLines(session.log).slice(1)).toEqual([
      loss,
      loss,
      loss,
      "bad: target lost: 3 losses in a row",
      `good: hop 2, ${TARGET} answers again, after 4 losses`,
    ]);
    const first = session.log.fromEnd(session.log.length - 1);
    expect(first?.atMs).toBeWithin(clock.epochMs, clock.epochMs + 1100);
  });

  test("tells of routers only that they fell silent for long, never that one never answers", async () => {
    const path = new FakePath({ from: R1, delays: [[5], []] }, null, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(10_500);
    expect(news(setting)).toEqual([]);
    path.hops = [null, null, {}];
    await setting.clock.advance(5000);
    path.hops = [R1, null, {}];
    await setting.clock.advance(1000);
    expect(news(setting)).toEqual([
      `warn: hop 1, ${R1} is silent: 3 losses in a row`,
      `dim: hop 1, ${R1} answers again, after 5 losses`,
    ]);
  });

  test("tells once that a router answers now and then, and again when it falls silent for longer", async () => {
    const path = new FakePath({ from: R1, delays: [[5], [], [], [], []] }, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(20_500);
    const told = [
      `warn: hop 1, ${R1} is silent: 3 losses in a row`,
      `dim: hop 1, ${R1} answers again, after 4 losses`,
    ];
    expect(news(setting)).toEqual(told);
    path.hops = [null, {}];
    await setting.clock.advance(15_000);
    expect(news(setting).slice(2)).toEqual([`warn: hop 1, ${R1} is silent: 10 losses in a row`]);
    path.hops = [R1, {}];
    await setting.clock.advance(10_000);
    path.hops = [null, {}];
    await setting.clock.advance(5000);
    expect(news(setting).slice(4)).toEqual(told.slice(0, 1));
  });

  test("tells when the target is reached again", async () => {
    const path = new FakePath(R1, R2, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(2500);
    for (const router of [R1, R2, TARGET]) await setting.dns.answer(router, null);
    path.hops = [R1, { from: R2, says: 0 }];
    await setting.clock.advance(9000);
    path.hops = [R1, R2, {}];
    await setting.clock.advance(2000);
    expect(logLines(setting.session.log)).toEqual([
      `good: reached ${TARGET} in 3 hops`,
      `bad: hop 2, ${R2}: net unreachable`,
      "warn: the path goes on beyond hop 2, where it used to end",
      `good: reached ${TARGET} again in 3 hops`,
    ]);
  });

  test("tells of a router where nobody answered for long, but not of one that is slow to begin", async () => {
    const path = new FakePath(R1, null, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(3500);
    path.hops = [R1, R2, {}];
    await setting.clock.advance(2000);
    expect(news(setting)).toEqual([]);
    const silent = new FakePath(R1, null, {});
    const later = await mtrScene(silent);
    await later.clock.advance(15_500);
    silent.hops = [R1, R3, {}];
    await later.clock.advance(3000);
    expect(news(later)).toEqual([`warn: hop 2: ${R3} answers now, where nobody did`]);
  });

  test("tells a change of route from a balancer", async () => {
    const path = new FakePath(R1, { from: [R2, R3] }, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(20_500);
    const balanced = `warn: hop 2: ${R3} answers, too, besides ${R2}`;
    expect(news(setting)).toEqual([balanced]);
    path.hops = [R4, { from: [R2, R3] }, {}];
    await setting.clock.advance(20_000);
    path.hops = [R1, { from: [R2, R3] }, {}];
    await setting.clock.advance(2000);
    expect(news(setting)).toEqual([
      balanced,
      `warn: hop 1: ${R4} answers now, not ${R1}`,
      `warn: hop 1: ${R1} answers now, not ${R4}`,
    ]);
  });

  test("tells when the length of the path changes, once if it does so all the time", async () => {
    const short = [R1, {}];
    const long = [R1, R2, {}];
    const path = new FakePath(...short);
    const setting = await mtrScene(path);
    await setting.clock.advance(1500);
    for (let change = 0; change < 6; change += 1) {
      path.hops = change % 2 === 0 ? long : short;
      await setting.clock.advance(2000);
    }
    expect(news(setting).filter((line) => /goes on|away now/.test(line))).toEqual([
      "warn: the path goes on beyond hop 2, where it used to end",
      `warn: ${TARGET} is 3 hops away now, not 2`,
      `warn: ${TARGET} is 2 hops away now, not 3`,
    ]);
  });

  test("tells who says that the target is unreachable, once", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, { from: R2, says: 13 }) });
    await setting.clock.advance(5500);
    expect(news(setting)).toEqual([`bad: hop 2, ${R2}: communication administratively prohibited`]);
  });

  test("tells once that nothing can be sent, and when that is over", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, {}), form: { maxHops: "3" } });
    setting.kernel.failSendsTo(TARGET, ENETUNREACH);
    await setting.clock.advance(3500);
    setting.kernel.failSendsTo(TARGET, 0);
    expect(setting.session.hops[0]?.sendError).toBe("ENETUNREACH");
    await setting.clock.advance(2500);
    expect(setting.session.hops[0]?.sendError).toBe(null);
    const lines = logLines(setting.session.log);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toStartWith("bad: ");
    expect(lines[0]).toContain("ENETUNREACH");
    expect(lines.slice(1)).toEqual([
      "good: probes can be sent again",
      `good: reached ${TARGET} in 2 hops`,
    ]);
  });

  test("says which losses are the fault of this host", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, R2, R3, {}), queueLimit: 2 });
    await setting.clock.advance(2001);
    expect(news(setting)).toEqual([]);
    setting.clock.block(100);
    await setting.clock.advance(2000);
    expect(news(setting)).toEqual([
      `bad: no answer from hop 4, ${TARGET}: the receive queue of this host was full`,
    ]);
  });
});

describe("MtrSession", () => {
  test("fails with the reason, and says so once", async () => {
    const { clock, session, failures } = await mtrScene({ target: "no\u001b.example" });
    await clock.advance(100);
    expect(session.state).toBe("failed");
    expect(session.failure).toContain("no<U+001B>.example");
    expect(failures).toEqual([session.failure ?? ""]);
    expect(logLines(session.log)).toEqual([`bad: ${session.failure}`]);
  });

  test("reports as text, while it runs and after", async () => {
    const { clock, dns, session } = await mtrScene({ ...new FakePath(R1, null, {}) });
    await clock.advance(500);
    await dns.answer(R1, "one\u001b.example");
    await clock.advance(2500);
    session.stop();
    await clock.advance(1000);
    expect(`\n${session.report()}\n`).toMatchInlineSnapshot(`
      "
      2024-01-01T00:00:00.000Z, 3 rounds, one every 1 s, 56 bytes
                                            MTR to 198.51.100.1
      ┌─────┬──────────────┬─────────────────┬──────┬──────┬────────┬───────┬───────┬───────┬───────┐
      │ Hop │ Address      │ Hostname        │ Sent │ Recv │ Loss % │  Last │   Avg │  Best │ Worst │
      ├─────┼──────────────┼─────────────────┼──────┼──────┼────────┼───────┼───────┼───────┼───────┤
      │   1 │ 10.0.1.1     │ one\\x1b.example │    3 │    3 │    0.0 │  5.00 │  5.00 │  5.00 │  5.00 │
      │   2 │ ?            │                 │    2 │    0 │  100.0 │     - │     - │     - │     - │
      │   3 │ 198.51.100.1 │                 │    3 │    3 │    0.0 │ 15.00 │ 15.00 │ 15.00 │ 15.00 │
      └─────┴──────────────┴─────────────────┴──────┴──────┴────────┴───────┴───────┴───────┴───────┘
      "
    `);
  });

  test("keeps bounded memory of addresses, however many answer", async () => {
    const many = Array.from({ length: 300 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
    const { clock, session } = await mtrScene({
      ...new FakePath({ from: many }, {}),
      form: { interval: "0.05" },
    });
    await clock.advance(20_000);
    expect(session.hops[0]?.addresses).toHaveLength(128);
    expect(session.hops[0]?.figures.received).toBeGreaterThan(300);
  });
});
