import { type ByteReader, viewOf } from "./byte-reader.ts";
import { type CapturedPacket, CaptureError, MAX_CAPTURED, MAX_KEPT } from "./capture.ts";

// Magic numbers, read in the byte order of the writer (draft-ietf-opsawg-pcap section 4).
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const MAGICS: readonly number[] = [MICROSECONDS, NANOSECONDS];

const HEADER_LENGTH = 24;
const LINK_TYPE = 20;
const RECORD_HEADER_LENGTH = 16;
const RECORD_FRACTION = 4;
const RECORD_CAPTURED = 8;
const RECORD_ORIGINAL = 12;
/** Of the link type field; the upper ones tell the length of a frame check sequence. */
const LINK_TYPE_BITS = 0x0fff_ffff;

/** Whether a file that begins with these bytes is a pcap capture. */
export function isPcap(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const view = viewOf(bytes);
  return MAGICS.includes(view.getUint32(0)) || MAGICS.includes(view.getUint32(0, true));
}

/**
 * The packets of a pcap file as it arrives: either byte order, microseconds or nanoseconds.
 *
 * @throws {CaptureError} for what is no pcap file, and for one that is damaged or cut short
 */
export async function* readPcap(
  reader: ByteReader,
): AsyncGenerator<CapturedPacket, void, undefined> {
  const header = await reader.read(HEADER_LENGTH);
  if (header === undefined || !isPcap(header)) throw new CaptureError("This is no pcap file");
  const view = viewOf(header);
  const littleEndian = MAGICS.includes(view.getUint32(0, true));
  const isNano = view.getUint32(0, littleEndian) === NANOSECONDS;
  const linkType = view.getUint32(LINK_TYPE, littleEndian) & LINK_TYPE_BITS;
  for (let number = 1; ; number += 1) {
    const record = reader.take(RECORD_HEADER_LENGTH) ?? (await reader.read(RECORD_HEADER_LENGTH));
    if (record === undefined) {
      if (reader.rest === 0) return;
      throw new CaptureError(`The file ends within the header of packet ${number}`);
    }
    const fields = viewOf(record);
    const seconds = fields.getUint32(0, littleEndian);
    const fraction = fields.getUint32(RECORD_FRACTION, littleEndian);
    const capturedLength = fields.getUint32(RECORD_CAPTURED, littleEndian);
    const originalLength = fields.getUint32(RECORD_ORIGINAL, littleEndian);
    if (capturedLength > MAX_CAPTURED)
      throw new CaptureError(
        `Packet ${number} says it has ${capturedLength} bytes: the file is damaged`,
      );
    const kept = Math.min(capturedLength, MAX_KEPT);
    const bytes = reader.take(kept) ?? (await reader.read(kept));
    if (bytes === undefined) throw new CaptureError(`The file ends within packet ${number}`);
    const timestampNs = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * (isNano ? 1n : 1000n);
    yield { linkType, timestampNs, originalLength, capturedLength, bytes };
    if (kept < capturedLength && !(await reader.skip(capturedLength - kept)))
      throw new CaptureError(`The file ends within packet ${number}`);
  }
}
