import { describe, expect, test } from "bun:test";
import { type Colour, type Look, THEMES, type Theme, themeAfter, themeOf } from "../../tui/src/draw/theme.ts";

const [dark, light, highContrast, none] = THEMES as [Theme, Theme, Theme, Theme];

describe("THEMES", () => {
  test("are four, each with a name of its own", () => {
    expect(THEMES.map(({ name }) => name)).toEqual(["dark", "light", "high-contrast", "none"]);
  });

  test("write every colour in six digits", () => {
    const colours = THEMES.flatMap(({ background, looks }) => [
      background,
      ...Object.values(looks).flatMap(({ fg, bg }) => [fg, bg]),
    ]).filter((colour) => colour !== undefined);
    expect(colours.length).toBeGreaterThan(30);
    for (const colour of colours) expect(colour).toMatch(/^#[0-9a-f]{6}$/);
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
    const theme = themeOf(name, {});
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
    for (const { fg, bg } of Object.values(none.looks)) expect([fg, bg]).toEqual([undefined, undefined]);
    const { text, dim, warn, bad, selected, input, header } = none.looks;
    const looks = [text, dim, warn, bad, selected, input, header].map((look) => JSON.stringify(look));
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
    expect(themeOf(name, environment).name).toBe(expected);
  });
});

test("themeAfter() goes round", () => {
  expect(THEMES.map((theme) => themeAfter(theme).name)).toEqual(["light", "high-contrast", "none", "dark"]);
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
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
