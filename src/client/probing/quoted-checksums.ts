/** How many differences are remembered: two NATs in a row, or two paths, have one each. */
const REMEMBERED = 4;
/** One's complement has two zeros, so checksums are numbers modulo this (RFC 1071). */
const MODULUS = 0xffff;

/** A checksum as it is quoted, and as it was sent. */
export interface QuotedChecksum {
  readonly quoted: number;
  readonly sent: number;
  /** The one sent, without the pseudo header: the sender of an error has a say in that. */
  readonly own: number;
}

/** What a quoted checksum says about its sender. */
export interface ChecksumJudgement {
  /** Whether its sender saw our probe. */
  readonly isProven: boolean;
  /** Whether this one proved a NAT, so that earlier errors with its difference are proven, too. */
  readonly isNew: boolean;
  /** By how much it differs from the checksum that was sent, in one's complement. */
  readonly difference: number;
}

/**
 * Tells from the checksums that ICMP errors quote whether their senders saw the probes of a run.
 *
 * The checksum that was sent is a secret of 16 bits. A NAT that changes addresses or the identifier
 * changes the checksum by the same difference each time (RFC 1624), and some do not change it back
 * in quotes. So the same difference on two probes with different checksums proves such a NAT: a
 * blind sender can make the difference what it likes on no probe. Where all probes have one
 * checksum, as those of a trace do, nothing can be proven so.
 */
export class QuotedChecksums {
  /** The `own` checksum of the first probe that each difference was seen on, by difference. */
  readonly #seen = new Map<number, number>();
  readonly #proven = new Set<number>();

  judge({ quoted, sent, own }: QuotedChecksum): ChecksumJudgement {
    const difference = (quoted - sent + MODULUS) % MODULUS;
    if (difference === 0 || this.#proven.has(difference))
      return { isProven: true, isNew: false, difference };
    const first = this.#seen.get(difference);
    if (first === undefined) this.#remember(difference, own);
    const isNew = first !== undefined && first % MODULUS !== own % MODULUS;
    if (isNew) this.#proven.add(difference);
    return { isProven: isNew, isNew, difference };
  }

  /** Whether a NAT that makes this difference is proven. */
  isProven(difference: number): boolean {
    return this.#proven.has(difference);
  }

  #remember(difference: number, own: number): void {
    this.#seen.set(difference, own);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size <= REMEMBERED || oldest === undefined) return;
    this.#seen.delete(oldest);
    this.#proven.delete(oldest);
  }
}
