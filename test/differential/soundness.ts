/**
 * Whether parts of a packet are what their RFCs demand, decided with no code of the library, so
 * that a difference from tshark is explained by the packet and not by our reading of it.
 *
 * @module
 */

/** What follows the IP header, and its extension headers. */
export interface IpContent {
  readonly version: number;
  /** The length of the packet, as it says. */
  readonly claimed: number;
  /** Protocol, or last next header. */
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly length: number;
  /** ICMP type. */
  readonly type: number;
  /** Header length of a TCP header, in bytes. */
  readonly tcpLength: number;
}

const IPV6_HEADER_LENGTH = 40;
const FRAGMENT = 44;
const OPTION_HEADERS = [0, 60];
const ROUTING = 43;
const SEGMENT_ROUTING = 4;
const IPV4_TRANSPORTS = [1, 58];

/** Walks over the IP header at the start of a packet. */
export function bytesAfterIp(bytes: Uint8Array): IpContent {
  const version = (bytes[0] ?? 0) >> 4;
  const [protocol, start] =
    version === 4 ? [bytes[9] ?? -1, ((bytes[0] ?? 0) & 15) * 4] : walkChain(bytes, () => {});
  const payload = bytes.subarray(start);
  return {
    version,
    claimed: version === 4 ? word(bytes, 2) : IPV6_HEADER_LENGTH + word(bytes, 4),
    ...{ protocol, payload, length: payload.length },
    type: payload[0] ?? -1,
    tcpLength: ((payload[12] ?? 0) >> 4) * 4,
  };
}

/** The IP version that an ICMP protocol number belongs to. */
export function familyOfIcmp(protocol: number): 4 | 6 | undefined {
  if (protocol === 1) return 4;
  return protocol === 58 ? 6 : undefined;
}

/**
 * Whether all IPv4 options of a packet, and of a packet that it quotes, are as RFC 791 and RFC 2113
 * have them.
 */
export function hasSoundIpv4Options(bytes: Uint8Array): boolean {
  return packets(bytes).every((packet) => {
    if ((packet[0] ?? 0) >> 4 !== 4) return true;
    return areSoundIpv4Options(packet.subarray(20, ((packet[0] ?? 0) & 15) * 4));
  });
}

/**
 * Whether all IPv6 options of a packet, and of a packet that it quotes, fill their headers exactly.
 */
export function hasSoundIpv6Options(bytes: Uint8Array): boolean {
  return packets(bytes).every((packet) => {
    let sound = true;
    if ((packet[0] ?? 0) >> 4 !== 6) return true;
    walkChain(packet, (next, header) => {
      if (OPTION_HEADERS.includes(next)) sound &&= areSoundIpv6Options(header.subarray(2));
    });
    return sound;
  });
}

/**
 * Whether the first IPv4 option of a packet, or of one that it quotes, is a source route that
 * points at none of its slots.
 */
export function hasBadSourceRoutePointer(bytes: Uint8Array): boolean {
  return packets(bytes).some((packet) => {
    const options = packet.subarray(20);
    const [type = 0, length = 0, pointer = 0] = options.subarray(
      options.findIndex((byte) => byte !== 1),
    );
    return (
      (packet[0] ?? 0) >> 4 === 4 &&
      (type === 131 || type === 137) &&
      (pointer > length || pointer < 4 || pointer % 4 !== 0)
    );
  });
}

/**
 * Whether routing headers have room for the segments that they say are left (RFC 8200 section 4.4,
 * RFC 8754 section 2).
 */
export function hasSoundRoutingHeaders(bytes: Uint8Array): boolean {
  return packets(bytes).every((packet) => {
    let sound = true;
    if ((packet[0] ?? 0) >> 4 !== 6) return true;
    walkChain(packet, (next, header) => {
      if (next !== ROUTING) return;
      const [, units = 0, type, left = 0, last = 0] = header;
      sound &&= left <= units / 2 && (type !== SEGMENT_ROUTING || (last + 1) * 2 <= units);
    });
    return sound;
  });
}

/**
 * Whether bytes are an RFC 4884 structure: version 2, a good checksum or none, and objects that
 * fill it.
 */
export function isSoundStructure(bytes: Uint8Array): boolean {
  if (bytes.length < 4 || (bytes[0] ?? 0) >> 4 !== 2) return false;
  if (word(bytes, 2) !== 0 && onesComplementSum(bytes) !== 0xffff) return false;
  let at = 4;
  while (at + 4 <= bytes.length) {
    const length = word(bytes, at);
    if (length < 4 || length % 4 !== 0) return false;
    at += length;
  }
  return at === bytes.length;
}

/** The lengths of the objects of an RFC 4884 structure, as they say. */
export function objectLengths(structure: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let at = 4; at + 4 <= structure.length; at += lengths.at(-1) ?? 0) {
    const length = word(structure, at);
    if (length < 4) break;
    lengths.push(length);
  }
  return lengths;
}

/** The packet itself, and the one that it quotes if it is an ICMP error. */
function packets(bytes: Uint8Array): Uint8Array[] {
  const { protocol, payload, type } = bytesAfterIp(bytes);
  if (!IPV4_TRANSPORTS.includes(protocol) || payload.length < 9) return [bytes];
  // The redirected header option of a neighbour redirect begins after two addresses (RFC 4861
  // section 4.5).
  const at = protocol === 58 && type === 137 ? 48 : 8;
  return [bytes, payload.subarray(at)];
}

function areSoundIpv4Options(options: Uint8Array): boolean {
  for (let at = 0; at < options.length; ) {
    const type = options[at] ?? 0;
    if (type === 0) return true;
    if (type === 1) {
      at += 1;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) return false;
    if (!isSoundIpv4Option(type, options.subarray(at, at + length))) return false;
    at += length;
  }
  return true;
}

function isSoundIpv4Option(type: number, option: Uint8Array): boolean {
  const pointer = option[2] ?? 0;
  switch (type) {
    case 7:
    case 131:
    case 137:
      return (
        option.length % 4 === 3 && pointer % 4 === 0 && pointer >= 4 && pointer <= option.length + 1
      );
    case 68: {
      const flag = (option[3] ?? 0) & 15;
      const entry = flag === 0 ? 4 : 8;
      return (
        [0, 1, 3].includes(flag) &&
        option.length % entry === 4 % entry &&
        pointer >= 5 &&
        pointer <= option.length + 1
      );
    }
    case 148:
      return option.length === 4;
    default:
      return true;
  }
}

function areSoundIpv6Options(options: Uint8Array): boolean {
  let at = 0;
  while (at < options.length) {
    if (options[at] === 0) {
      at += 1;
      continue;
    }
    const length = options[at + 1];
    if (length === undefined || (options[at] === 5 && length !== 2)) return false;
    at += 2 + length;
  }
  return at === options.length;
}

/** Gives the last next header and where it begins. */
function walkChain(
  bytes: Uint8Array,
  visit: (type: number, header: Uint8Array) => void,
): [number, number] {
  let next = bytes[6] ?? -1;
  let at = IPV6_HEADER_LENGTH;
  while (OPTION_HEADERS.includes(next) || next === ROUTING || next === FRAGMENT || next === 51) {
    const units = bytes[at + 1];
    if (units === undefined) break;
    const length = next === FRAGMENT ? 8 : next === 51 ? (units + 2) * 4 : (units + 1) * 8;
    visit(next, bytes.subarray(at, at + length));
    next = bytes[at] ?? -1;
    at += length;
  }
  return [next, at];
}

function onesComplementSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
