import type { Libc } from "./libc.ts";
import { openSignalReactor } from "./reactor-signal.ts";
import { openTimerReactor } from "./reactor-timer.ts";

/** Tells when sockets become readable. */
export interface Reactor {
  /**
   * Calls `onReady` whenever `fd` has something to read, on its error queue or otherwise, until the watch is closed.
   * It is called again when it leaves something unread, so it may stop at a limit.
   */
  watch(fd: number, onReady: () => void): Watch;
}

/** One watched socket. */
export interface Watch {
  /** Whether something is expected on this socket. While no watch is active a reactor that polls need not. */
  setActive(active: boolean): void;
  /** Stops watching; more than once is harmless. To be called before the descriptor is closed. */
  close(): void;
}

/**
 * The way to watch sockets from this thread: signal-driven I/O, one listener shared by the whole process, on the main
 * thread; a timer that runs while a watch is active in a Bun Worker, where no signal handler can be installed.
 *
 * Neither keeps the process alive.
 */
export function openReactor(libc: Libc): Reactor {
  return Bun.isMainThread ? openSignalReactor(libc) : openTimerReactor(libc);
}
