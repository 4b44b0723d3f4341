import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { type FakeProbe, icmpError, timeExceeded } from "../support/fake-network.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { fromHex } from "../support/hex.ts";
import { TARGET, tracerouteScene } from "./hops-scene.ts";

type TracerouteScene = Awaited<ReturnType<typeof tracerouteScene>>;

const { ENETUNREACH } = constants.errno;
const [R1 = "", R2 = "", , R4 = "", R5 = ""] = routers(5);
/**
 * Two MPLS label stack entries (RFC 4950): 16001 and 24321, the latter at the bottom; checksum 0 is
 * none.
 */
const LABELS = fromHex("2000 0000 000c 01 01 03e81001 05f01101");

/** A router that balances, a silent one, one with a loss, one with labels, and the target. */
async function busyScene(ms = 5000): Promise<TracerouteScene> {
  const path = new FakePath(
    R1,
    { from: [R2, "10.0.2.5"], delays: [[2.1], [2.2], [2.6]] },
    null,
    { from: R4, delays: [[8], [], [9]] },
    R5,
    { delays: [[15.2], [15.5], [16]] },
  );
  const setting = await tracerouteScene({
    network: (probe) => {
      return probe.ttl === 5
        ? [timeExceeded(probe, { from: R5, delayMs: 12.3, ttl: 251, extensions: LABELS })]
        : path.network(probe);
    },
  });
  await setting.clock.advance(500);
  await setting.dns.answer(R1, "gateway.example");
  await setting.dns.answer("10.0.2.5", "balanced2.isp.example.net");
  await setting.clock.advance(ms - 500);
  return setting;
}

function text(setting: TracerouteScene, width: number, height: number): string {
  return `\n${setting.draw(width, height).text}\n`;
}

/** Rows of the table, with single spaces. */
function rows(setting: TracerouteScene, width = 120): string[] {
  return setting
    .draw(width, 20)
    .rows.slice(2)
    .map((row) => row.trim().replace(/ +/g, " "));
}

