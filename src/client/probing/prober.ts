import { SystemError } from "../../errors.ts";
import type { ClientCounters } from "../results/counters.ts";
import type { EchoRequest, EchoResult } from "../results/results.ts";
import { type Clock, type Instant, readInstant } from "../time/clock.ts";
import { Alarm, Deadlines } from "../time/deadlines.ts";
import { ReadProgress } from "../transport/read-progress.ts";
import type {
  Arrival,
  EchoArrival,
  ErrorArrival,
  Transport,
  TransportOwner,
} from "../transport/transport.ts";
import { DepartureStamps } from "./departure-stamps.ts";
import {
  answerResult,
  ORDINARY,
  sendErrorResult,
  sentRequest,
  timeoutResult,
  unsentRequest,
} from "./echo-result.ts";
import { Flights } from "./flights.ts";
import { inOrderOfArrival, keepArrival } from "./kept-bytes.ts";
import { type Match, Matcher } from "./matcher.ts";
import { Outbox } from "./outbox.ts";
import { Probe, ProbeStream, type StreamOptions, type StreamOwner } from "./probe-stream.ts";
import { Attention } from "./read-schedule.ts";
import { type Attempt, droppedError, noRoomError, SendQueue } from "./send-queue.ts";
import { departedAtNs, isInTime, type Timing, timeArrival } from "./timing.ts";

// The most probes that leave before what has arrived is read; each whole KiB of data counts as one
// more. Their answers and stamps take 0.75 KiB or more each of the receive queue, which without
// privilege is 416 KiB by default.
const READ_EVERY = 64;
const KIB_SHIFT = 10;

/** What came for a probe. */
interface Answer {
  readonly match: Match;
  readonly arrival: EchoArrival | ErrorArrival;
  /** How many answers were only counted before it came. */
  readonly moreDuplicates: number;
}

/**
 * Sends the probes of one transport and tells what became of them.
 *
 * 1. Each probe has a sequence number that no other undecided probe has ({@link Flights}). While all 65,536 fly, further ones
 *    queue.
 * 2. While the kernel has no room, probes queue and are tried again after 1 to 16 ms: those of a
 *    stream in order, and streams in turn, so that what the kernel holds back for one target holds up
 *    no other. A probe that waited for its whole timeout fails.
 * 3. What arrives belongs to the probe that {@link Matcher} finds for it.
 * 4. Before a probe times out, everything that has arrived is read. What took no longer than the timeout is
 *    in time, whenever it is read, and the time that this host held the probe back does not count. If the receive queue overflowed while the probe flew, its timeout says so.
 * 5. The first verified answer in time decides a probe. The first answer to an expired probe is
 *    late, any other a duplicate. At most 16 duplicates of a probe become results (1,024 where many
 *    hosts answer it); the next result tells how many others came. An unverified error is provisional:
 *    it becomes the result at the timeout, if nothing verified has come by then, or once a NAT is
 *    proven that makes such errors. A probe keeps one at most, and only while it flies.
 * 6. Results are handed out only after all that has arrived is read, never from within `send`.
 * 7. A socket that cannot be read any more is closed, and every open stream hears why.
 */
export class Prober implements TransportOwner, StreamOwner {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #flights: Flights;
  readonly #matcher: Matcher;
  readonly #stamps = new DepartureStamps();
  readonly #deadlines = new Deadlines<Probe>();
  readonly #alarm: Alarm;
  readonly #queue: SendQueue<ProbeStream, Probe>;
  /** In which round of the queue there was no room for any stream, and for any whose last probe is held. */
  #fullIn = -1;
  #fullForHeldIn = -1;
  readonly #attention: Attention;
  readonly #outbox = new Outbox();
  /** Arrivals that the rest of a read must be compared with before they are taken. */
  #waiting: Answer[] = [];
  #isFlushScheduled = false;
  /** Probes sent since the last read, with those that their data count as. */
  #sentUnread = 0;
  /** The moment of the read that is going on. */
  #readAt: Instant | undefined;
  #drops = 0;
  /** When (monotonic) a read found that the receive queue had overflowed since the read before. */
  #overflowAtNs: number = Number.NEGATIVE_INFINITY;
  readonly #progress = new ReadProgress();
  /** Until when (monotonic) all that arrived has been read. */
  #readUntilNs: number = Number.NEGATIVE_INFINITY;
  /** Whether the last read left something. */
  #isFlooded = false;
  #nextNumber = 0;
  #isClosed = false;

