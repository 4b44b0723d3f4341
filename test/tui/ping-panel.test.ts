import { describe, expect, test } from "bun:test";
import { domainToASCII } from "node:url";
import { echoReply, timeExceeded } from "../support/fake-network.ts";
import { type PingScene, pingScene } from "./ping-scene.ts";

const TARGET = "198.51.100.1";
const NAMED = { "www.example.com": [{ address: TARGET, family: 4 as const }] };
const LONG_NAME = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;

/** Some RTTs around 12 ms, an outlier, and losses. */
function weather(turn: number): number | null {
  if (turn % 13 === 9 || (turn > 30 && turn < 34)) return null;
  return turn % 11 === 0 ? 38 : 12 + 3 * Math.sin(turn / 4);
}

async function afterAWhile(
  options: { readonly preferences?: Record<string, string> } = {},
): Promise<PingScene> {
  const setting = await pingScene("www.example.com", { hosts: NAMED, answer: weather, ...options });
  await setting.clock.advance(59_500);
  return setting;
}

describe("PingPanel", () => {
  test("before the first answer", async () => {
    expect((await pingScene(TARGET)).draw(63, 18).text).toMatchInlineSnapshot(`
      "● running  198.51.100.1        56 bytes every 1 s, TTL 64  0:00

          Sent    Recv    Lost    Loss    Last     Min    Mean
             0       0       0       -       -       -       - ms
           Max  Jitter  StdDev     p50     p90     p99
             -       -       -       -       -       - ms

      Waiting for the first answer …"
    `);
  });

  test("in a terminal of 120x40", async () => {
    expect((await afterAWhile()).draw(103, 34).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.51.100.1)                              56 bytes every 1 s, TTL 64  0:59

         Sent   Recv   Lost   Loss   Last    Min   Mean    Max Jitter StdDev    p50    p90    p99
           60     53      7 ×11.7%   14.0   9.00   13.7   38.0   3.44   6.29   12.6   15.0   38.0 ms

      ── RTT ────────────────────────────────────────────────────────────────────────────────────────────────
         40ms┤                                                                     ⠅⡄    ⠨    ⠭⠅⠅   ⢠ ⠨   ⡄
             │                                                                     ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                     ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                     ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                     ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
         20ms┤                                                                     ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                  ⢀⣀⣀⠅⡇    ⠨   ⣀⠭⠅⠅   ⢸ ⠨   ⣇⣀⡀
             │                                                                 ⣶⣿⣿⣿⢽⣧⣄   ⠨⢀⣴⣾⣿⠭⢽⢵⣤⡀ ⢸ ⠨⣠⣴⣿⣿⣿⣿
             │                                                                 ⣿⣿⣿⣿⢽⣿⣿⣷⣶⣶⡮⣿⣿⣿⣿⠭⢽⢽⣿⣿⣷⣾⣶⡯⣿⣿⣿⣿⣿⣿
             │                                                                 ⣿⣿⣿⣿⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⣿⣿
          0ms┤                                                                 ⣿⣿⣿⣿⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⣿⣿
        -190s└─────────────────────────────────────────────────────────────────────×─────×────×××─────×──────
      ── Log ────────────────────────────────────────────────────────────────────────────────────────────────
      00:00:45.010   9.37 ms  #46   ttl 64
      00:00:46.010   9.81 ms  #47   ttl 64
      00:00:48.001      lost  #48
      00:00:48.012   11.1 ms  #49   ttl 64
      00:00:49.012   11.8 ms  #50   ttl 64
      00:00:50.013   12.5 ms  #51   ttl 64
      00:00:51.014   13.3 ms  #52   ttl 64
      00:00:52.014   13.9 ms  #53   ttl 64
      00:00:53.015   14.4 ms  #54   ttl 64
      00:00:54.039   38.0 ms  #55   ttl 64
      00:00:55.015   15.0 ms  #56   ttl 64
      00:00:56.015   15.0 ms  #57   ttl 64
      00:00:57.015   14.8 ms  #58   ttl 64
      00:00:58.015   14.5 ms  #59   ttl 64
      00:00:59.014   14.0 ms  #60   ttl 64"
    `);
  });

  test("in a terminal of 80x24", async () => {
    expect((await afterAWhile()).draw(63, 18).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.51.100.1)                  0:59

          Sent    Recv    Lost    Loss    Last     Min    Mean
            60      53       7  ×11.7%    14.0    9.00    13.7 ms
           Max  Jitter  StdDev     p50     p90     p99
          38.0    3.44    6.29    12.6    15.0    38.0 ms

         40ms┤                             ⠅⡆    ⠨    ⠭⠅⠅   ⢰ ⠨   ⡆
             │                             ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
         20ms┤                             ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                         ⣶⣿⣿⣿⢽⣷⣦⣤⣀⣀⡨⣤⣶⣾⣿⠭⢽⢵⣶⣤⣄⣸⣀⡬⣴⣶⣿⣿⣿⣿
          0ms┤                         ⣿⣿⣿⣿⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⣿⣿
        -110s└─────────────────────────────×─────×────×××─────×──────
      00:00:55.015   15.0 ms  #56   ttl 64
      00:00:56.015   15.0 ms  #57   ttl 64
      00:00:57.015   14.8 ms  #58   ttl 64
      00:00:58.015   14.5 ms  #59   ttl 64
      00:00:59.014   14.0 ms  #60   ttl 64"
    `);
  });

  test("in a terminal of 40x12", async () => {
    const setting = await afterAWhile();
    expect(setting.draw(40, 9).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.5…  0:59
         Sent   Loss   Last   Mean    Max
           60 ×11.7%   14.0   13.7   38.0 ms
         40ms┤      ⠅⡆    ⠨    ⠭⠅⠅   ⢰ ⠨   ⡆
             │  ⣀⣀⣀⣀⢅⡇    ⠨  ⣀⣀⠭⢅⢅   ⢸ ⠨ ⢀⣀⣇⣀⣀
          0ms┤  ⣿⣿⣿⣿⢽⣿⣿⣿⣷⣾⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣾⣿⡯⣿⣿⣿⣿⣿⣿
      00:00:57   14.8 ms  #58   ttl 64
      00:00:58   14.5 ms  #59   ttl 64
      00:00:59   14.0 ms  #60   ttl 64"
    `);
    expect(setting.draw(40, 7).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.5…  0:59
         Sent   Loss   Last   Mean    Max
           60 ×11.7%   14.0   13.7   38.0 ms
         40ms┤      ⠅⡆    ⠨    ⠭⠅⠅   ⢰ ⠨   ⡆
             │  ⣀⣀⣀⣀⢅⡇    ⠨  ⣀⣀⠭⢅⢅   ⢸ ⠨ ⢀⣀⣇⣀⣀
          0ms┤  ⣿⣿⣿⣿⢽⣿⣿⣿⣷⣾⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣾⣿⡯⣿⣿⣿⣿⣿⣿
         -64s└──────×─────×────×××─────×──────"
    `);
  });

  test("in a low and wide one, side by side", async () => {
    expect((await afterAWhile()).draw(90, 10).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.51.100.1)                 56 bytes every 1 s, TTL 64  0:59
         Sent   Recv   Lost   Loss   Last    Min   Mean    Max Jitter StdDev    p50    p90
           60     53      7 ×11.7%   14.0   9.00   13.7   38.0   3.44   6.29   12.6   15.0 ms
         40ms┤          ⠅⡆    ⠨    ⠭⠅⠅   ⢰ ⠨   ⡆    00:00:53   14.4 ms  #54   ttl 64
             │          ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇    00:00:54   38.0 ms  #55   ttl 64
             │          ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇    00:00:55   15.0 ms  #56   ttl 64
             │      ⢀⣀⣤⣄⢅⡇    ⠨  ⣀⣠⠭⢅⢅   ⢸ ⠨ ⢀⣀⣧⣤⣀  00:00:56   15.0 ms  #57   ttl 64
             │      ⣿⣿⣿⣿⢽⣿⣷⣶⣤⣤⡬⣶⣿⣿⣿⠭⢽⢽⣿⣶⣦⣼⣤⡮⣾⣿⣿⣿⣿⣿  00:00:57   14.8 ms  #58   ttl 64
          0ms┤      ⣿⣿⣿⣿⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⣿⣿  00:00:58   14.5 ms  #59   ttl 64
         -72s└──────────×─────×────×××─────×──────  00:00:59   14.0 ms  #60   ttl 64"
    `);
  });

  test("in a very wide one, with the distribution", async () => {
    expect((await afterAWhile()).draw(150, 30).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.51.100.1)                                                                             56 bytes every 1 s, TTL 64  0:59

           Sent     Recv     Lost     Loss     Last      Min     Mean      Max   Jitter   StdDev      p50      p90      p99
             60       53        7   ×11.7%     14.0     9.00     13.7     38.0     3.44     6.29     12.6     15.0     38.0 ms

      ── RTT ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
         40ms┤                                                                                                                    ⠅⡄    ⠨    ⠭⠅⠅   ⢠ ⠨   ⡄
             │                                                                                                                    ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                                                                    ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                                                                    ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
         20ms┤                                                                                                                    ⠅⡇    ⠨    ⠭⠅⠅   ⢸ ⠨   ⡇
             │                                                                                                                ⢀⣠⣤⣤⢅⡇    ⠨  ⣀⣤⠭⢥⢅   ⢸ ⠨ ⢀⣠⣧⣤⣄
             │                                                                                                                ⣿⣿⣿⣿⢽⣿⣶⣤⣀⣀⡨⣴⣾⣿⣿⠭⢽⢽⣷⣦⣄⣸⣀⡬⣶⣿⣿⣿⣿⣿
             │                                                                                                                ⣿⣿⣿⣿⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⣿⣿
          0ms┤                                                                                                                ⣿⣿⣿⣿⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⠭⢽⢽⣿⣿⣿⣿⣿⡯⣿⣿⣿⣿⣿⣿
        -284s└────────────────────────────────────────────────────────────────────────────────────────────────────────────────────×─────×────×××─────×──────
      ── Log ───────────────────────────────────────────────────────────────────────────────────────────────────── Distribution of RTTs ────────────────────
      00:00:48.001      lost  #48                                                                                      5–10 ms █████▋              12  20.0%
      00:00:48.012   11.1 ms  #49   ttl 64                                                                            10–15 ms ██████████████████  38  63.3%
      00:00:49.012   11.8 ms  #50   ttl 64                                                                            15–20 ms
      00:00:50.013   12.5 ms  #51   ttl 64                                                                            20–25 ms
      00:00:51.014   13.3 ms  #52   ttl 64                                                                            25–30 ms
      00:00:52.014   13.9 ms  #53   ttl 64                                                                            30–35 ms
      00:00:53.015   14.4 ms  #54   ttl 64                                                                            35–40 ms █▍                   3   5.0%
      00:00:54.039   38.0 ms  #55   ttl 64                                                                                lost ███▍                 7  11.7%
      00:00:55.015   15.0 ms  #56   ttl 64
      00:00:56.015   15.0 ms  #57   ttl 64
      00:00:57.015   14.8 ms  #58   ttl 64
      00:00:58.015   14.5 ms  #59   ttl 64
      00:00:59.014   14.0 ms  #60   ttl 64"
    `);
  });

  test("a loss is seen at once, by a mark and a colour", async () => {
    const setting = await pingScene(TARGET, { answer: (turn) => (turn < 3 ? 5 : null) });
    await setting.clock.advance(1500);
    expect(setting.draw(80, 24).roleOf("●")).toBe("good");
    await setting.clock.advance(1600);
    const grid = setting.draw(80, 24);
    expect(grid.rows[0]).toStartWith("▼ silent for 0:00, 1 lost  198.51.100.1");
    expect(grid.roleOf("▼")).toBe("bad");
    expect(grid.roleOf("×33.3%")).toBe("bad");
    expect(grid.roleOf("lost  #3")).toBe("bad");
    await setting.clock.advance(4000);
    expect(setting.draw(80, 24).rows[0]).toStartWith("▼ silent for 0:04, 5 lost  198.51.100.1");
  });

  test("what is odd is counted below the figures", async () => {
    const setting = await pingScene(TARGET, {
      answer: (turn, probe) =>
        turn === 1
          ? [timeExceeded(probe, { from: "192.0.2.1", delayMs: 2 })]
          : [echoReply(probe, { delayMs: 1 }), echoReply(probe, { delayMs: 2 })],
    });
    await setting.clock.advance(2500);
    const grid = setting.draw(80, 24);
    expect(grid.text).toContain("! 1 ICMP error, 2 duplicates");
    expect(grid.roleOf("! 1 ICMP")).toBe("warn");
  });

  test("a failure with its remedy takes the place of the graph", async () => {
    const setting = await pingScene(TARGET, {
      allowRaw: false,
      allowDatagram: false,
      preferences: { "ping.shown": "log" },
    });
    await setting.clock.advance(10);
    const grid = setting.draw(120, 30);
    expect(grid.roleOf("✗ failed")).toBe("bad");
    expect(grid.text).toContain('  sudo sysctl -w net.ipv4.ping_group_range="1000 1000"');
    expect(setting.draw(40, 7).text).toContain("Cannot open an ICMP socket");
    // Not beside the log, which says no more: a command that is broken in two cannot be copied.
    expect(setting.draw(82, 18).text).toContain(
      '  sudo sysctl -w net.ipv4.ping_group_range="1000 1000"',
    );
  });

  test("tells the state and how long it has lasted", async () => {
    const setting = await pingScene(TARGET);
    await setting.clock.advance(62_000);
    expect(setting.draw(80, 24).rows[0]).toMatch(
      /^● running {2}198\.51\.100\.1 .* 56 bytes every 1 s, TTL 64 {2}1:02$/,
    );
    setting.press("p");
    expect(setting.draw(80, 24).rows[0]).toStartWith("‖ paused");
    setting.session.stop();
    await setting.clock.advance(60_000);
    expect(setting.draw(80, 24).rows[0]).toMatch(/^■ stopped.* 1:02$/);
  });

  test("the names of a host, as far as there is room", async () => {
    const setting = await pingScene("www.example.com", { hosts: NAMED });
    await setting.clock.advance(500);
    await setting.dns.answer(TARGET, "box17.example.net");
    await setting.clock.advance(1000);
    expect(setting.draw(80, 24).rows[0]).toContain(
      "www.example.com (198.51.100.1, box17.example.net)",
    );
    expect(setting.draw(40, 24).rows[0]).toBe("● running  www.example.com (198.5…  0:01");
    const same = await pingScene(TARGET);
    await same.clock.advance(1500);
    expect(same.draw(80, 24).rows[0]).toStartWith("● running  198.51.100.1     ");
  });

  test.each([
    ["255 bytes", LONG_NAME],
    ["Chinese", "服务器.例子.example"],
    ["Hebrew", "שרת.דוגמה.example"],
  ])("a name of %s", async (_, name) => {
    // What the system is asked for (RFC 5891).
    const ascii = domainToASCII(name);
    const { draw, clock } = await pingScene(name, { hosts: { [ascii]: NAMED["www.example.com"] } });
    await clock.advance(1500);
    for (const [width, height] of [
      [103, 34],
      [63, 18],
      [40, 7],
    ] as const) {
      const [head = ""] = draw(width, height).rows;
      expect(head).toStartWith(`● running  ${name.slice(0, 3)}`);
      expect(head).toEndWith("0:01");
      expect(Bun.stringWidth(head)).toBe(width);
    }
  });

  test("figures do not move from frame to frame", async () => {
    const setting = await pingScene(TARGET, {
      answer: (turn) => (turn % 5 === 0 ? null : 0.01 * 3 ** (turn % 13)),
    });
    const ends = new Set<string>();
    for (let step = 0; step < 30; step += 1) {
      await setting.clock.advance(700);
      const [, , titles = "", figures = ""] = setting.draw(103, 34).rows;
      ends.add(titles);
      // Each title ends where its figure does.
      const at = Array.from(titles.matchAll(/\S(?=\s|$)/g), ({ index }) => index);
      expect(at.map((index) => /\S/.test(figures[index] ?? ""))).toEqual(at.map(() => true));
    }
    expect(ends.size).toBe(1);
  });

  test("never fails, however small", async () => {
    const setting = await afterAWhile();
    for (const key of ["h", "v", "v", "h", "v"]) {
      for (let width = 0; width < 130; width += 7) {
        for (let height = 0; height < 30; height += 1) {
          expect(setting.draw(width, height).rows).toHaveLength(height);
        }
      }
      setting.press(key);
    }
  });
});

