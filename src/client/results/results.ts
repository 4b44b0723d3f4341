import type { Family } from "../../packet/address.ts";
import type { ExtensionObject } from "../../packet/extension-objects.ts";
import type { Ipv4Header } from "../../packet/ipv4.ts";
import type { Ipv6Header } from "../../packet/ipv6.ts";
import type { StatisticsSnapshot } from "./statistics.ts";

/**
 * The IP header of a received packet, alike for IPv4 and IPv6. Fields that the socket does not show
 * are null: only raw IPv4 sockets deliver the whole header (raw(7), ipv6(7)); the others tell the
 * addresses, TTL and traffic class.
 */
export interface IpHeader {
  /** The IP version. */
  readonly version: Family;
  /** Who sent it, canonical. */
  readonly srcAddr: string;
  /** The address of ours that it came to, or null where the kernel does not tell. */
  readonly destAddr: string | null;
  /** TTL, or hop limit. */
  readonly ttl: number | null;
  /** The whole type of service or traffic class byte. */
  readonly tos: number | null;
  /** 1 for ICMP, 58 for ICMPv6. */
  readonly protocol: number;
  /** Header length in 32-bit words (RFC 791). */
  readonly ihl: number | null;
  /** Length of the packet in bytes, header included. */
  readonly totalLength: number | null;
  /** Identification. */
  readonly id: number | null;
  /** The three flag bits: 0b010 is "don't fragment", 0b001 "more fragments". */
  readonly flags: number | null;
  /** In units of 8 bytes. */
  readonly fragmentOffset: number | null;
  /** Header checksum, as it arrived. */
  readonly checksum: number | null;
}

/** An ICMP message by its header fields, alike for ICMPv4 and ICMPv6. */
export interface IcmpPacket {
  /** ICMP type: 0 and 129 are echo replies, 8 and 128 echo requests. */
  readonly type: number;
  /** ICMP code, whose meaning depends on the type. */
  readonly code: number;
  /** null where the kernel fills or hides it. */
  readonly checksum: number | null;
  /** Identifier of an echo, null in an ICMP error. */
  readonly id: number | null;
  /** Sequence number of an echo, null in an ICMP error. */
  readonly sequence: number | null;
  /** What follows the 8-byte header. As JSON: hexadecimal. */
  readonly payload: Uint8Array;
}

/** A probe as it was sent. */
export interface SentPacket {
  /** Its fields. */
  readonly packet: IcmpPacket;
  /** The ICMP message, header included. As JSON: hexadecimal. */
  readonly raw: Uint8Array;
  /**
   * When it was sent: milliseconds since 1970 (CLOCK_REALTIME), fractional. RTTs do not come from
   * it.
   */
  readonly timestamp: number;
  /** The address it was sent to, canonical. */
  readonly addr: string;
  /** TTL or hop limit it was sent with. */
  readonly ttl: number;
}

/** A packet as it was received. */
export interface ReceivedPacket {
  /** Its IP header. */
  readonly ipHeader: IpHeader;
  /** Its ICMP message. */
  readonly icmpPacket: IcmpPacket;
  /**
   * The bytes the socket delivered. As JSON: hexadecimal. Raw IPv4: from the IP header on. Raw IPv6
   * and echo replies on datagram sockets: the ICMP message. ICMP errors on datagram sockets: only
   * the quoted ICMP message (ip(7), IP_RECVERR). Of an ICMP error, at most 1,280 bytes of ICMP.
   */
  readonly raw: Uint8Array;
  /**
   * When it was received: milliseconds since 1970 (CLOCK_REALTIME), fractional; the kernel's stamp
   * where there is one.
   */
  readonly receivedAt: number;
}

/** What was asked. */
export interface EchoRequest {
  /** The address probed, canonical. */
  readonly addr: string;
  /** The name that `addr` was found under, or null when the target was given as an address. */
  readonly hostname: string | null;
  /** TTL or hop limit it was sent with. */
  readonly ttl: number;
  /** 1 for the first probe of a run to this target, and so on. */
  readonly number: number;
  /** The ICMP message, or null when it could not be sent. */
  readonly sentPacket: SentPacket | null;
}

/** Where an RTT was measured. */
export type RttSource =
  /** The kernel stamped both ends: receive minus transmit. */
  | "kernel"
  /**
   * At least one end was stamped in user space, because a kernel stamp was missing or the clock was
   * stepped.
   */
  | "user";

