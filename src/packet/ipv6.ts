import { PacketError } from "../errors.ts";
import { readAddress, wireAddress } from "./address.ts";
import {
  type ByteView,
  bytesOf,
  need,
  put8,
  put16,
  putBytes,
  room,
  unsigned,
  viewOf,
} from "./bytes.ts";
import { IpProtocol } from "./protocol.ts";

const VERSION_CLASS_FLOW = 0;
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

// Within an extension header.
const EXTENSION_NEXT_HEADER = 0;
const EXTENSION_LENGTH = 1;
const ROUTING_TYPE = 2;
const SEGMENTS_LEFT = 3;
const FRAGMENT_OFFSET = 2;
const FRAGMENT_IDENTIFICATION = 4;

const LAYER = "IPv6 header";
const EXTENSION_LAYER = "IPv6 extension header";
const FRAGMENT_HEADER_LENGTH = 8;

/** Length of the fixed IPv6 header in bytes. */
export const IPV6_HEADER_LENGTH = 40;

/**
 * Most extension headers decoded in one packet. RFC 8200 section 4.1 foresees seven; the bound
 * keeps a hostile chain of thousands from costing anything.
 */
export const IPV6_MAX_EXTENSION_HEADERS = 16;

/** What every extension header has. */
export interface Ipv6ExtensionBase {
  /** What follows: another extension header or the upper layer. */
  readonly nextHeader: number;
  /** The whole extension header, a view of the packet, valid until its buffer is reused. */
  readonly bytes: Uint8Array;
}

/** Hop-by-hop or destination options (RFC 8200 sections 4.3, 4.6). */
export interface Ipv6OptionsHeader extends Ipv6ExtensionBase {
  readonly kind: "hopByHop" | "destinationOptions";
  /** The raw options with their padding; `decodeIpv6Options` reads them. */
  readonly options: Uint8Array;
}

/** A routing header (RFC 8200 section 4.4). */
export interface Ipv6RoutingHeader extends Ipv6ExtensionBase {
  readonly kind: "routing";
  /** Variant: 0 source route (deprecated), 2 mobility, 3 RPL, 4 segment routing. */
  readonly routingType: number;
  /** Route segments still to be visited. */
  readonly segmentsLeft: number;
}

/** A fragment header (RFC 8200 section 4.5). */
export interface Ipv6FragmentHeader extends Ipv6ExtensionBase {
  readonly kind: "fragment";
  /** Where this fragment belongs, in bytes: a multiple of 8. */
  readonly fragmentOffset: number;
  /** Whether more fragments follow. */
  readonly moreFragments: boolean;
  /** Identification, for reassembly. */
  readonly identification: number;
}

/** An authentication header (RFC 4302). */
export interface Ipv6AuthenticationHeader extends Ipv6ExtensionBase {
  readonly kind: "authentication";
}

/** One IPv6 extension header, a union on `kind`. */
export type Ipv6ExtensionHeader =
  | Ipv6OptionsHeader
  | Ipv6RoutingHeader
  | Ipv6FragmentHeader
  | Ipv6AuthenticationHeader;

/** An IPv6 header and its extension headers (RFC 8200 section 3). */
export interface Ipv6Header {
  /** Always 6. */
  readonly version: 6;
  /** Differentiated services code point, 0 to 63 (RFC 2474). */
  readonly dscp: number;
  /** Explicit congestion notification, 0 to 3 (RFC 3168). */
  readonly ecn: number;
  /** Flow label, 20 bits (RFC 6437). */
  readonly flowLabel: number;
  /** Bytes after the fixed header, as the packet says: not compared with the bytes at hand. */
  readonly payloadLength: number;
  /** What follows the fixed header: an extension header or the upper layer. */
  readonly nextHeader: number;
  /** Hop limit. */
  readonly hopLimit: number;
  /** The hop limit again, under the name IPv4 uses. */
  readonly ttl: number;
  /** Source address, canonical text. */
  readonly source: string;
  /** Destination address, canonical text. */
  readonly destination: string;
  /** The extension headers, in order. */
  readonly extensionHeaders: readonly Ipv6ExtensionHeader[];
  /** Protocol number of the upper layer: `nextHeader` of the last header in the chain. */
  readonly protocol: number;
  /** Length of the fixed header and all extension headers, in bytes. */
  readonly headerLength: number;
}

