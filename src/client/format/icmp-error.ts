import {
  Icmpv4Type,
  Icmpv4UnreachableCode,
  Icmpv6Type,
  Icmpv6UnreachableCode,
  icmpCodeName,
} from "../../packet/icmp-types.ts";
import type { EchoIcmpErrorResult, IcmpErrorDetails } from "../results/results.ts";

/** The texts of ping(8) for the codes of destination unreachable (iputils, ping.c), by code. */
const UNREACHABLE: readonly string[] = [
  "Destination Net Unreachable",
  "Destination Host Unreachable",
  "Destination Protocol Unreachable",
  "Destination Port Unreachable",
  "Frag needed and DF set",
  "Source Route Failed",
  "Destination Net Unknown",
  "Destination Host Unknown",
  "Source Host Isolated",
  "Destination Net Prohibited",
  "Destination Host Prohibited",
  "Destination Net Unreachable for Type of Service",
  "Destination Host Unreachable for Type of Service",
  "Packet filtered",
  "Precedence Violation",
  "Precedence Cutoff",
];
const TIME_EXCEEDED: readonly string[] = ["Time to live exceeded", "Frag reassembly time exceeded"];

/** The texts of ping(8) over IPv6 (iputils, ping6_common.c), by code. */
const UNREACHABLE_V6: readonly string[] = [
  "No route",
  "Administratively prohibited",
  "Beyond scope of source address",
  "Address unreachable",
  "Port unreachable",
];
const TIME_EXCEEDED_V6: readonly string[] = ["Hop limit", "Defragmentation failure"];
const PARAMETER_PROBLEM_V6: readonly string[] = [
  "Wrong header field",
  "Unknown header",
  "Unknown option",
];

/** What an ICMP error says, in the words of ping(8) of iputils; in ours where it has none. */
export function describePingError({ icmpError, reply }: EchoIcmpErrorResult): string {
  const { version } = reply.receivedPacket.ipHeader;
  return (version === 4 ? describeV4(icmpError) : describeV6(icmpError)) ?? icmpError.description;
}

function describeV4({ type, code, mtu, pointer }: IcmpErrorDetails): string | undefined {
  switch (type) {
    case Icmpv4Type.DestinationUnreachable: {
      const text = UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`;
      return mtu === null ? text : `${text} (mtu = ${mtu})`;
    }
    case Icmpv4Type.TimeExceeded:
      return TIME_EXCEEDED[code] ?? `Time exceeded, Bad Code: ${code}`;
    case Icmpv4Type.ParameterProblem:
      return `Parameter problem: pointer = ${pointer ?? 0}`;
    default:
      return undefined;
  }
}

function describeV6({ type, code, mtu, pointer }: IcmpErrorDetails): string | undefined {
  switch (type) {
    case Icmpv6Type.DestinationUnreachable:
      // ping(8) knows none of the codes that came later (RFC 4443 has 5 and 6).
      return `Destination unreachable: ${UNREACHABLE_V6[code] ?? icmpCodeName(6, type, code)}`;
    case Icmpv6Type.PacketTooBig:
      return `Packet too big: mtu=${mtu ?? 0}${code === 0 ? "" : `, code=${code}`}`;
    case Icmpv6Type.TimeExceeded:
      return `Time exceeded: ${TIME_EXCEEDED_V6[code] ?? `code ${code}`}`;
    case Icmpv6Type.ParameterProblem:
      return `Parameter problem: ${PARAMETER_PROBLEM_V6[code] ?? `code ${code}`} at ${pointer ?? 0}`;
    default:
      return undefined;
  }
}

/** The marks of traceroute(8), by the code of an unreachable message. */
const UNREACHABLE_MARKS: Readonly<Record<4 | 6, Readonly<Record<number, string>>>> = {
  4: {
    [Icmpv4UnreachableCode.Network]: "!N",
    [Icmpv4UnreachableCode.Host]: "!H",
    [Icmpv4UnreachableCode.Protocol]: "!P",
    [Icmpv4UnreachableCode.FragmentationNeeded]: "!F",
    [Icmpv4UnreachableCode.SourceRouteFailed]: "!S",
    [Icmpv4UnreachableCode.CommunicationProhibited]: "!X",
    [Icmpv4UnreachableCode.HostPrecedenceViolation]: "!V",
    [Icmpv4UnreachableCode.PrecedenceCutoff]: "!C",
  },
  6: {
    [Icmpv6UnreachableCode.NoRoute]: "!N",
    [Icmpv6UnreachableCode.AdministrativelyProhibited]: "!X",
    [Icmpv6UnreachableCode.BeyondScope]: "!S",
    [Icmpv6UnreachableCode.Address]: "!H",
  },
};
const UNREACHABLE_TYPE = {
  4: Icmpv4Type.DestinationUnreachable,
  6: Icmpv6Type.DestinationUnreachable,
} as const;
const TIME_EXCEEDED_TYPE = { 4: Icmpv4Type.TimeExceeded, 6: Icmpv6Type.TimeExceeded } as const;
/** Time to live exceeded in transit, which is what a trace asks for. */
const IN_TRANSIT = 0;

/** What there is to say about an ICMP error that is not the answer a trace asks for. */
export interface IcmpErrorMark {
  /** A mark of traceroute(8), e.g. `"!H"`; `"!<5-1>"` (type and code) where it has none. */
  readonly mark: string;
  /** In words, safe to print: `"host unreachable"`. */
  readonly meaning: string;
}

/**
 * The mark that traceroute(8) puts beside an RTT, and its meaning; undefined for time exceeded in
 * transit.
 */
export function icmpErrorMark({
  icmpError,
  reply,
}: EchoIcmpErrorResult): IcmpErrorMark | undefined {
  const { version } = reply.receivedPacket.ipHeader;
  const { type, code, description, mtu } = icmpError;
  if (type === TIME_EXCEEDED_TYPE[version] && code === IN_TRANSIT) return undefined;
  const size = mtu ? `, mtu ${mtu}` : "";
  if (type === UNREACHABLE_TYPE[version]) {
    const mark = UNREACHABLE_MARKS[version][code] ?? `!<${code}>`;
    return { mark, meaning: `${icmpCodeName(version, type, code)}${size}` };
  }
  if (version === 6 && type === Icmpv6Type.PacketTooBig)
    return { mark: "!F", meaning: `packet too big${size}` };
  return { mark: `!<${type}-${code}>`, meaning: description };
}
