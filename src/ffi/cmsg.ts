import {
  CMSGHDR,
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_PKTINFO,
  IP_RECVERR,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_TCLASS,
  SO_RXQ_OVFL,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOCK_EXTENDED_ERR,
  SOL_SOCKET,
  TIMESPEC,
  TIMEVAL,
} from "./constants.ts";
import {
  addressBytes,
  decodeSocketAddress,
  type SocketAddress,
  textAt,
  writeBytes,
} from "./sockaddr.ts";

/**
 * An entry of a socket's error queue: `struct sock_extended_err` (linux/errqueue.h), numbers as
 * they are.
 */
export interface ExtendedError {
  /** The errno value; ENOMSG for timestamps. */
  readonly errno: number;
  /** Who raised it: `SO_EE_ORIGIN_*`. */
  readonly origin: number;
  /** ICMP type, when the origin is ICMP. */
  readonly type: number;
  /** ICMP code, when the origin is ICMP. */
  readonly code: number;
  /** The path MTU of EMSGSIZE; `SCM_TSTAMP_*` of a timestamp. */
  readonly info: number;
  /** The OPT_ID key of a timestamp: how many messages the socket had sent before that one. */
  readonly data: number;
  /** The node that sent the ICMP error. */
  readonly offender: SocketAddress | undefined;
}

/** What the control messages of a received message say; absent is `undefined`. */
export interface ControlValues {
  destination: string | undefined;
  interfaceIndex: number | undefined;
  ttl: number | undefined;
  tos: number | undefined;
  timestampNs: number | undefined;
  error: ExtendedError | undefined;
  overflow: number | undefined;
}

/** What a message to be sent asks for by control messages. */
export interface ControlRequest {
  readonly ttl?: number;
  readonly tos?: number;
  readonly source?: string;
  readonly interfaceIndex?: number;
}

/**
 * Bytes of alignment behind every control message that `encodeControl()` writes. The kernel needs
 * none behind the last: without them an IPV6_PKTINFO fits the 36 bytes that it holds on its stack,
 * and takes nothing of net.core.optmem_max.
 */
export const CONTROL_PADDING = 4;

/** Where control messages are. */
export interface ControlRegion {
  readonly offset: number;
  readonly length: number;
  /** What `timestampNs` counts from. */
  readonly epochSeconds: number;
}

/**
 * Reads the control messages of a region (cmsg(3)) into `values`. Unknown ones are skipped; one cut
 * short by MSG_CTRUNC ends the walk.
 */
export function decodeControl<Values extends ControlValues>(
  view: DataView,
  region: ControlRegion,
  values: Values,
): Values {
  const end = region.offset + region.length;
  let offset = region.offset;
  while (offset + CMSGHDR.size <= end) {
    const length = view.getUint32(offset + CMSGHDR.length, true);
    if (length < CMSGHDR.size || offset + length > end) break;
    const level = view.getInt32(offset + CMSGHDR.level, true);
    if (level === SOL_SOCKET)
      decodeSocketLevel(view, { offset, epochSeconds: region.epochSeconds }, values);
    else if (level === IPPROTO_IP) decodeIpv4Level(view, offset, values);
    else if (level === IPPROTO_IPV6) decodeIpv6Level(view, offset, values);
    offset += align(length);
  }
  return values;
}

/**
 * Writes the control messages for `request` at `offset` and returns their length: IP_TTL, IP_TOS
 * and IP_PKTINFO (ip(7)), or IPV6_HOPLIMIT, IPV6_TCLASS and IPV6_PKTINFO (RFC 3542).
 */
export function encodeControl(
  request: ControlRequest,
  family: 4 | 6,
  at: { view: DataView; offset: number },
): number {
  const { view } = at;
  const level = family === 4 ? IPPROTO_IP : IPPROTO_IPV6;
  let offset = at.offset;
  if (request.ttl !== undefined) {
    offset = encodeInt(
      view,
      offset,
      { level, type: family === 4 ? IP_TTL : IPV6_HOPLIMIT },
      request.ttl,
    );
  }
  if (request.tos !== undefined) {
    offset = encodeInt(
      view,
      offset,
      { level, type: family === 4 ? IP_TOS : IPV6_TCLASS },
      request.tos,
    );
  }
  if (request.source !== undefined || request.interfaceIndex !== undefined) {
    offset = encodePacketInfo(request, family, { view, offset });
  }
  return offset - at.offset;
}

function decodeSocketLevel(
  view: DataView,
  { offset, epochSeconds }: { offset: number; epochSeconds: number },
  values: ControlValues,
): void {
  const type = view.getInt32(offset + CMSGHDR.type, true);
  const length = view.getUint32(offset + CMSGHDR.length, true) - CMSGHDR.size;
  const data = offset + CMSGHDR.size;
  if (type === SO_TIMESTAMPING && length >= TIMESPEC.size) {
    values.timestampNs = decodeTimestamp(view, data, epochSeconds);
  } else if (type === SO_TIMESTAMP && length >= TIMEVAL.size) {
    const microseconds = view.getUint32(data + TIMEVAL.microseconds, true);
    values.timestampNs = (secondsAt(view, data) - epochSeconds) * 1e9 + microseconds * 1000;
  } else if (type === SO_RXQ_OVFL && length >= 4) values.overflow = view.getUint32(data, true);
}

