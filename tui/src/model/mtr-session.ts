import {
  type EchoIcmpErrorResult,
  type EchoResult,
  EchoStatistics,
  formatMtr,
  isDecisive,
  isTransit,
  type MtrHop,
  type MtrRound,
  type MtrStatistics,
  type PathEnd,
  type StatisticsSnapshot,
} from "icmpx";
import { escapeText } from "icmpx/packet";
import { NO_FIGURES } from "./figures.ts";
import { Hop } from "./hop.ts";
import { MtrEvents } from "./mtr-events.ts";
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
 * An mtr that can be paused. Hops, figures and the end of the path are those of the library.
 *
 * 1. Any answer in time counts as received at its hop.
 * 2. What is in flight is not shown.
 * 3. A reset begins another run.
 * 4. The figures of the target are those of the probes to the hop where it answered last, wherever
 *    that was. A round that ended before it, at somebody who cannot reach it, is a loss there: an
 *    outage must not look as if nothing had been.
 */
export class MtrSession implements Session {
  readonly kind = "mtr";
  readonly id: number;
  readonly title: string;
  readonly request: MtrRequest;
  readonly #options: SessionOptions;
  readonly #follower: Follower<MtrRound, MtrStatistics>;
  /** What its run has measured. */
  #statistics: (() => MtrStatistics) | undefined;
  /** Those of which anything is known. */
  readonly #hops = new Map<number, Hop>();
  /** As it came. */
  #address: string | undefined;
  /**
   * Rounds of which every probe is decided, since the figures are counted, and since the last
   * pause.
   */
  #roundsDecided = 0;
  #roundsUnpaused = 0;
  /** Where the path ends, and the answer that said so. */
  #end: PathEnd | null = null;
  #endedBy: EchoResult | undefined;
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

  get log(): Follower<MtrRound, MtrStatistics>["log"] {
    return this.#follower.log;
  }

  /** The address that is probed, safe to print, or null while the name is looked up. */
  get resolved(): string | null {
    return this.#address === undefined ? null : escapeText(this.#address);
  }

  /** Rounds that are counted: each asks the first hop once. */
  get rounds(): number {
    return this.hops[0]?.figures.sent ?? 0;
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
    return this.#end?.reason === "unreachable";
  }

  /** Every hop up to the farthest of which anything is known, in order. */
  get hops(): readonly Hop[] {
    const hops = this.#statistics?.().hops ?? [];
    const farthest = Math.max(0, ...this.#hops.keys());
    return hops
      .filter(({ ttl }) => ttl <= farthest)
      .map((hop) => (this.#hops.get(hop.ttl) ?? new Hop(hop.ttl)).show(hop));
  }

  /** Sends nothing until it goes on. */
  pause(): void {
    this.#follower.pause();
  }

  /** Goes on after a pause. */
  goOn(): void {
    if (this.state !== "paused") return;
    // The library looks again where the path ends.
    this.#end = null;
    this.#roundsUnpaused = 0;
    this.#follower.goOn("going on");
  }

  /** Restarts the count. */
  reset(): void {
    this.#hops.clear();
    this.#statistics = undefined;
    this.#roundsDecided = 0;
    this.#target = new TargetRecord();
    this.#beganAt = this.#options.now();
    this.#follower.note("dim", "figures reset");
    if (!this.#follower.isOver) {
      this.#follower.clear();
      this.#begin();
    }
    this.#options.onChange();
  }

  stop(): void {
    this.#follower.stop();
  }

  targets(): readonly TargetRow[] {
    const { isDown } = this;
    const { history } = this.#target;
    const common = { label: this.title, address: this.resolved, history, isDown };
    const { length } = this.hops;
    if (this.#targetTtl === undefined) {
      // Nobody knows which hop would be the target: each round asked it once, and had no answer.
      const figures = { ...NO_FIGURES, sent: this.#roundsDecided, loss: isDown ? 1 : null };
      return [{ ...common, figures, note: isDown ? "not reached" : "" }];
    }
    const note = this.#isMissing ? "not reached" : length === 1 ? "1 hop" : `${length} hops`;
    return [{ ...common, figures: this.#target.figures, note }];
  }

  report(): string {
    const { target, interval, size } = this.request;
    const rounds = this.rounds === 1 ? "1 round" : `${this.rounds} rounds`;
    const heading = `${new Date(this.#beganAt).toISOString()}, ${rounds}, one every ${interval / 1000} s, ${size} bytes`;
    const hops = this.hops.map((hop) => hop.toMtrHop());
    const state: MtrRound = {
      round: this.rounds,
      target,
      resolved: this.resolved ?? target,
      family: this.#statistics?.().family ?? 4,
      hops,
      reached: this.#targetTtl !== undefined,
      end: this.#end,
      [Symbol.iterator]: () => hops[Symbol.iterator](),
    };
    return `${heading}\n${formatMtr(state)}`;
  }

  /** Whether a target that was reached is not any more. */
  get #isMissing(): boolean {
    return this.#end?.reason !== "target" && this.#roundsUnpaused > 0;
  }

  #begin(): void {
    this.#end = null;
    this.#roundsUnpaused = 0;
    const { target, ...request } = this.request;
    this.#statistics = this.#follower.begin(
      // Its name may not be found any more.
      this.#options.client.mtr(this.#address ?? target, {
        ...request,
        count: Number.POSITIVE_INFINITY,
        resolveDns: true,
        onResult: (result) => this.#onResult(result),
        onProvisional: (result) => this.#onProvisional(result),
      }),
      (round) => this.#onRound(round),
    );
  }

  #onRound({ resolved, hops }: MtrRound): void {
    this.#address = resolved;
    this.#roundsDecided += 1;
    this.#roundsUnpaused += 1;
    const end = this.#end;
    if (end === null) return;
    // Not before: of the first probes, those that went farther than need be may be answered first.
    this.#events.ended(end, { address: escapeText(resolved), hop: this.#hop(end.ttl) });
    if (end.reason === "unreachable") this.#missTarget(hops);
  }

