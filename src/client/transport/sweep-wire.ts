import { PacketError, type SystemError } from "../../errors.ts";
import type { ControlRequest } from "../../ffi/cmsg.ts";
import { SO_EE_ORIGIN_LOCAL, SO_SNDBUF, SOL_SOCKET } from "../../ffi/constants.ts";
import {
  EAGAIN,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  isFromIcmp,
  sendAttempts,
  systemError,
} from "../../ffi/errno.ts";
import { decodeIncoming } from "../../ffi/incoming.ts";
import type { Watch } from "../../ffi/reactor.ts";
import type { SocketAddress } from "../../ffi/sockaddr.ts";
import type { Socket } from "../../ffi/socket.ts";
import { type Family, formatAddress } from "../../packet/address.ts";
import { IPV4_HEADER_LENGTH } from "../../packet/ipv4.ts";
import { NS_PER_MS } from "../time/clock.ts";
import type { Facilities } from "./capabilities.ts";
import { attempt } from "./configure-socket.ts";
import { decodeQueuedError } from "./datagram-arrival.ts";
import { EchoInbox } from "./echo-inbox.ts";
import { EchoOutbox } from "./echo-outbox.ts";
import type { TransportSystem } from "./icmp-transport.ts";
import { InterfaceNames, missingInterface } from "./interface-names.ts";
import { LocalDrops } from "./local-drops.ts";
import { decodeRaw } from "./raw-arrival.ts";
import { exceededMtu, explainRefusal } from "./send-failure.ts";
import type { SweepProbe, SweepReplyPacket } from "./sweep-probe.ts";
import { SweepSocket, type SweepSocketOptions } from "./sweep-socket.ts";
import { DRAIN_LIMIT, FLOODED_SENDS, SEND_DRAIN_LIMIT, TimeSlice } from "./time-slice.ts";
import type { ErrorArrival } from "./transport.ts";

/** Who hears what arrives. The arguments are valid during the call only. */
export interface SweepListener {
  /** Some messages have been read: those that follow arrived before now. */
  onRead(): void;
  /** An echo reply with our identifier. */
  onReply(reply: SweepReplyPacket): void;
  /** An ICMP error that quotes an echo request. */
  onError(error: ErrorArrival): void;
}

/** How far a flush came. */
export type FlushStep =
  /** All that was staged has left. */
  | "done"
  /** The kernel has no room now, or does not stamp answers yet; what is left stays staged. */
  | "busy"
  /** The kernel has no room for the next one, but may have for others. `skip()` drops it. */
  | "noRoom"
  /** The next one is refused; `refusal` tells why, and `skip()` drops it. */
  | "refused";

/** How to construct a {@link SweepWire}. */
export interface SweepWireOptions extends SweepSocketOptions {
  readonly filler: Uint8Array;
}

/** The index of no interface. Another one than 0, which would let the kernel choose. */
const NO_INTERFACE = 0x7fff_ffff;
/** Kernel memory that a small packet takes in a receive queue, at most: sk_buff, page and all. */
const PACKET_MEMORY = 1280;
/** Where an IPv4 header has its source (RFC 791 section 3.1). */
const SOURCE_OFFSET = 12;
/** If nothing leaves for this long, a full send buffer is waiting for neighbours. */
const STUCK_NS = 20 * NS_PER_MS;
/**
 * The send buffer is then made this large (SO_SNDBUF, which the kernel doubles), so that it holds a
 * packet for each neighbour in the table. The kernel grants at most net.core.wmem_max, by default
 * half of this. A large buffer from the start would only make a long queue at a slow device.
 */
const WIDE_SEND_BUFFER = 425_984;
/** How long each probe is checked after the kernel has dropped packets silently. */
const CAREFUL_NS = 1000 * NS_PER_MS;

/**
 * One socket of a sweep with its memory: probes are staged in an outbox, flushed by sendmmsg(2),
 * and answers read by recvmmsg(2). Sending reads the error queue when it has to, so the listener
 * may hear of errors during a flush.
 */
