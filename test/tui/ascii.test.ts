import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { AsciiSurface, isUtf8, toAscii } from "../../tui/src/draw/ascii.ts";
import { textWidth } from "../../tui/src/model/fit.ts";

const SOURCES = new URL("../../tui/src/", import.meta.url).pathname;

describe("toAscii()", () => {
  test("has a letter for everything that views are drawn with", async () => {
    for await (const path of new Glob("**/*.ts").scan(SOURCES)) {
      const text = await Bun.file(SOURCES + path).text();
      const code = text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "");
      for (const [glyph] of code.matchAll(/[^\0-\x7f]/gu)) {
        expect([path, glyph, toAscii(glyph)]).toEqual([
          path,
          glyph,
          expect.stringMatching(/^[ -~]$/),
        ]);
        expect([path, glyph, toAscii(glyph)]).not.toEqual([path, glyph, "?"]);
      }
    }
  });

  test("makes graphs of braille patterns, darker where there are more dots", () => {
    expect(toAscii("\u2800\u2801\u2840\u28c0\u28f0\u28f8\u28ff")).toBe(" ...::#");
  });

  test("is as wide as what it stands for", () => {
    for (const text of ["● 12 ms │ ×", "例え.example", "e\u0301", "plain"]) {
      expect(toAscii(text)).toMatch(/^[ -~]*$/);
      expect(toAscii(text)).toHaveLength(textWidth(text));
    }
  });
});

test("isUtf8() is what the locale says, and true without one", () => {
  expect(isUtf8({})).toBe(true);
  expect(isUtf8({ LANG: "en_US.UTF-8" })).toBe(true);
  expect(isUtf8({ LC_ALL: "C", LANG: "en_US.UTF-8" })).toBe(false);
  expect(isUtf8({ LC_CTYPE: "C.utf8", LANG: "C" })).toBe(true);
});

test("AsciiSurface passes on all but the letters", () => {
  const seen: unknown[] = [];
  const surface = new AsciiSurface({
    width: 3,
    height: 2,
    put: (x, y, text, role) => seen.push([x, y, text, role]),
    fill: (rect, role) => seen.push([rect, role]),
  });
  expect([surface.width, surface.height]).toEqual([3, 2]);
  surface.put(1, 2, "a│", "text");
  surface.fill({ x: 0, y: 1, width: 2, height: 1 }, "dim");
  expect(seen).toEqual([
    [1, 2, "a|", "text"],
    [{ x: 0, y: 1, width: 2, height: 1 }, "dim"],
  ]);
});
