import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants } from "node:os";
import { domainToASCII } from "node:url";
import { multipingScene } from "./multiping-scene.ts";

// A thousand targets take a while on a busy machine.
setDefaultTimeout(30_000);

const LONG_NAME = `${"very-long-name.".repeat(16)}invalid`.padStart(255, "x");
const NAMES = `198.51.100.1-4 www.example.com ns.例え.jp שרת.example no.invalid ${LONG_NAME}`;

/**
 * Hosts of all kinds after twenty probes: steady, shaky, down, wide names, names that do not exist.
 */
async function everyKind(): ReturnType<typeof multipingScene> {
  const scene = await multipingScene(NAMES, {
    hosts: {
      "www.example.com": [{ address: "203.0.113.7", family: 4 }],
      [domainToASCII("ns.例え.jp")]: [{ address: "2001:db8:1::53", family: 6 }],
      [domainToASCII("שרת.example")]: [{ address: "203.0.113.8", family: 4 }],
    },
    answers: {
      "198.51.100.1": (_, turn) => 1.2 + (turn % 3) / 10,
      "198.51.100.2": (_, turn) => (turn % 6 === 4 ? null : 10 + (turn % 5) * 4),
      "198.51.100.3": (_, turn) => (turn > 12 ? null : 30),
      "198.51.100.4": (_, turn) => (turn === 20 ? null : 8),
      "203.0.113.7": (_, turn) => (turn === 15 ? 180 : 90),
      "2001:db8:1::53": () => 123.4,
    },
  });
  await scene.clock.advance(19_900);
  return scene;
}

/** A list of so many hosts, the 300th of which does not answer. */
async function thousand(): ReturnType<typeof multipingScene> {
  const scene = await multipingScene("10.0.0.0-10.0.3.231", {
    answers: { "10.0.1.43": () => null, "10.0.0.7": (_, turn) => (turn === 2 ? null : 5) },
  });
  await scene.clock.advance(4000);
  return scene;
}

