import { constants } from "node:os";
import { SystemError } from "../errors.ts";

/** errno values of this platform that are treated in a way of their own. */
export const EAGAIN: number = constants.errno.EAGAIN;
export const EINTR: number = constants.errno.EINTR;
export const EMSGSIZE: number = constants.errno.EMSGSIZE;
export const ENOBUFS: number = constants.errno.ENOBUFS;

/**
 * The error for a libc call that returned -1: `sendmsg() to 10.0.0.1 failed: EHOSTUNREACH (host is unreachable)`.
 *
 * @param errno the positive value `LibcSymbols.errno()` gave right after the call.
 */
export function systemError(errno: number, call: { syscall: string; address?: string }): SystemError {
  const code = errnoName(errno);
  const { getSystemErrorMap } = process.getBuiltinModule("node:util");
  const description = getSystemErrorMap().get(-errno)?.[1];
  const target = call.address === undefined ? "" : ` to ${call.address}`;
  const reason = description === undefined ? code : `${code} (${description})`;
  return new SystemError(`${call.syscall}()${target} failed: ${reason}`, { errno, code, ...call });
}

/** The symbolic name of a positive errno value, e.g. `"EHOSTUNREACH"`; `"E<number>"` when it has none. */
function errnoName(errno: number): `E${string}` {
  const name = process.getBuiltinModule("node:util").getSystemErrorName(-errno);
  return name?.startsWith("E") ? (name as `E${string}`) : `E${errno}`;
}
