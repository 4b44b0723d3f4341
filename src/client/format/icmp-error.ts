import { Icmpv4Type, Icmpv6Type, icmpCodeName } from "../../packet/icmp-types.ts";
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
