import { constants } from "node:os";
import { SystemError } from "../errors.ts";
import { Icmpv4Type, Icmpv6Type } from "../packet/icmp-types.ts";
import { Attention } from "./attention.ts";
import { type Clock, type Instant, readInstant } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import { answerResult, sendErrorResult, sentRequest, timeoutResult, unsentRequest } from "./echo-result.ts";
import type { EchoIdentity, PayloadMatch } from "./payload.ts";
import { ProbeMemory } from "./probe-memory.ts";
import { Probe, ProbeStream, type StreamOptions, type StreamOwner } from "./probe-stream.ts";
import type { EchoRequest, EchoResult } from "./results.ts";
import { answersFor, isSameHost } from "./same-host.ts";
import { SendQueue } from "./send-queue.ts";
import { timeArrival } from "./timing.ts";
import { keepArrival } from "./transport/keep-arrival.ts";
import type {
  Arrival,
  EchoArrival,
  ErrorArrival,
  StampArrival,
  Transport,
  TransportOwner,
} from "./transport/transport.ts";

const SEQUENCES = 0x1_0000;

/**
 * So many probes leave at most before what has arrived is read, and fewer of those with more data: each whole KiB counts as one
 * more. Their answers and stamps must fit the receive queue, which without privilege is 416 KiB by default, and each takes
 * 0.75 KiB of it or more.
 */
const READ_EVERY = 64;
const KIB_SHIFT = 10;

/** Reads before a timeout is declared, at most: more than any receive queue holds, and not for ever under a flood. */
const READS_BEFORE_TIMEOUT = 64;

/** What arrived for nobody, or decided nothing. */
export interface ProberCounters {
  /** Answers that are not for this client, or are forged. */
  readonly foreign: number;
  /** Replies with a wrong ICMP checksum. */
  readonly corrupt: number;
  /** Redirects that quote a probe of ours: advice to the routing table. */
  readonly redirects: number;
}

/**
 * Who is in flight: identity, matching and deadlines of the probes of one transport.
 *
 * 1. Each probe has a sequence number that no other undecided probe has. While all 65,536 fly, further ones queue.
 * 2. While the kernel has no room, probes queue in order and are tried again after 1 to 16 ms; one that waited for its
 *    whole timeout fails.
 * 3. An echo reply belongs to a probe if identifier and sequence agree, and the cookie does. Without a cookie it must
 *    come from the target (or the target is a group, whose members answer for themselves).
 * 4. An ICMP error belongs to a probe if it quotes its identifier, sequence and destination, and as much of the cookie
 *    as it quotes agrees. A redirect decides nothing.
 * 5. Before a probe times out, everything that has arrived is read; what the kernel received before the deadline is in
 *    time, whenever it is read. If the receive queue overflowed while the probe flew, its timeout says so.
 * 6. The first answer in time decides a probe. The first answer to an expired probe is late, any other a duplicate.
 * 7. Results are handed out only after all that has arrived is read, never from within `send`.
 */
export class Prober implements TransportOwner, StreamOwner {
  readonly #transport: Transport;
  readonly #clock: Clock;
  /** Undecided probes by sequence number. */
  readonly #flying = new Map<number, Probe>();
  readonly #remembered = new ProbeMemory();
  /** Flying probes whose transmit stamp has not come, by its key. */
  readonly #unstamped = new Map<number, Probe>();
  readonly #deadlines = new Deadlines<Probe>();
  readonly #queue: SendQueue<Probe>;
  readonly #attention: Attention;
  #outbox: { readonly stream: ProbeStream; readonly result: EchoResult }[] = [];
  /** Arrivals that the rest of a read must be compared with before they are taken. */
  #waiting: (EchoArrival | ErrorArrival)[] = [];
  #isFlushScheduled = false;
  /** Probes sent since the last read, with those that their data count as. */
  #sentUnread = 0;
  /** The moment of the read that is going on. */
  #readAt: Instant | undefined;
  #deadlineTimer: { readonly atNs: number; readonly cancel: () => void } | undefined;
  #drops = 0;
  /** When (monotonic) a read found that the receive queue had overflowed since the read before. */
  #overflowAtNs: number = Number.NEGATIVE_INFINITY;
  #nextSequence: number;
  #nextNumber = 0;
  #foreign = 0;
  #corrupt = 0;
  #redirects = 0;
  #isClosed = false;

