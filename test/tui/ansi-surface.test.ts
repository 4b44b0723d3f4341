import { describe, expect, test } from "bun:test";
import { AnsiSurface } from "../../tui/src/draw/ansi-surface.ts";
import { SurfaceCanvas } from "../../tui/src/draw/surface-canvas.ts";
import { THEMES, type Theme } from "../../tui/src/draw/theme.ts";

const [dark, , highContrast, terminal, none] = THEMES as [Theme, Theme, Theme, Theme, Theme];

describe("AnsiSurface", () => {
  test("puts each text at its place, and tells a look once", () => {
    const surface = surfaceOf(none);
    surface.put(0, 0, "ab", "title");
    surface.put(3, 1, "cd", "title");
    surface.put(5, 1, "ef", "text");
    expect(surface.sequences).toBe("\x1b[0;1m\x1b[1;1Hab\x1b[2;4Hcd\x1b[0m\x1b[2;6Hef");
  });

  test("tells every attribute", () => {
    const surface = surfaceOf(none);
    for (const role of ["placeholder", "bad"] as const) surface.put(0, 0, "a", role);
    expect(surface.sequences).toBe("\x1b[0;2;4m\x1b[1;1Ha\x1b[0;1;7m\x1b[1;1Ha");
  });

  test("has the colours of the theme, as far as the terminal knows them", () => {
    const surface = surfaceOf(dark);
    surface.put(0, 0, "a", "selected");
    expect(surface.sequences).toBe("\x1b[0m\x1b[38;2;255;255;255m\x1b[48;2;38;79;120m\x1b[1;1Ha");
    const few = surfaceOf(dark, false);
    few.put(0, 0, "a", "selected");
    expect(few.sequences).toBe("\x1b[0m\x1b[38;5;231m\x1b[48;5;24m\x1b[1;1Ha");
    const whole = surfaceOf(highContrast);
    whole.put(0, 0, "a", "good");
    expect(whole.sequences).toBe("\x1b[0m\x1b[38;2;95;255;135m\x1b[48;2;0;0;0m\x1b[1;1Ha");
  });

  test("names the terminal's own colours as ECMA-48 does, which each terminal with colours knows", () => {
    const surface = surfaceOf(terminal, false);
    surface.put(0, 0, "a", "bad");
    expect(surface.sequences).toBe("\x1b[0;1m\x1b[31m\x1b[1;1Ha");
  });

  test("fills a rectangle row by row", () => {
    const surface = surfaceOf(none);
    surface.fill({ x: 1, y: 2, width: 3, height: 2 }, "selected");
    expect(surface.sequences).toBe("\x1b[0;7m\x1b[3;2H   \x1b[4;2H   ");
  });

  test("lets no control character act on the terminal", () => {
    const surface = surfaceOf(none);
    new SurfaceCanvas(surface, []).text(0, 0, "a\x1b[2Jb\x9bc\nd");
    expect(surface.sequences).toBe("\x1b[0m\x1b[1;1Ha [2Jb c d");
  });
});

function surfaceOf(theme: Theme, isTrueColour = true): AnsiSurface {
  return new AnsiSurface({ width: 20, height: 5, theme, isTrueColour });
}
