import type { Clock } from "./clock.ts";
import { recordEcho } from "./echo-statistics.ts";
import type { PingSettings } from "./options.ts";
import type { ProbeStream } from "./probe-stream.ts";
import { type Publisher, respondersOf, withName } from "./publisher.ts";
import type { EchoResult } from "./results.ts";
import { type Completion, isDecisive, REFUSAL_PAUSE_NS, type Target } from "./run-context.ts";
import { Statistics } from "./statistics.ts";

/** A pinger further behind its schedule than this does not catch up: probes it could not send are not sent in a burst. */
const CATCH_UP_NS = 50_000_000;

/** What a {@link Pinger} works with. */
export interface PingerOptions {
  readonly target: Target;
  readonly settings: PingSettings;
  readonly clock: Clock;
  readonly completion: Completion;
  /** Publishes every result. */
  readonly publisher: Publisher<EchoResult>;
  /** Called once all probes are decided. */
  onDone(): void;
}

/**
 * Repeats probes to one target.
 *
 * 1. Probes leave at multiples of the interval, whatever becomes of them. Only after a delay of over 50 ms (or one
 *    interval, if longer) does the schedule start anew, so that the missed ones do not leave as a burst.
 * 2. With interval 0, the next probe leaves when the one before is decided, or 10 ms after the system refused to send it.
 * 3. It is done when `count` probes are decided. Late and duplicate answers are published until then.
 * 4. An ICMP error counts as loss: the target did not answer.
 */
export class Pinger {
  readonly statistics: Statistics = new Statistics();
  readonly results: EchoResult[] = [];
  readonly #options: PingerOptions;
  readonly #stream: ProbeStream;
  #sent = 0;
  #decided = 0;
  #nextAtNs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: PingerOptions) {
    this.#options = options;
    this.#stream = options.target.openStream({
      onResult: (result) => this.#onResult(result),
      onCorrupt: () => this.statistics.addCorrupt(),
    });
  }

  /** Sends the first probe now. */
  start(): void {
    this.#nextAtNs = this.#options.clock.monotonicNs();
    this.#send();
  }

  /** Sends and hears nothing more. */
  stop(): void {
    this.#cancelTimer?.();
    this.#stream.close();
  }

  #send(): void {
    const { clock, completion, settings } = this.#options;
    // A callback of the caller's may have ended the run a moment ago.
    if (completion.isOver) return;
    this.#sent += 1;
    this.statistics.addSent();
    this.#stream.send(settings.ttl);
    if (settings.intervalNs === 0 || this.#sent >= settings.count) return;
    const nowNs = clock.monotonicNs();
    const nextAtNs = this.#nextAtNs + settings.intervalNs;
    const isFarBehind = nowNs - nextAtNs > Math.max(settings.intervalNs, CATCH_UP_NS);
    this.#nextAtNs = isFarBehind ? nowNs + settings.intervalNs : nextAtNs;
    this.#cancelTimer = clock.schedule(Math.max(0, this.#nextAtNs - nowNs), () => this.#send());
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
