import type { SystemError } from "../../errors.ts";
import { type Family, formatAddress, isLinkLocal } from "../../packet/address.ts";
import { formatIpv4Number } from "../../packet/address-number.ts";
import { decidesProbe, errorLabel } from "../results/verdicts.ts";
import { type Clock, NS_PER_MS } from "../time/clock.ts";
import { ReadProgress } from "../transport/read-progress.ts";
import { noRoomError } from "../transport/send-failure.ts";
import {
  IDENTITY_LENGTH,
  type SweepProbe,
  type SweepReplyPacket,
} from "../transport/sweep-probe.ts";
import type { SweepListener, SweepWire } from "../transport/sweep-wire.ts";
import type { ErrorArrival } from "../transport/transport.ts";
import { ProbeIdentity } from "./identity.ts";
import { InFlight } from "./in-flight.ts";
import { microseconds, ReadClock, rttByTime } from "./read-clock.ts";
import { Ring } from "./ring.ts";
import { RoomQueue } from "./room-queue.ts";
import type { SweepHost } from "./sweep-results.ts";
import type { Tally } from "./tally.ts";

/** How many probes in a row may find no room before the others wait, too. */
const MAX_REFUSALS = 16;
/** How often to ask whether the kernel has dropped probes silently. */
const LOOK_NS = 10 * NS_PER_MS;
const NO_ROOM = "the table of neighbours or the queue of a device had no room, not even after 5 s";

/** Who gets the results of a lane. */
export interface LaneSink {
  /** Whether somebody wants hosts that answered, and all others. What nobody wants is not made. */
  readonly wantsReplies: boolean;
  readonly wantsOthers: boolean;
  emit(host: SweepHost): void;
}

/** How to construct a {@link Lane}. */
export interface LaneOptions {
  readonly family: Family;
  /** Opens the socket; whatever it throws the constructor throws. */
  openWire(listener: SweepListener): SweepWire;
  /** 8 random bytes that make cookies. */
  readonly key: Uint8Array;
  /** A random 16-bit number. */
  readonly firstSequence: number;
  /** How long each attempt waits for its answer; as many as there are attempts. */
  readonly timeoutsNs: readonly number[];
  readonly clock: Clock;
  readonly tally: Tally;
  /** The zone that is part of link-local addresses, if targets were given with it. */
  readonly zone: { readonly name: string | undefined };
  readonly sink: LaneSink;
}

/**
 * The targets of a sweep of one family: who is in flight, who is tried again, and whose answer it
 * is that came.
 *
 * 1. Targets are numbered in the order in which they are begun; {@link ProbeIdentity} makes probes
 *    of the numbers.
 * 2. The first answer to any attempt decides a target, a reply as well as an ICMP error that is no
 *    mere advice ({@link decidesProbe}) and proves that its sender saw the probe. An attempt that
 *    is not answered in time is followed by the next; the last one decides.
 * 3. A reply without our cookie decides nothing. A target that gives no better answer has answered
 *    with wrong data.
 * 4. A probe that this host has no room for waits ({@link RoomQueue}) and is not an attempt. Where
 *    the kernel drops probes silently, those that it may have dropped are sent once more when their
 *    time is over.
 * 5. What the kernel received in time is in time whenever it is read, so nothing expires before
 *    what arrived until then has been read.
 */