export class SweepWire {
  readonly family: Family;
  readonly privileged: boolean;
  readonly identifier: number;
  readonly facilities: Facilities;
  /** How many probes may be staged at a time. */
  readonly capacity: number;
  readonly #epochSeconds: number;
  readonly #system: TransportSystem;
  readonly #bound: SweepSocket;
  readonly #outbox: EchoOutbox;
  readonly #inbox: EchoInbox;
  readonly #listener: SweepListener;
  readonly #slice: TimeSlice;
  readonly #options: SweepWireOptions;
  readonly #interfaces: InterfaceNames;
  /** The interface or zone that the outbox is made for, and its index. */
  #by: string | number | undefined;
  #index: number | undefined;
  #onReady: (() => unknown) | undefined;
  #watch: Watch | undefined;
  #staged = 0;
  /** How many of the staged have left or were skipped. */
  #flushed = 0;
  #attempts = 0;
  #refusal = 0;
  /** Of IPv6 sockets, which are not told of everything; datagram ones of nothing. */
  readonly #localDrops: LocalDrops | undefined;
  #carefulUntilNs = Number.NEGATIVE_INFINITY;
  #isCareful = false;
  /** Since when (monotonic) the send buffer has been full. */
  #fullSinceNs = Number.POSITIVE_INFINITY;
  #isWide = false;
  /** What the last probe that was too long was too long for. */
  #mtu: number | undefined;
  #malformed = 0;
  /** ICMP errors that the error queue held. */
  #icmpErrors = 0;
  #drops = 0;
  #dropsSeen = 0;

