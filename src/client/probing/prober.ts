import { SystemError } from "../../errors.ts";
import type { ClientCounters } from "../results/counters.ts";
import type { EchoResult } from "../results/results.ts";
import { type Clock, readInstant } from "../time/clock.ts";
import { Alarm, Deadlines } from "../time/deadlines.ts";
import { ReadProgress } from "../transport/read-progress.ts";
import type { Reply } from "../transport/reply.ts";
import { noRoomError } from "../transport/send-failure.ts";
import type {
  ErrorArrival,
  SendReceipt,
  Transport,
  TransportOwner,
} from "../transport/transport.ts";
import { Answers } from "./answers.ts";
import { DepartureStamps } from "./departure-stamps.ts";
import { sendErrorResult, unsentRequest } from "./echo-result.ts";
import { Matcher } from "./matcher.ts";
import { Outbox } from "./outbox.ts";
import {
  type Flow,
  ProbeStream,
  type QueuedProbe,
  type StreamOptions,
  type StreamOwner,
} from "./probe-stream.ts";
import { Attention } from "./read-schedule.ts";
import { type Attempt, SendQueue } from "./send-queue.ts";
import { Phase, Slots } from "./slots.ts";
import { departedAtNs } from "./timing.ts";

// The most probes that leave before what has arrived is read; each whole KiB of a message counts as
// one more. Their answers and stamps take 0.75 KiB or more each of the receive queue, which without
// privilege is 416 KiB by default.
const READ_EVERY = 64;
const KIB_SHIFT = 10;

const NONE = -1;
const NO_ROOM_IN_TIME = "the kernel had no room for as long as the timeout";

/**
 * Sends the probes of one transport and tells what became of them.
 *
 * 1. Each probe has a sequence number that no other undecided probe has ({@link Slots}). While all
 *    65,536 fly, further ones queue.
 * 2. While the kernel has no room, probes queue and are tried again after 1 to 16 ms: those of a
 *    stream in order, and streams in turn, so that what the kernel holds back for one target holds
 *    up no other. A probe that waited for its whole timeout fails.
 * 3. What arrives belongs to the probe that {@link Matcher} finds for it.
 * 4. Before a probe times out, everything that has arrived is read. What took no longer than the
 *    timeout is in time, whenever it is read, and the time that this host held the probe back does
 *    not count. If the receive queue overflowed while the probe flew, its timeout says so.
 * 5. The first verified answer in time decides a probe. The first answer to an expired probe is
 *    late, any other a duplicate. At most 16 duplicates of a probe become results (1,024 where many
 *    hosts answer it); the next result tells how many others came. An unverified error is
 *    provisional: it becomes the result at the timeout, if nothing verified has come by then, or
 *    once a NAT is proven that makes such errors. A probe keeps one at most, and only while it
 *    flies.
 * 6. Results are handed out only after all that has arrived is read, never from within `send`.
 * 7. A socket that cannot be read any more is closed, and every open stream hears why.
 */
