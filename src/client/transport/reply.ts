import { type Family, formatAddress, isLinkLocal, parseAddress } from "../../packet/address.ts";
import { formatIpv4Number, parseIpv4Number } from "../../packet/address-number.ts";
import { swapBytes } from "./sweep-probe.ts";

const IPV6_WORDS = 4;

/** An address as 32-bit words in memory order: one of IPv4, four of IPv6. A zone is left out. */
export function addressWords(address: string): Int32Array {
  const number = parseIpv4Number(address);
  if (number !== undefined) return Int32Array.of(swapBytes(number | 0));
  const bytes = new Uint8Array(IPV6_WORDS * 4);
  bytes.set(parseAddress(address)?.bytes ?? []);
  return new Int32Array(bytes.buffer);
}

/**
 * The text of addresses that lie in memory. It remembers the last one: neighbours are often alike.
 */
class AddressText {
  readonly #family: Family;
  readonly #words = new Int32Array(IPV6_WORDS);
  #scopeId = 0;
  #text: string | undefined;

  constructor(family: Family) {
    this.#family = family;
  }

  at(words: Int32Array, index: number, scopeId: number): string {
    const known = this.#words;
    const count = this.#family === 4 ? 1 : IPV6_WORDS;
    let isSame = this.#text !== undefined && this.#scopeId === scopeId;
    for (let part = 0; part < count; part++) {
      const word = words[index + part] as number;
      if (known[part] === word) continue;
      known[part] = word;
      isSame = false;
    }
    this.#scopeId = scopeId;
    if (!isSame || this.#text === undefined) this.#text = this.#format(scopeId);
    return this.#text;
  }

  #format(scopeId: number): string {
    if (this.#family === 4) return formatIpv4Number(swapBytes(this.#words[0] as number) >>> 0);
    const address = formatAddress(new Uint8Array(this.#words.buffer));
    return scopeId !== 0 && isLinkLocal(address) ? `${address}%${scopeId}` : address;
  }
}

/**
 * A reply in the memory that it was received into. One object serves for all of them in turn: what
 * is made of a reply is made by the code that keeps it.
 */
export class Reply {
  readonly family: Family;
  /** The memory, as bytes and as 32-bit words in host order. */
  bytes: Uint8Array = NOTHING;
  words: Int32Array = new Int32Array();
  /**
   * Offset of what the socket delivered, of its end, and of the ICMP message in it, which is a
   * multiple of 4.
   */
  start = 0;
  end = 0;
  icmp = 0;
  identifier = 0;
  sequence = 0;
  /** TTL or hop limit on arrival, and the type of service or traffic class; null when not known. */
  ttl: number | null = null;
  tos: number | null = null;
  /** Kernel receive stamp (real-time scale), or null when there is none. */
  stampNs: number | null = null;
  /**
   * Fails on raw IPv4 sockets only: the other three leave the check to the kernel, which drops the
   * packet.
   */
  hasRightChecksum = true;
  /** Where in `words` the sender's address lies, and ours that it came to; -1 when not known. */
  sender = -1;
  receiver = -1;
  scopeId = 0;
  readonly #from: AddressText;
  readonly #to: AddressText;

  constructor(family: Family) {
    this.family = family;
    this.#from = new AddressText(family);
    this.#to = new AddressText(family);
  }

  /** Whether an IPv4 header is part of it, as on raw IPv4 sockets. */
  get hasHeader(): boolean {
    return this.icmp > this.start;
  }

  /** Bytes behind the 8 of the ICMP header. */
  get dataLength(): number {
    return this.end - this.icmp - 8;
  }

  /** Who sent it, canonical; a link-local address carries its zone. */
  get from(): string {
    return this.sender < 0 ? "" : this.#from.at(this.words, this.sender, this.scopeId);
  }

  /** Our address that it came to, where known. */
  get to(): string | null {
    return this.receiver < 0 ? null : this.#to.at(this.words, this.receiver, 0);
  }

  /** Whether it came from an address, whatever the zone. */
  isFrom(address: Int32Array): boolean {
    if (this.sender < 0) return false;
    for (let part = 0; part < address.length; part++) {
      if (this.words[this.sender + part] !== address[part]) return false;
    }
    return true;
  }

  /** The bytes behind the ICMP header, in the memory of the reply. */
  get data(): Uint8Array {
    return this.bytes.subarray(this.icmp + 8, this.end);
  }
}

const NOTHING = new Uint8Array();
