import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { targetLines } from "../../src/cli/target-lines.ts";

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size)
    yield bytes.subarray(start, start + size);
}

async function read(text: string, size = 7): Promise<string[]> {
  return Array.fromAsync(targetLines(chunksOf(new TextEncoder().encode(text), size)));
}

describe("targetLines()", () => {
  test.each<[text: string, targets: string[]]>([
    ["", []],
    ["\n\n \t\n", []],
    ["192.0.2.1", ["192.0.2.1"]],
    ["192.0.2.1\n", ["192.0.2.1"]],
    ["192.0.2.1\r\n2001:db8::/120\r\n", ["192.0.2.1", "2001:db8::/120"]],
    [
      "# all of them\n  192.0.2.1   # the first\n#192.0.2.2\n\texample.org\t#\n",
      ["192.0.2.1", "example.org"],
    ],
    ["a#b\n", ["a#b"]],
    ["192.0.2.1 192.0.2.2\n", ["192.0.2.1", "192.0.2.2"]],
    ["192.0.2.1,192.0.2.2, example.org,\n", ["192.0.2.1", "192.0.2.2", "example.org"]],
    ["192.0.2.1\tgateway gw.example # as in hosts(5)\n::1 localhost\n", ["192.0.2.1", "::1"]],
    ["192.0.2.1 a, 192.0.2.9 b\n", ["192.0.2.1", "192.0.2.9"]],
    ["192.0.2.0/30 192.0.2.8-9 192.0.2.300\n", ["192.0.2.0/30", "192.0.2.8-9", "192.0.2.300"]],
    ["a.example b.example 192.0.2.1\n", ["a.example", "b.example", "192.0.2.1"]],
    ["bücher.example\nlast", ["bücher.example", "last"]],
  ])("%j", async (text, targets) => {
    for (const size of [1, 7, 1000]) expect(await read(text, size)).toEqual(targets);
  });

  test("does not depend on where the chunks end", async () => {
    const line = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom("", "# nothing", "  "),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 50 }), async (lines, size) => {
        const targets = lines.filter((each) => each.trim() !== "" && !each.startsWith("#"));
        expect(await read(lines.join("\n"), size)).toEqual(targets);
      }),
    );
  });

  test("reads a chunk when the lines of the one before are used up, and is told when nobody wants more", async () => {
    let chunks = 0;
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          chunks += 1;
          yield new TextEncoder().encode("192.0.2.1\n192.0.2.2\n");
        }
      } finally {
        isClosed = true;
      }
    }
    let count = 0;
    for await (const _ of targetLines(endless())) {
      count += 1;
      expect(chunks).toBe(Math.ceil(count / 2));
      if (count === 5) break;
    }
    expect(isClosed).toBe(true);
  });

  test("refuses what has no lines", async () => {
    const picture = new Uint8Array(70_000).fill(0x41);
    await expect(Array.fromAsync(targetLines(chunksOf(picture, 1000)))).rejects.toThrow(
      "over 65536 characters",
    );
  });
});
