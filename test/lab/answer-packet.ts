import type { Family } from "../../src/packet/address.ts";
import { internetChecksum, pseudoHeaderSum } from "../../src/packet/checksum.ts";
import { encodeExtensions, extensionsLength } from "../../src/packet/extensions.ts";
import { Icmpv4Type, Icmpv6Type } from "../../src/packet/icmp-types.ts";
import { encodeIpv4Header } from "../../src/packet/ipv4.ts";
import { encodeIpv6Header } from "../../src/packet/ipv6.ts";
import { IpProtocol } from "../../src/packet/protocol.ts";
import { encodeTcpHeader, TCP_HEADER_LENGTH, TcpFlag, tcpChecksum } from "../../src/packet/tcp.ts";
import { allocate, type ProbePacket, viewOf } from "./probe-packet.ts";
import type { Extensions } from "./scenario.ts";

const IP_HEADER_LENGTH = { 4: 20, 6: 40 } as const;
const ICMP_HEADER_LENGTH = 8;
const CHECKSUM = 2;
const TCP_SEQUENCE = 4;
const TCP_CHECKSUM = 16;

/** RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4: no error message is longer. */
const LONGEST_ERROR = { 4: 576, 6: 1280 } as const;
/** RFC 4884: where extensions begin at the earliest, and where old routers always put them. */
const EXTENSIONS_AT = 128;
/**
 * RFC 4884 sections 4.1 and 4.4: where the length of the quote stands, and in units of how many
 * bytes.
 */
const LENGTH_FIELD = { 4: { at: 5, unit: 4 }, 6: { at: 4, unit: 8 } } as const;

/** Who sends a packet to whom, and with which TTL it arrives. */
export interface Envelope {
  readonly family: Family;
  readonly from: string;
  readonly to: string;
  readonly ttl: number;
}

/** An ICMP error to encode. */
export interface ErrorFields {
  readonly type: number;
  readonly code: number;
  /** The four bytes after the checksum, e.g. the MTU of the next hop. Default 0. */
  readonly word?: number;
  /** The packet to quote: the whole. */
  readonly original: Uint8Array;
  /** How many bytes after its IP header to quote at most. */
  readonly quote?: number | undefined;
  readonly originalHeaderLength: number;
  readonly extensions?: Extensions | undefined;
}

/** An echo reply with these data, as an IP packet. */
export function echoReplyPacket(
  envelope: Envelope,
  { identifier, sequence }: Pick<ProbePacket, "identifier" | "sequence">,
  data: Uint8Array,
): Uint8Array {
  const message = allocate(ICMP_HEADER_LENGTH + data.length);
  const view = viewOf(message);
  view.setUint8(0, envelope.family === 4 ? Icmpv4Type.EchoReply : Icmpv6Type.EchoReply);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  message.set(data, ICMP_HEADER_LENGTH);
  return icmpPacket(envelope, message);
}

/** An ICMP error, as an IP packet. */
export function errorPacket(envelope: Envelope, fields: ErrorFields): Uint8Array {
  const { family } = envelope;
  const { extensions } = fields;
  const { quote, trailer, words } = splitBody(family, fields);
  const message = allocate(ICMP_HEADER_LENGTH + quote.length + trailer.length);
  const view = viewOf(message);
  view.setUint8(0, fields.type);
  view.setUint8(1, fields.code);
  view.setUint32(4, fields.word ?? 0);
  if (extensions?.form === "proper") view.setUint8(LENGTH_FIELD[family].at, words);
  message.set(quote, ICMP_HEADER_LENGTH);
  message.set(trailer, ICMP_HEADER_LENGTH + quote.length);
  return icmpPacket(envelope, message);
}

/** The reset with which a closed TCP port answers a SYN (RFC 9293 section 3.5.2). */
export function resetPacket(envelope: Envelope, syn: ProbePacket): Uint8Array {
  const segment = new Uint8Array(TCP_HEADER_LENGTH);
  const acknowledged = viewOf(syn.bytes).getUint32(syn.headerLength + TCP_SEQUENCE);
  encodeTcpHeader(
    {
      sourcePort: syn.sequence,
      destinationPort: syn.identifier,
      sequenceNumber: 0,
      acknowledgmentNumber: (acknowledged + 1) >>> 0,
      flags: TcpFlag.Rst | TcpFlag.Ack,
    },
    viewOf(segment),
  );
  const checksum = tcpChecksum(segment, { source: envelope.from, destination: envelope.to });
  viewOf(segment).setUint16(TCP_CHECKSUM, checksum);
  return ipPacket(envelope, IpProtocol.Tcp, segment);
}

/** Makes the ICMP checksum of a packet right, or wrong. */
export function finishChecksum(packet: Uint8Array, envelope: Envelope, right = true): void {
  const message = packet.subarray(IP_HEADER_LENGTH[envelope.family]);
  const view = viewOf(message);
  view.setUint16(CHECKSUM, 0);
  const pseudo =
    envelope.family === 4
      ? 0
      : pseudoHeaderSum(
          { source: envelope.from, destination: envelope.to },
          IpProtocol.Icmpv6,
          message.length,
        );
  view.setUint16(CHECKSUM, internetChecksum(message, pseudo) ^ (right ? 0 : 0x5555));
}

/** The quoted part, padded as the extensions want it, and the extensions. */
function splitBody(
  family: Family,
  { original, originalHeaderLength, quote, extensions }: ErrorFields,
) {
  const objects = extensions?.objects ?? [];
  const trailer = new Uint8Array(objects.length > 0 ? extensionsLength(objects) : 0);
  const room =
    LONGEST_ERROR[family] - IP_HEADER_LENGTH[family] - ICMP_HEADER_LENGTH - trailer.length;
  const length = Math.min(
    room,
    original.length,
    originalHeaderLength + (quote ?? Number.POSITIVE_INFINITY),
  );
  if (objects.length === 0 || extensions === undefined) {
    return { quote: original.subarray(0, length), trailer, words: 0 };
  }
  encodeExtensions(objects, viewOf(trailer));
  const { unit } = LENGTH_FIELD[family];
  const padded =
    extensions.form === "legacy"
      ? EXTENSIONS_AT
      : Math.max(EXTENSIONS_AT, Math.min(Math.ceil(length / unit), Math.floor(room / unit)) * unit);
  const part = new Uint8Array(padded);
  part.set(original.subarray(0, Math.min(length, padded)));
  return { quote: part, trailer, words: padded / unit };
}

function icmpPacket(envelope: Envelope, message: Uint8Array): Uint8Array {
  const packet = ipPacket(
    envelope,
    envelope.family === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6,
    message,
  );
  finishChecksum(packet, envelope);
  return packet;
}

function ipPacket(
  { family, from, to, ttl }: Envelope,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const headerLength = IP_HEADER_LENGTH[family];
  const packet = allocate(headerLength + payload.length);
  const addresses = { source: from, destination: to };
  if (family === 4) {
    encodeIpv4Header({ totalLength: packet.length, protocol, ttl, ...addresses }, viewOf(packet));
  } else {
    encodeIpv6Header(
      { payloadLength: payload.length, nextHeader: protocol, hopLimit: ttl, ...addresses },
      viewOf(packet),
    );
  }
  packet.set(payload, headerLength);
  return packet;
}