export class Prober implements TransportOwner, StreamOwner {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #matcher: Matcher;
  readonly #stamps: DepartureStamps;
  readonly #answers: Answers;
  readonly #deadlines: Deadlines;
  readonly #alarm: Alarm;
  readonly #queue: SendQueue<ProbeStream, QueuedProbe>;
  /**
   * In which round of the queue there was no room for any stream, and for any whose last probe is
   * held.
   */
  #fullIn = -1;
  #fullForHeldIn = -1;
  readonly #attention: Attention;
  readonly #outbox = new Outbox();
  #isFlushScheduled = false;
  /** Probes sent since the last read, with those that their data count as. */
  #sentUnread = 0;
  #drops = 0;
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
    const slots = new Slots(firstSequence);
    this.#slots = slots;
    this.#matcher = new Matcher(transport, slots);
    this.#stamps = new DepartureStamps(slots);
    this.#answers = new Answers({
      ...{ transport, clock, slots, matcher: this.#matcher, stamps: this.#stamps },
      decide: (slot, phase) => this.#decide(slot, phase),
      post: (stream, result, isProvisional) => this.#post(stream, result, isProvisional),
    });
    this.#deadlines = new Deadlines(
      (slot, deadlineNs) =>
        slots.phase[slot] === Phase.Flying && slots.deadlineNs[slot] === deadlineNs,
    );
    this.#alarm = new Alarm(clock, () => this.#onDeadline());
    // A probe that was dropped while it waited is no longer queued.
    this.#queue = new SendQueue(clock, (probe) =>
      probe.flow.stream.queued?.has(probe) ? this.#transmit(probe) : "done",
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
    this.#matcher.question ??= options.question;
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
    this.#slots.clear();
    this.#stamps.beginAnew();
    this.#deadlines.clear();
    this.#queue.clear();
    this.#outbox.clear();
    this.#answers.clear();
    this.#transport.close();
  }

  // For streams: sending and dropping.

  enqueue(probe: QueuedProbe): void {
    if (this.#isClosed) return;
    const { stream } = probe.flow;
    stream.undecided += 1;
    if (!this.#queue.has(stream) && this.#transmit(probe) === "done") return;
    probe.queuedAtNs = this.#clock.monotonicNs();
    stream.queued ??= new Set();
    stream.queued.add(probe);
    this.#queue.push(stream, probe);
  }

  dropBeyond(stream: ProbeStream, ttl: number): readonly number[] {
    if (this.#isClosed) return [];
    const slots = this.#slots;
    const dropped: number[] = [];
    for (let slot = stream.first; slot !== NONE; ) {
      const after = slots.after(slot);
      if ((slots.ttl[slot] as number) > ttl && slots.phase[slot] === Phase.Flying) {
        dropped.push(slots.index[slot] as number);
        this.#forget(slot);
      }
      slot = after;
    }
    for (const probe of stream.queued ?? []) {
      if (probe.ttl <= ttl) continue;
      dropped.push(probe.index);
      this.#leaveQueue(probe);
    }
    return dropped;
  }

  /** Waiting for room does not count while the stream is paused. */
  onPaused(stream: ProbeStream): void {
    const nowNs = this.#clock.monotonicNs();
    if (stream.isPaused) stream.pausedAtNs = nowNs;
    else if (!this.#isClosed && this.#queue.has(stream)) {
      for (const probe of stream.queued ?? []) probe.queuedAtNs += nowNs - stream.pausedAtNs;
      this.#scheduleFlush();
    }
  }

  onClosed(stream: ProbeStream): void {
    this.#outbox.close(stream);
    stream.queued = undefined;
    stream.undecided = 0;
    if (this.#isClosed) return;
    for (let slot = stream.first; slot !== NONE; slot = stream.first) this.#forget(slot);
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

  get awaitsStamps(): boolean {
    return this.#stamps.areAwaited;
  }

  awaitsStampOf(sequence: number): boolean {
    const slot = this.#slots.find(sequence);
    return (
      slot !== NONE && this.#slots.phase[slot] === Phase.Flying && this.#stamps.isAwaited(slot)
    );
  }

  onStamp(key: number, stampNs: number): void {
    const slot = this.#stamps.take(key, stampNs);
    const flow = slot === NONE ? undefined : this.#slots.flows[slot];
    if (flow !== undefined) flow.stream.isStamped = true;
  }

  onReply(reply: Reply): void {
    this.#answers.takeReply(reply);
  }

  onError(error: ErrorArrival): void {
    this.#answers.takeError(error);
    // What a send turned up waits for a read.
    if (this.#answers.areWaiting && this.#answers.readAt === undefined) this.#scheduleFlush();
  }

  // Sending.

  #transmit(probe: QueuedProbe): Attempt {
    if (this.#isClosed) return "done";
    const { flow, ttl } = probe;
    const { stream } = flow;
    if (stream.isPaused) return "blocked";
    const isHeld = this.#isHeld(stream);
    const { round } = this.#queue;
    if (this.#fullIn === round || (isHeld && this.#fullForHeldIn === round)) {
      return this.#hasGivenUp(probe, this.#clock.monotonicNs()) ? "done" : "blocked";
    }
    const slots = this.#slots;
    const sequence = slots.nextSequence();
    if (sequence === NONE) return "blocked";
    const { route, timeoutNs } = stream.options;
    const number = this.#nextNumber;
    // Never used again: nobody knows for sure that a probe has not left.
    this.#nextNumber = (number + 1) >>> 0;
    const at = readInstant(this.#clock);
    let receipt: SendReceipt;
    try {
      receipt = this.#transport.send({
        identifier: this.#transport.identifier,
        sequence,
        number,
        route,
        ttl,
        message: flow.question,
        isHeld,
      });
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
    const wasQueued = Number.isFinite(probe.queuedAtNs);
    if (this.#queue.isEmpty || wasQueued) this.#queue.hadRoom();
    if (receipt.kind === "failed") {
      // The transport restarts its count.
      this.#stamps.beginAnew();
      this.#fail(probe, receipt.error);
      return "done";
    }
    if (receipt.countsAnew) this.#stamps.beginAnew();
    if (wasQueued) stream.queued?.delete(probe);
    // Not from `at`: this process may have been suspended for longer than the timeout before it
    // came to send.
    const returnedNs = this.#clock.monotonicNs();
    const deadlineNs = returnedNs + timeoutNs;
    const slot = slots.begin(sequence, flow, at.monotonicNs);
    slots.number[slot] = number;
    slots.index[slot] = probe.index;
    slots.ttl[slot] = ttl;
    slots.sentNs[slot] = at.monotonicNs;
    slots.sentRealNs[slot] = at.realtimeNs;
    slots.returnedNs[slot] = returnedNs;
    slots.deadlineNs[slot] = deadlineNs;
    slots.mayBeRefused[slot] = receipt.mayBeRefused ? 1 : 0;
    stream.lastSlot = slot;
    stream.lastNumber = number;
    if (receipt.stampKey !== null) this.#stamps.expect(slot, receipt.stampKey);
    if (slots.size === 1) this.#attention.setActive(true);
    this.#deadlines.push(slot, deadlineNs);
    this.#alarm.set(deadlineNs);
    this.#sentUnread += 1 + (flow.question.length >> KIB_SHIFT);
    const isDue = this.#sentUnread >= READ_EVERY || this.#attention.isDue(at.monotonicNs);
    if (isDue && !this.#isFlooded) {
      // Nobody else reads during a burst, and stamps and answers share the receive queue. During a
      // flood it would take the event loop's time, and leave the queue as full as it was.
      this.#read();
      if (!this.#outbox.isEmpty) this.#scheduleFlush();
    }
    return "done";
  }

  /**
   * Whether the kernel may hold the last probe of a stream back, because it lacks the neighbour's
   * link-layer address or behind others of a slow device.
   */
  #isHeld({ lastSlot, lastNumber }: ProbeStream): boolean {
    if (lastSlot === NONE) return false;
    const { phase, number, stampNs } = this.#slots;
    if (number[lastSlot] !== lastNumber || !Number.isNaN(stampNs[lastSlot] as number)) return false;
    return phase[lastSlot] === Phase.Flying || phase[lastSlot] === Phase.Expired;
  }

  /** Whether a probe has waited for room for its whole timeout: then it fails. */
  #hasGivenUp(probe: QueuedProbe, nowNs: number): boolean {
    const { route, timeoutNs } = probe.flow.stream.options;
    if (nowNs - probe.queuedAtNs < timeoutNs) return false;
    this.#fail(probe, noRoomError(route.destination, NO_ROOM_IN_TIME));
    return true;
  }

  #fail(probe: QueuedProbe, error: SystemError): void {
    const { stream } = probe.flow;
    this.#leaveQueue(probe);
    const { options } = stream;
    this.#post(stream, sendErrorResult(options.target, unsentRequest(options, probe), error));
  }

  #leaveQueue(probe: QueuedProbe): void {
    const { stream } = probe.flow;
    stream.undecided -= 1;
    stream.queued?.delete(probe);
  }

  // Receiving.

  /** Takes in what has arrived, as of one moment, and as far as there is time. */
  #read(): void {
    this.#isFlooded = false;
    if (this.#isClosed) return;
    this.#sentUnread = 0;
    const at = readInstant(this.#clock);
    const answers = this.#answers;
    answers.readAt = at;
    let untilNs: number;
    try {
      untilNs = this.#transport.drain();
    } catch (error) {
      answers.readAt = undefined;
      this.#break(error);
      return;
    }
    answers.takeWaiting();
    const { drops } = this.#transport;
    if (drops !== this.#drops) {
      this.#drops = drops;
      answers.overflowAtNs = answers.readAt.monotonicNs;
    }
    answers.readAt = undefined;
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

  // Deadlines and memory.

  #onDeadline(): void {
    // Timeouts tell whether answers may have been lost here.
    if (!this.#isClosed) this.#transport.countDrops();
    this.#read();
    for (;;) {
      const due = this.#deadlines.takeDue(this.#readUntilNs);
      if (due === NONE) break;
      if (!this.#postpone(due, this.#readUntilNs)) this.#answers.expire(due);
    }
    // During a flood, the others on the event loop have a turn before the next read.
    const next = this.#deadlines.next();
    if (Number.isFinite(next)) this.#alarm.set(next);
    this.#outbox.flush();
  }

  /** A probe that this host held back has its time from when it left: whether it has some left. */
  #postpone(slot: number, nowNs: number): boolean {
    const slots = this.#slots;
    const leftNs = departedAtNs(slots.departure(slot), readInstant(this.#clock));
    if (leftNs === undefined) return false;
    const deadlineNs = leftNs + (slots.flows[slot] as Flow).stream.options.timeoutNs;
    if (deadlineNs <= nowNs || deadlineNs <= (slots.deadlineNs[slot] as number)) return false;
    slots.deadlineNs[slot] = deadlineNs;
    this.#deadlines.push(slot, deadlineNs);
    return true;
  }

  #decide(slot: number, phase: 2 | 3): void {
    const wasFull = this.#slots.isFull;
    const { stream } = this.#slots.flows[slot] as Flow;
    stream.undecided -= 1;
    const { readAt } = this.#answers;
    this.#slots.decide(slot, phase, readAt?.monotonicNs ?? this.#clock.monotonicNs());
    this.#onLanded(slot, { stream, wasFull });
  }

  /** Wants to hear nothing more of a probe that flies or is remembered. */
  #forget(slot: number): void {
    const wasFull = this.#slots.isFull;
    const wasFlying = this.#slots.phase[slot] === Phase.Flying;
    const { stream } = this.#slots.flows[slot] as Flow;
    this.#slots.forget(slot);
    if (!wasFlying) return;
    if (!stream.closed) stream.undecided -= 1;
    this.#onLanded(slot, { stream, wasFull });
  }

  /** A probe does not fly any more. */
  #onLanded(
    slot: number,
    { stream, wasFull }: { readonly stream: ProbeStream; readonly wasFull: boolean },
  ): void {
    this.#stamps.forget(slot);
    this.#matcher.takeWrongData(slot);
    stream.provisional?.delete(slot);
    if (this.#slots.size === 0) {
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
    if (this.#answers.readAt === undefined) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    if (this.#answers.areWaiting) this.#read();
    this.#queue.sendWaiting();
    this.#outbox.flush();
  };
}
