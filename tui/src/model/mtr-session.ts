import {
  type EchoIcmpErrorResult,
  type EchoReplyResult,
  type EchoResult,
  EchoStatistics,
  formatMtr,
  isDecisive,
  isTransit,
  type Measurement,
  type MtrHop,
  type MtrRound,
  type StatisticsSnapshot,
} from "icmpx";
import { escapeText } from "icmpx/packet";
import { asAnswer, Hop } from "./hop.ts";
import { MtrEvents, type PathEnd } from "./mtr-events.ts";
import { RttHistory } from "./rtt-history.ts";
import {
  Follower,
  type Session,
  type SessionOptions,
  type SessionState,
  type TargetRow,
} from "./session.ts";

/** What to measure, times in milliseconds. */
export interface MtrRequest {
  readonly target: string;
  readonly interval: number;
  readonly timeout: number;
  readonly maxHops: number;
  /** Bytes of ICMP data. */
  readonly size: number;
}

/**
 * An mtr that can be paused, and goes on with the same figures. A pause ends the run of the library and going on begins
 * another one, so the figures are counted here, result by result, by the same rules: in a run that was never paused, and in
 * which no target that had answered became unreachable, they are those of the library's rounds.
 *
 * 1. Any answer in time counts as received at its hop.
 * 2. What is in flight is not counted, so a pause loses nothing.
 * 3. Hops beyond the target are dropped when it is known where that is, and each run finds it anew. Those beyond somebody who
 *    says that the target cannot be reached are out of sight until the path goes on, and then have their figures again.
 * 4. The figures of the target are those of the probes to the hop where it answered last, wherever that was. A round that
 *    ended before it, at somebody who cannot reach it, is a loss there: an outage must not look as if nothing had been.
 */
export class MtrSession implements Session {
  readonly kind = "mtr";
  readonly id: number;
  readonly title: string;
  readonly request: MtrRequest;
  readonly #options: SessionOptions;
  readonly #follower: Follower<MtrRound>;
  readonly #hops = new Map<number, Hop>();
  #ordered: readonly Hop[] | undefined;
  /** The run whose results count. */
  #run: Measurement<MtrRound, unknown> | undefined;
  #resolved: string | null = null;
  #family: 4 | 6 = 4;
  /** Rounds of which every probe is decided, since the figures are counted, and those of this run. */
  #roundsDecided = 0;
  #roundsOfRun = 0;
  #end: PathEnd | undefined;
  /** Where an unverified error of this round says that the path ends. */
  #doubtfulEnd: PathEnd | undefined;
  /** Where the target answered last. */
  #targetTtl: number | undefined;
  #target: TargetRecord = new TargetRecord();
  readonly #events: MtrEvents;
  #beganAt: number;

  constructor(request: MtrRequest, options: SessionOptions) {
    this.id = options.id;
    this.request = request;
    this.title = escapeText(request.target);
    this.#options = options;
    this.#follower = new Follower(options);
    this.#events = new MtrEvents((role, text) => this.#follower.note(role, text));
    this.#beganAt = options.now();
    this.#begin();
  }

  get state(): SessionState {
    return this.#follower.state;
  }

  get failure(): string | null {
    return this.#follower.failure;
  }

  /** Whether the last probe to the target was lost, or no hop is known to be it after a round. */
  get isDown(): boolean {
    if (this.#targetTtl === undefined) return this.#roundsDecided > 0;
    return this.#target.isLost || this.#isMissing;
  }

  get log(): Follower<MtrRound>["log"] {
    return this.#follower.log;
  }

  /** The address that is probed, safe to print, or null while the name is looked up. */
  get resolved(): string | null {
    return this.#resolved;
  }

  /** Rounds that are counted: each asks the first hop once. */
  get rounds(): number {
    return this.#hops.get(1)?.figures.sent ?? 0;
  }

  /** Milliseconds since 1970 when the counting began: the start, or the last reset. */
  get beganAt(): number {
    return this.#beganAt;
  }

  /** The TTL at which the target answers, or undefined while it does not. */
  get targetTtl(): number | undefined {
    return this.#targetTtl;
  }

  /** Whether somebody else than the target answered that the path ends. */
  get endsEarly(): boolean {
    return this.#end?.isTarget === false;
  }

  /** Every hop up to the farthest of which anything is known, in order. */
  get hops(): readonly Hop[] {
    if (this.#ordered === undefined) {
      const known = Math.max(0, ...this.#hops.keys());
      const farthest = this.#end === undefined ? known : Math.min(known, this.#end.ttl);
      this.#ordered = Array.from({ length: farthest }, (_, index) => {
        return this.#hops.get(index + 1) ?? new Hop(index + 1);
      });
    }
    return this.#ordered;
  }

