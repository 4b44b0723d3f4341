import type { EchoIcmpErrorResult } from "icmpx";
import {
  type ExtensionObject,
  escapeText,
  Icmpv4Type,
  Icmpv4UnreachableCode,
  Icmpv6Type,
  Icmpv6UnreachableCode,
  type InterfaceInformationObject,
  icmpCodeName,
} from "icmpx/packet";

/** What is to be said about an ICMP error that is not the answer a trace asks for. */
export interface AnswerNote {
  /** In the marks of traceroute(8), e.g. "!H". */
  readonly mark: string;
  /** In words, safe to print. */
  readonly meaning: string;
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
/** Time to live exceeded in transit, which is what a trace asks for (RFC 792, RFC 4443 section 3.3). */
const IN_TRANSIT = 0;

/** The mark of an ICMP error and its meaning; undefined for the answer that a trace asks for. */
export function noteOf({ icmpError, reply }: EchoIcmpErrorResult): AnswerNote | undefined {
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

/** RFC 4884 objects in lines, safe to print: labels from the top of the stack, interfaces, and what is not known. */
export function extensionLines(extensions: readonly ExtensionObject[]): string[] {
  return extensions.flatMap((object) => {
    switch (object.kind) {
      case "mpls":
        return object.labels.map(
          ({ label, trafficClass, ttl, bottomOfStack }) =>
            `MPLS label ${label} tc ${trafficClass} ttl ${ttl}${bottomOfStack ? " (bottom of stack)" : ""}`,
        );
      case "interfaceInformation":
        return [`${INTERFACE_ROLES[object.role]}: ${interfaceText(object)}`];
      case "interfaceIdentification":
        return [`interface: ${interfaceText(object)}`];
      case "raw":
        return [
          `extension class ${object.classNumber} type ${object.cType}, ${object.payload.length} bytes`,
        ];
      default:
        return object satisfies never;
    }
  });
}

const INTERFACE_ROLES: Readonly<Record<InterfaceInformationObject["role"], string>> = {
  incoming: "came in by",
  incomingSubIp: "came in by (below IP)",
  outgoing: "would go out by",
  nextHop: "next hop",
};

function interfaceText(object: {
  readonly name?: string;
  readonly index?: number;
  readonly address?: string;
  readonly mtu?: number;
}): string {
  const { name, index, address, mtu } = object;
  const parts = [
    name === undefined ? undefined : escapeText(name),
    index === undefined ? undefined : `index ${index}`,
    address,
    mtu === undefined ? undefined : `mtu ${mtu}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "no details" : parts.join(" ");
}
