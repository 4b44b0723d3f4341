/**
 * Where tshark and this library differ on purpose. tshark tells all it can make out of a packet, whatever state it is in, and
 * dissects some four thousand protocols; we decode what ICMP diagnostics need, and refuse or leave raw what is damaged.
 *
 * What we do not decode at all, each with the rule that knows it: `undecodedType`, `undecodedQuote`, `undecodedProtocol`.
 *
 * @module
 */

import type { Dissection } from "../fixtures/tshark.ts";
import {
  bytesAfterIp,
  hasExhaustedSourceRoute,
  hasSoundIpv4Options,
  hasSoundIpv6Options,
  hasSoundRoutingHeaders,
  isSoundStructure,
} from "./soundness.ts";

/** A packet, and what the two make of it. */
export interface Comparison {
  readonly bytes: Uint8Array;
  /** What we say, unless `error` says that we do not. */
  readonly ours: Dissection;
  /** Why we refuse. */
  readonly error?: string;
  readonly theirs: Dissection;
}

/** How tshark's values of a field differ from ours: more or fewer occurrences of them, or other ones. */
export type Relation = "more" | "less" | "other";

/** A difference that is meant to be. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  /** Fields that may differ. */
  readonly fields: RegExp;
  /** How. */
  readonly relations: readonly Relation[];
  /** Refusals that it explains, too. */
  readonly errors?: RegExp;
  readonly applies: (comparison: Comparison) => boolean;
}

const ANY = /./;
const STRUCTURE = /^icmp\.(ext\.(version|checksum|length|class|ctype|data)$|mpls\.|int_info\.|int_ident\.)/;
const IPV4_OPTIONS = /^ip\.(opt\.|rec_rt|empty_rt|cur_rt|src_rt|dst$)/;

/** Types that `decodeIcmpv4` and `decodeIcmpv6` know; 17, an address mask request, is read for the comparison only. */
const DECODED_TYPES = {
  4: [0, 3, 5, 8, 11, 12, 13, 14, 17, 42, 43],
  6: [1, 2, 3, 4, 128, 129, 137, 160, 161],
} as const;
/** Types whose quote or extensions RFC 4884 and RFC 8335 describe. */
const EXTENDED_TYPES = { 4: [3, 11, 12], 6: [1, 3] } as const;
/** Types in which tshark looks for extensions, whatever the RFC says. */
const SEARCHED_TYPES = { 4: [3, 5, 11, 12], 6: [1, 3] } as const;
const EXTENDED_ECHO_TYPES = [42, 160];
/** Quoted ICMP messages of which there is no more to tell than header, identifier and sequence number. */
const ECHO_TYPES = { 4: [0, 8], 6: [128, 129] } as const;
/** IPv4 and IPv6 options whose content we decode, or that have none. */
const DECODED_OPTIONS: Readonly<Record<4 | 6, readonly number[]>> = {
  4: [0, 1, 7, 68, 131, 137, 148],
  6: [0, 1, 5],
};
const DECODED_PROTOCOLS = [1, 6, 17, 58];
const IPV6_EXTENSIONS = [0, 43, 44, 51, 60, 135, 139, 140];
const TCP_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;
const ICMP_HEADER_LENGTH = 8;
const ICMP_TIMESTAMP_LENGTH = 20;
const NEIGHBOR_REDIRECT = 137;
/** That of an ICMPv6 redirect, with two addresses. */
const LONGEST_ICMP_HEADER = 40;
const LEGACY_OFFSET = 128;

