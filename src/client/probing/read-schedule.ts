import type { Clock } from "../time/clock.ts";
import type { Transport } from "../transport/transport.ts";

/**
 * When what has arrived is read.
 *
 * A socket tells of every arrival, which costs a signal and a turn of the event loop: right for
 * those who wait for the answer, and more than the probe itself where hundreds a second are sent
 * anyway. Times of arrival are the kernel's, so nothing but the moment at which a result is handed
 * out depends on it.
 *
 * 1. While any stream wants answers at once, or none is open, the socket is watched.
 * 2. While all have some, it does not. A send reads if the last read is a quarter of the patience
 *    ago, and a timer does if nobody has read for as long as the patience of the least patient.
 */
export class Attention {
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #read: () => unknown;
  /** Open streams without patience, and with it. */
  #impatient = 0;
  #patient = 0;
  #patienceNs = Number.POSITIVE_INFINITY;
  #isTold = true;
  #isActive = false;
  #lastReadNs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, transport: Transport, read: () => unknown) {
    this.#clock = clock;
    this.#transport = transport;
    this.#read = read;
  }

  /** A stream was opened. */
  open(patienceNs: number): void {
    if (patienceNs > 0) {
      this.#patient += 1;
      if (patienceNs < this.#patienceNs) {
        this.#patienceNs = patienceNs;
        // The timer that runs is that of somebody who has more.
        this.#unwatch();
        this.#watch();
      }
    } else this.#impatient += 1;
    this.#update();
  }

  /** A stream was closed. */
  close(patienceNs: number): void {
    if (patienceNs > 0) {
      this.#patient -= 1;
      if (this.#patient === 0) this.#patienceNs = Number.POSITIVE_INFINITY;
    } else this.#impatient -= 1;
    this.#update();
  }

  /** Whether anything is in flight. */
  setActive(isActive: boolean): void {
    this.#isActive = isActive;
    this.#transport.setActive(isActive);
    this.#watch();
  }

  /** Whether a send at `nowNs` (monotonic) should read. */
  isDue(nowNs: number): boolean {
    return !this.#isTold && nowNs - this.#lastReadNs >= this.#patienceNs / 4;
  }

  /** What has arrived by `nowNs` (monotonic) has been read, unless something was left. */
  noteRead(nowNs: number, isMore: boolean): void {
    this.#lastReadNs = nowNs;
    this.#unwatch();
    // During a flood, the queue would overflow before the time comes again.
    this.#watch(isMore ? 0 : this.#patienceNs);
  }

  /** Nothing is read any more. */
  end(): void {
    this.#isActive = false;
    this.#unwatch();
  }

  #update(): void {
    const isTold = this.#impatient > 0 || this.#patient === 0;
    if (isTold === this.#isTold) return;
    this.#isTold = isTold;
    this.#transport.setTold(isTold);
    this.#unwatch();
    this.#watch();
  }

  #watch(delayNs: number = this.#patienceNs): void {
    if (this.#isTold || !this.#isActive) this.#unwatch();
    else this.#cancelTimer ??= this.#clock.schedule(delayNs, () => this.#onTimer());
  }

  #unwatch(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #onTimer(): void {
    this.#cancelTimer = undefined;
    this.#read();
    this.#watch();
  }
}
