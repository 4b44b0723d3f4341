import { formatAddress, type IpAddress, parseAddress } from "./address.ts";
import {
  formatIpv4Number,
  ipv4Number,
  ipv6Bytes,
  ipv6Number,
  parseIpv4Number,
} from "./address-number.ts";

/** Consecutive IPv4 addresses, both ends included. */
export interface Ipv4Range {
  /** Always 4. */
  readonly family: 4;
  /** The lowest address as an unsigned 32-bit number: 3221225985 is 192.0.2.1. */
  readonly first: number;
  /** The highest address, not below `first`. */
  readonly last: number;
}

/** Consecutive IPv6 addresses, both ends included. */
export interface Ipv6Range {
  /** Always 6. */
  readonly family: 6;
  /** The lowest address as an unsigned 128-bit number. */
  readonly first: bigint;
  /** The highest address, not below `first`. */
  readonly last: bigint;
}

/**
 * Consecutive addresses of one family, told apart by `family`; a single address has `first` equal
 * to `last`.
 */
export type AddressRange = Ipv4Range | Ipv6Range;

/** How {@link parseAddressRange} reads a network. */
export interface AddressRangeOptions {
  /**
   * Leaves out the network and the broadcast address of an IPv4 network, as `fping -g` does: its
   * first and its last, but for /31 (RFC 3021) and /32, where all are hosts. A range `a-b` always
   * is what it says, and so is an IPv6 network: it has no broadcast, and its first address, the
   * subnet-router anycast address (RFC 4291 section 2.6.1), answers. Default false.
   */
  readonly hostsOnly?: boolean | undefined;
}

/** The longest range has 79 characters; what is longer is cut in messages. */
const MAX_SHOWN = 100;
/** ::ffff:0:0/96 without its last 32 bits (RFC 4291 section 2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;

/**
 * Reads one address, a network `address/length` (RFC 4632, RFC 4291 section 2.3; bits beyond
 * `length` may be set), or a range `first-last` of two addresses. In IPv4, `last` may be the last
 * octet alone: `192.0.2.5-9`.
 *
 * @returns `undefined` for a text that is none of these and may be the name of a host.
 * @throws RangeError, which says what is wrong, for a text that can only be meant as one of these:
 * prefix length too large, end before start, two families, a zone (a range has none), IPv4 in IPv6
 * form, or anything but an address before `/` or `-`.
 */
export function parseAddressRange(
  text: string,
  options: AddressRangeOptions = {},
): AddressRange | undefined {
  // Most lines of a long list: 32 ns so, else 270.
  const number = parseIpv4Number(text);
  if (number !== undefined) return { family: 4, first: number, last: number };
  const slash = text.indexOf("/");
  if (slash !== -1) return parseNetwork(text, slash, options.hostsOnly ?? false);
  const single = parseAddress(text);
  if (single !== undefined) return between(text, single, single);
  const dash = text.indexOf("-");
  if (dash !== -1) {
    const first = parseAddress(text.slice(0, dash));
    if (first !== undefined)
      return between(text, first, parseLast(text, first, text.slice(dash + 1)));
    // "a-1.example" is a name; what has colons, or dots and no letters, is no name but a range gone
    // wrong.
    if (/^[\d.\s]*-[\d.\s-]*$/.test(text) && text.includes(".")) {
      throw refused(text, "its start is not an address");
    }
  }
  if (text.includes(":")) throw refused(text, "it is not an IPv6 address, and a name has no colon");
  return undefined;
}

/**
 * Writes a range as {@link parseAddressRange} reads it: a single address, a network
 * `address/length` where the range is exactly one, or `first-last`.
 */
export function formatAddressRange(range: AddressRange): string {
  const [first, last] = endsOf(range);
  if (range.first === range.last) return first;
  const length = prefixLength(range);
  return length === undefined ? `${first}-${last}` : `${first}/${length}`;
}

/** How many addresses a range has: 1 to 2^32 for IPv4, to 2^128 for IPv6. */
export function addressRangeSize(range: AddressRange): bigint {
  return range.family === 4 ? BigInt(range.last - range.first + 1) : range.last - range.first + 1n;
}

