import { RouteError } from "../../errors.ts";
import { isMulticast, needsZone } from "../../packet/address.ts";
import { interfaceIndex } from "../transport/interface-names.ts";
import type { Platform } from "../transport/platform.ts";
import { isOurs } from "../transport/send-failure.ts";
import type { Route } from "../transport/transport.ts";

/** Linux gives it to the loopback interface of every network namespace (net/core/dev.h). */
const LOOPBACK_INDEX = 1;

/** What may name the interface that probes leave by. */
export interface InterfaceWishes {
  /** The target as it was given. */
  readonly host: string;
  /** Its address, canonical. */
  readonly address: string;
  /** The source asked for, canonical. */
  readonly source: string | undefined;
  /** The option `interface`. */
  readonly interface: Route["interface"];
}

/**
 * The interface of a route: that of the option, of the target's zone or of the source's zone, which
 * must agree. Whichever of the three names it, it holds for target and source (RFC 4007 section 6).
 *
 * @throws {RouteError} for a target that cannot be reached by it
 * @throws {RangeError} for an option that names an interface that this host does not have
 */
export function interfaceOfRoute(
  libc: Platform["libc"],
  wishes: InterfaceWishes,
): Route["interface"] {
  const { host, address, source, interface: option } = wishes;
  const zone = zoneOf(address);
  const sourceZone = source === undefined ? undefined : zoneOf(source);
  checkOption(libc, "interface", option, option);
  checkOption(libc, "source", sourceZone, source);
  if (zone !== undefined && interfaceIndex(libc, zone) === 0) {
    throw unreachable(host, `this host has no interface "${zone}"`, "ENODEV");
  }
  const chosen = zone ?? option ?? sourceZone;
  for (const other of [option, sourceZone]) {
    if (other === undefined || chosen === undefined) continue;
    if (interfaceIndex(libc, other) === interfaceIndex(libc, chosen)) continue;
    throw unreachable(
      host,
      `it is on interface ${chosen}, and probes are to leave by ${other}`,
      "ERR_ZONE",
    );
  }
  const refusal = chosen === undefined ? undefined : loopbackRefusal(libc, chosen, [address]);
  if (refusal !== undefined) throw unreachable(host, refusal, "ENETUNREACH");
  if (chosen === undefined && needsZone(address)) {
    const how = `add its interface, as in ${address}%eth0, or set the option "interface"`;
    throw unreachable(
      host,
      `every interface may have such a link-local address: ${how}`,
      "ERR_ZONE",
    );
  }
  if (chosen === undefined && source !== undefined && needsZone(source)) {
    throw new RangeError(
      `Option "source" is ${source}: a link-local address needs its interface, as in ${source}%eth0`,
    );
  }
  return chosen;
}

/** Whether an interface is the one that leads to this host itself. */
export function isLoopbackInterface(libc: Platform["libc"], by: string | number): boolean {
  return interfaceIndex(libc, by) === LOOPBACK_INDEX;
}

/** Why an interface does not lead to all of `addresses`; undefined where it may. */
export function loopbackRefusal(
  libc: Platform["libc"],
  by: string | number,
  addresses: readonly string[],
): string | undefined {
  if (!isLoopbackInterface(libc, by)) return undefined;
  // A group is reached by lo, too: its member is this host.
  const isReached = (address: string) =>
    isMulticast(address) || isOurs(libc, address.split("%", 1)[0] ?? "", LOOPBACK_INDEX);
  if (addresses.every(isReached)) return undefined;
  return `interface ${by} leads to addresses of this host only`;
}

function zoneOf(address: string): string | undefined {
  return address.split("%", 2)[1];
}

function checkOption(
  libc: Platform["libc"],
  option: string,
  name: Route["interface"],
  value: string | number | undefined,
): void {
  // With index 0 the kernel would be asked for no interface, and choose one.
  if (name === undefined || interfaceIndex(libc, name) !== 0) return;
  const which = name === value ? "such interface" : `interface "${name}"`;
  throw new RangeError(`Option "${option}" is "${value}": this host has no ${which}`);
}

function unreachable(host: string, why: string, code: string): RouteError {
  return new RouteError(`Cannot probe "${host}": ${why}`, { host, code });
}
