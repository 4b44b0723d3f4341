import type { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";
import type { ExtensionObject } from "../../packet/extension-objects.ts";
import type { Ipv4Header } from "../../packet/ipv4.ts";
import type { Ipv6Header } from "../../packet/ipv6.ts";
import type { Facilities } from "./capabilities.ts";
import type { Reply } from "./reply.ts";

/** How one probe leaves: everything about it but its bytes. */
export interface Route {
  /** Canonical address of the target; a link-local one keeps its zone (`fe80::1%eth0`). */
  readonly destination: string;
  /** Source address without a zone, or undefined to let the kernel choose. */
  readonly source: string | undefined;
  /**
   * Name or index of the interface to leave by, or undefined to let the routing table choose. It is
   * the zone of link-local addresses, too.
   */
  readonly interface: string | number | undefined;
  /** The whole type of service or traffic class byte. */
  readonly tos: number;
  /**
   * true sets DF and ignores the cached path MTU, false clears DF, undefined keeps the kernel's
   * default.
   */
  readonly dontFragment: boolean | undefined;
  /** SO_MARK (socket(7)); 0 is none. */
  readonly mark: number;
}

/** What distinguishes one probe from the others of its kind. */
export interface ProbeIdentity {
  /** In the ICMP header: whose probe it is, and which one. */
  readonly identifier: number;
  readonly sequence: number;
  /** Which probe of all of its client it is, in 32 bits. */
  readonly number: number;
}

/** An ICMP message that is laid out once; for each probe only what differs is written. */
export interface MessageLayout {
  /** Bytes from the ICMP header on. */
  readonly length: number;
  /** Writes what all probes have in common, at `offset`, and up to 3 zeros behind it. */
  layOut(bytes: Uint8Array, offset: number): void;
  /** Writes what differs into a message that was laid out at word `at`. */
  complete(words: Int32Array, at: number, identity: ProbeIdentity): void;
}

/** A probe that is to leave now. The transport that sends it puts in its identifier. */
export interface OutgoingProbe extends ProbeIdentity {
  identifier: number;
  readonly route: Route;
  readonly ttl: number;
  readonly message: MessageLayout;
  /** Whether the kernel may still hold the probe that went to that target before this one. */
  readonly isHeld: boolean;
}

/** What the ICMP header of an error says, whichever socket it came through. */
export interface ArrivedIcmp {
  readonly type: number;
  readonly code: number;
  /** null where the kernel keeps the header to itself (the error queue). */
  readonly checksum: number | null;
  /** Everything after the 8-byte header. */
  readonly data: Uint8Array;
}

/** Our probe as an ICMP error quotes it. */
export interface QuotedProbe {
  /** The quoted IP header, or null on the error queue, which strips it. */
  readonly header: Ipv4Header | Ipv6Header | null;
  readonly destination: string;
  readonly identifier: number;
  readonly sequence: number;
  /** The ICMP checksum as its sender saw it. */
  readonly checksum: number;
  /** What the quote holds of our ICMP data: often nothing. Valid only during the callback. */
  readonly data: Uint8Array;
}

/** An ICMP error, or advice, that quotes one of our probes. Its bytes are copies. */
export interface ErrorArrival {
  readonly kind: "error";
  /** Who sent it, canonical; a link-local address carries its zone. */
  readonly from: string;
  /** Our address that it came to, where known. */
  readonly to: string | null;
  readonly ttl: number | null;
  readonly tos: number | null;
  /** The outer IPv4 header, which only raw IPv4 sockets show. */
  readonly header: Ipv4Header | null;
  readonly icmp: ArrivedIcmp;
  /** The bytes as the socket delivered them. */
  readonly raw: Uint8Array;
  /** Kernel receive stamp (real-time scale), or null when there is none. */
  readonly stampNs: number | null;
  readonly quote: QuotedProbe;
  readonly extensions: readonly ExtensionObject[];
  /** Next-hop MTU (RFC 1191, RFC 4443 3.2) or null. */
  readonly mtu: number | null;
  /** Offset of the octet at fault in a parameter problem, or null. */
  readonly pointer: number | null;
}

/** What became of a send. */
export type SendReceipt =
  /**
   * Left; `stampKey` names the transmit stamp to come, null when none will. `countsAnew`: keys
   * given out before are void. `mayBeRefused`: this host seems to have had no room for it, unless
   * the stamp tells otherwise.
   */
  | {
      readonly kind: "sent";
      readonly stampKey: number | null;
      readonly countsAnew?: boolean;
      readonly mayBeRefused?: boolean | undefined;
    }
  /**
   * The kernel has no room now (ENOBUFS, EAGAIN): nothing left, try again later. `isFull`: nor
   * would it have room for another probe, unless `isHeld` was true and is not for that one.
   */
  | { readonly kind: "busy"; readonly isFull: boolean }
  /** Refused. */
  | { readonly kind: "failed"; readonly error: SystemError };

/**
 * Who owns a transport and hears from it. What the `on...` methods hear comes from within `send`,
 * `drain` and `drainErrors`, which they must not call.
 */
export interface TransportOwner {
  /** There may be something to drain. Returns true if a limit left something unread. */
  onReady(): unknown;
  /** Whether any transmit stamp is awaited; without one, an empty error queue need not be read. */
  readonly awaitsStamps: boolean;
  /**
   * Whether that of the probe with this sequence number is: it is then read before the answer is
   * handed over.
   */
  awaitsStampOf(sequence: number): boolean;
  /**
   * The kernel tells when a probe passed to the device (software transmit stamp, real-time scale),
   * by the `stampKey` of its receipt.
   */
  onStamp(key: number, stampNs: number): void;
  /**
   * A reply to a probe. It is valid during the call only: it lies in the memory of the kernel's
   * next ones.
   */
  onReply(reply: Reply): void;
  onError(error: ErrorArrival): void;
}

/** One socket that puts probes on the wire and hears what comes back. */
export interface Transport {
  readonly family: Family;
  /** true for a raw socket, false for an unprivileged datagram one. */
  readonly privileged: boolean;
  /**
   * The identifier of every probe sent here: ours on raw sockets, the kernel's choice on datagram
   * ones.
   */
  readonly identifier: number;
  /** What the socket can do here; undefined where there is none. */
  readonly facilities: Facilities | undefined;
  /** Packets dropped here because they did not decode. */
  readonly malformed: number;
  /** Packets that the kernel dropped because the receive queue was full, as far as known. */
  readonly drops: number;
  /** Names the one owner, before anything else is called. */
  attach(owner: TransportOwner): void;
  /** Sends one probe. Those of which `isHeld` is true do not get the last room. */
  send(probe: OutgoingProbe): SendReceipt;
  /**
   * Hands over what has arrived, transmit stamps and queued errors first, up to a limit: a flood
   * must not hold the event loop.
   *
   * @returns Infinity after all of it, and otherwise the time (real-time scale) until which all has
   * been handed over, or -Infinity if that is not known. The owner is then told again soon, if it
   * is told at all.
   */
  drain(): number;
  /** Brings `drops` up to date, even if little has arrived lately. */
  countDrops(): void;
  /** Hands over transmit stamps and queued errors only. */
  drainErrors(): void;
  /** Says whether anything is in flight: where readiness needs a timer, it runs only then. */
  setActive(active: boolean): void;
  /**
   * Says whether the owner is to be told of what arrives, as it is at first; if not, it reads by
   * itself.
   */
  setTold(told: boolean): void;
  close(): void;
}
