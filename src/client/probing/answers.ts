import type { EchoRequest, EchoResult } from "../results/results.ts";
import { type Clock, type Instant, readInstant } from "../time/clock.ts";
import type { Reply } from "../transport/reply.ts";
import { noRoomError } from "../transport/send-failure.ts";
import type { ErrorArrival, Transport } from "../transport/transport.ts";
import type { DepartureStamps } from "./departure-stamps.ts";
import {
  errorResult,
  ORDINARY,
  replyResult,
  sendErrorResult,
  sentRequest,
  timeoutResult,
  unsentRequest,
  type Verdict,
} from "./echo-result.ts";
import type { ErrorMatch, Matcher } from "./matcher.ts";
import type { Flow, ProbeStream } from "./probe-stream.ts";
import { Phase, type Slots } from "./slots.ts";
import { isInTime, type Timing, timeArrival } from "./timing.ts";

const NONE = -1;
const DROPPED = "the table of neighbours or the queue of a device had no room";
const MOST_ANSWERS = 0xffff;

/** What answers are judged with, and who hears of it. */
export interface AnswersContext {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly slots: Slots;
  readonly matcher: Matcher;
  readonly stamps: DepartureStamps;
  /** A probe that flies is decided. */
  decide(slot: number, phase: 2 | 3): void;
  post(stream: ProbeStream, result: EchoResult, isProvisional?: boolean): void;
}

/** An error that is about a probe of ours. */
interface Finding {
  readonly error: ErrorArrival;
  readonly match: ErrorMatch;
  /** The probe, which may be forgotten by the time it is looked for. */
  readonly number: number;
  /** How many answers were only counted before it came. */
  readonly moreDuplicates: number;
}

/** Judges what comes back for probes, and makes results of it. */
export class Answers {
  /** The moment of the read that is going on. */
  readAt: Instant | undefined;
  /** When (monotonic) a read found that the receive queue had overflowed since the read before. */
  overflowAtNs: number = Number.NEGATIVE_INFINITY;
  readonly #context: AnswersContext;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #matcher: Matcher;
  /**
   * Errors of a queue of their own, which wait for the replies of the same read that came before
   * them.
   */
  #errors: Finding[] = [];

  constructor(context: AnswersContext) {
    this.#context = context;
    this.#transport = context.transport;
    this.#clock = context.clock;
    this.#slots = context.slots;
    this.#matcher = context.matcher;
  }

  /** Whether errors wait for the end of a read. */
  get areWaiting(): boolean {
    return this.#errors.length > 0;
  }

