import { PacketError, SystemError } from "../../errors.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SCM_TSTAMP_SND,
  SO_EE_ORIGIN_LOCAL,
  SO_EE_ORIGIN_TIMESTAMPING,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import { EINVAL, isFromIcmp } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Reactor, Watch } from "../../ffi/reactor.ts";
import {
  type IncomingMessage,
  type SendMemory,
  type SendOutcome,
  Socket,
  type SocketAddress,
} from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import { viewOf } from "../../packet/bytes.ts";
import { encodeIcmpv4 } from "../../packet/icmpv4.ts";
import { encodeIcmpv6 } from "../../packet/icmpv6.ts";
import type { Facilities } from "./capabilities.ts";
import { configureSocket, countStamps } from "./configure-socket.ts";
import { decodeDatagram, decodeQueuedError } from "./datagram-arrival.ts";
import { LocalDrops } from "./local-drops.ts";
import { decodeRaw } from "./raw-arrival.ts";
import type { ReceiveStamps } from "./receive-stamps.ts";
import { RouteSender } from "./route-sender.ts";
import { exceededMtu, explainRefusal } from "./send-failure.ts";
import {
  becomeFurther,
  bindFurther,
  bindIdentifier,
  openSender,
  setShareable,
} from "./shared-identifier.ts";
import { DRAIN_LIMIT, FLOODED_SENDS, SEND_DRAIN_LIMIT, TimeSlice } from "./time-slice.ts";
import type { Arrival, Route, SendReceipt, Transport, TransportOwner } from "./transport.ts";

/** What a transport is built on. */
export interface TransportSystem {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly stamps: ReceiveStamps;
}

/** Which socket to open. */
export interface IcmpTransportOptions {
  readonly family: Family;
  /** true opens a raw socket (CAP_NET_RAW), false a datagram one (net.ipv4.ping_group_range). */
  readonly privileged: boolean;
  /** The identifier to send with on a raw socket. */
  readonly identifier: number;
  /** What to bind a datagram socket to; its port is the identifier wanted, 0 lets the kernel choose. */
  readonly bindTo?: SocketAddress | undefined;
  /**
   * Whether another socket has the same identifier. Of datagram sockets, the one opened last then
   * receives; further raw sockets only send.
   */
  readonly isFurther?: boolean;
}

const ECHO_HEADER_LENGTH = 8;

// Replies wait here while the event loop is busy; the kernel takes memory only for what does wait. Without privilege it
// grants at most net.core.rmem_max (socket(7)).
const RECEIVE_BUFFER = 4 << 20;

const UINT32 = 2 ** 32;

