import type { Reactor, Watch } from "../../src/ffi/reactor.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { FakeSocket } from "./fake-socket.ts";

interface Watcher {
  readonly onReady: () => unknown;
  woken: boolean;
}

/** Wakes the watchers of fake sockets through the fake clock. */
export class FakeReactor implements Reactor {
  readonly #clock: FakeClock;
  readonly #options: { socketOf(fd: number): FakeSocket | undefined; delayNs: number };
  readonly #watchers = new Map<number, Watcher>();

  constructor(
    clock: FakeClock,
    options: { socketOf(fd: number): FakeSocket | undefined; delayNs: number },
  ) {
    this.#clock = clock;
    this.#options = options;
  }

  /** How many descriptors are watched. */
  get watched(): number {
    return this.#watchers.size;
  }

  watch(fd: number, onReady: () => unknown): Watch {
    const watcher: Watcher = { onReady, woken: false };
    this.#watchers.set(fd, watcher);
    if (waiting(this.#options.socketOf(fd)) > 0) this.wake(fd);
    return {
      setActive: () => {},
      renew: () => {},
      close: () => {
        if (this.#watchers.get(fd) === watcher) this.#watchers.delete(fd);
      },
    };
  }

  /**
   * Calls the watcher of `fd` in a task of its own; again as long as it makes headway and leaves
   * something.
   */
  wake(fd: number): void {
    const watcher = this.#watchers.get(fd);
    if (watcher === undefined || watcher.woken) return;
    watcher.woken = true;
    this.#clock.schedule(this.#options.delayNs, () => {
      watcher.woken = false;
      if (this.#watchers.get(fd) !== watcher) return;
      const before = waiting(this.#options.socketOf(fd));
      watcher.onReady();
      const left = waiting(this.#options.socketOf(fd));
      if (left > 0 && left < before) this.wake(fd);
    });
  }
}

function waiting(socket: FakeSocket | undefined): number {
  return socket === undefined ? 0 : socket.queued + socket.queuedErrors;
}