  /** Who answers is shown at once; what it means is told by the result. */
  #onProvisional({ request: { ttl }, reply }: EchoIcmpErrorResult): void {
    if (this.#isBeyond(ttl)) return;
    this.#hop(ttl).foresee(reply.addr);
    this.#follower.changed();
  }

  #onResult(result: EchoResult): void {
    const { ttl, addr } = result.request;
    this.#address ??= addr;
    const decides = isDecisive(result);
    // A probe beyond the end may be answered together with the one that showed where the end is.
    const isBeyond = this.#isBeyond(ttl);
    // That of a router before the end is no news of it.
    const isNews = isBeyond || ttl === this.#end?.ttl || !isTransit(result);
    if (decides && result.reply !== null && isNews) this.#followEnd(result);
    const hop = decides && !isBeyond ? this.#hop(ttl) : this.#hops.get(ttl);
    if (hop !== undefined && !(decides && isBeyond)) this.#record(result, hop);
    this.#follower.changed();
  }

  #record(result: EchoResult, hop: Hop): void {
    const { last, sameInARow, lostInARow } = hop;
    const known = hop.addresses.length;
    hop.record(result);
    if (isDecisive(result))
      this.#events.decided(result, hop, { last, sameInARow, lostInARow, known });
    if (hop.ttl === this.#targetTtl && !isTransit(result)) this.#target.record(result);
  }

  #isBeyond(ttl: number): boolean {
    return this.#end !== null && ttl > this.#end.ttl;
  }

  #hop(ttl: number): Hop {
    let hop = this.#hops.get(ttl);
    if (hop === undefined) {
      hop = new Hop(ttl);
      this.#hops.set(ttl, hop);
    }
    return hop;
  }

  /** An answer may have shown the library where the path ends, or that it goes on. */
  #followEnd(result: EchoResult): void {
    const before = this.#end;
    this.#follower.changed();
    const end = this.#statistics?.().end ?? null;
    if (end?.ttl === before?.ttl && end?.reason === before?.reason) return;
    this.#end = end;
    this.#endedBy = result;
    if (before !== null && (end === null || end.ttl > before.ttl)) this.#events.grown(before.ttl);
    if (end?.reason !== "target") return;
    this.#targetTtl = end.ttl;
    for (const farther of this.#hops.keys()) if (farther > end.ttl) this.#hops.delete(farther);
  }

  /** Counts a round that ended before the target. */
  #missTarget(hops: readonly MtrHop[]): void {
    const targetTtl = this.#targetTtl;
    if (targetTtl === undefined || hops.some(({ ttl }) => ttl >= targetTtl)) return;
    if (this.#endedBy !== undefined) this.#target.record(this.#endedBy);
    this.#hop(targetTtl).miss();
  }
}

function isFromTarget(result: EchoResult): boolean {
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
    this.#statistics.add(isAnswer ? asReply(result) : result);
    if (!isDecisive(result)) return;
    this.isLost = !isAnswer;
    this.history.add(isAnswer ? result.rtt : null);
  }
}

/** An error that the target itself answers with as good as a reply. */
function asReply(result: EchoResult): EchoResult {
  if (result.kind !== "icmpError") return { ...result, reordered: false };
  const { icmpError, unverified, ...common } = result;
  return { ...common, kind: "reply", error: null, truncated: false, reordered: false };
}
