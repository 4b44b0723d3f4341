import type { Resolver } from "../names/resolver.ts";
import { type Clock, NS_PER_MS } from "../time/clock.ts";
import { type Pace, promptPace } from "../time/pace.ts";
import type { Gate } from "./gate.ts";
import type { CommonSettings } from "./options.ts";
import { type NameOf, Publisher } from "./publisher.ts";

/** What of the outside world a strategy may use. */
export interface RunServices {
  readonly clock: Clock;
  /** How runs that repeat probes keep time: see {@link repeatingPace}. */
  readonly pace: Pace;
  readonly resolver: Resolver;
}

/**
 * What a run is given: time, names, where to publish, and when to pause and to stop. It never sees
 * a socket.
 */
export interface RunContext<Item, Live = unknown> extends RunServices {
  /** While it is shut, the run sends nothing, and the time that passes does not count. */
  readonly gate: Gate;
  /** Makes `read` the source of the measurement's `statistics`, after the end of the run too. */
  showStatistics(read: () => Live): void;
  /** Publishes one item to every iterator. After the run has ended it does nothing. */
  emit(item: Item): void;
  /** Whether somebody sees what is emitted now. */
  readonly isIterated: boolean;
  /**
   * How many items the fastest iterator has not read; 0 while the result is awaited, since the run
   * must then go on.
   */
  readonly backlog: number;
  /**
   * Fires when the run must end early, whatever the reason: the consumer left or called `stop()`,
   * its signal was aborted, the client was closed. It may have fired before the run begins. The run
   * then sends nothing more and resolves with what it has.
   */
  readonly signal: AbortSignal;
}

/**
 * With more data than an Ethernet frame has room for, answers that wait may not fit the receive
 * queue: 416 KiB without privilege.
 */
const MAX_PATIENT_LENGTH = 1472;

/**
 * How a run that sends at intervals keeps time: as its client does, unless something must not wait.
 */
export function repeatingPace(
  { clock, pace }: Pick<RunContext<unknown>, "clock" | "pace">,
  { intervalNs, content }: Pick<CommonSettings, "content"> & { readonly intervalNs: number },
): Pace {
  const length = typeof content === "number" ? content : content.length;
  // Without an interval each answer is the cue for the next probe.
  return intervalNs === 0 || length > MAX_PATIENT_LENGTH ? promptPace(clock) : pace;
}

/** The publisher of a run, which waits for names only if the settings ask for them. */
export function openPublisher<Item>(
  context: RunContext<Item>,
  settings: CommonSettings,
): Publisher<Item> {
  return new Publisher({
    emit: (item) => context.emit(item),
    resolver: settings.resolveDns ? context.resolver : undefined,
    clock: context.clock,
    patienceNs: settings.timeoutNs,
    signal: context.signal,
  });
}

/** Looks names up in what is known by now, if the settings ask for names. */
export function knownNames(
  { resolver }: Pick<RunContext<unknown>, "resolver">,
  { resolveDns }: CommonSettings,
): NameOf {
  return (address) => (resolveDns ? (resolver.cachedName(address) ?? null) : null);
}

/**
 * How long a run with interval 0 pauses after a send that the system refused. Such a result comes
 * at once: without a pause, nobody else would get a turn of the event loop while the refusals last.
 */
export const REFUSAL_PAUSE_NS: number = 10 * NS_PER_MS;

/** The end of a run, which comes once. */
export class Completion {
  readonly #deferred: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #isOver = false;

  /** Whether the run is over. Set synchronously; `promise` settles a microtask later. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when the run is over, rejects when it failed. */
  get promise(): Promise<void> {
    return this.#deferred.promise;
  }

  finish(): void {
    this.#isOver = true;
    this.#deferred.resolve();
  }

  fail(error: unknown): void {
    this.#isOver = true;
    this.#deferred.reject(error);
  }

  /** Runs a callback of the caller's, unless the run is over. What it throws ends the run. */
  guard(callback: () => void): void {
    if (this.#isOver) return;
    try {
      callback();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** Calls `stop` when the signal aborts, or at once if it has; returns what takes that back. */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop);
  return () => signal.removeEventListener("abort", stop);
}
