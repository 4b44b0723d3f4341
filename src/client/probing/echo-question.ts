import type { Family } from "../../packet/address.ts";
import { checksumSum } from "../../packet/checksum.ts";
import { echoRequestType, quotedPseudoSum } from "../transport/arrival.ts";
import type { Reply } from "../transport/reply.ts";
import { swapBytes } from "../transport/sweep-probe.ts";
import type { ErrorArrival, ProbeIdentity, QuotedProbe } from "../transport/transport.ts";
import { isBeginning } from "./kept-bytes.ts";
import type { Likeness, Proof, Question } from "./question.ts";

// An echo message as 32-bit words (RFC 792, RFC 4443 section 4.1), and its data, which begin with
// what identifies a probe when they have room:
const HEADER = 8;
const TYPE_WORD = 0; // type, code, checksum
const IDENTITY_WORD = 1; // identifier, sequence number
const NONCE_WORD = 2; // 8 bytes: random, the same for all probes of a client
const NUMBER_WORD = 4; // 4 bytes: which probe of that client
const BALANCE_WORD = 5; // 2 bytes: whatever keeps the ICMP checksum the same for every probe

const COOKIE_LENGTH = 12;
const COOKIE_AND_BALANCE_LENGTH = 14;
const BALANCE_LENGTH = 2;
/** A quote that reaches so far into the cookie cannot be guessed: 32 random bits. */
const PROVING_LENGTH = 4;

/** Length of the random part of a cookie in bytes. */
export const NONCE_LENGTH = 8;

/** What the echo requests of a run are made of. */
export interface EchoQuestionOptions {
  readonly family: Family;
  /** The number of data bytes to send, or the caller's own bytes. */
  readonly content: number | Uint8Array;
  /** 8 random bytes of this client. */
  readonly nonce: Uint8Array;
  /** The checksum that every probe shall have, 1 to 0xfffe. */
  readonly flow: number;
}

/**
 * Makes the echo requests of one run, and recognises what comes back.
 *
 * With 14 bytes of data or more: a cookie (nonce and probe number) that nobody off the path can
 * guess, then two balancing bytes that hold the ICMP checksum constant. Load balancers hash those
 * 16 checksum bits as they hash ports, so all probes of a run take one path, as in Paris
 * traceroute. With 2 to 13 bytes there is room for the balance only. A caller's own payload is sent
 * untouched, with neither.
 */
export class EchoQuestion implements Question {
  readonly length: number;
  /** Whether the data have a cookie. */
  readonly hasSecret: boolean;
  readonly #type: number;
  readonly #flow: number;
  /**
   * A message, and up to 3 zeros behind it; what differs from probe to probe is that of the one
   * written last.
   */
  readonly #padded: Uint8Array;
  readonly #message: Uint8Array;
  readonly #words: Int32Array;
  /** Where the balance is; -1 for nowhere. */
  readonly #balanceWord: number;
  /** The other half of that word. */
  readonly #balanceRest: number;
  /** Sum of all 16-bit words but identifier, sequence number, probe number and balance. */
  readonly #constantSum: number;

  constructor({ family, content, nonce, flow }: EchoQuestionOptions) {
    const size = typeof content === "number" ? content : content.length;
    this.length = HEADER + size;
    this.#type = echoRequestType(family);
    this.#flow = flow;
    this.#padded = new Uint8Array((this.length + 3) & ~3);
    this.#words = new Int32Array(this.#padded.buffer);
    this.#message = this.#padded.subarray(0, this.length);
    const data = this.#message.subarray(HEADER);
    if (typeof content === "number") for (let at = 0; at < size; at++) data[at] = at & 0xff;
    else data.set(content);
    this.hasSecret = typeof content === "number" && size >= COOKIE_AND_BALANCE_LENGTH;
    this.#balanceWord = -1;
    if (this.hasSecret) {
      data.set(nonce);
      data.fill(0, NONCE_LENGTH, COOKIE_AND_BALANCE_LENGTH);
      this.#balanceWord = BALANCE_WORD;
    } else if (typeof content === "number" && size >= BALANCE_LENGTH) {
      data.fill(0, 0, BALANCE_LENGTH);
      this.#balanceWord = NONCE_WORD;
    }
    this.#message[0] = this.#type;
    this.#balanceRest = this.#balanceWord < 0 ? 0 : (this.#words[this.#balanceWord] as number);
    this.#constantSum = checksumSum(this.#message);
  }

