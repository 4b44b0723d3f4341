import { describe, expect, test } from "bun:test";
import { timeExceeded } from "../support/fake-network.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import { fromHex } from "../support/hex.ts";
import { type HopsScene, mtrScene, TARGET } from "./hops-scene.ts";

type MtrScene = Awaited<ReturnType<typeof mtrScene>>;

const [R1 = "", R2 = "", , R4 = "", R5 = ""] = routers(5);
/** One MPLS label stack entry (RFC 4950): label 16001, bottom of stack, TTL 1; checksum by hand. */
const LABEL = fromHex("2000 ca0d 0008 01 01 03e81101");

/** A router that balances, a silent one, one with a rate limit, one with labels, and a target with some loss. */
async function busyScene(rounds = 60): Promise<MtrScene> {
  const path = new FakePath(
    R1,
    { from: [R2, "10.0.2.5"], delays: [[2.1], [2.2], [2.6]] },
    null,
    { from: R4, delays: [[8], [], [9], [8.4]] },
    R5,
    { delays: [[15.2], [15.5], [16], [15.1], [15.9], [22], [15.2], []] },
  );
  const setting = await mtrScene({
    network: (probe) => {
      return probe.ttl === 5
        ? [timeExceeded(probe, { from: R5, delayMs: 12.3, ttl: 251, extensions: LABEL })]
        : path.network(probe);
    },
  });
  await setting.clock.advance(500);
  await setting.dns.answer(R1, "gateway.example");
  await setting.dns.answer(R4, "core4.paris.isp.example.net");
  await setting.clock.advance(rounds * 1000 - 800);
  return setting;
}

function text(setting: Pick<MtrScene, "draw">, width: number, height: number): string {
  return `\n${setting.draw(width, height).text}\n`;
}

