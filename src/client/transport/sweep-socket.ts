import { SystemError } from "../../errors.ts";
import {
  AF_INET,
  AF_INET6,
  ICMP_FILTER,
  ICMPV6_FILTER,
  IP_MTU_DISCOVER,
  IP_RECVERR,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  PMTUDISC_DONT,
  PMTUDISC_PROBE,
  SO_MARK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_TIMESTAMPING,
  SOCK_DGRAM,
  SOCK_RAW,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOL_RAW,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { Socket } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import { identifierFilter, typeFilter } from "./filter.ts";
import type { TransportSystem } from "./icmp-transport.ts";

/** How the probes of a sweep leave: the same for all of them, so that it is set on the socket and not on each packet. */
export interface SweepSocketOptions {
  readonly family: Family;
  /** true opens a raw socket (CAP_NET_RAW), false a datagram one (net.ipv4.ping_group_range). */
  readonly privileged: boolean;
  /** The identifier to send with on a raw socket. */
  readonly identifier: number;
  readonly source: string | undefined;
  readonly interfaceIndex: number | undefined;
  readonly ttl: number;
  readonly tos: number;
  readonly dontFragment: boolean | undefined;
  readonly mark: number;
  /** Bytes of ICMP data of each probe. */
  readonly size: number;
  /** Bytes to ask for as receive buffer. */
  readonly receiveBuffer: number;
}

/** Every IPv4 network carries packets of that size (RFC 791 section 3.2). */
const SMALLEST_MTU = 576;
const IP_AND_ICMP_HEADER = 28;

/** The socket of a sweep, with the identifier that its probes carry. */
export interface OpenedSweepSocket {
  readonly socket: Socket;
  readonly identifier: number;
}

/**
 * Opens and configures a socket for a sweep. It differs from the one of single probes in what costs time for each packet: no
 * transmit stamps, only the control messages that are needed, and no broadcasts (a send to one fails with EACCES).
 *
 * @throws {SystemError} EPERM or EACCES without the privilege; nothing stays open.
 */
export function openSweepSocket({ libc }: TransportSystem, options: SweepSocketOptions): OpenedSweepSocket {
  const { family, privileged } = options;
  const socket = Socket.open(libc, {
    domain: family === 4 ? AF_INET : AF_INET6,
    type: privileged ? SOCK_RAW : SOCK_DGRAM,
    protocol: family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
  });
  try {
    const identifier = privileged ? options.identifier : bindIdentifier(socket, options);
    if (privileged) {
      const [level, name] = family === 4 ? [SOL_RAW, ICMP_FILTER] : [IPPROTO_ICMPV6, ICMPV6_FILTER];
      socket.setOption(level, name, typeFilter(family));
      socket.attachFilter(identifierFilter(family, identifier));
    }
    if (family === 4) configureIpv4(socket, options);
    else configureIpv6(socket, options);
    if (options.mark !== 0) socket.setOption(SOL_SOCKET, SO_MARK, options.mark);
    socket.setOption(SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE);
    setReceiveBuffer(socket, options.receiveBuffer);
    return { socket, identifier };
  } catch (error) {
    socket.close();
    throw error;
  }
}

function configureIpv4(socket: Socket, options: SweepSocketOptions): void {
  const { privileged, ttl, tos, dontFragment, size } = options;
  socket.setOption(IPPROTO_IP, IP_TTL, ttl);
  if (tos !== 0) socket.setOption(IPPROTO_IP, IP_TOS, tos);
  // Small packets leave with DF by default, but only PROBE makes the kernel believe that they are never cut in two: it then
  // spares them an IP identification (RFC 6864 section 4.1), which takes a tenth of the time of an unpaced sweep.
  const isSmall = size <= SMALLEST_MTU - IP_AND_ICMP_HEADER;
  if (dontFragment ?? isSmall) socket.setOption(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
  else if (dontFragment === false) socket.setOption(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT);
  if (privileged) return;
  // A raw socket reads the TTL in the IP header, and errors as packets.
  socket.setOption(IPPROTO_IP, IP_RECVTTL, 1);
  socket.setOption(IPPROTO_IP, IP_RECVERR, 1);
}

function configureIpv6(socket: Socket, { privileged, ttl, tos, dontFragment }: SweepSocketOptions): void {
  socket.setOption(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
  if (tos !== 0) socket.setOption(IPPROTO_IPV6, IPV6_TCLASS, tos);
  if (dontFragment !== undefined) {
    socket.setOption(IPPROTO_IPV6, IPV6_MTU_DISCOVER, dontFragment ? PMTUDISC_PROBE : PMTUDISC_DONT);
  }
  socket.setOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  if (!privileged) socket.setOption(IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/** Binding to port 0 makes the kernel choose the identifier; the source of IPv6 datagrams has to be bound as well. */
function bindIdentifier(socket: Socket, { family, source }: SweepSocketOptions): number {
  socket.bind({ address: source ?? (family === 4 ? "0.0.0.0" : "::"), port: 0 });
  return socket.localAddress().port ?? 0;
}

function setReceiveBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
  } catch (error) {
    // Without privilege the kernel grants at most net.core.rmem_max (socket(7)).
    if (!(error instanceof SystemError)) throw error;
    socket.setOption(SOL_SOCKET, SO_RCVBUF, bytes);
  }
}
