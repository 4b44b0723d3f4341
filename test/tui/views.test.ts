import { afterEach, describe, expect, test } from "bun:test";
import type { SessionKind } from "../../tui/src/model/session.ts";
import { mtrTool } from "../../tui/src/panels/mtr.ts";
import { multipingTool } from "../../tui/src/panels/multiping.ts";
import type { Tool } from "../../tui/src/panels/panel.ts";
import { pingTool } from "../../tui/src/panels/ping.ts";
import { tracerouteTool } from "../../tui/src/panels/traceroute.ts";
import { FakePath, routers } from "../support/fake-path.ts";
import type { FakePlatformOptions } from "../support/fake-platform.ts";
import { type Stage, stage } from "./screen-stage.ts";

const TOOLS: readonly Tool[] = [pingTool, multipingTool, tracerouteTool, mtrTool];
const SIZES = [
  [120, 40],
  [80, 24],
] as const;
const [R1 = "", R2 = "", R3 = ""] = routers(3);
const TARGET = "198.51.100.1";
const OTHER = "198.51.100.2";

/**
 * The longest name there can be (RFC 1035 2.3.4), one of wide letters, one from right to left, and
 * one that is an attack.
 */
const NAMES: Readonly<Record<string, string>> = {
  [R1]: `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`,
  [R2]: "ルーター.例え.example",
  [R3]: "נתב.דוגמה.example",
  [TARGET]: "\x1b]0;owned\x07\x1b[2Jhost.example",
};

/** What the four tools are asked in a test; more than one word for multiping. */
const TARGETS: Readonly<Record<SessionKind, string>> = {
  ping: TARGET,
  multiping: `${TARGET} ${OTHER} nowhere.example`,
  traceroute: TARGET,
  mtr: TARGET,
};

const stages: Stage[] = [];

afterEach(async () => {
  for (const { dispose } of stages.splice(0)) await dispose();
});

/**
 * Two routers and a silent one; the target loses a fifth, answers twice now and then, and takes
 * some time.
 */
function network(): FakePlatformOptions {
  const delays = [[12], [13.5], [], [11, 14], [30]];
  return new FakePath({ from: R1, delays: 0.4 }, { from: R2, delays: [[3], [4], [3.2]] }, null, {
    delays,
  });
}

interface Case {
  readonly kind: SessionKind;
  readonly width: number;
  readonly height: number;
}

async function open(
  { kind, width, height }: Case,
  options: {
    readonly platform?: FakePlatformOptions;
    readonly names?: Readonly<Record<string, string>>;
  } = {},
): Promise<Stage> {
  const initial = { view: kind, target: TARGETS[kind] };
  const staged = await stage({
    tools: TOOLS,
    width,
    height,
    initial,
    platform: network(),
    ...options,
  });
  stages.push(staged);
  return staged;
}

