import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bunPath } from "../../src/cli/diagnosis.ts";
import { version } from "../../src/cli/version.ts";
import { ENTRY, type FakeHostOptions, runCli } from "./fake-host.ts";

const HERE = "file:///here/main.ts";
const FETCHED = "file:///cache/main.ts";
const folder = await mkdtemp(join(tmpdir(), "icmpx-tui-"));
afterAll(() => rm(folder, { recursive: true }));
const INSTALL = [process.execPath, "x", `icmpx-tui@${version()}`, "--locate"];

test("icmpx alone runs the terminal UI beside it in this process, and gives its exit code", async () => {
  for (const code of [0, 1, 130]) {
    const outcome = await runCli("", { ...(await installed(version())), load: tui(code) });
    expect(outcome).toMatchObject({ code, stdout: "", stderr: "" });
    expect(outcome.host.commands).toEqual([]);
  }
});

test("icmpx alone has the terminal UI of its own version fetched when there is none, or another", async () => {
  for (const beside of [{}, await installed("0.0.1")]) {
    const { code, stderr, host } = await runCli("", {
      isInteractive: true,
      ...beside,
      execute: () => ({ code: 0, stdout: `something else\n${FETCHED}\n` }),
      load: (url) => (url === FETCHED ? tui(7)() : undefined),
    });
    expect({ code, stderr }).toEqual({ code: 7, stderr: "" });
    expect(host.commands).toEqual([INSTALL]);
  }
});

test("icmpx alone says what to install when it could not be fetched, and shows help", async () => {
  for (const result of [
    { code: 1, stdout: "" },
    { code: undefined, stdout: "" },
    { code: 0, stdout: "icmpx-tui: Unknown option" },
  ]) {
    const { code, stdout, stderr } = await runCli("", { isInteractive: true, execute: () => result });
    expect(code).toBe(2);
    expect(stderr).toContain(`installs it:\n  bun add icmpx-tui@${version()} `);
    expect(stdout).toBe((await runCli("--help")).stdout);
  }
});

test("icmpx alone shows help after a terminal UI that could not start, and told why itself", async () => {
  const { code, stdout, stderr } = await runCli("", { ...(await installed(version())), load: tui(2) });
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
      stdout: command.includes("setcap") ? "" : JSON.stringify({ sockets: [{ kind: "raw", state: "open" }] }),
    }),
    become: () => 130,
  };
  const { code, host } = await runCli("--bootstrap-cap", granting);
  expect(code).toBe(130);
  expect(host.successors).toEqual([[bunPath(), ENTRY]]);

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
