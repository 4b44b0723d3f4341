import type { Family } from "./address.ts";
import { type ByteView, bytesOf, need, subview, viewOf } from "./bytes.ts";
import { decodeIpv4Header, type Ipv4Header } from "./ipv4.ts";
import {
  decodeQuotedIpv6Header,
  type Ipv6Header,
  isIpv6Extension,
  isLaterFragment,
} from "./ipv6.ts";
import { IpProtocol } from "./protocol.ts";
import { decodeTcpHeader, TCP_HEADER_LENGTH, type TcpHeader } from "./tcp.ts";
import { decodeUdpHeader, UDP_HEADER_LENGTH } from "./udp.ts";

const ICMP_CODE = 1;
const ICMP_CHECKSUM = 2;
const ICMP_IDENTIFIER = 4;
const ICMP_SEQUENCE = 6;
const TCP_SEQUENCE_NUMBER = 4;
const TCP_DATA_OFFSET = 12;

/**
 * Bytes that every quote holds after the inner IP header (RFC 792: "64 bits of the original data
 * datagram"). Conveniently all transports put what identifies a probe there.
 */
export const QUOTE_MIN_LENGTH = 8;

const LAYER = "quoted datagram";

/** A quoted ICMPv4 or ICMPv6 message. */
export interface QuotedIcmp {
  readonly kind: "icmp";
  /** Message type. */
  readonly type: number;
  /** Message code. */
  readonly code: number;
  /** Checksum; routers that translate addresses may not have restored it. */
  readonly checksum: number;
  /** Identifier, of messages that have one (echo, timestamp, ...); else whatever is there. */
  readonly identifier: number;
  /** Sequence number, of messages that have one; else whatever is there. */
  readonly sequence: number;
  /** What is quoted of the rest, RFC 4884 padding included. */
  readonly data: Uint8Array;
}

/** A quoted UDP datagram. */
export interface QuotedUdp {
  readonly kind: "udp";
  /** Source port. */
  readonly sourcePort: number;
  /** Destination port. */
  readonly destinationPort: number;
  /** Length of the datagram that was sent, header included. */
  readonly length: number;
  /** Checksum; routers that translate addresses may not have restored it. */
  readonly checksum: number;
  /** What is quoted of the rest, RFC 4884 padding included. */
  readonly data: Uint8Array;
}

/** A quoted TCP segment. */
export interface QuotedTcp {
  readonly kind: "tcp";
  /** Source port. */
  readonly sourcePort: number;
  /** Destination port. */
  readonly destinationPort: number;
  /** Sequence number. */
  readonly sequenceNumber: number;
  /** The whole TCP header, when all of it is quoted. */
  readonly header?: TcpHeader;
  /** What is quoted after the first 8 bytes, or after `header` when there is one. */
  readonly data: Uint8Array;
}

/**
 * Another protocol, a fragment without its transport header, or an IPv6 header chain that the quote
 * cuts off.
 */
export interface QuotedRaw {
  readonly kind: "raw";
  /** The bytes after the headers that did decode. */
  readonly bytes: Uint8Array;
}

/**
 * What an ICMP error says about the packet that caused it. Byte fields are views, valid until the
 * buffer is reused.
 */
export interface Quote {
  /**
   * The inner IP header. Of its lengths and checksum nothing is verified: routers rewrite and
   * garble them.
   */
  readonly header: Ipv4Header | Ipv6Header;
  /** Source of the original packet, canonical text. */
  readonly source: string;
  /** Destination of the original packet, canonical text. */
  readonly destination: string;
  /** TTL or hop limit the original packet had left when it was dropped: normally 1 or 0. */
  readonly ttl: number;
  /** Protocol number of `transport`. */
  readonly protocol: number;
  /** The beginning of the transport's packet, a union on `kind`. */
  readonly transport: QuotedIcmp | QuotedUdp | QuotedTcp | QuotedRaw;
  /**
   * Whether the inner header claims more bytes than are quoted. A hint: that claim is not to be
   * trusted.
   */
  readonly truncated: boolean;
}

/**
 * Decodes the datagram quoted in an ICMP error, `originalDatagram` of the message, as leniently as
 * identity allows: the inner IP header (with options or extension headers) and 8 bytes after it are
 * enough.
 *
 * @param family The family of the error message, and so of what it quotes.
 * @throws PacketError when even that is not there, or the version is not `family`.
 */
export function decodeQuote(bytes: ByteView, family: Family): Quote {
  const view = viewOf(bytes);
  const header = family === 4 ? decodeIpv4Header(view) : decodeQuotedIpv6Header(view);
  const claimed = header.version === 4 ? header.totalLength : 40 + header.payloadLength;
  const cut = header.version === 6 && isIpv6Extension(header.protocol);
  const rest = subview(view, header.headerLength);
  // The chain of an IPv6 packet may fill the whole quote; the 8 bytes then are those of the cut
  // header.
  if (!(header.version === 6 && header.extensionHeaders.length > 0))
    need(rest, QUOTE_MIN_LENGTH, LAYER);
  const fragment = header.version === 4 ? header.fragmentOffset !== 0 : isLaterFragment(header);
  return {
    header,
    source: header.source,
    destination: header.destination,
    ttl: header.ttl,
    protocol: header.protocol,
    transport:
      cut || fragment || rest.byteLength < QUOTE_MIN_LENGTH
        ? { kind: "raw", bytes: bytesOf(rest) }
        : decodeTransport(rest, header.protocol, family),
    truncated: claimed > view.byteLength,
  };
}

function decodeTransport(view: DataView, protocol: number, family: Family): Quote["transport"] {
  if (protocol === (family === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6)) {
    return {
      kind: "icmp",
      type: view.getUint8(0),
      code: view.getUint8(ICMP_CODE),
      checksum: view.getUint16(ICMP_CHECKSUM),
      identifier: view.getUint16(ICMP_IDENTIFIER),
      sequence: view.getUint16(ICMP_SEQUENCE),
      data: bytesOf(view, QUOTE_MIN_LENGTH),
    };
  }
  if (protocol === IpProtocol.Udp) {
    return { kind: "udp", ...decodeUdpHeader(view), data: bytesOf(view, UDP_HEADER_LENGTH) };
  }
  if (protocol === IpProtocol.Tcp) return decodeQuotedTcp(view);
  return { kind: "raw", bytes: bytesOf(view) };
}

function decodeQuotedTcp(view: DataView): QuotedTcp {
  const ports = { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2) };
  const sequenceNumber = view.getUint32(TCP_SEQUENCE_NUMBER);
  const length = view.byteLength > TCP_DATA_OFFSET ? (view.getUint8(TCP_DATA_OFFSET) >> 4) * 4 : 0;
  if (length < TCP_HEADER_LENGTH || length > view.byteLength) {
    return { kind: "tcp", ...ports, sequenceNumber, data: bytesOf(view, QUOTE_MIN_LENGTH) };
  }
  const header = decodeTcpHeader(view);
  return { kind: "tcp", ...ports, sequenceNumber, header, data: bytesOf(view, length) };
}
