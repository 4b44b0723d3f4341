import { SystemError } from "../../errors.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../../ffi/constants.ts";
import { Socket } from "../../ffi/socket.ts";
import { type Family, isLinkLocal, needsZone } from "../../packet/address.ts";
import { NS_PER_MS } from "../time/clock.ts";
import type { Facilities } from "./capabilities.ts";
import { configureSocket } from "./configure-socket.ts";
import type { TransportSystem } from "./icmp-transport.ts";
import { interfaceIndex, missingInterface } from "./interface-names.ts";
import { bindFurther, bindIdentifier, openSender, setShareable } from "./shared-identifier.ts";
import type { FixedRoute } from "./socket-options.ts";

/**
 * How the probes of a sweep leave: the same for all of them, so that it is set on the socket and
 * not on each packet.
 */
export interface SweepSocketOptions extends FixedRoute {
  readonly family: Family;
  /** true opens a raw socket (CAP_NET_RAW), false a datagram one (net.ipv4.ping_group_range). */
  readonly privileged: boolean;
  /** The identifier to send with on a raw socket. */
  readonly identifier: number;
  readonly source: string | undefined;
  /** Name or index of the interface that all probes leave by. */
  readonly interface: string | number | undefined;
  /** The zone of link-local targets, which may become known later. */
  readonly zone: { readonly name: string | undefined };
  /** Bytes to ask for as receive buffer. */
  readonly receiveBuffer: number;
}

/** How long to wait after the source could not be bound to: trying costs some ten system calls. */
const RETRY_NS = 10 * NS_PER_MS;

/** What an IPv6 datagram socket is bound to. */
interface Place {
  readonly address: string;
  /** The index of the interface of a link-local address; 0 if this host does not have it. */
  readonly scopeId?: number;
}

interface OpenedSocket {
  readonly socket: Socket;
  readonly identifier: number;
  readonly facilities: Facilities;
}

/**
 * The socket of a sweep. It differs from that of single probes in what costs time for each packet:
 * no transmit stamps, only the control messages that are needed, and no broadcasts (a send to one
 * fails with EACCES).
 *
 * An IPv6 datagram socket is bound to the source, because it ignores that of a control message
 * (ping_v6_sendmsg). While this host lacks the source, nothing may be sent. A link-local source is
 * bound on one interface for good, so when that has been created again, another socket takes over.
 */
export class SweepSocket {
  readonly identifier: number;
  readonly facilities: Facilities;
  readonly #system: TransportSystem;
  readonly #options: SweepSocketOptions;
  #socket: Socket;
  /** Of raw IPv4: what probes leave by. */
  readonly #sender: Socket | undefined;
  /** The interface that a link-local source is bound on. */
  #index: number | undefined;
  #refusal: SystemError | undefined;
  #retryNs = Number.NEGATIVE_INFINITY;

  /**
   * @throws {SystemError} EPERM or EACCES without the privilege; nothing stays open.
   * @throws {RangeError} for a link-local source of which nobody says on which interface it is.
   */
  constructor(system: TransportSystem, options: SweepSocketOptions) {
    const { family, privileged, identifier } = options;
    checkSource(options);
    this.#system = system;
    this.#options = options;
    const place = this.#place();
    const any = family === 4 ? "0.0.0.0" : "::";
    const opened =
      (place && this.#openAt(place)) ??
      this.#open((socket) => (privileged ? identifier : bindIdentifier(socket, { address: any })));
    this.#socket = opened.socket;
    this.identifier = opened.identifier;
    this.facilities = opened.facilities;
    if (privileged && family === 4) {
      const plan = { ...options, route: options };
      this.#sender = openSender(system.libc, plan, this.facilities);
    }
  }

  /** The socket that receives now. */
  get current(): Socket {
    return this.#socket;
  }

  /** The socket to send by now, which has the error queue that matters. */
  get outgoing(): Socket {
    return this.#sender ?? this.#socket;
  }

  /** Why nothing may be sent: the socket could not be bound to the source. */
  get refusal(): SystemError | undefined {
    return this.#refusal;
  }

  /**
   * Binds to the source, by another socket, if the present one is not bound to it as it is now.
   *
   * @param onReplace called before the present one is closed: something may have arrived there
   * @returns whether there is another socket
   */
  rebind(onReplace: () => void): boolean {
    const place = this.#place();
    if (place === undefined || !this.#isStale(place)) return false;
    const nowNs = this.#system.libc.monotonicNs();
    if (nowNs < this.#retryNs) return false;
    this.#retryNs = nowNs + RETRY_NS;
    // The identifier belongs to both for a moment, so that nobody else can take it.
    setShareable(this.#socket, true);
    const opened = this.#openAt(place, this.identifier);
    if (opened === undefined) {
      setShareable(this.#socket, false);
      return false;
    }
    onReplace();
    this.#socket.close();
    this.#socket = opened.socket;
    return true;
  }

  close(): void {
    this.#socket.close();
    this.#sender?.close();
  }

  #isStale({ scopeId }: Place): boolean {
    if (this.#refusal !== undefined) return true;
    // While the interface is gone there is nothing to bind to.
    return scopeId !== this.#index && scopeId !== 0;
  }

  /** What to bind to; undefined where the source is none or told by control messages. */
  #place(): Place | undefined {
    const { family, privileged, source, zone, interface: by = zone.name } = this.#options;
    if (privileged || family === 4 || source === undefined) return undefined;
    const [address = source] = source.split("%", 1);
    if (by === undefined || !isLinkLocal(address)) return { address };
    return { address, scopeId: interfaceIndex(this.#system.libc, by) };
  }

  /** Undefined, and a refusal, if the source cannot be bound to now. */
  #openAt(place: Place, identifier?: number): OpenedSocket | undefined {
    const { zone, interface: by = zone.name ?? "" } = this.#options;
    try {
      if (place.scopeId === 0) throw missingInterface(by, place.address);
      const opened = this.#open((socket) => {
        if (identifier === undefined) return bindIdentifier(socket, place);
        bindFurther(socket, { ...place, port: identifier });
        return identifier;
      });
      this.#refusal = undefined;
      this.#index = place.scopeId;
      return opened;
    } catch (error) {
      const isFirst = identifier === undefined;
      if (!(error instanceof SystemError) || (isFirst && !isPassing(error))) throw error;
      this.#refusal = error;
      return undefined;
    }
  }

  #open(bind: (socket: Socket) => number): OpenedSocket {
    const { libc } = this.#system;
    const { family, privileged } = this.#options;
    const socket = Socket.open(libc, {
      domain: family === 4 ? AF_INET : AF_INET6,
      type: privileged ? SOCK_RAW : SOCK_DGRAM,
      protocol: family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
    });
    try {
      const identifier = bind(socket);
      const plan = { ...this.#options, identifier, route: this.#options };
      const facilities = configureSocket(socket, plan, libc.calls);
      return { socket, identifier, facilities };
    } catch (error) {
      socket.close();
      throw error;
    }
  }
}

/** Whether an address or an interface is missing that may come. */
function isPassing({ code, syscall }: SystemError): boolean {
  if (syscall === "if_nametoindex") return true;
  return syscall === "bind" && (code === "EADDRNOTAVAIL" || code === "ENODEV");
}

function checkSource({ source, interface: by, zone }: SweepSocketOptions): void {
  if (source === undefined || !needsZone(source) || by !== undefined || zone.name !== undefined)
    return;
  throw new RangeError(
    `Option "source" is ${source}: a link-local address needs its interface, as in ${source}%eth0`,
  );
}
