import { type ByteView, need, put16, room, viewOf } from "./bytes.ts";
import { internetChecksum, type PseudoHeader, pseudoHeaderSum } from "./checksum.ts";
import { IpProtocol } from "./protocol.ts";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const CHECKSUM = 6;

const LAYER = "UDP header";

/** Length of a UDP header in bytes. */
export const UDP_HEADER_LENGTH = 8;

/** A UDP header (RFC 768). */
export interface UdpHeader {
  /** Source port. */
  readonly sourcePort: number;
  /** Destination port. */
  readonly destinationPort: number;
  /**
   * Length of header and data in bytes, as the packet says: not compared with the bytes at hand.
   */
  readonly length: number;
  /** Checksum as found, 0 for none: decoding does not verify it. */
  readonly checksum: number;
}

/**
 * Decodes the UDP header at the start of `bytes` (RFC 768).
 *
 * @throws PacketError when `bytes` is shorter than 8 bytes.
 */
export function decodeUdpHeader(bytes: ByteView): UdpHeader {
  const view = viewOf(bytes);
  need(view, UDP_HEADER_LENGTH, LAYER);
  return {
    sourcePort: view.getUint16(SOURCE_PORT),
    destinationPort: view.getUint16(DESTINATION_PORT),
    length: view.getUint16(LENGTH),
    checksum: view.getUint16(CHECKSUM),
  };
}

/**
 * Encodes a UDP header into `target` as it is, `checksum` included; {@link udpChecksum} computes
 * one.
 *
 * @returns The number of bytes written: 8.
 * @throws PacketError when `target` is too small or a value does not fit its field.
 */
export function encodeUdpHeader(header: UdpHeader, target: ByteView): number {
  const view = viewOf(target);
  room(view, UDP_HEADER_LENGTH, LAYER);
  put16(view, SOURCE_PORT, header.sourcePort, LAYER);
  put16(view, DESTINATION_PORT, header.destinationPort, LAYER);
  put16(view, LENGTH, header.length, LAYER);
  put16(view, CHECKSUM, header.checksum, LAYER);
  return UDP_HEADER_LENGTH;
}

/**
 * The checksum to store in a UDP datagram whose checksum field is zero. A result of zero is sent as
 * 0xffff, as zero means "no checksum" (RFC 768, RFC 8200 section 8.1).
 *
 * @param datagram The UDP header and its data.
 * @throws PacketError when the datagram is shorter than a header or the addresses are not two of
 * one family.
 */
export function udpChecksum(datagram: ByteView, pseudo: PseudoHeader): number {
  need(viewOf(datagram), UDP_HEADER_LENGTH, LAYER);
  const sum = pseudoHeaderSum(pseudo, IpProtocol.Udp, datagram.byteLength);
  return internetChecksum(datagram, sum) || 0xffff;
}
