import { PacketError } from "../errors.ts";
import { readAddress, wireAddress } from "./address.ts";
import {
  type ByteView,
  bytesOf,
  need,
  put8,
  put16,
  putBytes,
  putZeros,
  room,
  subview,
  unsigned,
  viewOf,
} from "./bytes.ts";
import { type ChecksumOptions, internetChecksum } from "./checksum.ts";

const VERSION_IHL = 0;
const TRAFFIC_CLASS = 1;
const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS_FRAGMENT = 6;
const TTL = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;
const OPTIONS = 20;

const LAYER = "IPv4 header";
const NO_OPTIONS = new Uint8Array(0);
const RESERVED_FLAG = 0x8000;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;

/** Length of an IPv4 header without options, in bytes. */
export const IPV4_HEADER_LENGTH = 20;

/** Length of the longest IPv4 header, in bytes. */
export const IPV4_MAX_HEADER_LENGTH = 60;

/** An IPv4 header (RFC 791 section 3.1). */
export interface Ipv4Header {
  /** Always 4. */
  readonly version: 4;
  /** Length of this header with its options, in bytes: 20 to 60. */
  readonly headerLength: number;
  /** Differentiated services code point, 0 to 63 (RFC 2474). */
  readonly dscp: number;
  /** Explicit congestion notification, 0 to 3 (RFC 3168). */
  readonly ecn: number;
  /**
   * Length of header and payload in bytes, as the packet says: not compared with the bytes at hand.
   */
  readonly totalLength: number;
  /** Identification, for reassembly. */
  readonly identification: number;
  /** The DF flag. */
  readonly dontFragment: boolean;
  /** The MF flag. */
  readonly moreFragments: boolean;
  /** The highest flag bit, which must be zero. */
  readonly reservedFlag: boolean;
  /** Where this fragment belongs in the datagram, in bytes: a multiple of 8. */
  readonly fragmentOffset: number;
  /** Time to live. */
  readonly ttl: number;
  /** IP protocol number of the payload. */
  readonly protocol: number;
  /** Header checksum as found: decoding does not verify it. */
  readonly checksum: number;
  /** Source address, canonical text. */
  readonly source: string;
  /** Destination address, canonical text. */
  readonly destination: string;
  /** The raw options with their padding: a view of the packet, valid until its buffer is reused. */
  readonly options: Uint8Array;
}

/**
 * What {@link encodeIpv4Header} needs; everything else has a default. Any {@link Ipv4Header} will
 * do.
 */
export type Ipv4HeaderFields = Pick<
  Ipv4Header,
  "totalLength" | "protocol" | "source" | "destination"
> &
  Partial<Ipv4Header>;

/**
 * Decodes the IPv4 header at the start of `bytes` (RFC 791).
 *
 * @throws PacketError when the version is not 4, or the header is shorter than 20 bytes or longer
 * than `bytes`.
 */
export function decodeIpv4Header(bytes: ByteView): Ipv4Header {
  const view = viewOf(bytes);
  need(view, IPV4_HEADER_LENGTH, LAYER);
  const first = view.getUint8(VERSION_IHL);
  if (first >> 4 !== 4) {
    throw new PacketError(`Cannot decode ${LAYER}: version is ${first >> 4}`, {
      layer: LAYER,
      offset: 0,
    });
  }
  const headerLength = (first & 0xf) * 4;
  if (headerLength < IPV4_HEADER_LENGTH) {
    throw new PacketError(`Cannot decode ${LAYER}: header length is ${headerLength} bytes`, {
      layer: LAYER,
      offset: VERSION_IHL,
    });
  }
  need(view, headerLength, LAYER);
  const trafficClass = view.getUint8(TRAFFIC_CLASS);
  const flags = view.getUint16(FLAGS_FRAGMENT);
  return {
    version: 4,
    headerLength,
    dscp: trafficClass >> 2,
    ecn: trafficClass & 3,
    totalLength: view.getUint16(TOTAL_LENGTH),
    identification: view.getUint16(IDENTIFICATION),
    dontFragment: (flags & DONT_FRAGMENT) !== 0,
    moreFragments: (flags & MORE_FRAGMENTS) !== 0,
    reservedFlag: (flags & RESERVED_FLAG) !== 0,
    fragmentOffset: (flags & 0x1fff) * 8,
    ttl: view.getUint8(TTL),
    protocol: view.getUint8(PROTOCOL),
    checksum: view.getUint16(CHECKSUM),
    source: readAddress(view, SOURCE, 4),
    destination: readAddress(view, DESTINATION, 4),
    // Nearly every header: a view of nothing would cost as much as three fields.
    options:
      headerLength === IPV4_HEADER_LENGTH ? NO_OPTIONS : bytesOf(view, OPTIONS, headerLength),
  };
}

/**
 * Encodes an IPv4 header into `target` (RFC 791). Defaults: TTL 64, everything else zero.
 * `headerLength` follows from the options, which are padded with zeros to a multiple of 4.
 *
 * @returns The number of bytes written.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeIpv4Header(
  header: Ipv4HeaderFields,
  target: ByteView,
  options: ChecksumOptions = {},
): number {
  const view = viewOf(target);
  const length = ipv4HeaderLength(header);
  room(view, length, LAYER);
  const { dscp = 0, ecn = 0, fragmentOffset = 0 } = header;
  if (length > IPV4_MAX_HEADER_LENGTH) {
    throw new PacketError(`Cannot encode ${LAYER}: options are longer than 40 bytes`, {
      layer: LAYER,
      offset: OPTIONS,
    });
  }
  const flags =
    (header.reservedFlag ? RESERVED_FLAG : 0) |
    (header.dontFragment ? DONT_FRAGMENT : 0) |
    (header.moreFragments ? MORE_FRAGMENTS : 0);
  view.setUint8(VERSION_IHL, 0x40 | (length / 4));
  view.setUint8(
    TRAFFIC_CLASS,
    (unsigned(dscp, 6, LAYER, TRAFFIC_CLASS) << 2) | unsigned(ecn, 2, LAYER, TRAFFIC_CLASS),
  );
  put16(view, TOTAL_LENGTH, header.totalLength, LAYER);
  put16(view, IDENTIFICATION, header.identification ?? 0, LAYER);
  view.setUint16(FLAGS_FRAGMENT, flags | unsigned(fragmentOffset / 8, 13, LAYER, FLAGS_FRAGMENT));
  put8(view, TTL, header.ttl ?? 64, LAYER);
  put8(view, PROTOCOL, header.protocol, LAYER);
  put16(view, CHECKSUM, options.checksum === "keep" ? (header.checksum ?? 0) : 0, LAYER);
  putBytes(view, SOURCE, wireAddress(header.source, 4, { layer: LAYER, offset: SOURCE }));
  putBytes(
    view,
    DESTINATION,
    wireAddress(header.destination, 4, { layer: LAYER, offset: DESTINATION }),
  );
  putZeros(view, OPTIONS, length);
  if (header.options) putBytes(view, OPTIONS, header.options);
  if (options.checksum !== "keep")
    view.setUint16(CHECKSUM, internetChecksum(subview(view, 0, length)));
  return length;
}

/** Length in bytes of `header` once encoded: 20 and its options, rounded up to a multiple of 4. */
export function ipv4HeaderLength(header: Pick<Ipv4HeaderFields, "options">): number {
  return IPV4_HEADER_LENGTH + Math.ceil((header.options?.length ?? 0) / 4) * 4;
}
