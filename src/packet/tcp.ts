import { PacketError } from "../errors.ts";
import {
  type ByteView,
  bytesOf,
  need,
  put16,
  put32,
  putBytes,
  putZeros,
  room,
  unsigned,
  viewOf,
} from "./bytes.ts";
import { internetChecksum, type PseudoHeader, pseudoHeaderSum } from "./checksum.ts";
import { IpProtocol } from "./protocol.ts";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE_NUMBER = 4;
const ACKNOWLEDGMENT_NUMBER = 8;
const DATA_OFFSET = 12;
const WINDOW = 14;
const CHECKSUM = 16;
const URGENT_POINTER = 18;
const OPTIONS = 20;

const LAYER = "TCP header";

/** Length of a TCP header without options, in bytes. */
export const TCP_HEADER_LENGTH = 20;

/** Length of the longest TCP header, in bytes. */
export const TCP_MAX_HEADER_LENGTH = 60;

/** Bits of {@link TcpHeader.flags} (RFC 9293 section 3.1; AE from RFC 9768). */
export const TcpFlag = {
  Fin: 0x01,
  Syn: 0x02,
  Rst: 0x04,
  Psh: 0x08,
  Ack: 0x10,
  Urg: 0x20,
  Ece: 0x40,
  Cwr: 0x80,
  Ae: 0x100,
} as const;

/** A TCP header (RFC 9293 section 3.1). */
export interface TcpHeader {
  /** Source port. */
  readonly sourcePort: number;
  /** Destination port. */
  readonly destinationPort: number;
  /** Sequence number of the first data byte, or of the SYN. */
  readonly sequenceNumber: number;
  /** Next sequence number expected, when the ACK flag is set. */
  readonly acknowledgmentNumber: number;
  /** Length of this header with its options, in bytes: 20 to 60. */
  readonly headerLength: number;
  /** The 12 bits after the data offset: see {@link TcpFlag}. */
  readonly flags: number;
  /** Receive window, unscaled. */
  readonly window: number;
  /** Checksum as found: decoding does not verify it. */
  readonly checksum: number;
  /** Urgent pointer, when the URG flag is set. */
  readonly urgentPointer: number;
  /** The raw options with their padding: a view of the packet, valid until its buffer is reused. */
  readonly options: Uint8Array;
}

/** What {@link encodeTcpHeader} needs; everything else is zero. Any {@link TcpHeader} will do. */
export type TcpHeaderFields = Pick<TcpHeader, "sourcePort" | "destinationPort"> &
  Partial<TcpHeader>;

/**
 * Decodes the TCP header at the start of `bytes` (RFC 9293).
 *
 * @throws PacketError when the header is shorter than 20 bytes or longer than `bytes`.
 */
export function decodeTcpHeader(bytes: ByteView): TcpHeader {
  const view = viewOf(bytes);
  need(view, TCP_HEADER_LENGTH, LAYER);
  const offsetAndFlags = view.getUint16(DATA_OFFSET);
  const headerLength = (offsetAndFlags >> 12) * 4;
  if (headerLength < TCP_HEADER_LENGTH) {
    throw new PacketError(`Cannot decode ${LAYER}: header length is ${headerLength} bytes`, {
      layer: LAYER,
      offset: DATA_OFFSET,
    });
  }
  need(view, headerLength, LAYER);
  return {
    sourcePort: view.getUint16(SOURCE_PORT),
    destinationPort: view.getUint16(DESTINATION_PORT),
    sequenceNumber: view.getUint32(SEQUENCE_NUMBER),
    acknowledgmentNumber: view.getUint32(ACKNOWLEDGMENT_NUMBER),
    headerLength,
    flags: offsetAndFlags & 0xfff,
    window: view.getUint16(WINDOW),
    checksum: view.getUint16(CHECKSUM),
    urgentPointer: view.getUint16(URGENT_POINTER),
    options: bytesOf(view, OPTIONS, headerLength),
  };
}

/**
 * Encodes a TCP header into `target`, `checksum` as it is; {@link tcpChecksum} computes one.
 * `headerLength` follows from the options, which are padded with zeros (end of option list) to a
 * multiple of 4.
 *
 * @returns The number of bytes written.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeTcpHeader(header: TcpHeaderFields, target: ByteView): number {
  const view = viewOf(target);
  const length = tcpHeaderLength(header);
  room(view, length, LAYER);
  if (length > TCP_MAX_HEADER_LENGTH) {
    throw new PacketError(`Cannot encode ${LAYER}: options are longer than 40 bytes`, {
      layer: LAYER,
      offset: OPTIONS,
    });
  }
  put16(view, SOURCE_PORT, header.sourcePort, LAYER);
  put16(view, DESTINATION_PORT, header.destinationPort, LAYER);
  put32(view, SEQUENCE_NUMBER, header.sequenceNumber ?? 0, LAYER);
  put32(view, ACKNOWLEDGMENT_NUMBER, header.acknowledgmentNumber ?? 0, LAYER);
  view.setUint16(
    DATA_OFFSET,
    ((length / 4) << 12) | unsigned(header.flags ?? 0, 12, LAYER, DATA_OFFSET),
  );
  put16(view, WINDOW, header.window ?? 0, LAYER);
  put16(view, CHECKSUM, header.checksum ?? 0, LAYER);
  put16(view, URGENT_POINTER, header.urgentPointer ?? 0, LAYER);
  putZeros(view, OPTIONS, length);
  if (header.options) putBytes(view, OPTIONS, header.options);
  return length;
}

/** Length in bytes of `header` once encoded: 20 and its options, rounded up to a multiple of 4. */
export function tcpHeaderLength(header: Pick<TcpHeaderFields, "options">): number {
  return TCP_HEADER_LENGTH + Math.ceil((header.options?.length ?? 0) / 4) * 4;
}

/**
 * The checksum to store in a TCP segment whose checksum field is zero (RFC 9293 section 3.1).
 *
 * @param segment The TCP header and its data.
 * @throws PacketError when the segment is shorter than a header or the addresses are not two of one
 * family.
 */
export function tcpChecksum(segment: ByteView, pseudo: PseudoHeader): number {
  need(viewOf(segment), TCP_HEADER_LENGTH, LAYER);
  return internetChecksum(segment, pseudoHeaderSum(pseudo, IpProtocol.Tcp, segment.byteLength));
}
