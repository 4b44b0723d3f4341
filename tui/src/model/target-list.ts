import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import {
  type AddressRange,
  addressesOf,
  addressRangeSize,
  canonicalAddress,
  escapeText,
  parseAddressRange,
} from "icmpx/packet";
import { isMistypedAddress, targetsInLine, wordsOf } from "./fields.ts";

/**
 * Targets that one session takes: a /20 of IPv4. More is the work of a sweep, not of a table that
 * people watch.
 */
export const TARGET_LIMIT = 4096;
/**
 * Bytes of a file of targets: names of 255 bytes for each of {@link TARGET_LIMIT}, twice over for
 * comments.
 */
const FILE_LIMIT = 2 * 256 * TARGET_LIMIT;
/** RFC 1035 section 2.3.4. An IPv6 address with a zone is shorter. */
const NAME_LIMIT = 255;

/** Names and addresses one by one, and ranges of addresses that are not expanded yet. */
type Part = string | AddressRange;

/**
 * What is wrong with a list of targets, or null. Files are not looked at; that they are there shows
 * when they are read.
 */
export function checkTargets(text: string): string | null {
  const words = wordsOf(text);
  if (words.length === 0) return "need host names, addresses, networks or @file";
  try {
    const parts = words.flatMap((word) =>
      word.startsWith("@") ? checkPath(word) : [parsePart(word)],
    );
    checkSize(parts);
    return null;
  } catch (error) {
    if (error instanceof RangeError) return escapeText(error.message);
    throw error;
  }
}

/**
 * The targets of a list as people type it, each once, in the order given.
 *
 * 1. Words stand between spaces or commas: `192.0.2.1, www.example.com`.
 * 2. A network `192.0.2.0/24` stands for its hosts, without network and broadcast address in IPv4;
 *    a range `192.0.2.5-192.0.2.9`, in IPv4 also `192.0.2.5-9`, for all its addresses.
 * 3. `@path` is a file of such words, where a `#` begins a comment and names behind an address are
 *    its names, as in hosts(5). `~/` is the home folder. Files name no files.
 *
 * @throws {RangeError} for a word that cannot be read, and for more than {@link TARGET_LIMIT}
 * targets, which is known before any range is expanded
 * @throws {Error} for a file that cannot be read
 */
export async function readTargets(text: string): Promise<string[]> {
  const parts: Part[] = [];
  for (const word of wordsOf(text)) {
    if (word.startsWith("@")) parts.push(...(await readParts(word.slice(1))));
    else parts.push(parsePart(word));
  }
  if (parts.length === 0) throw new RangeError("Cannot ping: the list has no targets");
  checkSize(parts);
  const targets = new Map<string, string>();
  for (const part of parts) {
    for (const target of typeof part === "string" ? [part] : addressesOf(part)) {
      const key = canonicalAddress(target) ?? target.toLowerCase();
      if (!targets.has(key)) targets.set(key, target);
    }
  }
  return [...targets.values()];
}

function parsePart(word: string): Part {
  // First of all: an address with a zone is a target, though no range.
  if (canonicalAddress(word) !== undefined) return word;
  if (/^(?:~|\.{0,2})\//.test(word)) throw new RangeError(`For a file, write @${word}`);
  const range = parseAddressRange(word, { hostsOnly: true });
  if (range !== undefined) return range;
  if (word.startsWith("@"))
    throw new RangeError(`Cannot read ${word}: a file of targets names no files`);
  if (isMistypedAddress(word)) throw new RangeError(`${word} is no address`);
  if (word.length > NAME_LIMIT) throw new RangeError(`A name has at most ${NAME_LIMIT} characters`);
  return word;
}

function checkPath(word: string): Part[] {
  if (word === "@") throw new RangeError("Need the path of a file after @");
  return [];
}

function checkSize(parts: readonly Part[]): void {
  const size = parts.reduce(
    (sum, part) => sum + (typeof part === "string" ? 1n : addressRangeSize(part)),
    0n,
  );
  if (size <= BigInt(TARGET_LIMIT)) return;
  throw new RangeError(
    `These are ${countText(size)} targets: need at most ${TARGET_LIMIT.toLocaleString("en")}`,
  );
}

/** The size of an IPv6 network is a number that nobody reads to its end. */
function countText(size: bigint): string {
  return size < 10n ** 15n ? size.toLocaleString("en") : `over 10^${size.toString().length - 1}`;
}

async function readParts(written: string): Promise<Part[]> {
  const path = written.startsWith("~/") ? `${homedir()}${written.slice(1)}` : written;
  const text = await readSmallFile(path);
  const lines = text.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    try {
      return targetsInLine(line).map(parsePart);
    } catch (error) {
      if (error instanceof RangeError)
        throw new RangeError(`${path}:${index + 1}: ${error.message}`);
      throw error;
    }
  });
}

async function readSmallFile(path: string): Promise<string> {
  let size: number;
  try {
    const found = await stat(path);
    // A device or a pipe may never come to an end.
    if (!found.isFile()) throw new RangeError(`Cannot read ${path}: it is not a file`);
    size = found.size;
    if (size <= FILE_LIMIT) return await Bun.file(path).text();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError(`Cannot read ${path}: ${reasonOf(error)}`);
  }
  throw new RangeError(`Cannot read ${path}: ${size} bytes, need at most ${FILE_LIMIT}`);
}

function reasonOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "permission denied";
  return typeof code === "string" ? code : String(error);
}
