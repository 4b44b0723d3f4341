import type { Role } from "../model/role.ts";

/**
 * A colour, e.g. "#5fafff", or one of the eight that each terminal chooses for itself (ECMA-48, SGR
 * 30 to 37).
 */
export type Colour = `#${string}` | (typeof AnsiColour)[keyof typeof AnsiColour];

const AnsiColour = { Red: 1, Green: 2, Yellow: 3, Cyan: 6 } as const;

/**
 * How cells of one role look. A colour that is left out is the terminal's own, or the theme's
 * background.
 */
export interface Look {
  readonly fg?: Colour;
  readonly bg?: Colour;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly inverse?: boolean;
  readonly underline?: boolean;
}

/** What themes are called in the settings file. */
export type ThemeName = "dark" | "light" | "high-contrast" | "terminal" | "none";

/** How everything looks. */
export interface Theme {
  readonly name: ThemeName;
  /** Colours that a terminal must have to show it. */
  readonly colours: number;
  /** As people read it, e.g. "high contrast". */
  readonly label: string;
  /** Behind everything; left out where the terminal keeps its own. */
  readonly background?: Colour;
  readonly looks: Readonly<Record<Role, Look>>;
}

/** For dark terminals, whose background stays. */
const DARK: Theme = {
  name: "dark",
  colours: 256,
  label: "dark",
  looks: {
    text: {},
    dim: { fg: "#8e949e" },
    title: { bold: true },
    accent: { fg: "#6cb6ff" },
    good: { fg: "#7fc98b" },
    warn: { fg: "#e3b341" },
    bad: { fg: "#ff7b72", bold: true },
    border: { fg: "#767d87" },
    header: { fg: "#adb5bf", bold: true },
    selected: { fg: "#ffffff", bg: "#264f78" },
    button: { fg: "#ffffff", bg: "#3d4552" },
    input: { fg: "#ffffff", bg: "#2b313b" },
    placeholder: { fg: "#9da3ad", bg: "#2b313b" },
    graph: { fg: "#56b6c2" },
  },
};

/** For light terminals, whose background stays. */
const LIGHT: Theme = {
  name: "light",
  colours: 256,
  label: "light",
  looks: {
    text: {},
    dim: { fg: "#656d76" },
    title: { bold: true },
    accent: { fg: "#0757ba" },
    good: { fg: "#116329" },
    warn: { fg: "#875400" },
    bad: { fg: "#b3121d", bold: true },
    border: { fg: "#80868e" },
    header: { fg: "#4c535b", bold: true },
    selected: { fg: "#0a0c10", bg: "#bcdcff" },
    button: { fg: "#0a0c10", bg: "#d4dae1" },
    input: { fg: "#0a0c10", bg: "#e6eaef" },
    placeholder: { fg: "#5c636b", bg: "#e6eaef" },
    graph: { fg: "#0b6b74" },
  },
};

/**
 * At least 7:1 everywhere (WCAG 2.2, success criterion 1.4.6), whatever the terminal's colours are.
 */
const HIGH_CONTRAST: Theme = {
  name: "high-contrast",
  colours: 256,
  label: "high contrast",
  background: "#000000",
  looks: {
    text: { fg: "#ffffff" },
    dim: { fg: "#d0d0d0" },
    title: { fg: "#ffffff", bold: true },
    accent: { fg: "#5fd7ff", bold: true },
    good: { fg: "#5fff87" },
    warn: { fg: "#ffff00", bold: true },
    bad: { fg: "#000000", bg: "#ff8f8f", bold: true },
    border: { fg: "#ffffff" },
    header: { fg: "#ffffff", bold: true, underline: true },
    selected: { fg: "#000000", bg: "#ffff5f", bold: true },
    button: { fg: "#000000", bg: "#ffffff", bold: true },
    input: { fg: "#ffffff", bg: "#303030", underline: true },
    placeholder: { fg: "#d0d0d0", bg: "#303030", underline: true },
    graph: { fg: "#5fffff" },
  },
};

/** No colour at all: what the terminal has, and its attributes. */
const NONE: Theme = {
  name: "none",
  colours: 0,
  label: "no colour",
  looks: {
    text: {},
    dim: { dim: true },
    title: { bold: true },
    accent: { bold: true },
    good: {},
    warn: { bold: true },
    bad: { bold: true, inverse: true },
    border: { dim: true },
    header: { bold: true, underline: true },
    selected: { inverse: true },
    button: { inverse: true },
    input: { underline: true },
    placeholder: { dim: true, underline: true },
    graph: {},
  },
};

/** The terminal's own colours and background, of which every terminal with colours has eight. */
const TERMINAL: Theme = {
  name: "terminal",
  label: "the terminal's colours",
  colours: 8,
  looks: {
    ...NONE.looks,
    accent: { fg: AnsiColour.Cyan },
    good: { fg: AnsiColour.Green },
    warn: { fg: AnsiColour.Yellow },
    bad: { fg: AnsiColour.Red, bold: true },
    graph: { fg: AnsiColour.Cyan },
  },
};

/**
 * All themes, in the order in which a key goes through them. None tells a status by colour alone:
 * views set marks, too.
 */
export const THEMES: readonly Theme[] = [DARK, LIGHT, HIGH_CONTRAST, TERMINAL, NONE];

/** The themes that a terminal with as many colours can show. */
export function themesFor(colours: number): readonly Theme[] {
  return THEMES.filter((theme) => theme.colours <= colours);
}

/**
 * The theme of that name, if it is one of `themes`. Otherwise the environment decides: no colour
 * where `NO_COLOR` is set to anything (no-color.org, which a choice in settings outranks), light
 * where `COLORFGBG` tells of a light background, else dark; in place of these two, the first of
 * `themes` where the terminal lacks the colours.
 */
export function themeOf(
  name: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  themes: readonly Theme[],
): Theme {
  const chosen = themes.find((theme) => theme.name === name);
  if (chosen !== undefined) return chosen;
  if ((environment["NO_COLOR"] ?? "") !== "") return NONE;
  const wanted = isLight(environment["COLORFGBG"]) ? LIGHT : DARK;
  return themes.includes(wanted) ? wanted : (themes[0] ?? NONE);
}

/** The one of `themes` after `theme`, and after the last the first. */
export function themeAfter(theme: Theme, themes: readonly Theme[]): Theme {
  return themes[(themes.indexOf(theme) + 1) % themes.length] ?? NONE;
}

/**
 * As rxvt and Konsole tell it: "foreground;background", sometimes with a word between. 7 and 15 are
 * the whites.
 */
function isLight(colours: string | undefined): boolean {
  const background = colours?.split(";").at(-1);
  return background === "7" || background === "15";
}