describe("TraceroutePanel", () => {
  test("shows a row for each address, and what it says of the selected one: 100x20", async () => {
    expect(text(await busyScene(), 100, 20)).toMatchInlineSnapshot(`
      "
      198.51.100.1  reached in 6 hops                           RTT in ms, 3 probes a hop, 30 hops at most
       #    Host                      RTT 1 RTT 2 RTT 3 Notes
       1    gateway.example            5.00  5.00  5.00
       2    10.0.2.1                   2.10        2.60 ~1 hop back
            balanced2.isp.example.net        2.20       ~1 hop back
       3    no answer                     *     *     *
       4    10.0.4.1                   8.00     *  9.00 ~1 hop back
       5    10.0.5.1                   12.3  12.3  12.3 MPLS 16001/24321
       6    198.51.100.1               15.2  15.5  16.0 ~1 hop back
      ── Hop 1 ───────────────────────────────────────────────────────────────────────────────────────────
      gateway.example (10.0.1.1)  5.00  5.00  5.00 ms
         time exceeded: in transit
      "
    `);
  });

  test("shows hops while they come: 62x12", async () => {
    const setting = await tracerouteScene({
      ...new FakePath(R1, null, { from: R4, delays: [[8], [400], []] }, { delays: 600 }),
    });
    await setting.clock.advance(100);
    expect(text(setting, 62, 12)).toMatchInlineSnapshot(`
      "
      198.51.100.1  3 hops so far
       #    Host          RTT 1 RTT 2 RTT 3 Notes
       1    10.0.1.1       5.00  5.00  5.00
       2    waiting           ·     ·     ·
       3    10.0.4.1       8.00     ·     · ~1 hop back
      ── Hop 1 ─────────────────────────────────────────────────────
      10.0.1.1  5.00  5.00  5.00 ms
         time exceeded: in transit
      "
    `);
  });

  test("leaves out the notes, not the marks, where there is little room: 40x9", async () => {
    const setting = await tracerouteScene({ ...new FakePath(R1, R2, { from: R4, says: 13 }) });
    await setting.clock.advance(5000);
    expect(text(setting, 40, 9)).toMatchInlineSnapshot(`
      "
      198.51.100.1  not reached: hop 3 says i…
       #    Host          RTT 1 RTT 2 RTT 3
       1    10.0.1.1       5.00  5.00  5.00
       2    10.0.2.1       10.0  10.0  10.0
       3 !X 10.0.4.1       15.0  15.0  15.0
      "
    `);
  });

  test("says what it waits for, and why it could not begin", async () => {
    const setting = await tracerouteScene({ target: "nowhere.example" });
    expect(setting.draw(62, 6).rows.slice(0, 3)).toEqual([
      "nowhere.example  searching",
      " #    Host          RTT 1 RTT 2 RTT 3 Notes",
      "Waiting for the first answers",
    ]);
    await setting.clock.advance(100);
    const grid = setting.draw(62, 6);
    expect(grid.rows[0]).toBe("nowhere.example  failed");
    expect(grid.rows[2]).toBe('Cannot resolve "nowhere.example": no such name (ENOTFOUND)');
    expect(grid.roleOf("Cannot")).toBe("bad");
  });

  test("never fails, whatever the room", async () => {
    const setting = await busyScene();
    for (const key of [undefined, "enter"]) {
      if (key !== undefined) setting.press(key);
      for (const width of [0, 1, 2, 5, 20, 41, 200]) {
        for (const height of [0, 1, 2, 3, 5, 9, 10, 17, 18, 25, 60]) {
          expect(() => setting.draw(width, height)).not.toThrow();
        }
      }
    }
  });

  test("tells how it ended", async () => {
    const status = async (path: FakePath): Promise<[string, string | undefined]> => {
      const setting = await tracerouteScene({ ...path, form: { maxHops: "4" } });
      await setting.clock.advance(9000);
      const grid = setting.draw(62, 5);
      const [, end = ""] = grid.rows[0]?.split("  ") ?? [];
      return [end, grid.roleOf(end)];
    };
    expect(await status(new FakePath({}))).toEqual(["reached in 1 hop", "good"]);
    expect(await status(new FakePath(R1, null))).toEqual(["not reached within 4 hops", "warn"]);
    const stopped = await tracerouteScene({ ...new FakePath(R1, null) });
    await stopped.clock.advance(100);
    expect(stopped.draw(62, 5).rows[0]).toBe(`${TARGET}  1 hop so far`);
    stopped.session.stop();
    expect(stopped.draw(62, 5).rows[0]).toBe(`${TARGET}  stopped`);
    await stopped.clock.advance(100);
    expect(stopped.draw(62, 5).rows[0]).toBe(`${TARGET}  stopped`);
  });

  test("leaves out the last of many probes first", async () => {
    const setting = await tracerouteScene({ ...new FakePath(R1, {}), form: { probes: "10" } });
    await setting.clock.advance(500);
    expect(setting.draw(62, 5).rows[1]).toMatch(/Host +RTT 1 RTT 2 RTT 3 RTT 4 RTT 5 RTT 6 RTT 7$/);
    expect(setting.draw(120, 5).rows[1]).toMatch(/ RTT 9 TT 10 Notes$/);
  });
});