  /** Sends nothing until it goes on. */
  pause(): void {
    if (this.state !== "running") return;
    this.#run = undefined;
    this.#follower.note("dim", "paused");
    this.#follower.stop("paused");
  }

  /** Goes on after a pause. */
  goOn(): void {
    if (this.state !== "paused") return;
    this.#follower.note("dim", "going on");
    this.#begin();
    this.#options.onChange();
  }

  /** Counts anew. What is known of the path stays. */
  reset(): void {
    this.#hops.clear();
    this.#ordered = undefined;
    this.#roundsDecided = 0;
    this.#target = new TargetRecord();
    this.#beganAt = this.#options.now();
    this.#follower.note("dim", "figures reset");
    this.#options.onChange();
  }

  stop(): void {
    this.#run = undefined;
    this.#follower.stop();
  }

  targets(): readonly TargetRow[] {
    const { isDown } = this;
    const common = { label: this.title, address: this.#resolved, isDown };
    const { length } = this.hops;
    if (this.#targetTtl === undefined) {
      // Nobody knows which hop would be the target: each round asked it once, and had no answer.
      const nothing = { received: 0, last: null, mean: null, best: null, worst: null };
      const figures = { sent: this.#roundsDecided, loss: isDown ? 1 : null, ...nothing };
      const { history } = this.#target;
      return [{ ...common, ...figures, history, note: isDown ? "not reached" : "" }];
    }
    const { history } = this.#target;
    const { sent, received, loss, last, mean, min, max } = this.#target.figures;
    const note = this.#isMissing ? "not reached" : length === 1 ? "1 hop" : `${length} hops`;
    const figures = { sent, received, loss, last, mean, best: min, worst: max };
    return [{ ...common, ...figures, history, note }];
  }

  report(): string {
    const { target, interval, size } = this.request;
    const rounds = this.rounds === 1 ? "1 round" : `${this.rounds} rounds`;
    const heading = `${new Date(this.#beganAt).toISOString()}, ${rounds}, one every ${interval / 1000} s, ${size} bytes`;
    const hops = this.hops.map((hop) => hop.toMtrHop());
    const state: MtrRound = {
      round: this.rounds,
      target,
      resolved: this.#resolved ?? target,
      family: this.#family,
      hops,
      reached: this.#targetTtl !== undefined,
      end: null,
      [Symbol.iterator]: () => hops[Symbol.iterator](),
    };
    return `${heading}\n${formatMtr(state)}`;
  }

  /** Whether a target that was reached is not any more. */
  get #isMissing(): boolean {
    return this.#end?.isTarget !== true && this.#roundsOfRun > 0;
  }

  #begin(): void {
    // The path may have changed meanwhile.
    this.#end = undefined;
    this.#ordered = undefined;
    this.#roundsOfRun = 0;
    const { target, ...request } = this.request;
    const begin = (): Measurement<MtrRound, unknown> => {
      const run = this.#options.client.mtr(target, {
        ...request,
        count: Number.POSITIVE_INFINITY,
        resolveDns: true,
        onResult: (result) => {
          if (this.#run === run) this.#onResult(result);
        },
        onProvisional: (result) => {
          if (this.#run === run) this.#onProvisional(result);
        },
      });
      this.#run = run;
      return run;
    };
    this.#follower.follow(begin, (round) => this.#onRound(round));
  }

