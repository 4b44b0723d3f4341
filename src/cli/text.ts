import { addressFamily } from "icmpx/packet";
import type { Host, Output } from "./host.ts";

/** Bytes (RFC 792). */
const ECHO_HEADER_LENGTH = 8;

/** Puts colour around a text, where colour is wanted. */
export type Paint = (colour: Colour, text: string) => string;

/** The colours used: SGR parameters (ECMA-48 8.3.117). */
const COLOURS = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;

/** Names of the colours. */
export type Colour = keyof typeof COLOURS;

/**
 * Colours on a terminal, unless `NO_COLOR` is set to something (no-color.org) or the terminal is
 * dumb.
 */
export function painter({ env }: Host, output: Output): Paint {
  const isWanted = output.isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return (colour, text) => (isWanted ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text);
}

/**
 * `text` broken between words into lines of at most `width` columns, those after the first behind
 * `indent` spaces.
 */
export function wrap(text: string, width: number, indent = 0): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && Bun.stringWidth(longer) > width - indent) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

/** The width to fit a table into: that of the terminal. */
export function tableWidth(output: Output): { readonly width?: number } {
  return output.columns === undefined ? {} : { width: output.columns };
}

/**
 * Bytes of the echo request with `size` bytes of data, its IP header included, which has no
 * options.
 */
export function packetLength(address: string, size: number): number {
  return (addressFamily(address) === 6 ? 40 : 20) + ECHO_HEADER_LENGTH + size;
}

/** An argument as a shell reads it back (sh(1), quoting). */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
