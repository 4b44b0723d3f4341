import type { SystemError } from "../../errors.ts";
import { standsForOthers } from "../../packet/address.ts";
import type { EchoIcmpErrorResult, EchoResult } from "../results/results.ts";
import { addressWords, type Reply } from "../transport/reply.ts";
import type { Route } from "../transport/transport.ts";
import { isGroup } from "./group-address.ts";
import type { Question } from "./question.ts";
import type { QuotedChecksums } from "./quoted-checksums.ts";

/** One target of a run, and who hears what becomes of its probes. */
export interface StreamOptions {
  /** The target as it was given. */
  readonly target: string;
  /** The name its address was found under, or null. */
  readonly hostname: string | null;
  readonly route: Route;
  readonly timeoutNs: number;
  /** What its probes ask, unless a send says otherwise. */
  readonly question: Question;
  /**
   * An address as people write it: with an interface by its name. Absent: as the kernel tells it.
   */
  readonly spell?: ((address: string) => string) | undefined;
  /** How long what arrives may wait unread, at most; 0 or absent for not at all. */
  readonly patienceNs?: number;
  /**
   * Called for every result, in the order they become known; never from within `send`. It may send
   * and close.
   */
  onResult(result: EchoResult): void;
  /**
   * Called for the first unverified error of a probe that flies. The probe goes on waiting: a
   * verified answer takes its place, or else it is handed to `onResult` at the timeout.
   */
  readonly onProvisional?: ((result: EchoIcmpErrorResult) => void) | undefined;
  /** Called for each reply with a wrong ICMP checksum. Its probe goes on waiting. */
  readonly onCorrupt?: (() => void) | undefined;
  /** Called when the socket cannot be read any more: nothing more is heard of any probe. */
  onFailure(error: SystemError): void;
}

/** Probes of one stream that ask the same. */
export interface Flow {
  readonly stream: ProbeStream;
  readonly question: Question;
}

/** A probe that is to be sent, as soon as there is room. */
export interface QueuedProbe {
  readonly flow: Flow;
  readonly ttl: number;
  /** Its position in its stream, from 1. */
  readonly index: number;
  /** Since when (monotonic) it waits for its turn; Infinity while it does not. */
  queuedAtNs: number;
}

/** An error that may be forged, and is the result of its probe if nothing better comes. */
export interface Provisional {
  readonly result: EchoIcmpErrorResult;
  /** See {@link ChecksumJudgement}; null where the checksum could not be judged. */
  readonly difference: number | null;
}

/** Who carries out what a stream wants. Probes go by their slots. */
export interface StreamOwner {
  /** Sends a probe now, or as soon as there is room. */
  enqueue(probe: QueuedProbe): void;
  /**
   * Drops probes that were sent with more than `ttl` and are not decided; gives their positions.
   */
  dropBeyond(stream: ProbeStream, ttl: number): readonly number[];
  /** A stream was paused, or goes on. */
  onPaused(stream: ProbeStream): void;
  /** A stream was closed: drops all of its probes. */
  onClosed(stream: ProbeStream): void;
}

/**
 * Of how many further answers to one probe results are made; of the others nothing is kept but
 * their number.
 */
const MAX_COPIES = 16;
/** The same for a probe to a group, whose every member answers. */
const MAX_GROUP_COPIES = 1024;

/**
 * How many latest answers are kept: of two queues, one may hand over an earlier answer a read
 * later.
 */
const FRONTIER = 16;
/** Numbers for each: position and time. */
const ANSWER = 2;

/** The probes of one run to one target. */
export class ProbeStream {
  readonly options: StreamOptions;
  readonly #owner: StreamOwner;
  readonly #flow: Flow;
  /** Flows of other questions than the usual one. */
  #others: Map<Question, Flow> | undefined;
  // For the prober: the first and the last slot of those of which something may still be heard; -1
  // for none.
  first = -1;
  last = -1;
  /** For the prober: probes that are not decided yet, and those of them that wait for room. */
  undecided = 0;
  queued: Set<QueuedProbe> | undefined;
  /** For the prober: provisional results, by slot. */
  provisional: Map<number, Provisional> | undefined;
  /** For the prober: the probe that was sent last, by slot and number. */
  lastSlot = -1;
  lastNumber = 0;
  /** For the prober: whether the kernel has stamped the departure of any of its probes. */
  isStamped = false;
  /** For the matcher: what quoted checksums have told. */
  quotedChecksums: QuotedChecksums | undefined;
  readonly #address: Int32Array;
  /**
   * Probes that were each the latest answered in time, and when (monotonic) their answers came:
   * position, time, position, time, ... An array of plain numbers, through which no garbage
   * collector looks.
   */
  readonly #frontier: number[] = [];
  #sent = 0;
  #isClosed = false;
  #isPaused = false;
  /** For the prober: when (monotonic) it was paused last. */
  pausedAtNs = 0;
  #isToGroup: boolean | undefined;
  #mayOthersAnswer: boolean | undefined;
  /** By TTL: answers that no result was made of, since the last result. */
  #moreDuplicates: number[] | undefined;

