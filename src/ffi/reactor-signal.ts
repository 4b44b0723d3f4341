import { F_GETFL, F_SETFL, F_SETOWN, O_ASYNC } from "./constants.ts";
import { systemError } from "./errno.ts";
import type { Libc } from "./libc.ts";
import { type PollEntry, PollSet } from "./poll-set.ts";
import type { Reactor, Watch } from "./watch.ts";

let shared: SignalReactor | undefined;

// How often in a row the sockets are looked at again at once because something was left unread; then ever more rarely.
const EAGER_ROUNDS = 64;
const MAX_DELAY_MS = 64;

/**
 * The process's one reactor on signal-driven I/O (fcntl(2), F_SETOWN and O_ASYNC). Main thread only. The libc of the
 * first caller serves all.
 *
 * 1. The listener is installed with the first watch and stays for the life of the process. It does not keep the process
 *    alive, and while it stands a SIGIO that was already on its way cannot end the process, which is its default action.
 * 2. A signal means only "look": one poll(2) over all sockets finds the ready ones.
 * 3. Signals come with arrivals, not with what is left unread, so a handler that stops early is called again from a
 *    macrotask: at once for a while, then at growing intervals.
 */
export function openSignalReactor(libc: Libc): Reactor {
  shared ??= new SignalReactor(libc);
  return shared;
}

class SignalReactor implements Reactor {
  readonly #libc: Libc;
  readonly #set: PollSet;
  #listening = false;
  #scheduled = false;
  #rounds = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#set = new PollSet(libc);
  }

  watch(fd: number, onReady: () => void): Watch {
    if (!this.#listening) {
      this.#listening = true;
      process.on("SIGIO", () => this.#dispatch());
    }
    this.#arm(fd);
    const entry = this.#set.add(fd, onReady);
    // What arrived before the socket was armed has raised no signal.
    this.#dispatchLater();
    return { setActive: () => {}, close: () => this.#close(entry) };
  }

  #close(entry: PollEntry): void {
    if (entry.index < 0) return;
    this.#set.remove(entry);
    // Fails only when the descriptor is gone, and its O_ASYNC with it.
    const { symbols } = this.#libc;
    const flags = symbols.fcntl(entry.fd, F_GETFL, 0);
    if (flags >= 0) symbols.fcntl(entry.fd, F_SETFL, flags & ~O_ASYNC);
  }

  #dispatch(): void {
    const found = this.#set.dispatch();
    if (found && this.#set.ready().length > 0) this.#dispatchLater();
    else this.#rounds = 0;
  }

  #dispatchLater(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const run = (): void => {
      this.#scheduled = false;
      this.#dispatch();
    };
    const late = this.#rounds - EAGER_ROUNDS;
    this.#rounds++;
    if (late < 0) setImmediate(run).unref();
    else setTimeout(run, Math.min(2 ** Math.min(late, 10), MAX_DELAY_MS)).unref();
  }

  #arm(fd: number): void {
    this.#fcntl(fd, F_SETOWN, this.#libc.pid());
    this.#fcntl(fd, F_SETFL, this.#fcntl(fd, F_GETFL, 0) | O_ASYNC);
  }

  #fcntl(fd: number, command: number, argument: number): number {
    const { symbols } = this.#libc;
    const result = symbols.fcntl(fd, command, argument);
    if (result < 0) throw systemError(symbols.errno(), { syscall: "fcntl" });
    return result;
  }
}
