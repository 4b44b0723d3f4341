import { isSameHost } from "../../packet/address.ts";
import type { ProbeStream } from "../probing/probe-stream.ts";
import type { EchoIcmpErrorResult, EchoResult, MtrResult, MtrRound } from "../results/results.ts";
import { isDecisive, isTransit, isVerifiedAnswer } from "../results/verdicts.ts";
import type { Destination } from "../run/destinations.ts";
import type { MtrSettings } from "../run/options.ts";
import type { NameOf, Publisher } from "../run/publisher.ts";
import {
  Completion,
  onAbort,
  openPublisher,
  REFUSAL_PAUSE_NS,
  type RunContext,
  repeatingPace,
} from "../run/run-context.ts";
import type { Clock } from "../time/clock.ts";
import type { Pace, ScheduleAt } from "../time/pace.ts";
import { HopRecord } from "./hop-record.ts";

/**
 * Measures every hop on the way to a target, round after round.
 *
 * 1. A round sends one probe to each hop: up to the hop where the target answers (or somebody answers that it cannot be
 *    reached) once that is known, else up to `gapLimit` hops beyond the last that ever answered, and `maxHops`.
 *    Answers that come during the round extend it.
 * 2. Rounds begin at multiples of the interval, whether or not the one before is decided; with interval 0 when it is, or
 *    10 ms later if the system refused to send.
 * 3. A round is published once all of its probes are decided, rounds in order. Its figures are of all probes so far:
 *    those still in flight are in `sent` and `inFlight`, not in the loss.
 * 4. When the target answers nearer than before, the hops beyond it are dropped. When a router answers "time exceeded"
 *    where the target used to, the path has grown, and the search goes on.
 * 5. An unverified error of a router extends the round at once, and counts at the timeout, if nothing better has come. One that
 *    would end the path does so only if nobody beyond has given a verified answer in this round or the one before.
 * 6. Any answer in time counts as received: a router that answers "time exceeded" was asked for just that.
 */
export async function mtr(
  context: RunContext<MtrRound>,
  target: Destination,
  settings: MtrSettings,
): Promise<MtrResult> {
  const publisher = openPublisher(context, settings);
  const tracker = new Tracker(target, settings, {
    clock: context.clock,
    pace: repeatingPace(context, settings),
    publisher,
  });
  const forgetAbort = onAbort(context.signal, () => tracker.stop());
  try {
    tracker.start();
    await tracker.completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    tracker.stop();
  }
  const nameOf = (address: string) =>
    settings.resolveDns ? (context.resolver.cachedName(address) ?? null) : null;
  return { ...tracker.state(tracker.roundsDecided, nameOf), rounds: tracker.roundsDecided };
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
  readonly pace: Pace;
  readonly publisher: Publisher<MtrRound>;
}

