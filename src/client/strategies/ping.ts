import type { SystemError } from "../../errors.ts";
import type { ProbeStream } from "../probing/probe-stream.ts";
import { recordEcho } from "../results/echo-statistics.ts";
import type { EchoResult, PingResult } from "../results/results.ts";
import { Statistics, type StatisticsSnapshot } from "../results/statistics.ts";
import { isDecisive } from "../results/verdicts.ts";
import type { Destination } from "../run/destinations.ts";
import { type Gate, heedGate, type Pausable } from "../run/gate.ts";
import type { CommonSettings, PingSettings } from "../run/options.ts";
import { type Publisher, respondersOf, withName } from "../run/publisher.ts";
import {
  Completion,
  onAbort,
  openPublisher,
  REFUSAL_PAUSE_NS,
  type RunContext,
  repeatingPace,
} from "../run/run-context.ts";
import { type Clock, NS_PER_MS } from "../time/clock.ts";
import type { ScheduleAt } from "../time/pace.ts";

/**
 * A pinger further behind its schedule than this does not catch up: probes it could not send are
 * not sent in a burst.
 */
const CATCH_UP_NS = 50_000_000;

/** Probes a target `count` times. The rules are {@link Pinger}'s. */
export async function ping(
  context: RunContext<EchoResult, StatisticsSnapshot>,
  target: Destination,
  settings: PingSettings,
): Promise<PingResult> {
  const completion = new Completion();
  const publisher = openPublisher(context, settings);
  const { clock, gate } = context;
  const onDone = () => completion.finish();
  const pace = repeatingPace(context, settings);
  const pinger = new Pinger({
    ...{ target, settings, clock, gate, ...pace, completion, publisher },
    onDone,
    onFailure: (error) => completion.fail(error),
  });
  context.showStatistics(() => pinger.statistics.snapshot());
  const forgetGate = heedGate(gate, new PingerGroup(clock, () => [pinger]));
  const forgetAbort = onAbort(context.signal, onDone);
  try {
    if (!context.signal.aborted) pinger.start(clock.monotonicNs());
    await completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    forgetGate();
    pinger.stop();
  }
  const { results } = pinger;
  return {
    target: target.host,
    resolved: target.address,
    family: target.family,
    statistics: pinger.statistics.snapshot(),
    duration: pinger.duration,
    results,
    [Symbol.iterator]: () => results[Symbol.iterator](),
  };
}

/**
 * Probes a target once.
 *
 * @returns its result, or undefined when the run was stopped before there was one
 */
export async function probe(
  context: RunContext<EchoResult, StatisticsSnapshot>,
  target: Destination,
  settings: CommonSettings,
): Promise<EchoResult | undefined> {
  const { results } = await ping(context, target, { ...settings, count: 1, intervalNs: 0 });
  return results[0];
}

/** What a {@link Pinger} works with. */
export interface PingerOptions {
  readonly target: Destination;
  readonly settings: PingSettings;
  readonly clock: Clock;
  readonly gate: Gate;
  /** Wakes it for its next probe. */
  readonly scheduleAt: ScheduleAt;
  /** How long answers may wait to be read, at most; 0 for not at all. */
  readonly patienceNs: number;
  readonly completion: Completion;
  /** Publishes every result. */
  readonly publisher: Publisher<EchoResult>;
  /** Called once all probes are decided. */
  onDone(): void;
  /** The socket cannot be read any more: nothing else becomes known. */
  onFailure(error: SystemError): void;
}

/**
 * Repeats probes to one target.
 *
 * 1. Probes leave at multiples of the interval, whatever becomes of them. After a delay of over 50
 *    ms (or one interval, if longer) the missed ones are left out, so that they do not leave as a
 *    burst; the others keep the beat.
 * 2. With interval 0, the next probe leaves when the one before is decided, or 10 ms after the
 *    system refused to send it.
 * 3. It is done when `count` probes are decided. Late and duplicate answers are published until
 *    then.
 * 4. An ICMP error counts as loss: the target did not answer.
 * 5. After a pause the next probe leaves when {@link PingerGroup} says, and the others at multiples
 *    of the interval from then; with interval 0 at once, unless one is in flight.
 */
export class Pinger {
  readonly statistics: Statistics = new Statistics();
  readonly results: EchoResult[] = [];
  readonly #options: PingerOptions;
  readonly #stream: ProbeStream;
  #sent = 0;
  #decided = 0;
  #nextAtNs = 0;
  #firstSentNs = 0;
  #lastSentNs = 0;
  #pausedAtNs = 0;
  /** Time spent paused since the last probe. */
  #pausedNs = 0;
  #isStarted = false;
  #cancelTimer: (() => void) | undefined;
  readonly #guardedSend = (): void => this.#options.completion.guard(() => this.#send());

