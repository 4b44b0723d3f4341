import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, type Namespace } from "../../lab/namespaces.ts";
import { describeIf, requires } from "../../support/requires.ts";
import { Pty, type PtyOptions, textOf } from "./pty.ts";

setDefaultTimeout(60_000);

const ICMPX = [process.execPath, join(import.meta.dir, "../../../src/cli/icmpx.ts")];
const ICMPX_TUI = [process.execPath, join(import.meta.dir, "../../../tui/src/icmpx-tui.ts")];
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
const TITLES = ["Summary", "Ping", "MultiPing", "Traceroute", "MTR"];
/**
 * What the renderer begins and ends its frames with (synchronized output, DEC private mode 2026).
 */
const FRAME_BEGIN = "\x1b[?2026h";
const FRAME_END = "\x1b[?2026l";
/** A field that only the form of that view has. */
const FORMS = { MultiPing: "Targets", Traceroute: "First TTL", MTR: "Max hops" };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-tui-pty-"));
  // Other users' programs keep their settings here, too.
  await chmod(folder, 0o777);
});
afterAll(() => rm(folder, { recursive: true }));

const needs = requires.all(requires.linux(), requires.root());

describeIf(needs, "icmpx on a terminal", () => {
  test("shows navigation and form, switches views by key and by mouse, and leaves nothing behind", async () => {
    await using pty = start(ICMPX);
    await firstFrame(pty);
    await pty.until(() => pty.isAlternate && pty.wantsMouse);
    pty.type("\x1b[15~"); // F5
    await pty.until(() => shows(pty, "MTR"));
    pty.clickOn("Traceroute");
    await pty.until(() => shows(pty, "Traceroute"));
    pty.clickOn("MultiPing");
    await pty.until(() => shows(pty, "MultiPing"));
    pty.type("\x1b");
    await Bun.sleep(100);
    pty.type("q");
    expect(await pty.ended()).toBe(0);
    expect([pty.text, pty.isAlternate, pty.leftovers]).toEqual(["", false, []]);

    await using again = start(ICMPX);
    await again.until(() => shows(again, "MultiPing"));
  });

  // What terminfo(5) has of each; without COLORTERM, as they come.
  test.each([
    ["xterm", 8],
    ["linux", 8],
    ["screen", 8],
    ["vt100", 0],
    ["screen-256color", 256],
  ])("asks %s for no more than its %p colours", async (TERM, colours) => {
    await using pty = start([...ICMPX_TUI, "ping", "127.0.0.1"], {
      env: { TERM, COLORTERM: undefined },
    });
    await pty.shows("#2 ");
    const used = new Set(coloursOf(pty));
    const allowed = colours === 0 ? /^$/ : colours === 8 ? /^palette [0-7]$/ : /^palette \d+$/;
    expect([...used].filter((colour) => !allowed.test(colour))).toEqual([]);
    expect(used.size > 0).toBe(colours > 0);
    // Of cells without a letter, too. Whole blank rows are the renderer's, which clears the screen.
    const drawn = pty.output.replaceAll(`\x1b[38;5;15m\x1b[49m${" ".repeat(pty.screen.cols)}`, "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for
    const asked = [...drawn.matchAll(/\x1b\[[34]8;(?:2;[\d;]+|5;(\d+))m/g)];
    const tooMany = asked.filter(([, index]) => !(Number(index) < colours));
    expect(tooMany.map(([sequence]) => sequence)).toEqual([]);
  });

  test("writes ASCII where the locale is not UTF-8, first frame and all", async () => {
    await using pty = start([...ICMPX_TUI, "ping", "127.0.0.1"], { env: { LC_ALL: "C" } });
    await pty.shows("#2 ");
    pty.type("?");
    await pty.shows("Keys");
    expect(pty.output).toMatch(/^[\0-\x7f]*$/);
    expect(pty.text).toContain("|");
  });

  test("measures: a session goes on while another view is shown", async () => {
    await using pty = start([...ICMPX_TUI, "ping", "127.0.0.1"]);
    await pty.shows("#2 ");
    pty.type("1");
    await pty.until(() => /127\.0\.0\.1/.test(pty.text) && !pty.text.includes("ttl 64"));
    pty.type("2");
    await pty.until(() => /#[4-9] /.test(pty.text));
    pty.kill("SIGTERM");
    expect(await pty.ended()).toBe(143);
    expect([pty.text, pty.leftovers]).toEqual(["", []]);
  });

  test("freezes at f, while sessions go on, and goes on at the next key; prints reports at the end, if asked", async () => {
    const settings = JSON.stringify({ forms: { ping: { interval: "0.1" } } });
    const home = join(folder, "frozen");
    await Bun.write(join(home, "icmpx/tui.json"), settings);
    const env = { XDG_CONFIG_HOME: home };
    await using pty = start([...ICMPX_TUI, "--report", "ping", "127.0.0.1"], { env });
    await pty.shows("#5 ");
    pty.type("f");
    await pty.shows("Frozen");
    const frozen = pty.text;
    await Bun.sleep(1000);
    expect(pty.text).toBe(frozen);
    const last = Math.max(...[...frozen.matchAll(/#(\d+) /g)].map(([, number]) => Number(number)));
    pty.type("f");
    await pty.until(() => !pty.text.includes("Frozen") && pty.text.includes(`#${last + 8} `));
    pty.type("f");
    await pty.shows("Frozen");
    pty.clickOn("RTT");
    await pty.until(() => !pty.text.includes("Frozen"));
    pty.type("q");
    expect(await pty.ended()).toBe(0);
    await pty.shows("packets transmitted");
    expect([pty.text.includes("127.0.0.1"), pty.leftovers]).toEqual([true, []]);
  });

  test("follows the size of the window through a storm of sizes, down to a single cell", async () => {
    await using pty = start([...ICMPX_TUI, "ping", "127.0.0.1"], { columns: 120, rows: 40 });
    await firstFrame(pty);
    const sizes = [80, 24, 40, 12, 1, 1, 200, 60, 2, 40, 120, 1, 13, 3, 1, 1, 40, 12, 1, 2, 5, 5];
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < sizes.length; index += 2) {
        pty.resize(sizes[index] ?? 1, sizes[index + 1] ?? 1);
        await Bun.sleep(round * 15);
      }
    }
    pty.resize(100, 30);
    await pty.until(
      () => TITLES.every((title) => pty.text.includes(title)) && pty.rows.length === 30,
    );
    await pty.until(() => Math.max(...pty.rows.map((row) => row.length)) > 80);
    pty.resize(40, 12);
    await pty.until(() => pty.rows.every((row) => row.length <= 40) && /Sent +Loss/.test(pty.text));
    pty.type("\x03");
    expect(await pty.ended()).toBe(130);
    expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);
  });

  for (const [how, code, end] of [
    ["SIGHUP", 129, (pty: Pty) => pty.kill("SIGHUP")],
    ["SIGINT", 130, (pty: Pty) => pty.kill("SIGINT")],
    ["a closed window", 129, (pty: Pty) => pty.close()],
  ] as const) {
    test(`ends after ${how}, sessions and all`, async () => {
      await using pty = start([...ICMPX_TUI, "mtr", "127.0.0.1"]);
      await pty.until(() => pty.text.includes("127.0.0.1") && pty.text.includes("Loss"));
      end(pty);
      expect(await pty.ended()).toBe(code);
      if (how !== "a closed window") expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);
    });
  }

  for (const [when, isThen] of [
    ["at its first frame", (pty: Pty) => pty.output.includes("Traceroute")],
    ["while the renderer starts", (pty: Pty) => pty.output.includes(FRAME_BEGIN)],
    ["as the renderer draws its first", (pty: Pty) => pty.output.includes(FRAME_END)],
  ] as const) {
    test(`ends as after SIGHUP when the window is closed ${when}`, async () => {
      const errors = join(folder, `errors ${when}`);
      const shell = ["sh", "-c", 'exec "$@" 2>"$0"', errors];
      await using pty = start([...shell, ...ICMPX_TUI, "mtr", "127.0.0.1"]);
      await pty.until(() => isThen(pty));
      pty.close();
      expect(await pty.ended()).toBe(129);
      expect(await Bun.file(errors).text()).not.toContain("icmpx-tui:");
    });
  }

  test("is coloured, but not with NO_COLOR, nor with the theme for that", async () => {
    await using coloured = start(ICMPX);
    await firstFrame(coloured);
    expect(coloured.isColoured).toBe(true);
    for (const [command, env] of [
      [ICMPX, { NO_COLOR: "1" }],
      [[...ICMPX_TUI, "--theme", "none"], {}],
    ] as const) {
      await using pty = start(command, { env });
      await firstFrame(pty);
      expect(pty.isColoured).toBe(false);
    }
  });

  test("says why the renderer cannot be loaded, and shows the help of the command", async () => {
    await using pty = start(ICMPX, { columns: 200, rows: 60, env: { OPENTUI_LIBC: "musl" } });
    expect(await pty.ended()).toBe(2);
    expect(pty.text).toStartWith("icmpx-tui: Cannot load the renderer: ");
    expect(pty.text).toContain("icmpx ping, traceroute and mtr work without it.\n\nUsage: icmpx ");
    expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);
  });

  for (const theme of ["dark", "high-contrast"]) {
    test(`shows its first frame before the renderer is there, which draws the same (${theme})`, async () => {
      await using pty = start([...ICMPX_TUI, "--theme", theme]);
      await pty.until(() => pty.output.includes(FRAME_END));
      const [picture = ""] = pty.output.split(FRAME_BEGIN);
      const first = await textOf(picture, { columns: 100, rows: 30 });
      expect(TITLES.filter((title) => !first.includes(title))).toEqual([]);
      await pty.until(() => trimmed(pty.rows) === trimmed(first.split("\n")));
    });
  }

  test("takes what is typed at its first frame", async () => {
    await using pty = start(ICMPX, { env: { XDG_CONFIG_HOME: join(folder, "typed") } });
    await pty.until(() => pty.output.includes("Traceroute"));
    pty.type("127.0.0.1\x7f9\r");
    await pty.until(() => /#1 .*ttl 64/.test(pty.text));
    expect(pty.text).toContain("127.0.0.9");
    pty.type("q");
    expect(await pty.ended()).toBe(0);
    expect(pty.leftovers).toEqual([]);
  });

  test("gives the terminal back when it is ended at its first frame", async () => {
    await using pty = start(ICMPX);
    await pty.until(() => pty.output.includes("Traceroute"));
    pty.kill("SIGTERM");
    expect(await pty.ended()).toBe(143);
    expect([pty.text, pty.isAlternate, pty.leftovers]).toEqual(["", false, []]);
  });

  test("has neither renderer nor library loaded for its first frame", () => {
    const start = JSON.stringify(join(import.meta.dir, "../../../tui/src/program/start.ts"));
    const program = `await import(${start}); console.log(Object.keys(require.cache).join("\\n"));`;
    const loaded = Bun.spawnSync([process.execPath, "-e", program]).stdout.toString();
    expect(loaded).toContain("tui/src/program/app.ts");
    expect(loaded).not.toContain("@opentui");
    expect(loaded).not.toContain("/src/client/");
  });

  test("takes a dumb terminal for none", async () => {
    await using pty = start(ICMPX, { env: { TERM: "dumb" } });
    expect(await pty.ended()).toBe(2);
    expect(pty.text).toStartWith("icmpx: the terminal UI needs a terminal");
  });
});

describeIf(
  requires.all(needs, requires.namespaces(), requires.nobody()),
  "icmpx as a user without capabilities",
  () => {
    const lab = new Lab();
    let open: Namespace;
    let closed: Namespace;
    beforeAll(async () => {
      open = lab.add("open");
      closed = lab.add("closed", { pingGroups: false });
      await lab.build();
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    test("starts where nothing may be opened, and says on the first screen what to run", async () => {
      await using pty = start(inside(closed, ICMPX), { columns: 120, rows: 40 });
      await firstFrame(pty);
      await pty.shows("setcap cap_net_raw+ep");
      await pty.shows("net.ipv4.ping_group_range");
      pty.type("127.0.0.1\r");
      await pty.until(() => /failed/i.test(pty.text));
      pty.type("q");
      expect(await pty.ended()).toBe(0);
      expect(pty.leftovers).toEqual([]);
    });

    test("measures where ping groups are open", async () => {
      await using pty = start(inside(open, [...ICMPX_TUI, "ping", "127.0.0.1"]));
      await pty.until(() => /#2 .*ttl 64/.test(pty.text));
      expect(pty.text).not.toContain("setcap");
      pty.type("q");
      expect(await pty.ended()).toBe(0);
    });
  },
);

function inside(namespace: Namespace, command: readonly string[]): string[] {
  return ["ip", "netns", "exec", namespace.name, ...NOBODY, ...command];
}

/**
 * The colours of what can be read, in the words of ECMA-48 and ISO 8613-6; not the terminal's
 * default.
 */
function coloursOf({ screen }: Pty): string[] {
  const { buffer, rows, cols } = screen;
  const cells = Array.from({ length: rows * cols }, (_, index) =>
    buffer.active.getLine(Math.floor(index / cols))?.getCell(index % cols),
  );
  return cells.flatMap((cell) => {
    if (cell === undefined) return [];
    const kind = (isRgb: boolean) => (isRgb ? "24-bit" : "palette");
    const fg =
      cell.getChars().trim() === "" || cell.isFgDefault()
        ? []
        : [`${kind(cell.isFgRGB())} ${cell.getFgColor()}`];
    const bg = cell.isBgDefault() ? [] : [`${kind(cell.isBgRGB())} ${cell.getBgColor()}`];
    return [...fg, ...bg];
  });
}

function start(command: readonly string[], options: PtyOptions = {}): Pty {
  const env = { XDG_CONFIG_HOME: folder, HOME: folder, ...options.env };
  return new Pty(command, { columns: 100, rows: 30, ...options, env });
}

function firstFrame(pty: Pty): Promise<void> {
  return pty.until(
    () => TITLES.every((title) => pty.text.includes(title)) && /Target|targets/.test(pty.text),
  );
}

/** Without the spaces that one of two pictures has written, and the other has not. */
function trimmed(rows: readonly string[]): string {
  return rows
    .map((row) => row.trimEnd())
    .join("\n")
    .trimEnd();
}

function shows(pty: Pty, title: keyof typeof FORMS): boolean {
  return pty.text.includes(FORMS[title]);
}
