import type { Dissection } from "../fixtures/tshark.ts";
import { ANY, type Comparison, type Rule } from "./dissection-rule.ts";
import {
  bytesAfterIp,
  familyOfIcmp,
  hasBadSourceRoutePointer,
  hasSoundIpv4Options,
  hasSoundIpv6Options,
  hasSoundRoutingHeaders,
} from "./soundness.ts";

const IPV4_OPTIONS = /^ip\.(opt\.|rec_rt|empty_rt|cur_rt|src_rt|dst$)/;
/** IPv4 and IPv6 options whose content we decode, or that have none. */
const DECODED_OPTIONS: Readonly<Record<4 | 6, readonly number[]>> = {
  4: [0, 1, 7, 68, 131, 137, 148],
  6: [0, 1, 5],
};
const IPV6_EXTENSIONS = [0, 43, 44, 51, 60, 135, 139, 140];
const TCP_HEADER_LENGTH = 20;
const ICMP_HEADER_LENGTH = 8;

/** Differences over IP headers, and options and extension headers. */
export const IP_RULES: readonly Rule[] = [
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
        (occurrences(theirs, "ip.ttl", "ipv6.hlim") <= 1 ||
          version !== quoted ||
          error.includes(": need "))
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
    relations: ["more", "less"],
    applies: ({ bytes }) => !hasSoundIpv4Options(bytes),
  },
  {
    name: "rareIpOptions",
    reason:
      "Options that we leave raw, e.g. quick start: tshark may not list the type of one that it does not know, or read on differently.",
    fields: /^(ip|ipv6)\.opt\./,
    relations: ["more", "less"],
    applies: ({ ours }) =>
      (ours["ip.opt.type"] ?? []).some((type) => !DECODED_OPTIONS[4].includes(Number(type))) ||
      (ours["ipv6.opt.type"] ?? []).some((type) => !DECODED_OPTIONS[6].includes(Number(type))),
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
    name: "sourceRoutePointer",
    reason:
      "A source route whose pointer is beyond its end (it has been followed) or between its slots: tshark no longer calls its last address the destination.",
    fields: /^ip\.(cur_rt|rec_rt|src_rt|dst)$/,
    relations: ["less", "other"],
    applies: ({ bytes }) => hasBadSourceRoutePointer(bytes),
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
    applies: ({ error, ours }) =>
      error !== undefined || IPV6_EXTENSIONS.includes(lastNextHeader(ours) ?? -1),
  },
];

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

function lastNextHeader(dissection: Dissection): number | undefined {
  const order = [
    "ipv6.nxt",
    "ipv6.hopopts.nxt",
    "ipv6.dstopts.nxt",
    "ipv6.routing.nxt",
    "ipv6.fraghdr.nxt",
  ];
  return order
    .map((field) => Number(dissection[field]?.at(-1) ?? Number.NaN))
    .findLast((next) => !Number.isNaN(next));
}

function occurrences(dissection: Dissection, ...fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + (dissection[field]?.length ?? 0), 0);
}
