import { isSameHost } from "../../packet/address.ts";
import type { ProbeStream } from "../probing/probe-stream.ts";
import type {
  EchoIcmpErrorResult,
  EchoResult,
  MtrResult,
  MtrRound,
  MtrStatistics,
  PathEnd,
} from "../results/results.ts";
import { isDecisive, isTransit, isVerifiedAnswer } from "../results/verdicts.ts";
import type { Destination } from "../run/destinations.ts";
import { type Gate, heedGate, type Pausable } from "../run/gate.ts";
import type { MtrSettings } from "../run/options.ts";
import type { NameOf, Publisher } from "../run/publisher.ts";
import {
  Completion,
  knownNames,
  onAbort,
  openPublisher,
  REFUSAL_PAUSE_NS,
  type RunContext,
  repeatingPace,
} from "../run/run-context.ts";
import type { Clock } from "../time/clock.ts";
import type { Pace, ScheduleAt } from "../time/pace.ts";
import { type HopRecord, HopTable } from "./hop-record.ts";

/**
 * Measures every hop on the way to a target, round after round.
 *
 * 1. A round sends one probe to each hop: up to the hop where the target answers (or somebody
 *    answers that it cannot be reached) once that is known, else up to `gapLimit` hops beyond the
 *    last that ever answered, and `maxHops`. Answers that come during the round extend it.
 * 2. Rounds begin at multiples of the interval, whether or not the one before is decided; with
 *    interval 0 when it is, or 10 ms later if the system refused to send.
 * 3. A round is published once all of its probes are decided, rounds in order. Its figures are of
 *    all probes so far: those still in flight are in `sent` and `inFlight`, not in the loss.
 * 4. When the target answers nearer than before, the hops beyond it are dropped. When somebody
 *    answers that it cannot be reached, the hops beyond are left out, and return with their figures
 *    when the path goes on. It goes on when a router answers "time exceeded" where it used to end.
 * 5. An unverified error of a router extends the round at once, and counts at the timeout, if
 *    nothing better has come. One that would end the path does so only if nobody beyond has given a
 *    verified answer in this round or the one before.
 * 6. Any answer in time counts as received: a router that answers "time exceeded" was asked for
 *    just that.
 * 7. A pause may cut a round short. On resuming, the rest of that round leaves at once, or a new
 *    round if there is no rest. The next round begins an interval later. The search for the end of
 *    the path begins again, since the path may have changed meanwhile.
 */
export async function mtr(
  context: RunContext<MtrRound, MtrStatistics>,
  target: Destination,
  settings: MtrSettings,
): Promise<MtrResult> {
  const publisher = openPublisher(context, settings);
  const tracker = new Tracker(target, settings, {
    clock: context.clock,
    gate: context.gate,
    pace: repeatingPace(context, settings),
    publisher,
  });
  const nameOf = knownNames(context, settings);
  context.showStatistics(() => tracker.statistics(nameOf));
  const forgetGate = heedGate(context.gate, tracker);
  const forgetAbort = onAbort(context.signal, () => tracker.stop());
  try {
    tracker.start();
    await tracker.completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    forgetGate();
    tracker.stop();
  }
  return { ...tracker.state(tracker.roundsDecided, nameOf), rounds: tracker.roundsDecided };
}

/** The statistics of an mtr that has not begun. */
export function emptyMtr(target: string): MtrStatistics {
  const nobody = { resolved: null, family: null };
  return { target, ...nobody, rounds: 0, hops: [], reached: false, end: null };
}

/** A round whose probes are not all decided. */
interface OpenRound {
  readonly number: number;
  undecided: number;
  /** Whether all of its probes have been sent. */
  isSent: boolean;
}

/** What a {@link Tracker} works with. */
interface TrackerOptions {
  readonly clock: Clock;
  readonly gate: Gate;
  readonly pace: Pace;
  readonly publisher: Publisher<MtrRound>;
}

