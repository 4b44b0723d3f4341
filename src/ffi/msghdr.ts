import { ptr } from "bun:ffi";
import { IOVEC, MMSGHDR, MSGHDR } from "./constants.ts";
import { SOCKADDR_LENGTH } from "./sockaddr.ts";

const NAME_STRIDE = 32;
const ALIGNMENT = 64;

/** The sizes of a {@link MessageBatch}. */
export interface MessageBatchOptions {
  /** How many messages it holds. */
  readonly count: number;
  /** Bytes for the control messages of each; a multiple of 8. */
  readonly controlLength: number;
  /** Bytes of payload room for each; the rooms lie one after the other. */
  readonly dataLength: number;
  /** Whether received messages come with the address of their sender. Default true. */
  readonly names?: boolean;
}

/**
 * An array of `mmsghdr` with all it points at (recvmmsg(2)): one iovec, one address, control and
 * payload room for each message, in one arena.
 *
 * The addresses inside stay valid because everything is one `ArrayBuffer` owned by this object: the
 * collector neither moves nor frees it while the batch is referenced. Pages of the arena become
 * resident when first written.
 */
export class MessageBatch {
  /**
   * The `mmsghdr` array, for libc. The first one begins with a `msghdr`, so it serves sendmsg(2) as
   * well.
   */
  readonly headers: Uint8Array;
  /** The whole arena; the offsets below are into it. */
  readonly view: DataView<ArrayBuffer>;
  /** The same as bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * The arena as 32-bit words in host order, for hot loops; every offset below is a multiple of 8
   * if the lengths are.
   */
  readonly words: Int32Array<ArrayBuffer>;
  /** How many messages it holds. */
  readonly count: number;
  /** Bytes of control room of each message. */
  readonly controlLength: number;
  /** Bytes of payload room of each message. */
  readonly dataLength: number;
  readonly #address: number;
  readonly #nameLength: number;
  /** `headers` from each message on, made when first asked for. */
  readonly #headersFrom: Uint8Array[] = [];
  readonly #iovs: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #data: number;