describe("TraceroutePanel notes", () => {
  /** What the note of the first hop says of an answer. */
  async function note(
    answer: (probe: FakeProbe) => ReturnType<typeof icmpError>,
    target = TARGET,
  ): Promise<string> {
    const setting = await tracerouteScene({
      target,
      network: (probe) => (probe.ttl === 1 ? [answer(probe)] : []),
      form: { maxHops: "1", probes: "1" },
    });
    await setting.clock.advance(3000);
    return rows(setting, 160)[0] ?? "";
  }

  test("have the marks of traceroute(8) and what they mean, IPv4", async () => {
    const said = (code: number): Promise<string> =>
      note((probe) => icmpError(probe, { type: 3, code, from: R1, ttl: 64 }));
    const codes = [0, 1, 2, 5, 9, 13, 14, 15];
    expect(await Promise.all(codes.map(said))).toEqual([
      `1 !N ${R1} 10.0 net unreachable`,
      `1 !H ${R1} 10.0 host unreachable`,
      `1 !P ${R1} 10.0 protocol unreachable`,
      `1 !S ${R1} 10.0 source route failed`,
      `1 ! ${R1} 10.0 net administratively prohibited`,
      `1 !X ${R1} 10.0 communication administratively prohibited`,
      `1 !V ${R1} 10.0 host precedence violation`,
      `1 !C ${R1} 10.0 precedence cutoff in effect`,
    ]);
    const tooBig = await note((probe) =>
      icmpError(probe, { type: 3, code: 4, word: 1400, from: R1, ttl: 64 }),
    );
    expect(tooBig).toBe(`1 !F ${R1} 10.0 fragmentation needed, mtu 1400`);
    const problem = await note((probe) =>
      icmpError(probe, { type: 12, code: 0, from: R1, ttl: 64 }),
    );
    expect(problem).toMatch(/^1 ! 10\.0\.1\.1 10\.0 parameter problem/);
  });

  test("have the marks of traceroute(8) and what they mean, IPv6", async () => {
    const from = "2001:db8:f::1";
    const said = (type: number, code: number, word?: number): Promise<string> =>
      note(
        (probe) =>
          icmpError(probe, { type, code, from, ttl: 64, ...(word === undefined ? {} : { word }) }),
        "2001:db8:1::1",
      );
    expect(await said(1, 0)).toBe(`1 !N ${from} 10.0 no route`);
    expect(await said(1, 1)).toBe(`1 !X ${from} 10.0 administratively prohibited`);
    expect(await said(1, 2)).toBe(`1 !S ${from} 10.0 beyond scope of source address`);
    expect(await said(1, 3)).toBe(`1 !H ${from} 10.0 address unreachable`);
    expect(await said(2, 0, 1280)).toBe(`1 !F ${from} 10.0 packet too big, mtu 1280`);
  });

  test("tell labels, interfaces, and a way back of another length", async () => {
    // RFC 5837 figure 4.4.1: incoming interface, ifIndex, and an IPv4 address; and a class nobody
    // knows.
    const interfaceObject = "0014 02 0e 00000007 0001 0000 c0000201 04 657468";
    const extensions = fromHex(`2000 0000 ${interfaceObject} 0008 63 01 deadbeef`);
    const row = await note((probe) => timeExceeded(probe, { from: R1, ttl: 60, extensions }));
    expect(row).toBe(
      `1 ${R1} 10.0 incoming interface "eth" index 7 192.0.2.1, extension class 99 type 1, 4 bytes, ~5 hops back`,
    );
    const setting = await busyScene();
    expect(rows(setting)).toContain(`5 ${R5} 12.3 12.3 12.3 MPLS 16001/24321`);
  });

  test("tell what could not be sent", async () => {
    const setting = await tracerouteScene({ ...new FakePath({}), form: { maxHops: "1" } });
    setting.kernel.failSendsTo(TARGET, ENETUNREACH);
    await setting.clock.advance(3000);
    expect(rows(setting)[0]).toBe("1 not sent error error error ENETUNREACH");
    expect(text(setting, 100, 20)).toContain("could not be sent: this host refused.");
    expect(text(setting, 100, 20)).toContain("failed: ENETUNREACH (network is unreachable)");
  });

  test("tell of late answers, and of what this host had no room for", async () => {
    const late = await tracerouteScene({
      ...new FakePath({ from: R1, delays: [[1200]] }, null, null),
    });
    await late.clock.advance(1500);
    expect(rows(late)[0]).toBe("1 no answer * * * 3 late");
    expect(text(late, 100, 20)).toContain(`was answered after it was given up: ${R1}, 1200 ms`);
    const full = await tracerouteScene({
      ...new FakePath(R1, R2, {}),
      queueLimit: 2,
      form: { maxHops: "3" },
    });
    await full.clock.advance(1);
    full.clock.block(200);
    await full.clock.advance(3000);
    expect(rows(full).join("\n")).toContain("queue full here");
  });
});