/**
 * What {@link encodeIpv6Header} needs; everything else has a default. Any {@link Ipv6Header} will
 * do.
 */
export type Ipv6HeaderFields = Pick<
  Ipv6Header,
  "payloadLength" | "nextHeader" | "source" | "destination"
> &
  Partial<Ipv6Header>;

/**
 * Decodes the IPv6 header at the start of `bytes`, and the extension headers that follow it (RFC
 * 8200).
 *
 * ESP (its content is hidden), "no next header" and a fragment other than the first end the chain;
 * `protocol` is then what that header announces.
 *
 * @throws PacketError when the version is not 6, the chain runs past the end of `bytes`, or has
 *   more than {@link IPV6_MAX_EXTENSION_HEADERS} headers.
 */
export function decodeIpv6Header(bytes: ByteView): Ipv6Header {
  const view = viewOf(bytes);
  const header = decodeQuotedIpv6Header(view);
  if (isIpv6Extension(header.protocol) && !isLaterFragment(header)) {
    const message =
      header.extensionHeaders.length === IPV6_MAX_EXTENSION_HEADERS
        ? `more than ${IPV6_MAX_EXTENSION_HEADERS} headers`
        : `chain ends in the middle, have ${view.byteLength} bytes`;
    throw new PacketError(`Cannot decode ${EXTENSION_LAYER}: ${message}`, {
      layer: EXTENSION_LAYER,
      offset: header.headerLength,
    });
  }
  return header;
}

/**
 * As {@link decodeIpv6Header}, but an extension header cut off by the end of `view` (normal in an
 * ICMPv6 quote) ends the chain instead of throwing: `protocol` is then the number of that header,
 * for which {@link isIpv6Extension} holds.
 */
export function decodeQuotedIpv6Header(view: DataView): Ipv6Header {
  need(view, IPV6_HEADER_LENGTH, LAYER);
  const first = view.getUint32(VERSION_CLASS_FLOW);
  if (first >>> 28 !== 6) {
    throw new PacketError(`Cannot decode ${LAYER}: version is ${first >>> 28}`, {
      layer: LAYER,
      offset: 0,
    });
  }
  const nextHeader = view.getUint8(NEXT_HEADER);
  const hopLimit = view.getUint8(HOP_LIMIT);
  const extensionHeaders: Ipv6ExtensionHeader[] = [];
  let headerLength = IPV6_HEADER_LENGTH;
  let protocol = nextHeader;
  while (isIpv6Extension(protocol) && extensionHeaders.length < IPV6_MAX_EXTENSION_HEADERS) {
    const extension = decodeExtensionHeader(view, headerLength, protocol);
    if (!extension) break;
    extensionHeaders.push(extension);
    headerLength += extension.bytes.length;
    protocol = extension.nextHeader;
    // What follows is the middle of a payload, whatever the next header field announces.
    if (isLaterFragment({ extensionHeaders })) break;
  }
  return {
    version: 6,
    dscp: (first >>> 22) & 0x3f,
    ecn: (first >>> 20) & 3,
    flowLabel: first & 0xfffff,
    payloadLength: view.getUint16(PAYLOAD_LENGTH),
    nextHeader,
    hopLimit,
    ttl: hopLimit,
    source: readAddress(view, SOURCE, 6),
    destination: readAddress(view, DESTINATION, 6),
    extensionHeaders,
    protocol,
    headerLength,
  };
}

