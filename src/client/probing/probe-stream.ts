import type { SystemError } from "../../errors.ts";
import type {
  EchoIcmpErrorResult,
  EchoRequest,
  EchoResult,
  WrongData,
} from "../results/results.ts";
import type { Instant } from "../time/clock.ts";
import type { Route } from "../transport/transport.ts";
import { isGroup } from "./group-address.ts";
import { LinkedList, type Listed } from "./linked-list.ts";
import type { Payload } from "./payload.ts";
import type { QuotedChecksums } from "./quoted-checksums.ts";

/** One target of a run, and who hears what becomes of its probes. */
export interface StreamOptions {
  /** The target as it was given. */
  readonly target: string;
  /** The name its address was found under, or null. */
  readonly hostname: string | null;
  readonly route: Route;
  readonly timeoutNs: number;
  readonly payload: Payload;
  /** How long what arrives may wait unread, at most; 0 or absent for not at all. */
  readonly patienceNs?: number;
  /** Called for every result, in the order they become known; never from within `send`. It may send and close. */
  onResult(result: EchoResult): void;
  /**
   * Called for the first unverified error of a probe that flies. The probe goes on waiting: a verified answer takes its
   * place, or else it is handed to `onResult` at the timeout.
   */
  readonly onProvisional?: ((result: EchoIcmpErrorResult) => void) | undefined;
  /** Called for each reply with a wrong ICMP checksum. Its probe goes on waiting. */
  onCorrupt(): void;
  /** Called when the socket cannot be read any more: nothing more is heard of any probe. */
  onFailure(error: SystemError): void;
}

/**
 * - queued: waits for room in the kernel, or for a free sequence number
 * - flying: sent, neither answered nor timed out
 * - answered, expired: decided, remembered for what still comes
 * - gone: nobody cares any more
 */
type ProbeState = "queued" | "flying" | "answered" | "expired" | "gone";

/** An error that may be forged, and is the result of its probe if nothing better comes. */
export interface Provisional {
  readonly result: EchoIcmpErrorResult;
  /** See {@link ChecksumJudgement}; null where the checksum could not be judged. */
  readonly difference: number | null;
}

/** One echo request, from the wish to send it to the last that is heard of it. */
export class Probe implements Listed<Probe> {
  readonly stream: ProbeStream;
  readonly ttl: number;
  /** Position in its stream, from 1. */
  readonly index: number;
  /** Position among all probes of the prober, in 32 bits: what the cookie carries. */
  readonly number: number;
  /** What was sent, while the probe flies. */
  request: EchoRequest | undefined;
  state: ProbeState = "queued";
  /** Only while the probe flies. */
  provisional: Provisional | undefined = undefined;
  /** Since when (monotonic) it has waited for its turn. */
  queuedAtNs: number = Number.POSITIVE_INFINITY;
  sequence = 0;
  at: Instant = { monotonicNs: 0, realtimeNs: 0 };
  /** What the kernel calls its transmit stamp, in which count of them, and the stamp. */
  stampKey: number | null = null;
  stampCount = 0;
  stampNs: number | null = null;
  /** Whether this host seems to have had no room for it. A stamp proves that it left. */
  mayBeRefused = false;
  /** When (monotonic) the send had returned, and when the timeout is over. */
  sentNs = 0;
  deadlineNs = 0;
  /** The first answer of its target that had other data, which may be forged. */
  wrongData: WrongData | null = null;
  /** Verified answers that have come. */
  answers = 0;
  /** Whether an unverified error has come while it flew. */
  isDisputed = false;
  previous: Probe | undefined = undefined;
  next: Probe | undefined = undefined;

  constructor(stream: ProbeStream, position: { index: number; number: number; ttl: number }) {
    this.stream = stream;
    this.ttl = position.ttl;
    this.index = position.index;
    this.number = position.number;
  }

  /** Whether this host had no room for it, as far as can be told. */
  get isRefused(): boolean {
    return this.mayBeRefused && this.stampNs === null && this.wrongData === null;
  }

  get isWaiting(): boolean {
    return this.state === "flying";
  }
}

export function isDecided({ state }: Probe): boolean {
  return state === "answered" || state === "expired";
}

/** Who carries out what a stream wants. */
export interface StreamOwner {
  /** Sends a probe now, or as soon as there is room. */
  enqueue(stream: ProbeStream, ttl: number, index: number): void;
  /** Drops a probe: nothing more is heard of it. */
  forget(probe: Probe): void;
  /** A stream was paused, or goes on. */
  onPaused(stream: ProbeStream): void;
  /** A stream was closed. */
  onClosed(stream: ProbeStream): void;
}

/** Of how many further answers to one probe results are made; of the others nothing is kept but their number. */
const MAX_COPIES = 16;
/** The same for a probe to a group, whose every member answers. */
const MAX_GROUP_COPIES = 1024;

/** How many latest answers are kept: of two queues, one may hand over an earlier answer a read later. */
const FRONTIER = 16;
/** Numbers for each: position and time. */
const ANSWER = 2;