  constructor(options: MessageBatchOptions) {
    const { count, controlLength, dataLength, names = true } = options;
    this.count = count;
    this.controlLength = controlLength;
    this.dataLength = dataLength;
    this.#iovs = count * MMSGHDR.size;
    this.#names = this.#iovs + count * IOVEC.size;
    this.#controls = this.#names + count * NAME_STRIDE;
    this.#data = Math.ceil((this.#controls + count * controlLength) / ALIGNMENT) * ALIGNMENT;
    const arena = new ArrayBuffer(this.#data + count * dataLength);
    this.view = new DataView(arena);
    this.bytes = new Uint8Array(arena);
    this.words = new Int32Array(arena, 0, arena.byteLength >> 2);
    this.#nameLength = names ? SOCKADDR_LENGTH : 0;
    this.headers = new Uint8Array(arena, 0, count * MMSGHDR.size);
    this.#address = ptr(this.headers);
    for (let index = 0; index < count; index++) this.#link(index);
  }

  /** Offset of the address of message `index`. */
  nameOffset(index: number): number {
    return this.#names + index * NAME_STRIDE;
  }

  /** Offset of the control messages of message `index`. */
  controlOffset(index: number): number {
    return this.#controls + index * this.controlLength;
  }

  /** Offset of the payload room of message `index`. */
  dataOffset(index: number): number {
    return this.#data + index * this.dataLength;
  }

  /** Offset of the `msghdr` of message `index`. */
  headerOffset(index: number): number {
    return index * MMSGHDR.size + MMSGHDR.header;
  }

  /** Bytes that recvmmsg() wrote for message `index`. */
  messageLength(index: number): number {
    return this.view.getUint32(index * MMSGHDR.size + MMSGHDR.length, true);
  }

  /**
   * The bytes that message `index` was received with, where the kernel did not write them itself.
   */
  setLength(index: number, length: number): void {
    this.view.setUint32(index * MMSGHDR.size + MMSGHDR.length, length, true);
  }

  /** Message `index` was received with a sender of `length` bytes and nothing else. */
  setOnlyName(index: number, length: number): void {
    const header = this.headerOffset(index);
    this.view.setUint32(header + MSGHDR.nameLength, length, true);
    this.#setWord(header + MSGHDR.controlLength, 0);
  }

  /** Where message `index` goes when it is received; `name` is empty if the batch wants none. */
  room(index: number): { readonly name: Uint8Array; readonly data: Uint8Array } {
    const { buffer } = this.view;
    return {
      name: new Uint8Array(buffer, this.nameOffset(index), this.#nameLength),
      data: new Uint8Array(buffer, this.dataOffset(index), this.dataLength),
    };
  }

  /** Message `index` as `setForSend()` has laid it out. */
  outgoing(index: number): {
    readonly name: Uint8Array;
    readonly data: Uint8Array;
    readonly hasControl: boolean;
  } {
    const { buffer } = this.view;
    const header = this.headerOffset(index);
    const iov = this.#iov(index);
    const nameLength = this.view.getUint32(header + MSGHDR.nameLength, true);
    const dataOffset = this.#getWord(iov + IOVEC.base) - this.#address;
    return {
      name: new Uint8Array(buffer, this.nameOffset(index), nameLength),
      data: new Uint8Array(buffer, dataOffset, this.#getWord(iov + IOVEC.length)),
      hasControl: this.view.getUint32(header + MSGHDR.controlLength, true) > 0,
    };
  }

  /** The `mmsghdr` array from message `index` on, for libc. */
  headersFrom(index: number): Uint8Array {
    if (index === 0) return this.headers;
    const known = this.#headersFrom[index];
    if (known !== undefined) return known;
    const part = this.headers.subarray(index * MMSGHDR.size);
    this.#headersFrom[index] = part;
    return part;
  }

  /**
   * Gives the first `count` messages their room back. The payload room was never taken away:
   * recvmmsg() does not write iovecs.
   */
  resetReceived(count: number): void {
    // By word: 4 ns a message, where resetForReceive() takes 25 ns.
    const { words } = this;
    for (let index = 0; index < count; index++) {
      const header = (index * MMSGHDR.size + MMSGHDR.header) >> 2;
      words[header + (MSGHDR.nameLength >> 2)] = this.#nameLength;
      words[header + (MSGHDR.controlLength >> 2)] = this.controlLength;
      words[header + (MSGHDR.flags >> 2)] = 0;
    }
  }

  /**
   * Gives message `index` its whole room back: the kernel overwrote the lengths with what it used.
   */
  resetForReceive(index: number): void {
    const header = this.headerOffset(index);
    this.view.setUint32(header + MSGHDR.nameLength, this.#nameLength, true);
    this.#setWord(header + MSGHDR.controlLength, this.controlLength);
    this.view.setUint32(header + MSGHDR.flags, 0, true);
    this.#setWord(this.#iov(index) + IOVEC.length, this.dataLength);
  }

  /** Sets the lengths of message `index`, and where in the arena its payload lies. */
  setForSend(
    index: number,
    lengths: { name: number; control: number; data: number; dataOffset: number },
  ): void {
    const header = this.headerOffset(index);
    this.view.setUint32(header + MSGHDR.nameLength, lengths.name, true);
    this.#setWord(header + MSGHDR.controlLength, lengths.control);
    this.#setWord(this.#iov(index) + IOVEC.base, this.#address + lengths.dataOffset);
    this.#setWord(this.#iov(index) + IOVEC.length, lengths.data);
  }

  #iov(index: number): number {
    return this.#iovs + index * IOVEC.size;
  }

  #link(index: number): void {
    const header = this.headerOffset(index);
    // A null address spares the kernel copying one (recvmsg(2)).
    this.#setWord(
      header + MSGHDR.name,
      this.#nameLength === 0 ? 0 : this.#address + this.nameOffset(index),
    );
    this.#setWord(header + MSGHDR.iov, this.#address + this.#iov(index));
    this.#setWord(header + MSGHDR.iovLength, 1);
    this.#setWord(header + MSGHDR.control, this.#address + this.controlOffset(index));
    this.#setWord(this.#iov(index) + IOVEC.base, this.#address + this.dataOffset(index));
    this.resetForReceive(index);
  }

  #getWord(offset: number): number {
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * 2 ** 32;
  }

  /** Writes a 64-bit word; addresses in user space and lengths are well below 2^53. */
  #setWord(offset: number, value: number): void {
    this.view.setUint32(offset, value % 2 ** 32, true);
    this.view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
  }
}
