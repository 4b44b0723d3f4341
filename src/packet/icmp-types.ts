import type { Family } from "./address.ts";

/** ICMPv4 message types (IANA icmp-parameters, 2024-09; RFC 792 and others). */
export const Icmpv4Type = {
  EchoReply: 0,
  DestinationUnreachable: 3,
  SourceQuench: 4,
  Redirect: 5,
  EchoRequest: 8,
  RouterAdvertisement: 9,
  RouterSolicitation: 10,
  TimeExceeded: 11,
  ParameterProblem: 12,
  TimestampRequest: 13,
  TimestampReply: 14,
  InformationRequest: 15,
  InformationReply: 16,
  AddressMaskRequest: 17,
  AddressMaskReply: 18,
  Traceroute: 30,
  Photuris: 40,
  ExtendedEchoRequest: 42,
  ExtendedEchoReply: 43,
} as const;

/** ICMPv6 message types (IANA icmpv6-parameters, 2024-09; RFC 4443, RFC 4861 and others). */
export const Icmpv6Type = {
  DestinationUnreachable: 1,
  PacketTooBig: 2,
  TimeExceeded: 3,
  ParameterProblem: 4,
  EchoRequest: 128,
  EchoReply: 129,
  MldQuery: 130,
  MldReport: 131,
  MldDone: 132,
  RouterSolicitation: 133,
  RouterAdvertisement: 134,
  NeighborSolicitation: 135,
  NeighborAdvertisement: 136,
  Redirect: 137,
  RouterRenumbering: 138,
  NodeInformationQuery: 139,
  NodeInformationResponse: 140,
  Mldv2Report: 143,
  RplControl: 155,
  ExtendedEchoRequest: 160,
  ExtendedEchoReply: 161,
} as const;

/**
 * Codes of ICMPv4 destination unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section
 * 5.2.7.1).
 */
export const Icmpv4UnreachableCode = {
  Network: 0,
  Host: 1,
  Protocol: 2,
  Port: 3,
  FragmentationNeeded: 4,
  SourceRouteFailed: 5,
  NetworkUnknown: 6,
  HostUnknown: 7,
  SourceHostIsolated: 8,
  NetworkProhibited: 9,
  HostProhibited: 10,
  NetworkForTypeOfService: 11,
  HostForTypeOfService: 12,
  CommunicationProhibited: 13,
  HostPrecedenceViolation: 14,
  PrecedenceCutoff: 15,
} as const;

/** Codes of ICMPv6 destination unreachable (RFC 4443 section 3.1). */
export const Icmpv6UnreachableCode = {
  NoRoute: 0,
  AdministrativelyProhibited: 1,
  BeyondScope: 2,
  Address: 3,
  Port: 4,
  SourcePolicy: 5,
  RejectRoute: 6,
  SourceRoutingHeader: 7,
  HeadersTooLong: 8,
} as const;

/** Codes of time exceeded, the same for ICMPv4 and ICMPv6. */
export const TimeExceededCode = { Transit: 0, Reassembly: 1 } as const;

type Names = Readonly<Record<number, string>>;

const V4_TYPES: Names = {
  0: "echo reply",
  3: "destination unreachable",
  4: "source quench",
  5: "redirect",
  6: "alternate host address",
  8: "echo request",
  9: "router advertisement",
  10: "router solicitation",
  11: "time exceeded",
  12: "parameter problem",
  13: "timestamp request",
  14: "timestamp reply",
  15: "information request",
  16: "information reply",
  17: "address mask request",
  18: "address mask reply",
  30: "traceroute",
  31: "datagram conversion error",
  32: "mobile host redirect",
  33: "where-are-you",
  34: "i-am-here",
  35: "mobile registration request",
  36: "mobile registration reply",
  37: "domain name request",
  38: "domain name reply",
  39: "SKIP",
  40: "photuris",
  41: "experimental mobility",
  42: "extended echo request",
  43: "extended echo reply",
  253: "experiment 1",
  254: "experiment 2",
};

