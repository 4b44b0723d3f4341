import { bytesOf, need, put8, put16, putBytes, subview, unsigned } from "./bytes.ts";
import {
  encodeExtensions,
  extensionsLength,
  leadingExtensionsLength,
  tryExtensions,
} from "./extensions.ts";
import type {
  Encodable,
  IcmpEchoReply,
  IcmpEchoRequest,
  IcmpExtendedEchoReply,
  IcmpExtendedEchoRequest,
  IcmpHeader,
} from "./icmp-message.ts";

// What ICMPv4 and ICMPv6 have in common, field for field. Offsets from the start of the message.
const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const EXTENDED_SEQUENCE = 6;
const EXTENDED_FLAGS = 7;

const LOCAL = 0x01;
const ACTIVE = 0x04;
const RUNS_IPV4 = 0x02;
const RUNS_IPV6 = 0x01;

/** Where the body of a raw message begins: after type, code and checksum. */
export const ICMP_BODY = 4;

/** Length in bytes of the header that all messages but raw ones have. */
export const ICMP_HEADER_LENGTH = 8;

/** Decodes type, code and checksum. */
export function decodeIcmpHeader(view: DataView, layer: string): IcmpHeader {
  need(view, ICMP_BODY, layer);
  return {
    type: view.getUint8(TYPE),
    code: view.getUint8(CODE),
    checksum: view.getUint16(CHECKSUM),
  };
}

/** Encodes type, code and checksum. The caller has checked the room. */
export function encodeIcmpHeader(header: IcmpHeader, view: DataView, layer: string): void {
  put8(view, TYPE, header.type, layer);
  put8(view, CODE, header.code, layer);
  put16(view, CHECKSUM, header.checksum, layer);
}

/** Writes the checksum into an encoded message. */
export function putIcmpChecksum(view: DataView, checksum: number): void {
  view.setUint16(CHECKSUM, checksum);
}

/**
 * Decodes an echo request or reply, field by field: they are decoded once a probe, and spreading
 * costs more than reading.
 */
export function decodeEcho<Kind extends "echoRequest" | "echoReply">(
  kind: Kind,
  view: DataView,
  layer: string,
): IcmpHeader &
  Pick<IcmpEchoRequest, "identifier" | "sequence" | "data"> & { readonly kind: Kind } {
  need(view, ICMP_HEADER_LENGTH, layer);
  return {
    kind,
    type: view.getUint8(TYPE),
    code: view.getUint8(CODE),
    checksum: view.getUint16(CHECKSUM),
    identifier: view.getUint16(IDENTIFIER),
    sequence: view.getUint16(SEQUENCE),
    data: bytesOf(view, ICMP_HEADER_LENGTH),
  };
}

/** Encodes identifier, sequence and data of an echo message. The caller has checked the room. */
export function encodeEcho(
  message: Encodable<IcmpEchoRequest | IcmpEchoReply>,
  view: DataView,
  layer: string,
): void {
  put16(view, IDENTIFIER, message.identifier, layer);
  put16(view, SEQUENCE, message.sequence, layer);
  putBytes(view, ICMP_HEADER_LENGTH, message.data);
}

/** Decodes the fields of an extended echo request (RFC 8335 section 2). */
export function decodeExtendedEchoRequest(
  view: DataView,
  layer: string,
): Omit<IcmpExtendedEchoRequest, keyof IcmpHeader | "kind"> {
  need(view, ICMP_HEADER_LENGTH, layer);
  const rest = subview(view, ICMP_HEADER_LENGTH);
  const end = leadingExtensionsLength(rest) ?? rest.byteLength;
  const structure = tryExtensions(subview(rest, 0, end));
  return {
    identifier: view.getUint16(IDENTIFIER),
    sequence: view.getUint8(EXTENDED_SEQUENCE),
    local: (view.getUint8(EXTENDED_FLAGS) & LOCAL) !== 0,
    extensions: structure?.objects ?? [],
    data: structure ? bytesOf(rest, end) : bytesOf(rest),
  };
}

/** Encodes what {@link decodeExtendedEchoRequest} decodes. The caller has checked the room. */
export function encodeExtendedEchoRequest(
  message: Encodable<IcmpExtendedEchoRequest>,
  view: DataView,
  layer: string,
): void {
  put16(view, IDENTIFIER, message.identifier, layer);
  put8(view, EXTENDED_SEQUENCE, message.sequence, layer);
  view.setUint8(EXTENDED_FLAGS, message.local ? LOCAL : 0);
  const length = message.extensions?.length
    ? encodeExtensions(message.extensions, subview(view, ICMP_HEADER_LENGTH))
    : 0;
  putBytes(view, ICMP_HEADER_LENGTH + length, message.data);
}

/** Length in bytes of an extended echo request. */
export function extendedEchoRequestLength(message: Encodable<IcmpExtendedEchoRequest>): number {
  const extensions = message.extensions?.length ? extensionsLength(message.extensions) : 0;
  return ICMP_HEADER_LENGTH + extensions + message.data.length;
}

/** Decodes the fields of an extended echo reply (RFC 8335 section 3). */
export function decodeExtendedEchoReply(
  view: DataView,
  layer: string,
): Omit<IcmpExtendedEchoReply, keyof IcmpHeader | "kind"> {
  need(view, ICMP_HEADER_LENGTH, layer);
  const flags = view.getUint8(EXTENDED_FLAGS);
  return {
    identifier: view.getUint16(IDENTIFIER),
    sequence: view.getUint8(EXTENDED_SEQUENCE),
    state: flags >> 5,
    active: (flags & ACTIVE) !== 0,
    ipv4: (flags & RUNS_IPV4) !== 0,
    ipv6: (flags & RUNS_IPV6) !== 0,
    data: bytesOf(view, ICMP_HEADER_LENGTH),
  };
}

/** Encodes what {@link decodeExtendedEchoReply} decodes. The caller has checked the room. */
export function encodeExtendedEchoReply(
  message: Encodable<IcmpExtendedEchoReply>,
  view: DataView,
  layer: string,
): void {
  put16(view, IDENTIFIER, message.identifier, layer);
  put8(view, EXTENDED_SEQUENCE, message.sequence, layer);
  const flags =
    (unsigned(message.state, 3, layer, EXTENDED_FLAGS) << 5) |
    (message.active ? ACTIVE : 0) |
    (message.ipv4 ? RUNS_IPV4 : 0) |
    (message.ipv6 ? RUNS_IPV6 : 0);
  view.setUint8(EXTENDED_FLAGS, flags);
  putBytes(view, ICMP_HEADER_LENGTH, message.data);
}
