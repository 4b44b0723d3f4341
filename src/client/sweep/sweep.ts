import { SystemError } from "../../errors.ts";
import { type Family, formatAddress } from "../../packet/address.ts";
import { formatIpv4Number } from "../../packet/address-number.ts";
import type { ClientCounters } from "../results/counters.ts";
import { heedGate, type Pausable } from "../run/gate.ts";
import type { RunContext } from "../run/run-context.ts";
import { Completion, onAbort } from "../run/run-context.ts";
import { type Clock, NS_PER_MS } from "../time/clock.ts";
import type { Lane } from "./lane.ts";
import { Pacer } from "./pacer.ts";
import { RateControl, RateMeter } from "./rate-control.ts";
import type { SweepItem, SweepProgress, SweepResult } from "./sweep-results.ts";
import type { Tally } from "./tally.ts";
import { createTargetSlot } from "./targets/address-plan.ts";
import type { TargetStream } from "./targets/target-stream.ts";

/** What a sweep works with. */
export interface SweepContext {
  readonly run: RunContext<SweepItem>;
  readonly clock: Clock;
  readonly targets: TargetStream;
  readonly tally: Tally;
  /** Packets a second, or Infinity. */
  readonly rate: number;
  /** Whether others than hosts that answered are to be emitted. */
  readonly all: boolean;
  /**
   * Opens the lane of a family. A SystemError means that nothing can be sent to that family at all.
   */
  openLane(family: Family): Lane | SystemError;
}

/** A turn of an unpaced sweep: then everybody else on the event loop has one. */
const TURN_NS = 3 * NS_PER_MS;
/** Waits longer than this are worth asking the event loop to tell of arrivals. */
const WATCH_FROM_NS = 4 * NS_PER_MS;
/** First and longest wait while the kernel has no room. */
const SHORTEST_WAIT_NS = 1 * NS_PER_MS;
const LONGEST_WAIT_NS = 16 * NS_PER_MS;
/** Pause while this many results are unread, and check again at this interval. */
const MAX_BACKLOG = 65_536;
const BACKLOG_WAIT_NS = 5 * NS_PER_MS;
/** Targets taken per batch, counting refused and invalid ones. */
const MAX_TAKEN = 1024;
const BROADCAST = 0xffff_ffff;

/**
 * Pings every target once, and again those that are silent, as fast as the rate allows.
 *
 * 1. Each turn reads what has arrived, gives up on what has had its time, then sends: further
 *    attempts first, new targets after them, up to what the pacer allows. Between two batches it
 *    reads again, so that answers never wait for the sending.
 * 2. Turns come every 2 ms or as the rate needs them. An unpaced sweep takes turns of 3 ms one
 *    after the other, with one of the event loop between them. When the next turn is more than 4 ms
 *    away, arrivals bring it forward.
 * 3. While the kernel has no room (EAGAIN, ENOBUFS), nothing is lost: the batch waits 1 to 16 ms. A
 *    host that it has no room for, while others may go, waits by itself, until for 5 s there has
 *    been room for none like it.
 * 4. When the receive queue overflowed, answers are lost that were never seen: the rate is halved
 *    and recovers gradually.
 * 5. Sending waits while 65,536 results are unread by the iterating caller (unless the result is
 *    awaited as well), and while 1,048,576 targets of a family are undecided.
 * 6. Multicast and unspecified addresses are not probed, and the kernel refuses broadcasts: EACCES
 *    for all three. Addresses of this host are targets like others.
 * 7. While it is paused, staged probes, further attempts and new targets wait. It goes on as soon
 *    as the rate allows, and does not catch up. No figure includes the time spent paused.
 * 8. A socket that cannot be read any more ends the sweep. With sockets of both families it ends
 *    its own targets, as sends that failed, and the others go on.
 */
