import { constants } from "node:os";
import { SystemError } from "../../errors.ts";
import {
  AF_INET,
  AF_INET6,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  SO_EE_ORIGIN_LOCAL,
  SOCK_DGRAM,
} from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
import { Socket } from "../../ffi/socket.ts";
import { type Family, isLinkLocal } from "../../packet/address.ts";
import { attempt, extended } from "./configure-socket.ts";
import type { Route } from "./transport.ts";

/** What a refused send asked for, and what the kernel told about it. */
export interface RefusedSend {
  readonly destination: string;
  readonly source: string | undefined;
  readonly interface: Route["interface"];
  /** The index of that interface. */
  readonly index: number | undefined;
  readonly mark: number;
  /** The MTU that the packet exceeds, where the error is EMSGSIZE. */
  readonly mtu?: number | undefined;
}

/**
 * Names what the caller asked for: the kernel's EINVAL, EPERM and ENETUNREACH do not tell what was
 * wrong. A source that is not ours has one error on all kinds of socket, EADDRNOTAVAIL.
 */
export function explainRefusal(libc: Libc, error: SystemError, refused: RefusedSend): SystemError {
  const { destination, source, interface: by, mark, mtu } = refused;
  if (source !== undefined && !isOurs(libc, source, refused.index)) {
    return foreignSource(destination, source, error);
  }
  const asked = [
    source !== undefined && `source ${source}`,
    by !== undefined && `interface ${by}`,
    mark !== 0 && `mark ${mark}`,
  ].filter((part) => part !== false);
  const how = asked.length === 0 ? "" : ` with ${asked.join(", ")}`;
  const size = mtu === undefined ? "" : `, mtu=${mtu}`;
  return how === "" && size === "" ? error : extended(error, `${how}${size}`);
}

/** The error of a send from an address that this host does not have. */
function foreignSource(destination: string, source: string, cause: SystemError): SystemError {
  return new SystemError(
    `Cannot send to ${destination} from ${source}: this host has no such address (EADDRNOTAVAIL)`,
    {
      errno: constants.errno.EADDRNOTAVAIL,
      code: "EADDRNOTAVAIL",
      syscall: cause.syscall,
      address: destination,
    },
    { cause },
  );
}

/**
 * The MTU that a packet exceeds, which `resend` tries to send once more on a raw socket. Those are
 * told it only if they ask for errors (IP_RECVERR), which they do not as they see them as packets.
 */
export function exceededMtu(
  socket: Socket,
  family: Family,
  resend: () => void,
): number | undefined {
  const level = family === 4 ? IPPROTO_IP : IPPROTO_IPV6;
  const name = family === 4 ? IP_RECVERR : IPV6_RECVERR;
  let mtu: number | undefined;
  try {
    socket.setOption(level, name, 1);
    resend();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code !== "EMSGSIZE") return undefined;
  }
  // Where the error queue cannot be read, the MTU is not to be had.
  attempt(() =>
    socket.receiveErrors(({ error }) => {
      if (error?.origin === SO_EE_ORIGIN_LOCAL) mtu = error.info;
    }),
  );
  attempt(() => socket.setOption(level, name, 0));
  return mtu;
}

/**
 * Whether `address`, which has no zone, is one of this host's. True as well where the system lets
 * sockets bind to any address (ip_nonlocal_bind).
 */
export function isOurs(libc: Libc, address: string, index: number | undefined): boolean {
  const isIpv6 = address.includes(":");
  try {
    using socket = Socket.open(libc, {
      domain: isIpv6 ? AF_INET6 : AF_INET,
      type: SOCK_DGRAM,
      protocol: 0,
    });
    const isScoped = isIpv6 && index !== undefined && isLinkLocal(address);
    socket.bind({ address, ...(isScoped && { scopeId: index }) });
    return true;
  } catch (error) {
    return !(error instanceof SystemError && error.code === "EADDRNOTAVAIL");
  }
}

/**
 * The error of a probe that waited in vain, or that the kernel dropped without a word.
 *
 * @param reason what had no room, and for how long
 */
export function noRoomError(address: string, reason: string): SystemError {
  return new SystemError(`Cannot send to ${address}: ${reason}`, {
    errno: constants.errno.ENOBUFS,
    code: "ENOBUFS",
    syscall: "sendmsg",
    address,
  });
}