/** All of them. */
export const RULES: readonly Rule[] = [
  {
    name: "notIp",
    reason:
      "A version other than 4 and 6, or a header length below 20 bytes or beyond the packet, or an IPv6 packet in an ICMPv4 quote (and the reverse): we refuse such an IP header.",
    fields: ANY,
    relations: ["more"],
    errors: /^Cannot decode IPv[46] header/,
    applies: ({ bytes, error, theirs }) => {
      const [version, quoted = version] = theirs["ip.version"] ?? [];
      if (familyOfIcmp(bytesAfterIp(bytes).protocol) !== bytesAfterIp(bytes).version)
        return error !== undefined;
      return (
        error !== undefined &&
        (occurrences(theirs, "ip.ttl", "ipv6.hlim") <= 1 || version !== quoted || error.includes(": need "))
      );
    },
  },
  {
    name: "lengthZero",
    reason:
      "A total length of 0, as of segments that the network card is to split: tshark shows the captured length instead.",
    fields: /^ip\.len$/,
    relations: ["other"],
    applies: ({ ours }) => (ours["ip.len"] ?? []).includes("0"),
  },
  {
    name: "looksLikePpp",
    reason:
      "A captured packet whose second and third byte are those of a PPP header, ff 03: tshark takes it for one.",
    fields: ANY,
    relations: ["less"],
    errors: ANY,
    applies: ({ bytes }) => bytes[1] === 0xff && bytes[2] === 0x03,
  },
  {
    name: "lengthBelowContent",
    reason:
      "An IP length below the bytes that are there, or below what the headers take: tshark dissects as much as it says. " +
      "We decode the bytes at hand, since routers garble the lengths in quotes, and sockets cut packets to their length.",
    fields: ANY,
    relations: ["less", "other"],
    errors: /^Cannot decode/,
    applies: saysTooShort,
  },
  {
    name: "unsoundIpv4Options",
    reason:
      "IPv4 options whose length or pointer is impossible: we show the type and leave the content raw, or count the slots " +
      "that there are. tshark leaves them out, or shows what it could read.",
    fields: IPV4_OPTIONS,
    relations: ["more", "less", "other"],
    applies: ({ bytes }) => !hasSoundIpv4Options(bytes),
  },
  {
    name: "rareIpOptions",
    reason:
      "Options that we leave raw, e.g. quick start: tshark may not list the type of one that it does not know, or read on differently.",
    fields: /^(ip|ipv6)\.opt\./,
    relations: ["more", "less", "other"],
    applies: ({ ours, theirs }) =>
      [ours, theirs].some(
        (one) =>
          (one["ip.opt.type"] ?? []).some((type) => !DECODED_OPTIONS[4].includes(Number(type))) ||
          (one["ipv6.opt.type"] ?? []).some((type) => !DECODED_OPTIONS[6].includes(Number(type))),
      ),
  },
  {
    name: "endingIpOptions",
    reason:
      "Options that tshark finds impossible, or of a kind that we leave raw: it ends the dissection at them, we go on behind the header.",
    fields: ANY,
    relations: ["less"],
    applies: ({ bytes, ours }) =>
      !hasSoundIpv4Options(bytes) ||
      (ours["ipv6.opt.type"] ?? []).some((type) => !DECODED_OPTIONS[6].includes(Number(type))),
  },
  {
    name: "exhaustedSourceRoute",
    reason:
      "A source route whose pointer is beyond its end: tshark no longer calls its last address the destination.",
    fields: /^ip\.(cur_rt|rec_rt|src_rt|dst)$/,
    relations: ["less", "other"],
    applies: ({ bytes }) => hasExhaustedSourceRoute(bytes),
  },
  {
    name: "unsoundRoutingHeader",
    reason:
      "A routing header whose counts do not fit its length: we go on behind it, tshark ends the dissection.",
    fields: ANY,
    relations: ["less", "other"],
    applies: ({ bytes }) => !hasSoundRoutingHeaders(bytes),
  },
  {
    name: "unsoundIpv6Options",
    reason:
      "IPv6 options that run past their header, or a router alert of a wrong length: the rest of the list stays raw, and we go " +
      "on behind the header. tshark ends the dissection, or reads the value all the same.",
    fields: ANY,
    relations: ["more", "less", "other"],
    errors: /./,
    applies: ({ bytes }) => !hasSoundIpv6Options(bytes),
  },
  {
    name: "cutChain",
    reason:
      "A chain of IPv6 extension headers that runs past the end of the packet: we refuse it (in a quote, we leave it raw). " +
      "tshark shows how it begins.",
    fields: ANY,
    relations: ["more"],
    errors: /^Cannot decode IPv6 extension header/,
    applies: ({ error, ours }) => error !== undefined || IPV6_EXTENSIONS.includes(lastNextHeader(ours) ?? -1),
  },
  {
    name: "unsoundStructure",
    reason:
      "Extensions with another version than 2, a wrong checksum or objects that overrun: we take none, or those before the " +
      "damage. tshark shows whatever stands at the offset that the length field gives, or 128.",
    fields: STRUCTURE,
    relations: ["more", "other"],
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
    applies: ({ ours }) => (ours["icmp.ext.class"] ?? []).some((number) => number === "2" || number === "3"),
  },
  {
    name: "rawObjects",
    reason:
      "Objects of a class or C-Type that we do not know, or whose content does not make sense: we keep the bytes. tshark shows the parts that it can.",
    fields: STRUCTURE,
    relations: ["more", "less", "other"],
    applies: ({ ours, theirs }) =>
      ours["icmp.ext.data"] !== undefined ||
      (theirs["icmp.ext.ctype"] ?? []).length > (ours["icmp.ext.class"] ?? []).length,
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
  {
    name: "undecodedProtocol",
    reason:
      "Protocols other than ICMP, UDP and TCP, in packets and quotes: tunnels (IP in IP, GRE), IPv6 extension headers behind an IPv4 header, and so on.",
    fields: ANY,
    relations: ["more"],
    applies: ({ theirs, ours }) =>
      [...(theirs["ip.proto"] ?? []), ...(ours["ip.proto"] ?? [])].some(
        (protocol) => !DECODED_PROTOCOLS.includes(Number(protocol)),
      ) ||
      nextHeaders(theirs).some(
        (next) => !DECODED_PROTOCOLS.includes(next) && !IPV6_EXTENSIONS.includes(next),
      ),
  },
  {
    name: "cutTcpQuote",
    reason:
      "A quoted TCP header that is cut short, or whose length field is below 20 or beyond the quote: ports and sequence number are all that we tell.",
    fields: /^tcp\./,
    relations: ["more"],
    applies: ({ bytes, ours, theirs }) => {
      const length = Number(theirs["tcp.hdr_len"]?.[0] ?? 0);
      return (
        ours["tcp.hdr_len"] === undefined &&
        (length < TCP_HEADER_LENGTH || length > roomOfQuotedTransport(bytes))
      );
    },
  },
  {
    name: "noTransport",
    reason:
      "A packet too short for the header of its protocol, or a TCP header length that is impossible: we refuse it, tshark shows the beginning.",
    fields: ANY,
    relations: ["more", "less"],
    errors: /^Cannot decode (TCP header|UDP header|ICMPv[46] message|quot)/i,
    applies: ({ bytes, error }) => {
      const { protocol, length, tcpLength } = bytesAfterIp(bytes);
      if (/quot/i.test(error ?? "")) return true;
      if (protocol === 6)
        return length < TCP_HEADER_LENGTH || tcpLength < TCP_HEADER_LENGTH || tcpLength > length;
      return (
        length <
        (protocol === 17 ? UDP_HEADER_LENGTH : protocol === 58 ? LONGEST_ICMP_HEADER : ICMP_TIMESTAMP_LENGTH)
      );
    },
  },
  {
    name: "checksumNotation",
    reason:
      "A fragment that is the whole packet (RFC 6946), or a segment routing header with no segments left: tshark verifies the checksum, " +
      "our comparison, as if more were to come, does not or with another address.",
    fields: /^icmpv6\.checksum\.status$/,
    relations: ["other"],
    applies: ({ ours }) =>
      (ours["ipv6.fraghdr.offset"]?.[0] === "0" && ours["ipv6.fraghdr.more"]?.[0] === "0") ||
      ours["ipv6.routing.segleft"]?.[0] === "0",
  },
  {
    name: "tcpInRedirect",
    reason:
      "TCP quoted in an ICMPv4 redirect: tshark shows the first 8 bytes, we show the header if all of it is there.",
    fields: /^tcp\./,
    relations: ["less"],
    applies: ({ bytes }) => {
      const { protocol, type } = bytesAfterIp(bytes);
      return protocol === 1 && type === 5;
    },
  },
  {
    name: "udpLengthBelowHeader",
    reason: "A UDP length below 8 or beyond the packet: tshark ends the dissection there, we only show it.",
    fields: /^udp\./,
    relations: ["less"],
    applies: ({ ours, bytes }) =>
      (ours["udp.length"] ?? []).some(
        (length) => Number(length) < UDP_HEADER_LENGTH || Number(length) > bytes.length,
      ),
  },
];

/** How tshark's values of a field relate to ours; undefined when they are alike. */
export function relationOf(
  ours: readonly string[] = [],
  theirs: readonly string[] = [],
): Relation | undefined {
  if (Bun.deepEquals(ours, theirs)) return undefined;
  const [short, long] = ours.length < theirs.length ? [ours, theirs] : [theirs, ours];
  if (short.length === long.length || !isSubsequence(short, long)) return "other";
  return ours.length < theirs.length ? "more" : "less";
}

function isSubsequence(short: readonly string[], long: readonly string[]): boolean {
  let found = 0;
  for (const value of long) if (value === short[found]) found += 1;
  return found === short.length;
}

function saysTooShort({ bytes, ours, theirs }: Comparison): boolean {
  const shown = Object.keys(ours).length > 0 ? ours : theirs;
  const header = bytesAfterIp(bytes);
  if (header.claimed < bytes.length) return true;
  // In a quote, below its own headers and the shortest of the transport.
  const quotedV4 = (shown["ip.len"] ?? []).slice(header.version === 4 ? 1 : 0);
  const quotedV6 = (shown["ipv6.plen"] ?? []).slice(header.version === 6 ? 1 : 0);
  const lengths = (shown["ip.hdr_len"] ?? []).slice(header.version === 4 ? 1 : 0);
  return (
    quotedV4.some((total, index) => Number(total) < Number(lengths[index] ?? 0) + minimum(shown)) ||
    quotedV6.some((payload) => Number(payload) < minimum(shown))
  );
}

function minimum(shown: Dissection): number {
  return shown["tcp.srcport"] === undefined
    ? ICMP_HEADER_LENGTH
    : Number(shown["tcp.hdr_len"]?.[0] ?? TCP_HEADER_LENGTH);
}

function hasUnsoundStructure({ bytes }: Comparison): boolean {
  const { protocol, type, payload } = bytesAfterIp(bytes);
  const family = familyOfIcmp(protocol);
  if (family === undefined) return false;
  if (EXTENDED_ECHO_TYPES.includes(type)) return !isSoundStructure(payload.subarray(ICMP_HEADER_LENGTH));
  if (!isIn(SEARCHED_TYPES[family], type)) return false;
  const declared = declaredLength({ bytes });
  const places = declared > 0 ? [declared, LEGACY_OFFSET] : [LEGACY_OFFSET];
  return places.some((at) => !isSoundStructure(payload.subarray(ICMP_HEADER_LENGTH + at)));
}

/** In bytes. RFC 4884: byte 5 counts 32-bit words in ICMPv4, byte 4 counts 64-bit words in ICMPv6. */
function declaredLength({ bytes }: Pick<Comparison, "bytes">): number {
  const { protocol, type, payload } = bytesAfterIp(bytes);
  const family = familyOfIcmp(protocol);
  if (family === undefined || !isIn(EXTENDED_TYPES[family], type)) return 0;
  return family === 4 ? (payload[5] ?? 0) * 4 : (payload[4] ?? 0) * 8;
}

function familyOfIcmp(protocol: number): 4 | 6 | undefined {
  if (protocol === 1) return 4;
  return protocol === 58 ? 6 : undefined;
}

/** How many bytes of a quote there are behind its IP header. */
function roomOfQuotedTransport(bytes: Uint8Array): number {
  const { version, type, payload } = bytesAfterIp(bytes);
  if (version === 4) return payload.length - ICMP_HEADER_LENGTH - 20;
  if (type !== NEIGHBOR_REDIRECT) return payload.length - ICMP_HEADER_LENGTH - 40;
  // The redirected header option says how long it is (RFC 4861 section 4.6.3).
  const option = Math.min(payload.length - LONGEST_ICMP_HEADER, (payload[LONGEST_ICMP_HEADER + 1] ?? 0) * 8);
  return option - ICMP_HEADER_LENGTH - 40;
}

function nextHeaders(dissection: Dissection): number[] {
  return Object.entries(dissection)
    .filter(([field]) => field.startsWith("ipv6.") && field.endsWith("nxt"))
    .flatMap(([, values]) => values.map(Number));
}

function lastNextHeader(dissection: Dissection): number | undefined {
  const order = ["ipv6.nxt", "ipv6.hopopts.nxt", "ipv6.dstopts.nxt", "ipv6.routing.nxt", "ipv6.fraghdr.nxt"];
  return order
    .map((field) => Number(dissection[field]?.at(-1) ?? Number.NaN))
    .findLast((next) => !Number.isNaN(next));
}

function occurrences(dissection: Dissection, ...fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + (dissection[field]?.length ?? 0), 0);
}

function isIn(list: readonly number[], value: number): boolean {
  return list.includes(value);
}