export class Lane implements SweepListener {
  readonly wire: SweepWire;
  readonly #options: LaneOptions;
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #sink: LaneSink;
  readonly #isIpv4: boolean;
  readonly #flight: InFlight;
  readonly #identity: ProbeIdentity;
  readonly #probe: SweepProbe;
  /** The number of each staged probe. */
  readonly #staged: Float64Array;
  /**
   * Targets whose first, second, third, ... attempt was sent, in the order of sending. Of the
   * first, that is the order of numbers, but for those that had to wait for room.
   */
  readonly #retried: readonly Ring<number>[];
  /** Targets that wait for another attempt to be sent. */
  readonly #toRetry: Ring<number> = new Ring<number>();
  /** Targets that wait for room. */
  readonly #noRoom = new RoomQueue();
  /**
   * On a silent socket: targets probed since the last look, and those whose probe may have been
   * dropped.
   */
  #unsure: number[] = [];
  readonly #doubtful = new Set<number>();
  #lookNs = Number.NEGATIVE_INFINITY;
  #refusals = 0;
  /** The names that addresses were resolved from, of undecided targets. */
  readonly #names = new Map<number, string>();
  /** No target before this one waits for an answer to its first attempt. */
  #firstUnexpired = 0;
  readonly #readClock: ReadClock;
  readonly #progress = new ReadProgress();
  /** Until when all that arrived has been read. */
  #readUntilNs = Number.NEGATIVE_INFINITY;
  #stageNs: number;
  #flushNs = 0;
  #wantsReplies = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#readClock = new ReadClock(options.clock);
    this.#tally = options.tally;
    this.#sink = options.sink;
    this.#isIpv4 = options.family === 4;
    this.#flight = new InFlight(options.family);
    this.#probe = {
      ipv4: 0,
      ipv6: new Int32Array(4),
      sequence: 0,
      low: 0,
      high: 0,
      number: 0,
      time: 0,
    };
    this.#stageNs = options.clock.monotonicNs();
    this.#retried = options.timeoutsNs.map(() => new Ring<number>());
    this.wire = options.openWire(this);
    const { key, firstSequence } = options;
    const { dataLength } = this.wire;
    this.#identity = new ProbeIdentity(this.#flight, { key, firstSequence, dataLength });
    this.#staged = new Float64Array(this.wire.capacity);
  }

  /** Targets that are not decided. */
  get undecided(): number {
    return this.#flight.undecided;
  }

  /** Whether a new target may be begun. */
  get hasRoom(): boolean {
    return this.wire.hasRoom && !this.#flight.isFull && !this.#noRoom.isFull;
  }

  /** Whether targets wait for another attempt. */
  get hasRetries(): boolean {
    return this.#toRetry.length > 0;
  }

  /** When a target that there was no room for may be tried again; Infinity when there is none. */
  get nextTryNs(): number {
    return this.#noRoom.nextNs;
  }

  /** What is staged from now on is sent at about `nowNs`. */
  prepare(nowNs: number): void {
    this.#stageNs = nowNs;
  }

  /** Stages the first probe to an IPv4 address. Needs room. */
  beginIpv4(address: number, name: string | null): void {
    const number = this.#flight.openIpv4(address);
    if (name !== null) this.#names.set(number, name);
    this.#tally.hosts += 1;
    this.#stage(number, 0);
  }

  /** Stages the first probe to an IPv6 address. Needs room. */
  beginIpv6(address: Int32Array, name: string | null): void {
    const number = this.#flight.openIpv6(address);
    if (name !== null) this.#names.set(number, name);
    this.#tally.hosts += 1;
    this.#stage(number, 0);
  }

  /** Stages at most `limit` probes that had no room and further attempts, and returns how many. */
  stageRetries(limit: number): number {
    let count = 0;
    const { wire } = this;
    while (count < Math.min(limit, MAX_REFUSALS) && wire.hasRoom) {
      const number = this.#noRoom.shift(this.#stageNs);
      if (number === undefined) break;
      if (this.#flight.isDecided(number)) continue;
      wire.beCareful();
      this.#stage(number, this.#flight.attempt(number));
      count += 1;
    }
    while (count < limit && wire.hasRoom) {
      const number = this.#toRetry.shift();
      if (number === undefined) break;
      if (this.#flight.isDecided(number)) continue;
      this.#stage(number, this.#flight.retry(number));
      count += 1;
    }
    return count;
  }

  /** Sends what is staged; false when the kernel has no room for the rest now. */
  flush(): boolean {
    const { wire } = this;
    this.#refusals = 0;
    while (wire.waiting > 0) {
      const from = wire.flushed;
      const { staged } = wire;
      this.#flushNs = this.#clock.monotonicNs();
      const step = wire.flush();
      this.#noteSent(from, step === "done" ? staged : wire.flushed);
      if (step === "busy") return false;
      const next = this.#staged[wire.flushed] as number;
      if (step === "refused") this.#refuse(next);
      else if (step === "noRoom") {
        wire.skip();
        this.#postpone(next);
        this.#refusals += 1;
        if (this.#refusals === MAX_REFUSALS) return wire.waiting === 0;
      }
    }
    return true;
  }

  /** How many probes the last flush found no room for. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Reads what has arrived by `nowNs`; whether some of it is left. */
  read(nowNs: number): boolean {
    const untilNs = this.wire.drain();
    const isMore = untilNs !== Number.POSITIVE_INFINITY;
    const realtimeNs = isMore ? this.#readClock.realtimeNs(nowNs) : 0;
    this.#readUntilNs = this.#progress.note(untilNs, { monotonicNs: nowNs, realtimeNs });
    return isMore;
  }

  /** Gives up on attempts that have had their time, as far as what arrived until then is read. */
  expire(): void {
    const nowNs = this.#readUntilNs;
    const flight = this.#flight;
    const [first = 0] = this.#options.timeoutsNs;
    for (; this.#firstUnexpired < flight.head; this.#firstUnexpired++) {
      const number = this.#firstUnexpired;
      if (flight.isDecided(number) || this.#noRoom.has(number)) continue;
      if (flight.sentNs(number) + first > nowNs) break;
      this.#expire(number);
    }
    for (const [attempt, queue] of this.#retried.entries()) {
      const timeoutNs = this.#options.timeoutsNs[attempt] as number;
      for (let number = queue.peek(); number !== undefined; number = queue.peek()) {
        if (!flight.isDecided(number)) {
          if (flight.sentNs(number) + timeoutNs > nowNs) break;
          this.#expire(number);
        }
        queue.shift();
      }
    }
  }

  /** When the next attempt has had its time; Infinity when none waits. */
  nextDeadlineNs(): number {
    const flight = this.#flight;
    const [first = 0] = this.#options.timeoutsNs;
    while (this.#firstUnexpired < flight.head && flight.isDecided(this.#firstUnexpired))
      this.#firstUnexpired += 1;
    let nextNs =
      this.#firstUnexpired < flight.head
        ? flight.sentNs(this.#firstUnexpired) + first
        : Number.POSITIVE_INFINITY;
    for (const [attempt, queue] of this.#retried.entries()) {
      let number = queue.peek();
      for (; number !== undefined && flight.isDecided(number); number = queue.peek()) queue.shift();
      if (number === undefined) continue;
      const timeoutNs = this.#options.timeoutsNs[attempt] as number;
      nextNs = Math.min(nextNs, flight.sentNs(number) + timeoutNs);
    }
    return nextNs;
  }

  onRead(): void {
    // Asked once a batch: for each reply it took 0.04 us.
    this.#wantsReplies = this.#sink.wantsReplies;
    this.#readClock.note();
  }

  onReply(reply: SweepReplyPacket): void {
    const number = reply.length < IDENTITY_LENGTH ? -1 : this.#flight.find(reply.number);
    if (number === -1 || !this.#identity.isOf(number, reply)) {
      this.#onUnknown(reply);
      return;
    }
    const attempt = this.#identity.attemptOf(number, reply.sequence);
    if (attempt === -1) {
      this.#tally.foreign += 1;
      return;
    }
    if (!reply.hasRightChecksum) {
      this.#tally.corrupt += 1;
      this.#tally.badChecksums += 1;
      return;
    }
    const receivedNs = this.#readClock.receivedNs(reply.stampNs);
    if (!this.#isDecisive(number, attempt, receivedNs)) return;

    const tally = this.#tally;
    const sentNs = this.#flight.sentNs(number);
    const rttNs =
      attempt === this.#flight.attempt(number)
        ? this.#sinceSent(sentNs, receivedNs)
        : rttByTime(reply.time, receivedNs);
    tally.answered += 1;
    tally.addRtt(rttNs);
    if (this.#isIpv4) tally.living4.add(this.#flight.ipv4(number));
    else tally.living6.add(this.#flight.ipv6(number));
    if (reply.isAltered) tally.corrupt += 1;
    if (this.#wantsReplies) {
      const addr = this.#text(number);
      this.#sink.emit({
        kind: "reply",
        addr,
        target: this.#names.get(number) ?? null,
        attempts: this.#attempts(number),
        error: null,
        from: this.#sourceText(number, addr, reply),
        rtt: rttNs / NS_PER_MS,
        ttl: reply.ttl === -1 ? null : reply.ttl,
        corrupt: reply.isAltered,
        truncated: reply.isCut,
      });
    }
    this.#decide(number);
  }

  onError(error: ErrorArrival): void {
    const { type, code } = error.icmp;
    const isOurs = error.quote.identifier === this.wire.identifier;
    const quoted = isOurs
      ? this.#identity.quoted(error, this.#options.timeoutsNs.length)
      : undefined;
    if (quoted === undefined) {
      this.#tally.foreign += 1;
      return;
    }
    if (!decidesProbe(this.#options.family, type, code)) {
      this.#tally.advice += 1;
      return;
    }
    if (!quoted.isVerified) {
      this.#tally.unverified += 1;
      return;
    }
    const { number, attempt } = quoted;
    const receivedNs = this.#readClock.receivedNs(error.stampNs ?? Number.NaN);
    if (!this.#isDecisive(number, attempt, receivedNs)) return;

    this.#tally.icmpErrors += 1;
    if (this.#sink.wantsOthers) {
      // An error that a flush met on the error queue may be of a probe that has just left in it.
      const sentNs = Math.min(this.#flight.sentNs(number), this.#flushNs);
      this.#sink.emit({
        kind: "icmpError",
        addr: this.#text(number),
        target: this.#names.get(number) ?? null,
        attempts: this.#attempts(number),
        error: errorLabel(this.#options.family, type, code),
        from: error.from,
        type,
        code,
        rtt: Math.max(0, receivedNs - sentNs) / NS_PER_MS,
        ttl: error.ttl,
      });
    }
    this.#decide(number);
  }

  /** Ends every undecided target, because the socket cannot be read any more, and closes it. */
  abandon(error: SystemError): void {
    const flight = this.#flight;
    for (let number = flight.oldest; number < flight.head; number++) {
      if (flight.isDecided(number)) continue;
      const hasLeft = Number.isFinite(flight.sentNs(number));
      this.#failSend(number, flight.attempt(number) + (hasLeft ? 1 : 0), () => error);
    }
    this.close();
  }

  close(): void {
    this.wire.close();
  }

  #stage(number: number, attempt: number): void {
    const probe = this.#probe;
    this.#identity.write(probe, number, attempt);
    probe.time = microseconds(this.#stageNs);
    this.#staged[this.wire.staged] = number;
    this.#flight.staged(number, this.wire.stage(probe));
  }

  // All of a batch left between two readings of the clock, one after the other.
  #noteSent(from: number, to: number): void {
    if (to === from) return;
    const isUnsure = this.wire.isSilent && !this.wire.isCareful;
    const stepNs = (this.#clock.monotonicNs() - this.#flushNs) / (to - from);
    for (let index = from; index < to; index++) {
      const number = this.#staged[index] as number;
      this.#flight.sent(number, Math.round(this.#flushNs + (index - from) * stepNs));
      const attempt = this.#flight.attempt(number);
      const hasWaited = this.#noRoom.has(number);
      if (attempt > 0 || hasWaited) this.#retried[attempt]?.push(number);
      if (hasWaited) this.#noRoom.noteSent();
      // Drops are anybody's: a host that has waited is not doubted once more.
      else if (isUnsure) this.#unsure.push(number);
    }
    this.#tally.sent += to - from;
    if (this.#unsure.length > 0 && this.#flushNs - this.#lookNs >= LOOK_NS) this.#look();
  }

  /** Asks whether the kernel may have dropped any of the probes sent since the last look. */
  #look(): void {
    this.#lookNs = this.#clock.monotonicNs();
    if (this.wire.hasDropped()) {
      for (const number of this.#unsure)
        if (!this.#flight.isDecided(number)) this.#doubtful.add(number);
    }
    this.#unsure = [];
  }

  /** This host had no room for the last probe of a target. */
  #postpone(number: number): void {
    if (this.#flight.isDecided(number)) return;
    if (this.#noRoom.push(number, this.#clock.monotonicNs())) return;
    this.#tally.noRoom += 1;
    const attempts = this.#flight.attempt(number);
    this.#failSend(number, attempts, (addr) => noRoomError(addr, NO_ROOM));
  }

  #refuse(number: number): void {
    this.wire.skip();
    if (this.#flight.isDecided(number)) return;
    // This attempt did not leave.
    const attempts = this.#flight.attempt(number);
    this.#failSend(number, attempts, (addr) => this.wire.refusal(addr));
  }

  #failSend(number: number, attempts: number, cause: (addr: string) => SystemError): void {
    this.#tally.sendErrors += 1;
    if (this.#sink.wantsOthers) {
      const addr = this.#text(number);
      const target = this.#names.get(number) ?? null;
      const { code, message } = cause(addr);
      this.#sink.emit({ kind: "sendError", addr, target, attempts, error: code, message });
    }
    this.#decide(number);
  }

  #expire(number: number): void {
    if (this.#unsure.length > 0) this.#look();
    if (this.#doubtful.size > 0 && this.#doubtful.delete(number)) {
      this.#postpone(number);
      return;
    }
    if (this.#flight.attempt(number) + 1 < this.#options.timeoutsNs.length) {
      this.#toRetry.push(number);
      return;
    }
    const wrongData = this.#flight.wrongData(number);
    if (wrongData === undefined) this.#tally.silent += 1;
    else this.#tally.wrongData += 1;
    if (this.#sink.wantsOthers) {
      const host = {
        addr: this.#text(number),
        target: this.#names.get(number) ?? null,
        attempts: this.#attempts(number),
      };
      this.#sink.emit(
        wrongData === undefined
          ? { kind: "timeout", ...host, error: "timeout" }
          : { kind: "wrongData", ...host, error: "wrong_data", wrongData },
      );
    }
    this.#decide(number);
  }

  #decide(number: number): void {
    this.#flight.decide(number);
    this.#noRoom.forget(number);
    if (this.#doubtful.size > 0) this.#doubtful.delete(number);
    if (this.#names.size > 0) this.#names.delete(number);
  }

  /** Whether an answer decides its target; counts it if it does not. */
  #isDecisive(number: number, attempt: number, receivedNs: number): boolean {
    const flight = this.#flight;
    const isFirst = flight.answer(number, attempt);
    const last = this.#options.timeoutsNs.length - 1;
    const sentNs = flight.sentNs(number);
    // Of an answer to the last attempt, the time is the RTT that is reported.
    const tookNs = attempt === last ? this.#sinceSent(sentNs, receivedNs) : receivedNs - sentNs;
    const isExpired =
      flight.attempt(number) === last && tookNs > (this.#options.timeoutsNs[last] as number);
    if (isFirst && !isExpired && !flight.isDecided(number)) return true;
    if (isFirst) this.#tally.late += 1;
    else this.#tally.duplicates += 1;
    return false;
  }

  /** A reply that is from no target of which there is a record, or does not prove it. */
  #onUnknown(reply: SweepReplyPacket): void {
    if (reply.length >= IDENTITY_LENGTH && this.#identity.isOurs(reply)) this.#onForgotten(reply);
    else if (reply.hasRightChecksum) this.#onWrongData(reply);
    else this.#tally.badChecksums += 1;
  }

  /** A host may send back less than it got, or zeros. */
  #onWrongData(reply: SweepReplyPacket): void {
    const number = this.#identity.senderOf(reply, this.#options.timeoutsNs.length);
    this.#tally.foreign += 1;
    if (number === -1) return;
    const truncated = this.#identity.isCut(number, reply);
    this.#flight.noteWrongData(number, { length: reply.length, truncated });
  }

  /** An answer to a target so long decided that there is no record of it. */
  #onForgotten(reply: SweepReplyPacket): void {
    const tally = this.#tally;
    const isLiving = this.#isIpv4 ? tally.living4.has(reply.ipv4) : tally.living6.has(reply.ipv6);
    if (isLiving) tally.duplicates += 1;
    else tally.late += 1;
  }

  /**
   * The time from sending to receiving. If an answer came before its probe was to have left, the
   * first messages of the batch took longer than the others: the probe left after the start of the
   * batch, which is all that is known.
   */
  #sinceSent(sentNs: number, receivedNs: number): number {
    return receivedNs > sentNs ? receivedNs - sentNs : Math.max(0, receivedNs - this.#flushNs);
  }

  #attempts(number: number): number {
    return this.#flight.attempt(number) + 1;
  }

  #text(number: number): string {
    return this.#isIpv4
      ? formatIpv4Number(this.#flight.ipv4(number) >>> 0)
      : this.#ipv6Text(this.#flight.ipv6(number));
  }

  #ipv6Text(words: Int32Array): string {
    const text = formatAddress(new Uint8Array(words.buffer, words.byteOffset, 16));
    const { name } = this.#options.zone;
    return name !== undefined && isLinkLocal(text) ? `${text}%${name}` : text;
  }

  #sourceText(number: number, addr: string, reply: SweepReplyPacket): string {
    if (!this.#isIpv4) return this.#ipv6Text(reply.ipv6);
    return reply.ipv4 === this.#flight.ipv4(number) ? addr : formatIpv4Number(reply.ipv4 >>> 0);
  }
}
