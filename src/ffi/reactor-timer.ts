import type { Libc } from "./libc.ts";
import { type PollEntry, PollSet } from "./poll-set.ts";
import type { Reactor, Watch } from "./watch.ts";

const TICK_MS = 1;

/** A reactor that polls once a millisecond, only while some watch is active. Kernel timestamps keep times exact. */
export function openTimerReactor(libc: Libc): Reactor {
  return new TimerReactor(libc);
}

class TimerReactor implements Reactor {
  readonly #set: PollSet;
  readonly #active = new Set<PollEntry>();
  #timer: Timer | undefined;

  constructor(libc: Libc) {
    this.#set = new PollSet(libc);
  }

  watch(fd: number, onReady: () => unknown): Watch {
    const entry = this.#set.add(fd, onReady);
    return {
      setActive: (active) => this.#setActive(entry, active && entry.index >= 0),
      renew: () => {},
      close: () => {
        this.#setActive(entry, false);
        this.#set.remove(entry);
      },
    };
  }

  #setActive(entry: PollEntry, active: boolean): void {
    if (active) this.#active.add(entry);
    else this.#active.delete(entry);
    if (this.#active.size > 0) this.#timer ??= startTimer(() => this.#set.dispatch());
    else if (this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}

type Timer = ReturnType<typeof setInterval>;

function startTimer(tick: () => void): Timer {
  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  return timer;
}
