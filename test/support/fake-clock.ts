const NS_PER_MS = 1_000_000;

interface FakeTimer {
  readonly dueNs: number;
  readonly callback: () => void;
  readonly inKernel: boolean;
}

/**
 * Time for tests: it passes only when `advance()`, `runUntilIdle()` or `block()` says so, and then
 * at once.
 *
 * Both scales are those of `Libc` on the fake kernel: monotonic time starts at one second, realtime
 * at `epochSeconds`, a midnight.
 */
export class FakeClock {
  /** Seconds since 1970 at which the realtime scale begins (2024-01-01T00:00:00Z). */
  readonly epochSeconds = 1_704_067_200;
  /** The same in milliseconds. */
  readonly epochMs = 1_704_067_200_000;
  readonly #timers: FakeTimer[] = [];
  #monotonicNs = 1_000_000_000;
  #realtimeOffsetNs = 0;

  /** CLOCK_MONOTONIC in nanoseconds. */
  monotonicNs(): number {
    return this.#monotonicNs;
  }

  /** CLOCK_REALTIME in nanoseconds since `epochSeconds`. */
  realtimeNs(): number {
    return this.#monotonicNs + this.#realtimeOffsetNs;
  }

  /** How many timers are waiting, those of the kernel included. */
  get pending(): number {
    return this.#timers.length;
  }

  /**
   * Calls `callback` once, `delayNs` from now; returns a function that cancels it. Equal times run
   * in the order given.
   */
  schedule(delayNs: number, callback: () => void): () => void {
    return this.#add(delayNs, callback, false);
  }

  /**
   * The same for what the kernel does by itself, which also happens while `block()` holds the event
   * loop.
   */
  scheduleKernel(delayNs: number, callback: () => void): () => void {
    return this.#add(delayNs, callback, true);
  }

  /**
   * Sets the realtime clock forward or back, as an administrator or NTP would; monotonic time is
   * not affected.
   */
  stepRealtime(deltaNs: number): void {
    this.#realtimeOffsetNs += deltaNs;
  }

  /**
   * Lets `ms` milliseconds pass: runs what falls due in order of time, settling promises after
   * each.
   */
  async advance(ms: number): Promise<void> {
    const targetNs = this.#monotonicNs + Math.round(ms * NS_PER_MS);
    await settle();
    for (let timer = this.#next(targetNs); timer; timer = this.#next(targetNs)) {
      this.#run(timer);
      await settle();
    }
    this.#monotonicNs = Math.max(this.#monotonicNs, targetNs);
    await settle();
  }

  /**
   * Runs timers, however far away, until none is left.
   *
   * @throws {Error} when `limit` timers have run and there are still more: something repeats for
   * ever.
   */
  async runUntilIdle(limit = 1_000_000): Promise<void> {
    await settle();
    for (let count = 0; this.#timers.length > 0; count++) {
      if (count === limit)
        throw new Error(`Cannot become idle: ${limit} timers ran, ${this.pending} are waiting`);
      const timer = this.#next(Number.POSITIVE_INFINITY);
      if (timer) this.#run(timer);
      await settle();
    }
  }

  /** Runs timers until `promise` settles, and returns its outcome. */
  async runUntil<Value>(promise: PromiseLike<Value>): Promise<Value> {
    let settled = false;
    const finish = (): void => {
      settled = true;
    };
    promise.then(finish, finish);
    await settle();
    while (!settled) {
      const timer = this.#next(Number.POSITIVE_INFINITY);
      if (!timer) throw new Error("Cannot go on: the promise is pending and no timer is waiting");
      this.#run(timer);
      await settle();
    }
    return promise;
  }

  /**
   * Lets `ms` milliseconds pass with the event loop blocked: the kernel goes on, everybody else's
   * timers fall behind.
   */
  block(ms: number): void {
    const targetNs = this.#monotonicNs + Math.round(ms * NS_PER_MS);
    for (let timer = this.#next(targetNs, true); timer; timer = this.#next(targetNs, true))
      this.#run(timer);
    this.#monotonicNs = Math.max(this.#monotonicNs, targetNs);
  }

  #add(delayNs: number, callback: () => void, inKernel: boolean): () => void {
    const dueNs = this.#monotonicNs + Math.max(0, Math.ceil(delayNs));
    const timer: FakeTimer = { dueNs, callback, inKernel };
    // Kept sorted; a binary search finds the place after all that are due no later.
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle] as FakeTimer).dueNs <= dueNs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  #next(untilNs: number, kernelOnly = false): FakeTimer | undefined {
    for (const [index, timer] of this.#timers.entries()) {
      if (timer.dueNs > untilNs) return undefined;
      if (kernelOnly && !timer.inKernel) continue;
      this.#timers.splice(index, 1);
      return timer;
    }
    return undefined;
  }

  #run(timer: FakeTimer): void {
    this.#monotonicNs = Math.max(this.#monotonicNs, timer.dueNs);
    timer.callback();
  }
}

/** A macrotask: every promise reaction that can run has run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
