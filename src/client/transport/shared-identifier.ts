import { SystemError } from "../../errors.ts";
import {
  AF_INET,
  ICMPV6_FILTER,
  IP_RECVERR,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOCK_RAW,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
import { Socket, type SocketAddress } from "../../ffi/socket.ts";
import type { Facilities } from "./capabilities.ts";
import { attempt, configureSocket, extended } from "./configure-socket.ts";
import { typeFilter } from "./filter.ts";
import type { SocketPlan } from "./socket-options.ts";

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
 * Says whether another datagram socket may be bound to the identifier of this one: the one bound
 * last gets all answers. The kernel begins with yes, for any user (INET_PROTOSW_REUSE,
 * ping_get_port).
 */
export function setShareable(socket: Socket, isShareable: boolean): void {
  attempt(() => socket.setOption(SOL_SOCKET, SO_REUSEADDR, Number(isShareable)));
}

/**
 * Twice this is what an unprivileged process may have by default (net.core.wmem_max, socket(7)).
 */
const FURTHER_SEND_BUFFER = 212_992;
/** The base address of the multicast range, which is reserved (RFC 1112 section 4). */
const UNUSED_GROUP = "224.0.0.0";
/** What it costs when raw IPv4 probes leave by the socket that receives. */
const NO_REFUSALS = "probes that this host has no room to send count as lost";

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
  } else {
    becomeDeaf(socket);
    attempt(() => askForRefusals(socket, facilities));
  }
}

/**
 * Opens the socket that raw IPv4 probes leave by, beside the one that receives. It is told when the
 * device or the table of neighbours has no room (ENOBUFS).
 *
 * @param receiver what is known of the other socket. It is told why there is no such socket.
 * @returns undefined then: the other socket must do both.
 */
export function openSender(libc: Libc, plan: SocketPlan, receiver: Facilities): Socket | undefined {
  if (!receiver.hasErrorQueue) return undefined;
  let socket: Socket | undefined;
  const refusal = attempt(() => {
    socket = Socket.open(libc, { domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP });
    const facilities = configureSocket(socket, plan, libc.calls);
    becomeDeaf(socket);
    askForRefusals(socket, facilities);
  });
  if (refusal === undefined) {
    receiver.asksForErrors = true;
    return socket;
  }
  socket?.close();
  receiver.lack("IP_RECVERR", refusal, NO_REFUSALS);
  return undefined;
}

/**
 * Binds a raw IPv4 socket to a group from which and to which nothing is ever sent: it is then
 * offered neither packets nor ICMP errors (raw_v4_match).
 */
function becomeDeaf(socket: Socket): void {
  socket.bind({ address: UNUSED_GROUP, port: 0 });
}

/**
 * Without IP_RECVERR, a packet that the device or the table of neighbours has no room for vanishes
 * (raw_sendmsg). A socket that is not deaf would pay for it: all ICMP errors about ICMP packets of
 * this host, from any sender, would fill its error queue, and each make a send fail.
 */
function askForRefusals(socket: Socket, facilities: Facilities): void {
  if (!facilities.hasErrorQueue) return;
  socket.setOption(IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
  facilities.asksForErrors = true;
}
