import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { describeIf, requires } from "../support/requires.ts";
import { ENTRY, runCli } from "./fake-environment.ts";

const packageJson = await Bun.file(join(import.meta.dir, "../../package.json")).json();

describe("help", () => {
  test("of icmpx", async () => {
    const { code, stdout, stderr } = await runCli("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchSnapshot();
    expect((await runCli("help")).stdout).toBe(stdout);
    expect((await runCli("help help")).stdout).toBe(stdout);
    expect((await runCli("-h")).stdout).toBe(stdout);
  });

  for (const { name, aliases } of COMMANDS) {
    test(`of ${name}`, async () => {
      const { code, stdout, stderr } = await runCli(`${name} --help`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatchSnapshot();
      for (const other of [
        `help ${name}`,
        `${name} -h`,
        ...aliases.map((alias) => `${alias} --help`),
      ]) {
        expect((await runCli(other)).stdout).toBe(stdout);
      }
    });

    test(`of ${name} follows the width of the terminal`, async () => {
      for (const columns of [60, 80, 300]) {
        const terminal = { columns };
        const { stdout } = await runCli(`${name} --help`, { terminal, env: { NO_COLOR: "1" } });
        const [options = ""] = stdout.split("\nExamples:");
        const widest = Math.max(...options.split("\n").map((line) => line.length));
        expect(widest).toBeLessThanOrEqual(Math.min(columns, 100));
      }
    });
  }

  test("is coloured on a terminal only, and not if NO_COLOR is set", async () => {
    const terminal = { columns: 80 };
    expect((await runCli("--help", { terminal })).stdout).toContain("\x1b[1mUsage:\x1b[0m");
    expect((await runCli("--help", { terminal, env: { NO_COLOR: "1" } })).stdout).not.toContain(
      "\x1b",
    );
    expect((await runCli("--help", { terminal, env: { TERM: "dumb" } })).stdout).not.toContain(
      "\x1b",
    );
    expect((await runCli("--help")).stdout).not.toContain("\x1b");
  });

  test("--version tells the version of the package", async () => {
    const expected = `icmpx ${packageJson.version}\n`;
    expect((await runCli("--version")).stdout).toBe(expected);
    expect((await runCli("-V")).stdout).toBe(expected);
  });

  test("--version does not load the library, nor any other command", () => {
    const main = JSON.stringify(join(import.meta.dir, "../../src/cli/main.ts"));
    const host = JSON.stringify(join(import.meta.dir, "../../src/cli/process-host.ts"));
    const program = `
      const [{ main }, { processHost }] = await Promise.all([import(${main}), import(${host})]);
      await main(["--version"], processHost());
      console.log(Object.keys(require.cache).join("\\n"));
    `;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", program]);
    const loaded = stdout.toString();
    expect(loaded).toContain("src/cli/main.ts");
    expect(loaded).not.toContain("src/index.ts");
    expect(loaded).not.toContain("src/packet/");
    expect(loaded).not.toContain("src/cli/commands.ts");
  });

  test("the command starts as a program, and as a file that Bun runs", async () => {
    expect((await Bun.file(ENTRY).text()).split("\n", 1)).toEqual(["#!/usr/bin/env bun"]);
    expect(packageJson.bin.icmpx).toBe("dist/cli/icmpx.js");
    const child = Bun.spawnSync([process.execPath, ENTRY, "--version"]);
    expect(child.stdout.toString()).toBe(`icmpx ${packageJson.version}\n`);
  });
});

describeIf(requires.command("node"), "under Node", () => {
  test("it says that Bun is needed", () => {
    const source = new Bun.Transpiler({ loader: "ts" }).transformSync(readFileSync(ENTRY, "utf8"));
    const child = Bun.spawnSync(["node", "--input-type=module", "-e", source]);
    expect(child.exitCode).toBe(2);
    expect(child.stdout.toString()).toBe("");
    expect(child.stderr.toString()).toStartWith("icmpx: needs Bun, not Node: ");
  });
});