  constructor(transport: Transport, clock: Clock, firstSequence: number) {
    this.#transport = transport;
    this.#clock = clock;
    this.#nextSequence = firstSequence % SEQUENCES;
    // A probe that was forgotten while it waited is no longer queued.
    this.#queue = new SendQueue(clock, (probe) => probe.state !== "queued" || this.#transmit(probe));
    this.#attention = new Attention(clock, transport, () => this.onReady());
    transport.attach(this);
  }

  get transport(): Transport {
    return this.#transport;
  }

  get counters(): ProberCounters {
    return { foreign: this.#foreign, corrupt: this.#corrupt, redirects: this.#redirects };
  }

  openStream(options: StreamOptions): ProbeStream {
    if (!this.#isClosed) this.#attention.open(options.patienceNs ?? 0);
    return new ProbeStream(this, options);
  }

  /** Closes the socket. Nothing is heard of any probe after this. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#attention.end();
    this.#deadlineTimer?.cancel();
    this.#flying.clear();
    this.#remembered.clear();
    this.#unstamped.clear();
    this.#deadlines.clear();
    this.#queue.clear();
    this.#outbox = [];
    this.#waiting = [];
    this.#transport.close();
  }

  // For streams: sending and forgetting.

  /** Sends a probe now, or as soon as there is room. */
  enqueue(stream: ProbeStream, ttl: number, index: number): void {
    if (this.#isClosed) return;
    const probe = new Probe(stream, {
      index,
      ttl,
      number: this.#nextNumber,
      nowNs: this.#clock.monotonicNs(),
    });
    this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    stream.undecided.add(probe);
    if (!this.#queue.isEmpty || !this.#transmit(probe)) this.#queue.push(probe);
  }

  /** Wants to hear nothing more of an undecided probe. */
  forget(probe: Probe): void {
    probe.stream.undecided.delete(probe);
    if (probe.state === "flying") this.#land(probe, "gone");
    probe.state = "gone";
  }

  /** Wants to hear nothing more of the decided probes of this stream. */
  onClosed(stream: ProbeStream): void {
    this.#remembered.forgetStream(stream);
    if (!this.#isClosed) this.#attention.close(stream.options.patienceNs ?? 0);
  }

  // From the transport.

  onReady(): void {
    this.#read();
    this.#flush();
  }

  onArrival(arrival: Arrival): void {
    if (arrival.kind === "stamp") {
      this.#onStamp(arrival);
    } else if (this.#mustWait(arrival)) {
      this.#waiting.push(keepArrival(arrival));
      // What a send turned up waits for a read, too.
      if (this.#readAt === undefined) this.#scheduleFlush();
    } else {
      this.#take(arrival);
    }
  }

  // Sending.

  /** Returns false if the probe must wait for its turn. */
  #transmit(probe: Probe): boolean {
    const sequence = this.#freeSequence();
    if (sequence === undefined) return false;
    const { route, payload, timeoutNs } = probe.stream.options;
    probe.sequence = sequence;
    const data = payload.bytesOf(this.#identity(probe));
    const at = readInstant(this.#clock);
    const receipt = this.#transport.send(route, probe.ttl, sequence, data);
    if (receipt.kind === "busy") {
      const hasWaited = at.monotonicNs - probe.queuedAtNs >= timeoutNs;
      if (hasWaited) this.#fail(probe, noRoomError(route.destination));
      else this.#queue.backOff();
      return hasWaited;
    }
    this.#queue.hadRoom();
    if (receipt.kind === "failed") {
      // The transport counts anew: stamps of those in flight that have not come can no longer be told from new ones.
      for (const unstamped of this.#unstamped.values()) unstamped.stampKey = null;
      this.#unstamped.clear();
      this.#fail(probe, receipt.error);
      return true;
    }
    this.#nextSequence = (sequence + 1) % SEQUENCES;
    this.#remembered.forgetOld(at.monotonicNs);
    this.#remembered.forget(sequence);
    probe.state = "flying";
    probe.at = at;
    // Not from `at`: this process may have been suspended for longer than the timeout before it came to send.
    probe.deadlineNs = this.#clock.monotonicNs() + timeoutNs;
    probe.stampKey = receipt.stampKey;
    const { family } = this.#transport;
    probe.request = sentRequest(probe, { message: receipt.message, family, clock: this.#clock });
    this.#flying.set(sequence, probe);
    if (receipt.stampKey !== null) this.#unstamped.set(receipt.stampKey, probe);
    if (this.#flying.size === 1) this.#attention.setActive(true);
    this.#deadlines.push(probe);
    this.#watchDeadline(probe.deadlineNs);
    this.#sentUnread += 1 + (data.length >> KIB_SHIFT);
    if (this.#sentUnread >= READ_EVERY || this.#attention.isDue(at.monotonicNs)) this.#readWhileSending();
    return true;
  }

  /** Nobody reads while a burst is being sent, and stamps and answers share the room of the receive queue. */
  #readWhileSending(): void {
    this.#read();
    if (this.#outbox.length > 0) this.#scheduleFlush();
  }

  #identity({ number, sequence }: Probe): EchoIdentity {
    const { family, identifier } = this.#transport;
    const type = family === 4 ? Icmpv4Type.EchoRequest : Icmpv6Type.EchoRequest;
    return { number, type, identifier, sequence };
  }

  #freeSequence(): number | undefined {
    if (this.#flying.size >= SEQUENCES) return undefined;
    let sequence = this.#nextSequence;
    while (this.#flying.has(sequence)) sequence = (sequence + 1) % SEQUENCES;
    return sequence;
  }

  #fail(probe: Probe, error: SystemError): void {
    probe.state = "gone";
    probe.stream.undecided.delete(probe);
    this.#post(probe.stream, sendErrorResult(probe.stream.options.target, unsentRequest(probe), error));
  }

  // Receiving.

  /** Takes in what has arrived, as of one moment. Returns whether there may be more than one read takes. */
  #read(): boolean {
    if (this.#isClosed) return false;
    this.#sentUnread = 0;
    this.#readAt = readInstant(this.#clock);
    this.#attention.noteRead(this.#readAt.monotonicNs);
    const mayBeMore = this.#transport.drain();
    if (this.#waiting.length > 0) {
      // The stamps that answers wait for were queued before those answers came.
      this.#transport.drainErrors();
      const arrivals = this.#waiting.sort(inOrderOfArrival);
      this.#waiting = [];
      for (const arrival of arrivals) this.#take(arrival);
    }
    const { drops } = this.#transport;
    if (drops !== this.#drops) {
      this.#drops = drops;
      this.#overflowAtNs = this.#readAt.monotonicNs;
    }
    this.#readAt = undefined;
    return mayBeMore;
  }

  /**
   * Whether an arrival is taken only when all of this read are there. A datagram socket has its errors and its replies in
   * two queues, of which each is in order but not the two together. And the transmit stamp of the probe may have been
   * queued after the error queue was read in this round.
   */
  #mustWait(arrival: EchoArrival | ErrorArrival): boolean {
    if (this.#waiting.length > 0) return true;
    if (arrival.kind === "error")
      return !this.#transport.privileged || this.#isUnstamped(arrival.quote.sequence);
    return this.#isUnstamped(arrival.icmp.sequence);
  }

  #isUnstamped(sequence: number | null): boolean {
    const probe = sequence === null ? undefined : this.#flying.get(sequence);
    return probe !== undefined && probe.stampKey !== null && this.#unstamped.get(probe.stampKey) === probe;
  }

  #take(arrival: EchoArrival | ErrorArrival): void {
    if (arrival.kind === "echo") this.#onEcho(arrival);
    else this.#onError(arrival);
  }

  #onStamp({ key, stampNs }: StampArrival): void {
    const probe = this.#unstamped.get(key);
    // A stamp from before the send is another packet's: keys are counted anew after a failure, and may be lost.
    if (probe === undefined || stampNs < probe.at.realtimeNs) return;
    this.#unstamped.delete(key);
    probe.stampNs = stampNs;
    probe.stream.isStamped = true;
  }

  #onEcho(arrival: EchoArrival): void {
    const { icmp } = arrival;
    const probe = this.#probeOf(icmp.identifier, icmp.sequence);
    const options = probe?.stream.options;
    if (probe === undefined || options === undefined) {
      this.#foreign += 1;
      return;
    }
    const isFromTarget = answersFor(arrival.from, options.route.destination);
    if (!arrival.checksumValid) {
      // Any bit may be wrong, those of its identity included: it decides nothing.
      this.#corrupt += 1;
      if (isFromTarget) options.onCorrupt();
      return;
    }
    const match = this.#match(probe, icmp.data, false);
    if (match === "foreign" || !(isFromTarget || options.payload.hasCookie)) {
      this.#foreign += 1;
      return;
    }
    this.#answer(probe, arrival, match === "altered");
  }

  #onError(arrival: ErrorArrival): void {
    const { quote } = arrival;
    const probe = this.#probeOf(quote.identifier, quote.sequence);
    if (
      probe === undefined ||
      !isSameHost(quote.destination, probe.stream.options.route.destination) ||
      this.#match(probe, quote.data, true) === "foreign"
    ) {
      this.#foreign += 1;
    } else if (arrival.isRedirect) {
      this.#redirects += 1;
    } else {
      this.#answer(probe, arrival, false);
    }
  }

  #probeOf(identifier: number | null, sequence: number | null): Probe | undefined {
    if (identifier !== this.#transport.identifier || sequence === null) return undefined;
    return this.#flying.get(sequence) ?? this.#remembered.get(sequence);
  }

  #match(probe: Probe, data: Uint8Array, quoted: boolean): PayloadMatch {
    return probe.stream.options.payload.match(data, this.#identity(probe), quoted);
  }

  #answer(probe: Probe, arrival: EchoArrival | ErrorArrival, corrupt: boolean): void {
    if (probe.state === "gone") return;
    const { stream } = probe;
    const timing = timeArrival(probe, arrival.stampNs, this.#instantAfter(arrival));
    if (probe.state === "flying" && timing.receivedAt.monotonicNs > probe.deadlineNs) this.#expire(probe);
    const isFirst = probe.state === "flying";
    const request = this.#requestOf(probe);
    const verdict = {
      late: probe.state === "expired",
      duplicate: probe.state === "answered",
      reordered: isFirst && stream.wasOvertaken(probe.index, timing.receivedAt.monotonicNs),
      corrupt,
    };
    if (isFirst) {
      stream.noteAnswer(probe.index, timing.receivedAt.monotonicNs);
      this.#land(probe, "answered");
    }
    probe.state = "answered";
    const { target } = stream.options;
    const { family } = this.#transport;
    this.#post(
      stream,
      answerResult({ target, request, family, arrival, timing, verdict, clock: this.#clock }),
    );
  }

  /** The moment at which an arrival is read: that of the round, unless it came in while the round was going on. */
  #instantAfter({ stampNs }: EchoArrival | ErrorArrival): Instant {
    if (this.#readAt === undefined) return readInstant(this.#clock);
    if (stampNs !== null && stampNs > this.#readAt.realtimeNs) this.#readAt = readInstant(this.#clock);
    return this.#readAt;
  }

  // Deadlines and memory.

  #watchDeadline(atNs: number): void {
    if (this.#deadlineTimer !== undefined && this.#deadlineTimer.atNs <= atNs) return;
    this.#deadlineTimer?.cancel();
    const delayNs = Math.max(0, atNs - this.#clock.monotonicNs());
    this.#deadlineTimer = { atNs, cancel: this.#clock.schedule(delayNs, () => this.#onDeadline()) };
  }

  #onDeadline(): void {
    this.#deadlineTimer = undefined;
    const nowNs = this.#clock.monotonicNs();
    for (let reads = 1; this.#read() && reads < READS_BEFORE_TIMEOUT; ) reads += 1;
    for (;;) {
      const due = this.#deadlines.takeDue(nowNs);
      if (due === undefined) break;
      this.#expire(due);
    }
    const next = this.#deadlines.next();
    if (next !== undefined) this.#watchDeadline(next.deadlineNs);
    this.#flush();
  }

  #expire(probe: Probe): void {
    const request = this.#requestOf(probe);
    this.#land(probe, "expired");
    const receiveOverflow = probe.at.monotonicNs <= this.#overflowAtNs;
    // Stamps that found no room tell as little of a departure as replies that found none tell of an arrival.
    const isTold = probe.stampKey !== null && probe.stream.isStamped && !receiveOverflow;
    const departed = probe.stampNs !== null || (isTold ? false : null);
    const { target } = probe.stream.options;
    this.#post(probe.stream, timeoutResult(target, request, { receiveOverflow, departed }));
  }

  /** What was sent. That of a remembered probe is made again: keeping them would take half a kilobyte each. */
  #requestOf(probe: Probe): EchoRequest {
    if (probe.request !== undefined) return probe.request;
    const data = probe.stream.options.payload.expectedOf(this.#identity(probe));
    const message = this.#transport.encode(probe.sequence, data);
    return sentRequest(probe, { message, family: this.#transport.family, clock: this.#clock });
  }

  /** Takes a probe out of the air. */
  #land(probe: Probe, state: "answered" | "expired" | "gone"): void {
    const wasFull = this.#flying.size === SEQUENCES;
    probe.state = state;
    probe.stream.undecided.delete(probe);
    this.#flying.delete(probe.sequence);
    if (probe.stampKey !== null && this.#unstamped.get(probe.stampKey) === probe) {
      this.#unstamped.delete(probe.stampKey);
    }
    if (state !== "gone") {
      probe.decidedAtNs = this.#clock.monotonicNs();
      probe.request = undefined;
      this.#remembered.add(probe);
    }
    if (this.#flying.size === 0) {
      this.#attention.setActive(false);
      this.#deadlines.clear();
      // Nothing is in flight: nothing may keep the process alive.
      this.#deadlineTimer?.cancel();
      this.#deadlineTimer = undefined;
    }
    if (wasFull && !this.#queue.isEmpty) this.#scheduleFlush();
  }

  // Handing out results.

  #post(stream: ProbeStream, result: EchoResult): void {
    this.#outbox.push({ stream, result });
    // Within a read the flush follows at its end.
    if (this.#readAt === undefined) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(() => {
      this.#isFlushScheduled = false;
      if (this.#waiting.length > 0) this.#read();
      this.#queue.sendWaiting();
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#outbox.length > 0) {
      const batch = this.#outbox;
      this.#outbox = [];
      for (const { stream, result } of batch) {
        if (!stream.closed) stream.options.onResult(result);
      }
    }
  }
}

/** The order in which the kernel received; what it did not stamp comes last. */
function inOrderOfArrival(a: EchoArrival | ErrorArrival, b: EchoArrival | ErrorArrival): number {
  if (a.stampNs === null || b.stampNs === null)
    return Number(a.stampNs === null) - Number(b.stampNs === null);
  return a.stampNs - b.stampNs;
}

function noRoomError(address: string): SystemError {
  return new SystemError(`Cannot send to ${address}: the kernel had no room for as long as the timeout`, {
    errno: constants.errno.ENOBUFS,
    code: "ENOBUFS",
    syscall: "sendmsg",
    address,
  });
}
