import { SystemError } from "../../errors.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Family } from "../../packet/address.ts";
import type { Facilities } from "./capabilities.ts";
import type { IcmpTransport } from "./icmp-transport.ts";
import { TimeSlice } from "./time-slice.ts";
import type { OutgoingProbe, Route, SendReceipt, Transport, TransportOwner } from "./transport.ts";

/**
 * How many sockets there are at most, and how many of them probes may use whose target keeps the
 * kernel waiting. What a target keeps of 64-byte probes at one a second is 4 packets (three tries
 * of ARP, a second apart), so that 1,000 silent neighbours need 9 sockets.
 */
const MAX_SOCKETS = 16;
const MAX_SOCKETS_FOR_HELD = 12;

/** With no departure for this long, a full socket is taken for one that waits for neighbours. */
const STUCK_NS = 20_000_000;
/** How long nothing is tried after a socket could not be opened. */
const RETRY_OPENING_NS = 1_000_000_000;
const UINT32 = 2 ** 32;

/** One of the sockets. */
interface Member {
  readonly transport: IcmpTransport;
  /** What its stamp keys are made distinct by: a multiple of 2^32. */
  readonly keyBase: number;
  /** Probes sent since the one whose transmit stamp came last, and what the last one's will be. */
  sentSinceStamp: number;
  lastKey: number;
}

/**
 * A transport made of one socket and, while it takes them, further ones with the same identifier.
 *
 * A packet for a neighbour whose link-layer address is not known stays in the kernel for up to 3 s
 * (arp(7), RFC 4861 section 7.2.2), and counts against the send buffer of its socket. Silent
 * neighbours would so keep everybody else from sending.
 *
 * 1. A probe goes to the socket that had room last; when it is full, to any other that has room.
 * 2. When all are full, another one is opened, unless a slow device is what they wait for: then
 *    more room would only make a longer queue. Packets that wait for a device leave in order, so
 *    those that later ones have overtaken wait for a neighbour; and if nothing leaves for 20 ms,
 *    all do.
 * 3. A probe to a target that may still hold its last one never gets the last sockets.
 * 4. With a single target there is but the one socket: it can harm nobody but itself.
 * 5. Further sockets that hold nothing are closed at the first send after nothing was in flight.
 */
export class SocketPool implements Transport {
  readonly family: Family;
  readonly privileged: boolean;
  readonly identifier: number;
  readonly facilities: Facilities;
  readonly #libc: Libc;
  readonly #first: IcmpTransport;
  readonly #members: Member[];
  #owner: TransportOwner | undefined;
  #isActive = false;
  #isTold = true;
  /** Which member had room last. */
  #current = 0;
  #opened = 0;
  readonly #slice: TimeSlice;
  /** Stamps are read in the middle of a read of the receive queues. */
  readonly #errorSlice: TimeSlice;
  /** Of each queue: which member is read first, because the time was over before its turn came. */
  readonly #nextRead = { readErrors: 0, readReceived: 0 };
  #lastRoute: Route | undefined;
  /** Whether more than one target is probed. */
  #isShared = false;
  /** Since when (monotonic) there is no room, and when something left last. */
  #fullSinceNs = Number.POSITIVE_INFINITY;
  #departedNs = Number.NEGATIVE_INFINITY;
  #openingFailedNs = Number.NEGATIVE_INFINITY;
  // Of members that are closed.
  #malformed = 0;
  #drops = 0;

  constructor(libc: Libc, first: IcmpTransport) {
    this.#libc = libc;
    this.#slice = new TimeSlice(libc);
    this.#errorSlice = new TimeSlice(libc);
    this.#first = first;
    this.family = first.family;
    this.privileged = first.privileged;
    this.identifier = first.identifier;
    this.facilities = first.facilities;
    this.#members = [{ transport: first, keyBase: 0, sentSinceStamp: 0, lastKey: 0 }];
  }

  get malformed(): number {
    return this.#members.reduce((sum, { transport }) => sum + transport.malformed, this.#malformed);
  }

