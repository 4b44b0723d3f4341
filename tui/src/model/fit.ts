// As in "icmpx/format", which the first frame does not wait for.

/** Columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  return isAscii(text) ? text.length : Bun.stringWidth(text);
}

/** `text` cut to `width` columns of a terminal, with an ellipsis where something is missing. */
export function truncate(text: string, width: number): string {
  if (width < 1) return "";
  if (textWidth(text) <= width) return text;
  if (isAscii(text)) return `${text.slice(0, width - 1)}…`;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    // Measured as a whole: marks join the letter before them.
    if (Bun.stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** `text` in exactly `width` cells: cut, or filled with spaces. */
export function fit(text: string, width: number, align: "left" | "right" = "left"): string {
  const cut = truncate(text, width);
  const space = " ".repeat(Math.max(0, width - textWidth(cut)));
  return align === "left" ? cut + space : space + cut;
}

/**
 * `text` in lines of at most `width` cells, broken between words; a longer word is broken where the
 * line ends. Spaces that it begins with begin each of the lines.
 */
export function wrapText(text: string, width: number): string[] {
  const words = text.trimStart();
  const indent = text.slice(0, Math.min(text.length - words.length, Math.max(0, width - 2)));
  const room = Math.max(1, width - indent.length);
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (textWidth(longer) <= room) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    line = word;
    while (textWidth(line) > room) {
      const head = headOf(line, room);
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return [...lines, line].map((each) => indent + each);
}

/** As much of the beginning of `text` as fits, but at least one letter. */
function headOf(text: string, width: number): string {
  let head = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (head !== "" && textWidth(head + segment) > width) break;
    head += segment;
  }
  return head;
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text);
}
