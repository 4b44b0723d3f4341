import { SystemError } from "../../errors.ts";
import {
  IP_MTU_DISCOVER,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  PMTUDISC_DONT,
  PMTUDISC_OMIT,
  PMTUDISC_PROBE,
  SO_MARK,
  SOL_SOCKET,
} from "../../ffi/constants.ts";
import { EINVAL, ENOBUFS } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Envelope, SendOutcome, Socket } from "../../ffi/socket.ts";
import { type Family, isLinkLocal, isMulticast } from "../../packet/address.ts";
import type { Facilities } from "./capabilities.ts";
import { attempt } from "./configure-socket.ts";
import { HeaderOptions } from "./header-options.ts";
import { InterfaceNames, missingInterface } from "./interface-names.ts";
import { OutgoingMessage } from "./outgoing-message.ts";
import { NOT_TOLD_MTU } from "./socket-options.ts";
import type { OutgoingProbe, Route } from "./transport.ts";

/** Bytes of control messages that the kernel holds on its stack (net/socket.c, ____sys_sendmsg). */
const CONTROL_ON_STACK = 36;

/** The envelopes of a route by TTL, for the index that its interface has. */
interface RouteEnvelopes {
  readonly index: number | undefined;
  readonly byTtl: (Envelope | undefined)[];
}

/**
 * Sends probes the way their routes say, by control messages where those differ from probe to
 * probe, and by socket options otherwise.
 *
 * Where the kernel refuses control messages, TTL and traffic class become socket options, too.
 */
export class RouteSender {
  readonly #socket: Socket;
  readonly #family: Family;
  readonly #facilities: Facilities;
  readonly #interfaces: InterfaceNames;
  readonly #outgoing = new OutgoingMessage();
  #envelopes = new WeakMap<Route, RouteEnvelopes>();
  /** The most bytes of control messages that have left with a probe. */
  #provenControl = 0;
  /** Given where control messages are refused. */
  #headerOptions: HeaderOptions | undefined;
  // Socket options that a route may ask for, as they are set now.
  #mark = 0;
  #dontFragment: boolean | undefined;
  #defaultMtuDiscovery: number | undefined;

  constructor(libc: Libc, socket: Socket, facilities: Facilities) {
    this.#socket = socket;
    this.#family = facilities.family;
    this.#facilities = facilities;
    this.#interfaces = new InterfaceNames(libc);
  }

