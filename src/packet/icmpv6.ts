import { readAddress, wireAddress } from "./address.ts";
import {
  type ByteView,
  bytesOf,
  need,
  put8,
  put32,
  putBytes,
  putZeros,
  room,
  subview,
  viewOf,
} from "./bytes.ts";
import { internetChecksum, ipv6PseudoHeaderSum, type PseudoHeader } from "./checksum.ts";
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
import { Icmpv6Type } from "./icmp-types.ts";
import { IpProtocol } from "./protocol.ts";

const LENGTH = 4;
const MTU = 4;
const POINTER = 4;
const TARGET = 8;
const DESTINATION = 24;
const REDIRECT_OPTIONS = 40;

const LAYER = "ICMPv6 message";
/** RFC 4884 section 5.4: the length field counts 64-bit words. */
const LENGTH_UNIT = 8;

/** ICMPv6 destination unreachable (RFC 4443 section 3.1). */
export interface Icmpv6DestinationUnreachable extends IcmpHeader, IcmpExtended {
  readonly kind: "destinationUnreachable";
}

/** ICMPv6 packet too big (RFC 4443 section 3.2). */
export interface Icmpv6PacketTooBig extends IcmpHeader, IcmpQuoting {
  readonly kind: "packetTooBig";
  /** MTU of the next hop in bytes. */
  readonly mtu: number;
}

/** ICMPv6 parameter problem (RFC 4443 section 3.4). */
export interface Icmpv6ParameterProblem extends IcmpHeader, IcmpQuoting {
  readonly kind: "parameterProblem";
  /**
   * The byte of the original datagram in which the error is, 32 bits: it may lie beyond what is
   * quoted.
   */
  readonly pointer: number;
}

/** ICMPv6 redirect (RFC 4861 section 4.5): advice about a better first hop. It ends no probe. */
export interface Icmpv6Redirect extends IcmpHeader {
  readonly kind: "redirect";
  /** The better first hop, or the destination itself when that is a neighbour; canonical text. */
  readonly target: string;
  /** The address that is redirected, canonical text. */
  readonly destination: string;
  /** Raw neighbour discovery options (RFC 4861 section 4.6), valid until the buffer is reused. */
  readonly options: Uint8Array;
}

/**
 * A neighbour discovery (RFC 4861) or multicast listener discovery (RFC 2710, RFC 9777) message.
 */
export interface Icmpv6Discovery extends IcmpHeader {
  readonly kind:
    | "routerSolicitation"
    | "routerAdvertisement"
    | "neighborSolicitation"
    | "neighborAdvertisement"
    | "mldQuery"
    | "mldReport"
    | "mldDone"
    | "mldv2Report";
  /** The bytes after the checksum: a view of the message, valid until its buffer is reused. */
  readonly body: Uint8Array;
}

/** An ICMPv6 message, a union on `kind`. */
export type Icmpv6Message =
  | IcmpEchoRequest
  | IcmpEchoReply
  | Icmpv6DestinationUnreachable
  | Icmpv6PacketTooBig
  | IcmpTimeExceeded
  | Icmpv6ParameterProblem
  | Icmpv6Redirect
  | Icmpv6Discovery
  | IcmpExtendedEchoRequest
  | IcmpExtendedEchoReply
  | IcmpRaw;

/**
 * What {@link encodeIcmpv6} takes: any {@link Icmpv6Message}, or one without type, code (0) and
 * checksum.
 */
export type Icmpv6Fields = Encodable<Icmpv6Message>;

/**
 * Decodes the ICMPv6 message that fills `bytes` (RFC 4443, RFC 4861, RFC 4884, RFC 8335). Unknown
 * types are `kind: "raw"`. The checksum is not verified: `verifyChecksum` does that, with the
 * pseudo header's sum.
 *
 * @throws PacketError when `bytes` is shorter than the message's fixed part.
 */