  constructor(transport: Transport, clock: Clock, firstSequence: number) {
    this.#transport = transport;
    this.#clock = clock;
    this.#flights = new Flights(firstSequence);
    this.#matcher = new Matcher(transport, this.#flights);
    this.#alarm = new Alarm(clock, () => this.#onDeadline());
    // A probe that was forgotten while it waited is no longer queued.
    this.#queue = new SendQueue(clock, (probe) =>
      probe.state === "queued" ? this.#transmit(probe) : "done",
    );
    this.#attention = new Attention(clock, transport, () => this.onReady());
    transport.attach(this);
  }

  get transport(): Transport {
    return this.#transport;
  }

  get counters(): ClientCounters {
    const { malformed, drops } = this.#transport;
    return { ...this.#matcher.counters, malformed, receiveDrops: drops };
  }

  /** Why the socket could not be read any more; undefined while it can. */
  get failure(): SystemError | undefined {
    return this.#outbox.failure;
  }

  openStream(options: StreamOptions): ProbeStream {
    const stream = new ProbeStream(this, options);
    this.#outbox.open(stream);
    if (!this.#isClosed) this.#attention.open(options.patienceNs ?? 0);
    return stream;
  }

  /** Closes the socket. Nothing is heard of any probe after this. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#attention.end();
    this.#alarm.cancel();
    this.#flights.clear();
    this.#stamps.beginAnew();
    this.#deadlines.clear();
    this.#queue.clear();
    this.#outbox.clear();
    this.#waiting = [];
    this.#transport.close();
  }

  // For streams: sending and forgetting.

  /** Sends a probe now, or as soon as there is room. */
  enqueue(stream: ProbeStream, ttl: number, index: number): void {
    if (this.#isClosed) return;
    const probe = new Probe(stream, { index, ttl, number: this.#nextNumber });
    this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    stream.add(probe);
    if (!this.#queue.has(stream) && this.#transmit(probe) === "done") return;
    probe.queuedAtNs = this.#clock.monotonicNs();
    this.#queue.push(stream, probe);
  }

  /** Wants to hear nothing more of a probe. */
  forget(probe: Probe): void {
    if (this.#isClosed || probe.state === "queued") probe.stream.remove(probe);
    else {
      const wasFlying = probe.state === "flying";
      const wasFull = this.#flights.isFull;
      this.#flights.forget(probe);
      if (wasFlying) this.#onLanded(probe, wasFull);
    }
  }

  /** Waiting for room does not count while the stream is paused. */
  onPaused(stream: ProbeStream): void {
    const nowNs = this.#clock.monotonicNs();
    if (stream.isPaused) stream.pausedAtNs = nowNs;
    else if (!this.#isClosed && this.#queue.has(stream)) {
      stream.excuseWait(nowNs - stream.pausedAtNs);
      this.#scheduleFlush();
    }
  }

  onClosed(stream: ProbeStream): void {
    this.#outbox.close(stream);
    if (this.#isClosed) return;
    this.#attention.close(stream.options.patienceNs ?? 0);
    // So that the queue drops what waited.
    if (stream.isPaused) this.#scheduleFlush();
  }

  // From the transport.

  onReady(): boolean {
    this.#read();
    this.#outbox.flush();
    return this.#isFlooded;
  }

  onArrival(arrival: Arrival): void {
    if (arrival.kind === "stamp") {
      this.#stamps.take(arrival);
      return;
    }
    const match = this.#matcher.match(arrival);
    // Anybody may send any number of packets, so what becomes no result does not wait, either.
    if (match === undefined || !this.#isWanted(match)) return;
    const { probe, isVerified } = match;
    const moreDuplicates = isVerified ? probe.stream.takeMoreDuplicates(probe.ttl) : 0;
    if (this.#mustWait(arrival, probe)) {
      this.#waiting.push({ match, arrival: keepArrival(arrival), moreDuplicates });
      // What a send turned up waits for a read, too.
      if (this.#readAt === undefined) this.#scheduleFlush();
    } else {
      this.#take({ match, arrival, moreDuplicates });
    }
  }

  // Sending.

  #transmit(probe: Probe): Attempt {
    if (this.#isClosed) return "done";
    const { stream } = probe;
    if (stream.isPaused) return "blocked";
    const { isHeld } = stream;
    const { round } = this.#queue;
    if (this.#fullIn === round || (isHeld && this.#fullForHeldIn === round)) {
      return this.#hasGivenUp(probe, this.#clock.monotonicNs()) ? "done" : "blocked";
    }
    const sequence = this.#flights.nextSequence();
    if (sequence === undefined) return "blocked";
    const { route, payload, timeoutNs } = stream.options;
    probe.sequence = sequence;
    const data = payload.bytesOf(this.#matcher.identity(probe));
    const at = readInstant(this.#clock);
    let receipt: ReturnType<Transport["send"]>;
    try {
      receipt = this.#transport.send(route, probe.ttl, sequence, data, isHeld);
    } catch (error) {
      this.#break(error);
      return "done";
    }
    if (receipt.kind === "busy") {
      if (this.#hasGivenUp(probe, at.monotonicNs)) return "done";
      // The queue backs off, and then begins another round.
      this.#queue.backOff();
      if (receipt.isFull) {
        if (isHeld) this.#fullForHeldIn = round;
        else this.#fullIn = round;
      }
      return "refused";
    }
    if (this.#queue.isEmpty || Number.isFinite(probe.queuedAtNs)) this.#queue.hadRoom();
    if (receipt.kind === "failed") {
      // The transport counts anew.
      this.#stamps.beginAnew();
      this.#fail(probe, receipt.error);
      return "done";
    }
    if (receipt.countsAnew) this.#stamps.beginAnew();
    probe.mayBeRefused = receipt.mayBeRefused ?? false;
    probe.at = at;
    stream.lastSent = probe;
    // Not from `at`: this process may have been suspended for longer than the timeout before it came to send.
    probe.sentNs = this.#clock.monotonicNs();
    probe.deadlineNs = probe.sentNs + timeoutNs;
    const { family } = this.#transport;
    probe.request = sentRequest(probe, { message: receipt.message, family, clock: this.#clock });
    this.#flights.begin(probe, at.monotonicNs);
    if (receipt.stampKey !== null) this.#stamps.expect(probe, receipt.stampKey);
    if (this.#flights.size === 1) this.#attention.setActive(true);
    this.#deadlines.push(probe);
    this.#alarm.set(probe.deadlineNs);
    this.#sentUnread += 1 + (data.length >> KIB_SHIFT);
    const isDue = this.#sentUnread >= READ_EVERY || this.#attention.isDue(at.monotonicNs);
    if (isDue && !this.#isFlooded) {
      // Nobody else reads during a burst, and stamps and answers share the receive queue. During a
      // flood it would take the event loop's time, and leave the queue as full as it was.
      this.#read();
      if (!this.#outbox.isEmpty) this.#scheduleFlush();
    }
    return "done";
  }

  /** Whether a probe has waited for room for its whole timeout: then it fails. */
  #hasGivenUp(probe: Probe, nowNs: number): boolean {
    const { route, timeoutNs } = probe.stream.options;
    if (nowNs - probe.queuedAtNs < timeoutNs) return false;
    this.#fail(probe, noRoomError(route.destination));
    return true;
  }

  #fail(probe: Probe, error: SystemError): void {
    probe.stream.remove(probe);
    this.#postError(probe, error);
  }

  #postError(probe: Probe, error: SystemError): void {
    const { stream } = probe;
    this.#post(stream, sendErrorResult(stream.options.target, unsentRequest(probe), error));
  }

  // Receiving.

  /** Takes in what has arrived, as of one moment, and as far as there is time. */
  #read(): void {
    this.#isFlooded = false;
    if (this.#isClosed) return;
    this.#sentUnread = 0;
    const at = readInstant(this.#clock);
    this.#readAt = at;
    let untilNs: number;
    try {
      untilNs = this.#transport.drain();
      // The stamps that answers wait for were queued before those answers came.
      if (this.#waiting.length > 0) this.#transport.drainErrors();
    } catch (error) {
      this.#readAt = undefined;
      this.#break(error);
      return;
    }
    if (this.#waiting.length > 0) {
      const waiting = this.#waiting.sort((a, b) => inOrderOfArrival(a.arrival, b.arrival));
      this.#waiting = [];
      for (const answer of waiting) this.#take(answer);
    }
    const { drops } = this.#transport;
    if (drops !== this.#drops) {
      this.#drops = drops;
      this.#overflowAtNs = this.#readAt.monotonicNs;
    }
    this.#readAt = undefined;
    this.#isFlooded = untilNs !== Number.POSITIVE_INFINITY;
    this.#readUntilNs = this.#progress.note(untilNs, at);
    this.#attention.noteRead(at.monotonicNs, this.#isFlooded);
  }

  /** Closes a socket that cannot be read any more. What is known by then is still handed out. */
  #break(error: unknown): void {
    if (!(error instanceof SystemError)) throw error;
    this.#outbox.fail(error);
    this.close();
  }

  /**
   * Whether an arrival is taken only when all of this read are there. A datagram socket has its errors and its replies in
   * two queues, of which each is in order but not the two together. And the transmit stamp of the probe may have been
   * queued after the error queue was read in this round.
   */
  #mustWait(arrival: EchoArrival | ErrorArrival, probe: Probe): boolean {
    if (this.#waiting.length > 0) return true;
    if (arrival.kind === "error" && !this.#transport.privileged) return true;
    return probe.state === "flying" && this.#stamps.isAwaited(probe);
  }

  /** Whether a result may be made of an arrival. Else it is counted. */
  #isWanted({ probe, isVerified }: Match): boolean {
    if (isVerified) return probe.stream.keepsAnswer(probe);
    if (probe.state !== "flying" || probe.isDisputed) return false;
    probe.isDisputed = true;
    return true;
  }

  #take(answer: Answer): void {
    const { match, arrival } = answer;
    const { probe, checksum } = match;
    // Forgotten since a send turned it up.
    if (probe.state === "gone") return;
    if (match.isVerified) this.#answer(answer);
    else if (arrival.kind === "error") this.#hold(match, arrival);
    if (checksum?.isNew) {
      for (const each of probe.stream.proven()) this.#settle(each, "answered");
    }
  }

  /** Keeps the first unverified error of a probe that flies. */
  #hold({ probe, checksum }: Match, arrival: ErrorArrival): void {
    if (probe.state !== "flying") return;
    const timing = timeArrival(probe, arrival.stampNs, this.#instantAfter(arrival));
    if (!this.#isInTime(probe, timing)) return;
    const { stream } = probe;
    const reordered = stream.wasOvertaken(probe.index, timing.receivedAt.monotonicNs);
    const result = answerResult({
      target: stream.options.target,
      request: this.#requestOf(probe),
      family: this.#transport.family,
      ...{
        arrival,
        timing,
        verdict: { ...ORDINARY, reordered },
        unverified: true,
        clock: this.#clock,
      },
    });
    if (result.kind !== "icmpError") return;
    stream.hold(probe, { result, difference: checksum?.difference ?? null });
    if (stream.options.onProvisional !== undefined) this.#post(stream, result, true);
  }

  /** Makes a provisional result the final one: of a proven sender, or for want of a better one. */
  #settle(probe: Probe, state: "answered" | "expired"): void {
    const { stream, provisional } = probe;
    if (provisional === undefined) return;
    if (state === "answered") probe.answers += 1;
    this.#decide(probe, state);
    const moreDuplicates = stream.takeMoreDuplicates(probe.ttl);
    this.#post(stream, { ...provisional.result, unverified: state === "expired", moreDuplicates });
  }

  #answer({ match, arrival, moreDuplicates }: Answer): void {
    const { probe, isAltered: corrupt } = match;
    const { stream } = probe;
    const timing = timeArrival(probe, arrival.stampNs, this.#instantAfter(arrival));
    if (probe.state === "flying" && !this.#isInTime(probe, timing)) this.#expire(probe);
    const isFirst = probe.state === "flying";
    const request = this.#requestOf(probe);
    const verdict = {
      late: probe.state === "expired",
      duplicate: probe.state === "answered",
      reordered: isFirst && stream.wasOvertaken(probe.index, timing.receivedAt.monotonicNs),
      ...{ corrupt, moreDuplicates },
    };
    if (isFirst) {
      stream.noteAnswer(probe.index, timing.receivedAt.monotonicNs);
      this.#decide(probe, "answered");
    }
    probe.state = "answered";
    const { target } = stream.options;
    const { family } = this.#transport;
    this.#post(
      stream,
      answerResult({
        ...{ target, request, family, arrival, timing, verdict, unverified: false },
        clock: this.#clock,
      }),
    );
  }

  /** The moment at which an arrival is read: that of the round, unless it came in while the round was going on. */
  #instantAfter({ stampNs }: EchoArrival | ErrorArrival): Instant {
    if (this.#readAt === undefined) return readInstant(this.#clock);
    if (stampNs !== null && stampNs > this.#readAt.realtimeNs)
      this.#readAt = readInstant(this.#clock);
    return this.#readAt;
  }

  // Deadlines and memory.

  #onDeadline(): void {
    this.#read();
    for (;;) {
      const due = this.#deadlines.takeDue(this.#readUntilNs);
      if (due === undefined) break;
      if (!this.#postpone(due, this.#readUntilNs)) this.#expire(due);
    }
    // During a flood, the others on the event loop have a turn before the next read.
    const next = this.#deadlines.next();
    if (next !== undefined) this.#alarm.set(next.deadlineNs);
    this.#outbox.flush();
  }

  #isInTime(probe: Probe, timing: Timing): boolean {
    const { timeoutNs } = probe.stream.options;
    const { at, stampNs, sentNs } = probe;
    return isInTime(timing, { at, stampNs, timeoutNs, sentNs });
  }

  /** A probe that this host held back has its time from when it left: whether it has some left. */
  #postpone(probe: Probe, nowNs: number): boolean {
    const leftNs = departedAtNs(probe, readInstant(this.#clock));
    if (leftNs === undefined) return false;
    const deadlineNs = leftNs + probe.stream.options.timeoutNs;
    if (deadlineNs <= nowNs || deadlineNs <= probe.deadlineNs) return false;
    probe.deadlineNs = deadlineNs;
    this.#deadlines.push(probe);
    return true;
  }

  #expire(probe: Probe): void {
    if (probe.provisional !== undefined) {
      this.#settle(probe, "expired");
      return;
    }
    if (probe.isRefused) {
      this.#decide(probe, "expired");
      this.#postError(probe, droppedError(probe.stream.options.route.destination));
      return;
    }
    const request = this.#requestOf(probe);
    this.#decide(probe, "expired");
    const receiveOverflow = probe.at.monotonicNs <= this.#overflowAtNs;
    // Stamps that found no room tell as little of a departure as replies that found none tell of an arrival.
    const isTold = this.#stamps.isAwaited(probe) && probe.stream.isStamped && !receiveOverflow;
    const departed = probe.stampNs !== null || (isTold ? false : null);
    const { stream } = probe;
    const moreDuplicates = stream.takeMoreDuplicates(probe.ttl);
    const { wrongData } = probe;
    const circumstances = { receiveOverflow, departed, moreDuplicates, wrongData };
    this.#post(stream, timeoutResult(stream.options.target, request, circumstances));
  }

  /** What was sent. That of a remembered probe is made again: keeping them would take half a kilobyte each. */
  #requestOf(probe: Probe): EchoRequest {
    if (probe.request !== undefined) return probe.request;
    const data = probe.stream.options.payload.expectedOf(this.#matcher.identity(probe));
    const message = this.#transport.encode(probe.sequence, data);
    return sentRequest(probe, { message, family: this.#transport.family, clock: this.#clock });
  }

  #decide(probe: Probe, state: "answered" | "expired"): void {
    const wasFull = this.#flights.isFull;
    this.#flights.decide(probe, state, this.#readAt?.monotonicNs ?? this.#clock.monotonicNs());
    probe.request = undefined;
    this.#onLanded(probe, wasFull);
  }

  /** A probe does not fly any more. */
  #onLanded(probe: Probe, wasFull: boolean): void {
    this.#stamps.forget(probe);
    if (this.#flights.size === 0) {
      this.#attention.setActive(false);
      this.#deadlines.clear();
      // Nothing is in flight: nothing may keep the process alive.
      this.#alarm.cancel();
    }
    if (wasFull && !this.#queue.isEmpty) this.#scheduleFlush();
  }

  // Handing out results.

  #post(stream: ProbeStream, result: EchoResult, isProvisional = false): void {
    this.#outbox.post({ stream, result, isProvisional });
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
      this.#outbox.flush();
    });
  }
}