class Tracker implements Pausable {
  readonly completion: Completion = new Completion();
  roundsDecided = 0;
  readonly #target: Destination;
  readonly #settings: MtrSettings;
  readonly #clock: Clock;
  readonly #gate: Gate;
  readonly #scheduleAt: ScheduleAt;
  readonly #publisher: Publisher<MtrRound>;
  readonly #stream: ProbeStream;
  readonly #hops = new HopTable();
  /** The undecided probes, by number. */
  readonly #undecided = new Map<number, { readonly round: OpenRound; readonly hop: HopRecord }>();
  #openRounds: OpenRound[] = [];
  #current: OpenRound | undefined;
  #nextTtl = 0;
  #roundsBegun = 0;
  #roundAtNs = 0;
  /** Where the path ends, as far as is known. */
  #end: PathEnd | null = null;
  #reached = false;
  /** The greatest TTL at which somebody answered. */
  #farthest = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(
    target: Destination,
    settings: MtrSettings,
    { clock, gate, pace, publisher }: TrackerOptions,
  ) {
    this.#target = target;
    this.#settings = settings;
    this.#clock = clock;
    this.#gate = gate;
    this.#scheduleAt = pace.scheduleAt;
    this.#publisher = publisher;
    this.#farthest = settings.firstTtl - 1;
    this.#stream = target.openStream({
      patienceNs: pace.patienceNs,
      onResult: (result) => this.#onResult(result),
      onProvisional: (result) => this.#onProvisional(result),
      onCorrupt: () => {},
      onFailure: (error) => this.completion.fail(error),
    });
  }

  start(): void {
    if (this.completion.isOver) return;
    this.#roundAtNs = this.#clock.monotonicNs();
    if (!this.#gate.isPaused) this.#beginRound();
  }

  pause(): void {
    this.#cancelTimer?.();
    this.#stream.isPaused = true;
  }

  resume(): void {
    this.#cancelTimer?.();
    this.#stream.isPaused = false;
    this.#forgetEnd();
    this.completion.guard(() => this.#goOn());
  }

  /** Sends the rest of the round that the pause cut short, or else a new round. */
  #goOn(): void {
    const { count, intervalNs } = this.#settings;
    const ttl = this.#nextTtl;
    this.#extend();
    const wasCutShort = this.#nextTtl > ttl;
    this.#roundAtNs = this.#clock.monotonicNs();
    if (wasCutShort) this.#scheduleRound();
    else if (intervalNs === 0 ? this.#openRounds.length === 0 : this.#roundsBegun < count) {
      this.#beginRound();
    }
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#stream.close();
    this.completion.finish();
  }

  /** How things stand after a round. */
  state(round: number, nameOf: NameOf): MtrRound {
    const hops = this.#hops.snapshot(nameOf);
    return {
      round,
      target: this.#target.host,
      resolved: this.#target.address,
      family: this.#target.family,
      hops,
      reached: this.#reached,
      end: this.#end,
      [Symbol.iterator]: () => hops[Symbol.iterator](),
    };
  }

  /** How things stand now. */
  statistics(nameOf: NameOf): MtrStatistics {
    const { host: target, address: resolved, family } = this.#target;
    const hops = this.#hops.snapshot(nameOf);
    const rounds = this.roundsDecided;
    return { target, resolved, family, rounds, hops, reached: this.#reached, end: this.#end };
  }

  #beginRound(): void {
    // What was left out of the round before stays out: its place in time is over.
    if (this.#current !== undefined) this.#current.isSent = true;
    this.#roundsBegun += 1;
    const round: OpenRound = { number: this.#roundsBegun, undecided: 0, isSent: false };
    this.#openRounds.push(round);
    this.#current = round;
    this.#nextTtl = this.#settings.firstTtl;
    this.#extend();
    this.#scheduleRound();
  }

  #scheduleRound(): void {
    const { count, intervalNs } = this.#settings;
    if (intervalNs === 0 || this.#roundsBegun >= count) return;
    const nowNs = this.#clock.monotonicNs();
    const nextAtNs = this.#roundAtNs + intervalNs;
    // After a delay of more than a round, the schedule restarts: no burst of missed rounds.
    this.#roundAtNs = nowNs - nextAtNs > intervalNs ? nowNs + intervalNs : nextAtNs;
    this.#cancelTimer = this.#scheduleAt(this.#roundAtNs, () => this.#beginRound());
  }

  get #limit(): number {
    const { maxHops, gapLimit } = this.#settings;
    return this.#end?.ttl ?? Math.min(maxHops, this.#farthest + gapLimit);
  }

  /** Sends what the current round may send by now. */
  #extend(): void {
    const round = this.#current;
    if (round === undefined || round.isSent || this.completion.isOver || this.#gate.isPaused)
      return;
    while (this.#nextTtl <= this.#limit) {
      const ttl = this.#nextTtl;
      this.#nextTtl += 1;
      round.undecided += 1;
      const hop = this.#hops.at(ttl);
      hop.statistics.addSent();
      this.#undecided.set(this.#stream.send(ttl), { round, hop });
    }
    if (this.#nextTtl > this.#settings.maxHops || this.#end !== null) round.isSent = true;
  }

  /** Whether the pause keeps the current round from probing further hops. */
  get #isCutShort(): boolean {
    return this.#gate.isPaused && !this.#current?.isSent && this.#nextTtl <= this.#limit;
  }

  #onResult(result: EchoResult): void {
    const { ttl, number } = result.request;
    const isDecided = isDecisive(result);
    // The record that counted the probe as sent, even if another one has taken its place since.
    const hop = this.#undecided.get(number)?.hop ?? this.#hops.get(ttl);
    // Answers that arrived together with the one that showed the end do not count beyond it.
    if (isDecided && this.#end !== null && ttl > this.#end.ttl) hop?.statistics.removeSent();
    else hop?.record(result);
    if (result.reply !== null) this.#publisher.anticipate(result.reply.addr);
    if (isDecided) {
      const round = this.#settle(number);
      if (result.reply !== null) this.#learn(result, { ttl, round });
    }
    // Last, so that the callback finds the result in the statistics.
    const { onResult } = this.#settings;
    if (onResult !== undefined) this.completion.guard(() => onResult(result));
    if (!isDecided) return;
    this.#extend();
    this.#closeRounds(result);
  }

  #onProvisional(result: EchoIcmpErrorResult): void {
    const { onProvisional } = this.#settings;
    if (onProvisional !== undefined) this.completion.guard(() => onProvisional(result));
    this.#publisher.anticipate(result.reply.addr);
    if (!isTransit(result)) return;
    this.#farthest = Math.max(this.#farthest, result.request.ttl);
    this.#extend();
  }

  /** Learns from an answer to a probe of a round where the path ends. */
  #learn(
    result: EchoResult,
    { ttl, round }: { readonly ttl: number; readonly round: number },
  ): void {
    const isVerified = isVerifiedAnswer(result);
    const hop = this.#hops.get(ttl);
    if (isVerified && hop !== undefined) hop.verifiedRound = Math.max(hop.verifiedRound, round);
    if (isTransit(result)) {
      if (hop !== undefined) hop.isOnPath = true;
      this.#farthest = Math.max(this.#farthest, ttl);
      if (this.#end !== null && ttl >= this.#end.ttl) this.#forgetEnd();
      return;
    }
    if (!isVerified && this.#isProvenBeyond(ttl, round - 1)) return;
    const from = result.reply?.addr ?? "";
    const isTarget = result.kind === "reply" || isSameHost(from, this.#target.address);
    if (isTarget) this.#reached = true;
    if (isTarget && hop !== undefined) hop.isOnPath = true;
    const reason = isTarget ? "target" : "unreachable";
    const end = this.#end;
    const isNews = end?.ttl === ttl ? isVerified && reason !== end.reason : ttl < (end?.ttl ?? 256);
    if (isNews) this.#endAt({ ttl, reason });
  }

  #forgetEnd(): void {
    this.#end = null;
    this.#hops.lastTtl = Number.POSITIVE_INFINITY;
  }

  #endAt(end: PathEnd): void {
    const { ttl } = end;
    this.#end = end;
    this.#farthest = ttl;
    this.#hops.lastTtl = ttl;
    for (const number of this.#stream.dropBeyond(ttl)) {
      this.#undecided.get(number)?.hop.statistics.removeSent();
      this.#settle(number);
    }
    // Hops that somebody else cuts off keep their figures for when the path goes on.
    const isTarget = end.reason === "target";
    this.#hops.dropBeyond(isTarget ? ttl : Math.max(ttl, this.#hops.lastOnPath));
  }

  /** Whether somebody farther away has given a verified answer in that round, or a later one. */
  #isProvenBeyond(ttl: number, round: number): boolean {
    for (const [hopTtl, { verifiedRound }] of this.#hops) {
      if (hopTtl > ttl && verifiedRound >= round) return true;
    }
    return false;
  }

  /** Takes a probe off its round, and returns the number of that; 0 if it has none. */
  #settle(number: number): number {
    const probe = this.#undecided.get(number);
    if (probe === undefined) return 0;
    this.#undecided.delete(number);
    probe.round.undecided -= 1;
    return probe.round.number;
  }

  /** Publishes the rounds that `last` decided. */
  #closeRounds(last: EchoResult): void {
    for (;;) {
      const [round] = this.#openRounds;
      if (round === undefined || round.undecided > 0) return;
      if (round === this.#current && this.#isCutShort) return;
      this.#openRounds.shift();
      this.roundsDecided = round.number;
      this.#publishRound(round.number);
      if (round === this.#current) round.isSent = true;
      if (round.number >= this.#settings.count) {
        this.stop();
        return;
      }
      if (this.#settings.intervalNs > 0 || this.completion.isOver || this.#gate.isPaused) continue;
      if (last.kind !== "sendError") this.#beginRound();
      else this.#cancelTimer = this.#clock.schedule(REFUSAL_PAUSE_NS, () => this.#beginRound());
    }
  }

  #publishRound(round: number): void {
    // The figures are those of now; only the names may have to wait.
    const state = this.state(round, () => null);
    this.#publisher.publish(this.#hops.addresses, (nameOf) => withNames(state, nameOf));
  }
}

function withNames(round: MtrRound, nameOf: NameOf): MtrRound {
  const hops = round.hops.map((hop) => ({
    ...hop,
    hostname: hop.addr === null ? null : nameOf(hop.addr),
    addresses: hop.addresses.map((address) => ({ ...address, hostname: nameOf(address.addr) })),
  }));
  return { ...round, hops, [Symbol.iterator]: () => hops[Symbol.iterator]() };
}
