import {
  CMSGHDR,
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_PKTINFO,
  IP_RECVERR,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_TCLASS,
  MSG_TRUNC,
  MSGHDR,
  SCM_TSTAMP_SND,
  SO_EE_ORIGIN_TIMESTAMPING,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOCK_EXTENDED_ERR,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOL_SOCKET,
  TIMESPEC,
} from "../../ffi/constants.ts";
import type { MessageBatch } from "../../ffi/msghdr.ts";
import type { Family } from "../../packet/address.ts";
import { Icmpv4Type, Icmpv6Type } from "../../packet/icmp-types.ts";
import { Reply } from "./reply.ts";

/** What an inbox needs to know of its socket. */
export interface InboxOptions {
  readonly family: Family;
  /** true for a raw socket, false for a datagram one. */
  readonly privileged: boolean;
  /** Seconds since 1970 that stamps count from. */
  readonly epochSeconds: number;
}

const ICMP_HEADER_LENGTH = 8;
const MIN_HEADER_WORDS = 5;
const NO_KEY = -1;

/**
 * Reads echo replies and transmit stamps where recvmmsg(2) has put them, by word: a reply takes
 * 0.05 us, where decoding it to objects takes 2 us. Whatever else arrives is rare enough for the
 * decoders.
 */
export class Inbox {
  /** The reply that `readReply` found last. */
  readonly reply: Reply;
  /** What `readStamp` found last. */
  stampKey: number = NO_KEY;
  stampNs = 0;
  readonly #options: InboxOptions;
  readonly #hasIpHeader: boolean;
  readonly #type: number;

  constructor(options: InboxOptions) {
    const { family, privileged } = options;
    this.#options = options;
    this.#hasIpHeader = privileged && family === 4;
    this.#type = family === 4 ? Icmpv4Type.EchoReply : Icmpv6Type.EchoReply;
    this.reply = new Reply(family);
  }

  /** The sequence number of message `index` if it is an echo reply; -1 if not. */
  sequenceAt(batch: MessageBatch, index: number): number {
    const { words } = batch;
    const start = batch.dataOffset(index) >> 2;
    const at = this.#hasIpHeader ? start + ((words[start] as number) & 0x0f) : start;
    if (batch.messageLength(index) < ((at - start) << 2) + ICMP_HEADER_LENGTH) return -1;
    if (((words[at] as number) & 0xff) !== this.#type) return -1;
    return swap16((words[at + 1] as number) >>> 16);
  }

  /** Reads message `index` into `reply` if it is an echo reply; tells whether it is. */
  readReply(batch: MessageBatch, index: number): boolean {
    const { reply } = this;
    const { words } = batch;
    const start = batch.dataOffset(index);
    const first = start >> 2;
    let end = start + batch.messageLength(index);
    let icmp = start;
    if (this.#hasIpHeader) {
      const word = words[first] as number;
      const headerWords = word & 0x0f;
      if (end - start < MIN_HEADER_WORDS * 4 || (word & 0xf0) !== 0x40) return false;
      if (headerWords < MIN_HEADER_WORDS) return false;
      icmp += headerWords * 4;
      // The kernel checked the total length against what it received; bytes after it are link-layer
      // padding.
      end = Math.min(end, start + swap16(word >>> 16));
    }
    const at = icmp >> 2;
    if (end - icmp < ICMP_HEADER_LENGTH || ((words[at] as number) & 0xff) !== this.#type)
      return false;
    reply.bytes = batch.bytes;
    reply.words = words;
    reply.start = start;
    reply.end = end;
    reply.icmp = icmp;
    const echo = words[at + 1] as number;
    reply.identifier = swap16(echo & 0xffff);
    reply.sequence = swap16(echo >>> 16);
    this.#readOrigin(batch, index);
    this.#readControl(batch, index);
    // Of a packet that did not fit, the checksum says nothing.
    const flags = words[(batch.headerOffset(index) + MSGHDR.flags) >> 2] as number;
    reply.hasRightChecksum =
      !this.#hasIpHeader || (flags & MSG_TRUNC) !== 0 || isChecksumRight(words, icmp, end);
    return true;
  }

  /**
   * Reads `stampKey` and `stampNs` of message `index` of the error queue, if it is a transmit
   * stamp; tells whether it is.
   */
  readStamp(batch: MessageBatch, index: number): boolean {
    const { words } = batch;
    this.stampKey = NO_KEY;
    this.stampNs = Number.NaN;
    let isStamp = false;
    let at = batch.controlOffset(index) >> 2;
    const end = at + this.#controlWords(batch, index);
    while (at + (CMSGHDR.size >> 2) <= end) {
      const length = words[at + (CMSGHDR.length >> 2)] as number;
      if (length < CMSGHDR.size) break;
      const level = words[at + (CMSGHDR.level >> 2)] as number;
      const type = words[at + (CMSGHDR.type >> 2)] as number;
      const data = at + (CMSGHDR.size >> 2);
      if (level === SOL_SOCKET && type === SO_TIMESTAMPING) {
        this.stampNs = this.#timeAt(words, data, 1) ?? Number.NaN;
      } else if (isExtendedError(level, type)) {
        // Origin, type, code and padding are the bytes of one word.
        const origin = (words[data + (SOCK_EXTENDED_ERR.origin >> 2)] as number) & 0xff;
        isStamp = origin === SO_EE_ORIGIN_TIMESTAMPING;
        const info = words[data + (SOCK_EXTENDED_ERR.info >> 2)] as number;
        if (isStamp && info === SCM_TSTAMP_SND)
          this.stampKey = (words[data + (SOCK_EXTENDED_ERR.data >> 2)] as number) >>> 0;
      }
      // CMSG_ALIGN: they begin at multiples of 8.
      at += ((length + 7) & ~7) >> 2;
    }
    if (Number.isNaN(this.stampNs)) this.stampKey = NO_KEY;
    return isStamp;
  }

  #controlWords(batch: MessageBatch, index: number): number {
    return (batch.words[(batch.headerOffset(index) + MSGHDR.controlLength) >> 2] as number) >> 2;
  }

  /** Who sent it. */
  #readOrigin(batch: MessageBatch, index: number): void {
    const { reply } = this;
    const { words } = batch;
    reply.scopeId = 0;
    reply.receiver = -1;
    if (this.#hasIpHeader) {
      const header = reply.start >> 2;
      reply.tos = ((words[header] as number) >>> 8) & 0xff;
      reply.ttl = (words[header + 2] as number) & 0xff;
      reply.sender = header + 3;
      reply.receiver = header + 4;
      return;
    }
    reply.tos = null;
    reply.ttl = null;
    const name = batch.nameOffset(index);
    const length = words[(batch.headerOffset(index) + MSGHDR.nameLength) >> 2] as number;
    if (this.#options.family === 4) {
      reply.sender = length < SOCKADDR_IN.size ? -1 : (name + SOCKADDR_IN.address) >> 2;
      return;
    }
    reply.sender = length < SOCKADDR_IN6.size ? -1 : (name + SOCKADDR_IN6.address) >> 2;
    reply.scopeId = words[(name + SOCKADDR_IN6.scopeId) >> 2] as number;
  }