  layOut(bytes: Uint8Array, offset: number): void {
    bytes.set(this.#padded, offset);
  }

  complete(words: Int32Array, at: number, { identifier, sequence, number }: ProbeIdentity): void {
    let sum = this.#constantSum + identifier + sequence;
    if (this.hasSecret) {
      sum += (number >>> 16) + (number & 0xffff);
      words[at + NUMBER_WORD] = swapBytes(number | 0);
    }
    let checksum = ~fold(sum) & 0xffff;
    if (this.#balanceWord >= 0) {
      // The checksum is the complement of the sum, so the balance must lift the sum to the
      // complement of the flow.
      const balance = fold((~this.#flow & 0xffff) + checksum);
      words[at + this.#balanceWord] = this.#balanceRest | swap16(balance);
      checksum = this.#flow;
    }
    words[at + IDENTITY_WORD] = swap16(identifier) | (swap16(sequence) << 16);
    // The kernel puts in its own on all but raw IPv4 sockets (raw(7), RFC 3542 section 3.1,
    // icmp(7)).
    words[at + TYPE_WORD] = this.#type | (swap16(checksum) << 16);
  }

  encode(identity: ProbeIdentity): Uint8Array {
    this.complete(this.#words, 0, identity);
    return this.#message;
  }

  keyOf(answer: Reply | QuotedProbe, identifier: number): number {
    return answer.identifier === identifier ? answer.sequence : -1;
  }

  isOurs(reply: Reply, identity: ProbeIdentity): Likeness {
    const { words } = reply;
    const own = this.#words;
    const at = reply.icmp >> 2;
    const length = reply.end - reply.icmp;
    let first = NONCE_WORD;
    if (this.hasSecret) {
      if (length < HEADER + COOKIE_LENGTH) return "foreign";
      const isCookie =
        words[at + NONCE_WORD] === own[NONCE_WORD] &&
        words[at + NONCE_WORD + 1] === own[NONCE_WORD + 1] &&
        words[at + NUMBER_WORD] === swapBytes(identity.number | 0);
      if (!isCookie) return "foreign";
      first = BALANCE_WORD;
    }
    if (length !== this.length) return "altered";
    this.complete(own, 0, identity);
    const whole = length >> 2;
    let difference = 0;
    for (let index = first; index < whole; index++)
      difference |= (words[at + index] as number) ^ (own[index] as number);
    const rest = length & 3;
    // Bytes behind the end are left of an earlier message.
    if (rest > 0 && whole >= first)
      difference |=
        ((words[at + whole] as number) ^ (own[whole] as number)) & ((1 << (8 * rest)) - 1);
    return difference === 0 ? "same" : "altered";
  }

  isCut(reply: Reply, identity: ProbeIdentity): boolean {
    return isBeginning(reply.data, this.#dataOf(identity));
  }

  /**
   * Routers cut quotes short, and pad them with zeros (RFC 4884 section 5.5): what is there of the
   * cookie must agree.
   */
  isQuoted({ data }: QuotedProbe, identity: ProbeIdentity): Proof {
    if (!this.hasSecret) return "unproven";
    const expected = this.#dataOf(identity);
    const given = lengthWithoutPadding(data);
    const common = Math.min(given, COOKIE_LENGTH);
    for (let index = 0; index < common; index++) {
      if (data[index] !== expected[index]) return "foreign";
    }
    return given >= PROVING_LENGTH ? "proven" : "unproven";
  }

  checksums(
    error: ErrorArrival,
    destination: string,
    identity: ProbeIdentity,
  ): { readonly own: number; readonly sent: number } | undefined {
    const pseudoSum = quotedPseudoSum(error, destination, this.length - HEADER);
    if (pseudoSum === undefined) return undefined;
    this.complete(this.#words, 0, identity);
    const own = swap16((this.#words[TYPE_WORD] as number) >>> 16);
    return { own, sent: ~fold((~own & 0xffff) + pseudoSum) & 0xffff };
  }

  #dataOf(identity: ProbeIdentity): Uint8Array {
    return this.encode(identity).subarray(HEADER);
  }
}

function lengthWithoutPadding(data: Uint8Array): number {
  let length = data.length;
  while (length > 0 && data[length - 1] === 0) length -= 1;
  return length;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
