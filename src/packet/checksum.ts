import { PacketError } from "../errors.ts";
import { parseAddress } from "./address.ts";
import type { ByteView } from "./bytes.ts";

/**
 * The IP addresses that an upper-layer checksum covers besides the packet itself. Any decoded IP
 * header will do.
 */
export interface PseudoHeader {
  /** Source address as text. */
  readonly source: string;
  /** Destination address as text, of the same family. */
  readonly destination: string;
}

/** How an encoder treats the checksum field. */
export interface ChecksumOptions {
  /** `"compute"` (the default), or `"keep"` to write the value's own `checksum`, right or wrong. */
  readonly checksum?: "compute" | "keep";
}

/**
 * One's complement sum of the 16-bit words of `bytes`, folded to 16 bits and not complemented (RFC
 * 1071). An odd last byte counts as the high half of a word. `initial` is a sum to add to, e.g.
 * that of a pseudo header.
 */
export function checksumSum(bytes: ByteView, initial = 0): number {
  const isView = bytes instanceof DataView;
  const even = bytes.byteLength & ~1;
  let sum = initial;
  if (isView) {
    for (let index = 0; index < even; index += 2) sum += bytes.getUint16(index);
  } else {
    // Indices rather than a DataView made for it: 1,500 bytes take 434 ns against 544 ns.
    for (let index = 0; index < even; index += 2) {
      sum += ((bytes[index] as number) << 8) | (bytes[index + 1] as number);
    }
  }
  if (even < bytes.byteLength)
    sum += (isView ? bytes.getUint8(even) : (bytes[even] as number)) << 8;
  // Sums are doubles: 64 KiB cannot reach 2^53, and folding by division works beyond 32 bits too.
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/**
 * The Internet checksum of `bytes` (RFC 1071): the complement of their one's complement sum. Set
 * the checksum field to zero first; over bytes whose checksum is in place and right, the result is
 * 0.
 *
 * @param initial A sum to add to, e.g. {@link pseudoHeaderSum}.
 */
export function internetChecksum(bytes: ByteView, initial = 0): number {
  return ~checksumSum(bytes, initial) & 0xffff;
}

/**
 * Whether the checksum inside `bytes` is right. A UDP checksum of zero over IPv4 means "none" (RFC
 * 768) and is the caller's to exempt.
 *
 * @param initial The sum of the pseudo header, for ICMPv6, UDP and TCP.
 */
export function verifyChecksum(bytes: ByteView, initial = 0): boolean {
  return checksumSum(bytes, initial) === 0xffff;
}

/**
 * The sum of the pseudo header of a TCP or UDP segment over IPv4 (RFC 9293 section 3.1): addresses,
 * protocol, length.
 *
 * @throws PacketError when an address is not IPv4.
 */
export function ipv4PseudoHeaderSum(
  pseudo: PseudoHeader,
  protocol: number,
  length: number,
): number {
  return addressSum(pseudo, 4) + protocol + length;
}

/**
 * The sum of the pseudo header of an upper-layer packet over IPv6 (RFC 8200 section 8.1):
 * addresses, 32-bit length, next header. With a routing header, `destination` is the final one.
 *
 * @throws PacketError when an address is not IPv6.
 */
export function ipv6PseudoHeaderSum(
  pseudo: PseudoHeader,
  nextHeader: number,
  length: number,
): number {
  return addressSum(pseudo, 6) + (length >>> 16) + (length & 0xffff) + nextHeader;
}

/**
 * {@link ipv4PseudoHeaderSum} or {@link ipv6PseudoHeaderSum}, as the family of `pseudo.source`
 * says.
 *
 * @throws PacketError when the addresses are not two of one family.
 */
export function pseudoHeaderSum(pseudo: PseudoHeader, protocol: number, length: number): number {
  return pseudo.source.includes(":")
    ? ipv6PseudoHeaderSum(pseudo, protocol, length)
    : ipv4PseudoHeaderSum(pseudo, protocol, length);
}

/**
 * The checksum after one 16-bit word under it changed from `before` to `after` (RFC 1624 equation
 * 3), without reading the rest of the packet.
 */
export function updateChecksum(checksum: number, before: number, after: number): number {
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + (after & 0xffff);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function addressSum(pseudo: PseudoHeader, family: 4 | 6): number {
  const source = parseAddress(pseudo.source);
  const destination = parseAddress(pseudo.destination);
  if (source?.family !== family || destination?.family !== family) {
    throw new PacketError(
      `Cannot sum pseudo header: "${pseudo.source}" and "${pseudo.destination}" are not both IPv${family} addresses`,
      { layer: "pseudo header", offset: 0 },
    );
  }
  return checksumSum(source.bytes) + checksumSum(destination.bytes);
}
