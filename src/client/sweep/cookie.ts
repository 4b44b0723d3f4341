/** Length of the key of a {@link CookieHash} in bytes. */
export const COOKIE_KEY_LENGTH = 8;

/**
 * A keyed hash of 64 bits over a few 32-bit words: HalfSipHash (Aumasson and Bernstein) with one
 * compression round and three of finalization, which gives both halves of the result at once. Who
 * does not know the key cannot tell the cookie of one target from that of another.
 *
 * The result is in `low` and `high`, since an object for each probe would cost more than the hash.
 */
export class CookieHash {
  /** The halves of the last result. */
  low = 0;
  high = 0;
  readonly #key0: number;
  readonly #key1: number;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** @param key 8 random bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, COOKIE_KEY_LENGTH);
    this.#key0 = view.getInt32(0, true);
    this.#key1 = view.getInt32(4, true);
  }

  /** Hashes the IPv4 address `address` and the number of its probe. */
  ofIpv4(address: number, number: number): void {
    this.#begin();
    this.#absorb(address);
    this.#absorb(number);
    this.#finish();
  }

  /** Hashes an IPv6 address, as four words, and the number of its probe. */
  ofIpv6(address: Int32Array, number: number): void {
    this.#begin();
    for (let index = 0; index < 4; index++) this.#absorb(address[index] as number);
    this.#absorb(number);
    this.#finish();
  }

  #begin(): void {
    this.#a = this.#key0;
    this.#b = this.#key1 ^ 0xee;
    this.#c = this.#key0 ^ 0x6c796765;
    this.#d = this.#key1 ^ 0x74656462;
  }

  #absorb(word: number): void {
    this.#d ^= word;
    this.#round();
    this.#a ^= word;
  }

  #finish(): void {
    this.#c ^= 0xee;
    this.#round();
    this.#round();
    this.#round();
    this.low = this.#b ^ this.#d;
    this.high = this.#a ^ this.#c;
  }

  #round(): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }
}
