import { F_GETFL, F_SETFL, F_SETOWN, O_ASYNC } from "./constants.ts";
import { EINTR, systemError } from "./errno.ts";
import type { Libc } from "./libc.ts";
import { type PollEntry, PollSet } from "./poll-set.ts";
import type { Reactor, Watch } from "./reactor.ts";

let shared: SignalReactor | undefined;

/** The process's one reactor on signal-driven I/O (fcntl(2), F_SETOWN and O_ASYNC). Main thread only. */
export function openSignalReactor(libc: Libc): Reactor {
  shared ??= new SignalReactor(libc);
  return shared;
}

class SignalReactor implements Reactor {
  readonly #libc: Libc;
  readonly #set: PollSet;
  #listening = false;
  #repoll: ReturnType<typeof setTimeout> | undefined;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#set = new PollSet(libc);
  }

  watch(fd: number, onReady: () => void): Watch {
    if (!this.#listening) {
      this.#listening = true;
      process.on("SIGIO", () => this.#onSignal());
    }
    const entry = this.#set.add(fd, onReady);
    this.#setAsync(fd, true);
    // What arrived before the socket was armed has raised no signal.
    this.#schedule(0);
    return { setActive: () => {}, close: () => this.#close(entry) };
  }

  #close(entry: PollEntry): void {
    if (entry.index < 0) return;
    this.#set.remove(entry);
    this.#setAsync(entry.fd, false);
  }

  #onSignal(): void {
    if (this.#set.dispatch()) this.#schedule(0);
  }

  #schedule(delay: number): void {
    if (this.#repoll !== undefined) return;
    this.#repoll = setTimeout(() => {
      this.#repoll = undefined;
      this.#onSignal();
    }, delay);
    this.#repoll.unref();
  }

  #setAsync(fd: number, on: boolean): void {
    if (on) this.#fcntl(fd, F_SETOWN, this.#libc.pid());
    const flags = this.#fcntl(fd, F_GETFL, 0);
    this.#fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
  }

  #fcntl(fd: number, command: number, argument: number): number {
    const { symbols } = this.#libc;
    for (;;) {
      const result = symbols.fcntl(fd, command, argument);
      if (result >= 0) return result;
      const errno = symbols.errno();
      if (errno !== EINTR) throw systemError(errno, { syscall: "fcntl" });
    }
  }
}
