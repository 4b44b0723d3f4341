import type { SocketAddress } from "../../ffi/sockaddr.ts";
import { type Family, isLinkLocal, withoutZone } from "../../packet/address.ts";
import { ipv6PseudoHeaderSum } from "../../packet/checksum.ts";
import type { ExtensionObject } from "../../packet/extension-objects.ts";
import type { IcmpQuoting } from "../../packet/icmp-message.ts";
import { Icmpv4Type, Icmpv6Type } from "../../packet/icmp-types.ts";
import type { Icmpv4Message } from "../../packet/icmpv4.ts";
import type { Icmpv6Message } from "../../packet/icmpv6.ts";
import { IpProtocol } from "../../packet/protocol.ts";
import { ECHO_HEADER_LENGTH } from "./sweep-probe.ts";
import type { ErrorArrival } from "./transport.ts";

/**
 * How much of an ICMP error is looked at and kept, in bytes. Longer ones should not exist: 576
 * bytes are the limit in IPv4 (RFC 1812 section 4.3.2.3), 1,280 in IPv6 (RFC 4443 section 2.4), IP
 * header included.
 */
export const MAX_ERROR_LENGTH = 1280;

/** The ICMP type of our probes. */
export function echoRequestType(family: Family): number {
  return family === 4 ? Icmpv4Type.EchoRequest : Icmpv6Type.EchoRequest;
}

/**
 * A sender as canonical text; a link-local one with its zone, since without it the address names
 * nobody.
 */
export function sourceOf(source: SocketAddress | undefined): string {
  if (source === undefined) return "";
  const { address, scopeId } = source;
  return scopeId && isLinkLocal(address) ? `${address}%${scopeId}` : address;
}

/**
 * The sum of the pseudo header that the ICMP checksum of a quoted probe covers: 0 in IPv4, which
 * has none. Undefined where the kernel does not tell which address of ours it left from: that is
 * where the error came to.
 *
 * @param destination Where the probe went, canonical.
 * @param length Bytes of its ICMP data.
 */
export function quotedPseudoSum(
  { to, quote }: Pick<ErrorArrival, "to" | "quote">,
  destination: string,
  length: number,
): number | undefined {
  if (!destination.includes(":")) return 0;
  const source = to ?? quote.header?.source;
  if (source === undefined) return undefined;
  const addresses = { source: withoutZone(source), destination: withoutZone(destination) };
  return ipv6PseudoHeaderSum(addresses, IpProtocol.Icmpv6, ECHO_HEADER_LENGTH + length);
}

/** An ICMP message that quotes a datagram. */
export type ErrorMessage = Extract<Icmpv4Message | Icmpv6Message, IcmpQuoting>;

export function isErrorMessage(message: Icmpv4Message | Icmpv6Message): message is ErrorMessage {
  return "originalDatagram" in message;
}

/** The fields of an error that only some kinds have. */
export interface ErrorBody {
  readonly extensions: readonly ExtensionObject[];
  readonly mtu: number | null;
  readonly pointer: number | null;
}

export function errorBody(message: ErrorMessage): ErrorBody {
  return {
    extensions: "extensions" in message ? message.extensions : [],
    mtu: mtuOf(message),
    pointer: message.kind === "parameterProblem" ? message.pointer : null,
  };
}

// Old routers, and all codes but "fragmentation needed", leave the IPv4 field zero (RFC 1191
// section 4).
function mtuOf(message: ErrorMessage): number | null {
  if (message.kind === "packetTooBig") return message.mtu;
  if (!("nextHopMtu" in message) || message.nextHopMtu === 0) return null;
  return message.nextHopMtu;
}