describe("keys of a PingPanel", () => {
  test("p pauses and goes on, r resets", async () => {
    const setting = await afterAWhile();
    setting.press("p");
    expect(setting.session.state).toBe("paused");
    setting.press("p", "r");
    expect(setting.session).toMatchObject({ state: "running", figures: { sent: 0 } });
  });

  test("h shows the distribution, also the next time", async () => {
    const setting = await afterAWhile();
    setting.press("h");
    expect(setting.draw(63, 18).text).toMatchInlineSnapshot(`
      "● running  www.example.com (198.51.100.1)                  0:59

          Sent    Recv    Lost    Loss    Last     Min    Mean
            60      53       7  ×11.7%    14.0    9.00    13.7 ms
           Max  Jitter  StdDev     p50     p90     p99
          38.0    3.44    6.29    12.6    15.0    38.0 ms

             0–10 ms ███████████▋                           12  20.0%
            10–20 ms █████████████████████████████████████  38  63.3%
            20–30 ms
            30–40 ms ██▉                                     3   5.0%
                lost ██████▉                                 7  11.7%

      00:00:55.015   15.0 ms  #56   ttl 64
      00:00:56.015   15.0 ms  #57   ttl 64
      00:00:57.015   14.8 ms  #58   ttl 64
      00:00:58.015   14.5 ms  #59   ttl 64
      00:00:59.014   14.0 ms  #60   ttl 64"
    `);
    expect(setting.preferences).toEqual({ "ping.histogram": "yes" });
    const next = await afterAWhile({ preferences: setting.preferences });
    expect(next.draw(63, 18).text).toBe(setting.draw(63, 18).text);
    next.press("h");
    expect(next.preferences).toEqual({ "ping.histogram": "no" });
    expect(next.draw(63, 18).text).not.toContain("lost ██");
  });

  test("v shows the graph, the log, or both", async () => {
    const setting = await afterAWhile();
    const parts = (): boolean[] =>
      ["── RTT", "── Log"].map((title) => setting.draw(103, 34).text.includes(title));
    expect(parts()).toEqual([true, true]);
    setting.press("v");
    expect(parts()).toEqual([true, false]);
    setting.press("v");
    expect(parts()).toEqual([false, true]);
    expect(setting.draw(40, 7).text).toContain("#59");
    expect(setting.preferences).toEqual({ "ping.shown": "log" });
    const next = await afterAWhile({ preferences: setting.preferences });
    expect(next.draw(103, 34).text).not.toContain("── RTT");
    setting.press("v");
    expect(parts()).toEqual([true, true]);
  });

  test("y copies the report", async () => {
    const setting = await afterAWhile();
    setting.press("y");
    expect(setting.copied).toEqual([setting.session.report()]);
    expect(setting.copied[0]).toContain("--- www.example.com ping statistics ---");
  });

  test("the log scrolls by keys and wheel", async () => {
    const setting = await afterAWhile();
    expect(setting.draw(103, 34).text).toContain("#59");
    setting.press("pageup");
    expect(setting.draw(103, 34).text).not.toContain("#59 ");
    setting.press("G");
    expect(setting.draw(103, 34).text).toContain("#59");
    setting.draw(103, 34).scroll(5, 30, -3);
    expect(setting.draw(103, 34).text).toContain("newer lines");
  });
});
