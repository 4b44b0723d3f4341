/**
 * Pure codecs for IPv4, IPv6, UDP, TCP, ICMPv4 and ICMPv6: bytes to plain objects and back, on any
 * platform.
 *
 * @example
 * ```ts
 * import { decodeIcmpv4, encodeIcmpv4, verifyChecksum } from "icmpx/packet";
 *
 * const buffer = new Uint8Array(64);
 * const data = new TextEncoder().encode("hello");
 * const length = encodeIcmpv4({ kind: "echoRequest", identifier: 1, sequence: 7, data }, buffer);
 *
 * const packet = buffer.subarray(0, length);
 * console.log(verifyChecksum(packet)); // true
 * const message = decodeIcmpv4(packet);
 * if (message.kind === "echoRequest") console.log(message.sequence); // 7
 * ```
 *
 * What was decoded comes back the same when it is encoded and decoded again. Exceptions: a quote
 * with extensions behind it is padded with zeros as RFC 4884 demands; a checksum is computed unless
 * `checksum: "keep"` asks for the value's own, and that of an ICMPv6 message is zero without
 * addresses. Not kept are bits that no RFC has given a meaning, padding in names, the bytes behind
 * a message of fixed length, and what `malformed` says was not decoded.
 *
 * @module
 */
export { PacketError } from "../errors.ts";
export {
  addressFamily,
  canonicalAddress,
  type Family,
  formatAddress,
  formatPrefix,
  IPV4_ADDRESS_LENGTH,
  IPV6_ADDRESS_LENGTH,
  type IpAddress,
  type IpPrefix,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  parseAddress,
  parsePrefix,
  prefixContains,
} from "./address.ts";
export {
  type AddressRange,
  type AddressRangeOptions,
  addressesOf,
  addressRangeContains,
  addressRangeSize,
  formatAddressRange,
  type Ipv4Range,
  type Ipv6Range,
  parseAddressRange,
} from "./address-range.ts";
export type { ByteView } from "./bytes.ts";
export {
  type ChecksumOptions,
  checksumSum,
  internetChecksum,
  ipv4PseudoHeaderSum,
  ipv6PseudoHeaderSum,
  type PseudoHeader,
  pseudoHeaderSum,
  updateChecksum,
  verifyChecksum,
} from "./checksum.ts";
export {
  ExtensionClass,
  type ExtensionObject,
  type ExtensionObjectBase,
  type ExtensionObjectFields,
  type InterfaceIdentificationObject,
  type InterfaceInformationObject,
  type InterfaceRole,
  MPLS_MAX_LABELS,
  type MplsLabel,
  type MplsObject,
  type RawExtensionObject,
} from "./extension-objects.ts";
export {
  decodeExtensions,
  EXTENSION_MAX_OBJECTS,
  type ExtensionStructure,
  encodeExtensions,
  extensionsLength,
  ORIGINAL_DATAGRAM_MIN_LENGTH,
} from "./extensions.ts";
export { escapeText, formatPacket, formatQuote } from "./format.ts";
export type {
  Encodable,
  EncodableOmission,
  IcmpEchoReply,
  IcmpEchoRequest,
  IcmpExtended,
  IcmpExtendedEchoReply,
  IcmpExtendedEchoRequest,
  IcmpHeader,
  IcmpQuoting,
  IcmpRaw,
  IcmpTimeExceeded,
} from "./icmp-message.ts";
export {
  Icmpv4Type,
  Icmpv4UnreachableCode,
  Icmpv6Type,
  Icmpv6UnreachableCode,
  icmpCodeName,
  icmpTypeName,
  TimeExceededCode,
} from "./icmp-types.ts";
export {
  decodeIcmpv4,
  encodeIcmpv4,
  type Icmpv4DestinationUnreachable,
  type Icmpv4Fields,
  type Icmpv4Message,
  type Icmpv4ParameterProblem,
  type Icmpv4Redirect,
  type Icmpv4Timestamp,
  icmpv4Length,
} from "./icmpv4.ts";
export {
  decodeIcmpv6,
  encodeIcmpv6,
  type Icmpv6DestinationUnreachable,
  type Icmpv6Discovery,
  type Icmpv6Fields,
  type Icmpv6Message,
  type Icmpv6PacketTooBig,
  type Icmpv6ParameterProblem,
  type Icmpv6Redirect,
  icmpv6Length,
} from "./icmpv6.ts";
export {
  decodeIpv4Options,
  decodeIpv6Options,
  type Ipv4MarkerOption,
  type Ipv4Option,
  Ipv4OptionType,
  type Ipv4RouteOption,
  type Ipv4TimestampEntry,
  type Ipv4TimestampOption,
  type Ipv6Option,
  Ipv6OptionType,
  type Ipv6PaddingOption,
  type RouterAlertOption,
  type UnknownOption,
} from "./ip-options.ts";
export {
  decodeIpv4Header,
  encodeIpv4Header,
  IPV4_HEADER_LENGTH,
  IPV4_MAX_HEADER_LENGTH,
  type Ipv4Header,
  type Ipv4HeaderFields,
  ipv4HeaderLength,
} from "./ipv4.ts";
export {
  decodeIpv6Header,
  encodeIpv6Header,
  IPV6_HEADER_LENGTH,
  IPV6_MAX_EXTENSION_HEADERS,
  type Ipv6AuthenticationHeader,
  type Ipv6ExtensionBase,
  type Ipv6ExtensionHeader,
  type Ipv6FragmentHeader,
  type Ipv6Header,
  type Ipv6HeaderFields,
  type Ipv6OptionsHeader,
  type Ipv6RoutingHeader,
  ipv6HeaderLength,
} from "./ipv6.ts";
export { IpProtocol } from "./protocol.ts";
export {
  decodeQuote,
  QUOTE_MIN_LENGTH,
  type Quote,
  type QuotedIcmp,
  type QuotedRaw,
  type QuotedTcp,
  type QuotedUdp,
} from "./quote.ts";
export {
  decodeTcpHeader,
  encodeTcpHeader,
  TCP_HEADER_LENGTH,
  TCP_MAX_HEADER_LENGTH,
  TcpFlag,
  type TcpHeader,
  type TcpHeaderFields,
  tcpChecksum,
  tcpHeaderLength,
} from "./tcp.ts";
export {
  decodeUdpHeader,
  encodeUdpHeader,
  UDP_HEADER_LENGTH,
  type UdpHeader,
  udpChecksum,
} from "./udp.ts";
