import { describe, expect, test } from "bun:test";
import {
  type Colour,
  type Look,
  THEMES,
  type Theme,
  themeAfter,
  themeOf,
  themesFor,
} from "../../tui/src/draw/theme.ts";

const [dark, light, highContrast, terminal, none] = THEMES as [Theme, Theme, Theme, Theme, Theme];

describe("THEMES", () => {
  test("are four, each with a name of its own", () => {
    expect(THEMES.map(({ name }) => name)).toEqual([
      "dark",
      "light",
      "high-contrast",
      "terminal",
      "none",
    ]);
  });

  test("write every colour in six digits, or as one of the terminal's own", () => {
    const colours = THEMES.flatMap(({ background, looks }) => [
      background,
      ...Object.values(looks).flatMap(({ fg, bg }) => [fg, bg]),
    ]).filter((colour) => colour !== undefined);
    expect(colours.length).toBeGreaterThan(30);
    for (const colour of colours) expect(String(colour)).toMatch(/^(#[0-9a-f]{6}|[0-7])$/);
    const own = Object.values(terminal.looks).flatMap(({ fg = 0, bg = 0 }) => [fg, bg]);
    expect(own.filter((colour) => typeof colour !== "number")).toEqual([]);
  });

  test.each(Object.entries(highContrast.looks))(
    "high contrast: %s has a ratio of 7:1 or more (WCAG AAA)",
    (_, look) => {
      expect(contrast(look, { fg: "#ffffff", bg: "#000000" })).toBeGreaterThanOrEqual(7);
    },
  );

  test("high contrast leaves no colour to the terminal", () => {
    expect(highContrast.background).toBe("#000000");
    expect(Object.values(highContrast.looks).filter(({ fg }) => fg === undefined)).toEqual([]);
  });

  // The backgrounds of black, VS Code, Solarized dark; white, GitHub, Solarized light.
  const grounds: readonly (readonly [string, Colour, Colour])[] = [
    ["dark", "#cccccc", "#000000"],
    ["dark", "#cccccc", "#1e1e1e"],
    ["dark", "#cccccc", "#002b36"],
    ["light", "#333333", "#ffffff"],
    ["light", "#333333", "#f6f8fa"],
    ["light", "#333333", "#fdf6e3"],
  ];
  test.each(grounds)("%s can be read in %s on %s (WCAG AA)", (name, fg, bg) => {
    const theme = themeOf(name, {}, THEMES);
    for (const [role, look] of Object.entries(theme.looks)) {
      // A border is no text: WCAG 2.2, 1.4.11 wants 3:1.
      const least = role === "border" ? 3 : 4.5;
      const ratio = contrast(look, { fg, bg });
      expect({ role, isEnough: ratio >= least, ratio }).toMatchObject({ role, isEnough: true });
    }
  });

  test("dark and light keep the terminal's background", () => {
    for (const theme of [dark, light]) {
      expect(theme.background).toBeUndefined();
      const filled = Object.entries(theme.looks).filter(([, { bg }]) => bg !== undefined);
      expect(filled.map(([role]) => role)).toEqual(["selected", "button", "input", "placeholder"]);
    }
  });

  test("no colour has none, and still tells what matters apart", () => {
    for (const { fg, bg } of Object.values(none.looks))
      expect([fg, bg]).toEqual([undefined, undefined]);
    const { text, dim, warn, bad, selected, input, header } = none.looks;
    const looks = [text, dim, warn, bad, selected, input, header].map((look) =>
      JSON.stringify(look),
    );
    expect(new Set(looks).size).toBe(looks.length);
  });
});

describe("themeOf()", () => {
  test.each([
    ["light", {}, "light"],
    ["none", {}, "none"],
    [undefined, {}, "dark"],
    ["purple", {}, "dark"],
    [undefined, { NO_COLOR: "1" }, "none"],
    [undefined, { NO_COLOR: "" }, "dark"],
    ["high-contrast", { NO_COLOR: "1" }, "high-contrast"],
    [undefined, { COLORFGBG: "0;15" }, "light"],
    [undefined, { COLORFGBG: "0;default;15" }, "light"],
    [undefined, { COLORFGBG: "0;7" }, "light"],
    [undefined, { COLORFGBG: "15;0" }, "dark"],
    [undefined, { COLORFGBG: "nonsense" }, "dark"],
    [undefined, { COLORFGBG: "0;15", NO_COLOR: "1" }, "none"],
    ["dark", { COLORFGBG: "0;15" }, "dark"],
  ] as const)("%p with %p is %s", (name, environment, expected) => {
    expect(themeOf(name, environment, THEMES).name).toBe(expected);
  });
});

test("themeAfter() goes round", () => {
  const after = THEMES.map((theme) => themeAfter(theme, THEMES).name);
  expect(after).toEqual(["light", "high-contrast", "terminal", "none", "dark"]);
  expect(themeAfter(none, themesFor(8))).toBe(terminal);
  expect(themeAfter(none, themesFor(0))).toBe(none);
});

describe("themesFor()", () => {
  test.each([
    [0, undefined, ["none"], "none"],
    [0, "dark", ["none"], "none"],
    [8, undefined, ["terminal", "none"], "terminal"],
    [8, "dark", ["terminal", "none"], "terminal"],
    [8, "none", ["terminal", "none"], "none"],
    [256, "light", ["dark", "light", "high-contrast", "terminal", "none"], "light"],
  ] as const)("%p colours, with %p chosen, leave %p and show %s", (colours, name, names, shown) => {
    const themes = themesFor(colours);
    expect(themes.map((theme) => theme.name)).toEqual([...names]);
    expect(themeOf(name, {}, themes).name).toBe(shown);
  });

  test("NO_COLOR is heeded where there are few colours, too", () => {
    expect(themeOf(undefined, { NO_COLOR: "1" }, themesFor(8))).toBe(none);
  });
});

/** WCAG 2.2, "contrast ratio". */
function contrast(look: Look, ground: { readonly fg: Colour; readonly bg: Colour }): number {
  const [darker, lighter] = [luminance(look.fg ?? ground.fg), luminance(look.bg ?? ground.bg)].sort(
    (a, b) => a - b,
  ) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

/** WCAG 2.2, "relative luminance". */
function luminance(colour: Colour): number {
  if (typeof colour === "number") throw new TypeError("what it looks like is up to the terminal");
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