export function decodeIcmpv6(bytes: ByteView): Icmpv6Message {
  const view = viewOf(bytes);
  const header = decodeIcmpHeader(view, LAYER);
  switch (header.type) {
    case Icmpv6Type.EchoRequest:
      return decodeEcho("echoRequest", view, LAYER);
    case Icmpv6Type.EchoReply:
      return decodeEcho("echoReply", view, LAYER);
    case Icmpv6Type.DestinationUnreachable:
      return { kind: "destinationUnreachable", ...header, ...decodeExtended(view) };
    case Icmpv6Type.TimeExceeded:
      return { kind: "timeExceeded", ...header, ...decodeExtended(view) };
    case Icmpv6Type.PacketTooBig:
      need(view, ICMP_HEADER_LENGTH, LAYER);
      return {
        kind: "packetTooBig",
        ...header,
        mtu: view.getUint32(MTU),
        originalDatagram: bytesOf(view, ICMP_HEADER_LENGTH),
      };
    case Icmpv6Type.ParameterProblem:
      need(view, ICMP_HEADER_LENGTH, LAYER);
      return {
        kind: "parameterProblem",
        ...header,
        pointer: view.getUint32(POINTER),
        originalDatagram: bytesOf(view, ICMP_HEADER_LENGTH),
      };
    case Icmpv6Type.Redirect:
      need(view, REDIRECT_OPTIONS, LAYER);
      return {
        kind: "redirect",
        ...header,
        target: readAddress(view, TARGET, 6),
        destination: readAddress(view, DESTINATION, 6),
        options: bytesOf(view, REDIRECT_OPTIONS),
      };
    case Icmpv6Type.ExtendedEchoRequest:
      return { kind: "extendedEchoRequest", ...header, ...decodeExtendedEchoRequest(view, LAYER) };
    case Icmpv6Type.ExtendedEchoReply:
      return { kind: "extendedEchoReply", ...header, ...decodeExtendedEchoReply(view, LAYER) };
    default: {
      const body = bytesOf(view, ICMP_BODY);
      const kind = DISCOVERY[header.type];
      return kind ? { kind, ...header, body } : { kind: "raw", ...header, body };
    }
  }
}

