import {
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { FakeSocket } from "./fake-socket.ts";

/**
 * The kernel's one switch for receive stamps: on a little after the first socket has asked for
 * them, off when none is left that has (net_enable_timestamp, net_disable_timestamp).
 */
export class FakeStamps {
  readonly #clock: FakeClock;
  readonly #delayNs: number;
  readonly #askers = new Set<FakeSocket>();
  #onFromNs = Number.POSITIVE_INFINITY;

  constructor(clock: FakeClock, delayNs: number) {
    this.#clock = clock;
    this.#delayNs = delayNs;
  }

  get isOn(): boolean {
    return this.#clock.monotonicNs() >= this.#onFromNs;
  }

  /** An option of `socket` has been set. */
  note(socket: FakeSocket): void {
    const flags = socket.option(SOL_SOCKET, SO_TIMESTAMPING);
    const asks =
      (flags & SOF_TIMESTAMPING_RX_SOFTWARE) !== 0 || socket.option(SOL_SOCKET, SO_TIMESTAMP) !== 0;
    if (!asks) return;
    if (this.#askers.size === 0) this.#onFromNs = this.#clock.monotonicNs() + this.#delayNs;
    this.#askers.add(socket);
  }

  /** `socket` is closed. */
  forget(socket: FakeSocket): void {
    if (this.#askers.delete(socket) && this.#askers.size === 0)
      this.#onFromNs = Number.POSITIVE_INFINITY;
  }
}
