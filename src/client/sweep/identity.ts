import { parseAddress } from "../../packet/address.ts";
import { ipv4Number } from "../../packet/address-number.ts";
import { quotedPseudoSum } from "../transport/arrival.ts";
import {
  IDENTITY_LENGTH,
  leadingBits,
  type SweepProbe,
  type SweepReplyPacket,
} from "../transport/sweep-probe.ts";
import type { ErrorArrival } from "../transport/transport.ts";
import { CookieHash } from "./cookie.ts";
import type { InFlight } from "./in-flight.ts";

/** How far apart the sequence numbers of two attempts at one target are; 16 attempts fit 65,536. */
const ATTEMPT_STRIDE = 0x1000;
const SEQUENCES = 0x1_0000;
/** One's complement has two zeros, so checksums are numbers modulo this (RFC 1071). */
const CHECKSUM_MODULUS = 0xffff;

/** One attempt at one target. */
export interface Attempt {
  readonly number: number;
  readonly attempt: number;
}

/** An attempt that an ICMP error quotes. */
export interface QuotedAttempt extends Attempt {
  /**
   * Whether the sender of the error must have seen it: our cookie or our ICMP checksum is quoted.
   */
  readonly isVerified: boolean;
}

/** How {@link ProbeIdentity} makes probes. */
export interface IdentityOptions {
  /** 8 random bytes. */
  readonly key: Uint8Array;
  /**
   * The sequence of the first probe, which must be random: errors that quote no data are matched by
   * it.
   */
  readonly firstSequence: number;
  /** Bytes of ICMP data of each probe. */
  readonly dataLength: number;
}

/** The two halves of a cookie, as an answer has them. */
interface Cookie {
  readonly low: number;
  readonly high: number;
}

/**
 * What makes the probes of a lane, and how they are recognised.
 *
 * The data of a probe begin with a cookie of 64 bits, the keyed hash of destination and number,
 * then the number. So any number of probes may be in flight, and an answer counts only if its
 * cookie is right, wherever it comes from. The sequence is a random first one, the number, and 4096
 * for each attempt before, modulo 65,536: it tells which attempt is answered, and ICMP errors that
 * quote no more than the 8 bytes of the header are matched by it and the quoted destination.
 *
 * All of that may be guessed, so an error must also quote 32 bits of the cookie, or the ICMP
 * checksum of the last attempt. A reply without the cookie proves nothing. If its source and
 * sequence are those of a target, that target answers with wrong data.
 */
export class ProbeIdentity {
  readonly #flight: InFlight;
  readonly #isIpv4: boolean;
  readonly #hash: CookieHash;
  readonly #firstSequence: number;
  readonly #dataLength: number;

  constructor(flight: InFlight, { key, firstSequence, dataLength }: IdentityOptions) {
    this.#flight = flight;
    this.#isIpv4 = flight.family === 4;
    this.#hash = new CookieHash(key);
    this.#firstSequence = firstSequence;
    this.#dataLength = dataLength;
  }