describe("MtrPanel", () => {
  test("shows the table, the graph of the target, and what happened: 100x34", async () => {
    expect(text(await busyScene(), 100, 34)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops                                                            60 rounds, every 1 s
       #   Host                          Loss%   Snt  Last   Avg  Best  Wrst StDev History
       1   gateway.example                0.0%    60  5.00  5.00  5.00  5.00  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       2   10.0.2.1 +1                    0.0%    60  2.60  2.30  2.10  2.60  0.22 ▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂
       3   no answer                      100%    59     -     -     -     -     - ××××××××××××××××××××××
       4   core4.paris.isp.example.net   25.0%    60  8.40  8.47  8.00  9.00  0.41 ▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁
       5   10.0.5.1 MPLS                  0.0%    60  12.3  12.3  12.3  12.3  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       6   198.51.100.1                  11.7%    60  15.1  16.3  15.1  22.0  2.23 ▁×▁▁▁▁▁▄▁×▁▁▁▁▁▄▁×▁▁▁▁
      ── RTT of hop 6, 198.51.100.1 ──────────────────────────────────────────────────────────────────────
         24ms┤                                                                 ⠨   ⠨   ⠨   ⠨   ⠨   ⠨   ⠨
             │                                                                ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨
             │                                                                ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨
             │                                                                ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨
         18ms┤                                                                ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨
             │                                                               ⡀⢸⠨ ⡀⢸⠨ ⡀⢸⠨ ⡀⢸⠨ ⡀⢸⠨ ⡀⢸⠨ ⡀⢸⠨ ⡀
             │                                                              ⣴⣧⣿⡬⣴⣧⣿⡬⣴⣧⣿⡬⣴⣧⣿⡬⣴⣧⣿⡬⣴⣧⣿⡬⣴⣧⣿⡬⣴⣧
             │                                                              ⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿
         12ms┤                                                              ⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿
        -184s└─────────────────────────────────────────────────────────────────×───×───×───×───×───×───×──
      ── Events ──────────────────────────────────────────────────────────────────────────────────────────
      00:00:01.003  hop 2: 10.0.2.5 answers, too, besides 10.0.2.1
      00:00:02.001  reached 198.51.100.1 in 6 hops
      00:00:08.001  no answer from hop 6, 198.51.100.1
      00:00:16.001  no answer from hop 6, 198.51.100.1
      00:00:24.001  no answer from hop 6, 198.51.100.1
      00:00:32.001  no answer from hop 6, 198.51.100.1
      00:00:40.001  no answer from hop 6, 198.51.100.1
      00:00:48.001  no answer from hop 6, 198.51.100.1
      00:00:56.001  no answer from hop 6, 198.51.100.1
      "
    `);
  });

  test("leaves out what matters least where there is less room: 62x18", async () => {
    expect(text(await busyScene(), 62, 18)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops                      60 rounds, every 1 s
       #   Host             Loss%   Snt  Last   Avg  Best History
       1   gateway.example   0.0%    60  5.00  5.00  5.00 ▁▁▁▁▁▁▁▁▁
       2   10.0.2.1 +1       0.0%    60  2.60  2.30  2.10 ▁▁▂▁▁▂▁▁▂
       3   no answer         100%    59     -     -     - ×××××××××
       4   core4.paris.isp… 25.0%    60  8.40  8.47  8.00 ▁▁×▂▁▁×▂▁
       5   10.0.5.1 MPLS     0.0%    60  12.3  12.3  12.3 ▁▁▁▁▁▁▁▁▁
       6   198.51.100.1     11.7%    60  15.1  16.3  15.1 ▁▁▄▁×▁▁▁▁
      ── RTT of hop 6, 198.51.100.1 ────────────────────────────────
         24ms┤                          ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨  ⢠⠨
             │                          ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨  ⢸⠨
             │                        ⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄
         12ms┤                        ⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿
        -108s└───────────────────────────×───×───×───×───×───×───×──
      ── Events ────────────────────────────────────────────────────
      00:00:40.001  no answer from hop 6, 198.51.100.1
      00:00:48.001  no answer from hop 6, 198.51.100.1
      00:00:56.001  no answer from hop 6, 198.51.100.1
      "
    `);
  });

  test("shows at least loss and times of the hops: 40x7", async () => {
    expect(text(await busyScene(), 40, 7)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops
       #   Host             Loss%  Last   Avg
       1   gateway.example   0.0%  5.00  5.00█
       2   10.0.2.1 +1       0.0%  2.60  2.30█
       3   no answer         100%     -     -█
       4   core4.paris.isp… 25.0%  8.40  8.47█
       5   10.0.5.1 MPLS     0.0%  12.3  12.3│
      "
    `);
  });

  test("says what it waits for", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, {}) });
    expect(text(setting, 62, 6)).toMatchInlineSnapshot(`
      "
      198.51.100.1  searching                    0 rounds, every 1 s
       #   Host             Loss%   Snt  Last   Avg  Best History
      Waiting for the first answers
      "
    `);
  });

  test("shows a hop as soon as it answers, and those between as waiting", async () => {
    const setting = await mtrScene({ ...new FakePath({ from: R1, delays: 300 }, R2, { delays: 300 }) });
    await setting.clock.advance(100);
    const grid = setting.draw(62, 6);
    expect(grid.rows.slice(2, 4).map((row) => row.replace(/ +/g, " "))).toEqual([
      " 1 waiting - - - - -",
      ` 2 ${R2} 0.0% 1 10.0 10.0 10.0 ▁`,
    ]);
  });

  test("never fails, whatever the room", async () => {
    const setting = await busyScene(5);
    for (const key of [undefined, "enter", "o"]) {
      if (key !== undefined) setting.press(key);
      for (const width of [0, 1, 2, 5, 20, 41, 200]) {
        for (const height of [0, 1, 2, 3, 5, 9, 10, 17, 18, 25, 60]) {
          expect(() => setting.draw(width, height)).not.toThrow();
        }
      }
    }
  });

  test("tells the error of a run that cannot begin", async () => {
    const setting = await mtrScene({ target: "nowhere.example" });
    await setting.clock.advance(100);
    const grid = setting.draw(40, 6);
    expect(grid.rows[0]).toBe("nowhere.example  failed");
    expect(grid.rows.slice(2, 4).join(" ")).toBe(
      'Cannot resolve "nowhere.example": no such name (ENOTFOUND)',
    );
    expect(grid.roleOf("Cannot resolve")).toBe("bad");
  });

  test("colours what is lost, but not the silence of a router that forwards", async () => {
    const setting = await busyScene();
    setting.press("home");
    const grid = setting.draw(100, 34);
    expect([grid.roleOf("25.0%"), grid.roleOf("11.7%"), grid.roleOf("100%")]).toEqual(["bad", "bad", "dim"]);
    expect([grid.roleOf("no answer"), grid.roleOf("6 hops")]).toEqual(["dim", "good"]);
  });

  test("marks a loss at once, and nothing moves for it", async () => {
    const path = new FakePath(R1, R2, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(1500);
    const before = setting.draw(62, 6).rows[3] ?? "";
    path.hops = [R1, null, {}];
    await setting.clock.advance(1900);
    const grid = setting.draw(62, 6);
    const after = grid.rows[3] ?? "";
    expect(grid.roleOf("×")).toBe("bad");
    expect(after).toStartWith(` 2 × ${R2}`);
    expect(after.indexOf(R2)).toBe(before.indexOf(R2));
    expect(after.length).toBe(before.length);
  });

  test("tells when the target is lost, unreachable or was never reached", async () => {
    const path = new FakePath(R1, {});
    const setting = await mtrScene({ ...path, form: { maxHops: "3" } });
    await setting.clock.advance(1500);
    path.hops = [R1, null];
    await setting.clock.advance(2000);
    expect(setting.draw(62, 5).rows[0]).toStartWith(`${TARGET}  no answer`);
    path.hops = [{ from: R1, says: 1 }];
    await setting.clock.advance(2000);
    const grid = setting.draw(62, 5);
    expect(grid.rows[0]).toStartWith(`${TARGET}  unreachable at hop 1`);
    expect(grid.rows[2]).toContain(`${R1} !H`);
    const silent = await mtrScene({ ...new FakePath(R1, null), form: { maxHops: "3" } });
    await silent.clock.advance(500);
    expect(silent.draw(62, 5).rows[0]).toStartWith(`${TARGET}  searching`);
    await silent.clock.advance(3000);
    expect(silent.draw(62, 5).rows[0]).toStartWith(`${TARGET}  not reached`);
  });

  test("says that a probe cannot be sent", async () => {
    const setting = await mtrScene({ ...new FakePath({}), form: { maxHops: "2" } });
    setting.kernel.failSendsTo(TARGET, 101);
    await setting.clock.advance(500);
    expect(setting.draw(62, 6).rows[2]).toContain("ENETUNREACH");
  });
});

describe("MtrPanel hosts", () => {
  async function named(name: string): Promise<HopsScene<MtrScene["session"]>> {
    const setting = await mtrScene({ ...new FakePath(R1, {}) });
    await setting.clock.advance(50);
    await setting.dns.answer(R1, name);
    await setting.dns.answer(TARGET, null);
    await setting.clock.advance(1000);
    return setting;
  }

  test("are shown by name, by address, or both, and that is kept", async () => {
    const setting = await named("one.example");
    const host = (): string | undefined =>
      /^ 1 {3}(.*?) +0\.0%/.exec(setting.draw(120, 6).rows[2] ?? "")?.[1];
    const kept = (): string | undefined => setting.preferences["mtr.hosts"];
    expect([host(), kept()]).toEqual(["one.example", undefined]);
    setting.press("n");
    expect([host(), kept()]).toEqual([R1, "addresses"]);
    setting.press("n");
    expect([host(), kept()]).toEqual([`one.example (${R1})`, "both"]);
    setting.press("n");
    expect([host(), kept()]).toEqual(["one.example", "names"]);
  });

  test("begin as they were chosen the last time", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, {}), preferences: { "mtr.hosts": "both" } });
    await setting.clock.advance(50);
    await setting.dns.answer(R1, "one.example");
    await setting.dns.answer(TARGET, null);
    await setting.clock.advance(50);
    expect(setting.draw(100, 6).rows[2]).toContain(`one.example (${R1})`);
  });

  test("of any length and script leave the columns in place", async () => {
    const names = [
      `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`,
      "東京.ルーター.例え.日本",
      "راوتر.مثال",
      "é́́combining.example",
      "\u202eevil.example",
    ];
    const plain = (await named("plain.example")).draw(62, 6).rows[2] ?? "";
    const place = plain.indexOf("0.0%");
    for (const name of names) {
      const setting = await named(name);
      for (const style of ["names", "addresses", "both"]) {
        const row = setting.draw(62, 6).rows[2] ?? "";
        expect([style, Bun.stringWidth(row.slice(0, row.indexOf("0.0%")))]).toEqual([style, place]);
        expect(row).not.toContain("\u202e");
        setting.press("enter");
        expect(() => setting.draw(40, 7)).not.toThrow();
        setting.press("enter", "n");
      }
    }
  });
});

describe("MtrPanel routes", () => {
  async function shown(setting: MtrScene, seconds: number): Promise<string[]> {
    const hosts: string[] = [];
    for (let second = 0; second < seconds; second += 1) {
      await setting.clock.advance(1000);
      hosts.push(/10\.0\.2\.\d( \+\d)?/.exec(setting.draw(80, 8).text)?.[0] ?? "");
    }
    return hosts;
  }

  test("that are balanced do not flicker", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, { from: [R2, "10.0.2.5", "10.0.2.6"] }, {}) });
    expect(await shown(setting, 20)).toEqual([R2, `${R2} +1`, ...Array(18).fill(`${R2} +2`)]);
  });

  test("that change are shown at once", async () => {
    const path = new FakePath(R1, R2, {});
    const setting = await mtrScene(path);
    await shown(setting, 12);
    path.hops = [R1, "10.0.2.5", {}];
    expect(await shown(setting, 2)).toEqual(["10.0.2.5 +1", "10.0.2.5 +1"]);
  });

  test("that come back to be balanced are shown as before", async () => {
    const path = new FakePath(R1, { from: [R2, "10.0.2.5"] }, {});
    const setting = await mtrScene(path);
    await shown(setting, 4);
    path.hops = [R1, "10.0.2.5", {}];
    const hosts = await shown(setting, 12);
    expect([hosts[0], hosts[11]]).toEqual([`${R2} +1`, "10.0.2.5 +1"]);
  });
});

describe("MtrPanel details", () => {
  test("tell everything of the selected hop: 100x34", async () => {
    const setting = await busyScene();
    setting.press("home", "down", "enter");
    expect(text(setting, 100, 34)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops                                                            60 rounds, every 1 s
       #   Host                          Loss%   Snt  Last   Avg  Best  Wrst StDev History
       1   gateway.example                0.0%    60  5.00  5.00  5.00  5.00  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       2   10.0.2.1 +1                    0.0%    60  2.60  2.30  2.10  2.60  0.22 ▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂
       3   no answer                      100%    59     -     -     -     -     - ××××××××××××××××××××××
       4   core4.paris.isp.example.net   25.0%    60  8.40  8.47  8.00  9.00  0.41 ▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁
       5   10.0.5.1 MPLS                  0.0%    60  12.3  12.3  12.3  12.3  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       6   198.51.100.1                  11.7%    60  15.1  16.3  15.1  22.0  2.23 ▁×▁▁▁▁▁▄▁×▁▁▁▁▁▄▁×▁▁▁▁
      ── Hop 2, 10.0.2.1 ─────────────────────────────────────────────────────────────────────────────────
      No loss.
      60 of 60 answered, loss 0.0%, times in ms:
      last    2.60  mean    2.30  best    2.10  worst   2.60  stdev   0.22  jitter  0.33
      p50     2.20  p90     2.60  p95     2.60  p99     2.60  jint    0.32

      2 addresses     Rcv   Last    Avg   Best   Wrst  StDev
      10.0.2.1         30   2.20   2.30   2.10   2.60   0.22
         answers arrive with TTL 64: perhaps 1 hop back
      10.0.2.5         30   2.60   2.30   2.10   2.60   0.22
         answers arrive with TTL 64: perhaps 1 hop back

          3ms┤
             │
             │
             │                                                               ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠ ⡄⢠
             │                                                               ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸
             │                                                               ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸ ⡇⢸
       2.25ms┤                                                              ⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸
             │                                                              ⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿⣸⣇⣿
             │                                                              ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
             │                                                              ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
             │                                                              ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
             │                                                              ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
        1.5ms┤                                                              ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
        -184s└────────────────────────────────────────────────────────────────────────────────────────────
      "
    `);
  });

  test("take the place of the table where there is little room, and scroll: 40x10", async () => {
    const setting = await busyScene();
    setting.press("enter");
    expect(text(setting, 40, 10)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops
      ── Target, hop 6, 198.51.100.1 ─────────
      Loses 11.7%. Too few probes yet to tell
      loss on the way from answers left out.
      53 of 60 answered, loss 11.7%, times in…
      last    15.1  mean    16.3
      best    15.1  worst   22.0
      stdev   2.23  jitter  2.11
      p50     15.5  p90     22.0
      ↓ 6 more lines
      "
    `);
    setting.press("}");
    const grid = setting.draw(40, 10);
    expect(grid.text).not.toContain("Loses");
    grid.scroll(5, 5, -100);
    expect(text(setting, 40, 10)).toContain("Loses");
    setting.draw(40, 10).clickOn("more lines");
    expect(text(setting, 40, 10)).not.toContain("Loses");
  });

  test("say what silence means, and show labels", async () => {
    const setting = await busyScene();
    setting.press("home", "down", "down", "enter");
    expect(text(setting, 100, 34)).toContain("No fault of the path.");
    setting.press("down");
    expect(text(setting, 100, 34)).toContain("Loses 25.0%, but hop 5 beyond it nothing");
    setting.press("down");
    expect(text(setting, 100, 34)).toContain("MPLS label 16001 tc 0 ttl 1 (bottom of stack)");
    setting.press("down");
    expect(text(setting, 100, 34)).toContain("── Target, hop 6, 198.51.100.1 ──");
  });

  test("open and close by key and mouse", async () => {
    const setting = await busyScene(5);
    const isOpen = (): boolean => setting.draw(100, 34).text.includes("answered, loss");
    setting.press("enter");
    expect(isOpen()).toBe(true);
    setting.press("escape");
    expect([isOpen(), setting.keys().includes("escape")]).toEqual([false, false]);
    setting.draw(100, 34).clickOn("RTT of hop");
    expect(isOpen()).toBe(true);
    setting.draw(100, 34).clickOn("Target, hop");
    expect(isOpen()).toBe(false);
  });
});

describe("MtrPanel selection", () => {
  test("is the target until the user selects, by key or mouse", async () => {
    const path = new FakePath(R1, R2, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(500);
    const selected = (): string | undefined => /RTT of hop (\d)/.exec(setting.draw(80, 24).text)?.[1];
    expect(selected()).toBe("3");
    path.hops = [R1, R2, R4, {}];
    await setting.clock.advance(2000);
    expect(selected()).toBe("4");
    setting.draw(80, 24).clickOn(R2);
    expect(selected()).toBe("2");
    setting.press("k");
    expect(selected()).toBe("1");
    await setting.clock.advance(1000);
    expect(selected()).toBe("1");
  });
});

describe("MtrPanel columns", () => {
  test("are chosen in a box, and kept", async () => {
    const setting = await busyScene();
    setting.press("o");
    expect(text(setting, 62, 18)).toMatchInlineSnapshot(`
      "
      198.51.100.┌─ Columns ────────────────────────────┐, every 1 s
       #   Host  │ [x] Loss% loss                       │ History
       1   gatewa│ [ ] Drop  probes lost                │ ▁▁▁▁▁▁▁▁▁
       2   10.0.2│ [ ] Rcv   answers                    │ ▁▁▂▁▁▂▁▁▂
       3   no ans│ [x] Snt   probes decided             │ ×××××××××
       4   core4.│ [x] Last  newest RTT                 │ ▁▁×▂▁▁×▂▁
       5   10.0.5│ [x] Avg   mean RTT                   │ ▁▁▁▁▁▁▁▁▁
       6   198.51│ [x] Best  least RTT                  │ ▁▁▄▁×▁▁▁▁
      ── RTT of h│ [x] Wrst  greatest RTT               │───────────
         24ms┤   │ [x] StDev standard deviation         │⠨  ⢠⠨  ⢠⠨
             │   │ [ ] Javg  mean jitter                │⠨  ⢸⠨  ⢸⠨
             │   │ [ ] Jint  jitter of RFC 3550         │⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄
         12ms┤   │ [ ] p50   median RTT                 │⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿
        -108s└───│ [ ] p90   90 % are faster            │×───×───×──
      ── Events ─│ [ ] p95   95 % are faster            │───────────
      00:00:40.00│ [ ] p99   99 % are faster            │
      00:00:48.00│ [ ] Late  answers after the timeout  │
      00:00:56.00└─ Space: show, d: default ────────────┘
      "
    `);
    setting.press("down", "space", "end", "space");
    expect(setting.preferences["mtr.columns"]).toBe("LDSNABWV6");
    setting.press("escape");
    expect(setting.draw(120, 8).rows[1]).toContain(
      "Loss%  Drop   Snt  Last   Avg  Best  Wrst StDev   Dup History",
    );
    setting.press("o", "d", "o");
    expect(setting.preferences["mtr.columns"]).toBe("LSNABWV");
  });

  test("begin as they were chosen the last time", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, {}), preferences: { "mtr.columns": "L4" } });
    expect(setting.draw(62, 8).rows[1]).toMatch(/Host +Loss% {3}p99 History/);
  });

  test("take the mouse", async () => {
    const setting = await busyScene(3);
    setting.press("o");
    setting.draw(62, 30).clickOn("[ ] p99");
    expect(setting.preferences["mtr.columns"]).toBe("LSNABWV4");
    setting.draw(62, 10).scroll(30, 5, 3);
    expect(setting.draw(62, 10).text).not.toContain("Loss% loss");
    // A click on the frame does nothing, one beside the box closes it.
    setting.draw(62, 30).clickOn(" Columns ");
    expect(setting.draw(62, 30).text).toContain(" Columns ");
    setting.draw(62, 30).click(0, 0);
    expect(setting.draw(62, 30).text).not.toContain(" Columns ");
  });
});

describe("MtrPanel keys", () => {
  test("pause, go on and reset", async () => {
    const setting = await busyScene(3);
    const summary = (key: string): string | undefined =>
      setting.panel.bindings.find(({ keys }) => keys.includes(key))?.summary;
    expect(summary("p")).toBe("pause");
    setting.press("p");
    expect([setting.session.state, summary("p")]).toEqual(["paused", "go on"]);
    expect(setting.draw(62, 8).rows[0]).toStartWith(`${TARGET}  paused`);
    setting.press("r");
    expect(setting.session.rounds).toBe(0);
    expect(setting.draw(62, 8).text).not.toContain(R1);
    setting.press("p");
    await setting.clock.advance(500);
    expect([setting.session.state, setting.session.rounds]).toEqual(["running", 1]);
  });

  test("copy the report", async () => {
    const setting = await busyScene(3);
    setting.press("y");
    expect(setting.copied).toEqual([setting.session.report()]);
  });

  test("scroll the log", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, { delays: [[9], []] }), form: { interval: "0.1" } });
    await setting.clock.advance(20_000);
    const below = (): boolean => /newer lines?/.test(setting.draw(80, 20).text);
    expect(below()).toBe(false);
    setting.press("{");
    expect(below()).toBe(true);
    setting.press("}");
    expect(below()).toBe(false);
  });

  test("belong to each key once", async () => {
    const setting = await busyScene(2);
    for (const mode of [[], ["enter"], ["o"]]) {
      setting.press(...mode);
      const keys = setting.keys();
      expect(new Set(keys).size).toBe(keys.length);
    }
  });
});
