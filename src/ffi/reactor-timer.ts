import type { Libc } from "./libc.ts";
import { Lookout } from "./lookout.ts";
import { PollSet } from "./poll-set.ts";
import type { Reactor, Watch } from "./watch.ts";

const TICK_MS = 1;

/**
 * A reactor that polls once a millisecond, only while some watch is active. Kernel timestamps keep
 * times exact.
 */
export function openTimerReactor(libc: Libc): Reactor {
  return new TimerReactor(libc);
}

class TimerReactor implements Reactor {
  readonly #set: PollSet;
  readonly #lookout = new Lookout(() => {
    this.#set.dispatch();
    return TICK_MS;
  });

  constructor(libc: Libc) {
    this.#set = new PollSet(libc);
  }

  watch(fd: number, onReady: () => unknown): Watch {
    const entry = this.#set.add(fd, onReady);
    return {
      setActive: (active) => this.#lookout.setExpecting(entry, active && entry.index >= 0),
      renew: () => {},
      close: () => {
        this.#lookout.setExpecting(entry, false);
        this.#set.remove(entry);
      },
    };
  }
}
