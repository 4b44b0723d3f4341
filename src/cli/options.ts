import { addressFamily } from "icmpx/packet";
import type { Option } from "./command.ts";

const MAX_SECONDS = 2_147_483;

/**
 * Rows of the tables of options that several commands share. Letters differ, as those of the tools
 * people know do.
 */
export const HELP: Option = { name: "help", letter: "h", kind: "flag", summary: "show this" };

const CSV: Option = {
  name: "csv",
  kind: "flag",
  summary: "comma-separated values under a line of names",
};

/** How results are written. */
export const FORMATS: readonly Option[] = [
  { name: "json", letter: "j", kind: "flag", summary: "one JSON document, at the end" },
  { name: "ndjson", kind: "flag", summary: "a JSON document a line, for each event as it happens" },
  CSV,
];

/**
 * The same under the letter of mtr(8). Elsewhere -C is left alone: fping(8) takes a number with it.
 */
export const MTR_FORMATS: readonly Option[] = [...FORMATS.slice(0, -1), { ...CSV, letter: "C" }];

/** Which IP version, and whether names are looked up. */
export const FAMILY: readonly Option[] = [
  { name: "ipv4", letter: "4", kind: "flag", summary: "use IPv4" },
  { name: "ipv6", letter: "6", kind: "flag", summary: "use IPv6" },
];

/** `-n`. */
export const NUMERIC: Option = {
  name: "numeric",
  letter: "n",
  also: ["no-dns"],
  kind: "flag",
  summary: "show addresses, look up no names",
};

/** `-v`. */
export const VERBOSE: Option = {
  name: "verbose",
  letter: "v",
  kind: "flag",
  summary: "tell what this system lacks, and what that costs",
};

/** Why the options of other tools that choose protocols and ports are unknown. */
export const ICMP_ONLY = "all probes are ICMP echo requests, without ports";

/** `--socket`. */
export const SOCKET: Option = {
  name: "socket",
  kind: "text",
  value: "KIND",
  choices: ["auto", "raw", "datagram"],
  summary: "kind of socket: auto, raw or datagram (auto: raw if permitted)",
};

/** How many. */
export function count(what: string): Option {
  return {
    name: "count",
    letter: "c",
    also: ["report-cycles"],
    kind: "integer",
    value: "N",
    range: [1, Number.MAX_SAFE_INTEGER],
    summary: what,
  };
}

/** From one to the next. */
export function interval(what: string): Option {
  return {
    name: "interval",
    letter: "i",
    kind: "seconds",
    value: "SECONDS",
    range: [0, MAX_SECONDS],
    summary: what,
  };
}

/** How long an answer is waited for. */
export function timeout(letter: string, also: readonly string[] = []): Option {
  return {
    name: "timeout",
    letter,
    also,
    kind: "seconds",
    value: "SECONDS",
    range: [0.001, MAX_SECONDS],
    summary: "wait this long for each answer (1)",
  };
}

/** Bytes of ICMP data unless told otherwise, as in the library. */
export const DEFAULT_SIZE = 56;

/** Bytes of ICMP data. */
export function size(letter?: string): Option {
  const base = {
    name: "size",
    also: ["psize"],
    kind: "integer",
    value: "BYTES",
    range: [0, 65_507],
    summary: `bytes of ICMP data, without headers (${DEFAULT_SIZE})`,
  } as const;
  return letter === undefined ? base : { ...base, letter };
}

/** Type of service. */
export function tos(letter: string): Option {
  return {
    name: "tos",
    letter,
    kind: "byte",
    value: "BYTE",
    range: [0, 255],
    summary: "type of service or traffic class byte, e.g. 0xb8 (expedited forwarding)",
  };
}

/** Interface or source: given twice, it may say both, as with ping(8). */
export function interfaceOrSource(letter: string): Option {
  return {
    name: "interface",
    letter,
    kind: "text",
    value: "NAME",
    storeAs: (text) => (addressFamily(text) === undefined ? "interface" : "source"),
    summary: "send by this interface, or from this address of ours",
  };
}

/** Source address. */
export function source(letter?: string, also: readonly string[] = []): Option {
  return {
    name: "source",
    ...(letter !== undefined && { letter }),
    also,
    kind: "text",
    value: "ADDRESS",
    summary: "send from this address of ours",
  };
}

/** Firewall mark. */
export function mark(letter?: string): Option {
  const base = {
    name: "mark",
    also: ["fwmark"],
    kind: "integer",
    value: "N",
    range: [0, 4_294_967_295],
    summary: "firewall mark of what is sent (needs CAP_NET_ADMIN or CAP_NET_RAW)",
  } as const;
  return letter === undefined ? base : { ...base, letter };
}

/** The first hop, the last, and when to give up. */
export function hops(gapLetter?: string): readonly Option[] {
  const gap = {
    name: "max-unknown",
    also: ["gap-limit"],
    kind: "integer",
    value: "N",
    range: [1, 255],
    summary: "give up after this many silent hops in a row (10)",
  } as const;
  return [
    {
      name: "first-ttl",
      letter: "f",
      also: ["first"],
      kind: "integer",
      value: "N",
      range: [1, 255],
      summary: "begin at this hop (1)",
    },
    {
      name: "max-ttl",
      letter: "m",
      also: ["max-hops"],
      kind: "integer",
      value: "N",
      range: [1, 255],
      summary: "go no further than this hop (30)",
    },
    gapLetter === undefined ? gap : { ...gap, letter: gapLetter },
  ];
}