  get drops(): number {
    let sum = this.#drops;
    for (const { transport } of this.#members) sum += transport.drops;
    return sum;
  }

  attach(owner: TransportOwner): void {
    this.#owner = owner;
    for (const member of this.#members) this.#attach(member, owner);
  }

  send(probe: OutgoingProbe): SendReceipt {
    if (!this.#isActive) this.#closeFurther();
    const { route, isHeld } = probe;
    if (route !== this.#lastRoute) {
      this.#isShared ||= this.#lastRoute !== undefined;
      this.#lastRoute = route;
    }
    const members = this.#members;
    const count = isHeld ? Math.min(members.length, MAX_SOCKETS_FOR_HELD) : members.length;
    const first = this.#current < count ? this.#current : 0;
    for (let tried = 0; tried < count; tried++) {
      const index = (first + tried) % count;
      const receipt = this.#sendBy(index, probe);
      if (receipt.kind !== "busy" || !receipt.isFull) return receipt;
    }
    if (!this.#isStuck(probe.message.length) || !this.#openFurther(isHeld)) {
      return { kind: "busy", isFull: true };
    }
    return this.#sendBy(members.length - 1, probe);
  }

  drain(): number {
    // The error queues of raw sockets hold nothing but stamps. Those that nobody awaits are read
    // when there is nothing else: they would keep the socket ready for ever.
    const isForStamps = this.privileged && this.#owner?.awaitsStamps === false;
    const errorsUntilNs = isForStamps ? Number.POSITIVE_INFINITY : this.#readEach("readErrors");
    const receivedUntilNs = this.#readEach("readReceived");
    if (isForStamps && !this.#first.hasReceived) return this.#readEach("readErrors");
    return Math.min(errorsUntilNs, receivedUntilNs);
  }

  drainErrors(): void {
    this.#readEach("readErrors");
  }

  countDrops(): void {
    for (const { transport } of this.#members) transport.countDrops();
  }

  setActive(active: boolean): void {
    this.#isActive = active;
    this.#lastRoute = undefined;
    this.#isShared = false;
    for (const { transport } of this.#members) transport.setActive(active);
  }

  setTold(told: boolean): void {
    this.#isTold = told;
    this.#first.setTold(told);
    for (const { transport } of this.#further) transport.setTold(told && !this.privileged);
  }

  close(): void {
    for (const { transport } of this.#members) transport.close();
  }

  get #further(): readonly Member[] {
    return this.#members.length === 1 ? NONE : this.#members.slice(1);
  }

  /**
   * Reads one queue of each in the time that there is for all, and returns until when all is read.
   */
  #readEach(queue: "readErrors" | "readReceived"): number {
    const slice = queue === "readErrors" ? this.#errorSlice : this.#slice;
    slice.begin();
    // Further raw sockets receive nothing.
    const isAlone = queue === "readReceived" && this.privileged;
    const count = isAlone ? 1 : this.#members.length;
    const first = this.#nextRead[queue] < count ? this.#nextRead[queue] : 0;
    let untilNs = Number.POSITIVE_INFINITY;
    for (let done = 0; done < count; done++) {
      const index = (first + done) % count;
      const { transport } = this.#members[index] as Member;
      untilNs = Math.min(untilNs, transport[queue](slice));
      if (!slice.wasCut) continue;
      this.#nextRead[queue] = index + 1;
      // The others have their turn next time.
      return done < count - 1 ? Number.NEGATIVE_INFINITY : untilNs;
    }
    return untilNs;
  }

  #attach(member: Member, owner: TransportOwner): void {
    member.transport.attach(
      {
        onReady: () => owner.onReady(),
        get awaitsStamps() {
          return owner.awaitsStamps;
        },
        awaitsStampOf: (sequence) => owner.awaitsStampOf(sequence),
        onStamp: (key, stampNs) => {
          this.#noteStamp(member, key);
          owner.onStamp(member.keyBase + key, stampNs);
        },
        onReply: (reply) => owner.onReply(reply),
        onError: (error) => owner.onError(error),
      },
      this.#drainStamps,
    );
  }

  readonly #drainStamps = (): void => this.drainErrors();

  #noteStamp(member: Member, key: number): void {
    const ahead = member.lastKey - key;
    if (ahead >= 0) member.sentSinceStamp = Math.min(member.sentSinceStamp, ahead);
    if (this.#fullSinceNs !== Number.POSITIVE_INFINITY) this.#departedNs = this.#libc.monotonicNs();
  }

  #sendBy(index: number, probe: OutgoingProbe): SendReceipt {
    const member = this.#members[index] as Member;
    const receipt = member.transport.send(probe);
    if (receipt.kind !== "sent") return receipt;
    this.#current = index;
    this.#fullSinceNs = Number.POSITIVE_INFINITY;
    const { stampKey } = receipt;
    if (stampKey === null) return receipt;
    member.sentSinceStamp += 1;
    member.lastKey = stampKey;
    return member.keyBase === 0 ? receipt : { ...receipt, stampKey: member.keyBase + stampKey };
  }

  /** Whether the sockets, which are full, wait for neighbours rather than for a device. */
  #isStuck(length: number): boolean {
    const nowNs = this.#libc.monotonicNs();
    this.#fullSinceNs = Math.min(this.#fullSinceNs, nowNs);
    if (nowNs - Math.max(this.#fullSinceNs, this.#departedNs) >= STUCK_NS) return true;
    const { transport, sentSinceStamp } = this.#members.at(-1) as Member;
    return sentSinceStamp * mostMemory(length) * 2 < transport.sendMemory.used;
  }

  /** Opens another socket, unless there are enough. */
  #openFurther(isHeld: boolean): boolean {
    const limit = isHeld ? MAX_SOCKETS_FOR_HELD : MAX_SOCKETS;
    if (!this.#isShared || this.#members.length >= limit) return false;
    const nowNs = this.#libc.monotonicNs();
    if (nowNs - this.#openingFailedNs < RETRY_OPENING_NS) return false;
    let transport: IcmpTransport;
    for (const member of this.#members) member.transport.setShareable(true);
    try {
      transport = this.#first.openAnother();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // No more descriptors, say: those there are must do.
      this.#openingFailedNs = nowNs;
      return false;
    } finally {
      for (const member of this.#members) member.transport.setShareable(false);
    }
    this.#opened += 1;
    const keyBase = this.#opened * UINT32;
    const member: Member = { transport, keyBase, sentSinceStamp: 0, lastKey: 0 };
    if (this.#owner !== undefined) this.#attach(member, this.#owner);
    transport.setTold(this.#isTold && !this.privileged);
    transport.setActive(this.#isActive);
    this.#members.push(member);
    return true;
  }

  /** Closes further sockets that hold no packets. */
  #closeFurther(): void {
    for (const member of this.#further) {
      const { transport } = member;
      if (transport.sendMemory.used > 0) continue;
      // Late answers, on datagram sockets.
      if (!this.privileged) transport.drain();
      this.#malformed += transport.malformed;
      this.#drops += transport.drops;
      transport.close();
      this.#members.splice(this.#members.indexOf(member), 1);
      this.#current = 0;
    }
  }
}

const NONE: readonly Member[] = [];

/**
 * Kernel memory that a packet with so much data takes, at most: the structures and the next power
 * of two.
 */
function mostMemory(length: number): number {
  return 2 * (length + 400) + 256;
}
