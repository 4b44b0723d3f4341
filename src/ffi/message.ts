import type { ControlRequest, ControlValues, ExtendedError } from "./cmsg.ts";
import type { SocketAddress } from "./sockaddr.ts";

/** A datagram to be sent, with what it asks of its IP header. */
export interface OutgoingMessage extends ControlRequest {
  /** What follows the IP header; at most 65,535 bytes. It is copied, and may be reused at once. */
  readonly data: Uint8Array;
  /** Where to; of the socket's family. */
  readonly destination: SocketAddress;
  /** TTL or hop limit, 1 to 255; the socket's when absent. */
  readonly ttl?: number;
  /** TOS or traffic class byte; the socket's when absent. */
  readonly tos?: number;
  /**
   * Source address: one of this host's; chosen by route when absent. Linux checks it on IPv6
   * datagram ICMP sockets but does not use it: bind those.
   */
  readonly source?: string;
  /** Interface to leave by; chosen by route when absent. */
  readonly interfaceIndex?: number;
}

/** Where datagrams go and what they ask of their IP header, encoded once for any number of them. */
export interface Envelope {
  /** Where to, as text. */
  readonly address: string;
  /** A `sockaddr`. */
  readonly name: Uint8Array;
  /** Control messages (cmsg(3)). */
  readonly control: Uint8Array;
}

/**
 * Nothing was queued if the kernel had no room; try again a little later. `"full"`: the send buffer
 * of a datagram socket is full (EAGAIN). `"busy"`: the device or the table of neighbours is, or the
 * send buffer of a raw socket (ENOBUFS).
 */
export type SendOutcome = "sent" | "full" | "busy";

/** A received datagram, or an entry of the error queue. */
export interface IncomingMessage extends Readonly<ControlValues> {
  /**
   * The bytes: a view into memory that is reused as soon as the handler returns. Raw IPv4 sockets
   * begin with the IP header.
   */
  readonly data: Uint8Array;
  /** The datagram was longer than the 64 KiB room. */
  readonly truncated: boolean;
  /** Who sent it; on the error queue, where the datagram in `data` was going. */
  readonly source: SocketAddress | undefined;
  /** The address it was sent to, when IP_PKTINFO or IPV6_RECVPKTINFO is on. */
  readonly destination: string | undefined;
  /** The interface it arrived by, with the same options. */
  readonly interfaceIndex: number | undefined;
  /** TTL or hop limit on arrival, when IP_RECVTTL or IPV6_RECVHOPLIMIT is on. */
  readonly ttl: number | undefined;
  /** TOS or traffic class, when IP_RECVTOS or IPV6_RECVTCLASS is on. */
  readonly tos: number | undefined;
  /**
   * The kernel's software timestamp, on the scale of `Libc.realtimeNs()`, when SO_TIMESTAMPING is
   * on.
   */
  readonly timestampNs: number | undefined;
  /** What went wrong, on the error queue. */
  readonly error: ExtendedError | undefined;
  /**
   * Datagrams this socket has dropped so far because its queue was full (32 bits), when SO_RXQ_OVFL
   * is on and some were.
   */
  readonly overflow: number | undefined;
}