/**
 * Encodes an ICMPv6 message into `target`. The type follows from `kind` (except for `"raw"`), the
 * code defaults to 0. When there are extensions, the quoted packet is padded to 128 bytes and the
 * length field set (RFC 4884).
 *
 * @param pseudo The IPv6 addresses, which the checksum covers. Without them it is left zero: Linux
 *   fills it in on every ICMPv6 socket (RFC 3542 section 3.1).
 * @returns The number of bytes written.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeIcmpv6(
  message: Icmpv6Fields,
  target: ByteView,
  pseudo?: PseudoHeader,
): number {
  const view = viewOf(target);
  const length = icmpv6Length(message);
  room(view, length, LAYER);
  encodeIcmpHeader({ type: typeOf(message), code: message.code ?? 0, checksum: 0 }, view, LAYER);
  switch (message.kind) {
    case "echoRequest":
    case "echoReply":
      encodeEcho(message, view, LAYER);
      break;
    case "destinationUnreachable":
    case "timeExceeded":
      encodeExtended(message, view);
      break;
    case "packetTooBig":
      put32(view, MTU, message.mtu, LAYER);
      putBytes(view, ICMP_HEADER_LENGTH, message.originalDatagram);
      break;
    case "parameterProblem":
      put32(view, POINTER, message.pointer, LAYER);
      putBytes(view, ICMP_HEADER_LENGTH, message.originalDatagram);
      break;
    case "redirect":
      putZeros(view, ICMP_BODY, TARGET);
      putBytes(view, TARGET, wireAddress(message.target, 6, { layer: LAYER, offset: TARGET }));
      putBytes(
        view,
        DESTINATION,
        wireAddress(message.destination, 6, { layer: LAYER, offset: DESTINATION }),
      );
      putBytes(view, REDIRECT_OPTIONS, message.options);
      break;
    case "extendedEchoRequest":
      encodeExtendedEchoRequest(message, view, LAYER);
      break;
    case "extendedEchoReply":
      encodeExtendedEchoReply(message, view, LAYER);
      break;
    case "routerSolicitation":
    case "routerAdvertisement":
    case "neighborSolicitation":
    case "neighborAdvertisement":
    case "mldQuery":
    case "mldReport":
    case "mldDone":
    case "mldv2Report":
    case "raw":
      putBytes(view, ICMP_BODY, message.body);
      break;
    default:
      message satisfies never;
  }
  if (pseudo) {
    const sum = ipv6PseudoHeaderSum(pseudo, IpProtocol.Icmpv6, length);
    putIcmpChecksum(view, internetChecksum(subview(view, 0, length), sum));
  }
  return length;
}

/** Length in bytes of `message` once encoded. */
export function icmpv6Length(message: Icmpv6Fields): number {
  switch (message.kind) {
    case "echoRequest":
    case "echoReply":
    case "extendedEchoReply":
      return ICMP_HEADER_LENGTH + message.data.length;
    case "destinationUnreachable":
    case "timeExceeded":
      return ICMP_HEADER_LENGTH + originalDatagramLength(message, LENGTH_UNIT);
    case "packetTooBig":
    case "parameterProblem":
      return ICMP_HEADER_LENGTH + message.originalDatagram.length;
    case "redirect":
      return REDIRECT_OPTIONS + message.options.length;
    case "extendedEchoRequest":
      return extendedEchoRequestLength(message);
    case "routerSolicitation":
    case "routerAdvertisement":
    case "neighborSolicitation":
    case "neighborAdvertisement":
    case "mldQuery":
    case "mldReport":
    case "mldDone":
    case "mldv2Report":
    case "raw":
      return ICMP_BODY + message.body.length;
    default:
      return message satisfies never;
  }
}

const TYPES = {
  echoRequest: Icmpv6Type.EchoRequest,
  echoReply: Icmpv6Type.EchoReply,
  destinationUnreachable: Icmpv6Type.DestinationUnreachable,
  packetTooBig: Icmpv6Type.PacketTooBig,
  timeExceeded: Icmpv6Type.TimeExceeded,
  parameterProblem: Icmpv6Type.ParameterProblem,
  redirect: Icmpv6Type.Redirect,
  extendedEchoRequest: Icmpv6Type.ExtendedEchoRequest,
  extendedEchoReply: Icmpv6Type.ExtendedEchoReply,
  routerSolicitation: Icmpv6Type.RouterSolicitation,
  routerAdvertisement: Icmpv6Type.RouterAdvertisement,
  neighborSolicitation: Icmpv6Type.NeighborSolicitation,
  neighborAdvertisement: Icmpv6Type.NeighborAdvertisement,
  mldQuery: Icmpv6Type.MldQuery,
  mldReport: Icmpv6Type.MldReport,
  mldDone: Icmpv6Type.MldDone,
  mldv2Report: Icmpv6Type.Mldv2Report,
} as const;

const DISCOVERY: Readonly<Record<number, Icmpv6Discovery["kind"]>> = {
  [Icmpv6Type.RouterSolicitation]: "routerSolicitation",
  [Icmpv6Type.RouterAdvertisement]: "routerAdvertisement",
  [Icmpv6Type.NeighborSolicitation]: "neighborSolicitation",
  [Icmpv6Type.NeighborAdvertisement]: "neighborAdvertisement",
  [Icmpv6Type.MldQuery]: "mldQuery",
  [Icmpv6Type.MldReport]: "mldReport",
  [Icmpv6Type.MldDone]: "mldDone",
  [Icmpv6Type.Mldv2Report]: "mldv2Report",
};

function typeOf(message: Icmpv6Fields): number {
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