  /** @throws {SystemError} when the probe did not leave, for anything but lack of room. */
  send(probe: OutgoingProbe): SendOutcome {
    const { route } = probe;
    this.#applyOptions(route);
    if (this.#headerOptions !== undefined) return this.#sendByOptions(probe);
    const envelope = this.#envelope(route, probe.ttl);
    const { length } = envelope.control;
    let outcome: SendOutcome | SystemError;
    try {
      this.#outgoing.write(envelope, probe);
      outcome = this.#socket.sendFirst(this.#outgoing.batch, envelope.address);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      outcome = error;
    }
    if (outcome === "sent") {
      if (length > this.#provenControl) this.#provenControl = length;
      return outcome;
    }
    if (length > this.#provenControl && this.#isForControl(outcome, envelope)) {
      if (this.#tryByOptions(probe)) {
        this.#facilities.lackControl(outcome);
        return "sent";
      }
    }
    if (outcome instanceof SystemError) throw outcome;
    return outcome;
  }

  /** The index of the interface that the last probe of a route was to leave by. */
  indexOf(route: Route): number | undefined {
    return this.#envelopes.get(route)?.index;
  }

  /** Whether the interface of a route has been created again since the last envelope was made. */
  hasMoved(route: Route): boolean {
    return this.#interfaces.hasMoved(route.interface, this.indexOf(route));
  }

  /** Whether a send may have failed because of its control messages. */
  #isForControl(outcome: "full" | "busy" | SystemError, envelope: Envelope): boolean {
    // The kernel does not know one of them, or means something else. Raw sockets parse them only
    // after they have looked at the destination, so sending without them has to tell.
    if (outcome instanceof SystemError && outcome.errno === EINVAL) return true;
    if (outcome instanceof SystemError) return this.#socket.refusesControl(envelope, outcome.errno);
    // More than this takes memory, of which net.core.optmem_max may allow none.
    return (
      envelope.control.length > CONTROL_ON_STACK && this.#socket.refusesControl(envelope, ENOBUFS)
    );
  }

  /** Sends a probe without control messages, if it can be done, and from then on all others. */
  #tryByOptions(probe: OutgoingProbe): boolean {
    const envelopes = this.#envelopes;
    const headerOptions = new HeaderOptions(this.#socket, this.#family);
    this.#headerOptions = headerOptions;
    this.#envelopes = new WeakMap();
    try {
      if (this.#sendByOptions(probe) === "sent") return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
    headerOptions.restore();
    this.#headerOptions = undefined;
    this.#envelopes = envelopes;
    return false;
  }

  #sendByOptions(probe: OutgoingProbe): SendOutcome {
    const { route, ttl } = probe;
    const { destination, tos } = route;
    this.#headerOptions?.set({ ttl, tos, isMulticast: isMulticast(destination) });
    const envelope = this.#envelope(route, ttl);
    this.#outgoing.write(envelope, probe);
    return envelope.control.length === 0
      ? this.#socket.sendTo(envelope, this.#outgoing.message)
      : this.#socket.sendFirst(this.#outgoing.batch, envelope.address);
  }

  /**
   * Many probes take the same route: it is encoded once for each TTL and index of its interface.
   */
  #envelope(route: Route, ttl: number): Envelope {
    const index =
      route.interface === undefined ? undefined : this.#interfaces.indexOf(route.interface);
    let known = this.#envelopes.get(route);
    if (known === undefined || known.index !== index) {
      known = { index, byTtl: [] };
      this.#envelopes.set(route, known);
    }
    known.byTtl[ttl] ??= this.#address(route, ttl, index);
    return known.byTtl[ttl];
  }

  #address(
    { destination, tos, source, interface: by }: Route,
    ttl: number,
    index: number | undefined,
  ): Envelope {
    const [address = destination] = destination.split("%", 1);
    if (index === 0) throw missingInterface(by ?? "", address);
    const isScoped = this.#family === 6 && (isLinkLocal(address) || isMulticast(address));
    const isInMessage = this.#headerOptions === undefined;
    return this.#socket.address({
      destination: { address, ...(index !== undefined && isScoped && { scopeId: index }) },
      ...(isInMessage && { ttl }),
      // 0 is the default.
      ...(isInMessage && tos !== 0 && { tos }),
      ...(source !== undefined && { source }),
      ...(index !== undefined && { interfaceIndex: index }),
    });
  }

  #applyOptions({ mark, dontFragment }: Route): void {
    if (mark !== this.#mark) {
      this.#socket.setOption(SOL_SOCKET, SO_MARK, mark, "SO_MARK");
      this.#mark = mark;
    }
    if (dontFragment !== this.#dontFragment) {
      const [level, name, label] = this.#mtuDiscovery;
      this.#defaultMtuDiscovery ??= this.#socket.getOption(level, name, label);
      if (dontFragment === false) this.#allowFragments();
      // PROBE, not DO: it sets DF, but does not refuse what exceeds the cached path MTU (ip(7)).
      else {
        const value = dontFragment ? PMTUDISC_PROBE : this.#defaultMtuDiscovery;
        this.#socket.setOption(level, name, value, label);
      }
      this.#dontFragment = dontFragment;
    }
  }

  /**
   * With DONT, an IPv4 datagram socket is not told of packets that were too big (ping_err): not
   * even of those with DF that left before the option was set. OMIT allows fragments, too, and has
   * the kernel tell.
   */
  #allowFragments(): void {
    const [level, name, label] = this.#mtuDiscovery;
    const set = (value: number) => this.#socket.setOption(level, name, value, label);
    if (this.#family === 4) {
      const refusal = attempt(() => set(PMTUDISC_OMIT));
      if (refusal === undefined) return;
      this.#facilities.lack("IP_PMTUDISC_OMIT", refusal, NOT_TOLD_MTU);
    }
    set(PMTUDISC_DONT);
  }

  get #mtuDiscovery(): [level: number, name: number, label: string] {
    return this.#family === 4
      ? [IPPROTO_IP, IP_MTU_DISCOVER, "IP_MTU_DISCOVER"]
      : [IPPROTO_IPV6, IPV6_MTU_DISCOVER, "IPV6_MTU_DISCOVER"];
  }
}
