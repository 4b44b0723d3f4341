import { PacketError } from "../errors.ts";
import { bytesOf } from "./bytes.ts";

/** Length of an IPv4 address in bytes. */
export const IPV4_ADDRESS_LENGTH = 4;

/** Length of an IPv6 address in bytes. */
export const IPV6_ADDRESS_LENGTH = 16;

/** The IP version: 4 or 6. */
export type Family = 4 | 6;

/** An address as bytes. */
export interface IpAddress {
  /** 4 or 6. */
  readonly family: Family;
  /** 4 bytes for IPv4, 16 for IPv6, in network order. */
  readonly bytes: Uint8Array;
  /**
   * The zone of an IPv6 address, `"eth0"` in `fe80::1%eth0` (RFC 4007 section 11); absent when none
   * was given.
   */
  readonly zone?: string;
}

/** An address and how many of its leading bits count (RFC 4632, RFC 4291 section 2.3). */
export interface IpPrefix {
  /** The address as written; bits beyond `length` may be set, as in `10.1.2.3/8`. */
  readonly address: IpAddress;
  /** Leading bits that count: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
}

// What an interface name or index may look like; the RFC leaves the alphabet to the system, Linux
// forbids "/" and space.
const ZONE = /^[\x21-\x24\x26-\x2e\x30-\x7e]{1,64}$/;
const [DOT, DIGIT_0, DIGIT_9] = [0x2e, 0x30, 0x39];
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;

/**
 * Reads an IPv4 dotted quad or an RFC 4291 section 2.2 IPv6 address, the latter with an optional
 * `%zone`.
 *
 * Strict where `inet_aton(3)` is not: exactly four decimal octets without leading zeros, no short,
 * octal or hexadecimal forms, no spaces.
 *
 * @returns `undefined` when `text` is not an address.
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (!text.includes(":")) {
    const bytes = parseIpv4(text);
    return bytes && { family: 4, bytes };
  }
  const percent = text.indexOf("%");
  if (percent === -1) {
    const bytes = parseIpv6(text);
    return bytes && { family: 6, bytes };
  }
  const zone = text.slice(percent + 1);
  const bytes = ZONE.test(zone) ? parseIpv6(text.slice(0, percent)) : undefined;
  return bytes && { family: 6, bytes, zone };
}

/**
 * Writes an address as text: 4 bytes as a dotted quad, 16 bytes as RFC 5952 says (lower case, the
 * longest run of two or more zero groups as `::`, the first of equals; IPv4-mapped addresses as
 * `::ffff:192.0.2.1`).
 *
 * @throws RangeError when `bytes` is neither 4 nor 16 bytes long.
 */
export function formatAddress(bytes: Uint8Array, zone?: string): string {
  if (bytes.length === IPV4_ADDRESS_LENGTH)
    return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== IPV6_ADDRESS_LENGTH) {
    throw new RangeError(`An address has 4 or 16 bytes, not ${bytes.length}`);
  }
  const text = formatIpv6(bytes);
  return zone === undefined ? text : `${text}%${zone}`;
}

/** The one spelling of the address `text` (zone kept), or `undefined` when it is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address.bytes, address.zone);
}

/** 4 or 6, or `undefined` when `text` is not an address. */
export function addressFamily(text: string): Family | undefined {
  return parseAddress(text)?.family;
}

/**
 * Whether `text` is a multicast address: 224.0.0.0/4 (RFC 1112) or ff00::/8 (RFC 4291 section 2.7).
 */
export function isMulticast(text: string): boolean {
  const address = parseAddress(text);
  const [first = 0] = address?.bytes ?? [];
  return address?.family === 4 ? first >> 4 === 0xe : first === 0xff;
}

/** Whether `text` is the unspecified address: `0.0.0.0` or `::`. */
export function isUnspecified(text: string): boolean {
  return parseAddress(text)?.bytes.every((byte) => byte === 0) ?? false;
}

/**
 * Whether `text` is link-local: 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291 section 2.5.6).
 */
export function isLinkLocal(text: string): boolean {
  const address = parseAddress(text);
  const [first = 0, second = 0] = address?.bytes ?? [];
  if (address?.family === 4) return first === 169 && second === 254;
  return first === 0xfe && second >> 6 === 0b10;
}

/**
 * Whether the IPv6 address `text` means another node on each interface: link-local ones, and
 * multicast ones of interface-local and link-local scope (RFC 4007 section 4, RFC 4291 section
 * 2.7). A zone that it has already does not matter.
 */
export function needsZone(text: string): boolean {
  const address = parseAddress(text);
  if (address?.family !== 6) return false;
  const [first = 0, second = 0] = address.bytes;
  const scope = second & 0xf;
  return isLinkLocal(text) || (first === 0xff && (scope === 1 || scope === 2));
}

/** Whether `text` is a loopback address: 127.0.0.0/8 (RFC 1122 section 3.2.1.3) or `::1`. */
export function isLoopback(text: string): boolean {
  const address = parseAddress(text);
  if (address?.family === 4) return address.bytes[0] === 127;
  return address?.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0)) ?? false;
}

/**
 * Reads `address/length`, e.g. `10.0.0.0/8` or `2001:db8::/32`. A bare address, a zone and a
 * netmask (`/255.0.0.0`) are not prefixes.
 *
 * @returns `undefined` when `text` is not a prefix.
 */
export function parsePrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) return undefined;
  const digits = text.slice(slash + 1);
  const address = parseAddress(text.slice(0, slash));
  if (!address || address.zone !== undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(digits))
    return undefined;
  const length = Number(digits);
  return length <= address.bytes.length * 8 ? { address, length } : undefined;
}