describe.each(SIZES)("at %dx%d", (width, height) => {
  for (const { kind, title } of TOOLS) {
    describe(title, () => {
      test("before anything was begun", async () => {
        const staged = await stage({ tools: TOOLS, width, height, initial: { view: kind } });
        stages.push(staged);
        expect(await staged.frame()).toMatchSnapshot();
        expect(staged.errors).toEqual([]);
      });

      test("running", async () => {
        const { pass, frame, errors } = await open({ kind, width, height });
        await pass(20_300);
        expect(await frame()).toMatchSnapshot();
        expect(errors).toEqual([]);
      });

      test("with names of every kind", async () => {
        const { pass, frame, errors, ui } = await open({ kind, width, height }, { names: NAMES });
        await pass(6_300);
        const shown = await frame();
        expect(shown).toMatchSnapshot();
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](?<!\n)/u);
        for (const line of ui.captureCharFrame().split("\n")) {
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
        }
        expect(errors).toEqual([]);
      });

      test("with a target that has no address", async () => {
        const { pass, frame, errors, press, type } = await open({ kind, width, height });
        await press("t");
        await type("nowhere.example");
        await press("RETURN");
        await pass(1000);
        expect(await frame()).toMatchSnapshot();
        expect(errors).toEqual([]);
      });

      test("where no socket may be opened", async () => {
        const platform = { ...network(), allowRaw: false, allowDatagram: false };
        const { pass, frame, errors, app } = await open({ kind, width, height }, { platform });
        await pass(500);
        // The path of this machine's own Bun is in the remedy.
        const shown = (await frame()).replaceAll(process.execPath, "BUN");
        expect(shown).toContain("setcap cap_net_raw+ep");
        for (const once of [/sysctl -w/g, /setcap/g]) expect(shown.match(once)).toHaveLength(1);
        expect(shown).toContain("✗");
        expect(errors).toEqual([]);
        app.close();
      });

      test("with everything its keys open", async () => {
        const { pass, frame, errors, press } = await open({ kind, width, height });
        await pass(5_300);
        const before = await frame();
        for (const key of [
          "j",
          "k",
          "G",
          "g",
          "RETURN",
          "ESCAPE",
          "o",
          "ESCAPE",
          "n",
          "h",
          "v",
          "s",
          "y",
          "r",
          "?",
          "?",
        ]) {
          await press(key);
          await frame();
        }
        await press("p");
        await pass(1000);
        if (kind !== "traceroute") expect(await frame()).not.toBe(before);
        expect(errors).toEqual([]);
      });
    });
  }

  test("Summary, with a session of each kind", async () => {
    const { pass, frame, press, type, errors } = await open({ kind: "ping", width, height });
    for (const [index, { kind }] of TOOLS.entries()) {
      if (kind === "ping") continue;
      await press(String(index + 2));
      await type(TARGETS[kind]);
      await press("RETURN");
    }
    await pass(12_300);
    await press("1");
    expect(await frame()).toMatchSnapshot();
    expect(errors).toEqual([]);
  });

  test("Summary, with names of every kind, and one that has no address", async () => {
    const { pass, frame, press, type, errors, ui } = await open({ kind: "ping", width, height });
    for (const target of ["nowhere.example", `${"a".repeat(63)}.example`, "例え.テスト.example"]) {
      await press("t");
      await type(target);
      await press("RETURN");
    }
    await pass(3000);
    await press("1");
    expect(await frame()).toMatchSnapshot();
    for (const line of ui.captureCharFrame().split("\n")) {
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
    }
    expect(errors).toEqual([]);
  });

  test("Summary, empty", async () => {
    const staged = await stage({ tools: TOOLS, width, height, initial: { view: "summary" } });
    stages.push(staged);
    expect(await staged.frame()).toMatchSnapshot();
  });

  test("help", async () => {
    const { press, frame } = await open({ kind: "mtr", width, height });
    await press("?");
    expect(await frame()).toMatchSnapshot();
  });
});

test.each(TOOLS.map(({ kind }) => [kind] as const))("%s at 40x12", async (kind) => {
  const { pass, frame, errors } = await open({ kind, width: 40, height: 12 });
  await pass(8300);
  expect(await frame()).toMatchSnapshot();
  expect(errors).toEqual([]);
});

test("no key of a panel takes one away that works everywhere", async () => {
  const everywhere = [
    "space",
    "i",
    "e",
    "tab",
    "t",
    "+",
    "x",
    "]",
    "[",
    "left",
    "right",
    "w",
    "f",
    "T",
    "?",
    "q",
  ];
  const { client } = await open({ kind: "ping", width: 80, height: 24 });
  for (const tool of TOOLS) {
    const values = Object.fromEntries(
      tool.fields.map(({ name, initial }) => [name, initial || TARGET]),
    );
    const session = { id: 1, client, now: () => 0, onChange() {}, onFailure() {} };
    const services = {
      notify() {},
      copy() {},
      redraw() {},
      readPreference: () => undefined,
      writePreference() {},
    };
    const panel = await tool.begin(values, session, services);
    const keys = panel.bindings.flatMap((binding) => binding.keys);
    expect(keys).toContain("y");
    expect(keys.filter((key) => everywhere.includes(key) || /^(\d|f\d+)$/.test(key))).toEqual([]);
    panel.session.stop();
  }
});

test("any size can be drawn, in every view, while sessions run", async () => {
  const { ui, frame, press, pass, type, errors } = await open({
    kind: "ping",
    width: 120,
    height: 40,
  });
  for (const [index, { kind }] of TOOLS.entries()) {
    await press(String(index + 2));
    if (kind === "ping") continue;
    await type(TARGETS[kind]);
    await press("RETURN");
  }
  await pass(3000);
  const sizes = [1, 2, 3, 5, 8, 12, 17, 24, 40, 79, 80, 121, 200];
  for (const view of ["1", "2", "3", "4", "5"]) {
    await press(view);
    for (const [index, width] of sizes.entries()) {
      ui.resize(width, sizes[(index * 5 + Number(view)) % sizes.length] ?? 1);
      await frame();
    }
  }
  expect(errors).toEqual([]);
});

test("sessions of all tools go on while one of them fails", async () => {
  const { press, type, pass, frame, errors } = await open({ kind: "ping", width: 120, height: 40 });
  await press("4");
  await type("nowhere.example");
  await press("RETURN");
  await pass(3000);
  const failed = await frame();
  expect(failed).toContain('✗ Traceroute: Cannot resolve "nowhere.example"');
  await press("2");
  await pass(2000);
  expect(await frame()).toMatch(/● running/);
  expect(errors).toEqual([]);
});
