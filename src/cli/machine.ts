// What may hide or move text in a terminal: controls, format characters such as the bidirectional ones, lone surrogates.
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * A value as JSON on one line. Bytes become hexadecimal text. Every character that a terminal might act upon is escaped, so
 * that the text is safe to show, and parses back to the same value.
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
 * A line of comma-separated values (RFC 4180). null and undefined are empty; invisible characters become spaces. Numbers have up to
 * six decimals: of milliseconds, which the kernel stamps in nanoseconds, more would be noise.
 */
export function toCsv(fields: readonly (string | number | boolean | null | undefined)[]): string {
  return fields
    .map((field) => {
      const shown = typeof field === "number" ? withoutNoise(field) : field;
      const text = String(shown ?? "").replace(INVISIBLE, " ");
      return /[",]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(",");
}

function withoutNoise(value: number): number {
  return Number(value.toFixed(6));
}