/**
 * Encodes an IPv6 header into `target` (RFC 8200), and after it the `bytes` of its extension
 * headers as they are. Defaults: hop limit 64 (`hopLimit`, else `ttl`), everything else zero. The
 * next header written is `nextHeader`.
 *
 * @returns The number of bytes written.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeIpv6Header(header: Ipv6HeaderFields, target: ByteView): number {
  const view = viewOf(target);
  const length = ipv6HeaderLength(header);
  room(view, length, LAYER);
  const trafficClass =
    (unsigned(header.dscp ?? 0, 6, LAYER, 0) << 2) | unsigned(header.ecn ?? 0, 2, LAYER, 1);
  const flowLabel = unsigned(header.flowLabel ?? 0, 20, LAYER, 1);
  view.setUint32(VERSION_CLASS_FLOW, 6 * 2 ** 28 + trafficClass * 2 ** 20 + flowLabel);
  put16(view, PAYLOAD_LENGTH, header.payloadLength, LAYER);
  put8(view, NEXT_HEADER, header.nextHeader, LAYER);
  put8(view, HOP_LIMIT, header.hopLimit ?? header.ttl ?? 64, LAYER);
  putBytes(view, SOURCE, wireAddress(header.source, 6, { layer: LAYER, offset: SOURCE }));
  putBytes(
    view,
    DESTINATION,
    wireAddress(header.destination, 6, { layer: LAYER, offset: DESTINATION }),
  );
  let offset = IPV6_HEADER_LENGTH;
  for (const extension of header.extensionHeaders ?? []) {
    putBytes(view, offset, extension.bytes);
    offset += extension.bytes.length;
  }
  return length;
}

/** Length in bytes of `header` once encoded: 40 and its extension headers. */
export function ipv6HeaderLength(header: Pick<Ipv6HeaderFields, "extensionHeaders">): number {
  return (header.extensionHeaders ?? []).reduce(
    (length, extension) => length + extension.bytes.length,
    IPV6_HEADER_LENGTH,
  );
}

/**
 * Whether the next header value `protocol` is an extension header that {@link decodeIpv6Header}
 * walks over.
 */
export function isIpv6Extension(protocol: number): boolean {
  return (
    protocol === IpProtocol.HopByHop ||
    protocol === IpProtocol.Routing ||
    protocol === IpProtocol.Fragment ||
    protocol === IpProtocol.Authentication ||
    protocol === IpProtocol.DestinationOptions
  );
}

/**
 * Whether the packet is a fragment other than the first: no upper-layer header follows its fragment
 * header.
 */
export function isLaterFragment(header: Pick<Ipv6Header, "extensionHeaders">): boolean {
  return header.extensionHeaders.some(
    (extension) => extension.kind === "fragment" && extension.fragmentOffset !== 0,
  );
}

/**
 * The extension header of type `protocol` at `offset`, or `undefined` when it runs past the end.
 */
function decodeExtensionHeader(
  view: DataView,
  offset: number,
  protocol: number,
): Ipv6ExtensionHeader | undefined {
  if (offset + FRAGMENT_HEADER_LENGTH > view.byteLength) return undefined;
  const length = extensionLength(view.getUint8(offset + EXTENSION_LENGTH), protocol);
  if (offset + length > view.byteLength) return undefined;
  const base = {
    nextHeader: view.getUint8(offset + EXTENSION_NEXT_HEADER),
    bytes: bytesOf(view, offset, offset + length),
  };
  switch (protocol) {
    case IpProtocol.HopByHop:
      return { kind: "hopByHop", ...base, options: base.bytes.subarray(2) };
    case IpProtocol.DestinationOptions:
      return { kind: "destinationOptions", ...base, options: base.bytes.subarray(2) };
    case IpProtocol.Routing:
      return {
        kind: "routing",
        ...base,
        routingType: view.getUint8(offset + ROUTING_TYPE),
        segmentsLeft: view.getUint8(offset + SEGMENTS_LEFT),
      };
    case IpProtocol.Fragment: {
      const field = view.getUint16(offset + FRAGMENT_OFFSET);
      return {
        kind: "fragment",
        ...base,
        fragmentOffset: field & 0xfff8,
        moreFragments: (field & 1) !== 0,
        identification: view.getUint32(offset + FRAGMENT_IDENTIFICATION),
      };
    }
    default:
      return { kind: "authentication", ...base };
  }
}

/**
 * RFC 8200 counts 8-byte units after the first, RFC 4302 4-byte units less two; the fragment header
 * is fixed.
 */
function extensionLength(field: number, protocol: number): number {
  if (protocol === IpProtocol.Fragment) return FRAGMENT_HEADER_LENGTH;
  // RFC 4302 section 2.2: an AH is at least 12 bytes long, 8 here when the field lies, so that the
  // walk advances.
  return protocol === IpProtocol.Authentication ? (field + 2) * 4 : (field + 1) * 8;
}
