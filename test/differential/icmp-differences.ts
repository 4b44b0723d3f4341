import { ANY, type Comparison, type Rule } from "./dissection-rule.ts";
import { bytesAfterIp, familyOfIcmp, isSoundStructure, objectLengths } from "./soundness.ts";

const STRUCTURE =
  /^icmp\.(ext\.(version|checksum|length|class|ctype|data)$|mpls\.|int_info\.|int_ident\.)/;

/**
 * Types that `decodeIcmpv4` and `decodeIcmpv6` know; 17, an address mask request, is read for the
 * comparison only.
 */
const DECODED_TYPES = {
  4: [0, 3, 5, 8, 11, 12, 13, 14, 17, 42, 43],
  6: [1, 2, 3, 4, 128, 129, 137, 160, 161],
} as const;
/** Types whose quote or extensions RFC 4884 and RFC 8335 describe. */
const EXTENDED_TYPES = { 4: [3, 11, 12], 6: [1, 3] } as const;
/** Types in which tshark looks for extensions, whatever the RFC says. */
const SEARCHED_TYPES = { 4: [3, 5, 11, 12], 6: [1, 3] } as const;
const EXTENDED_ECHO_TYPES = [42, 160];
/**
 * Quoted ICMP messages of which there is no more to tell than header, identifier and sequence
 * number.
 */
const ECHO_TYPES = { 4: [0, 8], 6: [128, 129] } as const;
const ICMP_HEADER_LENGTH = 8;
const LEGACY_OFFSET = 128;

/** Differences over ICMP messages and their extensions. */
export const ICMP_RULES: readonly Rule[] = [
  {
    name: "unsoundStructure",
    reason:
      "Extensions with another version than 2, a wrong checksum or objects that overrun: we take none, or those before the " +
      "damage. tshark shows whatever stands at the offset that the length field gives, or 128.",
    fields: STRUCTURE,
    relations: ["more"],
    errors: /^Cannot decode ICMP extension structure/,
    applies: hasUnsoundStructure,
  },
  {
    name: "legacyIcmpv6Structure",
    reason:
      "Extensions at offset 128 of an ICMPv6 error without a length field: we look for them there, too; tshark does so in ICMPv4 only.",
    fields: STRUCTURE,
    relations: ["less"],
    applies: ({ bytes }) => {
      const { protocol, type } = bytesAfterIp(bytes);
      return protocol === 58 && isIn(EXTENDED_TYPES[6], type) && declaredLength({ bytes }) === 0;
    },
  },
  {
    name: "nonAsciiName",
    reason:
      "Interface names outside ASCII: RFC 5837 section 4.3 says UTF-8, which is how we read them; tshark reads ASCII.",
    fields: /^icmp\.int_(info|ident)\.name$/,
    relations: ["other"],
    applies: ({ ours, theirs }) =>
      [ours, theirs].some((one) =>
        [...(one["icmp.int_info.name"] ?? []), ...(one["icmp.int_ident.name"] ?? [])].some((name) =>
          /[^\x20-\x7e]/.test(name),
        ),
      ),
  },
  {
    name: "longObjects",
    reason:
      "Objects that go on behind what they say of an interface: we leave the rest out, and so of the length that the comparison computes.",
    fields: /^icmp\.ext\.length$/,
    relations: ["other"],
    applies: ({ bytes, theirs }) => {
      const shown = (theirs["icmp.ext.length"] ?? []).map(Number);
      return placesOfStructures(bytes).some((at) => Bun.deepEquals(objectLengths(at), shown));
    },
  },
  {
    name: "rawObjects",
    reason:
      "Objects of a class or C-Type that we do not know, or whose content does not make sense: we keep the bytes. tshark shows the parts that it can.",
    fields: STRUCTURE,
    relations: ["more", "less"],
    applies: ({ ours, theirs }) =>
      ours["icmp.ext.data"] !== undefined ||
      (theirs["icmp.ext.ctype"] ?? []).length > (ours["icmp.ext.class"] ?? []).length,
  },
  {
    name: "misplacedStructure",
    reason:
      "An RFC 4884 length field that leads to no sound structure, but there is one at offset 128: we take that, tshark what the field says.",
    fields: STRUCTURE,
    relations: ["other"],
    applies: (comparison) => {
      const declared = declaredLength(comparison);
      const body = bytesAfterIp(comparison.bytes).payload.subarray(ICMP_HEADER_LENGTH);
      return (
        declared > 0 && !isSoundStructure(body.subarray(declared)) && body.length > LEGACY_OFFSET
      );
    },
  },
  {
    name: "wrongQuoteLength",
    reason:
      "An RFC 4884 length field that leads to no sound structure: we take the whole body for the quote, tshark only as much as the field says.",
    fields: ANY,
    relations: ["less"],
    applies: (comparison) => declaredLength(comparison) > 0 && hasUnsoundStructure(comparison),
  },
  {
    name: "undecodedType",
    reason:
      "Types that we leave raw: source quench, information and address mask, router and neighbour discovery, multicast listeners, and " +
      "the other types of the registries that no diagnosis needs. tshark shows identifiers, and quotes, of some.",
    fields: ANY,
    relations: ["more"],
    applies: ({ bytes }) => {
      const { protocol, type } = bytesAfterIp(bytes);
      const family = familyOfIcmp(protocol);
      return family !== undefined && !isIn(DECODED_TYPES[family], type);
    },
  },
  {
    name: "undecodedQuote",
    reason:
      "Quoted ICMP messages other than echo: we show their header only, tshark all, errors within errors included.",
    fields: ANY,
    relations: ["more", "other"],
    applies: ({ theirs }) =>
      (theirs["icmp.type"] ?? []).slice(1).some((type) => !isIn(ECHO_TYPES[4], Number(type))) ||
      (theirs["icmpv6.type"] ?? []).slice(1).some((type) => !isIn(ECHO_TYPES[6], Number(type))) ||
      (theirs["icmp.type"] !== undefined && theirs["icmpv6.type"] !== undefined),
  },
];

function hasUnsoundStructure({ bytes }: Comparison): boolean {
  return placesOfStructures(bytes).some((place) => !isSoundStructure(place));
}

/** The ends of an ICMP message where there may be extensions, or where tshark looks for them. */
function placesOfStructures(bytes: Uint8Array): Uint8Array[] {
  const { protocol, type, payload } = bytesAfterIp(bytes);
  const family = familyOfIcmp(protocol);
  if (family === undefined) return [];
  if (EXTENDED_ECHO_TYPES.includes(type)) return [payload.subarray(ICMP_HEADER_LENGTH)];
  if (!isIn(SEARCHED_TYPES[family], type)) return [];
  const declared = declaredLength({ bytes });
  const places = declared > 0 ? [declared, LEGACY_OFFSET] : [LEGACY_OFFSET];
  return places.map((at) => payload.subarray(ICMP_HEADER_LENGTH + at));
}

/**
 * In bytes. RFC 4884: byte 5 counts 32-bit words in ICMPv4, byte 4 counts 64-bit words in ICMPv6.
 */
function declaredLength({ bytes }: Pick<Comparison, "bytes">): number {
  const { protocol, type, payload } = bytesAfterIp(bytes);
  const family = familyOfIcmp(protocol);
  if (family === undefined || !isIn(EXTENDED_TYPES[family], type)) return 0;
  return family === 4 ? (payload[5] ?? 0) * 4 : (payload[4] ?? 0) * 8;
}

function isIn(list: readonly number[], value: number): boolean {
  return list.includes(value);
}
