import { formatAddress, parseAddress } from "../packet/address.ts";
import { AF_INET, AF_INET6, SOCKADDR_IN, SOCKADDR_IN6 } from "./constants.ts";

/** Where a datagram goes or came from: `sockaddr_in` and `sockaddr_in6` as plain data. */
export interface SocketAddress {
  /** IPv4 or IPv6 text; a numeric zone (`fe80::1%2`) stands for `scopeId`. */
  readonly address: string;
  /** The port; for ICMP datagram sockets, the identifier. 0 when absent. */
  readonly port?: number;
  /** The interface index of an IPv6 link-local address. */
  readonly scopeId?: number;
}

/** Room for any address this library uses, in bytes. */
export const SOCKADDR_LENGTH: number = SOCKADDR_IN6.size;

/**
 * Reads the `sockaddr` at `offset` of `view`; `undefined` when its family is neither AF_INET nor
 * AF_INET6 (the kernel writes AF_UNSPEC where it knows no address) or when fewer than `length`
 * bytes were written for it.
 */
export function decodeSocketAddress(
  view: DataView,
  offset: number,
  length: number,
): SocketAddress | undefined {
  if (length < SOCKADDR_IN.size) return undefined;
  const family = view.getUint16(offset + SOCKADDR_IN.family, true);
  const port = view.getUint16(offset + SOCKADDR_IN.port);
  if (family === AF_INET) return { address: textAt(view, offset + SOCKADDR_IN.address, 4), port };
  if (family !== AF_INET6 || length < SOCKADDR_IN6.size) return undefined;
  const address = textAt(view, offset + SOCKADDR_IN6.address, 16);
  const scopeId = view.getUint32(offset + SOCKADDR_IN6.scopeId, true);
  return scopeId === 0 ? { address, port } : { address, port, scopeId };
}

/**
 * Writes `value` as a `sockaddr` at `offset` of `view` and returns its length.
 *
 * @throws {TypeError} when the address is not numeric, or has a zone that is a name.
 */
export function encodeSocketAddress(value: SocketAddress, view: DataView, offset: number): number {
  const { family, bytes, zone } = addressBytes(value.address);
  const port = value.port ?? 0;
  if (family === 4) {
    view.setUint16(offset + SOCKADDR_IN.family, AF_INET, true);
    view.setUint16(offset + SOCKADDR_IN.port, port);
    writeBytes(view, offset + SOCKADDR_IN.address, bytes);
    view.setBigUint64(offset + SOCKADDR_IN.address + 4, 0n);
    return SOCKADDR_IN.size;
  }
  view.setUint16(offset + SOCKADDR_IN6.family, AF_INET6, true);
  view.setUint16(offset + SOCKADDR_IN6.port, port);
  view.setUint32(offset + SOCKADDR_IN6.flowinfo, 0);
  writeBytes(view, offset + SOCKADDR_IN6.address, bytes);
  view.setUint32(
    offset + SOCKADDR_IN6.scopeId,
    value.scopeId ?? scopeOf(value.address, zone),
    true,
  );
  return SOCKADDR_IN6.size;
}

/**
 * The bytes of a numeric address; a `TypeError` for anything else. Names are resolved elsewhere.
 */
export function addressBytes(text: string): { family: 4 | 6; bytes: Uint8Array; zone?: string } {
  const parsed = parseAddress(text);
  if (parsed === undefined)
    throw new TypeError(`Cannot use ${JSON.stringify(text)} as an IP address`);
  return parsed;
}

/** The text of the address in the `length` bytes (4 or 16) at `offset`. */
export function textAt(view: DataView, offset: number, length: number): string {
  return formatAddress(new Uint8Array(view.buffer, view.byteOffset + offset, length));
}

/** Copies `bytes` to `offset` of `view`. */
export function writeBytes(view: DataView, offset: number, bytes: Uint8Array): void {
  new Uint8Array(view.buffer, view.byteOffset + offset, bytes.length).set(bytes);
}

function scopeOf(address: string, zone: string | undefined): number {
  if (zone === undefined) return 0;
  if (/^\d{1,9}$/.test(zone)) return Number(zone);
  throw new TypeError(`Cannot use the zone of ${address}: look its interface index up first`);
}
