import { PacketError, SystemError } from "../../errors.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SO_EE_ORIGIN_LOCAL,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import { EINVAL, isFromIcmp } from "../../ffi/errno.ts";
import { decodeIncoming } from "../../ffi/incoming.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { MessageBatch } from "../../ffi/msghdr.ts";
import type { Reactor, Watch } from "../../ffi/reactor.ts";
import {
  type ReceiveQueue,
  type SendMemory,
  type SendOutcome,
  Socket,
  type SocketAddress,
} from "../../ffi/socket.ts";
import type { Family } from "../../packet/address.ts";
import type { Facilities } from "./capabilities.ts";
import { configureSocket, countStamps } from "./configure-socket.ts";
import { decodeQueuedError } from "./datagram-arrival.ts";
import { Inbox } from "./inbox.ts";
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
import { TimeSlice } from "./time-slice.ts";
import type {
  ErrorArrival,
  OutgoingProbe,
  SendReceipt,
  Transport,
  TransportOwner,
} from "./transport.ts";

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
  /**
   * What to bind a datagram socket to; its port is the identifier wanted, 0 lets the kernel choose.
   */
  readonly bindTo?: SocketAddress | undefined;
  /**
   * Whether another socket has the same identifier. Of datagram sockets, the one opened last then
   * receives; further raw sockets only send.
   */
  readonly isFurther?: boolean;
}

// Replies wait here while the event loop is busy; the kernel takes memory only for what does wait.
// Without privilege it grants at most net.core.rmem_max (socket(7)).
const RECEIVE_BUFFER = 4 << 20;

/** Messages of each queue that one drain takes, at most; it ends sooner when its time is over. */
const DRAIN_LIMIT = 4096;
/** The same before a send, of which there may be many in one turn of the event loop. */
const SEND_DRAIN_LIMIT = 64;

/**
 * Kernel memory that a message in a receive queue takes besides its bytes, at least (struct
 * sk_buff), and how much more it may take in all.
 */
const MESSAGE_MEMORY = 256;
const MEMORY_PER_BYTE = 32;

/**
 * How often a send is repeated while ICMP errors come in. Each time the socket tries it 32 times.
 */
