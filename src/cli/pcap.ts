/** A file that is no capture, or one that ends in the middle. */
export class PcapError extends Error {}

/** Kinds of link-layer header (https://www.tcpdump.org/linktypes.html). */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  RawBsd: 12,
  RawOpenBsd: 14,
  Raw: 101,
  Loop: 108,
  LinuxCooked: 113,
  Ipv4: 228,
  Ipv6: 229,
  LinuxCooked2: 276,
} as const;

/** One captured packet. */
export interface PcapPacket {
  readonly linkType: number;
  /** When it was captured: nanoseconds since 1970. */
  readonly timestampNs: bigint;
  /** Length in bytes of the packet on the wire, of which `bytes` may be only the beginning. */
  readonly originalLength: number;
  /** Valid until the next packet is asked for. */
  readonly bytes: Uint8Array;
}

// Magic numbers, read in the byte order of the writer (draft-ietf-opsawg-pcap section 4).
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
/** The type of a pcapng section header, which reads alike from both ends. */
const PCAPNG = 0x0a0d0d0a;
const MAGICS: readonly number[] = [MICROSECONDS, NANOSECONDS];

const HEADER_LENGTH = 24;
const LINK_TYPE = 20;
const RECORD_HEADER_LENGTH = 16;
const RECORD_FRACTION = 4;
const RECORD_CAPTURED = 8;
const RECORD_ORIGINAL = 12;
/** Beyond what libpcap writes (MAXIMUM_SNAPLEN is 262,144; DLT_USB 128 MiB): a length like this is damage. */
const MAX_CAPTURED = 1 << 27;
/** Of the link type field; the upper ones tell the length of a frame check sequence. */
const LINK_TYPE_BITS = 0x0fff_ffff;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** Tags before the type: IEEE 802.1Q, 802.1ad, and what was used for the latter before. */
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8, 0x9100];

/** Whether a file that begins with these bytes is a capture, pcapng ones included. */
export function isCapture(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const view = viewOf(bytes);
  const magics = [view.getUint32(0), view.getUint32(0, true)];
  return magics.some((magic) => MAGICS.includes(magic) || magic === PCAPNG);
}

/**
 * The packets of a capture file as it arrives: either byte order, microseconds or nanoseconds.
 *
 * @throws {PcapError} for what is no pcap file, and for one that is damaged or cut short
 */
export async function* readPcap(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<PcapPacket, void, undefined> {
  const reader = new ByteReader(chunks);
  const header = await reader.read(HEADER_LENGTH);
  if (header !== undefined && viewOf(header).getUint32(0) === PCAPNG) {
    throw new PcapError("This is a pcapng file: convert it with `editcap -F pcap` or `tcpdump -r in -w out`");
  }
  if (header === undefined || !isCapture(header)) throw new PcapError("This is no pcap file");
  const view = viewOf(header);
  const littleEndian = MAGICS.includes(view.getUint32(0, true));
  const isNano = view.getUint32(0, littleEndian) === NANOSECONDS;
  const linkType = view.getUint32(LINK_TYPE, littleEndian) & LINK_TYPE_BITS;
  for (let number = 1; ; number += 1) {
    const record = await reader.read(RECORD_HEADER_LENGTH);
    if (record === undefined) {
      if (reader.rest === 0) return;
      throw new PcapError(`The file ends within the header of packet ${number}`);
    }
    const fields = viewOf(record);
    const seconds = fields.getUint32(0, littleEndian);
    const fraction = fields.getUint32(RECORD_FRACTION, littleEndian);
    const captured = fields.getUint32(RECORD_CAPTURED, littleEndian);
    const originalLength = fields.getUint32(RECORD_ORIGINAL, littleEndian);
    if (captured > MAX_CAPTURED)
      throw new PcapError(`Packet ${number} says it has ${captured} bytes: the file is damaged`);
    const bytes = await reader.read(captured);
    if (bytes === undefined) throw new PcapError(`The file ends within packet ${number}`);
    const timestampNs = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * (isNano ? 1n : 1000n);
    yield { linkType, timestampNs, originalLength, bytes };
  }
}

/** What a frame carries: an IP packet, or something else and why it is not shown. */
export type FrameContent =
  | { readonly kind: "ip"; readonly packet: Uint8Array }
  | { readonly kind: "other"; readonly description: string };

/** Takes the link-layer header off. */
export function unwrapFrame(linkType: number, bytes: Uint8Array): FrameContent {
  switch (linkType) {
    case LinkType.Raw:
    case LinkType.RawBsd:
    case LinkType.RawOpenBsd:
    case LinkType.Ipv4:
    case LinkType.Ipv6:
      return { kind: "ip", packet: bytes };
    // The address family, in either byte order, and of several systems: the packet itself tells its version.
    case LinkType.Null:
    case LinkType.Loop:
      return afterHeader(bytes, 4, "loopback");
    case LinkType.Ethernet:
      return unwrapEthernet(bytes);
    case LinkType.LinuxCooked:
      return afterType(bytes, 14, 16, "Linux cooked");
    case LinkType.LinuxCooked2:
      return afterType(bytes, 0, 20, "Linux cooked v2");
    default:
      return { kind: "other", description: `link type ${linkType} is not known` };
  }
}

function unwrapEthernet(bytes: Uint8Array): FrameContent {
  let typeAt = 12;
  while (typeAt + 2 <= bytes.length && VLAN_TAGS.includes(viewOf(bytes).getUint16(typeAt))) typeAt += 4;
  return afterType(bytes, typeAt, typeAt + 2, "Ethernet");
}

function afterType(bytes: Uint8Array, typeAt: number, headerLength: number, layer: string): FrameContent {
  if (bytes.length < headerLength) return tooShort(bytes, layer);
  const type = viewOf(bytes).getUint16(typeAt);
  if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6)
    return { kind: "ip", packet: bytes.subarray(headerLength) };
  return { kind: "other", description: `not IP: ethertype 0x${type.toString(16).padStart(4, "0")}` };
}

function afterHeader(bytes: Uint8Array, headerLength: number, layer: string): FrameContent {
  return bytes.length < headerLength
    ? tooShort(bytes, layer)
    : { kind: "ip", packet: bytes.subarray(headerLength) };
}

function tooShort(bytes: Uint8Array, layer: string): FrameContent {
  return { kind: "other", description: `${bytes.length} bytes are no ${layer} frame` };
}

/** Cuts what arrives in chunks of any size into pieces of the sizes asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #kept: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes that were too few for the last piece asked for. */
  get rest(): number {
    return this.#kept.length;
  }

  /** The next `length` bytes, or undefined when fewer are left. */
  async read(length: number): Promise<Uint8Array | undefined> {
    const parts = [this.#kept];
    let have = this.#kept.length;
    while (have < length) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      have += value.length;
    }
    const all = parts.length === 1 ? this.#kept : Buffer.concat(parts);
    if (have < length) {
      this.#kept = all;
      return undefined;
    }
    this.#kept = all.subarray(length);
    return all.subarray(0, length);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
