import { F_GETFL, F_SETFL, F_SETOWN, F_SETSIG, O_ASYNC, SIGURG } from "./constants.ts";
import { systemError } from "./errno.ts";
import type { Libc } from "./libc.ts";
import { Lookout } from "./lookout.ts";
import { type PollEntry, PollSet } from "./poll-set.ts";
import { NO_SIGNAL, type Reactor, type Watch, type WatchRefusal } from "./watch.ts";

let shared: SignalReactor | undefined;

// How often in a row the sockets are looked at again at once because something was left unread;
// then ever more rarely.
const EAGER_ROUNDS = 64;
const MAX_DELAY_MS = 64;
// Handlers that stop at a limit are called again at once, but for a pause now and then: Bun 1.4.5
// looks for uncaught errors only when no immediate is pending.
const PAUSE_EVERY = 8;
const PAUSE_MS = 1;
// Until the first signal is heard: how far looks grow apart, and how many in a row must find
// something that no signal has announced. The event loop has a turn for signals between two looks.
const MAX_LOOK_MS = 1024;
const LOOK_MS = 1;
const LOOKS_WITHOUT_SIGNAL = 3;
const SILENCE: WatchRefusal = { code: NO_SIGNAL };
// The most signals in a row that each have a dispatch of their own. Bun 1.4.5 keeps up to 8,192 and
// handles all of them before timers and immediates have a turn.
const MAX_IN_A_ROW = 8;

/**
 * The process's one reactor on signal-driven I/O (fcntl(2): F_SETOWN, F_SETSIG and O_ASYNC). Main
 * thread only. The libc of the first caller serves all.
 *
 * 1. The signal is SIGURG, which is ignored by default (signal(7)): nothing that user code does to
 *    listeners can make it end the process. SIGIO does end it, and so does `bun --watch`, which
 *    removes every listener before it replaces the process. A real-time signal would, too: when its
 *    queue overflows, the kernel sends SIGIO in its place.
 * 2. The listener is there while anything is watched, and does not keep the process alive. User
 *    code may remove it, so `renew()`, called before each send, puts it back.
 * 3. A signal means only "look": one poll(2) over all sockets finds the ready ones. Signals merge,
 *    so one call may stand for many arrivals, and a SIGURG sent for another reason costs one
 *    poll(2).
 * 4. Signals come with arrivals, not with what is left unread, so a handler that stops early is
 *    called again from a macrotask: at once while it reads, else at growing intervals. Until all is
 *    read its socket raises no signals, each of which would cost more than a packet.
 * 5. While such a macrotask is due at once, signals are passed over. After eight signals in a row
 *    one is, or timers would have no turn during a flood.
 * 6. Some systems take all these settings and raise no signal (WSL1 and gVisor did). So until the
 *    first one is heard a timer looks, too, while something is expected. When it finds what no
 *    signal has announced, reading is the timer's business from then on.
 */
export function openSignalReactor(libc: Libc): Reactor {
  shared ??= new SignalReactor(libc);
  return shared;
}