const V6_TYPES: Names = {
  1: "destination unreachable",
  2: "packet too big",
  3: "time exceeded",
  4: "parameter problem",
  100: "private experimentation",
  101: "private experimentation",
  128: "echo request",
  129: "echo reply",
  130: "multicast listener query",
  131: "multicast listener report",
  132: "multicast listener done",
  133: "router solicitation",
  134: "router advertisement",
  135: "neighbor solicitation",
  136: "neighbor advertisement",
  137: "redirect",
  138: "router renumbering",
  139: "node information query",
  140: "node information response",
  141: "inverse neighbor discovery solicitation",
  142: "inverse neighbor discovery advertisement",
  143: "multicast listener report v2",
  144: "home agent address discovery request",
  145: "home agent address discovery reply",
  146: "mobile prefix solicitation",
  147: "mobile prefix advertisement",
  148: "certification path solicitation",
  149: "certification path advertisement",
  151: "multicast router advertisement",
  152: "multicast router solicitation",
  153: "multicast router termination",
  154: "FMIPv6",
  155: "RPL control",
  156: "ILNPv6 locator update",
  157: "duplicate address request",
  158: "duplicate address confirmation",
  159: "MPL control",
  160: "extended echo request",
  161: "extended echo reply",
  200: "private experimentation",
  201: "private experimentation",
};

const TIME_EXCEEDED: Names = { 0: "in transit", 1: "fragment reassembly" };
const EXTENDED_ECHO_REPLY: Names = {
  0: "no error",
  1: "malformed query",
  2: "no such interface",
  3: "no such table entry",
  4: "multiple interfaces satisfy query",
};

const V4_CODES: Readonly<Record<number, Names>> = {
  3: {
    0: "net unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "fragmentation needed",
    5: "source route failed",
    6: "net unknown",
    7: "host unknown",
    8: "source host isolated",
    9: "net administratively prohibited",
    10: "host administratively prohibited",
    11: "net unreachable for type of service",
    12: "host unreachable for type of service",
    13: "communication administratively prohibited",
    14: "host precedence violation",
    15: "precedence cutoff in effect",
  },
  5: { 0: "net", 1: "host", 2: "type of service and net", 3: "type of service and host" },
  9: { 0: "normal", 16: "does not route common traffic" },
  11: TIME_EXCEEDED,
  12: { 0: "pointer indicates the error", 1: "missing a required option", 2: "bad length" },
  40: {
    0: "bad SPI",
    1: "authentication failed",
    2: "decompression failed",
    3: "decryption failed",
    4: "need authentication",
    5: "need authorization",
  },
  43: EXTENDED_ECHO_REPLY,
};

const V6_CODES: Readonly<Record<number, Names>> = {
  1: {
    0: "no route",
    1: "administratively prohibited",
    2: "beyond scope of source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed policy",
    6: "reject route",
    7: "error in source routing header",
    8: "headers too long",
  },
  3: TIME_EXCEEDED,
  4: {
    0: "erroneous header field",
    1: "unrecognized next header",
    2: "unrecognized option",
    3: "incomplete header chain in first fragment",
    4: "SR upper-layer header error",
    5: "unrecognized next header at intermediate node",
    6: "extension header too big",
    7: "extension header chain too long",
    8: "too many extension headers",
    9: "too many options in extension header",
    10: "option too big",
  },
  138: { 0: "command", 1: "result", 255: "sequence number reset" },
  139: { 0: "IPv6 address", 1: "name", 2: "IPv4 address" },
  140: { 0: "success", 1: "refused", 2: "unknown query" },
  157: { 0: "no EUI-64 suffix" },
  161: EXTENDED_ECHO_REPLY,
};

/**
 * The name of an ICMP message type, lower case: `"time exceeded"`; `"type 99"` for one without a
 * name.
 */
export function icmpTypeName(family: Family, type: number): string {
  return (family === 4 ? V4_TYPES : V6_TYPES)[type] ?? `type ${type}`;
}

/**
 * The name of a code of an ICMP message type, lower case: `"port unreachable"`; `"code 99"` for one
 * without a name.
 */
export function icmpCodeName(family: Family, type: number, code: number): string {
  return (family === 4 ? V4_CODES : V6_CODES)[type]?.[code] ?? `code ${code}`;
}