export class Sweep implements Pausable {
  readonly #context: SweepContext;
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #completion = new Completion();
  #lanes: readonly Lane[] = [];
  /** Those whose socket could not be read any more. */
  readonly #abandoned: Lane[] = [];
  /** undefined until the first target of that family. */
  #lane4: Lane | SystemError | undefined;
  #lane6: Lane | SystemError | undefined;
  readonly #slot = createTargetSlot();
  readonly #ipv6: Int32Array;
  readonly #pacer: Pacer;
  readonly #rateControl: RateControl;
  readonly #meter: RateMeter;
  readonly #startNs: number;
  /** When it last sent, and when it ended, less the time spent paused. */
  #lastSendNs: number;
  #endNs: number | undefined;
  #pausedAtNs: number | undefined;
  /** Time spent paused, without the current pause. */
  #pausedNs = 0;
  #isInTurn = false;
  #targets: "more" | "pending" | "end" = "more";
  /** Whether the slot holds a target that is not begun. */
  #isAhead = false;
  #backOffNs = 0;
  #busyUntilNs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(context: SweepContext) {
    this.#context = context;
    this.#clock = context.clock;
    this.#tally = context.tally;
    this.#ipv6 = new Int32Array(this.#slot.ipv6.buffer, this.#slot.ipv6.byteOffset, 4);
    const nowNs = this.#clock.monotonicNs();
    this.#pacer = new Pacer(context.rate, nowNs);
    this.#rateControl = new RateControl(this.#pacer);
    this.#meter = new RateMeter(nowNs);
    this.#startNs = nowNs;
    this.#lastSendNs = nowNs;
  }

  /** Carries it out. */
  async run(): Promise<SweepResult> {
    const { targets, run } = this.#context;
    const forgetAbort = onAbort(run.signal, () => this.#completion.finish());
    const forgetGate = heedGate(run.gate, this);
    try {
      if (!this.#completion.isOver) this.#turn();
      await this.#completion.promise;
    } finally {
      forgetAbort();
      forgetGate();
      this.#cancelTimer?.();
      this.#endNs = this.#ranUntil(this.#clock.monotonicNs());
      targets.close();
      for (const lane of this.#lanes) lane.close();
    }
    return this.#tally.result({
      overflows: this.#overflows,
      elapsedNs: this.#endNs - this.#startNs,
      sendingNs: this.#lastSendNs - this.#startNs,
    });
  }

  /** Sends nothing until `resume()`. */
  pause(): void {
    this.#pausedAtNs = this.#clock.monotonicNs();
  }

  /** Goes on after a pause. */
  resume(): void {
    const nowNs = this.#clock.monotonicNs();
    this.#pausedNs += nowNs - (this.#pausedAtNs ?? nowNs);
    this.#pausedAtNs = undefined;
    // The pacer must not make up for the pause.
    this.#pacer.setRate(this.#pacer.rate, nowNs);
    // The caller's iterable may resume it while a turn asks for targets.
    if (!this.#isInTurn && !this.#completion.isOver) this.#turn();
  }

  /** How far it has come. */
  progress(): SweepProgress {
    const nowNs = this.#endNs ?? this.#ranUntil(this.#clock.monotonicNs());
    const elapsedNs = nowNs - this.#startNs;
    const { total } = this.#context.targets;
    const { done, sent, answered } = this.#tally;
    const remainingNs =
      total === null || done === 0 ? null : (elapsedNs / done) * Math.max(0, total - done);
    return {
      total,
      done,
      sent,
      answered,
      inFlight: this.#undecided,
      rate: this.#isPaused ? 0 : this.#meter.rate(sent, nowNs),
      elapsed: elapsedNs / NS_PER_MS,
      remaining: remainingNs === null ? null : remainingNs / NS_PER_MS,
    };
  }

  /** What arrived and became no result. */
  get counters(): ClientCounters {
    const { foreign, badChecksums, unverified, advice } = this.#tally;
    let malformed = 0;
    for (const { wire } of [...this.#lanes, ...this.#abandoned]) malformed += wire.malformed;
    const receiveDrops = this.#overflows;
    return { foreign, malformed, corrupt: badChecksums, unverified, advice, receiveDrops };
  }

  get #overflows(): number {
    let sum = 0;
    for (const lane of this.#lanes) sum += lane.wire.drops;
    for (const lane of this.#abandoned) sum += lane.wire.drops;
    return sum;
  }

  get #undecided(): number {
    let sum = 0;
    for (const lane of this.#lanes) sum += lane.undecided;
    return sum;
  }

  get #isPaused(): boolean {
    return this.#pausedAtNs !== undefined;
  }

  /** `nowNs` less the time spent paused. */
  #ranUntil(nowNs: number): number {
    return (this.#pausedAtNs ?? nowNs) - this.#pausedNs;
  }

  /** One turn of the event loop. */
  #turn(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#isInTurn = true;
    this.#completion.guard(() => {
      const startNs = this.#clock.monotonicNs();
      let isMore = this.#read(startNs);
      for (const lane of this.#lanes) lane.expire();
      let isBlocked = false;
      let nowNs = startNs;
      while (!this.#completion.isOver && !isBlocked && nowNs - startNs < TURN_NS) {
        isBlocked = !this.#send(nowNs);
        nowNs = this.#clock.monotonicNs();
        // During a flood, one read in a turn takes long enough.
        if (!isMore) isMore = this.#read(nowNs);
      }
      if (this.#completion.isOver) return;
      if (this.#targets === "end" && this.#undecided === 0) this.#completion.finish();
      else this.#scheduleTurn(isMore ? 0 : this.#delayNs(nowNs));
    });
    this.#isInTurn = false;
  }

  /** Reads what has arrived; whether there may be more. */
  #read(nowNs: number): boolean {
    let isMore = false;
    const before = this.#overflows;
    for (const lane of this.#lanes) if (this.#attempt(lane, nowNs, read)) isMore = true;
    if (this.#overflows > before)
      this.#rateControl.onOverflow(
        this.#meter.rate(this.#tally.sent, this.#ranUntil(nowNs)),
        nowNs,
      );
    else this.#rateControl.recover(nowNs);
    return isMore;
  }

  /** Reads or sends on a lane, which ends if its socket cannot be read any more. */
  #attempt(lane: Lane, nowNs: number, step: (lane: Lane, nowNs: number) => boolean): boolean {
    try {
      return step(lane, nowNs);
    } catch (error) {
      if (!(error instanceof SystemError) || this.#lanes.length === 1) throw error;
      this.#lanes = this.#lanes.filter((each) => each !== lane);
      this.#abandoned.push(lane);
      if (lane === this.#lane4) this.#lane4 = error;
      else this.#lane6 = error;
      lane.abandon(error);
      return false;
    }
  }

  /**
   * Stages and sends one batch; false when there is nothing to send, or it must not be sent now.
   */
  #send(nowNs: number): boolean {
    if (this.#isPaused || nowNs < this.#busyUntilNs) return false;
    for (const lane of this.#lanes) lane.prepare(nowNs);
    const isProgress = this.#stage(this.#pacer.allowance(nowNs));
    if (this.#isPaused) return false;
    let isBusy = false;
    let isSent = false;
    for (const lane of this.#lanes) {
      if (lane.wire.waiting === 0) continue;
      isSent = true;
      if (this.#attempt(lane, nowNs, flush)) isBusy = true;
      // They have not left.
      this.#pacer.take(-lane.refusals);
    }
    this.#meter.note(this.#tally.sent, this.#ranUntil(nowNs));
    if (isSent) this.#lastSendNs = this.#ranUntil(this.#clock.monotonicNs());
    if (isBusy) {
      this.#backOffNs = Math.min(Math.max(this.#backOffNs * 2, SHORTEST_WAIT_NS), LONGEST_WAIT_NS);
      this.#busyUntilNs = nowNs + this.#backOffNs;
      return false;
    }
    this.#backOffNs = 0;
    return isSent || isProgress;
  }

  /**
   * Stages at most `limit` probes, as many as there is room for; whether there was anything to do.
   */
  #stage(limit: number): boolean {
    let staged = 0;
    for (const lane of this.#lanes) staged += lane.stageRetries(limit - staged);
    let isProgress = staged > 0;
    if (this.#context.run.backlog <= MAX_BACKLOG) {
      for (let taken = 0; taken < MAX_TAKEN && this.#lookAhead(); taken++) {
        if (staged >= limit || this.#isPaused) break;
        const begun = this.#begin();
        if (begun === "later") break;
        this.#isAhead = false;
        isProgress = true;
        if (begun === "begun") staged += 1;
      }
      // It met nothing but failures so far.
      isProgress ||= this.#targets === "more" && !this.#isAhead;
    }
    this.#pacer.take(staged);
    return isProgress;
  }

  /**
   * Whether the slot holds the next target. It is looked for as soon as the one before is begun, so
   * that the end is known at once, but not for ever: a file may have nothing but failures.
   */
  #lookAhead(): boolean {
    for (let taken = 0; taken < MAX_TAKEN && !this.#isAhead && this.#targets === "more"; taken++) {
      const step = this.#context.targets.next(this.#slot);
      if (step === "address") this.#isAhead = true;
      else if (step === "failure") this.#fail();
      else {
        this.#targets = step;
        if (step === "pending") void this.#awaitTargets();
      }
    }
    return this.#isAhead;
  }

  /** Begins the target in the slot, if there is room. */
  #begin(): "begun" | "refused" | "later" {
    const { family, ipv4, host } = this.#slot;
    if (family === 4) {
      this.#lane4 ??= this.#open(4);
      const lane = this.#lane4;
      if (lane instanceof SystemError) return this.#refuse(lane);
      if (!lane.hasRoom) return "later";
      const firstOctet = ipv4 >>> 24;
      if (firstOctet >> 4 === 0xe || ipv4 === 0 || ipv4 === BROADCAST)
        return this.#refuse(undefined);
      lane.beginIpv4(ipv4 | 0, host);
      return "begun";
    }
    this.#lane6 ??= this.#open(6);
    const lane = this.#lane6;
    if (lane instanceof SystemError) return this.#refuse(lane);
    if (!lane.hasRoom) return "later";
    const words = this.#ipv6;
    if (this.#slot.ipv6[0] === 0xff || words.every((word) => word === 0))
      return this.#refuse(undefined);
    lane.beginIpv6(words, host);
    return "begun";
  }

  #open(family: Family): Lane | SystemError {
    const lane = this.#context.openLane(family);
    if (!(lane instanceof SystemError)) this.#lanes = [...this.#lanes, lane];
    return lane;
  }

  /**
   * The target in the slot cannot be probed at all: for that reason, or because it is no single
   * host.
   */
  #refuse(reason: SystemError | undefined): "refused" {
    this.#tally.hosts += 1;
    this.#tally.sendErrors += 1;
    const { run, all } = this.#context;
    if (!all || !run.isIterated) return "refused";
    const { family, ipv4, ipv6, host } = this.#slot;
    const addr = family === 4 ? formatIpv4Number(ipv4) : formatAddress(ipv6);
    run.emit({
      kind: "sendError",
      addr,
      target: host,
      attempts: 0,
      error: reason?.code ?? "EACCES",
      message: reason?.message ?? `${addr} is no single host: a sweep does not probe it`,
    });
    return "refused";
  }

  #fail(): void {
    const { failure } = this.#slot;
    if (failure === null) return;
    this.#tally.addFailure(failure);
    const { run, all } = this.#context;
    if (all) run.emit(failure);
  }

  /** Goes on when there are more targets, or the sweep is over. */
  async #awaitTargets(): Promise<void> {
    const { targets, run } = this.#context;
    try {
      await targets.ready(run.signal);
    } catch (error) {
      // An abort ends the sweep by itself.
      if (!run.signal.aborted) this.#completion.fail(error);
      return;
    }
    if (this.#completion.isOver) return;
    this.#targets = "more";
    this.#turn();
  }

  /** How long until there is something to do. */
  #delayNs(nowNs: number): number {
    let nextNs = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) nextNs = Math.min(nextNs, lane.nextDeadlineNs());
    if (this.#isPaused) return Math.max(0, nextNs - nowNs);
    if (this.#busyUntilNs > nowNs) return Math.max(0, Math.min(nextNs, this.#busyUntilNs) - nowNs);
    for (const lane of this.#lanes)
      if (lane.nextTryNs > nowNs) nextNs = Math.min(nextNs, lane.nextTryNs);
    if (this.#hasWork(nowNs)) nextNs = Math.min(nextNs, nowNs + this.#pacer.delayNs(nowNs));
    else if (this.#isAhead || this.#targets === "more")
      nextNs = Math.min(nextNs, nowNs + BACKLOG_WAIT_NS);
    return Math.max(0, nextNs - nowNs);
  }

  /** Whether there is something to send as soon as the rate allows. */
  #hasWork(nowNs: number): boolean {
    if (this.#lanes.some((lane) => lane.hasRetries || lane.nextTryNs <= nowNs)) return true;
    if (this.#context.run.backlog > MAX_BACKLOG) return false;
    if (!this.#isAhead) return this.#targets === "more";
    const lane = this.#slot.family === 4 ? this.#lane4 : this.#lane6;
    return lane === undefined || lane instanceof SystemError || lane.hasRoom;
  }

  #scheduleTurn(delayNs: number): void {
    // A signal for each arrival costs some 5 us: while turns come in quick succession they read
    // what has arrived anyway.
    const onReady = delayNs > WATCH_FROM_NS ? () => this.#turn() : undefined;
    for (const lane of this.#lanes) lane.wire.watch(onReady);
    if (delayNs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#clock.schedule(delayNs, () => this.#turn());
  }
}

/** Whether there may be more than it takes. */
function read(lane: Lane, nowNs: number): boolean {
  return lane.read(nowNs);
}

/** Sends what is staged; whether some of it has to wait. */
function flush(lane: Lane): boolean {
  return !lane.flush();
}