  constructor(options: PingerOptions) {
    this.#options = options;
    this.#stream = options.target.openStream({
      patienceNs: options.patienceNs,
      onResult: (result) => this.#onResult(result),
      onCorrupt: () => this.statistics.addCorrupt(),
      onFailure: (error) => options.onFailure(error),
    });
  }

  /**
   * Sends the first probe at `atNs` (monotonic), or now if that has passed. The others keep the
   * beat of `atNs`, unless the first is more than half an interval late: then that of the first.
   */
  start(atNs: number): void {
    const { clock, settings } = this.#options;
    const nowNs = clock.monotonicNs();
    this.#isStarted = true;
    this.#nextAtNs = nowNs - atNs > settings.intervalNs / 2 ? nowNs : atNs;
    if (atNs <= nowNs) this.#guardedSend();
    else this.#awaitTurn();
  }

  /** When (monotonic) its next probe is due; Infinity if none is, or if an answer decides that. */
  get nextAtNs(): number {
    const { count, intervalNs } = this.#options.settings;
    const isDue = this.#isStarted && intervalNs > 0 && this.#sent < count;
    return isDue ? this.#nextAtNs : Number.POSITIVE_INFINITY;
  }

  /** Sends nothing until `resume()`. */
  pause(): void {
    this.#cancelTimer?.();
    this.#stream.isPaused = true;
    this.#pausedAtNs = this.#options.clock.monotonicNs();
  }

  /** Goes on after a pause, with its beat put off by `delayNs`. */
  resume(delayNs: number): void {
    const { clock, settings } = this.#options;
    const nowNs = clock.monotonicNs();
    this.#cancelTimer?.();
    this.#stream.isPaused = false;
    this.#pausedNs += nowNs - this.#pausedAtNs;
    if (!this.#isStarted || this.#sent >= settings.count) return;
    if (settings.intervalNs === 0) {
      if (this.#sent === this.#decided) this.#guardedSend();
      return;
    }
    this.#nextAtNs += delayNs;
    if (this.#nextAtNs <= nowNs) this.#guardedSend();
    else this.#awaitTurn();
  }

  /** Milliseconds from the first probe to the last. */
  get duration(): number {
    return (this.#lastSentNs - this.#firstSentNs) / NS_PER_MS;
  }

  /** Sends and hears nothing more. */
  stop(): void {
    this.#cancelTimer?.();
    this.#stream.close();
  }

  #awaitTurn(): void {
    if (this.#options.gate.isPaused) return;
    this.#cancelTimer = this.#options.scheduleAt(this.#nextAtNs, this.#guardedSend);
  }

  #send(): void {
    const { clock, gate, completion, settings } = this.#options;
    // A callback of the caller's may have ended or paused the run a moment ago.
    if (completion.isOver || gate.isPaused) return;
    this.#sent += 1;
    this.statistics.addSent();
    this.#stream.send(settings.ttl);
    this.#lastSentNs = clock.monotonicNs();
    this.#firstSentNs = this.#sent === 1 ? this.#lastSentNs : this.#firstSentNs + this.#pausedNs;
    this.#pausedNs = 0;
    const { intervalNs } = settings;
    if (intervalNs === 0 || this.#sent >= settings.count) return;
    this.#nextAtNs += intervalNs;
    const behindNs = this.#lastSentNs - this.#nextAtNs;
    if (behindNs > Math.max(intervalNs, CATCH_UP_NS)) {
      this.#nextAtNs += Math.ceil(behindNs / intervalNs) * intervalNs;
    }
    this.#awaitTurn();
  }

  #onResult(result: EchoResult): void {
    const { settings, clock, completion, publisher, onDone } = this.#options;
    recordEcho(this.statistics, result);
    if (settings.onResult !== undefined) completion.guard(() => settings.onResult?.(result));
    publisher.publish(respondersOf(result), (nameOf) => {
      const named = withName(result, nameOf);
      if (Number.isFinite(settings.count)) this.results.push(named);
      return named;
    });
    if (!isDecisive(result)) return;
    this.#decided += 1;
    if (this.#decided === settings.count) {
      this.stop();
      onDone();
    } else if (settings.intervalNs === 0) {
      if (result.kind !== "sendError") this.#send();
      else this.#cancelTimer = clock.schedule(REFUSAL_PAUSE_NS, () => this.#send());
    }
  }
}

/**
 * The pingers of a run, paused and resumed together. On resuming, the next in turn sends at once,
 * and the others stay as far apart as they were: none catches up, and nothing leaves as a burst.
 */
export class PingerGroup implements Pausable {
  readonly #clock: Clock;
  readonly #pingers: () => readonly Pinger[];

  constructor(clock: Clock, pingers: () => readonly Pinger[]) {
    this.#clock = clock;
    this.#pingers = pingers;
  }

  pause(): void {
    for (const pinger of this.#pingers()) pinger.pause();
  }

  /** Returns by how much the beat of all pingers was put off. */
  resume(): number {
    const pingers = this.#pingers();
    const nextAtNs = pingers.reduce(
      (soonest, pinger) => Math.min(soonest, pinger.nextAtNs),
      Number.POSITIVE_INFINITY,
    );
    const delayNs = Number.isFinite(nextAtNs) ? this.#clock.monotonicNs() - nextAtNs : 0;
    for (const pinger of pingers) pinger.resume(delayNs);
    return delayNs;
  }
}
