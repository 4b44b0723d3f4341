import type { Family } from "../../packet/address.ts";
import { Icmpv4Type, Icmpv6Type, TimeExceededCode } from "../../packet/icmp-types.ts";
import type { EchoIcmpErrorResult, EchoResult } from "./results.ts";

/** A type of ICMP error that decides the probe it quotes. */
interface DecidingError {
  /** As the Python library that this one follows calls it. */
  readonly label: string;
  /** Whether this code decides, too. */
  hasCode(code: number): boolean;
}

/**
 * Codes 0 to 15 are assigned (RFC 792, RFC 1122, RFC 1812). Linux drops the others before a
 * datagram socket sees them.
 */
const LAST_UNREACHABLE_CODE = 15;

function any(): boolean {
  return true;
}

/**
 * The ICMP errors that decide a probe: they say that this packet went no further. All sockets use
 * this table, and so does the sweep. Everything else that quotes a probe is advice, which is
 * counted and decides nothing:
 *
 * - Source quench (type 4): "a host MUST silently discard" it (RFC 6633 section 3).
 * - Redirects (types 5 and 137) advise the routing table; the packet was forwarded (RFC 1122
 *   section 3.2.2.2).
 * - ICMPv4 "fragment reassembly time exceeded" (type 11, code 1): Linux keeps it from datagram
 *   sockets, and it comes 30 s late, when the probe has timed out long ago. ICMPv6 shows its own
 *   (type 3, code 1) to every socket.
 * - Unknown types. A host must discard those of ICMPv4 (RFC 1122 section 3.2.2). Those of ICMPv6
 *   below 128 are errors (RFC 4443 section 2.4 a), but only datagram sockets are told which probe
 *   they quote.
 */
const DECIDING_ERRORS: Readonly<Record<Family, Readonly<Record<number, DecidingError>>>> = {
  4: {
    [Icmpv4Type.DestinationUnreachable]: {
      label: "dest_unreachable",
      hasCode: (code) => code <= LAST_UNREACHABLE_CODE,
    },
    [Icmpv4Type.TimeExceeded]: {
      label: "time_exceeded",
      hasCode: (code) => code !== TimeExceededCode.Reassembly,
    },
    [Icmpv4Type.ParameterProblem]: { label: "parameter_problem", hasCode: any },
  },
  6: {
    [Icmpv6Type.DestinationUnreachable]: { label: "dest_unreachable", hasCode: any },
    // RFC 4443 section 3.2: receivers ignore the code.
    [Icmpv6Type.PacketTooBig]: { label: "packet_too_big", hasCode: any },
    [Icmpv6Type.TimeExceeded]: { label: "time_exceeded", hasCode: any },
    [Icmpv6Type.ParameterProblem]: { label: "parameter_problem", hasCode: any },
  },
};

/** The types of ICMP errors of which at least one code decides a probe. */
export function decidingTypes(family: Family): readonly number[] {
  return Object.keys(DECIDING_ERRORS[family]).map(Number);
}

/** Whether an ICMP error decides the probe that it quotes. If not, it is advice. */
export function decidesProbe(family: Family, type: number, code: number): boolean {
  return DECIDING_ERRORS[family][type]?.hasCode(code) ?? false;
}

/** An ICMP error in a word, e.g. `"time_exceeded(code=0)"`. */
export function errorLabel(
  family: Family,
  type: number,
  code: number,
): EchoIcmpErrorResult["error"] {
  const label = DECIDING_ERRORS[family][type]?.label;
  return label === undefined ? `icmp_type_${type}_code_${code}` : `${label}(code=${code})`;
}

/** Whether a result is an answer whose sender must have seen the probe. */
export function isVerifiedAnswer(result: EchoResult): boolean {
  return result.reply !== null && !(result.kind === "icmpError" && result.unverified);
}

/** Whether a result decides its probe. Exactly one result of each probe does. */
export function isDecisive({ late, duplicate }: Pick<EchoResult, "late" | "duplicate">): boolean {
  return !late && !duplicate;
}

/**
 * Whether this host had no room to send a probe for its whole timeout, which tells nothing about
 * the target.
 */
export function isNoRoom({ kind, error }: Pick<EchoResult, "kind" | "error">): boolean {
  return kind === "sendError" && error === "ENOBUFS";
}

/**
 * Whether a router on the way answered that the TTL or hop limit ran out there (RFC 792, RFC 4443
 * section 3.3), which is what a trace asks for. "Reassembly time exceeded" is not that: it comes
 * from a host that got the probe in parts.
 */
export function isTransit({ error }: Pick<EchoResult, "error">): boolean {
  if (error === null || !error.startsWith("time_exceeded(")) return false;
  return error !== `time_exceeded(code=${TimeExceededCode.Reassembly})`;
}
