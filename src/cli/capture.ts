/** A file that is no capture, or one that is damaged or ends in the middle. */
export class CaptureError extends Error {}

/** One captured packet. */
export interface CapturedPacket {
  readonly linkType: number;
  /** When it was captured: nanoseconds since 1970. Undefined where the file does not tell. */
  readonly timestampNs: bigint | undefined;
  /** Length in bytes of the packet on the wire. */
  readonly originalLength: number;
  /** How much of it was captured. */
  readonly capturedLength: number;
  /** What was captured, up to {@link MAX_KEPT}. Valid until the next packet is asked for. */
  readonly bytes: Uint8Array;
}

/** What libpcap captures of a packet at most (MAXIMUM_SNAPLEN). What is longer is passed over. */
export const MAX_KEPT = 262_144;
/**
 * What libpcap reads at most, of USB (MAXIMUM_SNAPLEN for DLT_USBPCAP): beyond it a length is
 * damage.
 */
export const MAX_CAPTURED: number = 1 << 27;
