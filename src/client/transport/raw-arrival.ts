import type { IncomingMessage } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import { need, subview, viewOf } from "../../packet/bytes.ts";
import { verifyChecksum } from "../../packet/checksum.ts";
import { ICMP_HEADER_LENGTH } from "../../packet/icmp-codec.ts";
import { decodeIcmpv4, type Icmpv4Message } from "../../packet/icmpv4.ts";
import { decodeIcmpv6, type Icmpv6Message } from "../../packet/icmpv6.ts";
import { decodeIpv4Header, type Ipv4Header } from "../../packet/ipv4.ts";
import { decodeQuote } from "../../packet/quote.ts";
import {
  type ErrorMessage,
  echoRequestType,
  errorBody,
  isErrorMessage,
  MAX_ERROR_LENGTH,
  sourceOf,
} from "./arrival.ts";
import type { ErrorArrival, QuotedProbe } from "./transport.ts";

/**
 * An ICMP error as a raw socket received it: from the IP header on in IPv4 (raw(7)), the ICMPv6
 * message alone in IPv6 (RFC 3542 3). undefined for what concerns no echo request.
 *
 * @throws PacketError when the packet does not decode.
 */
export function decodeRaw(family: Family, incoming: IncomingMessage): ErrorArrival | undefined {
  const packet = incoming.data;
  const view = viewOf(packet);
  const header = family === 4 ? decodeIpv4Header(view) : null;
  // The kernel checked the total length against what it received; bytes after it are link-layer
  // padding.
  const end = header === null ? packet.length : Math.min(header.totalLength, packet.length);
  // Never beyond the end, where there would be no message: that is for the decoder to find.
  const start = Math.min(header?.headerLength ?? 0, end);
  const icmp = subview(view, start, end);
  need(icmp, ICMP_HEADER_LENGTH, "ICMP message");
  // The kernel verifies ICMPv6 checksums for raw sockets (RFC 3542 3.1), but not those of ICMPv4.
  // Of a packet that did not fit the receive memory, the checksum says nothing.
  if (family === 4 && !incoming.truncated && !verifyChecksum(icmp)) return undefined;
  // Much of an error is kept: decode a copy that outlives the receive memory.
  const copy = packet.slice(0, Math.min(end, start + MAX_ERROR_LENGTH));
  return decodeError(family, { incoming, header, raw: copy, body: copy.subarray(start) });
}

interface RawError {
  readonly incoming: IncomingMessage;
  readonly header: Ipv4Header | null;
  readonly raw: Uint8Array;
  readonly body: Uint8Array;
}

function decodeError(
  family: Family,
  { incoming, header, raw, body }: RawError,
): ErrorArrival | undefined {
  const message: Icmpv4Message | Icmpv6Message =
    family === 4 ? decodeIcmpv4(body) : decodeIcmpv6(body);
  if (!isErrorMessage(message)) return undefined;
  const quote = quotedProbe(message, family);
  if (quote === undefined) return undefined;
  const { type, code, checksum } = message;
  return {
    kind: "error",
    from: sourceOf(incoming.source),
    to: header?.destination ?? incoming.destination ?? null,
    ttl: header?.ttl ?? incoming.ttl ?? null,
    tos: tosOf(incoming, header),
    header,
    stampNs: incoming.timestampNs ?? null,
    icmp: { type, code, checksum, data: body.subarray(8) },
    raw,
    quote,
    ...errorBody(message),
  };
}

function quotedProbe(message: ErrorMessage, family: Family): QuotedProbe | undefined {
  const { header, destination, transport } = decodeQuote(message.originalDatagram, family);
  if (transport.kind !== "icmp" || transport.type !== echoRequestType(family)) return undefined;
  const { identifier, sequence, checksum, data } = transport;
  return { header, destination, identifier, sequence, checksum, data };
}

function tosOf(incoming: IncomingMessage, header: Ipv4Header | null): number | null {
  return header === null ? (incoming.tos ?? null) : (header.dscp << 2) | header.ecn;
}