/** An answer to a probe. */
export interface EchoReply {
  /** Round-trip time in milliseconds, with nanosecond resolution. */
  readonly rtt: number;
  /** Where the RTT was measured. */
  readonly rttSource: RttSource;
  /** Who answered, canonical: the target, or the sender of the ICMP error. */
  readonly addr: string;
  /** The name of `addr`, where reverse DNS was asked for and has one. Escape it before printing. */
  readonly hostname: string | null;
  /** TTL or hop limit that the answer arrived with, or null where the kernel does not tell. */
  readonly ttl: number | null;
  /** The packet that the answer came in. */
  readonly receivedPacket: ReceivedPacket;
}

/** Our probe as an ICMP error quotes it. */
export interface QuotedRequest {
  /**
   * The quoted IP header as that router saw it, or null on datagram sockets, whose kernel keeps it.
   */
  readonly ipHeader: Ipv4Header | Ipv6Header | null;
  /** Where that router saw it going, canonical. */
  readonly destAddr: string;
  /** Its ICMP identifier. */
  readonly id: number;
  /** Its ICMP sequence number. */
  readonly sequence: number;
  /** What was quoted of our ICMP data. As JSON: hexadecimal. */
  readonly payload: Uint8Array;
  /** Whether less was quoted than was sent. */
  readonly truncated: boolean;
}

/** What an ICMP error says. */
export interface IcmpErrorDetails {
  /** ICMP type, e.g. 11 (time exceeded) in IPv4, 3 in IPv6. */
  readonly type: number;
  /** ICMP code. */
  readonly code: number;
  /** In words, e.g. "time exceeded: TTL exceeded in transit". */
  readonly description: string;
  /** Next-hop MTU in bytes, where the message has one. */
  readonly mtu: number | null;
  /** Offset of the octet at fault (parameter problem). */
  readonly pointer: number | null;
  /** The probe that it is about. */
  readonly quote: QuotedRequest;
  /** RFC 4884 objects: MPLS labels, interface information, and any other. */
  readonly extensions: readonly ExtensionObject[];
}

/** A send that the system refused. */
export interface SendErrorDetails {
  /** Positive errno value, e.g. 113. */
  readonly errno: number;
  /** e.g. `"EHOSTUNREACH"`. */
  readonly code: `E${string}`;
  /** The libc function that failed, e.g. `"sendmsg"`. */
  readonly syscall: string;
  /** All of it in words. */
  readonly message: string;
}

interface EchoResultCommon {
  /** The target as it was given. */
  readonly target: string;
  /** The probe. */
  readonly request: EchoRequest;
  /** It came after its probe had been reported as timed out: a second result for that probe. */
  readonly late: boolean;
  /** The probe had been answered before: one more result for that probe. */
  readonly duplicate: boolean;
  /** The data that came back differ from what was sent (cut, extended or changed on the way). */
  readonly corrupt: boolean;
  /** A later probe of the run was answered before this one. */
  readonly reordered: boolean;
  /**
   * Duplicates since the result before (to probes with the same TTL) that have no result of their
   * own: a probe has at most 16, or 1,024 to a multicast or broadcast address. Statistics count
   * them.
   */
  readonly moreDuplicates: number;
}

/** The target, or for a broadcast or multicast target some host, answered the echo request. */
export interface EchoReplyResult extends EchoResultCommon {
  readonly kind: "reply";
  /** null: the target answered. */
  readonly error: null;
  /**
   * Of a `corrupt` reply: the data are the first of those that were sent, and the others are
   * missing.
   */
  readonly truncated: boolean;
  /** Round-trip time in milliseconds. */
  readonly rtt: number;
  /** Where the RTT was measured. */
  readonly rttSource: RttSource;
  /** The answer. */
  readonly reply: EchoReply;
}

/** What came back in place of the data that the target was asked to echo. */
export interface WrongData {
  /** How many bytes of data came back. */
  readonly length: number;
  /** true: they are the first of those that were sent. false: they are others. */
  readonly truncated: boolean;
}

/** Nothing came in time, or nothing but wrong data. */
export interface EchoTimeoutResult extends EchoResultCommon {
  readonly kind: "timeout";
  /** What happened, in a word. */
  readonly error: "timeout";
  /** There is none. */
  readonly rtt: null;
  /** There is none. */
  readonly rttSource: null;
  /** There is none. */
  readonly reply: null;
  /**
   * The receive queue of this host overflowed while the probe was in flight: its answer may have
   * come and found no room (SO_MEMINFO, socket(7)). Not counted as loss.
   */
  readonly receiveOverflow: boolean;
  /**
   * Whether the probe left this host. true: the kernel stamped it as it passed it to the device.
   * false: the kernel stamped other probes of this run but not this one, so it waits for a
   * neighbour that does not answer, or this host dropped it (by a firewall, which datagram IPv6
   * sockets are not told). null: not known, because this route has no stamps (some tunnels) or the
   * stamp may have been lost.
   */
  readonly departed: boolean | null;
  /**
   * The target answered, with the identifier and sequence number of the probe, but without the data
   * that prove it: it sends back fewer than 12 bytes, or others. Anybody may forge that, so a true
   * reply in time takes its place, and it counts as loss, with `corrupt` set. null if there was no
   * such answer.
   */
  readonly wrongData: WrongData | null;
}

