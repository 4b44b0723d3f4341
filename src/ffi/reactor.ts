import type { Libc } from "./libc.ts";
import { openSignalReactor } from "./reactor-signal.ts";
import { openTimerReactor } from "./reactor-timer.ts";
import type { Reactor } from "./watch.ts";

export type { Reactor, Watch } from "./watch.ts";

/**
 * The way to watch sockets from this thread: signal-driven I/O, one listener shared by the whole process, on the main
 * thread; a timer that runs while a watch is active in a Bun Worker, where no signal handler can be installed.
 *
 * Neither keeps the process alive.
 */
export function openReactor(libc: Libc): Reactor {
  return Bun.isMainThread ? openSignalReactor(libc) : openTimerReactor(libc);
}