/** Whether `address` is in `range`; one of the other family never is. Zones do not matter. */
export function addressRangeContains(range: AddressRange, address: IpAddress): boolean {
  if (range.family === 4) {
    if (address.family !== 4) return false;
    const number = ipv4Number(address.bytes);
    return range.first <= number && number <= range.last;
  }
  if (address.family !== 6) return false;
  const number = ipv6Number(address.bytes);
  return range.first <= number && number <= range.last;
}

/**
 * The addresses of a range as canonical text, in ascending order, one at a time: ask
 * {@link addressRangeSize} before collecting them.
 */
export function* addressesOf(range: AddressRange): Generator<string, void, undefined> {
  if (range.family === 4) {
    for (let number = range.first; number <= range.last; number++) yield formatIpv4Number(number);
    return;
  }
  for (let number = range.first; number <= range.last; number++)
    yield formatAddress(ipv6Bytes(number));
}

function parseNetwork(text: string, slash: number, hostsOnly: boolean): AddressRange {
  const [before, digits] = [text.slice(0, slash), text.slice(slash + 1)];
  const address = parseAddress(before);
  if (address === undefined) throw refused(text, "what is before the slash is not an address");
  const width = address.family === 4 ? 32 : 128;
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > width) {
    throw refused(
      text,
      `the prefix length of an IPv${address.family} network is a number from 0 to ${width}`,
    );
  }
  const hostBits = width - Number(digits);
  if (address.family === 4) {
    const size = 2 ** hostBits;
    const number = ipv4Number(address.bytes);
    const first = number - (number % size);
    const margin = hostsOnly && hostBits > 1 ? 1 : 0;
    return { family: 4, first: first + margin, last: first + size - 1 - margin };
  }
  checkIpv6(text, address);
  const mask = (1n << BigInt(hostBits)) - 1n;
  const number = ipv6Number(address.bytes);
  return { family: 6, first: number & ~mask, last: number | mask };
}

/** The end of a range that starts at `first`: an address, or in IPv4 its last octet. */
function parseLast(text: string, first: IpAddress, written: string): IpAddress {
  const last = parseAddress(written);
  if (last !== undefined) return last;
  const octets = first.family === 4 ? formatAddress(first.bytes).replace(/\d+$/, written) : written;
  const completed = first.family === 4 ? parseAddress(octets) : undefined;
  if (completed !== undefined && !written.includes(".")) return completed;
  const octet = first.family === 4 ? ", nor a last octet" : "";
  throw refused(text, `its end is not an address${octet}`);
}

function between(text: string, first: IpAddress, last: IpAddress): AddressRange {
  if (first.family !== last.family) throw refused(text, "its ends are of different families");
  if (first.family === 4) {
    const range = {
      family: 4,
      first: ipv4Number(first.bytes),
      last: ipv4Number(last.bytes),
    } as const;
    if (range.first > range.last) throw refused(text, "its end comes before its start");
    return range;
  }
  checkIpv6(text, first);
  checkIpv6(text, last);
  const range = {
    family: 6,
    first: ipv6Number(first.bytes),
    last: ipv6Number(last.bytes),
  } as const;
  if (range.first > range.last) throw refused(text, "its end comes before its start");
  return range;
}

function checkIpv6(text: string, { bytes, zone }: IpAddress): void {
  if (zone !== undefined) throw refused(text, `no zones here: choose with the option "interface"`);
  if (ipv6Number(bytes) >> 32n !== MAPPED_PREFIX) return;
  throw refused(text, `an IPv4 address in IPv6 form; write ${formatAddress(bytes.subarray(12))}`);
}

/** The first and the last address of a range, as canonical text. */
export function endsOf(range: AddressRange): [first: string, last: string] {
  if (range.family === 4) return [formatIpv4Number(range.first), formatIpv4Number(range.last)];
  return [formatAddress(ipv6Bytes(range.first)), formatAddress(ipv6Bytes(range.last))];
}

/** The prefix length of the network that `range` is, or `undefined` when it is none. */
function prefixLength(range: AddressRange): number | undefined {
  const width = range.family === 4 ? 32 : 128;
  const size = addressRangeSize(range);
  const isNetwork = (size & (size - 1n)) === 0n && BigInt(range.first) % size === 0n;
  return isNetwork ? width - (size.toString(2).length - 1) : undefined;
}

function refused(text: string, why: string): RangeError {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  return new RangeError(`Cannot read ${JSON.stringify(shown)} as addresses: ${why}`);
}
