import { readAddress, wireAddress } from "./address.ts";
import {
  type ByteView,
  bytesOf,
  need,
  put8,
  put16,
  put32,
  putBytes,
  putZeros,
  room,
  subview,
  viewOf,
} from "./bytes.ts";
import { type ChecksumOptions, internetChecksum } from "./checksum.ts";
import {
  declaredOriginalLength,
  type OriginalDatagramFields,
  originalDatagramLength,
  putOriginalDatagram,
  splitOriginalDatagram,
} from "./extensions.ts";
import {
  decodeEcho,
  decodeExtendedEchoReply,
  decodeExtendedEchoRequest,
  decodeIcmpHeader,
  encodeEcho,
  encodeExtendedEchoReply,
  encodeExtendedEchoRequest,
  encodeIcmpHeader,
  extendedEchoRequestLength,
  ICMP_BODY,
  ICMP_HEADER_LENGTH,
  putIcmpChecksum,
} from "./icmp-codec.ts";
import type {
  Encodable,
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
import { Icmpv4Type } from "./icmp-types.ts";

const POINTER = 4;
const LENGTH = 5;
const NEXT_HOP_MTU = 6;
const GATEWAY = 4;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const ORIGINATE = 8;
const RECEIVE = 12;
const TRANSMIT = 16;

const LAYER = "ICMPv4 message";
const TIMESTAMP_LENGTH = 20;
/** RFC 4884 section 5.1: the length field counts 32-bit words. */
const LENGTH_UNIT = 4;

/** ICMPv4 destination unreachable (RFC 792). */
export interface Icmpv4DestinationUnreachable extends IcmpHeader, IcmpExtended {
  readonly kind: "destinationUnreachable";
  /**
   * MTU of the next hop in bytes with code 4 (RFC 1191 section 4), 0 from old routers; normally 0
   * with other codes.
   */
  readonly nextHopMtu: number;
}

/** ICMPv4 parameter problem (RFC 792). */
export interface Icmpv4ParameterProblem extends IcmpHeader, IcmpExtended {
  readonly kind: "parameterProblem";
  /** With code 0, the byte of the original datagram in which the error is. */
  readonly pointer: number;
}

/** ICMPv4 redirect (RFC 792): advice about a better first hop. It ends no probe. */
export interface Icmpv4Redirect extends IcmpHeader, IcmpQuoting {
  readonly kind: "redirect";
  /** The router to use instead, canonical text. */
  readonly gateway: string;
}

/**
 * ICMPv4 timestamp request or reply (RFC 792). Times are milliseconds since midnight UT; the high
 * bit marks others.
 */
export interface Icmpv4Timestamp extends IcmpHeader {
  readonly kind: "timestampRequest" | "timestampReply";
  /** Tells apart who asked. */
  readonly identifier: number;
  /** Tells apart the questions of one asker. */
  readonly sequence: number;
  /** When the asker last touched the request. */
  readonly originate: number;
  /** When the answerer first touched the request. */
  readonly receive: number;
  /** When the answerer last touched the reply. */
  readonly transmit: number;
}

/** An ICMPv4 message, a union on `kind`. */
export type Icmpv4Message =
  | IcmpEchoRequest
  | IcmpEchoReply
  | Icmpv4DestinationUnreachable
  | IcmpTimeExceeded
  | Icmpv4ParameterProblem
  | Icmpv4Redirect
  | Icmpv4Timestamp
  | IcmpExtendedEchoRequest
  | IcmpExtendedEchoReply
  | IcmpRaw;

/**
 * What {@link encodeIcmpv4} takes: any {@link Icmpv4Message}, or one without type, code (0) and
 * checksum.
 */
export type Icmpv4Fields = Encodable<Icmpv4Message>;

/**
 * Decodes the ICMPv4 message that fills `bytes` (RFC 792, RFC 4884, RFC 8335). Types without fields
 * of their own, and unknown ones, are `kind: "raw"`. The checksum is not verified: `verifyChecksum`
 * does that.
 *
 * @throws PacketError when `bytes` is shorter than the message's fixed part.
 */
export function decodeIcmpv4(bytes: ByteView): Icmpv4Message {
  const view = viewOf(bytes);
  const header = decodeIcmpHeader(view, LAYER);
  switch (header.type) {
    case Icmpv4Type.EchoRequest:
      return decodeEcho("echoRequest", view, LAYER);
    case Icmpv4Type.EchoReply:
      return decodeEcho("echoReply", view, LAYER);
    case Icmpv4Type.DestinationUnreachable: {
      const quoting = decodeExtended(view);
      return {
        kind: "destinationUnreachable",
        ...header,
        nextHopMtu: view.getUint16(NEXT_HOP_MTU),
        ...quoting,
      };
    }
    case Icmpv4Type.TimeExceeded:
      return { kind: "timeExceeded", ...header, ...decodeExtended(view) };
    case Icmpv4Type.ParameterProblem: {
      const quoting = decodeExtended(view);
      return { kind: "parameterProblem", ...header, pointer: view.getUint8(POINTER), ...quoting };
    }
    case Icmpv4Type.Redirect:
      need(view, ICMP_HEADER_LENGTH, LAYER);
      return {
        kind: "redirect",
        ...header,
        gateway: readAddress(view, GATEWAY, 4),
        originalDatagram: bytesOf(view, ICMP_HEADER_LENGTH),
      };
    case Icmpv4Type.TimestampRequest:
      return { kind: "timestampRequest", ...header, ...decodeTimestamp(view) };
    case Icmpv4Type.TimestampReply:
      return { kind: "timestampReply", ...header, ...decodeTimestamp(view) };
    case Icmpv4Type.ExtendedEchoRequest:
      return { kind: "extendedEchoRequest", ...header, ...decodeExtendedEchoRequest(view, LAYER) };
    case Icmpv4Type.ExtendedEchoReply:
      return { kind: "extendedEchoReply", ...header, ...decodeExtendedEchoReply(view, LAYER) };
    default:
      return { kind: "raw", ...header, body: bytesOf(view, ICMP_BODY) };
  }
}

/**
 * Encodes an ICMPv4 message into `target`. The type follows from `kind` (except for `"raw"`), the
 * code defaults to 0. When there are extensions, the quoted packet is padded to 128 bytes and the
 * length field set (RFC 4884).
 *
 * @returns The number of bytes written.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeIcmpv4(
  message: Icmpv4Fields,
  target: ByteView,
  options: ChecksumOptions = {},
): number {
  const view = viewOf(target);
  const length = icmpv4Length(message);
  room(view, length, LAYER);
  const keep = options.checksum === "keep";
  encodeIcmpHeader(
    {
      type: typeOf(message),
      code: message.code ?? 0,
      checksum: keep ? (message.checksum ?? 0) : 0,
    },
    view,
    LAYER,
  );
  switch (message.kind) {
    case "echoRequest":
    case "echoReply":
      encodeEcho(message, view, LAYER);
      break;
    case "destinationUnreachable":
      encodeExtended(message, view);
      put16(view, NEXT_HOP_MTU, message.nextHopMtu, LAYER);
      break;
    case "timeExceeded":
      encodeExtended(message, view);
      break;
    case "parameterProblem":
      encodeExtended(message, view);
      put8(view, POINTER, message.pointer, LAYER);
      break;
    case "redirect":
      putBytes(view, GATEWAY, wireAddress(message.gateway, 4, { layer: LAYER, offset: GATEWAY }));
      putBytes(view, ICMP_HEADER_LENGTH, message.originalDatagram);
      break;
    case "timestampRequest":
    case "timestampReply":
      encodeTimestamp(message, view);
      break;
    case "extendedEchoRequest":
      encodeExtendedEchoRequest(message, view, LAYER);
      break;
    case "extendedEchoReply":
      encodeExtendedEchoReply(message, view, LAYER);
      break;
    case "raw":
      putBytes(view, ICMP_BODY, message.body);
      break;
    default:
      message satisfies never;
  }
  if (!keep) putIcmpChecksum(view, internetChecksum(subview(view, 0, length)));
  return length;
}

/** Length in bytes of `message` once encoded. */
export function icmpv4Length(message: Icmpv4Fields): number {
  switch (message.kind) {
    case "echoRequest":
    case "echoReply":
    case "extendedEchoReply":
      return ICMP_HEADER_LENGTH + message.data.length;
    case "destinationUnreachable":
    case "timeExceeded":
    case "parameterProblem":
      return ICMP_HEADER_LENGTH + originalDatagramLength(message, LENGTH_UNIT);
    case "redirect":
      return ICMP_HEADER_LENGTH + message.originalDatagram.length;
    case "timestampRequest":
    case "timestampReply":
      return TIMESTAMP_LENGTH;
    case "extendedEchoRequest":
      return extendedEchoRequestLength(message);
    case "raw":
      return ICMP_BODY + message.body.length;
    default:
      return message satisfies never;
  }
}

const TYPES = {
  echoRequest: Icmpv4Type.EchoRequest,
  echoReply: Icmpv4Type.EchoReply,
  destinationUnreachable: Icmpv4Type.DestinationUnreachable,
  timeExceeded: Icmpv4Type.TimeExceeded,
  parameterProblem: Icmpv4Type.ParameterProblem,
  redirect: Icmpv4Type.Redirect,
  timestampRequest: Icmpv4Type.TimestampRequest,
  timestampReply: Icmpv4Type.TimestampReply,
  extendedEchoRequest: Icmpv4Type.ExtendedEchoRequest,
  extendedEchoReply: Icmpv4Type.ExtendedEchoReply,
} as const;

function typeOf(message: Icmpv4Fields): number {
  return message.kind === "raw" ? message.type : TYPES[message.kind];
}

function decodeExtended(view: DataView): IcmpExtended {
  need(view, ICMP_HEADER_LENGTH, LAYER);
  return splitOriginalDatagram(
    subview(view, ICMP_HEADER_LENGTH),
    view.getUint8(LENGTH) * LENGTH_UNIT,
  );
}

function encodeExtended(message: OriginalDatagramFields, view: DataView): void {
  putZeros(view, ICMP_BODY, ICMP_HEADER_LENGTH);
  put8(view, LENGTH, declaredOriginalLength(message, LENGTH_UNIT), LAYER);
  putOriginalDatagram(view, ICMP_HEADER_LENGTH, { ...message, unit: LENGTH_UNIT });
}

function decodeTimestamp(view: DataView): Omit<Icmpv4Timestamp, keyof IcmpHeader | "kind"> {
  need(view, TIMESTAMP_LENGTH, LAYER);
  return {
    identifier: view.getUint16(IDENTIFIER),
    sequence: view.getUint16(SEQUENCE),
    originate: view.getUint32(ORIGINATE),
    receive: view.getUint32(RECEIVE),
    transmit: view.getUint32(TRANSMIT),
  };
}

function encodeTimestamp(message: Encodable<Icmpv4Timestamp>, view: DataView): void {
  put16(view, IDENTIFIER, message.identifier, LAYER);
  put16(view, SEQUENCE, message.sequence, LAYER);
  put32(view, ORIGINATE, message.originate, LAYER);
  put32(view, RECEIVE, message.receive, LAYER);
  put32(view, TRANSMIT, message.transmit, LAYER);
}
