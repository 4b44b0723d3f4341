import { constants } from "node:os";
import {
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_RECVERR,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPV6_HOPLIMIT,
  IPV6_MTU_DISCOVER,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  PMTUDISC_DO,
  PMTUDISC_DONT,
  PMTUDISC_PROBE,
  SO_BROADCAST,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
  SO_MARK,
  SO_TIMESTAMPING,
  SOF_TIMESTAMPING_OPT_ID,
  SOF_TIMESTAMPING_OPT_TSONLY,
  SOF_TIMESTAMPING_SOFTWARE,
  SOF_TIMESTAMPING_TX_SOFTWARE,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import { formatAddress, isLinkLocal, isMulticast } from "../../src/packet/address.ts";
import type { FakeClock } from "./fake-clock.ts";
import { type QuotedProbe, quotedProbe } from "./fake-icmp-errors.ts";
import { type FakeDatagram, viewOf } from "./fake-memory.ts";
import type { FakeCounts } from "./fake-netlink.ts";
import {
  canonical,
  checksumHolds,
  echoReply,
  type FakeArrival,
  type FakeNetwork,
  type FakeProbe,
  ipPacket,
  withChecksum,
} from "./fake-network.ts";
import { addressOf, type FakeReception, type FakeSocket } from "./fake-socket.ts";
import type { FakeStamps } from "./fake-stamps.ts";

const { EACCES, EDESTADDRREQ, EINVAL, EMSGSIZE, ENETUNREACH, ENOBUFS, ENODEV, EPERM } =
  constants.errno;

const LOOPBACK_DELAY_MS = 0.02;
const FIRST_IDENTIFIER = 20_000;
const FIRST_PORT = 32_768;

/** A system call that fails. */
export class KernelFailure extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** The fake host and what surrounds it. */
export interface FakeHostOptions {
  /** What comes back for a probe that leaves the host. Default: nothing. */
  readonly network?: FakeNetwork;
  /**
   * The host's addresses besides 127.0.0.0/8 and ::1. The first of each family is the usual source.
   * They may change, as may the interfaces.
   */
  readonly addresses?: readonly string[];
  /** Interface names and indexes. Default: lo is 1, eth0 is 2. */
  readonly interfaces?: Readonly<Record<string, number>>;
  /** Largest IP packet in bytes. Default: 1,500. */
  readonly mtu?: number;
}

/** What refuses a packet: a full table of neighbours, a full queue of a device, or a firewall. */
export type FakeRefusal = "table" | "queue" | "firewall";

interface HostContext {
  readonly options: FakeHostOptions;
  readonly sockets: () => Iterable<FakeSocket>;
  readonly stamps: FakeStamps;
  /** A socket has something to read. */
  readonly wake: (socket: FakeSocket) => void;
  readonly counts: FakeCounts;
}

/**
 * The ICMP layer of the fake kernel: what sockets send and who of them receives, by Linux's rules.
 */
export class FakeHost {
  /** The ICMP messages that left, in order. */
  readonly sent: FakeProbe[] = [];
  /** Interface names and indexes. */
  readonly interfaces: Readonly<Record<string, number>>;
  readonly #clock: FakeClock;
  readonly #context: HostContext;
  readonly #routeErrors = new Map<string, number>();
  readonly #full = new Map<string, FakeRefusal>();
  #nextIdentifier = FIRST_IDENTIFIER;
  #nextPort = FIRST_PORT;

  constructor(clock: FakeClock, context: HostContext) {
    this.#clock = clock;
    this.#context = context;
    this.interfaces = context.options.interfaces ?? { lo: 1, eth0: 2 };
  }

  // Read again each time: addresses come and go.
  get #addresses(): readonly string[] {
    return (this.#context.options.addresses ?? ["192.0.2.10", "2001:db8::10"]).map(canonical);
  }

  /** Makes sends to `destination` fail; 0 makes them succeed again. */
  setRouteError(destination: string, errno: number): void {
    if (errno === 0) this.#routeErrors.delete(canonical(destination));
    else this.#routeErrors.set(canonical(destination), errno);
  }

  /** Says what has no room for packets to `destination`. */
  setRefusal(destination: string, what: FakeRefusal | undefined): void {
    if (what === undefined) this.#full.delete(canonical(destination));
    else this.#full.set(canonical(destination), what);
  }

  /** Whether `address` is this host's own. */
  isLocal(address: string): boolean {
    return (
      address.startsWith("127.") ||
      address === "::1" ||
      this.#addresses.includes(canonical(address))
    );
  }

  /**
   * Gives a datagram socket its identifier: `wanted`, which others may have as well, or a free one
   * for 0.
   */
  claimIdentifier(socket: FakeSocket, wanted: number): void {
    const taken = new Set([0]);
    for (const other of this.#context.sockets()) {
      const isRival = !other.raw && other.family === socket.family && other.isUdp === socket.isUdp;
      if (other !== socket && isRival) taken.add(other.port);
    }
    let port = wanted;
    while (wanted === 0 && taken.has(port)) {
      port = (socket.isUdp ? this.#nextPort++ : this.#nextIdentifier++) & 0xffff;
    }
    socket.port = port;
  }

  /** Sends a datagram and returns its length. */
  transmit(socket: FakeSocket, message: FakeDatagram): number {
    const { address } = message;
    if (address === undefined) throw new KernelFailure(EDESTADDRREQ);
    if (address.address.includes(":") !== (socket.family === 6)) throw new KernelFailure(EINVAL);
    if (socket.pendingError !== 0) {
      const errno = socket.pendingError;
      socket.pendingError = 0;
      throw new KernelFailure(errno);
    }
    const destination = address.address;
    const routeError = this.#routeErrors.get(destination);
    if (routeError !== undefined) throw new KernelFailure(routeError);
    if (destination === "255.255.255.255" && socket.option(SOL_SOCKET, SO_BROADCAST) === 0) {
      throw new KernelFailure(EACCES);
    }
    if (socket.isUdp) return this.#loop(socket, message, destination);
    const wish = readWish(socket, message);
    const scope = (isLinkLocal(destination) && address.scopeId) || 0;
    const index = wish.interfaceIndex || socket.boundInterface || scope;
    // ip6_datagram_send_ctl()
    if (socket.boundInterface !== 0 && index !== socket.boundInterface)
      throw new KernelFailure(EINVAL);
    if (index !== 0 && !Object.values(this.interfaces).includes(index))
      throw new KernelFailure(ENODEV);
    const source = this.#source(socket, wish.source, destination);
    if (!socket.raw) this.#requireEcho(socket, message.data);
    const data = this.#finish(socket, message.data, { source, destination });
    const discovery = socket.ipOption(IP_MTU_DISCOVER, IPV6_MTU_DISCOVER);
    const dontFragment = discovery === PMTUDISC_DO || discovery === PMTUDISC_PROBE;
    const header = {
      family: socket.family,
      source,
      destination,
      ttl: wish.ttl,
      tos: wish.tos,
      dontFragment,
    };
    const position = this.sent.length;
    const packet = ipPacket(
      { ...header, identification: socket.raw || !dontFragment ? position & 0xffff : 0 },
      data,
    );
    this.#checkSize(socket, { packet, data, destination, dontFragment });
    const full = this.#full.get(destination);
    if (full !== undefined) return this.#refuse(socket, full, message.data.length);
    const view = viewOf(data);
    const probe: FakeProbe = {
      ...header,
      mark: socket.option(SOL_SOCKET, SO_MARK),
      interfaceIndex: index,
      data,
      packet,
      identifier: data.length >= 8 ? view.getUint16(4) : 0,
      sequence: data.length >= 8 ? view.getUint16(6) : 0,
      sentAtNs: this.#clock.monotonicNs(),
      index: position,
    };
    this.sent.push(probe);
    this.#stamp(socket, packet);
    for (const arrival of this.#answers(probe)) this.schedule(arrival, probe);
    return message.data.length;
  }

  /** Lets `arrival` happen in its time. */
  schedule(
    arrival: FakeArrival,
    probe: { readonly family: 4 | 6; readonly source?: string },
  ): void {
    const { family } = probe;
    const usual = this.#addresses.find((address) => address.includes(":") === (family === 6));
    const to = arrival.to ?? probe.source ?? usual;
    if (to === undefined)
      throw new Error(`The fake host has no IPv${family} address for packets to arrive at`);
    this.#clock.scheduleKernel(arrival.delayNs, () => this.#deliver(arrival, { family, to }));
  }

  /** UDP goes no further than this host. */
  #loop(socket: FakeSocket, { data, address }: FakeDatagram, destination: string): number {
    const reception = { ...this.#reception(), destination };
    for (const other of this.#context.sockets()) {
      if (!other.isUdp || other.port !== address?.port || !accepts(other, reception)) continue;
      other.push(data, socket.boundAddress ?? destination, reception);
      this.#context.wake(other);
    }
    return data.length;
  }

  #answers(probe: FakeProbe): readonly FakeArrival[] {
    if (!this.isLocal(probe.destination)) return this.#context.options.network?.(probe) ?? [];
    // On loopback a raw socket sees the request go by as well.
    const common = { to: probe.source, tos: probe.tos, interfaceIndex: this.interfaces["lo"] ?? 1 };
    const request: FakeArrival = {
      ...common,
      delayNs: 0,
      from: probe.source,
      to: probe.destination,
      icmp: probe.data,
      keepChecksum: true,
      ttl: probe.ttl,
    };
    const isRequest = probe.data[0] === (probe.family === 4 ? 8 : 128);
    if (!isRequest || !checksumHolds(probe.data, probe)) return [request];
    return [request, { ...echoReply(probe, { delayMs: LOOPBACK_DELAY_MS }), ...common }];
  }

  #source(socket: FakeSocket, wanted: string | undefined, destination: string): string {
    if (wanted !== undefined && !this.isLocal(wanted)) throw new KernelFailure(EINVAL);
    // An IPv6 datagram socket checks the address in IPV6_PKTINFO and then does not use it (seen on
    // Linux 6.18).
    const heeded = socket.raw || socket.family === 4 ? wanted : undefined;
    const chosen = heeded ?? socket.boundAddress;
    if (chosen !== undefined && !isMulticast(chosen)) return chosen;
    if (this.isLocal(destination))
      return destination.startsWith("127.") ? "127.0.0.1" : destination;
    const usual = this.#addresses.find(
      (address) => address.includes(":") === (socket.family === 6),
    );
    if (usual === undefined) throw new KernelFailure(ENETUNREACH);
    return usual;
  }

  /** ping_v4_sendmsg() takes echo requests only, extended ones (RFC 8335) included. */
  #requireEcho(socket: FakeSocket, data: Uint8Array): void {
    const types = socket.family === 4 ? [8, 42] : [128, 160];
    if (data.length < 8 || !types.includes(data[0] as number) || data[1] !== 0)
      throw new KernelFailure(EINVAL);
    if (socket.port === 0) this.claimIdentifier(socket, 0);
  }

  /** Identifier and checksum, as far as the kernel sets them. */
  #finish(
    socket: FakeSocket,
    data: Uint8Array,
    between: { source: string; destination: string },
  ): Uint8Array {
    if (socket.raw && socket.family === 4) return data;
    const bytes = data.slice();
    if (!socket.raw) viewOf(bytes).setUint16(4, socket.port);
    return withChecksum(bytes, { family: socket.family, ...between });
  }

  #checkSize(
    socket: FakeSocket,
    sent: { packet: Uint8Array; data: Uint8Array; destination: string; dontFragment: boolean },
  ): void {
    const mtu = this.isLocal(sent.destination) ? 65_536 : (this.#context.options.mtu ?? 1500);
    if (sent.packet.length <= mtu || !sent.dontFragment) return;
    if (socket.ipOption(IP_RECVERR, IPV6_RECVERR) !== 0) {
      const entry = {
        errno: EMSGSIZE,
        origin: SO_EE_ORIGIN_LOCAL,
        type: 0,
        code: 0,
        info: mtu,
        data: 0,
        offender: undefined,
      };
      const reception = { ...this.#reception(), destination: sent.destination };
      const about = { data: sent.data, destination: sent.destination, reception, fromIcmp: false };
      socket.pushError(entry, about);
      this.#context.wake(socket);
    }
    throw new KernelFailure(EMSGSIZE);
  }

  /** What a send comes to when something is full: only some sockets are told. */
  #refuse(socket: FakeSocket, full: FakeRefusal, length: number): number {
    const { counts } = this.#context;
    if (full === "table") counts.tableOverflows += 1;
    else if (full === "queue") counts.queueDrops += 1;
    // The packet got as far as that.
    if ((socket.option(SOL_SOCKET, SO_TIMESTAMPING) & SOF_TIMESTAMPING_OPT_ID) !== 0)
      socket.stampKey++;
    if (socket.family === 6 && !socket.raw) return length;
    if (full === "firewall") throw new KernelFailure(EPERM);
    const isDeaf = socket.raw && socket.family === 4 && socket.option(IPPROTO_IP, IP_RECVERR) === 0;
    if (isDeaf) return length;
    throw new KernelFailure(socket.family === 6 && full === "table" ? EINVAL : ENOBUFS);
  }

  #stamp(socket: FakeSocket, packet: Uint8Array): void {
    const flags = socket.option(SOL_SOCKET, SO_TIMESTAMPING);
    const wanted = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    const key = (flags & SOF_TIMESTAMPING_OPT_ID) !== 0 ? socket.stampKey++ : 0;
    if ((flags & wanted) !== wanted) return;
    const data = (flags & SOF_TIMESTAMPING_OPT_TSONLY) !== 0 ? new Uint8Array() : packet;
    socket.pushStamp(this.#reception().stamp, { key, data });
    this.#context.wake(socket);
  }

  #reception(): Omit<FakeReception, "destination"> {
    const realtimeNs = this.#clock.realtimeNs();
    const whole = Math.floor(realtimeNs / 1e9);
    const stamp = {
      seconds: this.#clock.epochSeconds + whole,
      nanoseconds: realtimeNs - whole * 1e9,
    };
    const isStamped = this.#context.stamps.isOn;
    return { interfaceIndex: this.interfaces["eth0"] ?? 2, ttl: 64, tos: 0, stamp, isStamped };
  }

  #deliver(arrival: FakeArrival, where: { family: 4 | 6; to: string }): void {
    const { family, to } = where;
    const between = { family, source: arrival.from, destination: to };
    const icmp = arrival.keepChecksum === true ? arrival.icmp : withChecksum(arrival.icmp, between);
    const reception: FakeReception = {
      ...this.#reception(),
      destination: to,
      ttl: arrival.ttl ?? 64,
      tos: arrival.tos ?? 0,
      ...(arrival.interfaceIndex === undefined ? {} : { interfaceIndex: arrival.interfaceIndex }),
    };
    const intact = checksumHolds(icmp, between);
    // IPv4 raw sockets are served before ICMP looks at the checksum; IPv6 ones check it themselves
    // (IPV6_CHECKSUM).
    if (family === 6 && !intact) return;
    const header = { ...between, ttl: reception.ttl, tos: reception.tos };
    const packet = family === 4 ? ipPacket(header, icmp) : icmp;
    const error = intact ? quotedProbe(family, icmp) : undefined;
    const from = arrival.from;
    const candidates = [...this.#context.sockets()].filter(
      (socket) => !socket.isUdp && socket.family === family && accepts(socket, reception),
    );
    for (const socket of candidates.filter(({ raw }) => raw)) {
      if (socket.acceptsType(icmp[0] ?? 0)) this.#push(socket, packet, { from, reception });
      if (error !== undefined) this.#raise(socket, { icmp, error, from, reception });
    }
    const isReply =
      (family === 4 ? [0, 43] : [129, 161]).includes(icmp[0] ?? -1) && icmp.length >= 8;
    const identifier = isReply && intact ? viewOf(icmp).getUint16(4) : error?.identifier;
    // Of several datagram sockets with one identifier the youngest gets everything
    // (net/ipv4/ping.c, ping_lookup).
    const owner = candidates.findLast(({ raw, port }) => !raw && port === identifier);
    if (owner === undefined) return;
    if (error === undefined) this.#push(owner, icmp, { from, reception });
    else this.#raise(owner, { icmp, error, from, reception });
  }

  #push(
    socket: FakeSocket,
    data: Uint8Array,
    arrival: { from: string; reception: FakeReception },
  ): void {
    socket.push(data, arrival.from, arrival.reception);
    this.#context.wake(socket);
  }

  /** What ping_err() does: onto the error queue, and pending for the next system call. */
  #raise(
    socket: FakeSocket,
    arrival: { icmp: Uint8Array; error: QuotedProbe; from: string; reception: FakeReception },
  ): void {
    const { icmp, error, from, reception } = arrival;
    const isTooBig = socket.family === 4 && icmp[0] === 3 && icmp[1] === 4;
    if (isTooBig && socket.option(IPPROTO_IP, IP_MTU_DISCOVER) === PMTUDISC_DONT) return;
    if (error.errno === 0 || socket.ipOption(IP_RECVERR, IPV6_RECVERR) === 0) return;
    const entry = {
      errno: error.errno,
      origin: socket.family === 4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
      type: icmp[0] ?? 0,
      code: icmp[1] ?? 0,
      info: error.info,
      data: 0,
      offender: addressOf(from, reception.interfaceIndex),
    };
    const about = { data: error.data, destination: error.destination, reception, fromIcmp: true };
    socket.pushError(entry, about);
    this.#context.wake(socket);
  }
}

