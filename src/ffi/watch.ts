/** Tells when sockets become readable. */
export interface Reactor {
  /**
   * Calls `onReady` whenever `fd` has something to read, on its error queue or otherwise, until the
   * watch is closed. It is called again when it leaves something unread, so it may stop at a limit;
   * it returns true if it did.
   */
  watch(fd: number, onReady: () => unknown): Watch;
}

/** Why the kernel does not announce arrivals. */
export interface WatchRefusal {
  /** The name of the errno, or {@link NO_SIGNAL}. */
  readonly code: string;
}

/** The code of a kernel that takes every setting for signals, and raises none. */
export const NO_SIGNAL = "no signal";

/** One watched socket. */
export interface Watch {
  /**
   * Why the kernel does not announce arrivals, so that a timer looks for them; undefined while it
   * does. It may turn out only after something has arrived.
   */
  readonly refusal?: WatchRefusal | undefined;
  /**
   * Whether something is expected on this socket. While no watch is active a reactor that polls
   * need not.
   */
  setActive(active: boolean): void;
  /**
   * Call before each send: makes sure that what arrives will be reported, whatever user code did to
   * listeners.
   */
  renew(): void;
  /** Stops watching; more than once is harmless. To be called before the descriptor is closed. */
  close(): void;
}
