import { SystemError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { MessageCalls } from "../../ffi/message-calls.ts";
import type { Watch } from "../../ffi/reactor.ts";
import type { Family } from "../../packet/address.ts";

/** Something optional that a socket cannot have here. */
export interface MissingFacility {
  /**
   * The socket option or the call, as the manual pages name it: `"SO_TIMESTAMPING"`,
   * `"recvmmsg()"`.
   */
  readonly name: string;
  /**
   * What the system answered, such as `"ENOPROTOOPT"`; `"no signal"` where it takes `O_ASYNC` and
   * then announces nothing.
   */
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

const ONE_BY_ONE = "packets are moved one by one, which costs time";
const NO_ANNOUNCEMENT = "arrivals are looked for every millisecond, which costs time";
const NO_CONTROL = "no TTLs, time stamps or errors from routers come with what is received";

/** What the lack of a call costs; those that are not named cost nothing here. */
const WITHOUT_CALL: Readonly<
  Record<SocketCapabilities["purpose"], Readonly<Record<string, string>>>
> = {
  probes: { recvmmsg: ONE_BY_ONE, recvmsg: NO_CONTROL },
  sweep: { recvmmsg: ONE_BY_ONE, recvmsg: NO_CONTROL, sendmmsg: ONE_BY_ONE },
};

/** What is known of one socket so far. */
export class Facilities {
  readonly purpose: SocketCapabilities["purpose"];
  readonly family: Family;
  readonly privileged: boolean;
  readonly #calls: MessageCalls;
  receiveTimestamps = false;
  transmitTimestamps = false;
  routerErrors = true;
  /** Whether MSG_ERRQUEUE can be read. */
  hasErrorQueue = true;
  /** Whether the socket has IP_RECVERR or IPV6_RECVERR. */
  asksForErrors: boolean;
  /** What a sweep asks for with each probe, because its socket does not take the option. */
  readonly byMessage: Set<"ttl" | "tos"> = new Set();
  readonly #missing: MissingFacility[] = [];
  #watch: Watch | undefined;

  constructor(
    socket: Pick<SocketCapabilities, "purpose" | "family" | "privileged">,
    calls: MessageCalls,
  ) {
    this.#calls = calls;
    this.purpose = socket.purpose;
    this.family = socket.family;
    this.privileged = socket.privileged;
    this.asksForErrors = !socket.privileged;
  }

  /** Whether anything ever comes through the error queue. */
  get fillsErrorQueue(): boolean {
    return this.hasErrorQueue && (this.transmitTimestamps || this.asksForErrors);
  }

  /** Notes, once, that `name` is refused, and what that costs. */
  lack(name: string, { code }: Pick<SystemError, "code">, effect: string): void {
    if (this.#missing.some((each) => each.name === name)) return;
    this.#missing.push({ name, code, effect });
  }

  /** Notes how arrivals are announced. That they are not may turn out later. */
  noteWatch(watch: Watch | undefined): void {
    if (watch !== undefined) this.#watch = watch;
  }

  /**
   * Notes that TTL and traffic class must be socket options, because a send with control messages
   * ended so.
   */
  lackControl(outcome: "full" | "busy" | SystemError): void {
    const code = outcome instanceof SystemError ? outcome.code : "ENOBUFS";
    this.lack("sendmsg()", { code }, "TTLs are set by system calls of their own, which costs time");
  }

  /** As plain data. */
  snapshot(): SocketCapabilities {
    const { purpose, family, privileged, transmitTimestamps, routerErrors } = this;
    const missing = this.#missing.map((each) => ({ ...each }));
    const { refusal } = this.#watch ?? {};
    if (refusal !== undefined)
      missing.push({ name: "O_ASYNC", code: refusal.code, effect: NO_ANNOUNCEMENT });
    for (const { name, errno } of this.#calls.refused) {
      const effect = WITHOUT_CALL[purpose][name];
      if (effect !== undefined) missing.push({ name: `${name}()`, code: errnoName(errno), effect });
    }
    // Stamps come in control messages, which recvfrom() does not give.
    const receiveTimestamps =
      this.receiveTimestamps && this.#calls.refused.every(({ name }) => name !== "recvmsg");
    return {
      purpose,
      family,
      privileged,
      receiveTimestamps,
      transmitTimestamps,
      routerErrors,
      missing,
    };
  }
}