/** The probes of one run to one target. */
export class ProbeStream {
  readonly options: StreamOptions;
  readonly #owner: StreamOwner;
  /** Probes of which something may still be heard. */
  readonly #probes = new LinkedList<Probe>();
  #undecided = 0;
  /**
   * Probes that were each the latest answered in time, and when (monotonic) their answers came: position, time, position, time, ...
   * An array of plain numbers, through which no garbage collector looks.
   */
  readonly #frontier: number[] = [];
  /** For the prober: whether the kernel has stamped the departure of any of its probes. */
  isStamped = false;
  /** For the prober: the probe that was sent last. */
  lastSent: Probe | undefined;
  /** For the matcher: what quoted checksums have told. */
  quotedChecksums: QuotedChecksums | undefined;
  /** Probes that have a provisional result. */
  readonly #provisional = new Set<Probe>();
  #sent = 0;
  #isClosed = false;
  #isPaused = false;
  /** For the prober: when (monotonic) it was paused last. */
  pausedAtNs = 0;
  #isToGroup: boolean | undefined;
  /** By TTL: answers that no result was made of, since the last result. */
  readonly #moreDuplicates: number[] = [];

  constructor(owner: StreamOwner, options: StreamOptions) {
    this.#owner = owner;
    this.options = options;
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
    return this.#undecided;
  }

  /**
   * For the prober: whether the kernel may hold the last probe back, for want of the neighbour's
   * link-layer address or behind others of a slow device.
   */
  get isHeld(): boolean {
    const last = this.lastSent;
    if (last === undefined || last.stampNs !== null) return false;
    return last.state === "flying" || last.state === "expired";
  }

  /** How many probes are not decided yet, and have no provisional result either. */
  get unanswered(): number {
    return this.#undecided - this.#provisional.size;
  }

  /** For the prober: the probes whose provisional result a NAT has verified that is proven by now. */
  proven(): readonly Probe[] {
    return [...this.#provisional].filter(({ provisional }) => {
      const difference = provisional?.difference ?? null;
      return difference !== null && this.quotedChecksums?.isProven(difference);
    });
  }

  /** For the prober: a flying probe has a provisional result. */
  hold(probe: Probe, provisional: Provisional): void {
    probe.provisional = provisional;
    this.#provisional.add(probe);
  }

  /** For the prober: a probe is to be sent. */
  add(probe: Probe): void {
    this.#probes.add(probe);
    this.#undecided += 1;
  }

  /** For the prober: one of its probes was decided, and is remembered. */
  noteDecided(probe: Probe): void {
    this.#undecided -= 1;
    this.#release(probe);
  }

  /** For the prober: does not count this much of the time spent waiting for room. */
  excuseWait(ns: number): void {
    for (const probe of this.#probes) if (probe.state === "queued") probe.queuedAtNs += ns;
  }

  /** For the prober: nothing more will be heard of a probe. */
  remove(probe: Probe): void {
    if (!isDecided(probe)) this.#undecided -= 1;
    this.#probes.delete(probe);
    this.#release(probe);
    probe.state = "gone";
  }

  #release(probe: Probe): void {
    if (probe.provisional === undefined) return;
    probe.provisional = undefined;
    this.#provisional.delete(probe);
  }

  /**
   * For the prober: whether a later probe was answered before `atNs`. By the time of arrival, since answers are not
   * read in that order: each of a socket's two queues is read to its end.
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

  /** For the prober: a verified answer has come. Whether a result is to be made of it; else it is counted. */
  keepsAnswer(probe: Probe): boolean {
    const copies = probe.answers++;
    if (copies <= MAX_COPIES) return true;
    if (copies <= MAX_GROUP_COPIES) {
      this.#isToGroup ??= isGroup(this.options.route.destination);
      if (this.#isToGroup) return true;
    }
    this.#moreDuplicates[probe.ttl] = (this.#moreDuplicates[probe.ttl] ?? 0) + 1;
    return false;
  }

  /** For the prober: how many answers to probes of this TTL were only counted since it asked last. */
  takeMoreDuplicates(ttl: number): number {
    const count = this.#moreDuplicates[ttl];
    if (count === undefined) return 0;
    delete this.#moreDuplicates[ttl];
    return count;
  }

  /** Sends one probe and returns its number, counted from 1: the `request.number` of its result. */
  send(ttl: number): number {
    this.#sent += 1;
    if (!this.#isClosed) this.#owner.enqueue(this, ttl, this.#sent);
    return this.#sent;
  }

  /** Drops the undecided probes that were sent with more than `ttl`, and returns their numbers: nothing more is heard of them. */
  dropBeyond(ttl: number): readonly number[] {
    const beyond = [...this.#probes].filter((probe) => probe.ttl > ttl && !isDecided(probe));
    for (const probe of beyond) this.#owner.forget(probe);
    return beyond.map((probe) => probe.index);
  }

  /** Ends the stream: nothing more is heard of its probes. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const probe of this.#probes) this.#owner.forget(probe);
    this.#owner.onClosed(this);
  }
}
