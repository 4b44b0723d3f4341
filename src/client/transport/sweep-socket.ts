import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import { Socket } from "../../ffi/socket.ts";
import { type Family, isLinkLocal, needsZone } from "../../packet/address.ts";
import type { Facilities } from "./capabilities.ts";
import { configureSocket } from "./configure-socket.ts";
import type { TransportSystem } from "./icmp-transport.ts";
import { interfaceIndex } from "./interface-names.ts";
import { bindIdentifier } from "./shared-identifier.ts";
import type { FixedRoute } from "./socket-options.ts";

/** How the probes of a sweep leave: the same for all of them, so that it is set on the socket and not on each packet. */
export interface SweepSocketOptions extends FixedRoute {
  readonly family: Family;
  /** true opens a raw socket (CAP_NET_RAW), false a datagram one (net.ipv4.ping_group_range). */
  readonly privileged: boolean;
  /** The identifier to send with on a raw socket. */
  readonly identifier: number;
  readonly source: string | undefined;
  /** Name or index of the interface that all probes leave by. */
  readonly interface: string | number | undefined;
  /** The zone of link-local targets, which may become known later. */
  readonly zone: { readonly name: string | undefined };
  /** Bytes to ask for as receive buffer. */
  readonly receiveBuffer: number;
}

/** The socket of a sweep, with the identifier that its probes carry. */
export interface OpenedSweepSocket {
  readonly socket: Socket;
  readonly identifier: number;
  readonly facilities: Facilities;
}

/**
 * Opens and configures a socket for a sweep. It differs from the one of single probes in what costs time for each packet: no
 * transmit stamps, only the control messages that are needed, and no broadcasts (a send to one fails with EACCES).
 *
 * @throws {SystemError} EPERM or EACCES without the privilege; nothing stays open.
 * @throws {RangeError} for a link-local source of which nobody says on which interface it is.
 */
export function openSweepSocket(
  { libc }: TransportSystem,
  options: SweepSocketOptions,
): OpenedSweepSocket {
  const { family, privileged } = options;
  checkSource(options);
  const socket = Socket.open(libc, {
    domain: family === 4 ? AF_INET : AF_INET6,
    type: privileged ? SOCK_RAW : SOCK_DGRAM,
    protocol: family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
  });
  try {
    const any = family === 4 ? "0.0.0.0" : "::";
    const { source, interface: by = options.zone.name } = options;
    // IPv4 sockets take the source of a control message.
    const [address = any] = family === 4 ? [] : (source?.split("%", 1) ?? []);
    const isScoped = by !== undefined && isLinkLocal(address) && family === 6;
    const bindTo = { address, ...(isScoped && { scopeId: interfaceIndex(libc, by) }) };
    const identifier = privileged ? options.identifier : bindIdentifier(socket, bindTo);
    const plan = { ...options, identifier, route: options };
    const facilities = configureSocket(socket, plan, libc.calls);
    return { socket, identifier, facilities };
  } catch (error) {
    socket.close();
    throw error;
  }
}

function checkSource({ source, interface: by, zone }: SweepSocketOptions): void {
  if (source === undefined || !needsZone(source) || by !== undefined || zone.name !== undefined)
    return;
  throw new RangeError(
    `Option "source" is ${source}: a link-local address needs its interface, as in ${source}%eth0`,
  );
}
