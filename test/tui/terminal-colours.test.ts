import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALL_COLOURS, terminalColours } from "../../tui/src/program/terminal-colours.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "icmpx-terminfo-"));
  await mkdir(join(folder, "m"));
  await Bun.write(join(folder, "m/made-16"), entry({ colours: 256 }));
  await Bun.write(join(folder, "m/made-32"), entry({ isWide: true, colours: 0x100_0000 }));
  await Bun.write(join(folder, "m/made-mono"), entry({ colours: -1 }));
  await Bun.write(join(folder, "m/made-short"), entry({ colours: 8 }).subarray(0, 40));
  await Bun.write(join(folder, "m/made-few-numbers"), entry({ colours: 8, numbers: 13 }));
  await Bun.write(join(folder, "m/made-text"), "#!/bin/sh");
  await mkdir(join(folder, "m/made-256color"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A compiled entry (term(5)): header, names, booleans, numbers. */
function entry(options: {
  readonly colours: number;
  readonly isWide?: boolean;
  readonly numbers?: number;
}): Uint8Array {
  const { colours, isWide = false, numbers = 33 } = options;
  const names = "made|for a test\0";
  const booleans = 21;
  const width = isWide ? 4 : 2;
  const offset = 12 + names.length + booleans;
  const start = offset + (offset % 2);
  const view = new DataView(new ArrayBuffer(start + numbers * width));
  const header = [isWide ? 0o1036 : 0o432, names.length, booleans, numbers, 0, 0];
  for (const [index, word] of header.entries()) view.setInt16(index * 2, word, true);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(new TextEncoder().encode(names), 12);
  bytes.fill(0xff, start);
  if (isWide) view.setInt32(start + 13 * width, colours, true);
  else if (numbers > 13) view.setInt16(start + 13 * width, colours, true);
  return bytes;
}

describe("terminalColours()", () => {
  test.each([
    ["an entry with 16-bit numbers", "made-16", 256],
    ["an entry with 32-bit numbers", "made-32", ALL_COLOURS],
    ["an entry without colours", "made-mono", 0],
    ["an entry that ends before its colours", "made-few-numbers", 0],
    ["an entry that was cut, which is none", "made-short", 8],
    ["a file that is no entry", "made-text", 8],
    ["a folder in its place", "made-256color", 256],
    ["no entry, by the name", "unknown-256color", 256],
    ["no entry, by the name", "unknown-direct", ALL_COLOURS],
    ["no entry, of a terminal with colours", "unknown", 8],
    ["no entry, of a monochrome one", "vt525", 0],
    ["no terminal", "", 0],
    ["a name that would lead elsewhere", "m/../m/made-16", 8],
  ])("%s: %p has %p", (_, TERM, colours) => {
    expect(terminalColours({ TERM, TERMINFO: folder })).toBe(colours);
  });

  test("COLORTERM says more than any entry", () => {
    for (const COLORTERM of ["truecolor", "24bit"]) {
      expect(terminalColours({ TERM: "made-mono", TERMINFO: folder, COLORTERM })).toBe(ALL_COLOURS);
    }
    expect(terminalColours({ TERM: "made-mono", TERMINFO: folder, COLORTERM: "1" })).toBe(0);
  });

  test("a pipe in place of an entry keeps nobody waiting", () => {
    Bun.spawnSync(["mkfifo", join(folder, "m/made-pipe")]);
    expect(terminalColours({ TERM: "made-pipe", HOME: "/nowhere", TERMINFO: folder })).toBe(8);
  });
});