  constructor(owner: StreamOwner, options: StreamOptions) {
    this.#owner = owner;
    this.options = options;
    this.#flow = { stream: this, question: options.question };
    this.#address = addressWords(options.route.destination);
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** Whether probes that wait for room in the kernel must go on waiting. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  set isPaused(isPaused: boolean) {
    if (isPaused === this.#isPaused || this.#isClosed) return;
    this.#isPaused = isPaused;
    this.#owner.onPaused(this);
  }

  /** How many probes are not decided yet. */
  get inFlight(): number {
    return this.undecided;
  }

  /** How many probes are not decided yet, and have no provisional result either. */
  get unanswered(): number {
    return this.undecided - (this.provisional?.size ?? 0);
  }

  /** For the matcher: whether a reply may come from the target, as far as its address tells. */
  mayAnswer(reply: Reply): boolean {
    if (reply.isFrom(this.#address)) return true;
    this.#mayOthersAnswer ??= standsForOthers(this.options.route.destination);
    return this.#mayOthersAnswer;
  }

  /** For the prober: slots whose provisional result a NAT has verified that is proven by now. */
  proven(): readonly number[] {
    const slots: number[] = [];
    for (const [slot, { difference }] of this.provisional ?? [])
      if (difference !== null && this.quotedChecksums?.isProven(difference)) slots.push(slot);
    return slots;
  }

  /**
   * For the prober: whether a later probe was answered before `atNs`. By the time of arrival, since
   * answers are not read in that order: each of a socket's two queues is read to its end.
   */
  wasOvertaken(index: number, atNs: number): boolean {
    for (let answer = this.#frontier.length - ANSWER; answer >= 0; answer -= ANSWER) {
      if (index >= (this.#frontier[answer] as number)) return false;
      if (atNs >= (this.#frontier[answer + 1] as number)) return true;
    }
    return false;
  }

  /** For the prober: a probe was answered in time. */
  noteAnswer(index: number, atNs: number): void {
    if (index <= (this.#frontier.at(-ANSWER) ?? 0)) return;
    this.#frontier.push(index, atNs);
    if (this.#frontier.length <= FRONTIER * ANSWER) return;
    this.#frontier.shift();
    this.#frontier.shift();
  }

  /**
   * For the prober: an answer has come after `copies` others. Whether a result is to be made of it;
   * else it is counted.
   */
  keepsCopy(copies: number, ttl: number): boolean {
    if (copies <= MAX_COPIES) return true;
    if (copies <= MAX_GROUP_COPIES) {
      this.#isToGroup ??= isGroup(this.options.route.destination);
      if (this.#isToGroup) return true;
    }
    this.#moreDuplicates ??= [];
    this.#moreDuplicates[ttl] = (this.#moreDuplicates[ttl] ?? 0) + 1;
    return false;
  }

  /**
   * For the prober: how many answers to probes of this TTL were only counted since it asked last.
   */
  takeMoreDuplicates(ttl: number): number {
    const count = this.#moreDuplicates?.[ttl];
    if (count === undefined) return 0;
    delete this.#moreDuplicates?.[ttl];
    return count;
  }

  /**
   * Sends one probe and returns its number, counted from 1: the `request.number` of its result.
   *
   * @param question what it asks, and so its size and its flow; by default that of the stream
   */
  send(ttl: number, question: Question = this.options.question): number {
    this.#sent += 1;
    if (!this.#isClosed) {
      const flow = question === this.#flow.question ? this.#flow : this.#flowOf(question);
      this.#owner.enqueue({
        flow,
        ttl,
        index: this.#sent,
        queuedAtNs: Number.POSITIVE_INFINITY,
      });
    }
    return this.#sent;
  }

  /**
   * Drops the undecided probes that were sent with more than `ttl`, and returns their numbers:
   * nothing more is heard of them.
   */
  dropBeyond(ttl: number): readonly number[] {
    return this.#owner.dropBeyond(this, ttl);
  }

  /** Ends the stream: nothing more is heard of its probes. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.onClosed(this);
  }

  #flowOf(question: Question): Flow {
    this.#others ??= new Map();
    const flow = this.#others.get(question) ?? { stream: this, question };
    this.#others.set(question, flow);
    return flow;
  }
}
