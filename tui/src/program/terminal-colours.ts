import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** 24 bits. */
export const ALL_COLOURS: number = 2 ** 24;

/**
 * Where entries lie: ncurses(3NCURSES), "FETCHING COMPILED DESCRIPTIONS", and its packages for
 * Linux.
 */
const SYSTEM_FOLDERS = [
  "/etc/terminfo",
  "/lib/terminfo",
  "/usr/share/terminfo",
  "/usr/lib/terminfo",
];

// The header of a compiled entry, term(5): 16-bit little-endian words.
const NAMES_SIZE = 2;
const BOOLEANS_COUNT = 4;
const NUMBERS_COUNT = 6;
const HEADER_LENGTH = 12;
/** The magic number of entries with 16-bit numbers, and of those with 32-bit ones. */
const MAGIC = 0o432;
const MAGIC_32 = 0o1036;
/** The place of `max_colors` among the numbers (term.h). */
const MAX_COLORS = 13;

/**
 * How many colours the terminal has: 0 for one without, {@link ALL_COLOURS} where `COLORTERM` says
 * so (the convention of terminals that know all), else what terminfo(5) says of `TERM`.
 */
export function terminalColours(environment: Environment): number {
  if (/^(truecolor|24bit)$/.test(environment["COLORTERM"] ?? "")) return ALL_COLOURS;
  const name = environment["TERM"] ?? "";
  return coloursOfEntry(name, environment) ?? coloursOfName(name);
}

/** What the database says; undefined where it has no entry. */
function coloursOfEntry(name: string, environment: Environment): number | undefined {
  // It becomes part of a path.
  if (!/^\w[\w.+-]*$/.test(name)) return undefined;
  const { TERMINFO = "", HOME = "", TERMINFO_DIRS = "" } = environment;
  const own = [TERMINFO, HOME && join(HOME, ".terminfo"), ...TERMINFO_DIRS.split(":")];
  for (const folder of [...own, ...SYSTEM_FOLDERS]) {
    const entry = folder === "" ? undefined : readEntry(join(folder, name.slice(0, 1), name));
    const colours = entry && coloursIn(entry);
    if (colours !== undefined) return colours;
  }
  return undefined;
}

function readEntry(path: string): DataView | undefined {
  try {
    // Opening a pipe would wait for a writer.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) return undefined;
      const { buffer, byteOffset, byteLength } = readFileSync(fd);
      return new DataView(buffer, byteOffset, byteLength);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** The number of colours in a compiled entry (term(5)); undefined if it is none. */
function coloursIn(entry: DataView): number | undefined {
  if (entry.byteLength < HEADER_LENGTH) return undefined;
  const magic = entry.getUint16(0, true);
  const width = magic === MAGIC ? 2 : magic === MAGIC_32 ? 4 : undefined;
  if (width === undefined) return undefined;
  if (entry.getUint16(NUMBERS_COUNT, true) <= MAX_COLORS) return 0;
  const booleansEnd =
    HEADER_LENGTH + entry.getUint16(NAMES_SIZE, true) + entry.getUint16(BOOLEANS_COUNT, true);
  // Numbers begin at an even byte.
  const offset = booleansEnd + (booleansEnd % 2) + MAX_COLORS * width;
  if (offset + width > entry.byteLength) return undefined;
  const colours = width === 2 ? entry.getInt16(offset, true) : entry.getInt32(offset, true);
  return Math.max(0, colours);
}

/** For systems without the database, such as small containers. */
function coloursOfName(name: string): number {
  if (/direct/.test(name)) return ALL_COLOURS;
  if (/256color/.test(name)) return 256;
  return name === "" || /^(dumb|vt\d+|.*-m(ono)?)$/.test(name) ? 0 : 8;
}
