import { CONTROL_PADDING, type ControlRequest, encodeControl } from "../../ffi/cmsg.ts";
import { AF_INET, AF_INET6, SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/constants.ts";
import { MessageBatch } from "../../ffi/msghdr.ts";
import type { Family } from "../../packet/address.ts";
import { echoRequestType } from "./arrival.ts";
import { ECHO_HEADER_LENGTH, type SweepProbe, swapBytes } from "./sweep-probe.ts";

/** What all probes of an outbox share. */
export interface EchoOutboxOptions {
  readonly family: Family;
  readonly identifier: number;
  /**
   * The ICMP data of all probes, zeros where the identity of each comes: its first
   * `IDENTITY_LENGTH` bytes.
   */
  readonly filler: Uint8Array;
  /** The control message that every probe needs. */
  readonly control: ControlRequest;
}

// TTL, traffic class and packet information: 24, 24 and 40 bytes.
const CONTROL_ROOM = 96;
const MAX_ARENA = 4 << 20;
const MAX_COUNT = 256;
const MIN_COUNT = 16;

/**
 * Echo requests laid out once for sendmmsg(2): headers, addresses and data. For each probe only
 * destination, sequence, identity and checksum are written, which takes 0.02 us, where encoding a
 * message from scratch takes 0.9 us.
 */
export class EchoOutbox {
  readonly batch: MessageBatch;
  readonly #family: Family;
  readonly #words: Int32Array;
  /**
   * Index in `words` of the first destination and of the first message, and the words from one to
   * the next.
   */
  readonly #address: number;
  readonly #addressStride: number;
  readonly #message: number;
  readonly #messageStride: number;
  readonly #typeWord: number;
  readonly #identifierWord: number;
  /** Sum of all 16-bit words of a message that stay the same. */
  readonly #constantSum: number;

  constructor({ family, identifier, filler, control }: EchoOutboxOptions) {
    const length = ECHO_HEADER_LENGTH + filler.length;
    const room = (length + 7) & ~7;
    const count = Math.max(MIN_COUNT, Math.min(MAX_COUNT, Math.floor(MAX_ARENA / room)));
    const batch = new MessageBatch({ count, controlLength: CONTROL_ROOM, dataLength: room });
    const { view, words } = batch;
    for (let index = 0; index < count; index++) {
      const name = batch.nameOffset(index);
      view.setUint16(name, family === 4 ? AF_INET : AF_INET6, true);
      const dataOffset = batch.dataOffset(index);
      view.setUint8(dataOffset, echoRequestType(family));
      view.setUint16(dataOffset + 4, identifier);
      new Uint8Array(view.buffer, dataOffset + ECHO_HEADER_LENGTH, filler.length).set(filler);
      const controlLength = encodeControl(control, family, {
        view,
        offset: batch.controlOffset(index),
      });
      batch.setForSend(index, {
        name: family === 4 ? SOCKADDR_IN.size : SOCKADDR_IN6.size,
        control: Math.max(0, controlLength - CONTROL_PADDING),
        data: length,
        dataOffset,
      });
    }
    this.batch = batch;
    this.#family = family;
    this.#words = words;
    this.#address =
      (batch.nameOffset(0) + (family === 4 ? SOCKADDR_IN.address : SOCKADDR_IN6.address)) >> 2;
    this.#addressStride = (batch.nameOffset(1) - batch.nameOffset(0)) >> 2;
    this.#message = batch.dataOffset(0) >> 2;
    this.#messageStride = room >> 2;
    this.#typeWord = words[this.#message] as number;
    this.#identifierWord = words[this.#message + 1] as number;
    this.#constantSum = this.#sumOfConstants();
  }

  /** How many probes it holds. */
  get count(): number {
    return this.batch.count;
  }

  /**
   * Changes the interface that all probes leave by, which `control` must have had from the
   * beginning if it has one, and that of link-local targets (0 for none).
   */
  setInterface(control: ControlRequest, scopeId: number): void {
    const { view } = this.batch;
    for (let index = 0; index < this.count; index++) {
      encodeControl(control, this.#family, { view, offset: this.batch.controlOffset(index) });
      if (this.#family === 6)
        view.setUint32(this.batch.nameOffset(index) + SOCKADDR_IN6.scopeId, scopeId, true);
    }
  }

  /** Writes probe `index` to `probe.ipv4`; gives its ICMP checksum. */
  setIpv4(index: number, probe: SweepProbe): number {
    this.#words[this.#address + index * this.#addressStride] = swapBytes(probe.ipv4);
    return this.#setMessage(index, probe);
  }

  /** Writes probe `index` to `probe.ipv6`; gives its ICMP checksum without the pseudo header. */
  setIpv6(index: number, probe: SweepProbe): number {
    this.#words.set(probe.ipv6, this.#address + index * this.#addressStride);
    return this.#setMessage(index, probe);
  }

  #setMessage(index: number, probe: SweepProbe): number {
    const words = this.#words;
    const at = this.#message + index * this.#messageStride;
    const { sequence } = probe;
    // In memory order: the sum of RFC 1071 may be taken in either (section 2 B).
    const wireSequence = ((sequence & 0xff) << 8) | (sequence >>> 8);
    words[at + 1] = this.#identifierWord | (wireSequence << 16);
    const { low, high, number, time } = probe;
    words[at + 2] = low;
    words[at + 3] = high;
    words[at + 4] = number;
    words[at + 5] = time;
    let sum = this.#constantSum + wireSequence;
    sum += (low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16);
    sum += (number & 0xffff) + (number >>> 16) + (time & 0xffff) + (time >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    // Except on raw IPv4 sockets, the kernel overwrites this checksum (raw(7), RFC 3542 section
    // 3.1, icmp(7)).
    words[at] = this.#typeWord | (~sum << 16);
    return ((~sum & 0xff) << 8) | ((~sum >>> 8) & 0xff);
  }

  #sumOfConstants(): number {
    let sum = 0;
    for (let index = 0; index < this.#messageStride; index++) {
      const word = this.#words[this.#message + index] as number;
      sum += (word & 0xffff) + (word >>> 16);
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return sum;
  }
}
