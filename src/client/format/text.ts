import { escapeText } from "../../packet/format.ts";

/** Stands for a figure without a sample. */
const UNKNOWN = "-";

/**
 * An RTT in milliseconds with three digits that count, as ping(8) has it: `0.046`, `1.23`, `12.3`,
 * `123`; `-` for null.
 */
export function formatRtt(rtt: number | null): string {
  if (rtt === null) return UNKNOWN;
  if (Number(rtt.toFixed(3)) < 1) return rtt.toFixed(3);
  if (Number(rtt.toFixed(2)) < 10) return rtt.toFixed(2);
  return Number(rtt.toFixed(1)) < 100 ? rtt.toFixed(1) : rtt.toFixed(0);
}

/** `value` with a fixed number of decimals; `-` for null. */
export function formatFixed(value: number | null, decimals: number): string {
  return value === null ? UNKNOWN : value.toFixed(decimals);
}

/**
 * A loss ratio as a percentage with one decimal; `-` for null. Rounding never hides a loss or an
 * answer: what is not nothing is at least `<0.1`, what is not everything at most `>99.9`.
 */
export function formatLoss(loss: number | null): string {
  if (loss === null) return UNKNOWN;
  const percent = loss * 100;
  if (percent > 0 && percent < 0.05) return "<0.1";
  if (percent < 100 && percent >= 99.95) return ">99.9";
  return percent.toFixed(1);
}

/** `dns.google (8.8.8.8)`, or the address alone. Safe to print, whatever the name holds. */
export function formatHost(address: string, name: string | null): string {
  return name === null || name === address
    ? escapeText(address)
    : `${escapeText(name)} (${escapeText(address)})`;
}

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

/** `text` filled with spaces to `width` columns of a terminal; a longer one stays as it is. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const filling = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + filling : filling + text;
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text);
}