function accepts(socket: FakeSocket, reception: FakeReception): boolean {
  if (socket.boundAddress !== undefined && socket.boundAddress !== reception.destination)
    return false;
  return socket.boundInterface === 0 || socket.boundInterface === reception.interfaceIndex;
}

/** What control messages and options ask of the IP header. */
function readWish(
  socket: FakeSocket,
  message: FakeDatagram,
): { ttl: number; tos: number; source: string | undefined; interfaceIndex: number } {
  const v4 = socket.family === 4;
  let ttl = socket.ipOption(IP_TTL, IPV6_UNICAST_HOPS) || 64;
  let tos = socket.ipOption(IP_TOS, IPV6_TCLASS);
  let source: string | undefined;
  let interfaceIndex = 0;
  for (const { type, data } of message.control) {
    const view = viewOf(data);
    if (type === (v4 ? IP_TTL : IPV6_HOPLIMIT)) ttl = view.getInt32(0, true);
    else if (type === (v4 ? IP_TOS : IPV6_TCLASS)) tos = view.getInt32(0, true);
    else if (type === (v4 ? IP_PKTINFO : IPV6_PKTINFO)) {
      const layout = v4 ? IN_PKTINFO : IN6_PKTINFO;
      const offset = v4 ? IN_PKTINFO.localAddress : IN6_PKTINFO.address;
      interfaceIndex = view.getInt32(layout.interfaceIndex, true);
      const address = data.subarray(offset, offset + (v4 ? 4 : 16));
      if (address.some((byte) => byte !== 0)) source = formatAddress(address);
    } else throw new KernelFailure(EINVAL);
  }
  if (ttl < 1 || ttl > 255 || tos < 0 || tos > 255) throw new KernelFailure(EINVAL);
  return { ttl, tos, source, interfaceIndex };
}