/** Somebody on the path answered with an ICMP error. */
export interface EchoIcmpErrorResult extends EchoResultCommon {
  readonly kind: "icmpError";
  /** e.g. `"time_exceeded(code=0)"`; `"icmp_type_9_code_0"` for a type that is no known error. */
  readonly error: `${string}(code=${number})` | `icmp_type_${number}_code_${number}`;
  /** Time until the error came, in milliseconds. */
  readonly rtt: number;
  /** Where that time was measured. */
  readonly rttSource: RttSource;
  /** The packet that brought the error, and who sent it. */
  readonly reply: EchoReply;
  /** What it says. */
  readonly icmpError: IcmpErrorDetails;
  /**
   * Whether nothing in it proves that its sender saw the probe: it quotes neither our data nor our
   * ICMP checksum, and all else may be guessed. It may be forged; routers behind some NATs quote
   * so, too. An unverified error is the result of its probe only because nothing better came before
   * the timeout.
   */
  readonly unverified: boolean;
}

/** The system refused to send. */
export interface EchoSendErrorResult extends EchoResultCommon {
  readonly kind: "sendError";
  /** e.g. `"ENETUNREACH"`. */
  readonly error: `E${string}`;
  /** There is none. */
  readonly rtt: null;
  /** There is none. */
  readonly rttSource: null;
  /** There is none. */
  readonly reply: null;
  /** Why it was refused. */
  readonly sendError: SendErrorDetails;
}

/**
 * What became of one probe. `kind` tells the four cases apart, and so does `error`: null for a
 * reply.
 *
 * Every probe gives exactly one result that is neither `late` nor `duplicate`.
 */
export type EchoResult =
  | EchoReplyResult
  | EchoTimeoutResult
  | EchoIcmpErrorResult
  | EchoSendErrorResult;

/** The result of a ping: iterable over its results. */
export interface PingResult extends Iterable<EchoResult> {
  /** The target as it was given. */
  readonly target: string;
  /** The address that was probed, canonical. */
  readonly resolved: string;
  /** The IP version of that address. */
  readonly family: Family;
  /** Loss and round-trip times. */
  readonly statistics: StatisticsSnapshot;
  /**
   * From the first probe to the last, in milliseconds, without the time spent paused: the `time` of
   * ping(8). 0 for one probe or none.
   */
  readonly duration: number;
  /**
   * Every result in the order it became known; empty when `count` was Infinity, so that memory
   * stays constant.
   */
  readonly results: readonly EchoResult[];
}

/** A multiping target that could not be probed at all, or not to the end, and why. */
export interface TargetFailure {
  readonly kind: "targetFailure";
  /** The target as it was given. */
  readonly target: string;
  /** Code of the cause, e.g. `"ENOTFOUND"`. */
  readonly error: string;
  /** The cause in words. */
  readonly message: string;
}

/** How one target of a multiping stands. */
export interface TargetStatistics {
  /** The target as it was given. */
  readonly target: string;
  /** The address that was probed, or null when there was none. */
  readonly resolved: string | null;
  /** The IP version of that address. */
  readonly family: Family | null;
  /** Loss and round-trip times. */
  readonly statistics: StatisticsSnapshot;
  /**
   * From its first probe to its last, in milliseconds, without the time spent paused: the `time` of
   * ping(8). 0 for one probe or none.
   */
  readonly duration: number;
  /** Why it could not be probed at all, or not to the end; null otherwise. */
  readonly failure: TargetFailure | null;
}

/** One target of a multiping: its results and statistics, or why there are none. */
export interface MultipingTarget extends TargetStatistics, Iterable<EchoResult> {
  /** Every result in the order it became known; empty when `count` was Infinity. */
  readonly results: readonly EchoResult[];
}

/** The result of a multiping: iterable over its targets, in the order given. */
export interface MultipingResult extends Iterable<MultipingTarget> {
  /** The targets, in the order given. */
  readonly targets: readonly MultipingTarget[];
}

/** One address that answered at a hop. */
export interface Responder {
  /** Who answered, canonical. */
  readonly addr: string;
  /** Its name, where reverse DNS was asked for and has one. Escape it before printing. */
  readonly hostname: string | null;
  /** RTTs of its answers in milliseconds, in the order of the probes. */
  readonly rtts: readonly number[];
}