class Tracker {
  readonly completion: Completion = new Completion();
  roundsDecided = 0;
  readonly #target: Destination;
  readonly #settings: MtrSettings;
  readonly #clock: Clock;
  readonly #scheduleAt: ScheduleAt;
  readonly #publisher: Publisher<MtrRound>;
  readonly #stream: ProbeStream;
  readonly #hops = new Map<number, HopRecord>();
  /** Round of each undecided probe, by its number. */
  readonly #roundOf = new Map<number, OpenRound>();
  #openRounds: OpenRound[] = [];
  #current: OpenRound | undefined;
  #nextTtl = 0;
  #roundsBegun = 0;
  #roundAtNs = 0;
  /** TTL at which the path ends, as far as is known. */
  #distance: number | undefined;
  #reached = false;
  /** The greatest TTL at which somebody answered. */
  #farthest = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(
    target: Destination,
    settings: MtrSettings,
    { clock, pace, publisher }: TrackerOptions,
  ) {
    this.#target = target;
    this.#settings = settings;
    this.#clock = clock;
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
    this.#beginRound();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#stream.close();
    this.completion.finish();
  }

  /** How things stand after a round. */
  state(round: number, nameOf: NameOf): MtrRound {
    const hops = Array.from(this.#hops)
      .sort(([a], [b]) => a - b)
      .map(([ttl, hop]) => hop.snapshot(ttl, nameOf));
    return {
      round,
      target: this.#target.host,
      resolved: this.#target.address,
      family: this.#target.family,
      hops,
      reached: this.#reached,
      [Symbol.iterator]: () => hops[Symbol.iterator](),
    };
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
    // After a delay of more than a round, the schedule starts anew: no burst of missed rounds.
    this.#roundAtNs = nowNs - nextAtNs > intervalNs ? nowNs + intervalNs : nextAtNs;
    this.#cancelTimer = this.#scheduleAt(this.#roundAtNs, () => this.#beginRound());
  }

  get #limit(): number {
    const { maxHops, gapLimit } = this.#settings;
    return this.#distance ?? Math.min(maxHops, this.#farthest + gapLimit);
  }

  /** Sends what the current round may send by now. */
  #extend(): void {
    const round = this.#current;
    if (round === undefined || round.isSent || this.completion.isOver) return;
    while (this.#nextTtl <= this.#limit) {
      const ttl = this.#nextTtl;
      this.#nextTtl += 1;
      round.undecided += 1;
      this.#hop(ttl).statistics.addSent();
      this.#roundOf.set(this.#stream.send(ttl), round);
    }
    if (this.#nextTtl > this.#settings.maxHops || this.#distance !== undefined) round.isSent = true;
  }

  #hop(ttl: number): HopRecord {
    let hop = this.#hops.get(ttl);
    if (hop === undefined) {
      hop = new HopRecord();
      this.#hops.set(ttl, hop);
    }
    return hop;
  }

  #onResult(result: EchoResult): void {
    const { onResult } = this.#settings;
    if (onResult !== undefined) this.completion.guard(() => onResult(result));
    const { ttl, number } = result.request;
    this.#hops.get(ttl)?.record(result);
    if (result.reply !== null) this.#publisher.anticipate(result.reply.addr);
    if (!isDecisive(result)) return;
    const round = this.#settle(number);
    if (result.reply !== null) this.#learn(result, { ttl, round });
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
      this.#farthest = Math.max(this.#farthest, ttl);
      if (this.#distance !== undefined && ttl >= this.#distance) this.#distance = undefined;
      return;
    }
    if (!isVerified && this.#isProvenBeyond(ttl, round - 1)) return;
    const from = result.reply?.addr ?? "";
    if (result.kind === "reply" || isSameHost(from, this.#target.address)) this.#reached = true;
    if (this.#distance !== undefined && ttl >= this.#distance) return;
    this.#distance = ttl;
    this.#farthest = ttl;
    for (const hopTtl of this.#hops.keys()) {
      if (hopTtl > ttl) this.#hops.delete(hopTtl);
    }
    for (const number of this.#stream.dropBeyond(ttl)) this.#settle(number);
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
    const round = this.#roundOf.get(number);
    if (round === undefined) return 0;
    this.#roundOf.delete(number);
    round.undecided -= 1;
    return round.number;
  }

  /** Publishes the rounds that `last` decided. */
  #closeRounds(last: EchoResult): void {
    for (;;) {
      const [round] = this.#openRounds;
      if (round === undefined || round.undecided > 0) return;
      this.#openRounds.shift();
      this.roundsDecided = round.number;
      this.#publishRound(round.number);
      if (round === this.#current) round.isSent = true;
      if (round.number >= this.#settings.count) {
        this.stop();
        return;
      }
      if (this.#settings.intervalNs > 0 || this.completion.isOver) continue;
      if (last.kind !== "sendError") this.#beginRound();
      else this.#cancelTimer = this.#clock.schedule(REFUSAL_PAUSE_NS, () => this.#beginRound());
    }
  }

  #publishRound(round: number): void {
    const addresses = Array.from(this.#hops.values()).flatMap((hop) => hop.addresses);
    // The figures are those of now; only the names may have to wait.
    const state = this.state(round, () => null);
    this.#publisher.publish(addresses, (nameOf) => withNames(state, nameOf));
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
