/**
 * What tells one probe of a sweep from all others, on its way out and back. One object serves for
 * all of them in turn, since an object for each would cost more than sending it. All 32-bit words
 * are signed.
 */
export interface SweepProbe {
  /** An IPv4 destination, or who answered. */
  ipv4: number;
  /** An IPv6 one, as four words in memory order. */
  readonly ipv6: Int32Array;
  /** Sequence of the ICMP header. */
  sequence: number;
  /** The two halves of the cookie. */
  low: number;
  high: number;
  /** Which target it is. */
  number: number;
  /** When it was sent, as far as known beforehand, in microseconds. */
  time: number;
}

/** Bytes of data that cookie, number and time take, at the start. */
export const IDENTITY_LENGTH = 16;

/** An echo reply. If its data are shorter than an identity, zeros stand for the rest of it. */
export interface SweepReplyPacket extends SweepProbe {
  /** Bytes of ICMP data. */
  length: number;
  /** TTL or hop limit on arrival; -1 when not known. */
  ttl: number;
  /** Kernel receive stamp (real-time scale); NaN when there is none. */
  stampNs: number;
  /** Whether length or data, identity aside, are not those that were sent. */
  isAltered: boolean;
  /** Whether data that are altered are the beginning of what was sent. */
  isCut: boolean;
  /**
   * Fails on raw IPv4 sockets only: the other three leave the check to the kernel, which drops the
   * packet.
   */
  hasRightChecksum: boolean;
}

/** Length of an ICMP echo header in bytes. */
export const ECHO_HEADER_LENGTH = 8;

/**
 * Which bits of a word in memory order are in its first `length` bytes: none up to 0, all from 4.
 */
export function leadingBits(length: number): number {
  if (length >= 4) return -1;
  return length <= 0 ? 0 : (1 << (8 * length)) - 1;
}

/** The four bytes of a word in reverse order. */
export function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