  #onRound({ resolved, hops }: MtrRound): void {
    this.#resolved = escapeText(resolved);
    this.#roundsDecided += 1;
    this.#roundsOfRun += 1;
    for (const { ttl, addresses } of hops) this.#hops.get(ttl)?.learnNames(addresses);
    // The library knows whether an unverified error ends the path.
    if (
      this.#doubtfulEnd !== undefined &&
      hops.every(({ ttl }) => ttl <= (this.#doubtfulEnd?.ttl ?? 0))
    )
      this.#endAt(this.#doubtfulEnd);
    this.#doubtfulEnd = undefined;
    // Not before: of the first probes, those that went farther than need be may be answered first.
    if (this.#end !== undefined) this.#events.ended(this.#end);
    if (this.#end?.isTarget === false) this.#missTarget(hops, this.#end);
  }

  /** Who answers is shown at once; what it means is told by the result. */
  #onProvisional({ request: { ttl }, reply }: EchoIcmpErrorResult): void {
    if (this.#end !== undefined && ttl > this.#end.ttl) return;
    this.#hop(ttl).foresee(reply.addr);
    this.#options.onChange();
  }

  #onResult(result: EchoResult): void {
    const { ttl, addr } = result.request;
    if (this.#resolved === null) {
      this.#resolved = escapeText(addr);
      this.#family = addr.includes(":") ? 6 : 4;
    }
    const decides = isDecisive(result);
    // A probe beyond the end may be answered together with the one that showed where the end is.
    const isBeyond = this.#end !== undefined && ttl > this.#end.ttl;
    const hop = !decides ? this.#hops.get(ttl) : isBeyond ? undefined : this.#hop(ttl);
    if (hop === undefined) {
      if (decides && result.reply !== null) this.#learn(result, ttl);
      return;
    }
    const { last, sameInARow, lostInARow } = hop;
    hop.record(result);
    if (decides) {
      if (result.reply !== null) this.#learn(result, ttl);
      this.#events.decided(result, hop, { last, sameInARow, lostInARow });
    }
    if (ttl === this.#targetTtl && !isTransit(result)) this.#target.record(result);
    this.#options.onChange();
  }

  #hop(ttl: number): Hop {
    let hop = this.#hops.get(ttl);
    if (hop === undefined) {
      hop = new Hop(ttl);
      this.#hops.set(ttl, hop);
      this.#ordered = undefined;
    }
    return hop;
  }

  /** Learns from an answer where the path ends, by the rules of the library. */
  #learn(result: EchoResult, ttl: number): void {
    if (isTransit(result)) {
      if (this.#end !== undefined && ttl >= this.#end.ttl) {
        this.#events.grown(ttl);
        this.#end = undefined;
        this.#ordered = undefined;
      }
      return;
    }
    if (this.#end !== undefined && ttl > this.#end.ttl) return;
    const end = { ttl, isTarget: isFromTarget(result), result };
    if (result.kind === "icmpError" && result.unverified) this.#doubtfulEnd = end;
    else this.#endAt(end);
  }

  #endAt(end: PathEnd): void {
    const { ttl } = end;
    this.#end = end;
    this.#ordered = undefined;
    if (!end.isTarget) return;
    this.#targetTtl = ttl;
    for (const farther of this.#hops.keys()) {
      if (farther > ttl) this.#hops.delete(farther);
    }
  }

  /** Counts a round that ended before the target. */
  #missTarget(hops: readonly MtrHop[], { result }: PathEnd): void {
    const targetTtl = this.#targetTtl;
    if (targetTtl === undefined || hops.some(({ ttl }) => ttl >= targetTtl)) return;
    this.#target.record(result);
    this.#hop(targetTtl).miss(result);
  }
}

function isFromTarget(result: EchoResult): result is EchoReplyResult | EchoIcmpErrorResult {
  return (
    result.kind === "reply" ||
    (result.kind === "icmpError" && result.reply.addr === result.request.addr)
  );
}

/** What became of the probes to the target. */
class TargetRecord {
  readonly history: RttHistory = new RttHistory();
  /** Whether the last probe was lost. */
  isLost = false;
  readonly #statistics = new EchoStatistics();
  #figures: StatisticsSnapshot | undefined;

  get figures(): StatisticsSnapshot {
    this.#figures ??= this.#statistics.snapshot();
    return this.#figures;
  }

  record(result: EchoResult): void {
    this.#figures = undefined;
    const isAnswer = isFromTarget(result);
    this.#statistics.add(isAnswer ? asAnswer(result) : result);
    if (!isDecisive(result)) return;
    this.isLost = !isAnswer;
    this.history.add(isAnswer ? result.rtt : null);
  }
}