describe("MultipingPanel", () => {
  test("shows everything at 100x34", async () => {
    const { draw } = await everyKind();
    const grid = draw(100, 34);
    expect(`\n${grid.text}\n`).toMatchInlineSnapshot(`
      "
      ● running  5 up  2 down  2 failed  loss 8.6% of 140                      times in ms, as given  0:19
        Target             Address          Loss  Sent  Recv  Last  Mean  Best  Worst Jitter History
      ● 198.51.100.1       198.51.100.1     0.0%    20    20  1.40  1.30  1.20   1.40   0.13 ▁▁▂▁▁▂▁▁▂▁▁▂
      ● 198.51.100.2       198.51.100.2    15.0%    20    17  10.0  18.2  10.0   26.0   6.75 █×▃▅▇█▁×▅▇█▁
      ▼ 198.51.100.3       198.51.100.3    40.0%    20    12  30.0  30.0  30.0   30.0   0.00 ▁▁▁▁××××××××
      × 198.51.100.4       198.51.100.4     5.0%    20    19  8.00  8.00  8.00   8.00   0.00 ▁▁▁▁▁▁▁▁▁▁▁×
      ● www.example.com    203.0.113.7      0.0%    20    20  90.0  94.5  90.0    180   9.47 ▁▁▁▁▁▁█▁▁▁▁▁
      ● ns.例え.jp         2001:db8:1::53   0.0%    20    20   123   123   123    123   0.00 ▁▁▁▁▁▁▁▁▁▁▁▁
      ● שרת.example        203.0.113.8      0.0%    20    20  5.00  5.00  5.00   5.00   0.00 ▁▁▁▁▁▁▁▁▁▁▁▁
      ✗ no.invalid         Cannot resolve "no.invalid": no such name (ENOTFOUND)
      ✗ xxxxxxxxvery-long… Cannot resolve "xxxxxxxxvery-long-name.very-long-name.very-long-name.very-lon…
      ── 198.51.100.1 ─ p50/p95/p99 1.30/1.40/1.40 ms ─ deviation 0.080 ms ───────────────────────────────
      00:00:17      lost  198.51.100.3          #17                 1.6ms┤
      00:00:18   1.20 ms  198.51.100.1          #18   ttl 64             │
      00:00:18   22.0 ms  198.51.100.2          #18   ttl 64             │
      00:00:18   8.00 ms  198.51.100.4          #18   ttl 64             │
      00:00:18   5.00 ms  שרת.example           #18   ttl 64             │
      00:00:18   90.0 ms  www.example.com       #18   ttl 64             │                      ⢰ ⡆⢰ ⡆⢰ ⡆⢰
      00:00:18    123 ms  ns.例え.jp            #18   ttl 64             │                      ⢸ ⡇⢸ ⡇⢸ ⡇⢸
      00:00:18      lost  198.51.100.3          #18                      │                      ⣸⢀⡇⣸⢀⡇⣸⢀⡇⣸
      00:00:19   1.30 ms  198.51.100.1          #19   ttl 64             │                      ⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿
      00:00:19   26.0 ms  198.51.100.2          #19   ttl 64             │                      ⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿
      00:00:19   8.00 ms  198.51.100.4          #19   ttl 64        1.2ms┤                      ⣿⣼⣧⣿⣼⣧⣿⣼⣧⣿
      00:00:19   5.00 ms  שרת.example           #19   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:19   90.0 ms  www.example.com       #19   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:19    123 ms  ns.例え.jp            #19   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:19      lost  198.51.100.3          #19                      │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20   1.40 ms  198.51.100.1          #20   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20   10.0 ms  198.51.100.2          #20   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20   5.00 ms  שרת.example           #20   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20   90.0 ms  www.example.com       #20   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20    123 ms  ns.例え.jp            #20   ttl 64             │                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20      lost  198.51.100.3          #20                 0.8ms┤                      ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
      00:00:20      lost  198.51.100.4          #20                  -64s└────────────────────────────────
      "
    `);
    expect(grid.roleOf("● running")).toBe("good");
    expect(grid.roleOf("2 failed")).toBe("bad");
    expect(grid.roleOf("▼")).toBe("bad");
    expect(grid.roleOf("198.51.100.3")).toBe("bad");
    expect(grid.roleOf("15.0%")).toBe("bad");
    expect(grid.roleOf("Cannot")).toBe("bad");
    expect(grid.roleOf("×")).toBe("bad");
  });

  test("drops what matters less at 60x18", async () => {
    const { draw } = await everyKind();
    expect(`\n${draw(60, 18).text}\n`).toMatchInlineSnapshot(`
      "
      ● running  5 up  2 down  2 failed  loss 8.6% of 140     0:19
        Target               Loss  Last  Mean  Worst History
      ● 198.51.100.1         0.0%  1.40  1.30   1.40 ▁▁▂▁▁▂▁▁▂▁▁▂
      ● 198.51.100.2        15.0%  10.0  18.2   26.0 █×▃▅▇█▁×▅▇█▁
      ▼ 198.51.100.3        40.0%  30.0  30.0   30.0 ▁▁▁▁××××××××
      × 198.51.100.4         5.0%  8.00  8.00   8.00 ▁▁▁▁▁▁▁▁▁▁▁×
      ● www.example.com      0.0%  90.0  94.5    180 ▁▁▁▁▁▁█▁▁▁▁▁
      ● ns.例え.jp           0.0%   123   123    123 ▁▁▁▁▁▁▁▁▁▁▁▁
      ● שרת.example          0.0%  5.00  5.00   5.00 ▁▁▁▁▁▁▁▁▁▁▁▁
      ✗ no.invalid          Cannot resolve "no.invalid": no such…
      ✗ xxxxxxxxvery-long-… Cannot resolve "xxxxxxxxvery-long-na…
      ── 198.51.100.1 ─ p50/p95/p99 1.30/1.40/1.40 ms ────────────
      00:00:20.021   10.0 ms  198.51.100.2          #20   ttl 64
      00:00:20.066   5.00 ms  שרת.example           #20   ttl 64
      00:00:20.131   90.0 ms  www.example.com       #20   ttl 64
      00:00:20.174    123 ms  ns.例え.jp            #20   ttl 64
      00:00:20.521      lost  198.51.100.3          #20
      00:00:20.531      lost  198.51.100.4          #20
      "
    `);
  });

  test("is of use at 40x7", async () => {
    const { draw, press } = await everyKind();
    press("j", "j");
    expect(`\n${draw(40, 7).text}\n`).toMatchInlineSnapshot(`
      "
      ● running  5 up  2 down  2 failed   0:19
        Target                     Loss  Last
      ● 198.51.100.1               0.0%  1.40█
      ● 198.51.100.2              15.0%  10.0█
      ▼ 198.51.100.3              40.0%  30.0█
      × 198.51.100.4               5.0%  8.00│
      ● www.example.com            0.0%  90.0│
      "
    `);
  });

  test("is of use before anything is known", async () => {
    const { draw } = await multipingScene("198.51.100.1 www.example.com", {
      hosts: { "www.example.com": [{ address: "203.0.113.7", family: 4 }] },
    });
    expect(`\n${draw(80, 14).text}\n`).toMatchInlineSnapshot(`
      "
      ● running  0 up  0 down  2 waiting                   times in ms, as given  0:00
        Target           Loss  Recv  Last  Mean  Best  Worst History
      · 198.51.100.1        -     0     -     -     -      -
      · www.example.com     -     0     -     -     -      -
      ── 198.51.100.1 ────────────────────────────────────────────────────────────────
      "
    `);
  });

  test("says that it failed", async () => {
    const { draw, clock } = await multipingScene("198.51.100.1", {
      allowRaw: false,
      allowDatagram: false,
    });
    await clock.advance(100);
    const grid = draw(60, 14);
    expect(grid.rows[0]).toStartWith("✗ failed  0 up  0 down  1 waiting");
    expect(grid.text).toContain("Cannot open");
  });

  test("draws at any size", async () => {
    const { draw } = await everyKind();
    for (let width = 0; width <= 120; width += 7) {
      for (let height = 0; height <= 40; height += 3)
        expect(() => draw(width, height)).not.toThrow();
    }
  });

  test("scrolls through a thousand hosts by keys and wheel", async () => {
    const { draw, press } = await thousand();
    expect(draw(80, 24).rows[0]).toMatch(/^● running {2}999 up {2}1 down {2}loss 0\.1% of 39\d\d /);
    press("G");
    expect(draw(80, 24).text).toContain("● 10.0.3.231 ");
    press("g");
    const grid = draw(80, 24);
    expect(grid.rows[2]).toStartWith("● 10.0.0.0 ");
    grid.scroll(10, 5, 299);
    expect(draw(80, 24).rows[2]).toStartWith("▼ 10.0.1.43 ");
    // The selection did not move.
    expect(draw(80, 24).text).toContain("── 10.0.0.0 ─");
  });

  test("sorts by a key and by a click on a title, and keeps that", async () => {
    const { draw, press, preferences } = await thousand();
    press("s");
    const byLoss = draw(80, 24);
    expect(byLoss.rows.slice(2, 5).map((row) => row.slice(0, 12).trim())).toEqual([
      "▼ 10.0.1.43",
      "● 10.0.0.7",
      "● 10.0.0.0",
    ]);
    expect(byLoss.rows[1]).toContain("Loss↓");
    expect(preferences).toEqual({ "multiping.order": "loss" });
    byLoss.clickOn("Target");
    expect(
      draw(80, 24)
        .rows.slice(1, 4)
        .map((row) => row.slice(0, 12).trim()),
    ).toEqual(["Target↑", "● 10.0.0.0", "● 10.0.0.1"]);
    draw(80, 24).clickOn("Worst");
    expect(preferences).toEqual({ "multiping.order": "worst" });
    press("s", "s");
    expect(preferences).toEqual({ "multiping.order": "given" });
  });

  test("begins in the order that was kept, if there is such", async () => {
    const order = async (kept: string): Promise<string | undefined> => {
      const { draw, clock } = await multipingScene("198.51.100.1-2", {
        preferences: { "multiping.order": kept },
        answers: { "198.51.100.2": () => null },
      });
      await clock.advance(1000);
      return draw(60, 10).rows[2]?.slice(2, 14);
    };
    expect(await order("loss")).toBe("198.51.100.2");
    expect(await order("colour")).toBe("198.51.100.1");
  });

  test("sorts names by their numbers, and the slowest first", async () => {
    const { draw, press, clock } = await multipingScene("10.0.0.9 10.0.0.10 10.0.0.1", {
      answers: { "10.0.0.9": () => 7, "10.0.0.10": () => 90, "10.0.0.1": () => null },
    });
    await clock.advance(900);
    const names = (): string[] =>
      draw(60, 12)
        .rows.slice(2, 5)
        .map((row) => row.slice(2, 12).trim());
    press("s", "s");
    expect(names()).toEqual(["10.0.0.10", "10.0.0.9", "10.0.0.1"]);
    press("s");
    expect(names()).toEqual(["10.0.0.1", "10.0.0.9", "10.0.0.10"]);
  });

  test("leaves rows where they are for a second, and the selection on its host", async () => {
    const { draw, press, clock } = await multipingScene("10.0.0.1-3", {
      answers: { "10.0.0.3": (_, turn) => (turn > 1 ? null : 5) },
    });
    await clock.advance(900);
    press("s");
    draw(60, 14).clickOn("10.0.0.3");
    expect(draw(60, 14).rows[4]).toStartWith("● 10.0.0.3");
    await clock.advance(700);
    expect(draw(60, 14).rows[4]).toStartWith("× 10.0.0.3");
    await clock.advance(400);
    const grid = draw(60, 14);
    expect(grid.rows[2]).toStartWith("× 10.0.0.3");
    expect(grid.roleOf("10.0.0.3")).toBe("selected");
    expect(grid.text).toContain("── 10.0.0.3 ─ 1 lost in a row");
  });

  test("tells all about the selected host, and draws its graph", async () => {
    const { draw } = await everyKind();
    draw(100, 34).clickOn("198.51.100.3");
    const grid = draw(100, 34);
    expect(grid.text).toContain(
      "── 198.51.100.3 ─ 8 lost in a row, silent for 0:07 ─ p50/p95/p99 30.0/30.0/30.0 ms",
    );
    expect(grid.text).toContain("30ms┤");
    draw(100, 34).clickOn("www.exa");
    expect(draw(100, 34).text).toContain("── www.example.com (203.0.113.7) ─");
    expect(draw(100, 34).text).toContain("200ms┤");
  });

  test("says of the selected host why it is not reached, as far as there is room", async () => {
    const { kernel, clock, draw } = await multipingScene("198.51.100.1");
    kernel.failSendsTo("198.51.100.1", constants.errno.EHOSTUNREACH);
    await clock.advance(3900);
    const detail = draw(100, 14).rows.find((row) => row.startsWith("──"));
    expect(detail).toStartWith("── 198.51.100.1 ─ 4 lost in a row, silent for 0:03 ─ sendm");
    expect(detail).toEndWith("…─");
    expect(draw(60, 14).text).not.toContain("─ sendm");
  });

  test("copies the report, pauses and resets by key", async () => {
    const { draw, press, copied, session } = await everyKind();
    press("y");
    expect(copied).toEqual([session.report()]);
    press("p");
    expect(draw(60, 18).rows[0]).toStartWith("‖ paused");
    press("r");
    expect(draw(60, 18).rows[0]).toContain("0 up  0 down  2 failed  7 waiting  ");
  });

  test("scrolls its log beside the table", async () => {
    const { draw, press } = await everyKind();
    draw(60, 18);
    press("shift-up");
    expect(draw(60, 18).text).toContain("↓ 5 newer lines");
    const grid = draw(60, 18);
    grid.scroll(5, 16, 5);
    expect(draw(60, 18).text).not.toContain("newer");
  });

  test("asks to be drawn after every key", async () => {
    const { press, changes, panel, draw } = await everyKind();
    draw(60, 18);
    for (const { keys } of panel.bindings) {
      const [key = ""] = keys;
      if (key === "y") continue;
      const before = changes();
      press(key);
      expect([key, changes() > before]).toEqual([key, true]);
    }
  });
});
