import { holdProcess } from "../time/clock.ts";
import { Feed } from "./feed.ts";
import { PauseGate } from "./gate.ts";
import type { RunContext, RunServices } from "./run-context.ts";

/** How to construct a {@link Measurement}. */
export interface MeasurementOptions<Item, Result, Live = unknown> {
  /** What is measured, as messages say it, e.g. `"ping"`. */
  readonly name: string;
  /**
   * Whether the run goes on until it is stopped. Such a run keeps no item that every iterator has
   * passed.
   */
  readonly endless: boolean;
  /**
   * Whether an iterator made late sees the items before. By default it does unless the run is
   * endless.
   */
  readonly keep?: boolean;
  /** The caller's signal. Aborting it rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** The value of `statistics` until the run shows its own. */
  statistics(): Live;
  /** What the run may use; asked for when it begins. What it throws fails the run. */
  services(): RunServices;
  /**
   * Carries out the run, at most once, on first use. Resolves to the result; once `context.signal`
   * fired it sends nothing more and resolves soon, to the result of what was measured until then.
   */
  start(context: RunContext<Item, Live>): Promise<Result>;
}

/** The halves of a promise; methods, so that the types below stay covariant. */
interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value | PromiseLike<Value>): void;
  reject(reason: unknown): void;
}

let fail: (measurement: Measurement<unknown, unknown>, reason: unknown) => void;

/**
 * One run of a measurement, which has not begun yet: await it for its result, iterate it for its
 * items as they arrive, or both.
 *
 * 1. Nothing happens before the first `await`, `then`, `catch`, `finally` or `next`. It runs at
 *    most once, and everyone sees the items of that one run.
 * 2. A finite run keeps its items: an iterator made at any time sees all of them. An endless one
 *    uses constant memory: an iterator made later begins with the next item. An iterator that is
 *    not read keeps its items.
 * 3. Leaving the loop ends the run if no other iterator is open and nobody awaits the result. (An
 *    endless run without a signal ends then even if awaited, because nothing else could end it.) A
 *    later `await` gives the result of what was measured.
 * 4. `stop()` and disposal end the run at once: iterators finish after the items they have not read
 *    yet, `await` gives the result so far, or rejects with an `AbortError` if the run had not got
 *    as far as having one.
 * 5. Aborting the signal, closing the client and failure reject the result at once; iterators
 *    deliver the items they have not read yet, then throw the same reason. With a signal aborted
 *    beforehand nothing is begun.
 * 6. Awaiting an endless run that nobody iterates and no signal can end rejects with a `TypeError`.
 * 7. After `pause()` the run sends nothing until `resume()`. Probes in flight are decided and
 *    handed out as usual, and a round or a sweep keeps its place. Time spent paused is neither sent
 *    nor lost. A run that begins paused looks names up and opens sockets, but sends nothing. A
 *    paused run can still end: by rules 3 to 5, or because nothing was left to send. It keeps the
 *    process alive while somebody awaits its result or its next item, and only then.
 *
 * `Item` is what a `for await` loop sees, `Result` what `await` gives, `Live` what `statistics` is.
 *
 * @example
 * ```ts
 * import { Client } from "icmpx";
 *
 * await using client = new Client();
 * const ping = client.ping("127.0.0.1", { count: 3 });
 * for await (const reply of ping) console.log(reply.rtt);
 * console.log((await ping).statistics.loss);
 * ```
 */
