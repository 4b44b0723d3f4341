import { UsageError } from "./host.ts";

/** No line of targets is longer: a name has at most 253 characters. A comment may be. */
const MAX_LINE = 65_536;

/** Digits with dots, a network, a range, or anything with a colon: no name of a host. */
const ADDRESS_LIKE = /^[\d./-]+$|:/;

/**
 * The targets of a list, mostly one a line. However long the list is, only the current chunk of it
 * is kept.
 *
 * 1. Empty lines are skipped, and so is what follows a `#` at the beginning of a line or after a
 *    space.
 * 2. Commas and spaces separate targets.
 * 3. Names behind an address are its names, as in hosts(5), and no targets: `192.0.2.1 gateway`.
 *
 * @throws {UsageError} for what is no text, such as a picture
 */
export async function* targetLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text.includes("\0"))
      throw new UsageError("A list of targets has NUL bytes: need text in UTF-8");
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield* targetsOf(line);
    if (rest.length > MAX_LINE)
      throw new UsageError(`A list of targets has a line of over ${MAX_LINE} characters`);
  }
  yield* targetsOf(rest + decoder.decode());
}

function targetsOf(line: string): readonly string[] {
  const comment = line.search(/(?:^|\s)#/);
  const text = (comment === -1 ? line : line.slice(0, comment)).trim();
  // Most lines by far.
  if (!/[\s,]/.test(text)) return text === "" ? [] : [text];
  return text.split(",").flatMap((part) => {
    const words = part.split(/\s+/).filter((word) => word !== "");
    const [first = ""] = words;
    return ADDRESS_LIKE.test(first) ? words.filter((word) => ADDRESS_LIKE.test(word)) : words;
  });
}
