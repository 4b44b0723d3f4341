import type { SystemError } from "../errors.ts";

/** Tells when sockets become readable. */
export interface Reactor {
  /**
   * Calls `onReady` whenever `fd` has something to read, on its error queue or otherwise, until the watch is closed.
   * It is called again when it leaves something unread, so it may stop at a limit; it returns true if it did.
   */
  watch(fd: number, onReady: () => unknown): Watch;
}

/** One watched socket. */
export interface Watch {
  /**
   * Why the kernel cannot announce arrivals, so that a timer looks for them; undefined where it
   * does.
   */
  readonly refusal?: SystemError;
  /** Whether something is expected on this socket. While no watch is active a reactor that polls need not. */
  setActive(active: boolean): void;
  /** Call before each send: makes sure that what arrives will be reported, whatever user code did to listeners. */
  renew(): void;
  /** Stops watching; more than once is harmless. To be called before the descriptor is closed. */
  close(): void;
}