const FLOODED_SENDS = 16;

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
  /**
   * What probes leave by, and what the error queue that matters belongs to: another one on raw
   * IPv4.
   */
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
  readonly #errorSlice: TimeSlice;
  /** That of the read of the receive queue that is going on. */
  #receiveSlice: TimeSlice;
  readonly #inbox: Inbox;
  /** Reads the transmit stamps that answers may have overtaken. */
  #drainStamps: () => void = () => this.drainErrors();
  #malformed = 0;
  /** ICMP errors that the error queue held. */
  #icmpErrors = 0;
  /** Whether the last read of the error queue left some of it. */
  #hasMoreErrors = false;
  /** About how much of the kernel's memory the messages of a drain took. */
  #memoryRead = 0;
  /** How much of it the receive queue may take; 0 while not known. */
  #queueLimit = 0;
  #drops = 0;
  /** Drops that are accounted for, whatever their cause. */
  #dropsSeen = 0;
  /** What the kernel will call the next send in its transmit stamp (SOF_TIMESTAMPING_OPT_ID). */
  #nextStampKey = 0;
  /** How far earlier counts came: smaller keys may still be theirs. */
  #formerStampKeys = 0;
  /** Whether counting has restarted since the last receipt. */
  #countsAnew: boolean;
  /**
   * Keys of packets that were refused so late that they took one, and whether one of them left
   * after all.
   */
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
    this.#errorSlice = new TimeSlice(libc);
    this.#receiveSlice = this.#slice;
    this.#inbox = new Inbox({ family, privileged, epochSeconds: libc.epochSeconds });
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
      this.#queueLimit = this.#socket.receiveQueue.limit;
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
   * Opens another socket with the same identifier, which has a send buffer of its own. All sockets
   * of that identifier must be shareable meanwhile.
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

  /**
   * @param drainStamps reads all transmit stamps of a transport of several sockets; by default,
   * those of this one.
   */
  attach(owner: TransportOwner, drainStamps?: () => void): void {
    this.#owner = owner;
    if (drainStamps !== undefined) this.#drainStamps = drainStamps;
  }

  send(probe: OutgoingProbe): SendReceipt {
    this.#watch?.renew();
    // On a datagram socket an error that waits unread makes the next send fail in its place. During
    // a flood there is always another one, and only drains have time for them.
    if (!this.privileged && !this.#hasMoreErrors) this.#drainErrors(SEND_DRAIN_LIMIT);
    if (this.#isMiscounted) {
      this.#drainErrors();
      this.#countStamps();
    }
    probe.identifier = this.identifier;
    const drops = this.privileged ? undefined : this.#localDrops;
    const used = drops && this.#outgoing.memoryUsed;
    let outcome = this.#transmit(probe);
    if (outcome instanceof SystemError && this.#sender.hasMoved(probe.route))
      outcome = this.#transmit(probe);
    if (outcome instanceof SystemError)
      return { kind: "failed", error: this.#explain(outcome, probe) };
    if (outcome !== "sent") return { kind: "busy", isFull: this.#isFull(outcome) };
    const mayBeRefused = used && drops.mayHaveRefused(used, this.#outgoing.memoryUsed);
    const countsAnew = this.#countsAnew;
    this.#countsAnew = false;
    if (!this.facilities.transmitTimestamps)
      return { kind: "sent", stampKey: null, countsAnew, mayBeRefused };
    const stampKey = this.#nextStampKey;
    this.#nextStampKey = (stampKey + 1) % UINT32;
    return { kind: "sent", stampKey, countsAnew, mayBeRefused };
  }

  drain(): number {
    const untilNs = this.#drainErrors();
    this.#slice.begin();
    return Math.min(untilNs, this.readReceived(this.#slice));
  }

  drainErrors(): void {
    this.#drainErrors();
  }

  /** Whether the last read of the receive queue found anything. */
  get hasReceived(): boolean {
    return this.#memoryRead > 0;
  }

  /** The part of `drain()` that is about the receive queue. */
  readReceived(slice: TimeSlice): number {
    this.#memoryRead = 0;
    if (this.#socket.closed) return Number.POSITIVE_INFINITY;
    const before = this.#mayDropOthers ? this.#socket.receiveQueue : undefined;
    this.#receiveSlice = slice;
    const untilNs = this.#libc.withReceiveBatch(this.#readReplies);
    const isMuch = this.#memoryRead * MEMORY_PER_BYTE >= this.#queueLimit;
    if (before !== undefined || isMuch) this.#noteDrops(before);
    return untilNs;
  }

  countDrops(): void {
    // Those of a raw IPv6 socket are counted with each read.
    if (!this.#mayDropOthers) this.#noteDrops(undefined);
  }

  /**
   * Whether the kernel drops packets for other reasons than a full queue: those with a wrong
   * checksum (rawv6_rcv_skb).
   */
  get #mayDropOthers(): boolean {
    return this.privileged && this.family === 6;
  }

  /**
   * Counts what found no room. Nobody but us empties the queue: if it overflowed since the drain
   * before, it has been full ever since, and what is dropped while it is being emptied may be for
   * want of room, too.
   *
   * @param before the queue as it was before the drain, where it may have dropped for other reasons
   */
  #noteDrops(before: ReceiveQueue | undefined): void {
    if (this.#socket.closed) return;
    const wasFull = before === undefined || before.used * 2 >= before.limit;
    const drops = wasFull ? this.#socket.receiveQueue.drops : before.drops;
    if (wasFull) this.#drops += drops - this.#dropsSeen;
    this.#dropsSeen = drops;
  }

  /** Reads replies, and what else raw sockets are given. */
  readonly #readReplies = (batch: MessageBatch): number => {
    const slice = this.#receiveSlice;
    let stampNs = Number.NEGATIVE_INFINITY;
    for (let received = 0; received < DRAIN_LIMIT && !this.#socket.closed; ) {
      const count = this.#socket.receivePrepared(batch, slice.isOver);
      if (count === 0) return slice.wasCut ? stampNs : Number.POSITIVE_INFINITY;
      if (this.#owner?.awaitsStamps && this.#missesStamps(batch, count)) this.#drainStamps();
      for (let index = 0; index < count; index++) {
        this.#memoryRead += batch.messageLength(index) + MESSAGE_MEMORY;
        if (this.#inbox.readReply(batch, index)) {
          const { reply } = this.#inbox;
          stampNs = reply.stampNs ?? stampNs;
          this.#owner?.onReply(reply);
        } else if (this.privileged) {
          const message = decodeIncoming(batch, index, this.#libc.epochSeconds);
          stampNs = message.timestampNs ?? stampNs;
          this.#handOver(() => decodeRaw(this.family, message));
        }
      }
      batch.resetReceived(count);
      received += count;
      // Fewer than there was room for: the queue is empty, which asking again would cost a system
      // call to learn.
      if (count < batch.count) return Number.POSITIVE_INFINITY;
      if (slice.isOver()) break;
    }
    return stampNs;
  };

  /**
   * Whether any answer of a batch is to a probe whose transmit stamp has not come: it may have come
   * meanwhile.
   */
  #missesStamps(batch: MessageBatch, count: number): boolean {
    for (let index = 0; index < count; index++) {
      const sequence = this.#inbox.sequenceAt(batch, index);
      // What errors quote is not looked up for this.
      if (sequence < 0 || this.#owner?.awaitsStampOf(sequence)) return true;
    }
    return false;
  }

  /** The part of `drain()` that is about the error queue. */
  readErrors(slice: TimeSlice, limit: number = DRAIN_LIMIT): number {
    if (this.#socket.closed || !this.facilities.fillsErrorQueue) return Number.POSITIVE_INFINITY;
    const batch = this.#libc.errorBatch;
    let stampNs = Number.NEGATIVE_INFINITY;
    let received = 0;
    while (received < limit && !this.#socket.closed) {
      const room = Math.min(batch.count, limit - received);
      const count = this.#outgoing.receivePreparedErrors(batch, { room, isOver: slice.isOver });
      for (let index = 0; index < count; index++) {
        if (this.#inbox.readStamp(batch, index)) {
          if (!Number.isNaN(this.#inbox.stampNs)) stampNs = this.#inbox.stampNs;
          this.#onStamp();
        } else stampNs = this.#readError(batch, index) ?? stampNs;
      }
      batch.resetReceived(count);
      received += count;
      if (count < room || slice.isOver()) break;
    }
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
    this.#errorSlice.begin();
    return this.readErrors(this.#errorSlice, limit);
  }

  /** Reads an entry of the error queue that is no stamp, and returns when it came. */
  #readError(batch: MessageBatch, index: number): number | undefined {
    const message = decodeIncoming(batch, index, this.#libc.epochSeconds);
    if (message.error?.origin === SO_EE_ORIGIN_LOCAL) this.#exceededMtu = message.error.info;
    else {
      this.#icmpErrors += 1;
      this.#handOver(() => decodeQueuedError(this.family, message));
    }
    return message.timestampNs;
  }

  /**
   * Hands over what `decode` makes of a packet. One that does not decode is counted and dropped.
   */
  #handOver(decode: () => ErrorArrival | undefined): void {
    let arrival: ErrorArrival | undefined;
    try {
      arrival = decode();
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#malformed += 1;
      return;
    }
    if (arrival !== undefined) this.#owner?.onError(arrival);
  }

  #onStamp(): void {
    const { stampKey: key, stampNs } = this.#inbox;
    if (key < 0) return;
    this.#isMiscounted ||= this.#refusedKeys.has(key);
    if (this.#isMiscounted) return;
    // A key we have not given out yet: the kernel counted a send that we did not. Follow it.
    const ahead = (key - this.#nextStampKey + UINT32) % UINT32;
    if (ahead < UINT32 / 2 && key >= this.#formerStampKeys) this.#nextStampKey = (key + 1) % UINT32;
    this.#owner?.onStamp(key, stampNs);
  }

  #transmit(probe: OutgoingProbe): SendOutcome | SystemError {
    const wasFlooded = this.#hasMoreErrors;
    for (let attempt = 1; ; attempt++) {
      const icmpErrors = this.#icmpErrors;
      try {
        return this.#sender.send(probe);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        if (error.errno === EINVAL && this.privileged && this.#localDrops?.hasTableOverflowed())
          return "busy";
        this.#drainErrors(SEND_DRAIN_LIMIT);
        // During a flood of ICMP errors it may have failed for nothing but them.
        if (this.#icmpErrors > icmpErrors && attempt < FLOODED_SENDS && isFromIcmp(error.errno))
          continue;
        // Whether a refused send took a key depends on how far it got, so counting restarts, once
        // the stamps that wait with keys of the old count are read. Others may still come, from
        // packets that a device holds back.
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
    // Raw sockets are full at twice the limit, and have the same errno for everything
    // (__ip_append_data).
    const isFull = this.privileged ? used >= 2 * limit : outcome === "full";
    // A packet that gets beyond the send buffer takes a key. Whether one did is certain enough on a
    // raw socket when that has much room left; a key that was not counted is made good by the next
    // stamp.
    const tookKey = this.privileged ? used < 1.5 * limit : !isFull;
    if (tookKey) {
      this.#refusedKeys.add(this.#nextStampKey);
      this.#nextStampKey = (this.#nextStampKey + 1) % UINT32;
    }
    return isFull;
  }

  #explain(error: SystemError, probe: OutgoingProbe): SystemError {
    const { route } = probe;
    const index = this.#sender.indexOf(route);
    if (index === 0) return error;
    const isTooLong = error.code === "EMSGSIZE";
    if (isTooLong && !this.facilities.asksForErrors)
      this.#exceededMtu = exceededMtu(this.#outgoing, this.family, () => this.#sender.send(probe));
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
   * An ICMP datagram socket has its identifier for a port: binding to port 0 makes the kernel
   * choose one. The source has to be bound, too: that of a control message is checked and then
   * ignored in IPv6 (ping_v6_sendmsg).
   */
  #bindIdentifier({ bindTo, identifier, isFurther }: IcmpTransportOptions): number {
    const address = bindTo ?? { address: this.family === 4 ? "0.0.0.0" : "::" };
    if (!isFurther) return bindIdentifier(this.#socket, address);
    bindFurther(this.#socket, { ...address, port: identifier });
    return identifier;
  }
}
