import type { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";
import { isSameHost } from "../../packet/address.ts";
import { icmpCodeName, icmpTypeName } from "../../packet/icmp-types.ts";
import type { Ipv4Header } from "../../packet/ipv4.ts";
import { IpProtocol } from "../../packet/protocol.ts";
import type {
  EchoIcmpErrorResult,
  EchoRequest,
  EchoResult,
  EchoTimeoutResult,
  IcmpErrorDetails,
  IcmpPacket,
  IpHeader,
  ReceivedPacket,
} from "../results/results.ts";
import { errorLabel } from "../results/verdicts.ts";
import { type Clock, NS_PER_MS, unixMs } from "../time/clock.ts";
import type { Reply } from "../transport/reply.ts";
import type { ErrorArrival, Route } from "../transport/transport.ts";
import {
  isBeginning,
  keepBytes,
  keepBytesIn,
  keepStretch,
  keptFrom,
  keptPart,
} from "./kept-bytes.ts";
import type { Timing } from "./timing.ts";

// Offsets in an echo message (RFC 792, RFC 4443 4.1).
const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const DATA = 8;

/** What is special about a result. */
export interface Verdict {
  readonly late: boolean;
  readonly duplicate: boolean;
  readonly corrupt: boolean;
  readonly reordered: boolean;
  readonly moreDuplicates: number;
}

export const ORDINARY: Verdict = {
  late: false,
  duplicate: false,
  corrupt: false,
  reordered: false,
  moreDuplicates: 0,
};

/** Whose probe a request is. */
export interface Asked {
  readonly route: Pick<Route, "destination">;
  readonly hostname: string | null;
}

/** What is known of a probe that left. */
export interface SentProbe {
  readonly ttl: number;
  readonly index: number;
  /** When it left, on the real-time scale. */
  readonly realtimeNs: number;
  /** As it was sent; copied. The kernel fills the checksum of ICMPv6. */
  readonly message: Uint8Array;
  readonly family: Family;
  readonly clock: Clock;
}

/** The request of a probe that did not leave. */
export function unsentRequest(
  { route, hostname }: Asked,
  { ttl, index }: { readonly ttl: number; readonly index: number },
): EchoRequest {
  return { addr: route.destination, hostname, ttl, number: index, sentPacket: null };
}

/** The request of a probe that left. */
export function sentRequest({ route, hostname }: Asked, sent: SentProbe): EchoRequest {
  const { ttl, index, message, family, clock } = sent;
  const raw = keepStretch(message, 0, message.length);
  const packet: IcmpPacket = {
    type: raw[TYPE] as number,
    code: raw[CODE] as number,
    checksum: family === 4 ? uint16(raw, CHECKSUM) : null,
    id: uint16(raw, IDENTIFIER),
    sequence: uint16(raw, SEQUENCE),
    payload: keptFrom(raw, DATA),
  };
  const addr = route.destination;
  const timestamp = unixMs(clock, sent.realtimeNs);
  return { addr, hostname, ttl, number: index, sentPacket: { packet, raw, timestamp, addr, ttl } };
}

/** The result of a probe that nobody answered in time. */
export function timeoutResult(
  target: string,
  request: EchoRequest,
  circumstances: Pick<
    EchoTimeoutResult,
    "receiveOverflow" | "departed" | "moreDuplicates" | "wrongData"
  >,
): EchoResult {
  return {
    kind: "timeout",
    target,
    request,
    error: "timeout",
    rtt: null,
    rttSource: null,
    reply: null,
    ...ORDINARY,
    ...circumstances,
    corrupt: circumstances.wrongData !== null,
  };
}

/** The result of a probe that the system refused to send. */
export function sendErrorResult(
  target: string,
  request: EchoRequest,
  cause: SystemError,
): EchoResult {
  const { errno, code, syscall, message } = cause;
  return {
    kind: "sendError",
    target,
    request,
    error: code,
    rtt: null,
    rttSource: null,
    reply: null,
    sendError: { errno, code, syscall, message },
    ...ORDINARY,
  };
}

/** What the result of an answer is built from. */
export interface Answer<Arrival extends Reply | ErrorArrival> {
  readonly target: string;
  readonly request: EchoRequest;
  readonly arrival: Arrival;
  readonly timing: Timing;
  readonly verdict: Verdict;
  readonly clock: Clock;
  /** Writes an address as people do. */
  readonly spell: ((address: string) => string) | undefined;
}

/** The result of a probe that got a reply. Copies what it keeps. */
export function replyResult(answer: Answer<Reply>): EchoResult {
  const { target, request, arrival, timing, verdict, clock } = answer;
  const rtt = timing.rttNs / NS_PER_MS;
  const { source: rttSource } = timing;
  const { from, ttl, bytes, start, end } = arrival;
  const raw = keepStretch(bytes, start, end);
  const icmp = arrival.icmp - start;
  const { late, duplicate, corrupt, reordered, moreDuplicates } = verdict;
  const payload = keptFrom(raw, icmp + DATA);
  // Named one by one, since there is one for each probe: spreads took 6 % of the time of a
  // multiping (bun --cpu-prof).
  return {
    kind: "reply",
    target,
    request,
    error: null,
    truncated: corrupt && isTruncated(request, payload),
    rtt,
    rttSource,
    reply: {
      rtt,
      rttSource,
      addr: spelling(from, answer),
      hostname: null,
      ttl,
      receivedPacket: {
        ipHeader: arrival.hasHeader ? ipv4Header(raw, arrival) : unseenHeader(arrival),
        icmpPacket: {
          type: raw[icmp + TYPE] as number,
          code: raw[icmp + CODE] as number,
          checksum: uint16(raw, icmp + CHECKSUM),
          id: arrival.identifier,
          sequence: arrival.sequence,
          payload,
        },
        raw,
        receivedAt: unixMs(clock, timing.receivedAt.realtimeNs),
      },
    },
    late,
    duplicate,
    corrupt,
    reordered,
    moreDuplicates,
  };
}

/** The result of a probe that an ICMP error is about. */
export function errorResult(
  answer: Answer<ErrorArrival> & { readonly unverified: boolean; readonly family: Family },
): EchoIcmpErrorResult {
  const { target, request, family, arrival, timing, verdict, unverified } = answer;
  const rtt = timing.rttNs / NS_PER_MS;
  const { source: rttSource } = timing;
  const receivedPacket = receivedError(answer);
  return {
    kind: "icmpError",
    target,
    request,
    error: errorLabel(family, arrival.icmp.type, arrival.icmp.code),
    icmpError: errorDetails(answer, arrival, receivedPacket.raw),
    unverified,
    rtt,
    rttSource,
    reply: {
      rtt,
      rttSource,
      addr: spelling(arrival.from, answer),
      hostname: null,
      ttl: arrival.ttl,
      receivedPacket,
    },
    ...verdict,
  };
}

/**
 * The target keeps the zone it was given with. Others get a name: it says more than the index that
 * the kernel reports.
 */
function spelling(from: string, { request, spell }: Answer<Reply | ErrorArrival>): string {
  if (isSameHost(from, request.addr)) return request.addr;
  return spell === undefined || !from.includes("%") ? from : spell(from);
}

function isTruncated({ sentPacket }: EchoRequest, payload: Uint8Array): boolean {
  return isBeginning(payload, sentPacket?.packet.payload ?? NOTHING);
}

const NOTHING: Uint8Array = new Uint8Array();

/** The header of a packet that begins with it (RFC 791 section 3.1). */
function ipv4Header(raw: Uint8Array, { from, to, ttl, tos }: Reply): IpHeader {
  const fragment = uint16(raw, 6);
  return {
    version: 4,
    srcAddr: from,
    destAddr: to,
    ttl,
    tos,
    protocol: raw[9] as number,
    ihl: (raw[0] as number) & 0x0f,
    totalLength: uint16(raw, 2),
    id: uint16(raw, 4),
    flags: fragment >> 13,
    fragmentOffset: (fragment & 0x1fff) * 8,
    checksum: uint16(raw, 10),
  };
}

/** What is known of a header that the socket keeps to itself. */
function unseenHeader({ family, from, to, ttl, tos }: Reply): IpHeader {
  return {
    version: family,
    srcAddr: from,
    destAddr: to,
    ttl,
    tos,
    protocol: family === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6,
    ihl: null,
    totalLength: null,
    id: null,
    flags: null,
    fragmentOffset: null,
    checksum: null,
  };
}

function receivedError({
  family,
  arrival,
  timing,
  clock,
}: Answer<ErrorArrival> & { readonly family: Family }): ReceivedPacket {
  const { icmp } = arrival;
  const raw = keepBytes(arrival.raw);
  return {
    ipHeader: errorHeader(family, arrival),
    icmpPacket: {
      type: icmp.type,
      code: icmp.code,
      checksum: icmp.checksum,
      id: null,
      sequence: null,
      payload: keptPart(raw, arrival.raw, icmp.data),
    },
    raw,
    receivedAt: unixMs(clock, timing.receivedAt.realtimeNs),
  };
}

function errorHeader(family: Family, arrival: ErrorArrival): IpHeader {
  const { header } = arrival;
  return {
    version: family,
    srcAddr: arrival.from,
    destAddr: arrival.to,
    ttl: arrival.ttl,
    tos: arrival.tos,
    protocol: family === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6,
    ihl: header === null ? null : header.headerLength / 4,
    totalLength: header?.totalLength ?? null,
    id: header?.identification ?? null,
    flags: header === null ? null : flagBits(header),
    fragmentOffset: header?.fragmentOffset ?? null,
    checksum: header?.checksum ?? null,
  };
}

function flagBits({ reservedFlag, dontFragment, moreFragments }: Ipv4Header): number {
  return (Number(reservedFlag) << 2) | (Number(dontFragment) << 1) | Number(moreFragments);
}

function errorDetails(
  { family, request }: { readonly family: Family; readonly request: EchoRequest },
  { icmp, quote, extensions, mtu, pointer, raw }: ErrorArrival,
  kept: Uint8Array,
): IcmpErrorDetails {
  const sentLength = request.sentPacket?.packet.payload.length ?? 0;
  return {
    type: icmp.type,
    code: icmp.code,
    description: `${icmpTypeName(family, icmp.type)}: ${icmpCodeName(family, icmp.type, icmp.code)}`,
    mtu,
    pointer,
    quote: {
      ipHeader: keepBytesIn(quote.header),
      destAddr: quote.destination,
      id: quote.identifier,
      sequence: quote.sequence,
      payload: keptPart(kept, raw, quote.data),
      truncated: quote.data.length < sentLength,
    },
    extensions: keepBytesIn(extensions),
  };
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}
