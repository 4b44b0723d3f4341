import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fit, textWidth, truncate, wrapText } from "../../tui/src/model/fit.ts";

/** Texts as they come from the network, wide, combining and right-to-left ones among them. */
const text = fc.string({
  unit: fc.constantFrom("a", "B", " ", "例", "é", "e\u0301", "ש", "👨‍👩‍👧", "."),
});

describe("truncate()", () => {
  test("puts an ellipsis where something is missing", () => {
    expect([
      truncate("host.example", 12),
      truncate("host.example", 11),
      truncate("host", 1),
    ]).toEqual(["host.example", "host.examp…", "…"]);
  });

  test("never splits a letter", () => {
    expect([truncate("例え例え", 6), truncate("例え例え", 4), truncate("e\u0301cole", 3)]).toEqual([
      "例え…",
      "例…",
      "e\u0301c…",
    ]);
  });

  test("always fits", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 30 }), (given, width) => {
        expect(textWidth(truncate(given, width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe("fit()", () => {
  test("fills on either side", () => {
    expect([fit("ab", 4), fit("ab", 4, "right"), fit("例", 4, "right")]).toEqual([
      "ab  ",
      "  ab",
      "  例",
    ]);
  });

  test("is always as wide as asked for", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 30 }), (given, width) => {
        expect(textWidth(fit(given, width))).toBe(width);
      }),
    );
  });
});

describe("wrapText()", () => {
  test("breaks between words, and words that are too long", () => {
    expect(wrapText("one two three", 8)).toEqual(["one two", "three"]);
    expect(wrapText("see abcdefghijkl now", 5)).toEqual(["see", "abcde", "fghij", "kl", "now"]);
    expect(wrapText("例え例え", 5)).toEqual(["例え", "例え"]);
  });

  test("keeps the spaces that a command begins with", () => {
    expect(wrapText("  sudo setcap x", 10)).toEqual(["  sudo", "  setcap x"]);
  });

  test("loses no letter, and fits", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 30 }), (given, width) => {
        const lines = wrapText(given, width);
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join("").replaceAll(" ", "")).toBe(given.replaceAll(" ", ""));
      }),
    );
  });
});
