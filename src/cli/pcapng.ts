import { type ByteReader, viewOf } from "./byte-reader.ts";
import { type CapturedPacket, CaptureError, MAX_CAPTURED, MAX_KEPT } from "./capture.ts";

// Block types (draft-ietf-opsawg-pcapng section 10.1). That of a section reads alike from both
// ends.
const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MAJOR_VERSION = 1;

/** Type and length before the body, and the length once more behind it. */
const BLOCK_HEADER_LENGTH = 8;
const BLOCK_LENGTH = 12;
const SECTION_BODY_LENGTH = 16;
const INTERFACE_BODY_LENGTH = 8;
const SIMPLE_BODY_LENGTH = 4;
const PACKET_BODY_LENGTH = 20;
/**
 * Options of an interface are a few hundred bytes; of more, a comment, only the beginning is read.
 */
const MAX_OPTIONS = 65_536;
/** Each takes memory until the section ends. */
const MAX_INTERFACES = 65_536;

const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
/** Of the resolution: whether it is a power of 2, not of 10. */
const BINARY = 0x80;
const DEFAULT_UNITS_PER_SECOND = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly unitsPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

interface Block {
  readonly type: number;
  /** Of the body. */
  readonly length: number;
}

/** Whether a file that begins with these bytes is a pcapng capture. */
export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0) === SECTION;
}

/**
 * The packets of a pcapng file as it arrives (draft-ietf-opsawg-pcapng): any number of sections, of
 * either byte order, and interfaces. Blocks that hold no packet are passed over.
 *
 * @throws {CaptureError} for a file that is damaged or cut short
 */
export async function* readPcapng(
  reader: ByteReader,
): AsyncGenerator<CapturedPacket, void, undefined> {
  const blocks = new Blocks(reader);
  for (;;) {
    const block = await blocks.next();
    if (block === undefined) return;
    switch (block.type) {
      case INTERFACE:
        await blocks.readInterface(block);
        break;
      case ENHANCED_PACKET:
      case OLD_PACKET:
      case SIMPLE_PACKET:
        yield await blocks.readPacket(block);
        break;
      default:
    }
    await blocks.end();
  }
}

