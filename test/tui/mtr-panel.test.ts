import { describe, expect, test } from "bun:test";
import { FakePath, routers } from "../support/fake-path.ts";
import { busyMtrScene, type HopsScene, mtrScene, screenText, TARGET } from "./hops-scene.ts";

type MtrScene = Awaited<ReturnType<typeof mtrScene>>;

const [R1 = "", R2 = "", R3 = "", R4 = ""] = routers(4);

describe("MtrPanel", () => {
  test("shows the table, the graph of the target, and what happened: 100x34", async () => {
    expect(screenText(await busyMtrScene(), 100, 34)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops                                                            60 rounds, every 1 s
       #   Host                        Loss%   Snt  Last   Avg  Best  Wrst StDev History
       1   gateway.example              0.0%    60  5.00  5.00  5.00  5.00  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       2   10.0.2.5 +1                  0.0%    60  2.60  2.30  2.10  2.60  0.22 ▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂
       3   no answer                    100%    59     -     -     -     -     - ××××××××××××××××××××××××
       4   core4.paris.isp.example.net 25.0%    60  8.40  8.47  8.00  9.00  0.41 ▁×▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁
       5   10.0.5.1 MPLS                0.0%    60  12.3  12.3  12.3  12.3  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       6   198.51.100.1                11.7%    60  15.1  16.3  15.1  22.0  2.23 ▁▄▁×▁▁▁▁▁▄▁×▁▁▁▁▁▄▁×▁▁▁▁
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
    expect(screenText(await busyMtrScene(), 62, 18)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops                      60 rounds, every 1 s
       #   Host               Loss%   Snt  Last   Avg  Best History
       1   gateway.example     0.0%    60  5.00  5.00  5.00 ▁▁▁▁▁▁▁
       2   10.0.2.5 +1         0.0%    60  2.60  2.30  2.10 ▂▁▁▂▁▁▂
       3   no answer           100%    59     -     -     - ×××××××
       4   core4.paris.isp.e… 25.0%    60  8.40  8.47  8.00 ×▂▁▁×▂▁
       5   10.0.5.1 MPLS       0.0%    60  12.3  12.3  12.3 ▁▁▁▁▁▁▁
       6   198.51.100.1       11.7%    60  15.1  16.3  15.1 ▄▁×▁▁▁▁
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
    expect(screenText(await busyMtrScene(), 40, 7)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops
       #   Host             Loss%  Last   Avg
       1   gateway.example   0.0%  5.00  5.00█
       2   10.0.2.5 +1       0.0%  2.60  2.30█
       3   no answer         100%     -     -█
       4   core4.paris.isp… 25.0%  8.40  8.47█
       5   10.0.5.1 MPLS     0.0%  12.3  12.3│
      "
    `);
  });

  test("says what it waits for", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, {}) });
    expect(screenText(setting, 62, 6)).toMatchInlineSnapshot(`
      "
      198.51.100.1  searching                    0 rounds, every 1 s
       #   Host          Loss%   Snt  Last   Avg  Best History
      Waiting for the first answers
      "
    `);
  });

  test("shows a hop as soon as it answers, and those between as waiting", async () => {
    const setting = await mtrScene({
      ...new FakePath({ from: R1, delays: 300 }, R2, { delays: 300 }),
    });
    await setting.clock.advance(100);
    const grid = setting.draw(62, 6);
    expect(grid.rows.slice(2, 4).map((row) => row.replace(/ +/g, " "))).toEqual([
      " 1 waiting - - - - -",
      ` 2 ${R2} 0.0% 1 10.0 10.0 10.0 ▁`,
    ]);
  });

  test("never fails, whatever the room", async () => {
    const setting = await busyMtrScene(5);
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
    const setting = await busyMtrScene();
    setting.press("home");
    const grid = setting.draw(100, 34);
    expect([grid.roleOf("25.0%"), grid.roleOf("11.7%"), grid.roleOf("100%")]).toEqual([
      "bad",
      "bad",
      "dim",
    ]);
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

  test("shows what is silent to the end in one row", async () => {
    const setting = await mtrScene({ ...new FakePath(R1, null, R4, null) });
    await setting.clock.advance(2500);
    const hosts = (): string[] => {
      const rows = setting
        .draw(62, 8)
        .rows.slice(2)
        .filter((row) => row.includes("%"));
      return rows.map((row) => row.slice(0, 21).trim());
    };
    expect(hosts()).toEqual([`1   ${R1}`, "2   no answer", `3   ${R4}`, "4   no answer, to 13"]);
    setting.press("end", "enter");
    expect(screenText(setting, 80, 30)).toContain(
      "No answer from here on; hop 3 is the last that answers.",
    );
    const dead = await mtrScene({ ...new FakePath(null) });
    await dead.clock.advance(2500);
    expect(dead.draw(62, 8).rows[2]).toStartWith(" 1   no answer, to 10");
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
    const setting = await mtrScene({
      ...new FakePath(R1, {}),
      preferences: { "mtr.hosts": "both" },
    });
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
    const endOf = (row: string, text: string): number =>
      Bun.stringWidth(row.slice(0, row.indexOf(text) + text.length));
    for (const name of names) {
      const setting = await named(name);
      for (const style of ["names", "addresses", "both"]) {
        const [, titles = "", row = ""] = setting.draw(62, 6).rows;
        expect([style, endOf(row, " 0.0%")]).toEqual([style, endOf(titles, "Loss%")]);
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

  test("that are balanced show who answered last, and how many others did", async () => {
    const setting = await mtrScene({
      ...new FakePath(R1, { from: [R2, "10.0.2.5", "10.0.2.6"] }, {}),
    });
    const turns = [`${R2} +2`, "10.0.2.5 +2", "10.0.2.6 +2"];
    expect(await shown(setting, 8)).toEqual([
      R2,
      "10.0.2.5 +1",
      ...turns.slice(2),
      ...turns,
      ...turns.slice(0, 2),
    ]);
  });

  test("that change are shown at once", async () => {
    const path = new FakePath(R1, R2, {});
    const setting = await mtrScene(path);
    await shown(setting, 12);
    path.hops = [R1, "10.0.2.5", {}];
    expect(await shown(setting, 2)).toEqual(["10.0.2.5 +1", "10.0.2.5 +1"]);
  });

  test("that stop being balanced are shown at once", async () => {
    const path = new FakePath(R1, { from: [R2, "10.0.2.5"] }, {});
    const setting = await mtrScene(path);
    await shown(setting, 4);
    path.hops = [R1, "10.0.2.5", {}];
    expect(new Set(await shown(setting, 12))).toEqual(new Set(["10.0.2.5 +1"]));
  });

  test("that get longer for a moment show the right router in each row, and the target in its own", async () => {
    const four = [R1, R2, R3, {}];
    const five = [R1, "10.0.2.5", "10.0.3.5", R4, {}];
    const path = new FakePath(...four);
    const setting = await mtrScene(path);
    const rows = async (seconds: number): Promise<string[]> => {
      await setting.clock.advance(seconds * 1000);
      const { text } = setting.draw(80, 12);
      return [...text.matchAll(/^ *\d +(\S+)/gm)].map(([, host = ""]) => host);
    };
    expect(await rows(4)).toEqual([R1, R2, R3, TARGET]);
    path.hops = five;
    expect(await rows(2)).toEqual([R1, "10.0.2.5", "10.0.3.5", R4, TARGET]);
    path.hops = four;
    expect(await rows(1)).toEqual([R1, R2, R3, TARGET]);
  });
});

describe("MtrPanel selection", () => {
  test("is the target until the user selects, by key or mouse", async () => {
    const path = new FakePath(R1, R2, {});
    const setting = await mtrScene(path);
    await setting.clock.advance(500);
    const selected = (): string | undefined =>
      /RTT of hop (\d)/.exec(setting.draw(80, 24).text)?.[1];
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

describe("MtrPanel keys", () => {
  test("pause, go on and reset", async () => {
    const setting = await busyMtrScene(3);
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
    const setting = await busyMtrScene(3);
    setting.press("y");
    expect(setting.copied).toEqual([setting.session.report()]);
  });

  test("scroll the log", async () => {
    const setting = await mtrScene({
      ...new FakePath(R1, { delays: [[9], []] }),
      form: { interval: "0.1" },
    });
    await setting.clock.advance(20_000);
    const below = (): boolean => /newer lines?/.test(setting.draw(80, 20).text);
    expect(below()).toBe(false);
    setting.press("{");
    expect(below()).toBe(true);
    setting.press("}");
    expect(below()).toBe(false);
  });

  test("belong to each key once", async () => {
    const setting = await busyMtrScene(2);
    for (const mode of [[], ["enter"], ["o"]]) {
      setting.press(...mode);
      const keys = setting.keys();
      expect(new Set(keys).size).toBe(keys.length);
    }
  });
});
