import type { Family } from "../../packet/address.ts";
import type { WrongData } from "../results/results.ts";

const INITIAL_CAPACITY = 1 << 12;
/** How many targets may be undecided at a time. */
export const MAX_UNDECIDED: number = 1 << 20;

const ATTEMPT = 0x0f;
const DECIDED = 0x10;
const WRONG_DATA = 0x20;
/** Of wrong data: they are the first of those that were sent. */
const TRUNCATED = 0x40;

/** How many times a target may be probed. */
export const MAX_ATTEMPTS = 16;

/**
 * The targets of one family that are undecided, numbered in the order in which they were begun:
 * typed arrays used in a circle, 19 bytes for a target (31 in IPv6), from the oldest undecided one
 * to the newest. What was decided stays readable until its place is needed, so that further answers
 * can be told apart.
 */
export class InFlight {
  readonly family: Family;
  readonly #words: number;
  #mask = INITIAL_CAPACITY - 1;
  #sentNs = new Float64Array(INITIAL_CAPACITY);
  #state = new Uint8Array(INITIAL_CAPACITY);
  /** Which attempts have been answered, a bit for each. */
  #answered = new Uint16Array(INITIAL_CAPACITY);
  /** The ICMP checksum of the last attempt, without the pseudo header. */
  #checksum = new Uint16Array(INITIAL_CAPACITY);
  /** Bytes of wrong data that came back. */
  #wrongLength = new Uint16Array(INITIAL_CAPACITY);
  #address: Int32Array;
  #head = 0;
  #tail = 0;
  #undecided = 0;

  constructor(family: Family) {
    this.family = family;
    this.#words = family === 4 ? 1 : 4;
    this.#address = new Int32Array(INITIAL_CAPACITY * this.#words);
  }

  /** The number that the next target gets. */
  get head(): number {
    return this.#head;
  }

  /** How many are undecided. */
  get undecided(): number {
    return this.#undecided;
  }

  /** Whether no target can be begun before the oldest is decided. */
  get isFull(): boolean {
    return this.#head - this.#tail >= MAX_UNDECIDED;
  }

  /** Begins an IPv4 target and returns its number. */
  openIpv4(address: number): number {
    const at = this.#claim();
    this.#address[at] = address;
    return this.#head++;
  }

  /** Begins an IPv6 target and returns its number. */
  openIpv6(address: Int32Array): number {
    const at = this.#claim();
    this.#address.set(address, at * 4);
    return this.#head++;
  }

  /** The number whose last 32 bits are these; -1 when there is no record of it (any more). */
  find(low32: number): number {
    // Records reach back over the whole circle, not only to the oldest undecided.
    const oldest = Math.max(0, this.#head - this.#mask - 1);
    const number = oldest + ((low32 - oldest) >>> 0);
    return number < this.#head ? number : -1;
  }

  /** The oldest number that there is a record of. */
  get oldest(): number {
    return Math.max(0, this.#head - this.#mask - 1);
  }

  /** The IPv4 address of a target. */
  ipv4(number: number): number {
    return this.#address[number & this.#mask] as number;
  }

  /** The IPv6 address of a target, as a view that is valid until the next target is begun. */
  ipv6(number: number): Int32Array {
    const at = (number & this.#mask) * 4;
    return this.#address.subarray(at, at + 4);
  }

  isDecided(number: number): boolean {
    return ((this.#state[number & this.#mask] as number) & DECIDED) !== 0 || number < this.oldest;
  }

  /** The attempt that was sent last, from 0. */
  attempt(number: number): number {
    return (this.#state[number & this.#mask] as number) & ATTEMPT;
  }

  /** When the last attempt left (monotonic); Infinity while it has not. */
  sentNs(number: number): number {
    return this.#sentNs[number & this.#mask] as number;
  }

  /** The ICMP checksum of the last attempt, without the pseudo header that ICMPv6 has. */
  checksum(number: number): number {
    return this.#checksum[number & this.#mask] as number;
  }

  /** What came back from a target in place of its data, if anything did. */
  wrongData(number: number): WrongData | undefined {
    const at = number & this.#mask;
    const state = this.#state[at] as number;
    if ((state & WRONG_DATA) === 0) return undefined;
    return { length: this.#wrongLength[at] as number, truncated: (state & TRUNCATED) !== 0 };
  }

  /** The last attempt is about to leave with that ICMP checksum. */
  staged(number: number, checksum: number): void {
    this.#checksum[number & this.#mask] = checksum;
  }

  /** The last attempt left. */
  sent(number: number, atNs: number): void {
    this.#sentNs[number & this.#mask] = atNs;
  }

  /** Wrong data came back from a target. Only the first are kept. */
  noteWrongData(number: number, { length, truncated }: WrongData): void {
    const at = number & this.#mask;
    const state = this.#state[at] as number;
    if ((state & WRONG_DATA) !== 0) return;
    this.#state[at] = state | WRONG_DATA | (truncated ? TRUNCATED : 0);
    this.#wrongLength[at] = length;
  }

  /** Another attempt is about to be sent. Returns which. */
  retry(number: number): number {
    const at = number & this.#mask;
    const state = (this.#state[at] as number) + 1;
    this.#state[at] = state;
    this.#sentNs[at] = Number.POSITIVE_INFINITY;
    return state & ATTEMPT;
  }

  /** Notes an answer to an attempt; false when it had been answered before. */
  answer(number: number, attempt: number): boolean {
    const at = number & this.#mask;
    const before = this.#answered[at] as number;
    this.#answered[at] = before | (1 << attempt);
    return (before & (1 << attempt)) === 0;
  }

  decide(number: number): void {
    const at = number & this.#mask;
    this.#state[at] = (this.#state[at] as number) | DECIDED;
    this.#undecided -= 1;
    while (this.#tail < this.#head && this.isDecided(this.#tail)) this.#tail += 1;
  }

  #claim(): number {
    if (this.#head - this.#tail > this.#mask) this.#grow();
    const at = this.#head & this.#mask;
    this.#sentNs[at] = Number.POSITIVE_INFINITY;
    this.#state[at] = 0;
    this.#answered[at] = 0;
    this.#undecided += 1;
    return at;
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    const mask = capacity - 1;
    const from = {
      sentNs: this.#sentNs,
      state: this.#state,
      answered: this.#answered,
      checksum: this.#checksum,
      wrongLength: this.#wrongLength,
      address: this.#address,
    };
    this.#sentNs = new Float64Array(capacity);
    this.#state = new Uint8Array(capacity);
    this.#answered = new Uint16Array(capacity);
    this.#checksum = new Uint16Array(capacity);
    this.#wrongLength = new Uint16Array(capacity);
    this.#address = new Int32Array(capacity * this.#words);
    for (let number = this.oldest; number < this.#head; number++) {
      const [old, at] = [number & this.#mask, number & mask];
      this.#sentNs[at] = from.sentNs[old] as number;
      this.#state[at] = from.state[old] as number;
      this.#answered[at] = from.answered[old] as number;
      this.#checksum[at] = from.checksum[old] as number;
      this.#wrongLength[at] = from.wrongLength[old] as number;
      for (let word = 0; word < this.#words; word++) {
        this.#address[at * this.#words + word] = from.address[old * this.#words + word] as number;
      }
    }
    this.#mask = mask;
  }
}