  /** @throws {SystemError} EPERM or EACCES without the privilege; nothing stays open. */
  constructor(system: TransportSystem, options: SweepWireOptions, listener: SweepListener) {
    const { family, privileged, filler } = options;
    this.#bound = new SweepSocket(system, options);
    const { identifier, facilities } = this.#bound;
    this.family = family;
    this.privileged = privileged;
    this.identifier = identifier;
    this.#system = system;
    this.facilities = facilities;
    this.#listener = listener;
    this.#slice = new TimeSlice(system.libc);
    const { epochSeconds } = system.libc;
    this.#epochSeconds = epochSeconds;
    this.#inbox = new EchoInbox({
      family,
      hasIpHeader: privileged && family === 4,
      filler,
      epochSeconds,
    });
    this.#options = options;
    this.#interfaces = new InterfaceNames(system.libc);
    this.#outbox = new EchoOutbox({ family, identifier, filler, control: this.#control() });
    this.#locate();
    this.#localDrops = family === 6 ? new LocalDrops(system.libc) : undefined;
    if (facilities.receiveTimestamps) system.stamps.add(this);
    // The answers to all that leaves between two reads must fit half the queue.
    const fitting = Math.floor(this.#socket.receiveQueue.limit / 2 / PACKET_MEMORY);
    this.capacity = Math.min(this.#outbox.count, fitting > 0 ? fitting : this.#outbox.count);
  }

  /** Bytes of ICMP data of each probe. */
  get dataLength(): number {
    return this.#options.filler.length;
  }

  /** How many are staged and have not left. */
  get waiting(): number {
    return this.#staged - this.#flushed;
  }

  /** Whether one more may be staged: not while some of a batch have left and others wait. */
  get hasRoom(): boolean {
    return this.#flushed === 0 && this.#staged < this.capacity;
  }

  /** How many were staged since all had left, and of these, how many have left or were skipped. */
  get staged(): number {
    return this.#staged;
  }
  get flushed(): number {
    return this.#flushed;
  }

  /** Whether the kernel does not tell what it had no room for (ping_v6_sendmsg). */
  get isSilent(): boolean {
    return this.family === 6 && !this.privileged;
  }

  /** Whether the last flush checked each probe all the same, by system calls of its own. */
  get isCareful(): boolean {
    return this.#isCareful;
  }

  /** Packets dropped here because they did not decode. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Packets that the kernel dropped because the receive queue was full. */
  get drops(): number {
    return this.#drops;
  }

  /** Why the flush stopped at the next probe. */
  refusal(address: string): SystemError {
    const by = this.#by;
    if (by !== undefined && this.#index === 0) return missingInterface(by, address);
    const { source, interface: asked, mark } = this.#options;
    const error =
      this.#bound.refusal ??
      systemError(this.#refusal, { syscall: this.#system.libc.calls.names.send, address });
    if (by !== undefined && error.syscall === "if_nametoindex")
      return missingInterface(by, address);
    const refused = {
      destination: address,
      source: source?.split("%", 1)[0],
      interface: asked,
      mark,
    };
    return explainRefusal(this.#system.libc, error, {
      ...refused,
      index: this.#index,
      mtu: this.#mtu,
    });
  }

  /**
   * Adds a probe to what the next flush sends. Not more than `capacity`.
   *
   * @returns its ICMP checksum, without the pseudo header that ICMPv6 has.
   */
  stage(probe: SweepProbe): number {
    const index = this.#staged++;
    return this.family === 4
      ? this.#outbox.setIpv4(index, probe)
      : this.#outbox.setIpv6(index, probe);
  }

  /** Sends what is staged, as far as the kernel takes it. */
  flush(): FlushStep {
    if (!this.#system.stamps.isSettled()) return "busy";
    if (this.waiting > 0) this.#watch?.renew();
    if (this.#by !== this.#wantedInterface) this.#locate();
    this.#isCareful = this.isSilent && this.#system.libc.monotonicNs() < this.#carefulUntilNs;
    while (this.#flushed < this.#staged) {
      if (this.#bound.refusal !== undefined && !this.#rebind()) return "refused";
      const left = this.#send();
      if (left > 0) {
        this.#flushed += left;
        this.#attempts = 0;
        this.#fullSinceNs = Number.POSITIVE_INFINITY;
        continue;
      }
      const errno = -left;
      if (errno === 0) return "busy";
      if (errno === EAGAIN || errno === ENOBUFS) return this.#isFull(errno) ? "busy" : "noRoom";
      if (errno === EINVAL && this.privileged && this.#localDrops?.hasTableOverflowed())
        return "noRoom";
      if (this.#triesAgain(errno)) continue;
      if (this.#hasMoved()) {
        this.#attempts = 0;
        continue;
      }
      this.#refusal = errno;
      if (errno === EMSGSIZE && this.privileged) this.#mtu = this.#askForMtu();
      return "refused";
    }
    this.#beginAgain();
    return "done";
  }

  /** Sends as much as the kernel takes at once. Returns how many left, or a negative errno. */
  #send(): number {
    const socket = this.#bound.outgoing;
    const { batch } = this.#outbox;
    if (!this.#isCareful) return socket.sendPrepared(batch, this.#flushed, this.waiting);
    const before = socket.memoryUsed;
    const left = socket.sendPrepared(batch, this.#flushed, 1);
    if (left <= 0 || !this.#localDrops?.mayHaveRefused(before, socket.memoryUsed)) return left;
    this.beCareful();
    return -ENOBUFS;
  }

  /** Whether the send buffer is what had no room for the next probe. */
  #isFull(errno: number): boolean {
    const socket = this.#bound.outgoing;
    const { used, limit } = socket.sendMemory;
    // Raw sockets are full at twice the limit, with one errno for everything (__ip_append_data).
    const isFull = this.privileged ? used >= 2 * limit : errno === EAGAIN;
    if (!isFull || this.#isWide) return isFull;
    const nowNs = this.#system.libc.monotonicNs();
    this.#fullSinceNs = Math.min(this.#fullSinceNs, nowNs);
    if (nowNs - this.#fullSinceNs < STUCK_NS) return true;
    this.#isWide = true;
    attempt(() => socket.setOption(SOL_SOCKET, SO_SNDBUF, WIDE_SEND_BUFFER));
    return true;
  }

  /** Of a silent socket: checks each probe for the next second. */
  beCareful(): void {
    if (this.isSilent) this.#carefulUntilNs = this.#system.libc.monotonicNs() + CAREFUL_NS;
  }

  /**
   * Of a silent socket: whether the kernel had no room for some packets, of any process, since the
   * last call. If so, the next flushes are careful.
   */
  hasDropped(): boolean {
    if (this.#localDrops === undefined) return false;
    const isTableFull = this.#localDrops.hasTableOverflowed();
    if (!this.#localDrops.hasQueueOverflowed() && !isTableFull) return false;
    this.beCareful();
    return true;
  }

  /** Drops the probe that was refused. */
  skip(): void {
    this.#flushed += 1;
    this.#attempts = 0;
    if (this.#flushed === this.#staged) this.#beginAgain();
  }

  /**
   * Reads what has arrived, up to a limit: a flood must not hold the event loop.
   *
   * @returns what {@link Transport.drain} does.
   */
  drain(): number {
    const errorsUntilNs = this.privileged ? Number.POSITIVE_INFINITY : this.#drainErrors();
    const { used, limit, drops } = this.#socket.receiveQueue;
    const repliesUntilNs = this.#drainReplies();
    // Nobody but us empties the queue: if it overflowed since the drain before, it was full when
    // this one began. Drops of another kind are those of raw IPv6 sockets, which count every wrong
    // checksum (rawv6_rcv_skb).
    const wasFull = used * 2 >= limit;
    const dropsNow = wasFull ? this.#socket.receiveQueue.drops : drops;
    if (wasFull) this.#drops += dropsNow - this.#dropsSeen;
    this.#dropsSeen = dropsNow;
    return Math.min(errorsUntilNs, repliesUntilNs);
  }

  /**
   * Whether the event loop tells of arrivals, by calling `onReady`. Each packet then costs a
   * signal, some 5 us: at high rates it is cheaper to drain from time to time.
   */
  watch(onReady: (() => unknown) | undefined): void {
    if ((this.#onReady !== undefined) === (onReady !== undefined)) return;
    this.#onReady = onReady;
    this.#unwatch();
    this.#observe();
  }

  close(): void {
    this.#unwatch();
    this.#bound.close();
    this.#system.stamps.delete(this);
  }

  get #socket(): Socket {
    return this.#bound.current;
  }

  #observe(): void {
    this.#watch = this.#onReady && this.#system.reactor.watch(this.#socket.fd, this.#onReady);
    this.facilities.noteWatch(this.#watch);
    this.#watch?.setActive(true);
  }

  #unwatch(): void {
    this.#watch?.setActive(false);
    this.#watch?.close();
    this.#watch = undefined;
  }

  get #wantedInterface(): string | number | undefined {
    return this.#options.interface ?? this.#options.zone.name;
  }

  /** Puts the interface, as it is now, into the outbox. */
  #locate(): void {
    const by = this.#wantedInterface;
    this.#by = by;
    if (by === undefined) return;
    this.#index = this.#interfaces.indexOf(by);
    // With index 0 the kernel would choose another one.
    const index = this.#index === 0 ? NO_INTERFACE : this.#index;
    this.#outbox.setInterface(this.#control(index), index);
  }

  /**
   * After a refused send: whether the interface has been created again. Outbox and socket then
   * follow it.
   */
  #hasMoved(): boolean {
    if (this.#by === undefined) return false;
    const isOther = this.#interfaces.hasMoved(this.#by, this.#index || NO_INTERFACE);
    if (isOther) this.#locate();
    return this.#rebind() || isOther;
  }

  /** Whether another socket, bound to the source as it is now, has taken over. */
  #rebind(): boolean {
    const hasChanged = this.#bound.rebind(() => {
      this.drain();
      this.#unwatch();
    });
    if (!hasChanged) return false;
    this.#isWide = false;
    this.#dropsSeen = 0;
    this.#locate();
    this.#observe();
    return true;
  }

  /**
   * What each probe asks for. The interface of a zone concerns link-local targets only, by their
   * addresses.
   */
  #control(index: number = NO_INTERFACE): ControlRequest {
    const { family, source, interface: by, ttl, tos } = this.#options;
    const address = source?.split("%", 1)[0];
    const { byMessage } = this.facilities;
    // An IPv6 datagram socket is bound to its source, and ignores that of a control message.
    const isSourceHeeded = this.privileged || family === 4;
    return {
      ...(byMessage.has("ttl") && { ttl }),
      ...(byMessage.has("tos") && { tos }),
      ...(address !== undefined && isSourceHeeded && { source: address }),
      ...(by !== undefined && { interfaceIndex: index }),
    };
  }

  /** What the next staged probe is too long for. */
  #askForMtu(): number | undefined {
    if (this.facilities.asksForErrors) {
      this.#drainErrors();
      return this.#mtu;
    }
    return exceededMtu(this.#bound.outgoing, this.family, () => {
      this.#bound.outgoing.sendPrepared(this.#outbox.batch, this.#flushed, 1);
    });
  }

  #beginAgain(): void {
    this.#staged = 0;
    this.#flushed = 0;
  }

  /** After a send that failed with `errno`: whether to try again. */
  #triesAgain(errno: number): boolean {
    this.#attempts += 1;
    const limit = sendAttempts(errno);
    if (this.#attempts % limit !== 0) return true;
    if (this.privileged) return false;
    const icmpErrors = this.#icmpErrors;
    this.#drainErrors(SEND_DRAIN_LIMIT);
    // During a flood of ICMP errors it may have failed for nothing but them.
    const isFlooded = this.#icmpErrors > icmpErrors && isFromIcmp(errno);
    return isFlooded && this.#attempts < limit * FLOODED_SENDS;
  }

  #drainReplies(): number {
    const { batch, reply } = this.#inbox;
    let stampNs = Number.NEGATIVE_INFINITY;
    this.#slice.begin();
    for (let received = 0; received < DRAIN_LIMIT; ) {
      const count = this.#socket.receivePrepared(batch, this.#slice.isOver);
      if (count === 0) return this.#slice.wasCut ? stampNs : Number.POSITIVE_INFINITY;
      this.#listener.onRead();
      for (let index = 0; index < count; index++) {
        if (this.#inbox.readReply(index)) {
          stampNs = reply.stampNs;
          this.#listener.onReply(reply);
        } else if (this.privileged) stampNs = this.#readError(index) ?? stampNs;
      }
      batch.resetReceived(count);
      received += count;
      // Fewer than there was room for: the queue is empty, which asking again would cost a system
      // call to learn.
      if (count < batch.count) return Number.POSITIVE_INFINITY;
      if (this.#slice.isOver()) break;
    }
    return Number.isNaN(stampNs) ? Number.NEGATIVE_INFINITY : stampNs;
  }

  /** ICMP errors are rare enough for the decoders that make objects. */
  #readError(index: number): number | undefined {
    const { batch } = this.#inbox;
    const message = decodeIncoming(batch, index, this.#epochSeconds);
    const source = this.family === 4 ? ipv4Source(message.data) : message.source;
    this.#handOver(() => decodeRaw(this.family, { ...message, source }));
    return message.timestampNs;
  }

  #drainErrors(limit: number = DRAIN_LIMIT): number {
    if (!this.facilities.fillsErrorQueue) return Number.POSITIVE_INFINITY;
    let stampNs = Number.NEGATIVE_INFINITY;
    this.#slice.begin();
    const received = this.#bound.outgoing.receiveErrors(
      (message) => {
        stampNs = message.timestampNs ?? stampNs;
        if (message.error?.origin === SO_EE_ORIGIN_LOCAL) {
          this.#mtu = message.error.info;
          return;
        }
        this.#icmpErrors += 1;
        this.#listener.onRead();
        this.#handOver(() => decodeQueuedError(this.family, message));
      },
      limit,
      this.#slice.isOver,
    );
    return received === limit || this.#slice.wasCut ? stampNs : Number.POSITIVE_INFINITY;
  }

  #handOver(decode: () => ErrorArrival | undefined): void {
    let arrival: ErrorArrival | undefined;
    try {
      arrival = decode();
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#malformed += 1;
      return;
    }
    if (arrival === undefined) return;
    const from = this.#interfaces.withName(arrival.from);
    this.#listener.onError(from === arrival.from ? arrival : { ...arrival, from });
  }
}

/** Raw IPv4 sockets of a sweep ask for no sender, because the packet begins with its IP header. */
function ipv4Source(packet: Uint8Array): SocketAddress | undefined {
  if (packet.length < IPV4_HEADER_LENGTH) return undefined;
  return { address: formatAddress(packet.subarray(SOURCE_OFFSET, SOURCE_OFFSET + 4)) };
}
