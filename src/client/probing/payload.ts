import { checksumSum } from "../../packet/checksum.ts";

// The payload of a probe, when it has room, begins with what identifies it:
const NONCE = 0; // 8 bytes: random, the same for all probes of a client
const NUMBER = 8; // 4 bytes: which probe of that client
const BALANCE = 12; // 2 bytes: whatever keeps the ICMP checksum the same for every probe

const COOKIE_LENGTH = 12;
const COOKIE_AND_BALANCE_LENGTH = 14;
const BALANCE_LENGTH = 2;
/** A quote that reaches so far into the cookie cannot be guessed: 32 random bits. */
const PROVING_LENGTH = 4;

/** Length of the random part of a cookie in bytes. */
export const NONCE_LENGTH = 8;

/** Which echo request it is, as its header and cookie say. */
export interface EchoIdentity {
  /** What the cookie carries: 32 bits. */
  readonly number: number;
  /** ICMP type of the request: 8, or 128 in ICMPv6. */
  readonly type: number;
  readonly identifier: number;
  readonly sequence: number;
}

/** What a reply's or a quote's data says about whose probe it answers. */
export type PayloadMatch = "same" | "altered" | "foreign";

/**
 * Makes and recognises the ICMP data of the probes of one run.
 *
 * With 14 bytes or more: a cookie (nonce and probe number) that nobody off the path can guess, then two balancing
 * bytes that hold the ICMP checksum constant. Load balancers hash those 16 checksum bits as they hash ports, so all
 * probes of a run take one path, as in Paris traceroute. With 2 to 13 bytes there is room for the balance only. A
 * caller's own payload is sent untouched, with neither.
 */
export class Payload {
  readonly length: number;
  readonly #outgoing: Copy;
  /** A second copy: answers are matched while a probe is being sent. */
  readonly #expected: Copy;
  /** Sum of all 16-bit words but number and balance. */
  readonly #constantSum: number;
  readonly #hasCookie: boolean;
  readonly #balanceAt: number | undefined;
  readonly #flow: number;

  /**
   * @param content the number of data bytes to send, or the caller's own bytes
   * @param nonce 8 random bytes of this client
   * @param flow the checksum that every probe shall have, 1 to 0xfffe
   */
  constructor(content: number | Uint8Array, nonce: Uint8Array, flow: number) {
    this.#flow = flow;
    const isOurs = typeof content === "number";
    const data = isOurs
      ? Uint8Array.from({ length: content }, (_, index) => index & 0xff)
      : new Uint8Array(content);
    this.length = data.length;
    this.#hasCookie = isOurs && content >= COOKIE_AND_BALANCE_LENGTH;
    if (this.#hasCookie) {
      data.set(nonce, NONCE);
      data.fill(0, NUMBER, COOKIE_AND_BALANCE_LENGTH);
      this.#balanceAt = BALANCE;
    } else if (isOurs && content >= BALANCE_LENGTH) {
      data.fill(0, 0, BALANCE_LENGTH);
      this.#balanceAt = 0;
    }
    this.#constantSum = checksumSum(data);
    this.#outgoing = copyOf(data);
    this.#expected = copyOf(data);
  }

  /** Whether answers can be told from forgeries by their data. */
  get hasCookie(): boolean {
    return this.#hasCookie;
  }

  /** Whether a quote that {@link match} calls ours reaches far enough to prove that its sender saw the probe. */
  isProvenBy(quoted: Uint8Array): boolean {
    return this.#hasCookie && lengthWithoutPadding(quoted) >= PROVING_LENGTH;
  }

  /** The checksum of a probe. `pseudoSum` is the sum of the pseudo header, which ICMPv6 has and ICMPv4 has not. */
  checksumOf({ type, identifier, sequence }: EchoIdentity, pseudoSum: number): number {
    const isBalanced = this.#balanceAt !== undefined;
    const sum = isBalanced
      ? ~this.#flow & 0xffff
      : this.#constantSum + (type << 8) + identifier + sequence;
    return ~fold(sum + pseudoSum) & 0xffff;
  }

  /** The data to send for one probe, valid until the next call. */
  bytesOf(echo: EchoIdentity): Uint8Array {
    return this.#fill(this.#outgoing, echo);
  }

  /** The data that were sent for a probe, valid until the next call or match: even while another one is being sent. */
  expectedOf(echo: EchoIdentity): Uint8Array {
    return this.#fill(this.#expected, echo);
  }

  /**
   * Compares the data that came back with what a probe carried. `quoted` data may be cut short, and routers pad it with
   * zeros (RFC 4884 section 5.5): what is there must agree. A reply's must be whole, or it is altered.
   */
  match(data: Uint8Array, echo: EchoIdentity, quoted: boolean): PayloadMatch {
    const expected = this.expectedOf(echo);
    const given = quoted ? lengthWithoutPadding(data) : data.length;
    const common = Math.min(given, expected.length);
    const cookieEnd = this.#hasCookie
      ? quoted
        ? Math.min(COOKIE_LENGTH, common)
        : COOKIE_LENGTH
      : 0;
    for (let index = 0; index < cookieEnd; index++) {
      if (data[index] !== expected[index]) return "foreign";
    }
    if (!quoted && data.length !== expected.length) return "altered";
    for (let index = cookieEnd; index < common; index++) {
      if (data[index] !== expected[index]) return "altered";
    }
    return "same";
  }

  /** Whether data that came back are the beginning of what a probe carried. */
  isCut(data: Uint8Array, echo: EchoIdentity): boolean {
    return isBeginning(data, this.expectedOf(echo));
  }

  #fill({ bytes, view }: Copy, { number, type, identifier, sequence }: EchoIdentity): Uint8Array {
    if (this.#hasCookie) view.setUint32(NUMBER, number);
    if (this.#balanceAt === undefined) return bytes;
    const numberSum = this.#hasCookie ? (number >>> 16) + (number & 0xffff) : 0;
    // The checksum is the complement of the sum, so the balance must lift the sum to the complement of the flow.
    const unbalanced = fold(this.#constantSum + numberSum + (type << 8) + identifier + sequence);
    view.setUint16(this.#balanceAt, fold((~this.#flow & 0xffff) + (~unbalanced & 0xffff)));
    return bytes;
  }
}

/** Whether `data` are the first bytes of `whole`, and not all of them. */
export function isBeginning(data: Uint8Array, whole: Uint8Array): boolean {
  return data.length < whole.length && data.every((byte, index) => byte === whole[index]);
}

/** A copy of the data, to write into. */
interface Copy {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function copyOf(data: Uint8Array): Copy {
  const bytes = data.slice();
  return { bytes, view: new DataView(bytes.buffer) };
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
