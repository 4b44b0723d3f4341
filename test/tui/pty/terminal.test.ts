import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { describeIf, requires } from "../../support/requires.ts";
import { Pty } from "./pty.ts";

setDefaultTimeout(30_000);

const PROGRAM = [process.execPath, join(import.meta.dir, "children/program.ts")];

describeIf(requires.linux(), "runOnTerminal() gives the terminal back", () => {
  const endings: readonly (readonly [how: string, code: number, end: (pty: Pty) => void])[] = [
    ["after quit()", 0, (pty) => pty.type("q")],
    ["after quit(7)", 7, (pty) => pty.type("7")],
    ["after Ctrl-C", 130, (pty) => pty.type("\x03")],
    ["after SIGINT", 130, (pty) => pty.kill("SIGINT")],
    ["after SIGTERM", 143, (pty) => pty.kill("SIGTERM")],
    ["after SIGHUP", 129, (pty) => pty.kill("SIGHUP")],
    ["after SIGQUIT", 131, (pty) => pty.kill("SIGQUIT")],
  ];
  for (const [how, code, end] of endings) {
    test(`${how}, with exit code ${code}`, async () => {
      await using pty = new Pty(PROGRAM);
      await pty.shows("ready");
      expect([pty.isAlternate, pty.wantsMouse]).toEqual([true, true]);
      end(pty);
      expect(await pty.ended()).toBe(code);
      expect([pty.isAlternate, pty.wantsMouse, pty.leftovers]).toEqual([false, false, []]);
      expect(pty.text).toBe("closed 1");
    });
  }

  const errors: readonly (readonly [where: string, message: string, cause: (pty: Pty) => void])[] =
    [
      ["a key", "thrown by a key \\x1b[31m", (pty) => pty.type("k")],
      ["the mouse", "thrown by a click", (pty) => pty.clickOn("ready")],
      ["a timer", "thrown by a timer", (pty) => pty.type("t")],
      ["a promise", "rejected", (pty) => pty.type("p")],
      ["drawing", "thrown while drawing", (pty) => pty.type("d")],
    ];
  for (const [where, message, cause] of errors) {
    test(`after an error thrown by ${where}, which it prints`, async () => {
      await using pty = new Pty(PROGRAM, { columns: 300 });
      await pty.shows("ready");
      cause(pty);
      expect(await pty.ended()).toBe(1);
      expect([pty.isAlternate, pty.wantsMouse, pty.leftovers]).toEqual([false, false, []]);
      expect(pty.text).toStartWith(`icmpx-tui: Error: ${message}\n    at `);
      expect(pty.text).toEndWith("\nclosed 1");
      // Once, and not by the renderer, too.
      expect(pty.output.split(message)).toHaveLength(2);
    });
  }

  test("when the signal comes while it draws as fast as it can", async () => {
    await using pty = new Pty(PROGRAM);
    await pty.shows("ready");
    pty.type("w");
    await pty.shows("xxxx");
    pty.kill("SIGTERM");
    expect(await pty.ended()).toBe(143);
    expect([pty.isAlternate, pty.leftovers]).toEqual([false, []]);
  });

  test("with grapheme clustering on, if it was", async () => {
    await using pty = new Pty(PROGRAM, {
      answer: (text) => text.replace("?2027;0$y", "?2027;1$y"),
    });
    await pty.shows("ready");
    pty.type("q");
    expect(await pty.ended()).toBe(0);
    expect(pty.leftovers).toEqual(["?2027h"]);
  });

  test("once, when it is told twice", async () => {
    await using pty = new Pty(PROGRAM);
    await pty.shows("ready");
    pty.kill("SIGTERM");
    pty.kill("SIGHUP");
    expect([143, 129]).toContain(await pty.ended());
    expect([pty.text, pty.leftovers]).toEqual(["closed 1", []]);
  });
});

describeIf(requires.linux(), "runOnTerminal()", () => {
  test("ends when the window is closed", async () => {
    await using pty = new Pty(PROGRAM);
    await pty.shows("ready");
    pty.type("w");
    await pty.shows("xxxx");
    pty.close();
    expect(await pty.ended()).toBe(129);
  });

  test("says why there is no renderer, and shows nothing", async () => {
    // There is no library for musl beside the one for glibc.
    await using pty = new Pty(PROGRAM, { columns: 300, env: { OPENTUI_LIBC: "musl" } });
    expect(await pty.ended()).toBe(1);
    expect(pty.text).toContain("RendererError: ");
    expect(pty.text).toContain("Cannot find package '@opentui/core-linux-");
    expect(pty.leftovers).toEqual([]);
  });
});

describeIf(
  requires.all(requires.linux(), requires.command("bash")),
  "runOnTerminal() in a shell",
  () => {
    for (const [how, stop] of [
      ["Ctrl-Z", (pty: Pty) => pty.type("\x1a")],
      ["SIGTSTP", (pty: Pty) => killChild(pty, "SIGTSTP")],
      ["SIGSTOP", (pty: Pty) => killChild(pty, "SIGSTOP")],
    ] as const) {
      test(`is stopped by ${how}, and goes on with fg`, async () => {
        await using pty = new Pty(["bash", "--norc", "--noprofile", "-i"], {
          env: { PS1: "prompt> " },
        });
        await pty.shows("prompt>");
        pty.type(`${PROGRAM.join(" ")}; echo code $?\r`);
        await pty.shows("ready");
        stop(pty);
        await pty.until(() => pty.output.includes("Stopped"));
        // The screen may be behind what was written to it.
        if (how !== "SIGSTOP") await pty.until(() => !pty.isAlternate && !pty.wantsMouse);
        pty.type("fg\r");
        await pty.until(() => pty.isAlternate && pty.wantsMouse && pty.text.includes("ready"));
        pty.type("x");
        await pty.shows("key x");
        pty.type("7");
        await pty.until(() => !pty.isAlternate && pty.text.includes("closed 1"));
        expect(pty.leftovers.filter((mode) => mode !== "?2004h")).toEqual([]);
      });
    }
  },
);

function killChild(pty: Pty, signal: NodeJS.Signals): void {
  const children = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(pty.pid)]).stdout.toString();
  process.kill(Number(children.trim().split("\n")[0]), signal);
}