/** One hop of a traceroute. */
export interface TracerouteEntry {
  /** TTL or hop limit of its probes. */
  readonly ttl: number;
  /** What became of each probe, in the order sent. A silent hop has timeouts only. */
  readonly probes: readonly EchoResult[];
  /** The first address that answered, or null. */
  readonly addr: string | null;
  /** The name of `addr`, where reverse DNS was asked for and has one. Escape it before printing. */
  readonly hostname: string | null;
  /** Every address that answered, each with its own RTTs. */
  readonly responders: readonly Responder[];
}

/** Why a traceroute went no further. */
export type StopReason =
  /** The target answered. */
  | "target"
  /** Someone answered that the target cannot be reached. */
  | "unreachable"
  /** `gapLimit` hops in a row were silent. */
  | "gapLimit"
  /** No probe of a hop could be sent: its results tell why. */
  | "sendError"
  /** `maxHops` was reached. */
  | "maxHops"
  /** The run was stopped. */
  | "stopped";

/** The result of a traceroute: iterable over its hops. */
export interface TracerouteResult extends Iterable<TracerouteEntry> {
  /** The target as it was given. */
  readonly target: string;
  /** The address that was traced, canonical. */
  readonly resolved: string;
  /** The IP version of that address. */
  readonly family: Family;
  /** The hops, in order of TTL; silent ones included. */
  readonly hops: readonly TracerouteEntry[];
  /** Whether the target answered. */
  readonly reached: boolean;
  /** Why it went no further. */
  readonly stopReason: StopReason;
}

/** Statistics of the answers of one address: no losses, since a lost probe has no address. */
export type AddressStatistics = Omit<
  StatisticsSnapshot,
  "sent" | "lost" | "loss" | "overflows" | "noRoom" | "inFlight" | "sendErrors"
>;

/** One address that answered at a hop of an mtr. */
export interface MtrAddress {
  /** The address, canonical. */
  readonly addr: string;
  /** Its name, where reverse DNS was asked for and has one. Escape it before printing. */
  readonly hostname: string | null;
  /** Its round-trip times. */
  readonly statistics: AddressStatistics;
  /** How many of its answers are unverified: see {@link EchoIcmpErrorResult}. */
  readonly unverified: number;
  /** RFC 4884 objects of its last answer: MPLS labels, interface information, and any other. */
  readonly extensions: readonly ExtensionObject[];
}

/** One hop of an mtr, over all rounds so far. */
export interface MtrHop {
  /** TTL or hop limit of its probes. */
  readonly ttl: number;
  /** The address that answered last, or null. */
  readonly addr: string | null;
  /** The name of `addr`, where reverse DNS was asked for and has one. Escape it before printing. */
  readonly hostname: string | null;
  /** Loss and round-trip times of all probes to this hop. */
  readonly statistics: StatisticsSnapshot;
  /** Every address that answered, the first seen first. */
  readonly addresses: readonly MtrAddress[];
}

/** Where a path ends. */
export interface PathEnd {
  /** TTL of its last hop. */
  readonly ttl: number;
  /** Whether the target answered there, or somebody answered that it cannot be reached. */
  readonly reason: "target" | "unreachable";
}

/** How a measurement of a path stands. */
export interface PathStatistics {
  /** The target as it was given. */
  readonly target: string;
  /** The address that is probed, or null while it is not known. */
  readonly resolved: string | null;
  /** The IP version of that address. */
  readonly family: Family | null;
  /** The hops that were probed, in order of TTL, with what is known of them by now. */
  readonly hops: readonly MtrHop[];
  /** Whether the target has answered. */
  readonly reached: boolean;
}

/** How an mtr stands. */
export interface MtrStatistics extends PathStatistics {
  /** Rounds completed. */
  readonly rounds: number;
  /** Where the path ends, or null while nobody has answered that it does. */
  readonly end: PathEnd | null;
}

/** The state of an mtr after a round, iterable over its hops. */
export interface MtrRound extends Iterable<MtrHop> {
  /** 1 after the first round. */
  readonly round: number;
  /** The target as it was given. */
  readonly target: string;
  /** The address that is probed, canonical. */
  readonly resolved: string;
  /** The IP version of that address. */
  readonly family: Family;
  /** The hops, in order of TTL. */
  readonly hops: readonly MtrHop[];
  /** Whether the target has answered. */
  readonly reached: boolean;
  /** Where the path ends, or null while nobody has answered that it does. */
  readonly end: PathEnd | null;
}

/** The result of an mtr: the state after its last round. */
export interface MtrResult extends MtrRound {
  /** Rounds completed. */
  readonly rounds: number;
}
