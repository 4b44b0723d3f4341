import { describe, expect, test } from "bun:test";
import { FakePath } from "../support/fake-path.ts";
import { busyMtrScene, mtrScene, screenText } from "./hops-scene.ts";

describe("MtrPanel details", () => {
  test("tell everything of the selected hop: 100x34", async () => {
    const setting = await busyMtrScene();
    setting.press("home", "down", "enter");
    expect(screenText(setting, 100, 34)).toMatchInlineSnapshot(`
      "
      198.51.100.1  6 hops                                                            60 rounds, every 1 s
       #   Host                        Loss%   Snt  Last   Avg  Best  Wrst StDev History
       1   gateway.example              0.0%    60  5.00  5.00  5.00  5.00  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       2   10.0.2.5 +1                  0.0%    60  2.60  2.30  2.10  2.60  0.22 ▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂▁▁▂
       3   no answer                    100%    59     -     -     -     -     - ××××××××××××××××××××××××
       4   core4.paris.isp.example.net 25.0%    60  8.40  8.47  8.00  9.00  0.41 ▁×▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁▁×▂▁
       5   10.0.5.1 MPLS                0.0%    60  12.3  12.3  12.3  12.3  0.00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
       6   198.51.100.1                11.7%    60  15.1  16.3  15.1  22.0  2.23 ▁▄▁×▁▁▁▁▁▄▁×▁▁▁▁▁▄▁×▁▁▁▁
      ── Hop 2, 10.0.2.5 ─────────────────────────────────────────────────────────────────────────────────
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
    const setting = await busyMtrScene();
    setting.press("enter");
    expect(screenText(setting, 40, 10)).toMatchInlineSnapshot(`
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
    expect(screenText(setting, 40, 10)).toContain("Loses");
    setting.draw(40, 10).clickOn("more lines");
    expect(screenText(setting, 40, 10)).not.toContain("Loses");
  });

  test("say what silence means, and show labels", async () => {
    const setting = await busyMtrScene();
    setting.press("home", "down", "down", "enter");
    expect(screenText(setting, 100, 34)).toContain("No fault of the path.");
    setting.press("down");
    expect(screenText(setting, 100, 34)).toContain("Loses 25.0%, but hop 5 beyond it nothing");
    setting.press("down");
    expect(screenText(setting, 100, 34)).toContain("MPLS label 16001 tc 0 ttl 1 S");
    setting.press("down");
    expect(screenText(setting, 100, 34)).toContain("── Target, hop 6, 198.51.100.1 ──");
  });

  test("open and close by key and mouse", async () => {
    const setting = await busyMtrScene(5);
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

describe("MtrPanel columns", () => {
  test("are chosen in a box, and kept", async () => {
    const setting = await busyMtrScene();
    setting.press("o");
    expect(screenText(setting, 62, 18)).toMatchInlineSnapshot(`
      "
      198.51.100.╭─ Columns ────────────────────────────╮, every 1 s
       #   Host  │ [x] Loss% loss                       │st History
       1   gatewa│ [ ] Drop  probes lost                │00 ▁▁▁▁▁▁▁
       2   10.0.2│ [ ] Rcv   answers                    │10 ▂▁▁▂▁▁▂
       3   no ans│ [x] Snt   probes decided             │ - ×××××××
       4   core4.│ [x] Last  newest RTT                 │00 ×▂▁▁×▂▁
       5   10.0.5│ [x] Avg   mean RTT                   │.3 ▁▁▁▁▁▁▁
       6   198.51│ [x] Best  least RTT                  │.1 ▄▁×▁▁▁▁
      ── RTT of h│ [x] Wrst  greatest RTT               │───────────
         24ms┤   │ [ ] Gmean geometric mean RTT         │⠨  ⢠⠨  ⢠⠨
             │   │ [x] StDev standard deviation         │⠨  ⢸⠨  ⢸⠨
             │   │ [ ] Jttr  newest jitter              │⡨⣀⣄⣼⡨⣀⣄⣼⡨⣀⣄
         12ms┤   │ [ ] Javg  mean jitter                │⡯⣿⣿⣿⡯⣿⣿⣿⡯⣿⣿
        -108s└───│ [ ] Jmax  greatest jitter            │×───×───×──
      ── Events ─│ [ ] Jint  jitter of RFC 3550         │───────────
      00:00:40.00│ [ ] p50   median RTT                 │
      00:00:48.00│ [ ] p90   90 % are faster            │
      00:00:56.00╰─ Space: show, d: default ────────────╯
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
    const setting = await mtrScene({
      ...new FakePath("10.0.1.1", {}),
      preferences: { "mtr.columns": "L4" },
    });
    expect(setting.draw(62, 8).rows[1]).toMatch(/Host +Loss% {3}p99 History/);
  });

  test("take the mouse", async () => {
    const setting = await busyMtrScene(3);
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
