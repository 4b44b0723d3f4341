import { UsageError } from "./host.ts";

/** No line of targets is longer: a name has at most 253 characters. A comment may be. */
const MAX_LINE = 65_536;

/**
 * The targets of a list: one a line. Empty lines are skipped, and so is what follows a `#` at the beginning of a line or after
 * a space. However long the list is, only the current chunk of it is kept.
 *
 * @throws {UsageError} for what has no lines, such as a picture
 */
export async function* targetLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const target = targetOf(line);
      if (target !== "") yield target;
    }
    if (rest.length > MAX_LINE)
      throw new UsageError(`A list of targets has a line of over ${MAX_LINE} characters`);
  }
  const target = targetOf(rest + decoder.decode());
  if (target !== "") yield target;
}

function targetOf(line: string): string {
  const comment = line.search(/(?:^|\s)#/);
  return (comment === -1 ? line : line.slice(0, comment)).trim();
}
