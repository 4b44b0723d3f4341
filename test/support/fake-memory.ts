import { type Pointer, toArrayBuffer } from "bun:ffi";
import {
  CMSGHDR,
  IOVEC,
  MMSGHDR,
  MSG_CTRUNC,
  MSG_TRUNC,
  MSGHDR,
  SOCK_FILTER,
  SOCK_FPROG,
} from "../../src/ffi/constants.ts";
import type { FilterInstruction } from "../../src/ffi/filter.ts";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKADDR_LENGTH,
  type SocketAddress,
} from "../../src/ffi/sockaddr.ts";

/** A control message. */
export interface FakeControl {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** A datagram with all that goes with it, outside of anybody's memory. */
export interface FakeDatagram {
  readonly data: Uint8Array;
  readonly address: SocketAddress | undefined;
  readonly control: readonly FakeControl[];
}

/** Offset of the `mmsghdr` number `index` in an array of them. */
export function messageOffset(index: number): number {
  return index * MMSGHDR.size;
}

/** Sets the byte count of the `mmsghdr` at `offset`. */
export function setMessageLength(messages: Uint8Array, offset: number, length: number): void {
  viewOf(messages).setUint32(offset + MMSGHDR.length, length, true);
}

/**
 * Reads what the `msghdr` at `offset` points at: as the kernel does, through the addresses in it.
 */
export function readMessage(messages: Uint8Array, offset: number): FakeDatagram {
  const header = viewOf(messages);
  const name = memory(
    header,
    offset + MSGHDR.name,
    header.getUint32(offset + MSGHDR.nameLength, true),
  );
  const control = memory(
    header,
    offset + MSGHDR.control,
    word(header, offset + MSGHDR.controlLength),
  );
  return {
    data: joined(vectors(header, offset)),
    address: name.length === 0 ? undefined : decodeSocketAddress(viewOf(name), 0, name.length),
    control: readControl(viewOf(control)),
  };
}

/**
 * Writes `datagram` where the `msghdr` at `offset` points, sets its lengths and flags, and returns
 * the bytes written.
 */
export function writeMessage(
  messages: Uint8Array,
  offset: number,
  message: { datagram: FakeDatagram; flags: number },
): number {
  const { datagram } = message;
  const header = viewOf(messages);
  let flags = message.flags;
  let written = 0;
  for (const vector of vectors(header, offset)) {
    const part = datagram.data.subarray(written, written + vector.length);
    vector.set(part);
    written += part.length;
  }
  if (written < datagram.data.length) flags |= MSG_TRUNC;
  const name = memory(
    header,
    offset + MSGHDR.name,
    header.getUint32(offset + MSGHDR.nameLength, true),
  );
  header.setUint32(offset + MSGHDR.nameLength, writeAddress(name, datagram.address), true);
  const control = memory(
    header,
    offset + MSGHDR.control,
    word(header, offset + MSGHDR.controlLength),
  );
  const used = writeControl(control, datagram.control);
  header.setBigUint64(offset + MSGHDR.controlLength, BigInt(used.length), true);
  if (used.truncated) flags |= MSG_CTRUNC;
  header.setUint32(offset + MSGHDR.flags, flags, true);
  return written;
}

/** The instructions of the `struct sock_fprog` in `bytes`. */
export function readFilter(bytes: Uint8Array): FilterInstruction[] {
  const header = viewOf(bytes);
  const count = header.getUint16(SOCK_FPROG.length, true);
  const view = viewOf(memory(header, SOCK_FPROG.filter, count * SOCK_FILTER.size));
  return Array.from({ length: count }, (_, index) => {
    const offset = index * SOCK_FILTER.size;
    return {
      code: view.getUint16(offset + SOCK_FILTER.code, true),
      jt: view.getUint8(offset + SOCK_FILTER.jt),
      jf: view.getUint8(offset + SOCK_FILTER.jf),
      k: view.getUint32(offset + SOCK_FILTER.k, true),
    };
  });
}

/** Writes a `sockaddr`, cut to the room there is, and returns its true length; 0 for no address. */
export function writeAddress(room: Uint8Array, address: SocketAddress | undefined): number {
  if (address === undefined) return 0;
  const bytes = new Uint8Array(SOCKADDR_LENGTH);
  const length = encodeSocketAddress(address, viewOf(bytes), 0);
  room.set(bytes.subarray(0, Math.min(length, room.length)));
  return length;
}

/** The bytes of a `sockaddr` as a value. */
export function readAddress(bytes: Uint8Array, length: number): SocketAddress | undefined {
  return decodeSocketAddress(viewOf(bytes), 0, Math.min(length, bytes.length));
}

/** Memory at an address that is stored in memory. */
function memory(view: DataView, addressOffset: number, length: number): Uint8Array {
  const address = word(view, addressOffset);
  if (address === 0 || length === 0) return new Uint8Array();
  return new Uint8Array(toArrayBuffer(address as Pointer, 0, length));
}

/** A DataView over the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function word(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function vectors(header: DataView, offset: number): Uint8Array[] {
  const count = word(header, offset + MSGHDR.iovLength);
  const table = viewOf(memory(header, offset + MSGHDR.iov, count * IOVEC.size));
  return Array.from({ length: count }, (_, index) => {
    const entry = index * IOVEC.size;
    return memory(table, entry + IOVEC.base, word(table, entry + IOVEC.length));
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function readControl(view: DataView): FakeControl[] {
  const messages: FakeControl[] = [];
  let offset = 0;
  while (offset + CMSGHDR.size <= view.byteLength) {
    const length = word(view, offset + CMSGHDR.length);
    // The kernel answers EINVAL to such a message; in a test it is a bug worth an exception of its
    // own.
    if (length < CMSGHDR.size || offset + length > view.byteLength)
      throw new Error("Malformed control message");
    messages.push({
      level: view.getInt32(offset + CMSGHDR.level, true),
      type: view.getInt32(offset + CMSGHDR.type, true),
      data: new Uint8Array(
        view.buffer,
        view.byteOffset + offset + CMSGHDR.size,
        length - CMSGHDR.size,
      ).slice(),
    });
    offset += aligned(length);
  }
  return messages;
}

function writeControl(
  room: Uint8Array,
  control: readonly FakeControl[],
): { length: number; truncated: boolean } {
  const view = viewOf(room);
  let offset = 0;
  for (const { level, type, data } of control) {
    const length = CMSGHDR.size + data.length;
    if (offset + length > room.length) return { length: offset, truncated: true };
    view.setBigUint64(offset + CMSGHDR.length, BigInt(length), true);
    view.setInt32(offset + CMSGHDR.level, level, true);
    view.setInt32(offset + CMSGHDR.type, type, true);
    room.set(data, offset + CMSGHDR.size);
    offset = Math.min(offset + aligned(length), room.length);
  }
  return { length: offset, truncated: false };
}

function aligned(length: number): number {
  return (length + 7) & ~7;
}