function decodeIpv4Level(view: DataView, offset: number, values: ControlValues): void {
  const type = view.getInt32(offset + CMSGHDR.type, true);
  const length = view.getUint32(offset + CMSGHDR.length, true) - CMSGHDR.size;
  const data = offset + CMSGHDR.size;
  if (type === IP_TTL && length >= 4) values.ttl = view.getInt32(data, true);
  // One byte, unlike every other (net/ipv4/ip_sockglue.c, ip_cmsg_recv_tos).
  else if (type === IP_TOS && length >= 1) values.tos = view.getUint8(data);
  else if (type === IP_PKTINFO && length >= IN_PKTINFO.size) {
    values.interfaceIndex = view.getInt32(data + IN_PKTINFO.interfaceIndex, true);
    values.destination = textAt(view, data + IN_PKTINFO.address, 4);
  } else if (type === IP_RECVERR) values.error = decodeError(view, data, length);
}

function decodeIpv6Level(view: DataView, offset: number, values: ControlValues): void {
  const type = view.getInt32(offset + CMSGHDR.type, true);
  const length = view.getUint32(offset + CMSGHDR.length, true) - CMSGHDR.size;
  const data = offset + CMSGHDR.size;
  if (type === IPV6_HOPLIMIT && length >= 4) values.ttl = view.getInt32(data, true);
  else if (type === IPV6_TCLASS && length >= 4) values.tos = view.getInt32(data, true);
  else if (type === IPV6_PKTINFO && length >= IN6_PKTINFO.size) {
    values.interfaceIndex = view.getInt32(data + IN6_PKTINFO.interfaceIndex, true);
    values.destination = textAt(view, data + IN6_PKTINFO.address, 16);
  } else if (type === IPV6_RECVERR) values.error = decodeError(view, data, length);
}

/** The software stamp, which is the first of three; all zero when only hardware stamped. */
function decodeTimestamp(view: DataView, offset: number, epochSeconds: number): number | undefined {
  const seconds = secondsAt(view, offset);
  const nanoseconds = view.getUint32(offset + TIMESPEC.nanoseconds, true);
  if (seconds === 0 && nanoseconds === 0) return undefined;
  return (seconds - epochSeconds) * 1e9 + nanoseconds;
}

/** The 64-bit seconds that both `timespec` and `timeval` begin with. */
function secondsAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

function decodeError(view: DataView, offset: number, length: number): ExtendedError | undefined {
  if (length < SOCK_EXTENDED_ERR.size) return undefined;
  return {
    errno: view.getUint32(offset + SOCK_EXTENDED_ERR.errno, true),
    origin: view.getUint8(offset + SOCK_EXTENDED_ERR.origin),
    type: view.getUint8(offset + SOCK_EXTENDED_ERR.type),
    code: view.getUint8(offset + SOCK_EXTENDED_ERR.code),
    info: view.getUint32(offset + SOCK_EXTENDED_ERR.info, true),
    data: view.getUint32(offset + SOCK_EXTENDED_ERR.data, true),
    offender: decodeSocketAddress(
      view,
      offset + SOCK_EXTENDED_ERR.size,
      length - SOCK_EXTENDED_ERR.size,
    ),
  };
}

function encodeInt(
  view: DataView,
  offset: number,
  kind: { level: number; type: number },
  value: number,
): number {
  const data = encodeHeader(view, offset, { ...kind, length: 4 });
  view.setInt32(data, value, true);
  view.setInt32(data + 4, 0, true);
  return data + 8;
}

function encodePacketInfo(
  request: ControlRequest,
  family: 4 | 6,
  at: { view: DataView; offset: number },
): number {
  const { view, offset } = at;
  const layout = family === 4 ? IN_PKTINFO : IN6_PKTINFO;
  const data = encodeHeader(view, offset, {
    level: family === 4 ? IPPROTO_IP : IPPROTO_IPV6,
    type: family === 4 ? IP_PKTINFO : IPV6_PKTINFO,
    length: layout.size,
  });
  new Uint8Array(view.buffer, view.byteOffset + data, align(layout.size)).fill(0);
  view.setInt32(data + layout.interfaceIndex, request.interfaceIndex ?? 0, true);
  if (request.source !== undefined) {
    // The kernel takes the IPv4 source from spec_dst, not from addr (ip(7)).
    const field = family === 4 ? IN_PKTINFO.localAddress : IN6_PKTINFO.address;
    writeBytes(view, data + field, addressBytes(request.source).bytes);
  }
  return data + align(layout.size);
}

function encodeHeader(
  view: DataView,
  offset: number,
  header: { level: number; type: number; length: number },
): number {
  view.setUint32(offset + CMSGHDR.length, CMSGHDR.size + header.length, true);
  view.setUint32(offset + CMSGHDR.length + 4, 0, true);
  view.setInt32(offset + CMSGHDR.level, header.level, true);
  view.setInt32(offset + CMSGHDR.type, header.type, true);
  return offset + CMSGHDR.size;
}

/** CMSG_ALIGN: control messages begin at multiples of the word size. */
function align(length: number): number {
  return (length + 7) & ~7;
}