  #readControl(batch: MessageBatch, index: number): void {
    const { reply } = this;
    const { words } = batch;
    reply.stampNs = null;
    let at = batch.controlOffset(index) >> 2;
    const end = at + this.#controlWords(batch, index);
    while (at + (CMSGHDR.size >> 2) <= end) {
      const length = words[at + (CMSGHDR.length >> 2)] as number;
      if (length < CMSGHDR.size) return;
      const level = words[at + (CMSGHDR.level >> 2)] as number;
      const type = words[at + (CMSGHDR.type >> 2)] as number;
      const data = at + (CMSGHDR.size >> 2);
      if (level === SOL_SOCKET) {
        if (type === SO_TIMESTAMPING) reply.stampNs = this.#timeAt(words, data, 1);
        else if (type === SO_TIMESTAMP) reply.stampNs = this.#timeAt(words, data, 1000);
      } else if (level === IPPROTO_IP) {
        if (type === IP_TTL) reply.ttl = words[data] as number;
        // One byte, unlike every other (net/ipv4/ip_sockglue.c, ip_cmsg_recv_tos).
        else if (type === IP_TOS) reply.tos = (words[data] as number) & 0xff;
        else if (type === IP_PKTINFO) reply.receiver = data + (IN_PKTINFO.address >> 2);
      } else if (level === IPPROTO_IPV6) {
        if (type === IPV6_HOPLIMIT) reply.ttl = words[data] as number;
        else if (type === IPV6_TCLASS) reply.tos = words[data] as number;
        else if (type === IPV6_PKTINFO) reply.receiver = data + (IN6_PKTINFO.address >> 2);
      }
      at += ((length + 7) & ~7) >> 2;
    }
  }

  /**
   * A `timespec`, or a `timeval`, which has microseconds in the same place; null when it is zero:
   * only hardware stamped.
   */
  #timeAt(words: Int32Array, data: number, fractionNs: number): number | null {
    const seconds = data + (TIMESPEC.seconds >> 2);
    const low = (words[seconds] as number) >>> 0;
    const high = words[seconds + 1] as number;
    const fraction = words[data + (TIMESPEC.nanoseconds >> 2)] as number;
    if (low === 0 && fraction === 0) return null;
    return (high * 2 ** 32 + low - this.#options.epochSeconds) * 1e9 + fraction * fractionNs;
  }
}

function isExtendedError(level: number, type: number): boolean {
  return (
    (level === IPPROTO_IP && type === IP_RECVERR) ||
    (level === IPPROTO_IPV6 && type === IPV6_RECVERR)
  );
}

/**
 * Whether the checksum of the ICMP message from `start` to `end` is right: the sum may be taken in
 * memory order (RFC 1071 section 2 B).
 */
function isChecksumRight(words: Int32Array, start: number, end: number): boolean {
  let sum = 0;
  const whole = end >> 2;
  for (let index = start >> 2; index < whole; index++) {
    const word = words[index] as number;
    sum += (word & 0xffff) + (word >>> 16);
  }
  const rest = end & 3;
  if (rest > 0) {
    // Bytes behind the end are left of an earlier message.
    const word = (words[whole] as number) & ((1 << (8 * rest)) - 1);
    sum += (word & 0xffff) + (word >>> 16);
  }
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum === 0xffff;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
