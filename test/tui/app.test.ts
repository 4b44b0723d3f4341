import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { multipingTool } from "../../tui/src/panels/multiping.ts";
import { type FakeTool, fakeTool } from "./fake-tool.ts";
import { type Stage, type StageOptions, stage as stageProgram } from "./screen-stage.ts";

interface AppStage extends Stage {
  readonly ping: FakeTool;
  readonly mtr: FakeTool;
}

const stages: Stage[] = [];

afterEach(async () => {
  for (const { dispose } of stages.splice(0)) await dispose();
});

async function stage(options: Omit<StageOptions, "tools"> = {}): Promise<AppStage> {
  const ping = fakeTool("ping", "Ping");
  const mtr = fakeTool("mtr", "MTR");
  const staged = await stageProgram({ ...options, tools: [ping, mtr] });
  stages.push(staged);
  return { ...staged, ping, mtr };
}

describe("App", () => {
  test("begins in an empty form, ready to type", async () => {
    const { frame } = await stage();
    expect(await frame()).toMatchInlineSnapshot(`
      " icmpx          │ 1 new  + new                                                            [ Start ]
                      │ Target host name or address                             Interval 1     s  TTL 64
       1 Summary      │
       2 Ping         │   Ping does it.
       3 MTR          │   Type a target and press Enter.
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
       F10 help       │
       ^C quit        │
       Enter start  Esc leave the form  F10 help  Tab next input  S-Tab input before  F1 summary  F2 ping"
    `);
  });

  test("begins a session with Enter, and shows its panel", async () => {
    const { frame, type, press, ping } = await stage();
    await type("192.0.2.1");
    await press("RETURN");
    expect(ping.begun.map(({ title }) => title)).toEqual(["192.0.2.1"]);
    expect(await frame()).toMatchInlineSnapshot(`
      " icmpx          │ 1 192.0.2.1 ●  + new                                                     [ Stop ]
                      │ Target 192.0.2.1                                        Interval 1     s  TTL 64
       1 Summary   ●1 │ panel of 192.0.2.1
       2 Ping      ●1 │
       3 MTR          │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
                      │
       ? help         │
       q quit         │
       p pause  y copy the report  Space start, stop  i edit the form  t new tab"
    `);
  });

  test("leaves letters to the input that has the keyboard, and takes them as keys after Esc", async () => {
    const { type, press, ping, quits, frame } = await stage();
    await type("q1?");
    expect(quits()).toBe(0);
    expect(await frame()).toContain("q1?");
    await press("RETURN");
    await press("p", "j", "ARROW_DOWN");
    expect(ping.pressed).toEqual(["p", "j", "j"]);
    await press("q");
    expect(quits()).toBe(1);
  });

  test("says what is wrong with a form as one types, and leads to it", async () => {
    const { type, press, frame, ping } = await stage();
    await type("two words");
    expect(await frame()).toContain("Target: need one host name or address, without spaces");
    await press("RETURN");
    expect(ping.begun).toEqual([]);
    expect(await frame()).toContain("✗ Target: need one host name or address, without spaces");
  });

  test("goes through inputs, button and panel with Tab", async () => {
    const { type, press, ping, frame } = await stage();
    await type("192.0.2.1");
    await press("TAB", "TAB");
    await press("BACKSPACE", "BACKSPACE");
    await type("9");
    expect(await frame()).toMatch(/TTL 9$/m);
    await press("TAB", "RETURN");
    expect(ping.begun).toHaveLength(1);
    await press("shift-tab", "RETURN");
    expect(ping.begun[0]?.state).toBe("stopped");
  });

  test("changes views by keys, also out of an input, while sessions run on", async () => {
    const { type, press, ping, mtr, frame, errors } = await stage();
    await type("192.0.2.1");
    await press("RETURN", "3");
    await type("192.0.2.3");
    await press("F2");
    expect(await frame()).toContain("panel of 192.0.2.1");
    await press("3");
    expect(await frame()).toContain("192.0.2.3");
    await press("RETURN", "1");
    expect([ping.begun[0]?.state, mtr.begun[0]?.state]).toEqual(["running", "running"]);
    const summary = await frame();
    expect(errors).toEqual([]);
    expect(summary).toContain("192.0.2.1");
    expect(summary).toContain("192.0.2.3");
  });

  test("changes views and tabs by the mouse", async () => {
    const { type, press, clickOn, frame } = await stage();
    await type("192.0.2.1");
    await press("RETURN", "t");
    await type("192.0.2.2");
    await press("RETURN");
    expect(await frame()).toContain("panel of 192.0.2.2");
    await clickOn("1 192.0.2.1");
    expect(await frame()).toContain("panel of 192.0.2.1");
    await clickOn("[ Stop ]");
    expect(await frame()).toContain("[ Start ]");
    await clickOn("MTR");
    expect(await frame()).toContain("MTR does it.");
    await clickOn("Summary");
    expect(await frame()).toContain("192.0.2.2");
  });

  test("lets one click into an input", async () => {
    const { ui, frame, type, press } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    const rows = (await frame()).split("\n");
    const y = rows.findIndex((row) => row.includes("Interval"));
    await ui.mockMouse.click((rows[y]?.indexOf("Interval") ?? 0) + 9, y);
    await Bun.sleep(0);
    await press("END");
    await type("5");
    expect(await frame()).toContain("Interval 15");
  });

  test("shows help over everything, and its keys do nothing else meanwhile", async () => {
    const { press, frame, quits } = await stage({ initial: { view: "ping", target: "192.0.2.1" } });
    await press("?");
    const help = await frame();
    expect(help).toContain("Everywhere");
    expect(help).toContain("new tab");
    // The texts of the inputs, which are hidden meanwhile.
    expect(help).toContain("Target 192.0.2.1");
    await press("q");
    expect(quits()).toBe(0);
    expect(await frame()).not.toContain("Everywhere");
  });

  test("tells of a failure at the bottom, for a while, and other sessions go on", async () => {
    const { press, type, ping, frame, clock } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    await press("t");
    await type("192.0.2.2");
    await press("RETURN");
    const [first, second] = ping.begun;
    if (second !== undefined) second.state = "failed";
    second?.options.onFailure(
      "Cannot open a raw socket\n  sudo setcap cap_net_raw+ep /usr/bin/bun",
    );
    const shown = await frame();
    expect(shown).toContain("✗ Ping: Cannot open a raw socket");
    expect(shown).toContain("    sudo setcap cap_net_raw+ep /usr/bin/bun");
    expect(first?.state).toBe("running");
    await clock.advance(31_000);
    expect(await frame()).not.toContain("Cannot open");
  });

  test("says on the first screen what to run where no socket may be opened", async () => {
    const { frame, pass } = await stage({ platform: { allowRaw: false, allowDatagram: false } });
    expect(await frame()).not.toContain("setcap");
    await pass(500);
    expect(await frame()).toContain("setcap cap_net_raw+ep");
  });

  test("marks a session whose target does not answer, from afar", async () => {
    const { press, ping, frame, clock } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    await press("3");
    const [session] = ping.begun;
    if (session !== undefined) session.isDown = true;
    await clock.advance(1500);
    session?.options.onChange();
    await clock.advance(200);
    expect(await frame()).toMatch(/2 Ping +▼1/);
  });

  test("draws nothing for results that nobody looks at", async () => {
    const { ping, press, clock, ui } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    const [session] = ping.begun;
    const drawsOf = async (change: () => void): Promise<number> => {
      await ui.renderOnce();
      const request = spyOn(ui.renderer, "requestRender");
      change();
      session?.options.onChange();
      await clock.advance(1000);
      const { length } = request.mock.calls;
      request.mockRestore();
      return length;
    };
    // All that is told the first time is news.
    await drawsOf(() => {});
    expect(await drawsOf(() => {})).toBe(1);
    await press("1");
    expect(await drawsOf(() => {})).toBe(1);
    await press("3");
    await clock.advance(1000);
    expect(await drawsOf(() => {})).toBe(0);
    // Its mark is in sight.
    expect(await drawsOf(() => session && Object.assign(session, { isDown: true }))).toBe(1);
    expect(await drawsOf(() => {})).toBe(0);
    // And so is the one of another tab.
    await press("2", "t", "ESCAPE");
    await clock.advance(1000);
    expect(await drawsOf(() => {})).toBe(0);
    expect(await drawsOf(() => session?.stop())).toBe(1);
  });

  test("redraws what is around a panel only when it has changed", async () => {
    const { ping, frame, press, clock } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    await frame();
    const [session] = ping.begun;
    session?.options.onChange();
    await clock.advance(1000);
    await frame();
    // Nobody is told of it, and so nobody looks.
    if (session !== undefined) session.state = "failed";
    expect(await frame()).toContain("1 192.0.2.1 ●");
    session?.options.onChange();
    await clock.advance(1000);
    expect(await frame()).toContain("1 192.0.2.1 ✗");
    await press("t");
    expect(await frame()).toContain("2 new");
  });

  test("draws at most five times a second for the sake of measurements", async () => {
    const { ping, clock, ui } = await stage({ initial: { view: "ping", target: "192.0.2.1" } });
    await ui.renderOnce();
    let draws = 0;
    const { renderer } = ui;
    const requestRender = renderer.requestRender.bind(renderer);
    renderer.requestRender = () => {
      draws += 1;
      requestRender();
    };
    for (let change = 0; change < 1000; change += 1) {
      ping.begun[0]?.options.onChange();
      await clock.advance(1);
    }
    expect(draws).toBeGreaterThanOrEqual(4);
    expect(draws).toBeLessThanOrEqual(6);
  });

  test("keeps what was typed, the view and the theme for the next time", async () => {
    const { type, press, files, app, ui } = await stage();
    await type("192.0.2.1");
    await press("RETURN", "T", "3");
    app.close();
    expect(JSON.parse(files.get("/settings.json") ?? "")).toMatchObject({
      view: "mtr",
      theme: "light",
      forms: { ping: { target: "192.0.2.1", ttl: "64" } },
    });
    expect(ui.renderer.isDestroyed).toBe(false);
  });

  test("begins where it was left", async () => {
    const settings = JSON.stringify({ view: "mtr", forms: { mtr: { target: "192.0.2.7" } } });
    const { frame } = await stage({ settings });
    const shown = await frame();
    expect(shown).toContain("MTR does it.");
    expect(shown).toContain("192.0.2.7");
  });

  test("replaces what an input holds by what is typed, at the start and after a change of view", async () => {
    const settings = JSON.stringify({
      forms: { ping: { target: "192.0.2.7" }, mtr: { target: "192.0.2.8" } },
    });
    const { frame, type, press } = await stage({ settings });
    expect(await frame()).toContain("Target 192.0.2.7");
    await type("a.example");
    expect(await frame()).toMatch(/Target a\.example +Interval/);
    await press("F3");
    expect(await frame()).toContain("Target 192.0.2.8");
    await type("b.example");
    expect(await frame()).toMatch(/Target b\.example +Interval/);
    await press("F2");
    await type("c.example");
    expect(await frame()).toMatch(/Target c\.example +Interval/);
  });

  test("goes back to the form when a session cannot begin", async () => {
    const tool = fakeTool("ping", "Ping", async () => {
      throw new RangeError("No such list");
    });
    const staged = await stageProgram({ tools: [tool] });
    stages.push(staged);
    const { frame, type, press } = staged;
    await type("@list");
    await press("RETURN");
    expect(await frame()).toContain(" ✗ Ping: No such list");
    await type("192.0.2.1");
    expect(await frame()).toContain("Target 192.0.2.1  ");
  });

  test("says at the bottom what is wrong while it is typed, whatever runs", async () => {
    const { frame, type, press, clickOn } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    await clickOn("Interval");
    await type("0,5");
    expect(await frame()).toContain("\n ✗ Interval: need a number from 0.01 to 3600 s\n");
    await press("BACKSPACE", "BACKSPACE");
    await type(".5");
    expect(await frame()).not.toContain("✗");
    await clickOn("Target");
    await type("192.0.2.300");
    expect(await frame()).toContain("\n ✗ Target: 192.0.2.300 is no address\n");
  });

  test("keeps what is typed before the first frame", async () => {
    const settings = JSON.stringify({ forms: { ping: { target: "192.0.2.7" } } });
    const { frame, type } = await stage({ settings });
    await type("a.");
    await frame();
    await type("b.");
    expect(await frame()).toContain("Target a.b.  ");
  });

  test("shows all inputs whole when it begins at once", async () => {
    const settings = JSON.stringify({
      forms: { mtr: { target: "192.0.2.1", interval: "60", ttl: "25" } },
    });
    const { frame } = await stage({ settings, initial: { view: "mtr", target: "192.0.2.1" } });
    expect(await frame()).toMatch(/Target 192\.0\.2\.1 +Interval 60 +s +TTL 25$/m);
  });

  test("takes a pasted list in lines for a list, and nothing of it for keys", async () => {
    const { ui, frame, ping } = await stage();
    await frame();
    await ui.mockInput.pasteBracketedText("  192.0.2.1\r\n\t192.0.2.2\n\x1b[31mq\x1b[0m\n");
    expect(await frame()).toContain("Target 192.0.2.1 192.0.2.2 q ");
    expect(ping.begun).toEqual([]);
  });

  test("takes names behind the addresses of a pasted list, and comments, for no targets", async () => {
    const { ui, frame } = await stage();
    await frame();
    const hosts =
      "# hosts\n192.0.2.1\tgw.example gw\n192.0.2.2, www.example # the web\n2001:db8::1 six\n";
    await ui.mockInput.pasteBracketedText(hosts);
    const shown = await frame();
    expect(shown).toMatch(/Target \S+ 192\.0\.2\.2 www\.example 2001:db8::1 /);
    expect(shown).not.toContain("gw");
  });

  test("takes a pasted list of 500 lines whole", async () => {
    const { ui, frame, press, dispose } = await stageProgram({
      tools: [multipingTool],
      initial: { view: "multiping" },
    });
    await frame();
    const lines = Array.from(
      { length: 500 },
      (_, index) => `2001:db8:1111:2222:3333:4444::${index + 1}`,
    );
    await ui.mockInput.pasteBracketedText(`${lines.join("\n")}\n`);
    await press("RETURN");
    expect(await frame()).toMatch(/500 targets: losses are logged|500 up/);
    await dispose();
  });

  test("takes nothing of a text that is longer than a field, and says so", async () => {
    const { ui, frame } = await stage();
    await frame();
    const lines = Array.from(
      { length: 5000 },
      (_, index) => `host-${index}.a-rather-long-domain.example.com`,
    );
    await ui.mockInput.pasteBracketedText(lines.join("\n"));
    const shown = await frame();
    expect(shown).toMatch(
      /Cannot paste [\d,]+ characters: a field takes 163,840\. Put a longer list/,
    );
    expect(shown).toContain("Target host name or address ");
  });

  test("takes away what it said of a form once the form is mended", async () => {
    const { frame, type, press, ping } = await stage();
    await press("RETURN");
    expect(await frame()).toContain("✗ Target: need a host name");
    await type("192.0.2.1 x");
    await press("RETURN");
    expect(await frame()).toContain("✗ Target: need one host name");
    for (let letter = 0; letter < 2; letter += 1) await press("BACKSPACE");
    expect(await frame()).not.toContain("✗");
    await press("RETURN");
    expect(ping.begun.map(({ title }) => title)).toEqual(["192.0.2.1"]);
  });

  test("shows the beginning of a long text that is not typed into", async () => {
    const { frame, type, press } = await stage({ width: 60 });
    const name = `a-name-at-the-beginning.${"long.".repeat(20)}example`;
    await type(name);
    expect(await frame()).toContain("long.example");
    await press("TAB");
    expect(await frame()).toContain("Target a-name-at-the-beginning… ");
  });

  test("copies a report, and says what became of it", async () => {
    const told = async (copyOutcome: "copied" | "sent" | "refused") => {
      const { press, copied, frame, ping } = await stage({
        initial: { view: "ping", target: "192.0.2.1" },
        copyOutcome,
      });
      await press("y");
      expect([copied, ping.pressed]).toEqual([["report of 192.0.2.1"], ["y"]]);
      return await frame();
    };
    expect(await told("copied")).toContain("\n ✓ Copied the report\n");
    expect(await told("sent")).toContain("\n ! Sent the report to tmux, which keeps it unless");
    expect(await told("refused")).toContain(
      "\n ! Cannot copy: this terminal takes no text (OSC 52)",
    );
  });

  test("begins with defaults and a word about it where the settings are broken", async () => {
    const { frame } = await stage({ settings: "{" });
    const shown = await frame();
    expect(shown).toContain("Ping does it.");
    expect(shown).toContain("! Cannot use settings in /settings.json");
  });

  test("saves the report of what is shown", async () => {
    const { press, saved, frame } = await stage({ initial: { view: "ping", target: "192.0.2.1" } });
    await press("w");
    expect(saved).toEqual(["icmpx-ping-192.0.2.1: report of 192.0.2.1"]);
    expect(await frame()).toContain("Saved the report in /somewhere/icmpx-ping-192.0.2.1.txt");
  });

  test("hands what a panel throws to its caller", async () => {
    const { ping, press, errors, frame } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    const [session] = ping.begun;
    if (session !== undefined) {
      session.report = () => {
        throw new Error("broken report");
      };
    }
    await press("w");
    expect(await frame()).toContain("Cannot save the report: Error: broken report");
    expect(errors).toEqual([]);
  });

  test("draws something at any size", async () => {
    const { ui, frame, errors } = await stage({ initial: { view: "ping", target: "192.0.2.1" } });
    for (const [width, height] of [
      [1, 1],
      [3, 2],
      [40, 12],
      [20, 5],
      [200, 60],
    ] as const) {
      ui.resize(width, height);
      await frame();
    }
    expect(errors).toEqual([]);
    ui.resize(40, 12);
    expect(await frame()).toMatchInlineSnapshot(`
      " 1 Summary●  2 Ping●  3 MTR
       1 192.0.2.1 ●  + new          [ Stop ]
       192.0.2.1  interval 1s  ttl 64
       panel of 192.0.2.1







       ? help  p pause  y copy the report"
    `);
  });

  test("stops everything when it is closed, and its keys do nothing any more", async () => {
    const { app, ping, press, quits } = await stage({
      initial: { view: "ping", target: "192.0.2.1" },
    });
    app.close();
    expect(ping.begun[0]?.state).toBe("stopped");
    await press("q");
    expect(quits()).toBe(0);
  });
});
