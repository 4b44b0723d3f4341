import { SystemError } from "../../errors.ts";
import {
  AF_INET,
  SO_TIMESTAMPING,
  SOCK_DGRAM,
  SOF_TIMESTAMPING_SOFTWARE,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
import { Socket } from "../../ffi/socket.ts";
import { type Clock, NS_PER_MS, sleepUntil } from "../time/clock.ts";

/**
 * How long a kernel that does not stamp yet is given: 0.1 ms is usual, 10 ms happens on a busy
 * host.
 */
const PATIENCE_NS = 20 * NS_PER_MS;
/** The same where no test can tell, because loopback is down or filtered. */
const BLIND_PATIENCE_NS = 1 * NS_PER_MS;
/** The time between two turns of testing. */
const RETRY_NS = 1 * NS_PER_MS;
/**
 * Pauses within a turn. They are so short that the event loop had better wait than take a timer.
 */
const MAX_PAUSES = 3;
const PAUSE_MS = 0.05;

/**
 * Whether the kernel stamps what it receives.
 *
 * The first socket of a host that asks for receive stamps makes the kernel patch them into its
 * network path, which a worker thread does a little later (net_enable_timestamp). An answer that
 * arrives before has none. So a datagram is sent over loopback to learn whether it is stamped. The
 * switch is one for the whole kernel, and stays on while any socket asks for stamps: a process
 * tests once, until it has closed all of its own.
 */
export class ReceiveStamps {
  readonly #libc: Libc;
  readonly #clock: Clock;
  readonly #pause: () => void;
  /** The sockets that ask for stamps. */
  readonly #owners = new Set<object>();
  #isSettled = false;
  /** When (monotonic) the first of them asked, and before when no test is worth its while. */
  #askedNs = 0;
  #nextTestNs = 0;

  /** @param pause blocks for a moment */
  constructor(libc: Libc, clock: Clock, pause: () => void = giveWay) {
    this.#libc = libc;
    this.#clock = clock;
    this.#pause = pause;
  }

  /** Notes that a socket of `owner` asks for stamps. */
  add(owner: object): void {
    if (this.#owners.size === 0) {
      this.#isSettled = false;
      this.#askedNs = this.#libc.monotonicNs();
      this.#nextTestNs = this.#askedNs;
    }
    this.#owners.add(owner);
  }

  /** Notes that the socket of `owner` is closed. More than once is harmless. */
  delete(owner: object): void {
    this.#owners.delete(owner);
  }

  /** Whether probes may leave: what arrives is stamped, or waiting longer would not help. */
  isSettled(): boolean {
    if (this.#isSettled || this.#owners.size === 0) return true;
    const nowNs = this.#libc.monotonicNs();
    if (nowNs < this.#nextTestNs) return false;
    this.#nextTestNs = nowNs + RETRY_NS;
    let isStamped = isLoopbackStamped(this.#libc);
    for (let pauses = 0; pauses < MAX_PAUSES && isStamped === false; pauses++) {
      // The kernel's worker may be waiting for this processor.
      this.#pause();
      isStamped = isLoopbackStamped(this.#libc);
    }
    const patienceNs = isStamped === undefined ? BLIND_PATIENCE_NS : PATIENCE_NS;
    this.#isSettled = isStamped === true || nowNs - this.#askedNs >= patienceNs;
    return this.#isSettled;
  }

  /** Resolves as soon as `isSettled()`, or when `signal` aborts; never rejects. */
  async settle(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.isSettled())
      await sleepUntil(this.#clock, this.#nextTestNs, signal);
  }
}

/** Leaves the processor to others for a moment. */
function giveWay(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

/**
 * Whether a datagram that this process sends to itself arrives with a stamp; undefined when it does
 * not arrive, or may not be sent.
 */
function isLoopbackStamped(libc: Libc): boolean | undefined {
  let isStamped: boolean | undefined;
  try {
    using socket = Socket.open(libc, { domain: AF_INET, type: SOCK_DGRAM, protocol: 0 });
    socket.bind({ address: "127.0.0.1", port: 0 });
    // Shows the stamps that there are, and asks for none. With SO_TIMESTAMP the kernel would make
    // up those that are missing, when the datagram is read.
    socket.setOption(SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_SOFTWARE);
    socket.sendTo(socket.address({ destination: socket.localAddress() }), new Uint8Array(1));
    socket.receive(({ timestampNs }) => {
      isStamped = timestampNs !== undefined;
    }, 1);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  // It gives no control messages.
  return libc.calls.names.receive === "recvfrom" ? undefined : isStamped;
}
