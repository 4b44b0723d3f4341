/** A captured packet: when, and its bytes from the link-layer header on. */
export interface CapturedPacket {
  /** Nanoseconds since 1970. */
  readonly atNs: bigint;
  readonly bytes: Uint8Array;
}

// pcap(5) savefile: magic of nanosecond resolution in the byte order of this machine, then a record
// per packet.
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_LENGTH = 24;
const RECORD_HEADER_LENGTH = 16;

/**
 * Reads a savefile that tcpdump wrote with `--time-stamp-precision=nano` on a little-endian
 * machine.
 */
export function readPcap(file: Uint8Array): CapturedPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== MAGIC_NANOSECONDS)
    throw new Error("Not a savefile with nanosecond stamps");
  const packets: CapturedPacket[] = [];
  let offset = FILE_HEADER_LENGTH;
  while (offset + RECORD_HEADER_LENGTH <= file.length) {
    const seconds = view.getUint32(offset, true);
    const nanoseconds = view.getUint32(offset + 4, true);
    const length = view.getUint32(offset + 8, true);
    offset += RECORD_HEADER_LENGTH;
    if (offset + length > file.length) break;
    packets.push({
      atNs: BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
      bytes: file.subarray(offset, offset + length),
    });
    offset += length;
  }
  return packets;
}
