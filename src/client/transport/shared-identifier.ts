import { SystemError } from "../../errors.ts";
import {
  ICMPV6_FILTER,
  IP_RECVERR,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import type { Socket, SocketAddress } from "../../ffi/socket.ts";
import type { Facilities } from "./capabilities.ts";
import { attempt, extended } from "./configure-socket.ts";
import { typeFilter } from "./filter.ts";

/**
 * Binds a datagram socket and returns its identifier: the port of `address` if it is free, else the
 * kernel's choice. The source has to be bound, too: that of a control message is checked and then
 * ignored in IPv6 (ping_v6_sendmsg).
 *
 * @throws {SystemError} EADDRNOTAVAIL for an address that is not ours, ...
 */
export function bindIdentifier(socket: Socket, address: SocketAddress): number {
  try {
    socket.bind({ port: 0, ...address });
    setShareable(socket, false);
    return socket.localAddress().port ?? 0;
  } catch (error) {
    const isTaken = error instanceof SystemError && error.code === "EADDRINUSE";
    if (isTaken && address.port) return bindIdentifier(socket, { ...address, port: 0 });
    if (!(error instanceof SystemError) || error.code === "EADDRNOTAVAIL") throw error;
    throw extended(error, ": a datagram socket gets the identifier of its probes by it");
  }
}

/**
 * Binds a datagram socket to the identifier of others, all of which must be shareable meanwhile.
 *
 * @throws {SystemError} EADDRINUSE, ...
 */
export function bindFurther(socket: Socket, address: SocketAddress): void {
  socket.bind(address);
  setShareable(socket, false);
}

/**
 * Says whether another datagram socket may be bound to the identifier of this one: the one bound last
 * gets all answers. The kernel begins with yes, for any user (INET_PROTOSW_REUSE, ping_get_port).
 */
export function setShareable(socket: Socket, isShareable: boolean): void {
  attempt(() => socket.setOption(SOL_SOCKET, SO_REUSEADDR, Number(isShareable)));
}

/** Twice this is what an unprivileged process may have by default (net.core.wmem_max, socket(7)). */
const FURTHER_SEND_BUFFER = 212_992;
/** The base address of the multicast range, which is reserved (RFC 1112 section 4). */
const UNUSED_GROUP = "224.0.0.0";

/**
 * Makes a socket one that only adds room for sending. Of datagram sockets the one bound last
 * receives for all; raw ones are made deaf.
 *
 * @throws {SystemError} when that cannot be done.
 */
export function becomeFurther(socket: Socket, facilities: Facilities): void {
  const { family, privileged } = facilities;
  // Twice the size that sockets begin with. More would only make a long queue at a slow device.
  attempt(() => socket.setOption(SOL_SOCKET, SO_SNDBUF, FURTHER_SEND_BUFFER));
  if (!privileged) return;
  if (family === 6) {
    socket.setOption(IPPROTO_ICMPV6, ICMPV6_FILTER, typeFilter(6, []), "ICMPV6_FILTER");
    return;
  }
  // Bound to a group from which and to which nothing is ever sent, it is offered neither packets nor
  // ICMP errors (raw_v4_match). So it may have IP_RECVERR, without which packets vanish when a
  // device or the table of neighbours has no room (raw_sendmsg).
  socket.bind({ address: UNUSED_GROUP, port: 0 });
  if (!facilities.hasErrorQueue) return;
  attempt(() => socket.setOption(IPPROTO_IP, IP_RECVERR, 1));
  facilities.asksForErrors = true;
}