  /** Writes destination, sequence, cookie and number of an attempt into `probe`. */
  write(probe: SweepProbe, number: number, attempt: number): void {
    this.#hashOf(number);
    probe.low = this.#hash.low;
    probe.high = this.#hash.high;
    probe.number = number | 0;
    probe.sequence = (this.#firstSequence + number + attempt * ATTEMPT_STRIDE) % SEQUENCES;
    if (this.#isIpv4) probe.ipv4 = this.#flight.ipv4(number);
    else probe.ipv6.set(this.#flight.ipv6(number));
  }

  /** Whether the cookie is that of a target of which there is a record. */
  isOf(number: number, { low, high }: Cookie): boolean {
    this.#hashOf(number);
    return this.#hash.low === low && this.#hash.high === high;
  }

  /** Whether an answer from a target without a record was once asked for. */
  isOurs(reply: SweepProbe): boolean {
    if (this.#isIpv4) this.#hash.ofIpv4(reply.ipv4, reply.number);
    else this.#hash.ofIpv6(reply.ipv6, reply.number);
    return this.#hash.low === reply.low && this.#hash.high === reply.high;
  }

  /** Which attempt at a target has the sequence; -1 when none that was made has. */
  attemptOf(number: number, sequence: number): number {
    const distance = (sequence - this.#firstSequence - number) & (SEQUENCES - 1);
    const attempt = Math.floor(distance / ATTEMPT_STRIDE);
    return distance % ATTEMPT_STRIDE === 0 && attempt <= this.#flight.attempt(number)
      ? attempt
      : -1;
  }

  /** Whose probe an ICMP error quotes, if there is a record of it. */
  quoted(error: Pick<ErrorArrival, "to" | "quote">, attempts: number): QuotedAttempt | undefined {
    const { quote } = error;
    const isTo = this.#destinationTest(quote.destination);
    if (isTo === undefined) return undefined;
    const cookie = cookieIn(quote.data);
    const found = this.#find(
      quote.sequence,
      attempts,
      (number) => isTo(number) && (cookie === undefined || this.#agrees(number, cookie)),
    );
    if (found === undefined) return undefined;
    const { number, attempt } = found;
    const isVerified = cookie !== undefined || this.#quotesChecksum(error, number, attempt);
    return { number, attempt, isVerified };
  }

  /** Which undecided target a reply without our identity is from; -1 when it is from none. */
  senderOf(reply: SweepReplyPacket, attempts: number): number {
    const flight = this.#flight;
    const isSender = this.#isIpv4
      ? (number: number) => flight.ipv4(number) === reply.ipv4 && !flight.isDecided(number)
      : (number: number) =>
          isSameIpv6(flight.ipv6(number), reply.ipv6) && !flight.isDecided(number);
    return this.#find(reply.sequence, attempts, isSender)?.number ?? -1;
  }

  /** Whether a reply shorter than an identity begins as the data of that target's probes do. */
  isCut(number: number, reply: SweepReplyPacket): boolean {
    const { length } = reply;
    if (length >= IDENTITY_LENGTH) return false;
    this.#hashOf(number);
    const { low, high } = this.#hash;
    return (
      ((low ^ reply.low) & leadingBits(length)) === 0 &&
      ((high ^ reply.high) & leadingBits(length - 4)) === 0 &&
      ((number ^ reply.number) & leadingBits(length - 8)) === 0
    );
  }

  /**
   * The attempt with that sequence at a target that passes the test. At most 16 targets for each
   * attempt share a sequence.
   */
  #find(
    sequence: number,
    attempts: number,
    isWanted: (number: number) => boolean,
  ): Attempt | undefined {
    const { head, oldest } = this.#flight;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const distance = sequence - this.#firstSequence - attempt * ATTEMPT_STRIDE;
      // The newest number with that sequence, then those before it.
      let number = head - 1 - ((head - 1 - distance) & (SEQUENCES - 1));
      for (; number >= oldest; number -= SEQUENCES) {
        if (attempt <= this.#flight.attempt(number) && isWanted(number)) return { number, attempt };
      }
    }
    return undefined;
  }

  /**
   * Whether an error quotes the ICMP checksum of an attempt, of which only that of the last is
   * known.
   */
  #quotesChecksum(
    error: Pick<ErrorArrival, "to" | "quote">,
    number: number,
    attempt: number,
  ): boolean {
    if (attempt !== this.#flight.attempt(number)) return false;
    const { destination, checksum } = error.quote;
    const pseudoSum = quotedPseudoSum(error, destination, this.#dataLength);
    if (pseudoSum === undefined) return false;
    // A checksum is the complement of the sum, so that of the pseudo header is taken from it.
    return (checksum + pseudoSum - this.#flight.checksum(number)) % CHECKSUM_MODULUS === 0;
  }

  #agrees(number: number, { low, high }: QuotedCookie): boolean {
    this.#hashOf(number);
    return this.#hash.low === low && (high === undefined || this.#hash.high === high);
  }

  #hashOf(number: number): void {
    if (this.#isIpv4) this.#hash.ofIpv4(this.#flight.ipv4(number), number | 0);
    else this.#hash.ofIpv6(this.#flight.ipv6(number), number | 0);
  }

  /** What tells whether a target has that address; undefined for an address of the other family. */
  #destinationTest(text: string): ((number: number) => boolean) | undefined {
    const address = parseAddress(text);
    if (address === undefined || (address.family === 4) !== this.#isIpv4) return undefined;
    if (this.#isIpv4) {
      const ipv4 = ipv4Number(address.bytes) | 0;
      return (number) => this.#flight.ipv4(number) === ipv4;
    }
    const ipv6 = new Int32Array(address.bytes.slice().buffer);
    return (number) => isSameIpv6(this.#flight.ipv6(number), ipv6);
  }
}

function isSameIpv6(one: Int32Array, other: Int32Array): boolean {
  return one.every((word, index) => word === other[index]);
}

/** As much of a cookie as an ICMP error quotes: the first half at least. */
interface QuotedCookie {
  readonly low: number;
  readonly high: number | undefined;
}

/**
 * The cookie in what an ICMP error quotes of our data: often nothing, or zeros for padding (RFC
 * 4884 section 5.5).
 */
function cookieIn(data: Uint8Array): QuotedCookie | undefined {
  if (data.length < 4) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const low = view.getInt32(0, true);
  const high = data.length < 8 ? undefined : view.getInt32(4, true);
  return low === 0 && (high ?? 0) === 0 ? undefined : { low, high };
}
