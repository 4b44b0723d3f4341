import type { Dissection } from "../fixtures/tshark.ts";
import { ANY, type Rule } from "./dissection-rule.ts";
import { bytesAfterIp } from "./soundness.ts";

const DECODED_PROTOCOLS = [1, 6, 17, 58];
const IPV6_EXTENSIONS = [0, 43, 44, 51, 60, 135, 139, 140];
const TCP_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;
const ICMP_HEADER_LENGTH = 8;
const ICMP_TIMESTAMP_LENGTH = 20;
const NEIGHBOR_REDIRECT = 137;
/** That of an ICMPv6 redirect, with two addresses. */
const LONGEST_ICMP_HEADER = 40;

/** Differences over what IP carries: headers too short, protocols that we do not follow. */
export const TRANSPORT_RULES: readonly Rule[] = [
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
        (protocol === 17
          ? UDP_HEADER_LENGTH
          : protocol === 58
            ? LONGEST_ICMP_HEADER
            : ICMP_TIMESTAMP_LENGTH)
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
    reason:
      "A UDP length below 8 or beyond the packet: tshark ends the dissection there, we only show it.",
    fields: /^udp\./,
    relations: ["less"],
    applies: ({ ours, bytes }) =>
      (ours["udp.length"] ?? []).some(
        (length) => Number(length) < UDP_HEADER_LENGTH || Number(length) > bytes.length,
      ),
  },
];

/** How many bytes of a quote there are behind its IP header. */
function roomOfQuotedTransport(bytes: Uint8Array): number {
  const { version, type, payload } = bytesAfterIp(bytes);
  if (version === 4) return payload.length - ICMP_HEADER_LENGTH - 20;
  if (type !== NEIGHBOR_REDIRECT) return payload.length - ICMP_HEADER_LENGTH - 40;
  // The redirected header option says how long it is (RFC 4861 section 4.6.3).
  const option = Math.min(
    payload.length - LONGEST_ICMP_HEADER,
    (payload[LONGEST_ICMP_HEADER + 1] ?? 0) * 8,
  );
  return option - ICMP_HEADER_LENGTH - 40;
}

function nextHeaders(dissection: Dissection): number[] {
  return Object.entries(dissection)
    .filter(([field]) => field.startsWith("ipv6.") && field.endsWith("nxt"))
    .flatMap(([, values]) => values.map(Number));
}
