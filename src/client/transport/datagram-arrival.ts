import { PacketError } from "../../errors.ts";
import { SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 } from "../../ffi/constants.ts";
import type { ExtendedError, IncomingMessage } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import { viewOf } from "../../packet/bytes.ts";
import type { ExtensionObject } from "../../packet/extension-objects.ts";
import { splitOriginalDatagram } from "../../packet/extensions.ts";
import { Icmpv4Type, Icmpv4UnreachableCode, Icmpv6Type } from "../../packet/icmp-types.ts";
import { decodeIcmpv4 } from "../../packet/icmpv4.ts";
import { decodeIcmpv6 } from "../../packet/icmpv6.ts";
import { MAX_ERROR_LENGTH, sourceOf } from "./arrival.ts";
import type { ErrorArrival } from "./transport.ts";

// The quoted IP header, which the kernel strips, is as long as the one we sent: without options.
const QUOTED_HEADER_LENGTH = { 4: 20, 6: 40 } as const;

// `struct sock_ee_data_rfc4884` (linux/errqueue.h) in `ee_data`: where in the data the extension
// structure begins.
const RFC4884_LENGTH_MASK = 0xffff;

/**
 * An ICMP error from the error queue (ip(7) IP_RECVERR, ipv6(7) IPV6_RECVERR): type and code are in
 * the extended error, the data begin with the ICMP header of our probe, and the address is where
 * the probe was going.
 *
 * undefined for errors of this host's own making: `send` has reported those.
 */
export function decodeQueuedError(
  family: Family,
  incoming: IncomingMessage,
): ErrorArrival | undefined {
  const { error, source } = incoming;
  if (error === undefined || source === undefined || error.offender === undefined) return undefined;
  if (error.origin !== SO_EE_ORIGIN_ICMP && error.origin !== SO_EE_ORIGIN_ICMP6) return undefined;
  // Much of an error is kept: decode a copy that outlives the receive memory.
  const raw = incoming.data.slice(0, MAX_ERROR_LENGTH);
  const { probe, extensions } = splitQuote(raw, family, error);
  const message = family === 4 ? decodeIcmpv4(probe) : decodeIcmpv6(probe);
  if (message.kind !== "echoRequest") {
    const layer = "queued error";
    throw new PacketError(`Cannot decode ${layer}: it quotes no echo request`, {
      layer,
      offset: 0,
    });
  }
  const { type, code, info } = error;
  const { identifier, sequence, checksum, data } = message;
  return {
    kind: "error",
    from: sourceOf(error.offender),
    to: incoming.destination ?? null,
    ttl: incoming.ttl ?? null,
    tos: incoming.tos ?? null,
    header: null,
    stampNs: incoming.timestampNs ?? null,
    icmp: { type, code, checksum: null, data: raw },
    raw,
    quote: { header: null, destination: sourceOf(source), identifier, sequence, checksum, data },
    extensions,
    mtu: isTooBig(family, error) && info > 0 ? info : null,
    pointer: isParameterProblem(family, type) ? info : null,
  };
}

/** Separates the quoted ICMP message from the RFC 4884 extensions behind it. */
function splitQuote(data: Uint8Array, family: Family, { type, data: place }: ExtendedError) {
  const mayHaveExtensions =
    family === 4
      ? type !== Icmpv4Type.Redirect
      : type === Icmpv6Type.TimeExceeded || type === Icmpv6Type.DestinationUnreachable;
  if (!mayHaveExtensions) return { probe: data, extensions: [] as readonly ExtensionObject[] };
  // Put a header's worth of bytes back in front: the offsets of RFC 4884 count from the quoted IP
  // header.
  const headerLength = QUOTED_HEADER_LENGTH[family];
  const quoted = new Uint8Array(headerLength + data.length);
  quoted.set(data, headerLength);
  const declared = place & RFC4884_LENGTH_MASK;
  const split = splitOriginalDatagram(viewOf(quoted), declared === 0 ? 0 : headerLength + declared);
  return { probe: split.originalDatagram.subarray(headerLength), extensions: split.extensions };
}

function isTooBig(family: Family, { type, code }: ExtendedError): boolean {
  if (family === 6) return type === Icmpv6Type.PacketTooBig;
  return (
    type === Icmpv4Type.DestinationUnreachable && code === Icmpv4UnreachableCode.FragmentationNeeded
  );
}

function isParameterProblem(family: Family, type: number): boolean {
  return type === (family === 4 ? Icmpv4Type.ParameterProblem : Icmpv6Type.ParameterProblem);
}
