// What may hide or move text in a terminal: controls, format characters such as the bidirectional
// ones, lone surrogates.
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * A value as JSON on one line. Bytes become hexadecimal text. Every character that a terminal might
 * act upon is escaped, so that the text is safe to show, and parses back to the same value.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? each.toHex() : each,
  );
  return text.replace(INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16).padStart(4, "0");
      return `\\u${unit}`;
    }).join(""),
  );
}

/**
 * What makes a spreadsheet take text for a formula, also in the full width of East Asian keyboards,
 * at the beginning of a field (OWASP, "CSV injection"). Where commas are decimal points, a
 * semicolon begins a field.
 */
const FORMULA = /(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

/**
 * A line of comma-separated values (RFC 4180). null and undefined are empty; invisible characters
 * become spaces. Text that a spreadsheet would run as a formula gets a `'` in front. Numbers have
 * up to six decimals: of milliseconds, which the kernel stamps in nanoseconds, more would be noise.
 */
export function toCsv(fields: readonly (string | number | boolean | null | undefined)[]): string {
  return fields
    .map((field) => {
      if (typeof field === "number") return String(withoutNoise(field));
      const text = String(field ?? "")
        .replace(INVISIBLE, " ")
        .replace(FORMULA, "$1$2'");
      return /[",]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(",");
}

function withoutNoise(value: number): number {
  return Number(value.toFixed(6));
}
