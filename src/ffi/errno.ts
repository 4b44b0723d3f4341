import { constants } from "node:os";
import { SystemError } from "../errors.ts";

/** errno values of this platform that are treated in a way of their own. */
export const EAGAIN: number = constants.errno.EAGAIN;
export const EINTR: number = constants.errno.EINTR;
export const EINVAL: number = constants.errno.EINVAL;
export const EMSGSIZE: number = constants.errno.EMSGSIZE;
export const ENOBUFS: number = constants.errno.ENOBUFS;

const { EACCES, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, EPROTO } =
  constants.errno;
// Of Linux alone, so that node:os does not name them (asm-generic/errno.h).
const ENONET = 64;
const EHOSTDOWN = 112;
const EREMOTEIO = 121;

/**
 * What an ICMP error leaves pending on a socket (icmp_err_convert, icmpv6_err_convert, ping_err).
 */
const FROM_ICMP: ReadonlySet<number> = new Set([
  ...[EACCES, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENONET],
  ...[ENOPROTOOPT, EOPNOTSUPP, EPROTO, EREMOTEIO],
]);

/**
 * Whether a call on a socket with IP_RECVERR may fail with `errno` because an ICMP error has come
 * (ip(7)).
 */
export function isFromIcmp(errno: number): boolean {
  return FROM_ICMP.has(errno);
}

/**
 * How often a send is tried that fails with `errno`: on a socket with IP_RECVERR it may only have
 * been told of an earlier datagram's ICMP error (ip(7)), and each failure takes one such error
 * away. While many are in flight, routers may send one between any two attempts: of hundreds of
 * probes to a router one met three in a row. An own EMSGSIZE leaves an entry on the error queue
 * with each attempt. No ICMP error becomes EINVAL, nor EPERM, but a firewall that rejects with one
 * leaves both in turn.
 */
export function sendAttempts(errno: number): number {
  if (errno === constants.errno.EPERM || errno === EINVAL) return 1;
  return errno === EMSGSIZE ? 3 : 32;
}

/**
 * The error for a libc call that returned -1: `sendmsg() to 10.0.0.1 failed: EHOSTUNREACH (host is
 * unreachable)`, or `setsockopt(SO_MARK) failed: EPERM (operation not permitted)`.
 *
 * @param errno the positive value `LibcSymbols.errno()` gave right after the call.
 * @param call what was called, the address or the option that it was about, and what its failure
 * means
 */
export function systemError(
  errno: number,
  {
    option,
    meaning,
    ...call
  }: { syscall: string; address?: string; option?: string; meaning?: string },
): SystemError {
  const code = errnoName(errno);
  // Bun has the map since 1.4; the code alone says nearly as much.
  const { getSystemErrorMap } = process.getBuiltinModule("node:util");
  const description = getSystemErrorMap?.().get(-errno)?.[1];
  const target = call.address === undefined ? "" : ` to ${call.address}`;
  const reason = description === undefined ? code : `${code} (${description})`;
  const suffix = meaning === undefined ? "" : `: ${meaning}`;
  const message = `${call.syscall}(${option ?? ""})${target} failed: ${reason}${suffix}`;
  return new SystemError(message, { errno, code, ...call });
}

/**
 * The symbolic name of a positive errno value, e.g. `"EHOSTUNREACH"`; `"E<number>"` when it has
 * none.
 */
export function errnoName(errno: number): `E${string}` {
  const name = process.getBuiltinModule("node:util").getSystemErrorName(-errno);
  return name?.startsWith("E") ? (name as `E${string}`) : `E${errno}`;
}
