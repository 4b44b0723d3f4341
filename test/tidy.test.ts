import { expect, test } from "bun:test";
import { join } from "node:path";
import { readSources, type Sources } from "./support/layers.ts";

const ROOT = join(import.meta.dir, "..");
/** The formatter's width, which it does not apply to comments. */
const WIDTH = 100;

/** Phrases that a native writer would not use. */
const TELL_TALES: readonly RegExp[] = [
  /\banew\b/i,
  /\bby and by\b/i,
  /\bfor want of\b/i,
  /\bin the place of it\b/i,
  /\bof as many\b/i,
  /\bpromise of his own\b/i,
  /\bso (?:few|long|many|often) (?:as|may|bytes|targets|results|turns)\b/i,
  /\btargets that are none\b/i,
  /\bwhoever\b/i,
];

const sources = await readSources(ROOT, "{src,tui,test,scripts,bench,examples}/**/*.ts");

/** Lines of comments, and lines that hold a text of over 20 letters, each with its place. */
function findLong(files: Sources): string[] {
  return linesOf(files)
    .filter(({ line }) => isComment(line) && line.length > WIDTH && line.includes(" "))
    .map(({ place, line }) => `${place} has ${line.length} columns`);
}

function findTellTales(files: Sources): string[] {
  return linesOf(files)
    .filter(({ place }) => !place.startsWith("test/tidy.test.ts"))
    .flatMap(({ place, line }) =>
      TELL_TALES.filter((phrase) => phrase.test(line)).map((phrase) => `${place} says ${phrase}`),
    );
}

function linesOf(files: Sources): { readonly place: string; readonly line: string }[] {
  return [...files].flatMap(([path, source]) =>
    source.split("\n").map((line, index) => ({ place: `${path}:${index + 1}`, line })),
  );
}

/** A line that begins as a comment. Tables, calls and directives may be longer. */
function isComment(line: string): boolean {
  const isLonger = /biome-ignore|describeIf\(|[│─]|^\s*\*\s*\|/.test(line);
  return /^\s*(?:\/\/|\/\*|\*(?:\s|\/|$))/.test(line) && !isLonger;
}

test("there is something to check", () => {
  expect([...sources.keys()]).toContain("tui/src/main.ts");
});

test(`comments are at most ${WIDTH} columns wide`, () => {
  expect(findLong(sources)).toEqual([]);
});

test("nothing is said in a tell-tale phrase", () => {
  expect(findTellTales(sources)).toEqual([]);
});

test("the checks find what they look for", () => {
  const wide = `// ${"word ".repeat(25)}`;
  const files: Sources = new Map([["a.ts", `${wide}\nconst a = "${"x".repeat(200)}";\n// Anew.`]]);
  expect(findLong(files)).toEqual([`a.ts:1 has ${wide.length} columns`]);
  expect(findTellTales(files)).toEqual(["a.ts:3 says /\\banew\\b/i"]);
});