describe("TraceroutePanel details", () => {
  test("say what each address answered", async () => {
    const setting = await busyScene();
    const detail = (): string => text(setting, 100, 24).split("── Hop")[1] ?? "";
    expect(detail()).toContain(" 1 ──");
    expect(detail()).toContain(
      `gateway.example (${R1})  5.00  5.00  5.00 ms\n   time exceeded: in transit`,
    );
    setting.press("j", "j", "j");
    expect(detail()).toContain("Has not answered, but hop 4 beyond it does");
    setting.press("j");
    expect(detail()).toContain("Loses 33.3%");
    setting.press("j");
    expect(detail()).toContain("MPLS label 16001 tc 0 ttl 1\n   MPLS label 24321 tc 0 ttl 1 S");
    setting.press("j");
    expect(text(setting, 100, 24)).toContain("── Target, hop 6 ──");
    expect(text(setting, 100, 24)).toContain("echo reply");
  });

  test("take the place of the table on request where there is little room, and close", async () => {
    const setting = await busyScene();
    expect(text(setting, 40, 9)).not.toContain("── Hop");
    setting.press("enter");
    expect(setting.draw(40, 9).rows.slice(0, 3)).toEqual([
      `${TARGET}  reached in 6 hops`,
      "── Hop 1 ───────────────────────────────",
      `gateway.example (${R1})  5.00  5.00`,
    ]);
    setting.draw(40, 9).clickOn("── Hop 1");
    expect(text(setting, 40, 9)).not.toContain("── Hop");
    setting.press("enter", "escape");
    expect(text(setting, 40, 9)).not.toContain("── Hop");
  });

  test("follow a click on a row", async () => {
    const setting = await busyScene();
    setting.draw(100, 24).clickOn(R5);
    expect(text(setting, 100, 24)).toContain("── Hop 5 ──");
  });
});

describe("TraceroutePanel selection", () => {
  test("stays on its hop while rows come before it", async () => {
    const setting = await tracerouteScene({
      ...new FakePath(
        R1,
        { from: [R2, "10.0.2.5"], delays: [[5], [300], [5]] },
        { from: R4, delays: 20 },
        {},
      ),
    });
    await setting.clock.advance(100);
    setting.draw(80, 20).clickOn(R4);
    expect(text(setting, 80, 20)).toContain("── Hop 3 ──");
    await setting.clock.advance(1000);
    expect(text(setting, 80, 20)).toContain("10.0.2.5");
    expect(text(setting, 80, 20)).toContain("── Hop 3 ──");
    setting.press("k");
    expect(text(setting, 80, 20)).toContain("── Hop 2 ──");
  });
});

describe("TraceroutePanel hosts", () => {
  test("are shown by name, by address or both, and that is kept", async () => {
    const setting = await busyScene();
    expect(rows(setting)[0]).toBe("1 gateway.example 5.00 5.00 5.00");
    setting.press("n");
    expect(rows(setting)[0]).toBe(`1 ${R1} 5.00 5.00 5.00`);
    setting.press("n");
    expect(rows(setting)[0]).toBe(`1 gateway.example (${R1}) 5.00 5.00 5.00`);
    expect(setting.preferences).toEqual({ "traceroute.hosts": "both" });
  });

  test("of any length and script leave the columns in place", async () => {
    const names = [
      `${"long.".repeat(50)}abcde`,
      "東京.ルーター.例え.日本",
      "راوتر.مثال",
      "\u001b[31mred.example",
    ];
    for (const name of names) {
      const setting = await tracerouteScene({ ...new FakePath({ from: R1, delays: 7 }, {}) });
      await setting.clock.advance(50);
      await setting.dns.answer(R1, name);
      await setting.clock.advance(2000);
      const [, title = "", row = ""] = setting.draw(62, 8).rows;
      const place = title.indexOf("RTT 1") + "RTT 1".length;
      expect([name, Bun.stringWidth(row.slice(0, row.indexOf("7.00") + 4))]).toEqual([name, place]);
      expect(row).not.toContain("\u001b");
    }
  });
});

describe("TraceroutePanel keys", () => {
  test("copy the report", async () => {
    const setting = await busyScene();
    setting.press("y");
    expect(setting.copied).toEqual([setting.session.report()]);
    expect(setting.copied[0]).toEndWith(`reached ${TARGET}`);
  });

  test("belong to each key once", async () => {
    const setting = await busyScene();
    for (const mode of [[], ["enter"]]) {
      setting.press(...mode);
      const keys = setting.keys();
      expect(new Set(keys).size).toBe(keys.length);
    }
  });
});