export class Measurement<out Item, out Result, out Live = unknown>
  implements Promise<Result>, AsyncIterable<Item>
{
  readonly #options: MeasurementOptions<Item, Result, Live>;
  readonly #controller = new AbortController();
  readonly #result: Deferred<Result> = Promise.withResolvers<Result>();
  readonly #feed: Feed<Item>;
  readonly #gate = new PauseGate();
  #readStatistics: () => Live;
  /** Lets the process end; undefined while nothing keeps it from that. */
  #release: (() => void) | undefined;
  /** Settles, never rejects, once `start` has; undefined until it was called. */
  #running: Promise<void> | undefined;
  #awaited = false;
  #settled = false;

  static {
    fail = (measurement, reason) => measurement.#fail(reason);
  }

  /** Called by the client; users get measurements from its methods. */
  constructor(options: MeasurementOptions<Item, Result, Live>) {
    this.#options = options;
    this.#readStatistics = () => options.statistics();
    this.#feed = new Feed<Item>({
      keep: options.keep ?? !options.endless,
      onDemand: () => this.#begin(),
      onAbandoned: () => this.#abandon(),
      onWaiting: () => this.#updateHold(),
    });
    // Each `await` gets its own promise, whose rejection the runtime reports if it is not handled.
    // This one would be reported as well when the error reached the caller through an iterator.
    this.#result.promise.catch(() => {});
  }

  /** `"Measurement"`. */
  get [Symbol.toStringTag](): string {
    return "Measurement";
  }

  /** Begins the run, if nothing did yet, and waits for its result. */
  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what this class is for
  then<Fulfilled = Result, Rejected = never>(
    onfulfilled?: ((result: Result) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onrejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#demandResult().then(onfulfilled, onrejected);
  }

  /** As `then(undefined, onrejected)`. */
  catch<Rejected = never>(
    onrejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Result | Rejected> {
    return this.#demandResult().catch(onrejected);
  }

  /** As `Promise.prototype.finally`: begins the run, and waits for its result. */
  finally(onfinally?: (() => void) | null): Promise<Result> {
    return this.#demandResult().finally(onfinally);
  }

  /** Opens an iterator over the items. The run begins with its first `next()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item, undefined> {
    return this.#feed.iterate();
  }

  /**
   * The figures of the run so far: plain data, a new copy at each read. They are empty before the
   * run begins, and those of the result after it has ended. Reading them does not begin the run.
   */
  get statistics(): Live {
    return this.#readStatistics();
  }

  /** Whether the run is paused. Once it has ended, it is not. */
  get isPaused(): boolean {
    return this.#gate.isPaused && !this.#isOver;
  }

  /**
   * Sends nothing until `resume()`. Probes in flight are decided and handed out as usual. Called
   * before the run begins, it takes effect at the start; called after the end, it does nothing.
   */
  pause(): void {
    this.#setPaused(true);
  }

  /**
   * Goes on after `pause()`: sends at once, then at the interval, and does not catch up. Of several
   * targets, the next in turn is probed at once, and the others stay as far apart as they were. A
   * sweep sends as soon as its rate allows. Does nothing unless the run is paused.
   */
  resume(): void {
    this.#setPaused(false);
  }

  /**
   * Ends the run now. The result then covers what was measured so far; what was never begun stays
   * unbegun.
   */
  stop(): void {
    if (this.#settled || this.#controller.signal.aborted) return;
    // First, so that nothing is published by those who hear the signal.
    this.#feed.end();
    this.#controller.abort();
  }

  /** Stops the run and waits until it has let go of everything. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#running;
  }

  #demandResult(): Promise<Result> {
    if (this.#wouldNeverEnd()) {
      const { name } = this.#options;
      return Promise.reject(
        new TypeError(`Cannot await an endless ${name}: pass count, a signal, or iterate it`),
      );
    }
    this.#awaited = true;
    this.#begin();
    this.#updateHold();
    return this.#result.promise;
  }

  #wouldNeverEnd(): boolean {
    const { endless, signal } = this.#options;
    const canEnd = this.#settled || this.#controller.signal.aborted || signal !== undefined;
    return endless && !canEnd && this.#feed.readers === 0;
  }

  #begin(): void {
    if (this.#settled || this.#running !== undefined) return;
    const { signal } = this.#options;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    // Stopped before it began, and only iterated: there is no item to wait for.
    if (this.#controller.signal.aborted && !this.#awaited) return;
    signal?.addEventListener("abort", this.#onAbort);
    const feed = this.#feed;
    const isAwaited = () => this.#awaited;
    const contextOf = (services: RunServices): RunContext<Item, Live> => ({
      clock: services.clock,
      pace: services.pace,
      resolver: services.resolver,
      emit: (item) => feed.push(item),
      get isIterated() {
        return feed.readers > 0;
      },
      get backlog() {
        return isAwaited() || feed.readers === 0 ? 0 : feed.backlog;
      },
      gate: this.#gate,
      showStatistics: (read) => {
        this.#readStatistics = read;
      },
      signal: this.#controller.signal,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    // Before start is called: it may come back here, by emitting to someone who asks for more.
    this.#running = promise;
    Promise.try(() => this.#options.start(contextOf(this.#options.services())))
      .then(
        (result) => this.#succeed(result),
        (error: unknown) => this.#fail(error),
      )
      .then(resolve);
  }

  get #isOver(): boolean {
    return this.#settled || this.#controller.signal.aborted;
  }

  #setPaused(isPaused: boolean): void {
    if (this.#isOver) return;
    this.#gate.isPaused = isPaused;
    this.#updateHold();
  }

  /** A run that sends has timers, which keep the process alive. A paused one has none. */
  #updateHold(): void {
    const isHeld =
      this.#gate.isPaused &&
      !this.#settled &&
      this.#running !== undefined &&
      (this.#awaited || this.#feed.isAwaited);
    if (isHeld) this.#release ??= holdProcess();
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  /** The last iterator was closed before the end. */
  #abandon(): void {
    const { endless, signal } = this.#options;
    if (!this.#awaited || (endless && signal === undefined)) this.stop();
  }

  #succeed(result: Result): void {
    if (!this.#settle()) return;
    this.#feed.end();
    this.#result.resolve(result);
  }

  #fail(reason: unknown): void {
    if (!this.#settle()) return;
    this.#feed.end({ reason });
    this.#result.reject(reason);
    this.#controller.abort(reason);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#updateHold();
    // The caller's signal may live as long as the process: leave nothing on it.
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }

  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);
}

/**
 * Ends `measurement` with an error, as an aborted signal would: how a closing client ends what it
 * began. Does nothing to a measurement that has its result.
 */
export function failMeasurement(measurement: Measurement<unknown, unknown>, reason: unknown): void {
  fail(measurement, reason);
}
