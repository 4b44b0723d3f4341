import type { Family } from "../../src/packet/address.ts";
import {
  Icmpv4Type,
  Icmpv4UnreachableCode,
  Icmpv6Type,
  Icmpv6UnreachableCode,
  TimeExceededCode,
} from "../../src/packet/icmp-types.ts";
import type { IcmpCode } from "./scenario.ts";

/** Type and code of a message in each family. */
export type IcmpCodes = Readonly<Record<Family, IcmpCode>>;

export const ECHO_REPLY: IcmpCodes = {
  4: { type: Icmpv4Type.EchoReply, code: 0 },
  6: { type: Icmpv6Type.EchoReply, code: 0 },
};

export const TIME_EXCEEDED: IcmpCodes = {
  4: { type: Icmpv4Type.TimeExceeded, code: TimeExceededCode.Transit },
  6: { type: Icmpv6Type.TimeExceeded, code: TimeExceededCode.Transit },
};

/** RFC 1191 section 4, RFC 4443 section 3.2. */
export const TOO_BIG: IcmpCodes = {
  4: { type: Icmpv4Type.DestinationUnreachable, code: Icmpv4UnreachableCode.FragmentationNeeded },
  6: { type: Icmpv6Type.PacketTooBig, code: 0 },
};

export const PORT_UNREACHABLE: IcmpCodes = {
  4: { type: Icmpv4Type.DestinationUnreachable, code: Icmpv4UnreachableCode.Port },
  6: { type: Icmpv6Type.DestinationUnreachable, code: Icmpv6UnreachableCode.Port },
};

export const HOST_UNREACHABLE: IcmpCodes = {
  4: { type: Icmpv4Type.DestinationUnreachable, code: Icmpv4UnreachableCode.Host },
  6: { type: Icmpv6Type.DestinationUnreachable, code: Icmpv6UnreachableCode.Address },
};

/** For the host (RFC 792); IPv6 has no other (RFC 4861 section 4.5). */
export const REDIRECT: IcmpCodes = {
  4: { type: Icmpv4Type.Redirect, code: 1 },
  6: { type: Icmpv6Type.Redirect, code: 0 },
};
