/**
 * Bytes of a hex dump: white space is ignored, and so is everything from `#` to the end of its
 * line.
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits))
    throw new TypeError(`Not a hex dump: ${text.slice(0, 60)}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Lower-case hex digits of `bytes`, two a byte, no separators. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A view of the bytes of a hex dump, in the middle of a larger buffer: a codec that forgets
 * `byteOffset` or `byteLength` does not get away with it.
 */
export function viewOfHex(text: string): DataView {
  return paddedView(fromHex(text));
}

/** A copy of `bytes` in the middle of a larger buffer of 0xa5. */
export function paddedView(bytes: Uint8Array): DataView {
  const buffer = new Uint8Array(bytes.length + 16).fill(0xa5);
  buffer.set(bytes, 7);
  return new DataView(buffer.buffer, 7, bytes.length);
}

/**
 * The bytes an encoder writes into memory filled with 0xa5, after checking that it wrote nothing
 * beyond what it says.
 *
 * @param capacity Room given to the encoder, in bytes.
 */
export function encodedBytes(encode: (view: DataView) => number, capacity = 4096): Uint8Array {
  const buffer = new Uint8Array(capacity + 16).fill(0xa5);
  const length = encode(new DataView(buffer.buffer, 5, capacity));
  const outside = [...buffer.subarray(0, 5), ...buffer.subarray(5 + length)];
  if (outside.some((byte) => byte !== 0xa5)) throw new Error("The encoder wrote outside its bytes");
  return buffer.slice(5, 5 + length);
}
