import { describe, expect, test } from "bun:test";
import { asciiHost, isUtf8, toAscii } from "../../src/cli/ascii.ts";
import type { Host } from "../../src/cli/host.ts";
import { Resolver } from "../../src/client/names/resolver.ts";
import {
  type Platform,
  RESOLVER_CLOCK,
  systemPlatform,
} from "../../src/client/transport/platform.ts";
import { describeIf, requires } from "../support/requires.ts";
import { runCli } from "./fake-environment.ts";

const NOT_ASCII = /[^\0-\x7f]/;

describe("isUtf8()", () => {
  test.each<[env: Record<string, string>, answer: boolean]>([
    [{}, true],
    [{ LC_ALL: "", LANG: "" }, true],
    [{ LANG: "en_US.UTF-8" }, true],
    [{ LANG: "de_DE.utf8" }, true],
    [{ LANG: "C.UTF-8" }, true],
    [{ LANG: "C" }, false],
    [{ LANG: "POSIX" }, false],
    [{ LANG: "de_DE" }, false],
    [{ LANG: "de_DE.ISO-8859-1" }, false],
    [{ LC_ALL: "C", LANG: "en_US.UTF-8" }, false],
    [{ LC_CTYPE: "en_US.UTF-8", LANG: "C" }, true],
    [{ LC_ALL: "C.UTF-8", LC_CTYPE: "C" }, true],
  ])("%j: %p", (env, answer) => {
    expect(isUtf8(env)).toBe(answer);
  });
});

describe("toAscii()", () => {
  test("keeps the width of what it replaces", () => {
    for (const text of ["┌─┬┐│├┼┤└┴┘…", "bücher.例え", "e\u0301", "😀", "plain"]) {
      expect(toAscii(text)).not.toMatch(NOT_ASCII);
      expect(toAscii(text)).toHaveLength(Bun.stringWidth(text));
    }
    expect(toAscii("│ a… │")).toBe("| a~ |");
  });
});

describeIf(requires.all(requires.linux(), requires.root()), "icmpx with LC_ALL=C", () => {
  const platform = (): Platform => ({
    ...systemPlatform(),
    resolver: new Resolver(
      { lookup: async () => [], reverse: async () => "bücher.例え" },
      RESOLVER_CLOCK,
    ),
  });
  const run = (line: string, env: Record<string, string>) =>
    runCli(line, { env, platform: platform(), terminal: { columns: 60, rows: 24 } });

  test("writes text in ASCII, as wide as in UTF-8", async () => {
    for (const line of [
      "ping -H -c 1 127.0.0.1 ::1",
      "mtr -r -c 1 127.0.0.1",
      "traceroute 127.0.0.1",
    ]) {
      const plain = await run(line, { LC_ALL: "C" });
      const utf8 = await run(line, { LC_ALL: "C.UTF-8" });
      expect(utf8.stdout).toMatch(NOT_ASCII);
      expect(plain.code).toBe(0);
      expect(plain.stdout).not.toMatch(NOT_ASCII);
      const widths = (text: string) => text.split("\n").map((each) => Bun.stringWidth(each));
      if (line.startsWith("mtr")) expect(widths(plain.stdout)).toEqual(widths(utf8.stdout));
    }
    expect((await run("ping -c 1 127.0.0.1 ::1", { LC_ALL: "C" })).stdout).toMatch(/\n\+-+\+-/);
    expect((await run("ping bücher..", { LC_ALL: "C" })).stderr).not.toMatch(NOT_ASCII);
  });

  test("leaves formats for programs as they are", async () => {
    for (const format of ["--json", "--ndjson", "--csv"]) {
      const { stdout } = await run(`ping -H -c 1 ${format} 127.0.0.1`, { LC_ALL: "C" });
      expect(stdout).toContain("bücher.例え");
    }
  });
});

test("asciiHost() passes on all but the letters", async () => {
  const written: string[] = [];
  const output = {
    isTerminal: true,
    columns: 80,
    rows: 24,
    isBusy: false,
    write: (text: string) => written.push(text),
    flush: async () => {},
    onResize: (listener: () => void) => listener,
  };
  const { stdout } = asciiHost({ stdout: output, stderr: output } as unknown as Host, true);
  expect([stdout.isTerminal, stdout.columns, stdout.rows, stdout.isBusy]).toEqual([
    true,
    80,
    24,
    false,
  ]);
  stdout.write("│");
  await stdout.flush();
  const listener = (): void => {};
  expect([written, stdout.onResize(listener)]).toEqual([["|"], listener]);
});
