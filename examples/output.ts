/** Standard output that never waits for its reader, in ASCII where the locale is not UTF-8. */
import { write as writeInThread, writeSync } from "node:fs";

const STDOUT = 1;
/** What a terminal that stands still may owe, in characters. What comes later is left out. */
const MAX_PENDING = 1 << 20;
/** How soon a descriptor that had no room is tried again, in milliseconds. */
const RETRY_MS = 20;
/** What tables are drawn with, and its likeness in ASCII. */
const DRAWN = "│─┌┬┐├┼┤└┴┘…";
const IN_ASCII = "|-+++++++++~";

// The first that is set counts (locale(7)). Where none is, as in containers, it is UTF-8.
const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => process.env[name]).find(Boolean);
const isUtf8 = locale === undefined || /utf-?8/i.test(locale);

let pending = "";
let isWriting = false;
let isEnding = false;
const waiting: (() => void)[] = [];
// At the exit of the process nothing happens later any more.
process.once("exit", () => {
  isEnding = true;
  if (pending !== "") writeSync(STDOUT, pending);
});

/**
 * Writes `text` on another thread. `process.stdout` would block the event loop, and every probe
 * with it, for as long as a terminal is stopped (Ctrl-S).
 */
export function write(text: string): void {
  if (isEnding) writeSync(STDOUT, localized(text));
  else if (pending.length < MAX_PENDING || !process.stdout.isTTY) pending += localized(text);
  if (!isWriting) writePending();
}

/** Writes a line. */
export function print(text: string): void {
  write(`${text}\n`);
}

/** Resolves when the reader has taken everything. */
export function flush(): Promise<void> {
  return isWriting ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
}

/** In the letters of the locale, as wide as before: what has no likeness in ASCII becomes `?`. */
export function localized(text: string): string {
  if (isUtf8) return text;
  return text.replace(/[^\0-\x7f]/gu, (character) => {
    return IN_ASCII[DRAWN.indexOf(character)] ?? "?".repeat(Bun.stringWidth(character));
  });
}

/** For tables: the width of the terminal, where there is one. */
export function terminalWidth(): { readonly width: number | undefined } {
  const { isTTY, columns } = process.stdout;
  return { width: isTTY && columns > 0 ? columns : undefined };
}

function writePending(): void {
  const bytes = new TextEncoder().encode(pending);
  pending = "";
  isWriting = bytes.length > 0;
  if (isWriting) writeAll(bytes);
  else for (const resolve of waiting.splice(0)) resolve();
}

function writeAll(bytes: Uint8Array): void {
  writeInThread(STDOUT, bytes, (error, written) => {
    if (error?.code === "EAGAIN") setTimeout(() => writeAll(bytes), RETRY_MS);
    // The reader of the output has gone, as head(1) does: there is nobody left to measure for.
    else if (error) process.exit(1);
    else if (written < bytes.length) writeAll(bytes.subarray(written));
    else writePending();
  });
}
