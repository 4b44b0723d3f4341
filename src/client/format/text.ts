import { escapeText } from "../../packet/format.ts";

/** Stands for a figure without a sample. */
const UNKNOWN = "-";

/** An RTT in milliseconds with three digits that count, as ping(8) has it: `0.046`, `1.23`, `12.3`, `123`; `-` for null. */
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
 * A loss ratio as a percentage with one decimal; `-` for null. Rounding never hides a loss or an answer: what is not
 * nothing is at least `<0.1`, what is not everything at most `>99.9`.
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

/** `text` cut to `width` columns of a terminal, with an ellipsis where something is missing. */
export function truncate(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    // Measured as a whole: marks join the letter before them.
    if (Bun.stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** `text` filled with spaces to `width` columns of a terminal. */
export function pad(text: string, width: number, align: "left" | "right"): string {
  const filling = " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
  return align === "left" ? text + filling : filling + text;
}
