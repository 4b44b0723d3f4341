import { constants } from "node:os";
import {
  ICMP_FILTER,
  ICMPV6_FILTER,
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_HDRINCL,
  IP_MTU_DISCOVER,
  IP_MULTICAST_TTL,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_CHECKSUM,
  IPV6_DONTFRAG,
  IPV6_HOPLIMIT,
  IPV6_MTU_DISCOVER,
  IPV6_MULTICAST_HOPS,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  PMTUDISC_WANT,
  SO_ATTACH_FILTER,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_DETACH_FILTER,
  SO_EE_ORIGIN_TIMESTAMPING,
  SO_ERROR,
  SO_MARK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RXQ_OVFL,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOCK_EXTENDED_ERR,
  SOF_TIMESTAMPING_SOFTWARE,
  SOL_RAW,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import type { FilterInstruction } from "../../src/ffi/filter.ts";
import { addressBytes, type SocketAddress } from "../../src/ffi/sockaddr.ts";
import { runFilter } from "./fake-bpf.ts";
import { type FakeControl, type FakeDatagram, viewOf, writeAddress } from "./fake-memory.ts";

/** How a packet arrived: what control messages tell about it. */
export interface FakeReception {
  readonly destination: string;
  readonly interfaceIndex: number;
  readonly ttl: number;
  readonly tos: number;
  /** CLOCK_REALTIME in seconds since 1970, and nanoseconds. */
  readonly stamp: { readonly seconds: number; readonly nanoseconds: number };
  /** Whether the kernel noted that when the packet came. */
  readonly isStamped: boolean;
}

/** An entry of the error queue. */
export interface FakeErrorEntry {
  readonly errno: number;
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  readonly info: number;
  readonly data: number;
  readonly offender: SocketAddress | undefined;
}

interface QueuedError {
  readonly datagram: FakeDatagram;
  /** What it leaves pending on the socket; 0 for what is not from ICMP. */
  readonly errno: number;
}

const SOCKET_OPTIONS: ReadonlySet<number> = new Set([
  SO_ERROR,
  SO_BROADCAST,
  SO_SNDBUF,
  SO_RCVBUF,
  SO_BINDTODEVICE,
  SO_ATTACH_FILTER,
  SO_DETACH_FILTER,
  SO_SNDBUFFORCE,
  SO_RCVBUFFORCE,
  SO_MARK,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SO_RXQ_OVFL,
]);
const IPV4_OPTIONS: ReadonlySet<number> = new Set([
  IP_TOS,
  IP_TTL,
  IP_HDRINCL,
  IP_PKTINFO,
  IP_MTU_DISCOVER,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IP_RECVTTL,
  IP_RECVTOS,
  IP_MULTICAST_TTL,
]);
const IPV6_OPTIONS: ReadonlySet<number> = new Set([
  IPV6_CHECKSUM,
  IPV6_UNICAST_HOPS,
  IPV6_MULTICAST_HOPS,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_V6ONLY,
  IPV6_RECVPKTINFO,
  IPV6_RECVHOPLIMIT,
  IPV6_DONTFRAG,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
]);

/** One open ICMP socket of the fake kernel: its options and its two queues. */
export class FakeSocket {
  readonly fd: number;
  readonly family: 4 | 6;
  /** SOCK_RAW; otherwise SOCK_DGRAM. */
  readonly raw: boolean;
  /** UDP; otherwise ICMP. */
  readonly isUdp: boolean;
  /**
   * How many datagrams may wait before more are dropped (SO_RCVBUF, counted in datagrams for
   * simplicity).
   */
  readonly queueLimit: number;
  /** F_SETFL flags. */
  flags = 0;
  /** F_SETOWN. */
  owner = 0;
  /** F_SETSIG; 0 stands for SIGIO. */
  signal = 0;
  /** The bound address; `undefined` when any. */
  boundAddress: string | undefined;
  /** SO_BINDTODEVICE; 0 when any. */
  boundInterface = 0;
  /** The identifier of a datagram socket; 0 while it has none. */
  port = 0;
  /** SO_ERROR. */
  pendingError = 0;
  /** What every read fails with; 0 for none. */
  readError = 0;
  /** The next OPT_ID key. */
  stampKey = 0;
  /** Bytes of kernel memory that packets take which have not left, and how many they may. */
  unsent = 0;
  sendLimit = 0;
  readonly #options = new Map<string, number>();
  readonly #queue: FakeDatagram[] = [];
  readonly #errors: QueuedError[] = [];
  #typeFilter = new Uint8Array(32);
  #filter: readonly FilterInstruction[] | undefined;
  #dropped = 0;

  /** Datagrams dropped so far because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  constructor(options: {
    fd: number;
    family: 4 | 6;
    raw: boolean;
    isUdp: boolean;
    queueLimit: number;
  }) {
    this.isUdp = options.isUdp;
    this.fd = options.fd;
    this.family = options.family;
    this.raw = options.raw;
    this.queueLimit = options.queueLimit;
    this.#options.set(`${IPPROTO_IP}:${IP_MTU_DISCOVER}`, PMTUDISC_WANT);
    this.#options.set(`${IPPROTO_IPV6}:${IPV6_MTU_DISCOVER}`, PMTUDISC_WANT);
  }

  /** Whether this kind of socket has that option; the rest is ENOPROTOOPT. */
  hasOption(level: number, name: number): boolean {
    if (level === SOL_SOCKET) return SOCKET_OPTIONS.has(name);
    if (level === IPPROTO_IP) return this.family === 4 && IPV4_OPTIONS.has(name);
    if (level === IPPROTO_IPV6) return this.family === 6 && IPV6_OPTIONS.has(name);
    if (level === SOL_RAW) return this.family === 4 && this.raw && name === ICMP_FILTER;
    return level === IPPROTO_ICMPV6 && this.family === 6 && this.raw && name === ICMPV6_FILTER;
  }

  /** Sets an option that is an `int`, or a type filter. */
  setOption(level: number, name: number, value: Uint8Array): void {
    if (level === SOL_RAW || level === IPPROTO_ICMPV6) {
      this.#typeFilter = new Uint8Array(32);
      this.#typeFilter.set(value.subarray(0, 32));
      return;
    }
    const number = value.length < 4 ? (value[0] ?? 0) : viewOf(value).getInt32(0, true);
    if (level === SOL_SOCKET && name === SO_TIMESTAMPING) this.stampKey = 0;
    this.#options.set(`${level}:${name}`, number);
  }

  /** An `int` option's value; 0 when it was never set. */
  option(level: number, name: number): number {
    return this.#options.get(`${level}:${name}`) ?? 0;
  }

  /**
   * The option that is number `v4` of the IPv4 level, or number `v6` of the IPv6 level, as this
   * socket's family has it.
   */
  ipOption(v4: number, v6: number): number {
    return this.family === 4 ? this.option(IPPROTO_IP, v4) : this.option(IPPROTO_IPV6, v6);
  }

  /** Attaches a classic BPF program; `undefined` takes it away. */
  attachFilter(program: readonly FilterInstruction[] | undefined): void {
    this.#filter = program;
  }

  /** Whether the attached program, if any, lets the packet in. */
  passesFilter(packet: Uint8Array): boolean {
    return this.#filter === undefined || runFilter(this.#filter, packet) > 0;
  }

  /**
   * Whether ICMP_FILTER lets messages of that type in. IPv4's mask ends at type 31; above, all pass
   * (raw(7)).
   */
  acceptsType(type: number): boolean {
    if (this.family === 4 && type >= 32) return true;
    return ((viewOf(this.#typeFilter).getUint32((type >> 5) * 4, true) >>> (type & 31)) & 1) === 0;
  }

  /** Queues a datagram that passes the filter, or counts it as dropped. */
  push(data: Uint8Array, from: string, reception: FakeReception): void {
    if (!this.passesFilter(data)) return;
    if (this.#queue.length >= this.queueLimit) {
      this.#dropped++;
      return;
    }
    this.#queue.push({
      data,
      address: addressOf(from, reception.interfaceIndex),
      control: [...this.#socketControl(reception), ...this.#ipControl(reception)],
    });
  }

  /**
   * Queues an ICMP or local error about a datagram to `destination`, and leaves `entry.errno`
   * pending if it is from ICMP.
   */
  pushError(
    entry: FakeErrorEntry,
    about: { data: Uint8Array; destination: string; reception: FakeReception; fromIcmp: boolean },
  ): void {
    const control = [...this.#socketControl(about.reception)];
    if (about.fromIcmp) control.push(...this.#ipControl(about.reception));
    control.push(this.#errorControl(entry));
    const address = addressOf(about.destination, about.reception.interfaceIndex);
    this.#errors.push({
      datagram: { data: about.data, address, control },
      errno: about.fromIcmp ? entry.errno : 0,
    });
    if (about.fromIcmp) this.pendingError = entry.errno;
  }

  /** Queues a transmit timestamp. */
  pushStamp(stamp: FakeReception["stamp"], message: { key: number; data: Uint8Array }): void {
    const entry: FakeErrorEntry = {
      errno: constants.errno.ENOMSG,
      origin: SO_EE_ORIGIN_TIMESTAMPING,
      type: 0,
      code: 0,
      info: 0,
      data: message.key,
      offender: undefined,
    };
    const control = [timestampControl(stamp), this.#errorControl(entry)];
    this.#errors.push({ datagram: { data: message.data, address: undefined, control }, errno: 0 });
  }

  /** Takes the oldest datagram. */
  shift(): FakeDatagram | undefined {
    return this.#queue.shift();
  }

  /**
   * Takes the oldest error; the socket is then left with the next one from ICMP pending, or with
   * none (skbuff.c).
   */
  shiftError(): FakeDatagram | undefined {
    const entry = this.#errors.shift();
    if (entry === undefined) return undefined;
    const next = this.#errors[0]?.errno ?? 0;
    if (next !== 0) this.pendingError = next;
    else if (entry.errno !== 0) this.pendingError = 0;
    return entry.datagram;
  }

  /** Datagrams waiting. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Errors and timestamps waiting. */
  get queuedErrors(): number {
    return this.#errors.length;
  }

  #socketControl(reception: FakeReception): FakeControl[] {
    const control: FakeControl[] = [];
    if ((this.option(SOL_SOCKET, SO_TIMESTAMPING) & SOF_TIMESTAMPING_SOFTWARE) !== 0) {
      if (reception.isStamped) control.push(timestampControl(reception.stamp));
    } else if (this.option(SOL_SOCKET, SO_TIMESTAMP) !== 0) {
      control.push(coarseTimestampControl(reception.stamp));
    }
    if (this.option(SOL_SOCKET, SO_RXQ_OVFL) !== 0 && this.#dropped > 0) {
      control.push({ level: SOL_SOCKET, type: SO_RXQ_OVFL, data: int(this.#dropped) });
    }
    return control;
  }

  #ipControl(reception: FakeReception): FakeControl[] {
    const control: FakeControl[] = [];
    const { ttl, tos } = reception;
    const v4 = this.family === 4;
    const level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    if (this.ipOption(IP_PKTINFO, IPV6_RECVPKTINFO) !== 0)
      control.push(this.#packetInfo(reception));
    if (this.ipOption(IP_RECVTTL, IPV6_RECVHOPLIMIT) !== 0) {
      control.push({ level, type: v4 ? IP_TTL : IPV6_HOPLIMIT, data: int(ttl) });
    }
    if (this.ipOption(IP_RECVTOS, IPV6_RECVTCLASS) !== 0) {
      control.push({
        level,
        type: v4 ? IP_TOS : IPV6_TCLASS,
        data: v4 ? Uint8Array.of(tos) : int(tos),
      });
    }
    return control;
  }

  #packetInfo(reception: FakeReception): FakeControl {
    const address = addressBytes(reception.destination).bytes;
    const layout = this.family === 4 ? IN_PKTINFO : IN6_PKTINFO;
    const data = new Uint8Array(layout.size);
    viewOf(data).setInt32(layout.interfaceIndex, reception.interfaceIndex, true);
    data.set(address, layout.address);
    if (this.family === 6) return { level: IPPROTO_IPV6, type: IPV6_PKTINFO, data };
    data.set(address, IN_PKTINFO.localAddress);
    return { level: IPPROTO_IP, type: IP_PKTINFO, data };
  }

  #errorControl(entry: FakeErrorEntry): FakeControl {
    const data = new Uint8Array(SOCK_EXTENDED_ERR.size + (this.family === 4 ? 16 : 28));
    const view = viewOf(data);
    view.setUint32(SOCK_EXTENDED_ERR.errno, entry.errno, true);
    view.setUint8(SOCK_EXTENDED_ERR.origin, entry.origin);
    view.setUint8(SOCK_EXTENDED_ERR.type, entry.type);
    view.setUint8(SOCK_EXTENDED_ERR.code, entry.code);
    view.setUint32(SOCK_EXTENDED_ERR.info, entry.info, true);
    view.setUint32(SOCK_EXTENDED_ERR.data, entry.data, true);
    writeAddress(data.subarray(SOCK_EXTENDED_ERR.size), entry.offender);
    return this.family === 4
      ? { level: IPPROTO_IP, type: IP_RECVERR, data }
      : { level: IPPROTO_IPV6, type: IPV6_RECVERR, data };
  }
}

/** An address as the kernel reports it: link-local ones with the interface they came by. */
export function addressOf(text: string, interfaceIndex: number): SocketAddress {
  const address = text.split("%", 1)[0] as string;
  return /^fe[89ab]/i.test(address)
    ? { address, port: 0, scopeId: interfaceIndex }
    : { address, port: 0 };
}

function timestampControl(stamp: FakeReception["stamp"]): FakeControl {
  const data = new Uint8Array(48);
  viewOf(data).setBigInt64(0, BigInt(stamp.seconds), true);
  viewOf(data).setBigInt64(8, BigInt(stamp.nanoseconds), true);
  return { level: SOL_SOCKET, type: SO_TIMESTAMPING, data };
}

function coarseTimestampControl(stamp: FakeReception["stamp"]): FakeControl {
  const data = new Uint8Array(16);
  viewOf(data).setBigInt64(0, BigInt(stamp.seconds), true);
  viewOf(data).setBigInt64(8, BigInt(Math.floor(stamp.nanoseconds / 1000)), true);
  return { level: SOL_SOCKET, type: SO_TIMESTAMP, data };
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
