import type { SystemError } from "../../errors.ts";
import type { Family } from "../../packet/address.ts";

/** Something optional that a socket cannot have here. */
export interface MissingFacility {
  /**
   * The socket option or the call, as the manual pages name it: `"SO_TIMESTAMPING"`,
   * `"recvmmsg()"`.
   */
  readonly name: string;
  /** What the system answered, such as `"ENOPROTOOPT"`. */
  readonly code: string;
  /** What it costs, as a sentence without a full stop. */
  readonly effect: string;
}

/**
 * What a socket of a client can do on this system. Old kernels, sandboxes and emulators lack some
 * of what Linux offers; what is optional is then done without, and listed in `missing`.
 */
export interface SocketCapabilities {
  /** What the socket is for: all methods but `sweep()` share sockets for probes. */
  readonly purpose: "probes" | "sweep";
  readonly family: Family;
  /** true for a raw socket, false for a datagram one. */
  readonly privileged: boolean;
  /**
   * Whether the kernel records when a packet arrives. Without it, RTTs include delays of this
   * process.
   */
  readonly receiveTimestamps: boolean;
  /** Whether the kernel records when a probe leaves. Sweeps never ask for it. */
  readonly transmitTimestamps: boolean;
  /**
   * Whether ICMP errors that routers send about our probes are seen. Without it such probes time
   * out.
   */
  readonly routerErrors: boolean;
  /** All that is missing; empty on an up-to-date Linux. */
  readonly missing: readonly MissingFacility[];
}

/** What is known of one socket so far. */
export class Facilities {
  readonly purpose: SocketCapabilities["purpose"];
  readonly family: Family;
  readonly privileged: boolean;
  receiveTimestamps = false;
  transmitTimestamps = false;
  routerErrors = true;
  /** Whether MSG_ERRQUEUE can be read. */
  hasErrorQueue = true;
  /** What a sweep asks for with each probe, because its socket does not take the option. */
  readonly byMessage: Set<"ttl" | "tos"> = new Set();
  readonly #missing: MissingFacility[] = [];

  constructor(socket: Pick<SocketCapabilities, "purpose" | "family" | "privileged">) {
    this.purpose = socket.purpose;
    this.family = socket.family;
    this.privileged = socket.privileged;
  }

  /** Whether anything ever comes through the error queue. */
  get fillsErrorQueue(): boolean {
    return this.hasErrorQueue && (this.transmitTimestamps || (this.routerErrors && !this.privileged));
  }

  /** Notes that `name` is refused, and what that costs. */
  lack(name: string, { code }: SystemError, effect: string): void {
    this.#missing.push({ name, code, effect });
  }

  /** As plain data. */
  snapshot(): SocketCapabilities {
    const { purpose, family, privileged, receiveTimestamps, transmitTimestamps, routerErrors } = this;
    const missing = this.#missing.map((each) => ({ ...each }));
    return { purpose, family, privileged, receiveTimestamps, transmitTimestamps, routerErrors, missing };
  }
}
