/**
 * Bytes of a result, which outlive the buffer they arrived in. As JSON they are hexadecimal text.
 */
class HexBytes extends Uint8Array {
  toJSON(): string {
    return this.toHex();
  }
}

/** Copies bytes for keeping. */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  return new HexBytes(bytes);
}

/**
 * Up to this length a copy costs less than a view: engines keep the bytes of a small array with the
 * array, and have to move them out for a second one to share them.
 */
const SMALL = 1000;

/**
 * `part` of `whole`, of which `kept` is a copy: as a part of `kept` or a copy of its own, whichever
 * costs less.
 */
export function keptPart(kept: Uint8Array, whole: Uint8Array, part: Uint8Array): Uint8Array {
  if (part.length <= SMALL) return keepBytes(part);
  const start = part.byteOffset - whole.byteOffset;
  const isInside =
    part.buffer === whole.buffer && start >= 0 && start + part.length <= whole.length;
  return isInside ? kept.subarray(start, start + part.length) : keepBytes(part);
}

/** Copies a stretch of bytes for keeping. */
export function keepStretch(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length > SMALL) return new HexBytes(bytes.subarray(start, end));
  const copy = new HexBytes(length);
  // One by one: slice() of a class of its own takes twice as long, subarray() ten times.
  for (let index = 0; index < length; index++) copy[index] = bytes[start + index] as number;
  return copy;
}

/**
 * What kept bytes hold from `start` on: as a part of them or a copy of its own, whichever costs
 * less.
 */
export function keptFrom(kept: Uint8Array, start: number): Uint8Array {
  return kept.length - start > SMALL ? kept.subarray(start) : keepStretch(kept, start, kept.length);
}

/** A copy of decoded data in which all bytes, however deep, are kept ones. */
export function keepBytesIn<Value>(value: Value): Value {
  return copy(value) as Value;
}

function copy(value: unknown): unknown {
  if (value instanceof Uint8Array) return keepBytes(value);
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copy(field)]));
}

/** Whether `data` are the first bytes of `whole`, and not all of them. */
export function isBeginning(data: Uint8Array, whole: Uint8Array): boolean {
  return data.length < whole.length && data.every((byte, index) => byte === whole[index]);
}
