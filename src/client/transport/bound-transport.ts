import { SystemError } from "../../errors.ts";
import { type Family, isLinkLocal } from "../../packet/address.ts";
import type { Facilities } from "./capabilities.ts";
import { IcmpTransport, type TransportSystem } from "./icmp-transport.ts";
import { InterfaceNames, missingInterface } from "./interface-names.ts";
import { explainRefusal } from "./send-failure.ts";
import { SocketPool } from "./socket-pool.ts";
import type { OutgoingProbe, Route, SendReceipt, Transport, TransportOwner } from "./transport.ts";

/** The next try, a little later, will do. */
const NOT_YET = { kind: "busy", isFull: false } as const;

/** Which source to bind to. */
export interface BoundTransportOptions {
  readonly family: Family;
  /** The address, without a zone. */
  readonly source: string;
  /** The interface of a link-local source. */
  readonly interface: Route["interface"];
}

/**
 * A datagram socket that is bound to its source: IPv6 ones ignore that of a control message
 * (ping_v6_sendmsg). While this host lacks the address, each send fails, as it does on the sockets
 * that are told the source with each packet, and the next one tries to bind again. A socket bound
 * to a link-local address stays with the interface of that moment, so it is opened again when the
 * interface has been created again; it keeps its identifier, if nobody else has taken it meanwhile.
 */
export class BoundTransport implements Transport {
  readonly family: Family;
  readonly privileged = false;
  readonly #system: TransportSystem;
  readonly #options: BoundTransportOptions;
  readonly #interfaces: InterfaceNames;
  /** Undefined while it cannot be bound. */
  #bound: SocketPool | undefined;
  #identifier = 0;
  /** The interface that a link-local source is bound on. */
  #index: number | undefined;
  #error: SystemError | undefined;
  #owner: TransportOwner | undefined;
  #isActive = false;
  #isTold = true;
  // Of sockets that are closed.
  #malformed = 0;
  #drops = 0;

  /**
   * @throws {SystemError} EPERM or EACCES without the privilege, EMFILE, ...; nothing stays open.
   */
  constructor(system: TransportSystem, options: BoundTransportOptions) {
    this.family = options.family;
    this.#system = system;
    this.#options = options;
    this.#interfaces = new InterfaceNames(system.libc);
    this.#open();
  }

  get identifier(): number {
    return this.#identifier;
  }

  get malformed(): number {
    return this.#malformed + (this.#bound?.malformed ?? 0);
  }

  get drops(): number {
    return this.#drops + (this.#bound?.drops ?? 0);
  }

  get facilities(): Facilities | undefined {
    return this.#bound?.facilities;
  }

  attach(owner: TransportOwner): void {
    this.#owner = owner;
    this.#bound?.attach(owner);
  }

  send(probe: OutgoingProbe): SendReceipt {
    let receipt = this.#sendBy(this.#bound, probe);
    if (receipt === undefined || (receipt.kind === "failed" && this.#hasMoved())) {
      this.#close();
      receipt = this.#sendBy(this.#reopen(), probe);
    }
    return receipt ?? { kind: "failed", error: this.#refusal(probe.route) };
  }

  drain(): number {
    return this.#bound?.drain() ?? Number.POSITIVE_INFINITY;
  }

  countDrops(): void {
    this.#bound?.countDrops();
  }

  drainErrors(): void {
    this.#bound?.drainErrors();
  }

  setActive(active: boolean): void {
    this.#isActive = active;
    this.#bound?.setActive(active);
  }

  setTold(told: boolean): void {
    this.#isTold = told;
    this.#bound?.setTold(told);
  }

  close(): void {
    this.#bound?.close();
  }

  /** A socket that was opened for a send may have to wait until the kernel stamps again. */
  #sendBy(pool: SocketPool | undefined, probe: OutgoingProbe): SendReceipt | undefined {
    if (pool === undefined) return undefined;
    return this.#system.stamps.isSettled() ? pool.send(probe) : NOT_YET;
  }

  #hasMoved(): boolean {
    return this.#interfaces.hasMoved(this.#options.interface, this.#index);
  }

  #open(): SocketPool | undefined {
    const { family, source, interface: by } = this.#options;
    const index =
      isLinkLocal(source) && by !== undefined ? this.#interfaces.indexOf(by) : undefined;
    this.#index = index;
    if (index === 0) {
      this.#error = missingInterface(by ?? "", source);
      return undefined;
    }
    const bindTo = {
      address: source,
      port: this.#identifier,
      ...(index !== undefined && { scopeId: index }),
    };
    try {
      const first = new IcmpTransport(this.#system, {
        family,
        privileged: false,
        identifier: 0,
        bindTo,
      });
      this.#bound = new SocketPool(this.#system.libc, first);
    } catch (error) {
      if (!isWrongSource(error)) throw error;
      this.#error = error;
      return undefined;
    }
    this.#identifier = this.#bound.identifier;
    return this.#bound;
  }

  #reopen(): SocketPool | undefined {
    let bound: SocketPool | undefined;
    try {
      bound = this.#open();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#error = error;
    }
    if (bound === undefined) return undefined;
    if (this.#owner !== undefined) bound.attach(this.#owner);
    bound.setTold(this.#isTold);
    bound.setActive(this.#isActive);
    return bound;
  }

  /** Closes the socket, of which everything that has arrived is read before. */
  #close(): void {
    const bound = this.#bound;
    if (bound === undefined) return;
    bound.drain();
    this.#malformed += bound.malformed;
    this.#drops += bound.drops;
    bound.close();
    this.#bound = undefined;
  }

  #refusal({ destination, mark }: Route): SystemError {
    const { source, interface: by } = this.#options;
    const error = this.#error as SystemError;
    if (error.syscall !== "bind") return error;
    const refused = { destination, source, interface: by, index: this.#index, mark };
    return explainRefusal(this.#system.libc, error, refused);
  }
}

function isWrongSource(error: unknown): error is SystemError {
  return error instanceof SystemError && error.syscall === "bind" && error.code === "EADDRNOTAVAIL";
}
