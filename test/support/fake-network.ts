/**
 * Scripted networks for the fake kernel: what a probe looks like on the wire, what may come back,
 * and builders of the usual answers. The bytes are made here by hand, not by the codecs under test.
 *
 * @module
 */
import { formatAddress, parseAddress } from "../../src/packet/address.ts";

const NS_PER_MS = 1_000_000;

/** An ICMP message that left the fake host. */
export interface FakeProbe {
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly tos: number;
  /** Whether IPv4's don't fragment bit is set, or IPV6_MTU_DISCOVER forbids fragments. */
  readonly dontFragment: boolean;
  /** SO_MARK. */
  readonly mark: number;
  /** The interface asked for; 0 when none was. */
  readonly interfaceIndex: number;
  /** The ICMP message as it left, identifier and checksum included. */
  readonly data: Uint8Array;
  /** The whole IP packet. */
  readonly packet: Uint8Array;
  /** Bytes 4 and 5, and 6 and 7, of an echo request. */
  readonly identifier: number;
  readonly sequence: number;
  /** CLOCK_MONOTONIC of the fake clock. */
  readonly sentAtNs: number;
  /** How many probes left this host before it. */
  readonly index: number;
}

/** An ICMP message that reaches the fake host. */
export interface FakeArrival {
  /** Nanoseconds after the probe left. */
  readonly delayNs: number;
  readonly from: string;
  /** Where to; the source of the probe when absent. */
  readonly to?: string;
  /** The ICMP message; its checksum is filled in on delivery. */
  readonly icmp: Uint8Array;
  /** Leave the checksum of `icmp` as it is, right or wrong. */
  readonly keepChecksum?: boolean;
  /** TTL or hop limit on arrival: 64 when absent. */
  readonly ttl?: number;
  readonly tos?: number;
  /** The interface it arrives by: eth0 (2) when absent. */
  readonly interfaceIndex?: number;
}

/** What comes back for each probe: nothing is a loss, several are duplicates. */
export type FakeNetwork = (probe: FakeProbe) => readonly FakeArrival[];

/** Options common to all answers. */
export interface FakeAnswerOptions {
  /** Milliseconds after the probe left. Default: 10. */
  readonly delayMs?: number;
  /** Who answers. Default for replies: the destination of the probe. */
  readonly from?: string;
  /** TTL or hop limit on arrival. */
  readonly ttl?: number;
  readonly tos?: number;
}

/** Options of ICMP errors. */
export interface FakeErrorOptions extends FakeAnswerOptions {
  readonly from: string;
  readonly code?: number;
  /** Bytes of the probe's packet to quote. Default: all, up to 548 (IPv4) or 1,232 (IPv6). */
  readonly quoteLength?: number;
  /** An RFC 4884 extension structure (header and objects) to append after a quote of 128 bytes. */
  readonly extensions?: Uint8Array;
  /** The probe as the router saw it, where a NAT changed it on the way. */
  readonly packet?: Uint8Array;
}

/** The reply to an echo request: its data, or `data` instead. */
export function echoReply(
  probe: FakeProbe,
  options: FakeAnswerOptions & { readonly data?: Uint8Array; readonly sequence?: number } = {},
): FakeArrival {
  const header = probe.data.slice(0, 8);
  header[0] = probe.family === 4 ? 0 : 129;
  if (options.sequence !== undefined) new DataView(header.buffer).setUint16(6, options.sequence);
  const icmp = concat(header, options.data ?? probe.data.subarray(8));
  return arrival(probe, icmp, { from: probe.destination, ...options });
}

/** Time exceeded in transit (code 0) or in reassembly (code 1). */
export function timeExceeded(probe: FakeProbe, options: FakeErrorOptions): FakeArrival {
  return icmpError(probe, { ...options, type: probe.family === 4 ? 11 : 3 });
}

/** Destination unreachable; code 1 (IPv4 host) or 3 (IPv6 address) when absent. */
export function unreachable(probe: FakeProbe, options: FakeErrorOptions): FakeArrival {
  const [type, code] = probe.family === 4 ? [3, 1] : [1, 3];
  return icmpError(probe, { code, ...options, type });
}

/** Fragmentation needed (RFC 1191) or packet too big (RFC 4443). */
export function packetTooBig(
  probe: FakeProbe,
  options: FakeErrorOptions & { readonly mtu: number },
): FakeArrival {
  const [type, code] = probe.family === 4 ? [3, 4] : [2, 0];
  return icmpError(probe, { ...options, type, code, word: options.mtu });
}

/** Any ICMP error with that type; `word` is the 32-bit value at byte 4. */
export function icmpError(
  probe: FakeProbe,
  options: FakeErrorOptions & { readonly type: number; readonly word?: number },
): FakeArrival {
  const packet = (options.packet ?? probe.packet).slice();
  if (options.packet === undefined) expire(packet, probe.family);
  const limit = options.quoteLength ?? (probe.family === 4 ? 548 : 1232);
  let quote = packet.subarray(0, limit);
  if (options.extensions !== undefined) {
    const padded = new Uint8Array(128);
    padded.set(quote.subarray(0, 128));
    quote = padded;
  }
  const header = new Uint8Array(8);
  header[0] = options.type;
  header[1] = options.code ?? 0;
  new DataView(header.buffer).setUint32(4, options.word ?? 0);
  // RFC 4884 section 4: the quote's length in 32-bit words in byte 5, in ICMPv6 in 64-bit words in
  // byte 4.
  if (options.extensions !== undefined)
    header[probe.family === 4 ? 5 : 4] = probe.family === 4 ? 32 : 16;
  return arrival(probe, concat(header, quote, options.extensions ?? new Uint8Array()), options);
}

