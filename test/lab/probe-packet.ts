import { PacketError } from "../../src/errors.ts";
import type { Family } from "../../src/packet/address.ts";
import { internetChecksum } from "../../src/packet/checksum.ts";
import { Icmpv4Type, Icmpv6Type } from "../../src/packet/icmp-types.ts";
import { decodeIpv4Header } from "../../src/packet/ipv4.ts";
import { decodeIpv6Header } from "../../src/packet/ipv6.ts";
import { IpProtocol } from "../../src/packet/protocol.ts";

// Offsets within an IPv4 header (RFC 791) and an IPv6 header (RFC 8200).
const IPV4_TTL = 8;
const IPV4_CHECKSUM = 10;
const IPV4_SOURCE = 12;
const IPV6_HOP_LIMIT = 7;
const IPV6_SOURCE = 8;

// Offsets within an echo message (RFC 792). Ports are where type and checksum are.
const TYPE = 0;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const HEADER_LENGTH = 8;

/** A packet that came from the source, with what decides its fate. */
export interface ProbePacket {
  readonly family: Family;
  /** The whole packet. A copy. */
  readonly bytes: Uint8Array;
  readonly headerLength: number;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly dontFragment: boolean;
  readonly protocol: "icmp" | "udp" | "tcp";
  /** ICMP identifier, or source port. */
  readonly identifier: number;
  /** ICMP sequence number, or destination port. */
  readonly sequence: number;
  /** ICMP checksum; 0 for others. */
  readonly checksum: number;
}

/**
 * What there is of a packet in `bytes`: an echo request, UDP or TCP, unfragmented; undefined for
 * all else.
 */
export function readProbe(bytes: Uint8Array): ProbePacket | undefined {
  try {
    const copy = allocate(bytes.length);
    copy.set(bytes);
    return decode(copy);
  } catch (error) {
    if (error instanceof PacketError) return undefined;
    throw error;
  }
}

function decode(bytes: Uint8Array): ProbePacket | undefined {
  const view = viewOf(bytes);
  const family = (bytes[0] ?? 0) >> 4 === 4 ? 4 : 6;
  const header = family === 4 ? decodeIpv4Header(view) : decodeIpv6Header(view);
  const { headerLength, source, destination, ttl } = header;
  const protocol = protocolName(header.protocol);
  const isFragment =
    header.version === 4
      ? header.moreFragments || header.fragmentOffset > 0
      : header.extensionHeaders.some(({ kind }) => kind === "fragment");
  if (protocol === undefined || isFragment || bytes.length < headerLength + HEADER_LENGTH)
    return undefined;
  const isIcmp = protocol === "icmp";
  const echoRequest = family === 4 ? Icmpv4Type.EchoRequest : Icmpv6Type.EchoRequest;
  if (isIcmp && bytes[headerLength + TYPE] !== echoRequest) return undefined;
  return {
    family,
    bytes,
    headerLength,
    source,
    destination,
    ttl,
    dontFragment: header.version === 6 || header.dontFragment,
    protocol,
    identifier: view.getUint16(headerLength + (isIcmp ? IDENTIFIER : 0)),
    sequence: view.getUint16(headerLength + (isIcmp ? SEQUENCE : 2)),
    checksum: isIcmp ? view.getUint16(headerLength + CHECKSUM) : 0,
  };
}

function protocolName(protocol: number): ProbePacket["protocol"] | undefined {
  if (protocol === IpProtocol.Icmp || protocol === IpProtocol.Icmpv6) return "icmp";
  if (protocol === IpProtocol.Udp) return "udp";
  return protocol === IpProtocol.Tcp ? "tcp" : undefined;
}

/** How a router far away saw a probe. */
export interface Sighting {
  /** The TTL it arrived with. */
  readonly ttl: number;
  /** Its source address, if translated: bytes. */
  readonly source?: Uint8Array;
  /** Its identifier, if translated. */
  readonly identifier?: number;
  /** By how much its ICMP checksum was changed, in one's complement. */
  readonly checksumChange?: number;
}

/** The packet as a router far away saw it, checksums right unless `checksumChange` is given. */
export function packetAsSeen(
  packet: ProbePacket,
  { ttl, source, identifier, checksumChange = 0 }: Sighting,
): Uint8Array {
  const { family, headerLength } = packet;
  const bytes = allocate(packet.bytes.length);
  bytes.set(packet.bytes);
  const view = viewOf(bytes);
  bytes[family === 4 ? IPV4_TTL : IPV6_HOP_LIMIT] = ttl;
  let sum = (~packet.checksum & 0xffff) + checksumChange;
  if (identifier !== undefined) {
    view.setUint16(headerLength + IDENTIFIER, identifier);
    sum += identifier + (~packet.identifier & 0xffff);
  }
  if (source !== undefined) {
    const at = family === 4 ? IPV4_SOURCE : IPV6_SOURCE;
    // The pseudo header of ICMPv6 has the source in it (RFC 4443 section 2.3); ICMPv4 has none.
    for (let index = 0; family === 6 && index < source.length; index += 2) {
      sum +=
        (~view.getUint16(at + index) & 0xffff) +
        (((source[index] ?? 0) << 8) | (source[index + 1] ?? 0));
    }
    bytes.set(source, at);
  }
  if (packet.protocol === "icmp") {
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(headerLength + CHECKSUM, ~sum & 0xffff);
  }
  if (family === 4) {
    view.setUint16(IPV4_CHECKSUM, 0);
    view.setUint16(IPV4_CHECKSUM, internetChecksum(bytes.subarray(0, headerLength)));
  }
  return bytes;
}

/**
 * Bytes that have a buffer from the start: asking small ones for it later takes a tenth of the
 * simulator's time.
 */
export function allocate(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** The view of bytes that own their buffer or not. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
