import { IPV6_ADDRESS_LENGTH } from "./address.ts";

const DOT = 0x2e;
const ZERO = 0x30;

/**
 * The dotted quad `text` as an unsigned 32-bit number, by the strict rules of `parseAddress()`;
 * `undefined` for any other text.
 */
export function parseIpv4Number(text: string): number | undefined {
  // By character: 33 ns, where parseAddress() takes 230 ns. A sweep reads files of millions of
  // addresses with it.
  let number = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (digits === 0 || dots === 3) return undefined;
      number = number * 256 + octet;
      octet = 0;
      digits = 0;
      dots += 1;
      continue;
    }
    const digit = code - ZERO;
    // A zero may only stand alone: in other tools "010" is eight.
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return undefined;
    octet = octet * 10 + digit;
    digits += 1;
    if (octet > 255) return undefined;
  }
  return dots === 3 && digits > 0 ? number * 256 + octet : undefined;
}

/** The dotted quad of an unsigned 32-bit number. */
export function formatIpv4Number(number: number): string {
  return `${number >>> 24}.${(number >>> 16) & 0xff}.${(number >>> 8) & 0xff}.${number & 0xff}`;
}

/** The 4 bytes of an IPv4 address as an unsigned 32-bit number. */
export function ipv4Number(bytes: Uint8Array): number {
  let number = 0;
  for (const byte of bytes) number = number * 256 + byte;
  return number;
}

/** The 16 bytes of an IPv6 address as an unsigned 128-bit number. */
export function ipv6Number(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, IPV6_ADDRESS_LENGTH);
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
}

/** Writes an unsigned 128-bit number as the 16 bytes of an IPv6 address, which it returns. */
export function ipv6Bytes(
  number: bigint,
  bytes: Uint8Array = new Uint8Array(IPV6_ADDRESS_LENGTH),
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, IPV6_ADDRESS_LENGTH);
  view.setBigUint64(0, number >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, number));
  return bytes;
}
