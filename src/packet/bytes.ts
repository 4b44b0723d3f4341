import { PacketError } from "../errors.ts";

/** Up to this many bytes, copying one by one beats creating a view. */
const SMALL = 64;

/** Bytes as codecs accept them: a `Uint8Array`, or a `DataView` over any part of a buffer. */
export type ByteView = Uint8Array | DataView;

/** A `DataView` over exactly the bytes of `bytes`, sharing its memory. */
export function viewOf(bytes: ByteView): DataView {
  return bytes instanceof DataView
    ? bytes
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes of `view` from `start` to `end` (the rest when omitted), sharing its memory. */
export function bytesOf(view: ByteView, start = 0, end: number = view.byteLength): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

/**
 * A `DataView` over the part of `view` from `start` to `end`, sharing its memory; `view` itself if
 * that is all of it.
 */
export function subview(view: DataView, start: number, end: number = view.byteLength): DataView {
  if (start === 0 && end === view.byteLength) return view;
  return new DataView(view.buffer, view.byteOffset + start, end - start);
}

/**
 * Throws unless `view` holds at least `length` bytes.
 *
 * @throws PacketError naming the layer, and the byte at which the view ends.
 */
export function need(view: DataView, length: number, layer: string): void {
  if (view.byteLength < length) {
    throw new PacketError(`Cannot decode ${layer}: need ${length} bytes, have ${view.byteLength}`, {
      layer,
      offset: view.byteLength,
    });
  }
}

/**
 * Throws unless `view` has room for `length` bytes.
 *
 * @throws PacketError naming the layer, and the byte at which the view ends.
 */
export function room(view: DataView, length: number, layer: string): void {
  if (view.byteLength < length) {
    throw new PacketError(
      `Cannot encode ${layer}: need room for ${length} bytes, have ${view.byteLength}`,
      {
        layer,
        offset: view.byteLength,
      },
    );
  }
}

/**
 * Returns `value` when it is an unsigned integer of `bits` bits; a `DataView` setter would cut it
 * short silently.
 *
 * @throws PacketError naming the layer and the byte the value was meant for.
 */
export function unsigned(value: number, bits: number, layer: string, offset: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
    throw new PacketError(
      `Cannot encode ${layer}: ${value} at byte ${offset} is not an unsigned ${bits}-bit integer`,
      { layer, offset },
    );
  }
  return value;
}

/** Writes one unsigned byte, or throws `PacketError` when `value` is not one. */
export function put8(view: DataView, offset: number, value: number, layer: string): void {
  view.setUint8(offset, unsigned(value, 8, layer, offset));
}

/**
 * Writes an unsigned 16-bit integer in network order, or throws `PacketError` when `value` is not
 * one.
 */
export function put16(view: DataView, offset: number, value: number, layer: string): void {
  view.setUint16(offset, unsigned(value, 16, layer, offset));
}

/**
 * Writes an unsigned 32-bit integer in network order, or throws `PacketError` when `value` is not
 * one.
 */
export function put32(view: DataView, offset: number, value: number, layer: string): void {
  view.setUint32(offset, unsigned(value, 32, layer, offset));
}

/** Copies `bytes` into `view` at `offset`. The caller has checked the room. */
export function putBytes(view: DataView, offset: number, bytes: Uint8Array): void {
  if (bytes.length > SMALL) {
    bytesOf(view, offset, offset + bytes.length).set(bytes);
    return;
  }
  for (let index = 0; index < bytes.length; index++)
    view.setUint8(offset + index, bytes[index] as number);
}

/** Sets `view` to zero from `start` to `end`. The caller has checked the room. */
export function putZeros(view: DataView, start: number, end: number): void {
  bytesOf(view, start, end).fill(0);
}
