/**
 * Results made by hand, for tests of what is done with them. Only what a test names differs from
 * the ordinary.
 */

import type {
  EchoIcmpErrorResult,
  EchoReply,
  EchoReplyResult,
  EchoRequest,
  EchoSendErrorResult,
  EchoTimeoutResult,
  IcmpErrorDetails,
} from "../../../src/client/results/results.ts";
import { Statistics, type StatisticsSnapshot } from "../../../src/client/results/statistics.ts";
import { errorLabel } from "../../../src/client/results/verdicts.ts";

/** What the factories below let a test say. */
interface Facts {
  /** Whom was probed. Default 192.0.2.1. */
  readonly to?: string;
  /** The name it was found under. */
  readonly toName?: string;
  /** Who answered. By default whom was probed. */
  readonly from?: string;
  readonly fromName?: string;
  readonly number?: number;
  /** Of the probe. */
  readonly ttl?: number;
  /** With which the answer came. Default 57. */
  readonly replyTtl?: number | null;
  readonly rtt?: number;
  /** Of the data. Default 56. */
  readonly size?: number;
  readonly late?: boolean;
  readonly duplicate?: boolean;
  readonly corrupt?: boolean;
  /** Of a reply, which then is corrupt, too. */
  readonly truncated?: boolean;
  readonly reordered?: boolean;
  /** Of an ICMP error. */
  readonly unverified?: boolean;
}

/** An echo reply. */
export function replyOf(facts: Facts = {}): EchoReplyResult {
  const reply = answer(facts, { type: facts.to?.includes(":") ? 129 : 0, code: 0 });
  return {
    ...common(facts),
    kind: "reply",
    error: null,
    truncated: facts.truncated ?? false,
    rtt: reply.rtt,
    rttSource: "kernel",
    reply,
  };
}

/** A probe that nobody answered. */
export function timeoutOf(
  facts: Facts & { readonly receiveOverflow?: boolean; readonly departed?: boolean } = {},
): EchoTimeoutResult {
  const nothing = { rtt: null, rttSource: null, reply: null } as const;
  const { receiveOverflow = false, departed = null } = facts;
  return {
    ...common(facts),
    kind: "timeout",
    error: "timeout",
    ...nothing,
    receiveOverflow,
    departed,
    wrongData: null,
  };
}

/** An ICMP error. */
export function errorOf(
  details: Partial<IcmpErrorDetails> & Pick<IcmpErrorDetails, "type" | "code" | "description">,
  facts: Facts = {},
): EchoIcmpErrorResult {
  const reply = answer(facts, details);
  const { addr } = common(facts).request;
  return {
    ...common(facts),
    kind: "icmpError",
    unverified: facts.unverified ?? false,
    error: errorLabel(addr.includes(":") ? 6 : 4, details.type, details.code),
    rtt: reply.rtt,
    rttSource: "kernel",
    reply,
    icmpError: {
      mtu: null,
      pointer: null,
      quote: {
        ipHeader: null,
        destAddr: addr,
        id: 1,
        sequence: 1,
        payload: new Uint8Array(),
        truncated: true,
      },
      extensions: [],
      ...details,
    },
  };
}

/** The answer that a trace asks for. */
export function transitOf(
  facts: Facts & { readonly extensions?: IcmpErrorDetails["extensions"] } = {},
): EchoIcmpErrorResult {
  const type = facts.from?.includes(":") ? 3 : 11;
  const { extensions = [] } = facts;
  return errorOf({ type, code: 0, description: "time exceeded: in transit", extensions }, facts);
}

/** A probe that the system refused to send. */
export function sendErrorOf(
  code: `E${string}`,
  message: string,
  facts: Facts = {},
): EchoSendErrorResult {
  const sendError = { errno: 101, code, syscall: "sendmsg", message };
  return {
    ...common(facts),
    kind: "sendError",
    error: code,
    rtt: null,
    rttSource: null,
    reply: null,
    sendError,
  };
}

/** Statistics of probes with these RTTs, in which null is a lost one. */
export function statisticsOf(
  rtts: readonly (number | null)[],
  others: Partial<StatisticsSnapshot> = {},
): StatisticsSnapshot {
  const statistics = new Statistics();
  for (const rtt of rtts) {
    statistics.addSent();
    if (rtt === null) statistics.addLost();
    else statistics.addReply(rtt);
  }
  return { ...statistics.snapshot(), ...others };
}

function common({ to = "192.0.2.1", toName, number = 1, ttl = 64, ...facts }: Facts) {
  const request: EchoRequest = {
    addr: to,
    hostname: toName ?? null,
    ttl,
    number,
    sentPacket: null,
  };
  const { late = false, duplicate = false, truncated = false, reordered = false } = facts;
  const { corrupt = truncated } = facts;
  return { target: toName ?? to, request, late, duplicate, corrupt, reordered, moreDuplicates: 0 };
}

function answer(facts: Facts, icmp: { readonly type: number; readonly code: number }): EchoReply {
  const {
    to = "192.0.2.1",
    from = to,
    fromName = null,
    rtt = 12.345,
    replyTtl = 57,
    size = 56,
  } = facts;
  return {
    rtt,
    rttSource: "kernel",
    addr: from,
    hostname: fromName,
    ttl: replyTtl,
    receivedPacket: {
      ipHeader: {
        version: from.includes(":") ? 6 : 4,
        srcAddr: from,
        destAddr: null,
        ttl: replyTtl,
        tos: 0,
        protocol: from.includes(":") ? 58 : 1,
        ihl: null,
        totalLength: null,
        id: null,
        flags: null,
        fragmentOffset: null,
        checksum: null,
      },
      icmpPacket: { ...icmp, checksum: null, id: 1, sequence: 1, payload: new Uint8Array(size) },
      raw: new Uint8Array(8 + size),
      receivedAt: 0,
    },
  };
}
