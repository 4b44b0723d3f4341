import { afterAll, expect, test } from "bun:test";
import { realpathSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { OFFLINE } from "../../scripts/support/installation.ts";
import type { Execution } from "../../src/cli/host.ts";
import { TUI_BUN } from "../../src/cli/tui.ts";
import { version } from "../../src/cli/version.ts";
import { Pty } from "../tui/pty/pty.ts";
import { ENTRY, type FakeHostOptions, runCli } from "./fake-environment.ts";

const HERE = "file:///here/main.ts";
const FETCHED = "file:///cache/main.ts";
const folder = await mkdtemp(join(tmpdir(), "icmpx-tui-"));
afterAll(() => rm(folder, { recursive: true }));
const FETCH = [process.execPath, "x", `icmpx-tui@${version()}`, "--locate"];
const LOOK = [process.execPath, "x", "--no-install", `icmpx-tui@${version()}`, "--locate"];
const YES = { confirm: () => true };

test("icmpx alone runs the terminal UI beside it in this process, and gives its exit code", async () => {
  for (const code of [0, 1, 130]) {
    const outcome = await runCli("", { ...(await installed(version())), load: tui(code) });
    expect(outcome).toMatchObject({ code, stdout: "", stderr: "" });
    expect(outcome.host.commands).toEqual([]);
  }
});

test("icmpx alone asks before it has the terminal UI of its own version fetched, if there is none, or another", async () => {
  for (const beside of [{}, await installed("0.0.1")]) {
    const options = {
      isInteractive: true,
      ...beside,
      execute: registry(`something else\n${FETCHED}\n`),
      load: (url: string) => (url === FETCHED ? tui(7)() : undefined),
    };
    const agreed = await runCli("", { ...options, ...YES });
    expect([agreed.code, agreed.stderr, agreed.host.commands]).toEqual([7, "", [LOOK, FETCH]]);
    expect(agreed.host.questions).toEqual([
      expect.stringContaining(`Fetch icmpx-tui@${version()} `),
    ]);

    const declined = await runCli("", options);
    expect([declined.code, declined.host.commands]).toEqual([2, [LOOK]]);
    expect(declined.stderr).toContain(`installs it:\n  bun add icmpx-tui@${version()} `);

    const unasked = await runCli("--yes", options);
    expect([unasked.code, unasked.host.questions, unasked.host.commands]).toEqual([
      7,
      [],
      [LOOK, FETCH],
    ]);
  }
});

test("icmpx alone asks nothing when the terminal UI of its own version was fetched before", async () => {
  const { code, host } = await runCli("", {
    isInteractive: true,
    execute: () => ({ code: 0, stdout: `${FETCHED}\n` }),
    load: tui(7),
  });
  expect([code, host.commands, host.questions]).toEqual([7, [LOOK], []]);
});

test("icmpx --yes fetches the terminal UI without a terminal, too, and does not start it there", async () => {
  const { code, stdout, host } = await runCli("--yes", {
    execute: registry(FETCHED),
    load: tui(7),
  });
  expect([code, host.questions, host.commands]).toEqual([0, [], [LOOK, FETCH]]);
  expect(stdout).toBe(`icmpx-tui@${version()} is here; on a terminal, icmpx starts it\n`);

  const other = await runCli("--yes ping 127.0.0.1", { execute: registry(FETCHED) });
  expect([other.code, other.host.commands]).toEqual([2, []]);
  expect(other.stderr).toBe("icmpx: Nothing may follow --yes: it is for the terminal UI\n");
});

test("icmpx alone says what to install when it could not be fetched, and shows help", async () => {
  for (const result of [
    { code: 1, stdout: "" },
    { code: undefined, stdout: "" },
    { code: 0, stdout: "icmpx-tui: Unknown option" },
  ]) {
    const options = { isInteractive: true, ...YES, execute: () => result };
    const { code, stdout, stderr } = await runCli("", options);
    expect(code).toBe(2);
    expect(stderr).toContain(`installs it:\n  bun add icmpx-tui@${version()} `);
    expect(stdout).toBe((await runCli("--help")).stdout);
  }
});

test("icmpx alone says which Bun the terminal UI needs, and fetches nothing for another", async () => {
  const { versions } = process;
  Object.defineProperty(process, "versions", { value: { ...versions, bun: "1.2.8" } });
  try {
    const { code, stderr, host } = await runCli("", {
      isInteractive: true,
      ...YES,
      execute: registry(FETCHED),
    });
    expect([code, host.commands]).toEqual([2, []]);
    expect(stderr).toStartWith(
      `icmpx: the terminal UI needs Bun ${TUI_BUN} or newer, and this is 1.2.8\n`,
    );
  } finally {
    Object.defineProperty(process, "versions", { value: versions });
  }
});

test("on a real terminal the question is asked, and no is the answer to Enter", async () => {
  // Alone in a folder, with a cache of its own, the command finds no terminal UI.
  await cp(join(ENTRY, "../.."), join(folder, "alone/src"), { recursive: true });
  for (const file of ["package.json", "tsconfig.json"])
    await cp(join(ENTRY, "../../..", file), join(folder, "alone", file));
  await using pty = new Pty([process.execPath, join(folder, "alone/src/cli/icmpx.ts")], {
    columns: 100,
    rows: 30,
    env: { ...OFFLINE, BUN_INSTALL_CACHE_DIR: folder, TMPDIR: folder },
  });
  await pty.shows(`Fetch icmpx-tui@${version()}`);
  pty.type("\r");
  expect(await pty.ended()).toBe(2);
  expect(pty.output).toContain("bun add --global");
});

test("icmpx alone shows help after a terminal UI that could not start, and told why itself", async () => {
  const { code, stdout, stderr } = await runCli("", {
    ...(await installed(version())),
    load: tui(2),
  });
  expect({ code, stderr }).toEqual({ code: 2, stderr: "\n" });
  expect(stdout).toBe((await runCli("--help")).stdout);
});

test("icmpx alone says that it needs a terminal, and shows help", async () => {
  const { code, stdout, stderr, host } = await runCli("", { load: tui(0) });
  expect(code).toBe(2);
  expect(stderr).toStartWith("icmpx: the terminal UI needs a terminal");
  expect(stdout).toBe((await runCli("--help")).stdout);
  expect(host.commands).toEqual([]);
  const child = Bun.spawnSync([process.execPath, ENTRY], { stdin: "ignore" });
  expect([child.exitCode, child.stdout.toString()]).toEqual([2, stdout]);
});

test("icmpx --bootstrap-cap grants, and starts the terminal UI with the Bun that has the capability", async () => {
  const granting: FakeHostOptions = {
    isInteractive: true,
    execute: (command) => ({
      code: 0,
      stdout: command.includes("setcap")
        ? ""
        : JSON.stringify({ sockets: [{ kind: "raw", state: "open" }] }),
    }),
    become: () => 130,
  };
  const { code, host } = await runCli("--bootstrap-cap", granting);
  expect(code).toBe(130);
  expect(host.successors).toEqual([[realpathSync(process.execPath), ENTRY]]);

  const copy = join(folder, "bun-icmp");
  const copied = await runCli(["--bootstrap-cap", "--copy-to", copy], granting);
  expect(copied.host.successors).toEqual([[copy, ENTRY]]);

  // Nobody looks at it, or it was not granted, or only help was asked for.
  for (const [line, options, expected] of [
    ["--bootstrap-cap", { ...granting, isInteractive: false }, 0],
    ["--bootstrap-cap", { ...granting, execute: () => ({ code: 1, stdout: "" }) }, 2],
    ["--bootstrap-cap --help", granting, 0],
    ["--bootstrap-cap --json", granting, 2],
    ["doctor --fix", granting, 0],
  ] as const) {
    const other = await runCli(line, options);
    expect([other.code, other.host.successors]).toEqual([expected, []]);
  }
  expect((await runCli("--bootstrap-cap", { ...granting, become: () => undefined })).code).toBe(2);
});

/** A Bun whose cache lacks the package and whose registry has it. */
function registry(stdout: string): (command: readonly string[]) => Execution {
  return (command) =>
    command.includes("--no-install") ? { code: 1, stdout: "" } : { code: 0, stdout };
}

function tui(code: number): () => { main(options: { args: readonly string[] }): Promise<number> } {
  return () => ({ main: async ({ args }) => (args.length === 0 ? code : -1) });
}

/** A package of that version beside this one. */
async function installed(installedVersion: string): Promise<FakeHostOptions> {
  const path = join(folder, `${installedVersion}.json`);
  await Bun.write(path, JSON.stringify({ version: installedVersion }));
  return {
    isInteractive: true,
    modules: { "icmpx-tui/main": HERE, "icmpx-tui/package.json": pathToFileURL(path).href },
  };
}
