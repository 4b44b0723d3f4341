import type { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";
import { BoundTransport } from "./bound-transport.ts";
import {
  IcmpTransport,
  type IcmpTransportOptions,
  type TransportSystem,
} from "./icmp-transport.ts";
import {
  diagnosePermission,
  isDenial,
  type PermissionSystem,
  permissionError,
} from "./permission.ts";
import { SocketPool } from "./socket-pool.ts";
import type { Route, Transport } from "./transport.ts";

/**
 * Which kind of socket a caller allows: `true` raw only, `false` datagram only, `"auto"` raw if
 * permitted.
 */
export type Privileged = "auto" | boolean;

/** Which socket to open. */
export interface OpenOptions extends Omit<IcmpTransportOptions, "privileged" | "bindTo"> {
  readonly privileged: Privileged;
  /**
   * The only source of all routes, without a zone: IPv6 datagram sockets have to be bound to it.
   */
  readonly source?: string | undefined;
  /** The interface of a link-local source. */
  readonly interface?: Route["interface"];
}

/**
 * Opens the socket to probe with.
 *
 * @throws {RawSocketPermissionError} when the process may open none of the kinds allowed. Nothing
 * stays open.
 * @throws {SystemError} for any other reason (EMFILE, EAFNOSUPPORT, ...).
 */
export function openTransport(
  system: TransportSystem & PermissionSystem,
  options: OpenOptions,
): Transport {
  const { family, privileged, identifier, source, interface: by } = options;
  return openPermitted(system, { privileged, family }, (isRaw) => {
    if (!isRaw && source !== undefined && family === 6)
      return new BoundTransport(system, { family, source, interface: by });
    const first = new IcmpTransport(system, { family, privileged: isRaw, identifier });
    return new SocketPool(system.libc, first);
  });
}

/**
 * What `open` makes of the first kind of socket that the process may open: true for raw, false for
 * datagram.
 *
 * @throws {RawSocketPermissionError} when it may open none of the kinds allowed.
 */
export function openPermitted<Opened>(
  system: PermissionSystem,
  { privileged, family }: { readonly privileged: Privileged; readonly family: Family },
  open: (isRaw: boolean) => Opened,
): Opened {
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
  throw permissionError(diagnosePermission(system, [family]), privileged, denial);
}
