import { realpathSync } from "node:fs";
import { RawSocketPermissionError, SystemError } from "../../errors.ts";
import { BoundTransport } from "./bound-transport.ts";
import { IcmpTransport, type IcmpTransportOptions, type TransportSystem } from "./icmp-transport.ts";
import { SocketPool } from "./socket-pool.ts";
import type { Route, Transport } from "./transport.ts";

/** Which kind of socket a caller allows: `true` raw only, `false` datagram only, `"auto"` raw if permitted. */
export type Privileged = "auto" | boolean;

/** Which socket to open. */
export interface OpenOptions extends Omit<IcmpTransportOptions, "privileged" | "bindTo"> {
  readonly privileged: Privileged;
  /** The only source of all routes, without a zone: IPv6 datagram sockets have to be bound to it. */
  readonly source?: string | undefined;
  /** The interface of a link-local source. */
  readonly interface?: Route["interface"];
}

/**
 * Opens the socket to probe with.
 *
 * @throws {RawSocketPermissionError} when the process may open none of the kinds allowed. Nothing stays open.
 * @throws {SystemError} for any other reason (EMFILE, EAFNOSUPPORT, ...).
 */
export function openTransport(system: TransportSystem, options: OpenOptions): Transport {
  const { family, privileged, identifier, source, interface: by } = options;
  return openPermitted(privileged, (isRaw) => {
    if (!isRaw && source !== undefined && family === 6)
      return new BoundTransport(system, { family, source, interface: by });
    const first = new IcmpTransport(system, { family, privileged: isRaw, identifier });
    return new SocketPool(system.libc, first);
  });
}

/**
 * What `open` makes of the first kind of socket that the process may open: true for raw, false for datagram.
 *
 * @throws {RawSocketPermissionError} when it may open none of the kinds allowed.
 */
export function openPermitted<Opened>(privileged: Privileged, open: (isRaw: boolean) => Opened): Opened {
  const kinds = privileged === "auto" ? [true, false] : [privileged];
  let denial: SystemError | undefined;
  for (const kind of kinds) {
    try {
      return open(kind);
    } catch (error) {
      if (!isDenial(error)) throw error;
      denial = error;
    }
  }
  throw permissionError(privileged, denial);
}

// socket() answers EPERM for a raw socket without CAP_NET_RAW, EACCES for a group outside ping_group_range.
function isDenial(error: unknown): error is SystemError {
  return (
    error instanceof SystemError &&
    error.syscall === "socket" &&
    (error.code === "EPERM" || error.code === "EACCES")
  );
}

function permissionError(privileged: Privileged, cause: SystemError | undefined): RawSocketPermissionError {
  const setcap = `sudo setcap cap_net_raw+ep ${shellQuoted(realpathSync(process.execPath))}`;
  const sysctl = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"';
  const remedies = {
    auto: `Allow one of the two: either raw sockets for this Bun, and every script it runs,\n  ${setcap}\nor unprivileged ping sockets for all users (add it to /etc/sysctl.d to keep it)\n  ${sysctl}`,
    true: `Raw sockets need CAP_NET_RAW. Grant it to this Bun, and every script it runs,\n  ${setcap}\nor leave out "privileged: true"`,
    false: `Datagram sockets need a group within net.ipv4.ping_group_range. Allow every group\n  ${sysctl}\nor leave out "privileged: false"`,
  };
  return new RawSocketPermissionError(
    `Cannot open an ICMP socket: permission denied. ${remedies[`${privileged}`]}`,
    { errno: cause?.errno ?? 1, code: cause?.code ?? "EPERM", syscall: "socket" },
    { cause },
  );
}

function shellQuoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