/** ICMP echo on a raw or a datagram socket, IPv4 or IPv6. */
export class IcmpTransport implements Transport {
  readonly family: Family;
  readonly privileged: boolean;
  readonly identifier: number;
  readonly facilities: Facilities;
  readonly #system: TransportSystem;
  readonly #options: IcmpTransportOptions;
  readonly #libc: Libc;
  readonly #socket: Socket;
  /** What probes leave by, and what the error queue that matters belongs to: another one on raw IPv4. */
  readonly #outgoing: Socket;
  readonly #sender: RouteSender;
  /** Of IPv6 sockets, which are not told of everything; datagram ones of nothing. */
  readonly #localDrops: LocalDrops | undefined;
  readonly #reactor: Reactor;
  /** undefined while the owner reads by itself. */
  #watch: Watch | undefined;
  #isActive = false;
  #owner: TransportOwner | undefined;
  readonly #slice: TimeSlice;
  /** The probe sent last, which is as long as the next one more often than not. */
  #message: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(ECHO_HEADER_LENGTH));
  #messageView: DataView = viewOf(this.#message);
  #malformed = 0;
  /** ICMP errors that the error queue held. */
  #icmpErrors = 0;
  /** Whether the last read of the error queue left some of it. */
  #hasMoreErrors = false;
  #drops = 0;
  /** Drops that are accounted for, whatever their cause. */
  #dropsSeen = 0;
  /** What the kernel will call the next send in its transmit stamp (SOF_TIMESTAMPING_OPT_ID). */
  #nextStampKey = 0;
  /** How far earlier counts came: smaller keys may still be theirs. */
  #formerStampKeys = 0;
  /** Whether counting began anew since the last receipt. */
  #countsAnew: boolean;
  /** Keys of packets that were refused so late that they took one, and whether one of them left after all. */
  readonly #refusedKeys = new Set<number>();
  #isMiscounted = false;
  /** The MTU that the last send exceeded, as the error queue tells it. */
  #exceededMtu: number | undefined;
  /** @throws {SystemError} EPERM or EACCES without the privilege; nothing stays open. */
  constructor(system: TransportSystem, options: IcmpTransportOptions) {
    const { family, privileged } = options;
    const { libc, reactor } = system;
    this.#system = system;
    // The keys of a further socket are told from those of the others.
    this.#countsAnew = !options.isFurther;
    this.#options = options;
    this.family = family;
    this.privileged = privileged;
    this.#libc = libc;
    this.#slice = new TimeSlice(libc);
    this.#reactor = reactor;
    this.#socket = Socket.open(libc, {
      domain: family === 4 ? AF_INET : AF_INET6,
      type: privileged ? SOCK_RAW : SOCK_DGRAM,
      protocol: family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
    });
    try {
      this.identifier = privileged ? options.identifier : this.#bindIdentifier(options);
      const plan = {
        family,
        privileged,
        identifier: this.identifier,
        receiveBuffer: RECEIVE_BUFFER,
      };
      this.facilities = configureSocket(this.#socket, plan, libc.calls);
      if (options.isFurther) becomeFurther(this.#socket, this.facilities);
      const hasSender = family === 4 && privileged && !options.isFurther;
      const sender = hasSender ? openSender(libc, plan, this.facilities) : undefined;
      this.#outgoing = sender ?? this.#socket;
      this.#sender = new RouteSender(libc, this.#outgoing, this.facilities);
      this.#localDrops = family === 6 ? new LocalDrops(libc) : undefined;
      this.setTold(true);
      if (this.facilities.receiveTimestamps) system.stamps.add(this);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get malformed(): number {
    return this.#malformed;
  }

  /** What packets take that have not left this host. */
  get sendMemory(): SendMemory {
    return this.#outgoing.sendMemory;
  }

  /**
   * Opens another socket with the same identifier, which has a send buffer of its own. All sockets of
   * that identifier must be shareable meanwhile.
   *
   * @throws {SystemError} EMFILE, ...; nothing stays open.
   */
  openAnother(): IcmpTransport {
    const { identifier } = this;
    return new IcmpTransport(this.#system, { ...this.#options, identifier, isFurther: true });
  }

  /**
   * Says whether another datagram socket may be bound to this identifier: the one bound last gets
   * all answers. The kernel's default is yes, for any user (INET_PROTOSW_REUSE, ping_get_port).
   */
  setShareable(isShareable: boolean): void {
    if (!this.privileged) setShareable(this.#socket, isShareable);
  }

  get drops(): number {
    return this.#drops;
  }

  attach(owner: TransportOwner): void {
    this.#owner = owner;
  }

  encode(sequence: number, data: Uint8Array): Uint8Array {
    const length = ECHO_HEADER_LENGTH + data.length;
    if (length !== this.#message.length) {
      this.#message = new Uint8Array(new ArrayBuffer(length));
      this.#messageView = viewOf(this.#message);
    }
    const message = { kind: "echoRequest", identifier: this.identifier, sequence, data } as const;
    if (this.family === 4) encodeIcmpv4(message, this.#messageView);
    else encodeIcmpv6(message, this.#messageView);
    return this.#message;
  }

  send(route: Route, ttl: number, sequence: number, payload: Uint8Array): SendReceipt {
    this.#watch?.renew();
    // On a datagram socket an error that waits unread makes the next send fail in its place. During a
    // flood there is always another one, and only drains have time for them.
    if (!this.privileged && !this.#hasMoreErrors) this.#drainErrors(SEND_DRAIN_LIMIT);
    if (this.#isMiscounted) {
      this.#drainErrors();
      this.#countStamps();
    }
    const message = this.encode(sequence, payload);
    const drops = this.privileged ? undefined : this.#localDrops;
    const used = drops && this.#outgoing.memoryUsed;
    let outcome = this.#transmit(route, ttl, message);
    if (outcome instanceof SystemError && this.#sender.hasMoved(route))
      outcome = this.#transmit(route, ttl, message);
    if (outcome instanceof SystemError)
      return { kind: "failed", error: this.#explain(outcome, { route, ttl, message }) };
    if (outcome !== "sent") return { kind: "busy", isFull: this.#isFull(outcome) };
    const mayBeRefused = used && drops.mayHaveRefused(used, this.#outgoing.memoryUsed);
    const countsAnew = this.#countsAnew;
    this.#countsAnew = false;
    if (!this.facilities.transmitTimestamps)
      return { kind: "sent", stampKey: null, message, countsAnew, mayBeRefused };
    const stampKey = this.#nextStampKey;
    this.#nextStampKey = (stampKey + 1) % UINT32;
    return { kind: "sent", stampKey, message, countsAnew, mayBeRefused };
  }

  drain(): number {
    const untilNs = this.#drainErrors();
    this.#slice.begin();
    return Math.min(untilNs, this.readReceived(this.#slice));
  }

  drainErrors(): void {
    this.#drainErrors();
  }

  /** The part of `drain()` that is about the receive queue. */
  readReceived(slice: TimeSlice): number {
    if (this.#socket.closed) return Number.POSITIVE_INFINITY;
    const { used, limit, drops } = this.#socket.receiveQueue;
    let stampNs = Number.NEGATIVE_INFINITY;
    const received = this.#socket.receive(
      (message) => {
        stampNs = message.timestampNs ?? stampNs;
        this.#handOver(() =>
          this.privileged ? decodeRaw(this.family, message) : decodeDatagram(this.family, message),
        );
      },
      DRAIN_LIMIT,
      slice.isOver,
    );
    // Nobody but us empties the queue: if it overflowed since the drain before, it has been full ever since, and what
    // is dropped while it is being emptied may be for want of room, too. Other drops are corrupt packets.
    const wasFull = used * 2 >= limit;
    const dropsNow = wasFull && !this.#socket.closed ? this.#socket.receiveQueue.drops : drops;
    if (wasFull) this.#drops += dropsNow - this.#dropsSeen;
    this.#dropsSeen = dropsNow;
    return received === DRAIN_LIMIT || slice.wasCut ? stampNs : Number.POSITIVE_INFINITY;
  }

  /** The part of `drain()` that is about the error queue. */
  readErrors(slice: TimeSlice, limit: number = DRAIN_LIMIT): number {
    if (this.#socket.closed || !this.facilities.fillsErrorQueue) return Number.POSITIVE_INFINITY;
    let stampNs = Number.NEGATIVE_INFINITY;
    const received = this.#outgoing.receiveErrors(
      (message) => {
        stampNs = message.timestampNs ?? stampNs;
        const origin = message.error?.origin;
        if (origin === SO_EE_ORIGIN_TIMESTAMPING) this.#onStamp(message);
        else if (origin === SO_EE_ORIGIN_LOCAL) this.#exceededMtu = message.error?.info;
        else {
          this.#icmpErrors += 1;
          this.#handOver(() => decodeQueuedError(this.family, message));
        }
      },
      limit,
      slice.isOver,
    );
    this.#hasMoreErrors = received === limit || slice.wasCut;
    return this.#hasMoreErrors ? stampNs : Number.POSITIVE_INFINITY;
  }

  setActive(active: boolean): void {
    this.#isActive = active;
    this.#watch?.setActive(active);
  }

  setTold(told: boolean): void {
    if (told === (this.#watch !== undefined)) return;
    this.#watch?.close();
    this.#watch = told
      ? this.#reactor.watch(this.#socket.fd, () => this.#owner?.onReady())
      : undefined;
    this.facilities.noteWatch(this.#watch);
    this.#watch?.setActive(this.#isActive);
  }

  close(): void {
    this.#watch?.close();
    this.#socket.close();
    // Not there yet when the constructor fails.
    this.#outgoing?.close();
    this.#system.stamps.delete(this);
  }

  #drainErrors(limit: number = DRAIN_LIMIT): number {
    this.#slice.begin();
    return this.readErrors(this.#slice, limit);
  }

  /** Hands over what `decode` makes of a packet. One that does not decode is counted and dropped. */
  #handOver(decode: () => Arrival | undefined): void {
    let arrival: Arrival | undefined;
    try {
      arrival = decode();
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#malformed += 1;
      return;
    }
    if (arrival !== undefined) this.#owner?.onArrival(arrival);
  }

  #onStamp({ error, timestampNs }: IncomingMessage): void {
    if (error === undefined || error.info !== SCM_TSTAMP_SND || timestampNs === undefined) return;
    this.#isMiscounted ||= this.#refusedKeys.has(error.data);
    if (this.#isMiscounted) return;
    // A key we have not given out yet: the kernel counted a send that we did not. Follow it.
    const ahead = (error.data - this.#nextStampKey + UINT32) % UINT32;
    if (ahead < UINT32 / 2 && error.data >= this.#formerStampKeys)
      this.#nextStampKey = (error.data + 1) % UINT32;
    this.#owner?.onArrival({ kind: "stamp", key: error.data, stampNs: timestampNs });
  }

  #transmit(route: Route, ttl: number, message: Uint8Array): SendOutcome | SystemError {
    const wasFlooded = this.#hasMoreErrors;
    for (let attempt = 1; ; attempt++) {
      const icmpErrors = this.#icmpErrors;
      try {
        return this.#sender.send(route, ttl, message);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        if (error.errno === EINVAL && this.privileged && this.#localDrops?.hasTableOverflowed())
          return "busy";
        this.#drainErrors(SEND_DRAIN_LIMIT);
        // During a flood of ICMP errors it may have failed for nothing but them.
        if (this.#icmpErrors > icmpErrors && attempt < FLOODED_SENDS && isFromIcmp(error.errno))
          continue;
        // Whether a refused send took a key depends on how far it got, so counting begins anew, once the stamps that wait
        // with keys of the old count are read. Others may still come, from packets that a device holds back.
        if (!wasFlooded) this.drainErrors();
        this.#countStamps();
        return error;
      }
    }
  }

  /** Whether the send buffer is what had no room for the last probe. */
  #isFull(outcome: "full" | "busy"): boolean {
    // Stamps tell what has left. On raw IPv4 nobody looks at them when they come.
    if (this.privileged) this.#drainErrors(SEND_DRAIN_LIMIT);
    const { used, limit } = this.#outgoing.sendMemory;
    // Raw sockets are full at twice the limit, and have the same errno for everything (__ip_append_data).
    const isFull = this.privileged ? used >= 2 * limit : outcome === "full";
    // A packet that gets beyond the send buffer takes a key. Whether one did is certain enough on a raw socket when that
    // has much room left; a key that was not counted is made good by the next stamp.
    const tookKey = this.privileged ? used < 1.5 * limit : !isFull;
    if (tookKey) {
      this.#refusedKeys.add(this.#nextStampKey);
      this.#nextStampKey = (this.#nextStampKey + 1) % UINT32;
    }
    return isFull;
  }

  #explain(
    error: SystemError,
    { route, ttl, message }: { route: Route; ttl: number; message: Uint8Array },
  ): SystemError {
    const index = this.#sender.indexOf(route);
    if (index === 0) return error;
    const isTooLong = error.code === "EMSGSIZE";
    if (isTooLong && !this.facilities.asksForErrors) {
      const resend = () => this.#sender.send(route, ttl, message);
      this.#exceededMtu = exceededMtu(this.#outgoing, this.family, resend);
    }
    const mtu = isTooLong ? this.#exceededMtu : undefined;
    return explainRefusal(this.#libc, error, { ...route, index, mtu });
  }

  /** Begins a new count of the transmit stamps. */
  #countStamps(): void {
    this.#isMiscounted = false;
    this.#refusedKeys.clear();
    if (!this.facilities.transmitTimestamps) return;
    // Without a count, nobody could tell whose stamp is whose.
    this.facilities.transmitTimestamps = countStamps(this.#outgoing) === undefined;
    this.#formerStampKeys = Math.max(this.#formerStampKeys, this.#nextStampKey);
    this.#nextStampKey = 0;
    this.#countsAnew = true;
  }

  /**
   * An ICMP datagram socket has its identifier for a port: binding to port 0 makes the kernel choose one. The source has to
   * be bound, too: that of a control message is checked and then ignored in IPv6 (ping_v6_sendmsg).
   */
  #bindIdentifier({ bindTo, identifier, isFurther }: IcmpTransportOptions): number {
    const address = bindTo ?? { address: this.family === 4 ? "0.0.0.0" : "::" };
    if (!isFurther) return bindIdentifier(this.#socket, address);
    bindFurther(this.#socket, { ...address, port: identifier });
    return identifier;
  }
}
