import type { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";
import { isSameHost } from "../../packet/address.ts";
import { icmpCodeName, icmpTypeName } from "../../packet/icmp-types.ts";
import type { Ipv4Header } from "../../packet/ipv4.ts";
import { IpProtocol } from "../../packet/protocol.ts";
import type {
  EchoReply,
  EchoRequest,
  EchoResult,
  EchoTimeoutResult,
  IcmpErrorDetails,
  IcmpPacket,
  IpHeader,
  ReceivedPacket,
} from "../results/results.ts";
import { errorLabel } from "../results/verdicts.ts";
import { type Clock, type Instant, NS_PER_MS, unixMs } from "../time/clock.ts";
import type { EchoArrival, ErrorArrival, Route } from "../transport/transport.ts";
import { keepBytes, keepBytesIn, keptFrom, keptPart } from "./kept-bytes.ts";
import { isBeginning } from "./payload.ts";
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

/** What a request is made of. */
interface RequestedProbe {
  readonly ttl: number;
  readonly index: number;
  readonly at: Instant;
  readonly stream: {
    readonly options: {
      readonly route: Pick<Route, "destination">;
      readonly hostname: string | null;
    };
  };
}

/** The request of a probe that did not leave. */
export function unsentRequest({ ttl, index, stream }: RequestedProbe): EchoRequest {
  const { route, hostname } = stream.options;
  return { addr: route.destination, hostname, ttl, number: index, sentPacket: null };
}

/** The request of a probe that left as the ICMP `message`. The kernel fills the checksum of ICMPv6. */
export function sentRequest(
  { ttl, index, at, stream }: RequestedProbe,
  sent: { readonly message: Uint8Array; readonly family: Family; readonly clock: Clock },
): EchoRequest {
  const { message, family, clock } = sent;
  const raw = keepBytes(message);
  const packet: IcmpPacket = {
    type: raw[TYPE] as number,
    code: raw[CODE] as number,
    checksum: family === 4 ? uint16(raw, CHECKSUM) : null,
    id: uint16(raw, IDENTIFIER),
    sequence: uint16(raw, SEQUENCE),
    payload: keptFrom(raw, DATA),
  };
  const { route, hostname } = stream.options;
  const addr = route.destination;
  const timestamp = unixMs(clock, at.realtimeNs);
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

/** What an answer is built from. */
export interface Answer {
  readonly target: string;
  readonly request: EchoRequest;
  readonly family: Family;
  readonly arrival: EchoArrival | ErrorArrival;
  readonly timing: Timing;
  readonly verdict: Verdict;
  /** Of an error; see {@link EchoIcmpErrorResult}. */
  readonly unverified: boolean;
  readonly clock: Clock;
}

/** The result of a probe that was answered, by an echo reply or an ICMP error. Copies what it keeps. */
export function answerResult(answer: Answer): EchoResult {
  const { target, request, family, arrival, timing, verdict } = answer;
  const rtt = timing.rttNs / NS_PER_MS;
  const reply: EchoReply = {
    rtt,
    rttSource: timing.source,
    // The target keeps the zone it was given with: a name says more than the index that the kernel reports.
    addr: isSameHost(arrival.from, request.addr) ? request.addr : arrival.from,
    hostname: null,
    ttl: arrival.ttl,
    receivedPacket: receivedPacket(answer),
  };
  const { source: rttSource } = timing;
  if (arrival.kind === "error") {
    const error = errorLabel(family, arrival.icmp.type, arrival.icmp.code);
    const icmpError = errorDetails(answer, arrival, reply.receivedPacket.raw);
    const { unverified } = answer;
    return {
      ...{ kind: "icmpError", target, request, error, icmpError, unverified },
      ...{ rtt, rttSource, reply },
      ...verdict,
    };
  }
  const { late, duplicate, corrupt, reordered, moreDuplicates } = verdict;
  // Named one by one, since there is one for each probe: spreads took 6 % of the time of a multiping (bun --cpu-prof).
  return {
    kind: "reply",
    target,
    request,
    error: null,
    truncated: corrupt && isTruncated(request, reply),
    rtt,
    rttSource,
    reply,
    late,
    duplicate,
    corrupt,
    reordered,
    moreDuplicates,
  };
}

function isTruncated({ sentPacket }: EchoRequest, { receivedPacket }: EchoReply): boolean {
  const sent = sentPacket?.packet.payload ?? NOTHING;
  return isBeginning(receivedPacket.icmpPacket.payload, sent);
}

const NOTHING: Uint8Array = new Uint8Array();

function receivedPacket({ family, arrival, timing, clock }: Answer): ReceivedPacket {
  const { icmp } = arrival;
  const raw = keepBytes(arrival.raw);
  return {
    ipHeader: ipHeader(family, arrival),
    icmpPacket: {
      type: icmp.type,
      code: icmp.code,
      checksum: icmp.checksum,
      id: icmp.identifier,
      sequence: icmp.sequence,
      payload: keptPart(raw, arrival.raw, icmp.data),
    },
    raw,
    receivedAt: unixMs(clock, timing.receivedAt.realtimeNs),
  };
}

function ipHeader(family: Family, arrival: EchoArrival | ErrorArrival): IpHeader {
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
  { family, request }: Answer,
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
