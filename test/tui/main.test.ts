import { describe, expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import { main } from "../../tui/src/main.ts";
import type { StartOptions } from "../../tui/src/program/start.ts";
import { isMusl, loadRenderer, RendererError } from "../../tui/src/screen/renderer.ts";
import { describeIf, requires } from "../support/requires.ts";

const ENTRY = join(import.meta.dir, "../../tui/src/icmpx-tui.ts");
const { version } = await Bun.file(join(import.meta.dir, "../../tui/package.json")).json();

interface RunOptions {
  readonly isTerminal?: boolean;
  readonly start?: (options: StartOptions) => Promise<number>;
}

/** Runs a command line, the words of which are separated by spaces. */
async function run(line: string, { isTerminal = true, start }: RunOptions = {}) {
  const started: StartOptions[] = [];
  let stdout = "";
  let stderr = "";
  const code = await main({
    args: line.split(" ").filter((word) => word !== ""),
    host: {
      environment: { TERM: "xterm" },
      isTerminal,
      print: (text) => {
        stdout += text;
      },
      complain: (text) => {
        stderr += text;
      },
      start: async (options) => {
        started.push(options);
        return start?.(options) ?? 0;
      },
    },
  });
  return { code, stdout, stderr, started };
}

describe("icmpx-tui", () => {
  test("starts with the environment, and gives the exit code", async () => {
    const outcome = await run("", { start: async () => 130 });
    expect(outcome).toEqual({
      code: 130,
      stdout: "",
      stderr: "",
      started: [{ environment: { TERM: "xterm" } }],
    });
  });

  const beginnings: readonly (readonly [line: string, expected: Partial<StartOptions>])[] = [
    ["mtr", { initial: { view: "mtr" } }],
    ["summary", { initial: { view: "summary" } }],
    ["ping 192.0.2.1", { initial: { view: "ping", target: "192.0.2.1" } }],
    ["trace host.example", { initial: { view: "traceroute", target: "host.example" } }],
    ["multiping a b 192.0.2.0/29", { initial: { view: "multiping", target: "a b 192.0.2.0/29" } }],
    ["--theme light", { theme: "light" }],
    [
      "mtr --theme=none 192.0.2.1",
      { initial: { view: "mtr", target: "192.0.2.1" }, theme: "none" },
    ],
  ];
  for (const [line, expected] of beginnings) {
    test(`${line} begins with that`, async () => {
      const { code, started } = await run(line);
      expect(code).toBe(0);
      expect(started).toEqual([{ environment: { TERM: "xterm" }, ...expected }]);
    });
  }

  test("--report prints what the sessions found, and nothing does without", async () => {
    const start = async ({ onReport }: StartOptions): Promise<number> => {
      onReport?.("a report");
      return 0;
    };
    expect((await run("--report ping 192.0.2.1", { start })).stdout).toBe("a report\n");
    expect((await run("ping 192.0.2.1", { start })).stdout).toBe("");
  });

  const mistakes: readonly (readonly [line: string, message: string])[] = [
    ["192.0.2.1", 'View is "192.0.2.1": need summary, ping, multiping, traceroute, mtr'],
    ["summary 192.0.2.1", "The summary takes no target"],
    ["ping a b", "ping takes one target here"],
    ["--theme pink", 'Option --theme is "pink": need dark, light, high-contrast, terminal, none'],
    ["--theme", "Option '--theme <value>' argument missing (icmpx-tui --help shows what there is)"],
    ["--thme", "Unknown option '--thme' (icmpx-tui --help shows what there is)"],
    ["\x1b[31m", 'View is "\\x1b[31m": need summary, ping, multiping, traceroute, mtr'],
  ];
  for (const [line, message] of mistakes) {
    test(`${JSON.stringify(line)} is a mistake, with exit code 2`, async () => {
      expect(await run(line)).toEqual({
        code: 2,
        stdout: "",
        stderr: `icmpx-tui: ${message}\n`,
        started: [],
      });
    });
  }

  test("needs a terminal, but not for help and version", async () => {
    const isTerminal = false;
    expect(await run("", { isTerminal })).toMatchObject({
      code: 2,
      stderr: "icmpx-tui: Needs a terminal: standard input and output must be one\n",
      started: [],
    });
    const help = await run("--help", { isTerminal });
    expect(help).toMatchObject({ code: 0, stderr: "", started: [] });
    expect(help.stdout).toMatchInlineSnapshot(`
      "Usage: icmpx-tui [options] [VIEW [TARGET...]]

      Ping, multiping, traceroute and mtr side by side, on a terminal. ? shows the keys.

        VIEW    summary, ping, multiping, traceroute or mtr; default: the one of the last time
        TARGET  begins at once with this host name or address; multiping takes several

      Options:
            --theme NAME  dark, light, high-contrast, terminal, none; for this time only
            --report      print what all sessions found after q or Ctrl-C
        -h, --help        show this
        -V, --version     show the version

      Settings are kept in $XDG_CONFIG_HOME/icmpx/tui.json (~/.config/icmpx/tui.json).
      "
    `);
    expect(await run("-V", { isTerminal })).toMatchObject({
      code: 0,
      stdout: `icmpx-tui ${version}\n`,
    });
    expect(await run("--locate", { isTerminal })).toMatchObject({
      code: 0,
      stdout: `${Bun.pathToFileURL(join(ENTRY, "../main.ts")).href}\n`,
    });
  });

  test("tells why it has no renderer, with exit code 2", async () => {
    const { code, stdout, stderr } = await run("", {
      start: () => Promise.reject(new RendererError(new Error("no library\n\x1b[31mat all"))),
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      "icmpx-tui: Cannot load the renderer: no library\n\\x1b[31mat all\nicmpx ping, traceroute and mtr work without it.\n",
    );
  });

  test("does not hide a fault of its own", () => {
    const fault = new TypeError("a fault");
    expect(run("", { start: () => Promise.reject(fault) })).rejects.toBe(fault);
  });

  test("as a program: help, a mistake, and no terminal", () => {
    const outcomes = [["--help"], ["--no-such"], []].map((args) => {
      const child = Bun.spawnSync([process.execPath, ENTRY, ...args], { stdin: "ignore" });
      return [child.exitCode, child.stdout.toString() !== "", child.stderr.toString() !== ""];
    });
    expect(outcomes).toEqual([
      [0, true, false],
      [2, false, true],
      [2, false, true],
    ]);
  });

  test("writes to this process when it is given no other", async () => {
    const print = spyOn(process.stdout, "write").mockReturnValue(true);
    const complain = spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      expect(await main({ args: ["--version"] })).toBe(0);
      expect(await main({ args: ["--no-such"] })).toBe(2);
      expect(print.mock.calls).toEqual([[`icmpx-tui ${version}\n`]]);
      expect(complain.mock.calls.join()).toStartWith("icmpx-tui: Unknown option");
    } finally {
      print.mockRestore();
      complain.mockRestore();
    }
  });
});

describeIf(requires.command("node"), "icmpx-tui under Node", () => {
  test("says that Bun is needed", async () => {
    const source = new Bun.Transpiler({ loader: "ts" }).transformSync(await Bun.file(ENTRY).text());
    const child = Bun.spawnSync(["node", "--input-type=module", "-e", source]);
    expect(child.exitCode).toBe(2);
    expect(child.stderr.toString()).toStartWith("icmpx-tui: needs Bun, not Node: ");
  });
});

describe("loadRenderer()", () => {
  test("loads it here", async () => {
    expect(typeof (await loadRenderer()).createCliRenderer).toBe("function");
  });

  test("says why it cannot be loaded", async () => {
    const reason = new Error("Cannot find package");
    const failure = await loadRenderer(() => Promise.reject(reason)).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(RendererError);
    expect(failure).toMatchObject({ message: "Cannot find package", cause: reason });
  });

  test("tells musl by what a process has mapped", () => {
    const mapped = (path: string): string =>
      `7f1c2a000000-7f1c2a09a000 r-xp 00014000 fe:00 1835 ${path}\n7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]\n`;
    expect(isMusl(mapped("/lib/ld-musl-x86_64.so.1"))).toBe(true);
    expect(isMusl(mapped("/usr/lib/x86_64-linux-gnu/libc.so.6"))).toBe(false);
  });

  test("RendererError says what was thrown", () => {
    expect(new RendererError("no memory")).toMatchObject({
      message: "no memory",
      name: "RendererError",
    });
  });
});