  /** A reply was read. */
  takeReply(reply: Reply): void {
    if (this.#errors.length > 0) this.#takeErrors(reply.stampNs ?? Number.POSITIVE_INFINITY);
    const slot = this.#matcher.matchReply(reply);
    // Anybody who sees a probe may send any number of answers.
    if (slot === NONE || !this.#keepsAnswer(slot)) return;
    const moreDuplicates = this.#takeMoreDuplicates(slot);
    this.#answer(slot, reply, { corrupt: this.#matcher.isAltered, moreDuplicates });
  }

  /**
   * A datagram socket has its errors and its replies in two queues, of which each is in order but
   * not the two together. So its errors wait until the replies of this read are there. Anybody may
   * send any number of them: those that become no result do not wait.
   */
  takeError(error: ErrorArrival): void {
    const match = this.#matcher.matchError(error);
    if (match === undefined) return;
    const { slot, isVerified } = match;
    if (!(isVerified ? this.#keepsAnswer(slot) : this.#dispute(slot))) return;
    const number = this.#slots.number[slot] as number;
    const moreDuplicates = isVerified ? this.#takeMoreDuplicates(slot) : 0;
    const finding = { error, match, number, moreDuplicates };
    if (this.#transport.privileged) this.#judge(finding);
    else this.#errors.push(finding);
  }

  /** Takes what waits: everything of this read is there. */
  takeWaiting(): void {
    if (this.#errors.length > 0) this.#takeErrors(Number.POSITIVE_INFINITY);
  }

  clear(): void {
    this.#errors = [];
  }

  /** A verified answer has come. Whether a result is to be made of it; else it is counted. */
  #keepsAnswer(slot: number): boolean {
    const { answers, flows, ttl } = this.#slots;
    const copies = answers[slot] as number;
    if (copies < MOST_ANSWERS) answers[slot] = copies + 1;
    return (flows[slot] as Flow).stream.keepsCopy(copies, ttl[slot] as number);
  }

  /** An unverified error has come: whether it is the first while its probe flies. */
  #dispute(slot: number): boolean {
    const { phase, isDisputed } = this.#slots;
    if (phase[slot] !== Phase.Flying || isDisputed[slot] === 1) return false;
    isDisputed[slot] = 1;
    return true;
  }

  #takeMoreDuplicates(slot: number): number {
    const { flows, ttl } = this.#slots;
    return (flows[slot] as Flow).stream.takeMoreDuplicates(ttl[slot] as number);
  }

  /**
   * Takes the errors that came no later than `untilNs` (real time); what the kernel did not stamp
   * comes last.
   */
  #takeErrors(untilNs: number): void {
    const findings = this.#errors;
    if (findings.length > 1) findings.sort(inOrderOfArrival);
    let count = 0;
    for (const { error } of findings) {
      if ((error.stampNs ?? Number.MAX_VALUE) > untilNs) break;
      count += 1;
    }
    if (count === 0) return;
    this.#errors = findings.slice(count);
    for (const finding of findings.slice(0, count)) this.#judge(finding);
  }

  #judge({ error, match, number, moreDuplicates }: Finding): void {
    const { slot, isVerified, checksum } = match;
    const flow = this.#slots.flows[slot];
    // Forgotten since a send turned it up.
    if (flow === undefined || this.#slots.number[slot] !== number) return;
    if (isVerified) this.#answer(slot, error, { corrupt: false, moreDuplicates });
    else this.#hold(match, error);
    if (checksum?.isNew) {
      for (const proven of flow.stream.proven()) this.#settle(proven, Phase.Answered);
    }
  }

  /** Keeps the first unverified error of a probe that flies. */
  #hold({ slot, checksum }: ErrorMatch, arrival: ErrorArrival): void {
    const { stream } = this.#slots.flows[slot] as Flow;
    if (this.#slots.phase[slot] !== Phase.Flying) return;
    const timing = timeArrival(
      this.#slots.departure(slot),
      arrival.stampNs,
      this.#instantAfter(arrival.stampNs),
    );
    if (!this.#isInTime(slot, timing)) return;
    const index = this.#slots.index[slot] as number;
    const reordered = stream.wasOvertaken(index, timing.receivedAt.monotonicNs);
    const result = errorResult({
      target: stream.options.target,
      request: this.#requestOf(slot),
      family: this.#transport.family,
      arrival,
      timing,
      verdict: { ...ORDINARY, reordered },
      unverified: true,
      clock: this.#clock,
      spell: stream.options.spell,
    });
    stream.provisional ??= new Map();
    stream.provisional.set(slot, { result, difference: checksum?.difference ?? null });
    if (stream.options.onProvisional !== undefined) this.#context.post(stream, result, true);
  }

  /** Makes a provisional result the final one: its sender is proven, or nothing better came. */
  #settle(slot: number, phase: 2 | 3): void {
    const { stream } = this.#slots.flows[slot] as Flow;
    const provisional = stream.provisional?.get(slot);
    if (provisional === undefined) return;
    if (phase === Phase.Answered) this.#keepsAnswer(slot);
    this.#context.decide(slot, phase);
    const moreDuplicates = this.#takeMoreDuplicates(slot);
    const unverified = phase === Phase.Expired;
    this.#context.post(stream, { ...provisional.result, unverified, moreDuplicates });
  }

  #answer(
    slot: number,
    arrival: Reply | ErrorArrival,
    special: Pick<Verdict, "corrupt" | "moreDuplicates">,
  ): void {
    const slots = this.#slots;
    const { stream } = slots.flows[slot] as Flow;
    const { stampNs } = arrival;
    const timing = timeArrival(this.#slots.departure(slot), stampNs, this.#instantAfter(stampNs));
    if (slots.phase[slot] === Phase.Flying && !this.#isInTime(slot, timing)) this.expire(slot);
    const phase = slots.phase[slot];
    const isFirst = phase === Phase.Flying;
    const { monotonicNs } = timing.receivedAt;
    const index = slots.index[slot] as number;
    const verdict = {
      late: phase === Phase.Expired,
      duplicate: phase === Phase.Answered,
      reordered: isFirst && stream.wasOvertaken(index, monotonicNs),
      corrupt: special.corrupt,
      moreDuplicates: special.moreDuplicates,
    };
    if (isFirst) {
      stream.noteAnswer(index, monotonicNs);
      this.#context.decide(slot, Phase.Answered);
    } else slots.phase[slot] = Phase.Answered;
    const { target, spell } = stream.options;
    const request = this.#requestOf(slot);
    const common = { target, request, timing, verdict, clock: this.#clock, spell };
    this.#context.post(
      stream,
      "quote" in arrival
        ? errorResult({
            ...common,
            arrival,
            unverified: false,
            family: this.#transport.family,
          })
        : replyResult({ ...common, arrival }),
    );
  }

  /**
   * The moment at which an arrival is read: that of the round, unless it came in while the round
   * was going on.
   */
  #instantAfter(stampNs: number | null): Instant {
    if (this.readAt === undefined) return readInstant(this.#clock);
    if (stampNs !== null && stampNs > this.readAt.realtimeNs)
      this.readAt = readInstant(this.#clock);
    return this.readAt;
  }

  #isInTime(slot: number, timing: Timing): boolean {
    const { timeoutNs } = (this.#slots.flows[slot] as Flow).stream.options;
    // Most are, whatever else is known of them.
    if (timing.rttNs <= timeoutNs) return true;
    const sentNs = this.#slots.returnedNs[slot] as number;
    return isInTime(timing, { ...this.#slots.departure(slot), timeoutNs, sentNs });
  }

  /** Nothing decisive has come for a probe in time. */
  expire(slot: number): void {
    const slots = this.#slots;
    const { stream } = slots.flows[slot] as Flow;
    if (stream.provisional?.has(slot)) {
      this.#settle(slot, Phase.Expired);
      return;
    }
    const wrongData = this.#matcher.takeWrongData(slot);
    const isUnstamped = Number.isNaN(slots.stampNs[slot] as number);
    if (slots.mayBeRefused[slot] === 1 && isUnstamped && wrongData === null) {
      this.#context.decide(slot, Phase.Expired);
      const { options } = stream;
      const request = unsentRequest(options, {
        ttl: slots.ttl[slot] as number,
        index: slots.index[slot] as number,
      });
      const error = noRoomError(options.route.destination, DROPPED);
      this.#context.post(stream, sendErrorResult(options.target, request, error));
      return;
    }
    const isAwaited = this.#context.stamps.isAwaited(slot);
    this.#context.decide(slot, Phase.Expired);
    const receiveOverflow = (slots.sentNs[slot] as number) <= this.overflowAtNs;
    // Stamps that found no room tell as little of a departure as replies that found none tell of an
    // arrival.
    const isTold = isAwaited && stream.isStamped && !receiveOverflow;
    const departed = !isUnstamped || (isTold ? false : null);
    const moreDuplicates = this.#takeMoreDuplicates(slot);
    const circumstances = { receiveOverflow, departed, moreDuplicates, wrongData };
    const { target } = stream.options;
    this.#context.post(stream, timeoutResult(target, this.#requestOf(slot), circumstances));
  }

  /**
   * What was sent. It is made again when somebody is to hear of it: keeping it would take half a
   * kilobyte.
   */
  #requestOf(slot: number): EchoRequest {
    const { ttl, index, sentRealNs, flows } = this.#slots;
    const { stream, question } = flows[slot] as Flow;
    return sentRequest(stream.options, {
      ttl: ttl[slot] as number,
      index: index[slot] as number,
      realtimeNs: sentRealNs[slot] as number,
      message: question.encode(this.#matcher.identity(slot)),
      family: this.#transport.family,
      clock: this.#clock,
    });
  }
}

/** The order in which the kernel received; what it did not stamp comes last. */
function inOrderOfArrival({ error: a }: Finding, { error: b }: Finding): number {
  return (a.stampNs ?? Number.MAX_VALUE) - (b.stampNs ?? Number.MAX_VALUE);
}
