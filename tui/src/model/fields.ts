import { canonicalAddress, escapeText, parseAddressRange } from "icmpx/packet";

/** One input of a form. */
export interface Field {
  /** Its key in the values, and in the settings file. */
  readonly name: string;
  /** What stands before it, e.g. "Interval". */
  readonly label: string;
  /** What stands behind it, e.g. "s"; empty for none. */
  readonly unit: string;
  /** Cells of the input. */
  readonly width: number;
  /** Whether it takes the room that others leave. */
  readonly grows: boolean;
  readonly initial: string;
  /** What an empty input shows. */
  readonly placeholder: string;
  /** What is wrong with a text, naming what is allowed, or null. Called as one types. */
  check(text: string): string | null;
}

/** Characters that a field takes: 4,096 IPv6 addresses, and what stands between them. */
export const FIELD_LIMIT: number = 4096 * 40;

/** The texts of a form by the names of its fields. */
export type FieldValues = Readonly<Record<string, string>>;

/** What is wrong with each field, by its name; empty when all is well. */
export function checkFields(fields: readonly Field[], values: FieldValues): Map<string, string> {
  const problems = new Map<string, string>();
  for (const { name, label, check } of fields) {
    const problem = check(values[name] ?? "");
    if (problem !== null) problems.set(name, `${label}: ${problem}`);
  }
  return problems;
}

/** A number of seconds, such as an interval. */
export function secondsField(
  options: Pick<Field, "name" | "label" | "initial"> & {
    readonly least: number;
    readonly most: number;
  },
): Field {
  return numberField({ ...options, unit: "s", width: 5, isWhole: false });
}

/** A whole number. */
export function integerField(
  options: Pick<Field, "name" | "label" | "initial" | "width"> & {
    readonly unit?: string;
    readonly least: number;
    readonly most: number;
  },
): Field {
  return numberField({ unit: "", ...options, isWhole: true });
}

interface NumberFieldOptions extends Pick<Field, "name" | "label" | "initial" | "width" | "unit"> {
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
}

function numberField({ least, most, isWhole, ...field }: NumberFieldOptions): Field {
  const unit = field.unit === "" ? "" : ` ${field.unit}`;
  const allowed = `need ${isWhole ? "a whole number" : "a number"} from ${least} to ${most}${unit}`;
  return {
    ...field,
    grows: false,
    placeholder: "",
    check(text) {
      const trimmed = text.trim();
      const pattern = isWhole ? /^\d+$/ : /^(\d+\.?\d*|\.\d+)$/;
      const value = Number(trimmed);
      return pattern.test(trimmed) && value >= least && value <= most ? null : allowed;
    },
  };
}

/** Digits with dots, a network, a range, or anything with a colon: no name of a host. */
const ADDRESS_LIKE = /^[\d./-]+$|:/;

/** A host name or an address. */
export function targetField(name: string, label: string): Field {
  return {
    name,
    label,
    unit: "",
    width: 24,
    grows: true,
    initial: "",
    placeholder: "host name or address",
    check(text) {
      const trimmed = text.trim();
      if (trimmed === "") return "need a host name or an address";
      if (/[\s,]/.test(trimmed)) return "need one host name or address, without spaces";
      if (isNetwork(trimmed)) return "need one host: MultiPing takes networks and ranges";
      if (isMistypedAddress(trimmed)) return `${escapeText(trimmed)} is no address`;
      // RFC 1035 2.3.4: 255 octets; an IPv6 address with a zone is shorter.
      return trimmed.length > 255 ? "need at most 255 characters" : null;
    },
  };
}

/** Whether a word stands for several addresses, or is meant to. */
function isNetwork(word: string): boolean {
  try {
    const range = parseAddressRange(word);
    return range !== undefined && (range.first !== range.last || word.includes("/"));
  } catch {
    return /^[\d.]+[/-]|:.*[/-]/.test(word);
  }
}

/** The words of a list, between which there are spaces or commas. */
export function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

/**
 * The targets in a line of a list: a `#` begins a comment, and names behind an address are its
 * names, as in hosts(5). The command reads lists so, too.
 */
export function targetsInLine(line: string): string[] {
  const parts = line.replace(/#.*/, "").split(",");
  return parts.flatMap((part) => {
    const words = wordsOf(part);
    const [first = ""] = words;
    return ADDRESS_LIKE.test(first) ? words.filter((word) => ADDRESS_LIKE.test(word)) : words;
  });
}

/**
 * Whether a word can only be meant as an address, and is none: names end in a word with letters,
 * and have no colons (RFC 3696, section 2).
 */
export function isMistypedAddress(word: string): boolean {
  return /^[\d.]+$|:/.test(word) && canonicalAddress(word) === undefined;
}

/** Seconds after which a probe counts as lost. */
export const TIMEOUT_FIELD: Field = secondsField({
  name: "timeout",
  label: "Timeout",
  initial: "1",
  least: 0.01,
  most: 60,
});

/** The TTL of echo requests. */
export const TTL_FIELD: Field = integerField({
  name: "ttl",
  label: "TTL",
  initial: "64",
  width: 4,
  least: 1,
  most: 255,
});

/** Bytes of ICMP data; with both headers, at most a whole IPv4 packet (RFC 791 section 3.1). */
export const SIZE_FIELD: Field = integerField({
  name: "size",
  label: "Size",
  initial: "56",
  width: 6,
  unit: "B",
  least: 0,
  most: 65_507,
});