/** Reads block by block: `next()`, what is wanted of its body, `end()`. */
class Blocks {
  readonly #reader: ByteReader;
  #littleEndian = false;
  #interfaces: Interface[] = [];
  /** Of the current block, counting from 1. */
  #number = 0;
  #totalLength = 0;
  /** What has not been read of the current block, the length behind it included. */
  #left = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /** The next block, or undefined at the end of the file. The header of a section is read, too. */
  async next(): Promise<Block | undefined> {
    this.#number += 1;
    const header = await this.#reader.read(BLOCK_HEADER_LENGTH);
    if (header === undefined) {
      if (this.#reader.rest > 0) throw this.#cut();
      return undefined;
    }
    const view = viewOf(header);
    const isSection = view.getUint32(0) === SECTION;
    if (isSection) {
      const magic = await this.#reader.peek(4);
      if (magic.length < 4) throw this.#cut();
      this.#littleEndian = viewOf(magic).getUint32(0, true) === BYTE_ORDER_MAGIC;
      if (viewOf(magic).getUint32(0, this.#littleEndian) !== BYTE_ORDER_MAGIC)
        throw this.#damaged();
      this.#interfaces = [];
    } else if (this.#number === 1) {
      throw new CaptureError("This is no pcapng file");
    }
    this.#totalLength = view.getUint32(4, this.#littleEndian);
    const least = BLOCK_LENGTH + (isSection ? SECTION_BODY_LENGTH : 0);
    if (this.#totalLength % 4 !== 0 || this.#totalLength < least) throw this.#damaged();
    this.#left = this.#totalLength - BLOCK_HEADER_LENGTH;
    if (isSection) {
      const major = (await this.#read(SECTION_BODY_LENGTH)).getUint16(4, this.#littleEndian);
      if (major !== MAJOR_VERSION)
        throw new CaptureError(`Cannot read pcapng of version ${major}: need ${MAJOR_VERSION}`);
    }
    return {
      type: view.getUint32(0, this.#littleEndian),
      length: this.#totalLength - BLOCK_LENGTH,
    };
  }

  /** Passes over what is left of the block, and checks the length behind it. */
  async end(): Promise<void> {
    if (!(await this.#reader.skip(this.#left - 4))) throw this.#cut();
    const trailer = await this.#reader.read(4);
    if (trailer === undefined) throw this.#cut();
    if (viewOf(trailer).getUint32(0, this.#littleEndian) !== this.#totalLength)
      throw this.#damaged();
  }

  async readInterface({ length }: Block): Promise<void> {
    if (length < INTERFACE_BODY_LENGTH || this.#interfaces.length === MAX_INTERFACES)
      throw this.#damaged();
    const view = await this.#read(INTERFACE_BODY_LENGTH);
    const options = await this.#read(Math.min(length - INTERFACE_BODY_LENGTH, MAX_OPTIONS));
    this.#interfaces.push({
      linkType: view.getUint16(0, this.#littleEndian),
      snapLength: view.getUint32(4, this.#littleEndian),
      ...this.#clockOf(options),
    });
  }

  async readPacket({ type, length }: Block): Promise<CapturedPacket> {
    if (type === SIMPLE_PACKET) return this.#readSimplePacket(length);
    if (length < PACKET_BODY_LENGTH) throw this.#damaged();
    const view = await this.#read(PACKET_BODY_LENGTH);
    const index =
      type === OLD_PACKET
        ? view.getUint16(0, this.#littleEndian)
        : view.getUint32(0, this.#littleEndian);
    const { linkType, unitsPerSecond, offsetSeconds } = this.#interface(index);
    const units =
      (BigInt(view.getUint32(4, this.#littleEndian)) << 32n) |
      BigInt(view.getUint32(8, this.#littleEndian));
    const capturedLength = view.getUint32(12, this.#littleEndian);
    const originalLength = view.getUint32(16, this.#littleEndian);
    if (capturedLength > length - PACKET_BODY_LENGTH) throw this.#damaged();
    const timestampNs = offsetSeconds * NS_PER_SECOND + (units * NS_PER_SECOND) / unitsPerSecond;
    const bytes = await this.#readBytes(capturedLength);
    return { linkType, timestampNs, originalLength, capturedLength, bytes };
  }

  /** It tells neither a time nor how much was captured. */
  async #readSimplePacket(length: number): Promise<CapturedPacket> {
    if (length < SIMPLE_BODY_LENGTH) throw this.#damaged();
    const originalLength = (await this.#read(SIMPLE_BODY_LENGTH)).getUint32(0, this.#littleEndian);
    const { linkType, snapLength } = this.#interface(0);
    const snapped = snapLength === 0 ? originalLength : Math.min(originalLength, snapLength);
    const capturedLength = Math.min(snapped, length - SIMPLE_BODY_LENGTH);
    const bytes = await this.#readBytes(capturedLength);
    return { linkType, timestampNs: undefined, originalLength, capturedLength, bytes };
  }

  #interface(index: number): Interface {
    const found = this.#interfaces[index];
    if (found === undefined) throw this.#damaged();
    return found;
  }

  #clockOf(options: DataView): Pick<Interface, "unitsPerSecond" | "offsetSeconds"> {
    let unitsPerSecond = DEFAULT_UNITS_PER_SECOND;
    let offsetSeconds = 0n;
    for (let at = 0; at + 4 <= options.byteLength; ) {
      const code = options.getUint16(at, this.#littleEndian);
      const length = options.getUint16(at + 2, this.#littleEndian);
      const value = at + 4;
      if (code === OPTION_END || value + length > options.byteLength) break;
      if (code === OPTION_RESOLUTION && length === 1) {
        const resolution = options.getUint8(value);
        unitsPerSecond = (resolution & BINARY ? 2n : 10n) ** BigInt(resolution & ~BINARY);
      }
      if (code === OPTION_OFFSET && length === 8)
        offsetSeconds = options.getBigInt64(value, this.#littleEndian);
      at = value + Math.ceil(length / 4) * 4;
    }
    return { unitsPerSecond, offsetSeconds };
  }

  async #readBytes(capturedLength: number): Promise<Uint8Array> {
    if (capturedLength > MAX_CAPTURED) throw this.#damaged();
    const length = Math.min(capturedLength, MAX_KEPT);
    const bytes = await this.#reader.read(length);
    if (bytes === undefined) throw this.#cut();
    this.#left -= length;
    return bytes;
  }

  async #read(length: number): Promise<DataView> {
    const bytes = await this.#reader.read(length);
    if (bytes === undefined) throw this.#cut();
    this.#left -= length;
    return viewOf(bytes);
  }

  #cut(): CaptureError {
    return new CaptureError(`The file ends within block ${this.#number}`);
  }

  #damaged(): CaptureError {
    return new CaptureError(`Block ${this.#number} is no pcapng block: the file is damaged`);
  }
}