/** What {@link openSignalReactor} opens. Tests make more than one. */
export class SignalReactor implements Reactor {
  readonly #libc: Libc;
  readonly #set: PollSet;
  readonly #onSignal = (): void => {
    if (!this.#isSilent) this.#endLooking();
    if (this.#isSoon) return;
    this.#inARow += 1;
    if (this.#inARow <= MAX_IN_A_ROW) this.#dispatch();
    else this.#schedule(0);
  };
  /** undefined once a signal has been heard. */
  #lookout: Lookout | undefined = new Lookout((count) => this.#look(count));
  /** Whether arrivals raise no signals. */
  #isSilent = false;
  /** Looks in a row that found something. */
  #unannounced = 0;
  #cancelScheduled: (() => void) | undefined;
  /** Whether what is scheduled comes at once. */
  #isSoon = false;
  /** Sockets that raise no signals, because they are flooded. */
  readonly #muted = new Set<PollEntry>();
  /** Signals since the last macrotask. */
  #inARow = 0;
  #rounds = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#set = new PollSet(libc);
  }

  watch(fd: number, onReady: () => unknown): Watch {
    this.#arm(fd);
    this.#listen();
    const entry = this.#set.add(fd, () => {
      const isUnfinished = onReady() === true;
      if (isUnfinished) this.#mute(entry);
      return isUnfinished;
    });
    // What arrived before the socket was armed has raised no signal. What arrives from now on must
    // raise one: a dispatch that nothing called for would hide that none comes.
    if (this.#set.ready()?.length !== 0) this.#dispatchLater();
    const refusal = (): WatchRefusal | undefined => (this.#isSilent ? SILENCE : undefined);
    return {
      get refusal() {
        return refusal();
      },
      setActive: (active) => this.#lookout?.setExpecting(entry, active && entry.index >= 0),
      renew: () => {
        // What arrived while there was no listener has been reported to nobody.
        if (this.#listen()) this.#dispatchLater();
      },
      close: () => this.#close(entry),
    };
  }

  /** Adds the listener if it is missing, and returns whether it was. A look takes 0.1 us. */
  #listen(): boolean {
    if (process.listeners("SIGURG").includes(this.#onSignal)) return false;
    process.on("SIGURG", this.#onSignal);
    return true;
  }

  #close(entry: PollEntry): void {
    if (entry.index < 0) return;
    this.#lookout?.setExpecting(entry, false);
    this.#muted.delete(entry);
    this.#set.remove(entry);
    if (this.#set.size === 0) process.off("SIGURG", this.#onSignal);
    this.#setFlag(entry.fd, false);
  }

  /**
   * Lets a descriptor raise signals, or not. Fails only when it is gone, and its O_ASYNC with it.
   */
  #setFlag(fd: number, isArmed: boolean): void {
    const { symbols } = this.#libc;
    const flags = symbols.fcntl(fd, F_GETFL, 0);
    if (flags >= 0) symbols.fcntl(fd, F_SETFL, isArmed ? flags | O_ASYNC : flags & ~O_ASYNC);
  }

  /** Looks without being told to, and returns when to do so again. */
  #look(count: number): number {
    if (this.#isSilent) {
      if (!this.#isSoon) this.#dispatch();
      return LOOK_MS;
    }
    // Without the listener, silence proves nothing.
    const wasListening = !this.#listen();
    if (!wasListening || !this.#set.ready()?.length) {
      this.#unannounced = 0;
      return Math.min(2 ** count, MAX_LOOK_MS);
    }
    this.#unannounced += 1;
    if (this.#unannounced === LOOKS_WITHOUT_SIGNAL) {
      this.#isSilent = true;
      this.#dispatch();
    }
    return LOOK_MS;
  }

  #endLooking(): void {
    this.#lookout?.stop();
    this.#lookout = undefined;
  }

  #dispatch(): void {
    const state = this.#set.dispatch();
    if (state === "unfinished") this.#dispatchAgain();
    else if (this.#muted.size > 0) this.#endMuting();
    else if (state === "ready" && this.#set.ready()?.length !== 0) this.#dispatchLater();
    else this.#rounds = 0;
  }

  #mute(entry: PollEntry): void {
    // Until the first signal is heard, its absence must prove something.
    if (this.#lookout !== undefined || entry.index < 0 || this.#muted.has(entry)) return;
    this.#muted.add(entry);
    this.#setFlag(entry.fd, false);
  }

  #endMuting(): void {
    for (const { fd } of this.#muted) this.#setFlag(fd, true);
    this.#muted.clear();
    // What arrived since the last read has raised no signal.
    this.#schedule(0);
  }

  #dispatchAgain(): void {
    this.#rounds += 1;
    this.#schedule(this.#rounds % PAUSE_EVERY === 0 ? PAUSE_MS : 0);
  }

  #dispatchLater(): void {
    if (this.#cancelScheduled !== undefined) return;
    const late = this.#rounds - EAGER_ROUNDS;
    this.#rounds++;
    this.#schedule(late < 0 ? 0 : Math.min(2 ** Math.min(late, 10), MAX_DELAY_MS));
  }

  /** Dispatches from a macrotask, in place of a later one that is scheduled. */
  #schedule(delayMs: number): void {
    if (this.#isSoon) return;
    this.#cancelScheduled?.();
    this.#isSoon = delayMs <= PAUSE_MS;
    const run = (): void => {
      this.#cancelScheduled = undefined;
      this.#isSoon = false;
      this.#inARow = 0;
      this.#dispatch();
    };
    if (delayMs === 0) {
      const immediate = setImmediate(run).unref();
      this.#cancelScheduled = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(run, delayMs).unref();
      this.#cancelScheduled = () => clearTimeout(timer);
    }
  }

  #arm(fd: number): void {
    this.#fcntl(fd, F_SETOWN, this.#libc.pid());
    this.#fcntl(fd, F_SETSIG, SIGURG);
    this.#fcntl(fd, F_SETFL, this.#fcntl(fd, F_GETFL, 0) | O_ASYNC);
  }

  #fcntl(fd: number, command: number, argument: number): number {
    const { symbols } = this.#libc;
    const result = symbols.fcntl(fd, command, argument);
    if (result < 0) throw systemError(symbols.errno(), { syscall: "fcntl" });
    return result;
  }
}