/** A path of routers to a target. */
export interface FakePath {
  /** Address of the router at each TTL from 1; `null` is silent. */
  readonly hops: readonly (string | null)[];
  /** Milliseconds there and back to each hop. Default: 5 for each hop. */
  readonly delayMs?: (ttl: number) => number;
}

/**
 * A network in which everything lies behind the same routers: they answer while the TTL is too
 * small, then the target.
 */
export function pathNetwork(path: FakePath): FakeNetwork {
  const delay = path.delayMs ?? ((ttl: number): number => 5 * ttl);
  return (probe) => {
    if (probe.ttl > path.hops.length) {
      const delayMs = delay(path.hops.length + 1);
      return [echoReply(probe, { delayMs, ttl: 64 - path.hops.length })];
    }
    const from = path.hops[probe.ttl - 1];
    if (from === null || from === undefined) return [];
    return [timeExceeded(probe, { from, delayMs: delay(probe.ttl), ttl: 255 - probe.ttl + 1 })];
  };
}

/** An IP packet around `payload`. */
export function ipPacket(
  header: {
    readonly family: 4 | 6;
    readonly source: string;
    readonly destination: string;
    readonly ttl: number;
    readonly tos: number;
    readonly identification?: number;
    readonly dontFragment?: boolean;
  },
  payload: Uint8Array,
): Uint8Array {
  const source = bytesOfAddress(header.source);
  const destination = bytesOfAddress(header.destination);
  if (header.family === 6) {
    const bytes = new Uint8Array(40);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, (0x60000000 | (header.tos << 20)) >>> 0);
    view.setUint16(4, payload.length);
    bytes[6] = 58;
    bytes[7] = header.ttl;
    bytes.set(source, 8);
    bytes.set(destination, 24);
    return concat(bytes, payload);
  }
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  bytes[1] = header.tos;
  view.setUint16(2, 20 + payload.length);
  view.setUint16(4, header.identification ?? 0);
  view.setUint16(6, header.dontFragment === true ? 0x4000 : 0);
  bytes[8] = header.ttl;
  bytes[9] = 1;
  bytes.set(source, 12);
  bytes.set(destination, 16);
  view.setUint16(10, onesComplementSum([bytes]));
  return concat(bytes, payload);
}

/**
 * `icmp` with its checksum filled in; ICMPv6 covers the addresses as well (RFC 4443 section 2.3).
 */
export function withChecksum(
  icmp: Uint8Array,
  between: { readonly family: 4 | 6; readonly source: string; readonly destination: string },
): Uint8Array {
  const bytes = icmp.slice();
  if (bytes.length < 4) return bytes;
  bytes.fill(0, 2, 4);
  const sum = onesComplementSum([pseudoHeader(bytes.length, between), bytes]);
  new DataView(bytes.buffer).setUint16(2, sum);
  return bytes;
}

/** Whether a receiver would find the checksum of `icmp` right. */
export function checksumHolds(
  icmp: Uint8Array,
  between: { readonly family: 4 | 6; readonly source: string; readonly destination: string },
): boolean {
  return onesComplementSum([pseudoHeader(icmp.length, between), icmp]) === 0;
}

/** One address without its zone, spelled as the library spells it. */
export function canonical(address: string): string {
  return formatAddress(bytesOfAddress(address));
}

function pseudoHeader(
  length: number,
  between: { readonly family: 4 | 6; readonly source: string; readonly destination: string },
): Uint8Array {
  if (between.family === 4) return new Uint8Array();
  const tail = new Uint8Array(8);
  new DataView(tail.buffer).setUint32(0, length);
  tail[7] = 58;
  return concat(bytesOfAddress(between.source), bytesOfAddress(between.destination), tail);
}

function arrival(probe: FakeProbe, icmp: Uint8Array, options: FakeAnswerOptions): FakeArrival {
  const { delayMs = 10, from = probe.destination, ttl, tos } = options;
  return {
    delayNs: Math.round(delayMs * NS_PER_MS),
    from,
    to: probe.source,
    icmp,
    ...(ttl === undefined ? {} : { ttl }),
    ...(tos === undefined ? {} : { tos }),
  };
}

/** The quoted header as a router sees it when the TTL runs out. */
function expire(packet: Uint8Array, family: 4 | 6): void {
  if (family === 6) {
    packet[7] = 1;
    return;
  }
  packet[8] = 1;
  packet.fill(0, 10, 12);
  const sum = onesComplementSum([packet.subarray(0, 20)]);
  new DataView(packet.buffer, packet.byteOffset).setUint16(10, sum);
}

/** The Internet checksum (RFC 1071) over the parts; each but the last has an even length. */
function onesComplementSum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 2) {
      sum += ((part[index] ?? 0) << 8) | (part[index + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function bytesOfAddress(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new TypeError(`Not an address: ${address}`);
  return parsed.bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
