import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PACKAGES, type Program, remedyFor } from "./programs.ts";
import { requires } from "./requires.ts";

describe("requires", () => {
  test("finds a command that exists and names one that does not", () => {
    expect(requires.command("sh")).toBeUndefined();
    const unknown = "no-such-command-here" as Program;
    expect(requires.command(unknown)).toBe("needs the command no-such-command-here");
  });

  test("says which package a command comes from", () => {
    expect(remedyFor("cc")).toBe(" (apt-get install gcc libc6-dev)");
    expect(remedyFor("sh")).toBe("");
  });

  test("README lists every package that is installed for the tests, and no other", async () => {
    const readme = await Bun.file(join(import.meta.dir, "../../README.md")).text();
    expect(readme).toContain(`\`${PACKAGES.join(" ")}\``);
  });

  test("answers about root as the kernel does", () => {
    expect(requires.root() === undefined).toBe(process.getuid?.() === 0);
  });

  test("gives the same answer about nobody and namespaces each time, and in words if any", () => {
    for (const ask of [requires.nobody, requires.namespaces]) {
      const reason = ask();
      expect(ask()).toBe(reason);
      if (reason !== undefined) expect(reason).toStartWith("needs ");
    }
  });

  test("all() gives the first reason, and none when nothing is missing", () => {
    expect(requires.all(undefined, "needs a", "needs b")).toBe("needs a");
    expect(requires.all(undefined, undefined)).toBeUndefined();
    expect(requires.all()).toBeUndefined();
  });
});

describe("describeIf()", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "icmpx-requires-"));
    await Bun.write(
      join(directory, "inner.test.ts"),
      `import { test } from "bun:test";
       import { describeIf } from ${JSON.stringify(join(import.meta.dir, "requires.ts"))};
       const body = () => { console.log("body called"); test("inner", () => {}); };
       describeIf(undefined, "possible", body);
       describeIf("needs wings", "impossible", () => { throw new Error("Body called without its needs"); });`,
    );
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  test("runs what it can and skips the rest with the reason", () => {
    const { exitCode, output } = runInner("");
    expect(output).toContain("body called");
    expect(output).toContain("skipped: impossible: needs wings");
    expect(output).toMatch(/^ 1 pass\n 1 skip\n 0 fail$/m);
    expect(exitCode).toBe(0);
  });

  test("fails with the reason when CI is set", () => {
    const { exitCode, output } = runInner("true");
    expect(output).toContain('Cannot skip "impossible" under CI: needs wings');
    expect(output).toMatch(/^ 1 pass\n 1 fail$/m);
    expect(exitCode).toBe(1);
  });

  test("adds what it skips to the list that is asked for", async () => {
    const list = join(directory, "untested");
    runInner("", { ICMPX_UNTESTED: list });
    expect(await Bun.file(list).text()).toBe("needs wings\timpossible\n");
  });

  function runInner(ci: string, env = {}): { readonly exitCode: number; readonly output: string } {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      [process.execPath, "test", "./inner.test.ts"],
      {
        cwd: directory,
        env: {
          ...process.env,
          ICMPX_UNTESTED: "",
          ...env,
          CI: ci,
          GITHUB_ACTIONS: "",
          NO_COLOR: "1",
          FORCE_COLOR: undefined,
        },
        stdin: "ignore",
      },
    );
    return { exitCode, output: `${stdout}${stderr}` };
  }
});