/** Writes a prefix as `address/length`, the address as it was given (RFC 5952 for IPv6). */
export function formatPrefix(prefix: IpPrefix): string {
  return `${formatAddress(prefix.address.bytes)}/${prefix.length}`;
}

/**
 * Whether the leading bits of `address` are those of `prefix`; an address of the other family never
 * is.
 */
export function prefixContains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.address.family !== address.family) return false;
  let bits = prefix.length;
  for (const [index, byte] of prefix.address.bytes.entries()) {
    if (bits <= 0) return true;
    const mask = bits >= 8 ? 0xff : 0xff << (8 - bits);
    if (((byte ^ (address.bytes[index] ?? 0)) & mask) !== 0) return false;
    bits -= 8;
  }
  return true;
}

/**
 * Reads the address of `family` at `offset`, as canonical text. For codecs; the caller has checked
 * the length.
 */
export function readAddress(view: DataView, offset: number, family: Family): string {
  if (family === 6) return formatAddress(bytesOf(view, offset, offset + IPV6_ADDRESS_LENGTH));
  // Every packet received has two of these; without the detour over bytes its header takes 240 ns,
  // not 490.
  const [first, second] = [view.getUint8(offset), view.getUint8(offset + 1)];
  return `${first}.${second}.${view.getUint8(offset + 2)}.${view.getUint8(offset + 3)}`;
}

/**
 * The bytes of the address `text`, which must be of `family`; a zone is accepted and left out, as
 * it is not on the wire.
 *
 * @throws PacketError naming `layer` and `offset` when `text` is no such address.
 */
export function wireAddress(text: string, family: Family, where: WirePlace): Uint8Array {
  const address = parseAddress(text);
  if (address?.family === family) return address.bytes;
  throw new PacketError(
    `Cannot encode ${where.layer}: "${text}" is not an IPv${family} address`,
    where,
  );
}

/** Where in a packet a value belongs, for error messages. */
export interface WirePlace {
  /** The header or message, e.g. `"IPv4 header"`. */
  readonly layer: string;
  /** Byte offset from the start of that layer. */
  readonly offset: number;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(IPV4_ADDRESS_LENGTH);
  let index = 0;
  let digits = 0;
  let octet = 0;
  // By character: 60 ns, where a regular expression for each part took 420.
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0 || index === IPV4_ADDRESS_LENGTH - 1) return undefined;
      bytes[index++] = octet;
      digits = octet = 0;
    } else {
      // No leading zeros: inet_aton(3) would read an octal number.
      if (code < DIGIT_0 || code > DIGIT_9 || (digits > 0 && octet === 0)) return undefined;
      octet = octet * 10 + code - DIGIT_0;
      if (octet > 255) return undefined;
      digits += 1;
    }
  }
  if (digits === 0 || index !== IPV4_ADDRESS_LENGTH - 1) return undefined;
  bytes[index] = octet;
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  // The longest form, eight groups with the last two as a dotted quad, has 45 characters.
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0] ?? "", !compressed);
  const tail = compressed ? parseGroups(halves[1] ?? "", true) : [];
  if (!head || !tail) return undefined;
  const given = head.length + tail.length;
  // RFC 5952 section 4.2.2 advises against "::" for a single group, yet RFC 4291 allows it on
  // input.
  if (compressed ? given > 14 : given !== IPV6_ADDRESS_LENGTH) return undefined;
  const bytes = new Uint8Array(IPV6_ADDRESS_LENGTH);
  bytes.set(head, 0);
  bytes.set(tail, IPV6_ADDRESS_LENGTH - tail.length);
  return bytes;
}

/**
 * Bytes of colon-separated groups; the last may be a dotted quad when `last` says that these end
 * the address.
 */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const quad = last && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (!quad) return undefined;
    bytes.push(...quad);
  }
  return bytes;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let index = 0; index < IPV6_ADDRESS_LENGTH; index += 2) {
    groups.push(((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0));
  }
  // RFC 5952 section 5: a known IPv4-embedding prefix is written mixed; ::ffff:0:0/96 is the one
  // everybody knows.
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (mapped) return `::ffff:${bytes.subarray(12).join(".")}`;
  const { start, length } = longestZeroRun(groups);
  if (length < 2) return hexGroups(groups);
  return `${hexGroups(groups.slice(0, start))}::${hexGroups(groups.slice(start + length))}`;
}

function hexGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

/** RFC 919 section 7. */
export const LIMITED_BROADCAST = "255.255.255.255";

/**
 * Whether an answer from `from` may come from the target, as far as its address tells: a group, and
 * the unspecified address, which stands for this host, are answered from other addresses.
 */
export function answersFor(from: string, destination: string): boolean {
  return isSameHost(from, destination) || standsForOthers(destination);
}

/**
 * Whether a probe to an address is answered from other addresses: a group, and the unspecified
 * address.
 */
export function standsForOthers(address: string): boolean {
  return isMulticast(address) || address === LIMITED_BROADCAST || isUnspecified(address);
}

/**
 * Whether two canonical addresses are the same but for their zones, which each side may name
 * differently.
 */
export function isSameHost(a: string, b: string): boolean {
  return a === b || withoutZone(a) === withoutZone(b);
}

/** The address without its zone. */
export function withoutZone(address: string): string {
  const zoneAt = address.indexOf("%");
  return zoneAt === -1 ? address : address.slice(0, zoneAt);
}
