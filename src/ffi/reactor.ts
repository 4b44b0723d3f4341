import { SystemError } from "../errors.ts";
import type { Libc } from "./libc.ts";
import { openSignalReactor } from "./reactor-signal.ts";
import { openTimerReactor } from "./reactor-timer.ts";
import type { Reactor } from "./watch.ts";

export type { Reactor, Watch } from "./watch.ts";

/**
 * The way to watch sockets from this thread: signal-driven I/O, one listener shared by the whole
 * process, on the main thread; a timer that runs while a watch is active in a Bun Worker, where no
 * signal handler can be installed, and for sockets that the kernel raises no signals for.
 *
 * Neither keeps the process alive.
 */
export function openReactor(libc: Libc): Reactor {
  const timer = openTimerReactor(libc);
  return Bun.isMainThread ? withFallback(openSignalReactor(libc), timer) : timer;
}

/** `preferred`, but for what it cannot watch `other`. */
export function withFallback(preferred: Reactor, other: Reactor): Reactor {
  return {
    watch: (fd, onReady) => {
      try {
        return preferred.watch(fd, onReady);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        return { ...other.watch(fd, onReady), refusal: error };
      }
    },
  };
}
