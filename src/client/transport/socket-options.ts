import {
  ICMP_FILTER,
  ICMPV6_FILTER,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  PMTUDISC_DONT,
  PMTUDISC_OMIT,
  PMTUDISC_PROBE,
  SO_ATTACH_FILTER,
  SO_BROADCAST,
  SO_MARK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOL_RAW,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import type { FilterInstruction } from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import type { Facilities } from "./capabilities.ts";
import { identifierFilter, typeFilter } from "./filter.ts";

/** What all probes of a socket have in common, so that it is set once on the socket. */
export interface FixedRoute {
  /** Bytes of ICMP data of each probe. */
  readonly size: number;
  readonly ttl: number;
  /** The traffic class byte. */
  readonly tos: number;
  readonly dontFragment: boolean | undefined;
  readonly mark: number;
}

/** A socket to configure. */
export interface SocketPlan {
  readonly family: Family;
  /** true for a raw socket, false for a datagram one. */
  readonly privileged: boolean;
  readonly identifier: number;
  /** Bytes to ask for as receive buffer. */
  readonly receiveBuffer: number;
  /** Given for a sweep, whose probes all leave alike; without it each probe says how it leaves. */
  readonly route?: FixedRoute | undefined;
}

/** An `int`, bytes, or a BPF program. */
export type OptionValue = number | Uint8Array | readonly FilterInstruction[];

/** One option of some kinds of socket. */
export interface SocketOptionRow {
  readonly name: string;
  readonly level: number;
  /** Tried in order until the kernel takes one. */
  readonly options: readonly number[];
  // Which sockets have it; absent is all.
  readonly family?: Family;
  readonly privileged?: boolean;
  readonly purpose?: "probes" | "sweep";
  /** Whether it fills the error queue. */
  readonly usesErrorQueue?: boolean;
  /** undefined where nobody asks for it. */
  readonly value: (plan: SocketPlan) => OptionValue | undefined;
  /** What its lack costs. */
  readonly without: string;
  /** Why there is no doing without it; undefined where there is. */
  readonly required?: (plan: SocketPlan) => string | undefined;
  /** What else to do about its lack. */
  readonly onLack?: (facilities: Facilities) => void;
}

/** Every IPv4 network carries packets of that size (RFC 791 section 3.2). */
const SMALLEST_MTU = 576;
const IP_AND_ICMP_HEADER = 28;

const on = (): number => 1;
/** What it costs when the error queue stays empty. */
export const NO_ERRORS = "ICMP errors from routers are not seen: their probes time out";
const NO_TTL = "the TTL of replies is not known";
const NO_TOS = "the traffic class of replies is not known";
const NO_DESTINATION = "the address of this host that replies came to is not known";
const GUESSED_QUOTE = "extensions of ICMP errors, such as MPLS labels, may be missed";
const ALL_TYPES =
  "ICMP messages of all types are read and dropped by this process, which costs time";
/** What it costs to allow fragments by PMTUDISC_DONT (ping_err). */
export const NOT_TOLD_MTU = `with "dontFragment: false", some errors about large packets are missed`;
const BY_MESSAGE = "each probe carries it, which costs time";

const hasNoErrors = (facilities: Facilities): void => {
  facilities.routerErrors = false;
  facilities.asksForErrors = false;
};

/**
 * The options of every kind of socket. What the kernel refuses is done without, unless it is
 * required: something the caller has asked for. Those that come with arriving packets are for
 * datagram and IPv6 sockets, because raw IPv4 ones read them in the IP header.
 */
export const SOCKET_OPTIONS: readonly SocketOptionRow[] = [
  {
    name: "ICMP_FILTER",
    level: SOL_RAW,
    options: [ICMP_FILTER],
    family: 4,
    privileged: true,
    value: () => typeFilter(4),
    without: ALL_TYPES,
  },
  {
    name: "ICMPV6_FILTER",
    level: IPPROTO_ICMPV6,
    options: [ICMPV6_FILTER],
    family: 6,
    privileged: true,
    value: () => typeFilter(6),
    without: ALL_TYPES,
  },
  {
    name: "SO_ATTACH_FILTER",
    level: SOL_SOCKET,
    options: [SO_ATTACH_FILTER],
    privileged: true,
    value: ({ family, identifier }) => identifierFilter(family, identifier),
    without: "packets for other programs are read and dropped by this process, which costs time",
  },
  {
    // Without it a send to a broadcast address fails with EACCES (ip(7)).
    name: "SO_BROADCAST",
    level: SOL_SOCKET,
    options: [SO_BROADCAST],
    family: 4,
    purpose: "probes",
    value: on,
    without: "broadcast addresses cannot be probed",
  },
  {
    name: "IP_RECVERR",
    level: IPPROTO_IP,
    options: [IP_RECVERR],
    family: 4,
    privileged: false,
    usesErrorQueue: true,
    value: on,
    without: NO_ERRORS,
    onLack: hasNoErrors,
  },
  {
    name: "IP_RECVERR_RFC4884",
    level: IPPROTO_IP,
    options: [IP_RECVERR_RFC4884],
    family: 4,
    privileged: false,
    purpose: "probes",
    usesErrorQueue: true,
    value: on,
    without: GUESSED_QUOTE,
  },
  {
    name: "IP_RECVTTL",
    level: IPPROTO_IP,
    options: [IP_RECVTTL],
    family: 4,
    privileged: false,
    value: on,
    without: NO_TTL,
  },
  {
    name: "IP_RECVTOS",
    level: IPPROTO_IP,
    options: [IP_RECVTOS],
    family: 4,
    privileged: false,
    purpose: "probes",
    value: on,
    without: NO_TOS,
  },
  {
    name: "IP_PKTINFO",
    level: IPPROTO_IP,
    options: [IP_PKTINFO],
    family: 4,
    privileged: false,
    purpose: "probes",
    value: on,
    without: NO_DESTINATION,
  },
  {
    name: "IPV6_RECVERR",
    level: IPPROTO_IPV6,
    options: [IPV6_RECVERR],
    family: 6,
    privileged: false,
    usesErrorQueue: true,
    value: on,
    without: NO_ERRORS,
    onLack: hasNoErrors,
  },
  {
    name: "IPV6_RECVERR_RFC4884",
    level: IPPROTO_IPV6,
    options: [IPV6_RECVERR_RFC4884],
    family: 6,
    privileged: false,
    purpose: "probes",
    usesErrorQueue: true,
    value: on,
    without: GUESSED_QUOTE,
  },
  {
    name: "IPV6_RECVHOPLIMIT",
    level: IPPROTO_IPV6,
    options: [IPV6_RECVHOPLIMIT],
    family: 6,
    value: on,
    without: NO_TTL,
  },
  {
    name: "IPV6_RECVTCLASS",
    level: IPPROTO_IPV6,
    options: [IPV6_RECVTCLASS],
    family: 6,
    purpose: "probes",
    value: on,
    without: NO_TOS,
  },
  {
    name: "IPV6_RECVPKTINFO",
    level: IPPROTO_IPV6,
    options: [IPV6_RECVPKTINFO],
    family: 6,
    purpose: "probes",
    value: on,
    without: NO_DESTINATION,
  },
  {
    // A raw socket sees the source of a probe in the header that an error quotes.
    name: "IPV6_RECVPKTINFO",
    level: IPPROTO_IPV6,
    options: [IPV6_RECVPKTINFO],
    family: 6,
    privileged: false,
    purpose: "sweep",
    value: on,
    without:
      "ICMP errors that quote nothing of the data cannot be verified, so they decide no host",
  },
  {
    // Without privilege the kernel grants at most net.core.rmem_max (socket(7)).
    name: "SO_RCVBUF",
    level: SOL_SOCKET,
    options: [SO_RCVBUFFORCE, SO_RCVBUF],
    value: ({ receiveBuffer }) => receiveBuffer,
    without: "fewer replies can wait while this process is busy, and those beyond are lost",
  },
  {
    name: "IP_TTL",
    level: IPPROTO_IP,
    options: [IP_TTL],
    family: 4,
    purpose: "sweep",
    value: ({ route }) => route?.ttl,
    without: BY_MESSAGE,
    onLack: (facilities) => facilities.byMessage.add("ttl"),
  },
  {
    name: "IPV6_UNICAST_HOPS",
    level: IPPROTO_IPV6,
    options: [IPV6_UNICAST_HOPS],
    family: 6,
    purpose: "sweep",
    value: ({ route }) => route?.ttl,
    without: BY_MESSAGE,
    onLack: (facilities) => facilities.byMessage.add("ttl"),
  },
  {
    name: "IP_TOS",
    level: IPPROTO_IP,
    options: [IP_TOS],
    family: 4,
    purpose: "sweep",
    value: ({ route }) => route?.tos || undefined,
    without: BY_MESSAGE,
    onLack: (facilities) => facilities.byMessage.add("tos"),
  },
  {
    name: "IPV6_TCLASS",
    level: IPPROTO_IPV6,
    options: [IPV6_TCLASS],
    family: 6,
    purpose: "sweep",
    value: ({ route }) => route?.tos || undefined,
    without: BY_MESSAGE,
    onLack: (facilities) => facilities.byMessage.add("tos"),
  },
  {
    name: "IP_MTU_DISCOVER",
    level: IPPROTO_IP,
    options: [IP_MTU_DISCOVER],
    family: 4,
    purpose: "sweep",
    value: ({ route }) => {
      const { dontFragment, size = 0 } = route ?? {};
      // Small packets leave with DF by default, but only PROBE makes the kernel believe that they
      // are never cut in two: it then spares them an IP identification (RFC 6864 section 4.1),
      // which takes a tenth of the time of an unpaced sweep.
      const isSmall = size <= SMALLEST_MTU - IP_AND_ICMP_HEADER;
      if (dontFragment ?? isSmall) return PMTUDISC_PROBE;
      return dontFragment === false ? PMTUDISC_DONT : undefined;
    },
    without: "each probe costs the kernel more time",
    required: asksForFragmentation,
  },
  {
    // It replaces DONT, which stays where the kernel does not know OMIT.
    name: "IP_PMTUDISC_OMIT",
    level: IPPROTO_IP,
    options: [IP_MTU_DISCOVER],
    family: 4,
    purpose: "sweep",
    value: ({ route }) => (route?.dontFragment === false ? PMTUDISC_OMIT : undefined),
    without: NOT_TOLD_MTU,
  },
  {
    name: "IPV6_MTU_DISCOVER",
    level: IPPROTO_IPV6,
    options: [IPV6_MTU_DISCOVER],
    family: 6,
    purpose: "sweep",
    value: ({ route }) => {
      const { dontFragment } = route ?? {};
      return dontFragment === undefined ? undefined : dontFragment ? PMTUDISC_PROBE : PMTUDISC_DONT;
    },
    without: "each probe costs the kernel more time",
    required: asksForFragmentation,
  },
  {
    name: "SO_MARK",
    level: SOL_SOCKET,
    options: [SO_MARK],
    purpose: "sweep",
    value: ({ route }) => route?.mark || undefined,
    without: "",
    required: () => 'option "mark" asks for it',
  },
];

function asksForFragmentation({ route }: SocketPlan): string | undefined {
  return route?.dontFragment === undefined ? undefined : 'option "dontFragment" asks for it';
}
