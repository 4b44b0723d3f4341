import { constants } from "node:os";
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  F_GETFL,
  F_SETFL,
  F_SETOWN,
  F_SETSIG,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  MSG_ERRQUEUE,
  MSGHDR,
  O_NONBLOCK,
  POLLERR,
  POLLFD,
  POLLIN,
  POLLNVAL,
  SK_MEMINFO,
  SO_ATTACH_FILTER,
  SO_BINDTODEVICE,
  SO_DETACH_FILTER,
  SO_ERROR,
  SO_MARK,
  SO_MEMINFO,
  SO_RCVBUFFORCE,
  SO_SNDBUFFORCE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import type { LibcSymbols } from "../../src/ffi/symbols.ts";
import { isMulticast } from "../../src/packet/address.ts";
import type { FakeClock } from "./fake-clock.ts";
import { FakeHost, type FakeRefusal, KernelFailure } from "./fake-host.ts";
import type { FakeCall, FakeKernelOptions } from "./fake-kernel-options.ts";
import {
  type FakeDatagram,
  messageOffset,
  readAddress,
  readFilter,
  readMessage,
  setMessageLength,
  viewOf,
  writeAddress,
  writeMessage,
} from "./fake-memory.ts";
import { FakeNetlink } from "./fake-netlink.ts";
import type { FakeArrival } from "./fake-network.ts";
import { FakeReactor } from "./fake-reactor.ts";
import { addressOf, FakeSocket } from "./fake-socket.ts";
import { FakeStamps } from "./fake-stamps.ts";

export type { FakeCall, FakeKernelOptions } from "./fake-kernel-options.ts";

const { EACCES, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, EINVAL, EMFILE, ENODEV } =
  constants.errno;
const { ENOBUFS, ENOPROTOOPT, EPERM, EPROTONOSUPPORT } = constants.errno;

const FIRST_DESCRIPTOR = 100;
/** Kernel memory that a small packet or a stamp takes. */
const SMALL_PACKET = 832;

/**
 * A Linux kernel with ICMP sockets, made of nothing: it implements `LibcSymbols` over a
 * `FakeClock`, follows the addresses in a `msghdr`, fills the caller's memory, sets errno, and asks
 * a scripted network what comes back.
 *
 * `new Libc(kernel)`, the clock and `kernel.reactor` together are all that sockets need.
 */
export class FakeKernel implements LibcSymbols {
  readonly clock: FakeClock;
  /** Every call so far but those of `clock_gettime` and `errno`, and of netlink sockets. */
  readonly calls: FakeCall[] = [];
  /** Wakes through the fake clock. */
  readonly reactor: FakeReactor;
  /** The answers of netlink. */
  readonly netlink: FakeNetlink = new FakeNetlink();
  readonly #options: FakeKernelOptions;
  readonly #host: FakeHost;
  readonly #stamps: FakeStamps;
  readonly #sockets = new Map<number, FakeSocket>();
  readonly #failures = new Map<string, number[]>();
  readonly #refusedCalls = new Map<string, number>();
  readonly #refusedOptions = new Map<string, number>();
  #errno = 0;
  #opened = 0;

  constructor(clock: FakeClock, options: FakeKernelOptions = {}) {
    this.clock = clock;
    this.#options = options;
    this.reactor = new FakeReactor(clock, {
      socketOf: (fd) => this.#sockets.get(fd),
      delayNs: (options.wakeDelayMs ?? 0) * 1e6,
    });
    this.#stamps = new FakeStamps(clock, (options.stampDelayMs ?? 1) * 1e6);
    this.#host = new FakeHost(clock, {
      stamps: this.#stamps,
      options,
      sockets: () => this.#sockets.values(),
      wake: (socket) => this.reactor.wake(socket.fd),
      counts: this.netlink.counts,
    });
  }

  /** How many descriptors are open. */
  get openDescriptors(): number {
    return this.#sockets.size;
  }

  /** How many ICMP sockets were ever opened. */
  get openedDescriptors(): number {
    return this.#opened;
  }

  /** The ICMP messages that left, in order. */
  get sent(): FakeHost["sent"] {
    return this.#host.sent;
  }

  /** The open socket `fd`, to look at. */
  socketOf(fd: number): FakeSocket | undefined {
    return this.#sockets.get(fd);
  }

  /**
   * Makes the next `times` calls of `syscall` fail with `errno`. A send that is to fail for good
   * must do so 3 times.
   */
  failNext(syscall: keyof LibcSymbols, errno: number, times = 1): void {
    const queue = this.#failures.get(syscall) ?? [];
    for (let count = 0; count < times; count++) queue.push(errno);
    this.#failures.set(syscall, queue);
  }

  /** Makes every call of `syscall` fail with `errno`, as a sandbox does; 0 ends it. */
  refuseCall(syscall: keyof LibcSymbols, errno: number): void {
    this.#refusedCalls.set(syscall, errno);
  }

  /**
   * Makes setting or reading that option fail with `errno`, on every socket, or setting that value;
   * 0 ends it.
   */
  refuseOption(level: number, name: number, errno: number, value?: number): void {
    this.#refusedOptions.set(`${level}:${name}${value === undefined ? "" : `:${value}`}`, errno);
  }

  /** Makes every read of the sockets of that family that are open now fail with `errno`. */
  breakSockets(family: 4 | 6, errno: number): void {
    for (const socket of this.#sockets.values()) {
      if (socket.family === family) socket.readError = errno;
    }
  }

  /** Makes every send to `destination` fail with `errno`, as a missing route does; 0 ends it. */
  failSendsTo(destination: string, errno: number): void {
    this.#host.setRouteError(destination, errno);
  }

  /**
   * Says what refuses packets to `destination`: a full table of neighbours, a full queue of a
   * device, a firewall; or nothing. What the sender is told depends on the socket.
   */
  setRefusal(destination: string, what: FakeRefusal | undefined): void {
    this.#host.setRefusal(destination, what);
  }

  /** Lets a packet arrive that nobody asked for. */
  inject(arrival: FakeArrival & { readonly family: 4 | 6 }): void {
    this.#host.schedule(arrival, { family: arrival.family });
  }

  socket(domain: number, type: number, protocol: number): number {
    if (domain === AF_NETLINK && this.#options.netlink !== false) return this.netlink.open();
    return this.#call("socket", [domain, type, protocol], () => {
      const family = domain === AF_INET ? 4 : domain === AF_INET6 ? 6 : undefined;
      if (family === undefined || !(this.#options.families ?? [4, 6]).includes(family)) {
        throw new KernelFailure(EAFNOSUPPORT);
      }
      const kind = type & 0xff;
      const isUdp = kind === SOCK_DGRAM && protocol === 0;
      if (!isUdp && protocol !== (family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
        throw new KernelFailure(EPROTONOSUPPORT);
      if (kind !== SOCK_RAW && kind !== SOCK_DGRAM) throw new KernelFailure(EPROTONOSUPPORT);
      if (kind === SOCK_RAW && this.#options.allowRaw === false) throw new KernelFailure(EPERM);
      if (kind === SOCK_DGRAM && !isUdp && this.#options.allowDatagram === false)
        throw new KernelFailure(EACCES);
      if (this.#sockets.size >= (this.#options.maxDescriptors ?? 1024))
        throw new KernelFailure(EMFILE);
      let fd = FIRST_DESCRIPTOR;
      while (this.#sockets.has(fd)) fd++;
      const queueLimit = this.#options.queueLimit ?? 1000;
      const socket = new FakeSocket({ fd, family, raw: kind === SOCK_RAW, isUdp, queueLimit });
      socket.sendLimit = this.#options.sendBuffer ?? 0;
      socket.flags = (type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0;
      this.#sockets.set(fd, socket);
      if (!isUdp) this.#opened++;
      return fd;
    });
  }

  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number {
    return this.#call("setsockopt", [fd, level, name, length], () => {
      const socket = this.#socket(fd);
      this.#requireOption(socket, level, name);
      const bytes = value.slice(0, length);
      const refusal = this.#refusedOptions.get(`${level}:${name}:${bytes[0]}`) ?? 0;
      if (refusal !== 0) throw new KernelFailure(refusal);
      if (level === SOL_SOCKET) {
        const privileged = name === SO_MARK || name === SO_RCVBUFFORCE || name === SO_SNDBUFFORCE;
        if (privileged && this.#options.allowRaw === false) throw new KernelFailure(EPERM);
        if (name === SO_BINDTODEVICE) {
          socket.boundInterface = this.#interface(bytes);
          if (socket.boundInterface === 0 && bytes[0]) throw new KernelFailure(ENODEV);
          return 0;
        }
        if (name === SO_ATTACH_FILTER || name === SO_DETACH_FILTER) {
          socket.attachFilter(name === SO_ATTACH_FILTER ? readFilter(bytes) : undefined);
          return 0;
        }
      }
      socket.setOption(level, name, bytes);
      this.#stamps.note(socket);
      return 0;
    });
  }

  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    length: Uint32Array,
  ): number {
    return this.#call("getsockopt", [fd, level, name], () => {
      const socket = this.#socket(fd);
      if (level === SOL_SOCKET && name === SO_MEMINFO) {
        viewOf(value).setUint32(SK_MEMINFO.drops * 4, socket.dropped, true);
        const unread = (socket.queued + socket.queuedErrors) * SMALL_PACKET;
        viewOf(value).setUint32(SK_MEMINFO.used * 4, unread, true);
        viewOf(value).setUint32(SK_MEMINFO.sendUsed * 4, socket.unsent, true);
        viewOf(value).setUint32(SK_MEMINFO.sendLimit * 4, socket.sendLimit, true);
        length[0] = SK_MEMINFO.words * 4;
        return 0;
      }
      this.#requireOption(socket, level, name);
      let result = socket.option(level, name);
      if (level === SOL_SOCKET && name === SO_ERROR) {
        result = socket.pendingError;
        socket.pendingError = 0;
      }
      viewOf(value).setInt32(0, result, true);
      length[0] = 4;
      return 0;
    });
  }

  bind(fd: number, address: Uint8Array, length: number): number {
    return this.#call("bind", [fd, length], () => {
      const socket = this.#socket(fd);
      const wanted = readAddress(address, length);
      if (wanted === undefined) throw new KernelFailure(EINVAL);
      if (wanted.address.includes(":") !== (socket.family === 6))
        throw new KernelFailure(EAFNOSUPPORT);
      const any = wanted.address === "0.0.0.0" || wanted.address === "::";
      // A raw socket may be bound to a group, which is no source then (raw_bind).
      const isGroup = socket.raw && isMulticast(wanted.address);
      if (!any && !isGroup && !this.#host.isLocal(wanted.address))
        throw new KernelFailure(EADDRNOTAVAIL);
      if (!socket.raw) this.#host.claimIdentifier(socket, wanted.port ?? 0);
      socket.boundAddress = any ? undefined : wanted.address;
      // A link-local address is bound on one interface, for good (inet6_bind, ping_bind).
      socket.boundInterface = wanted.scopeId ?? 0;
      return 0;
    });
  }

  getsockname(fd: number, address: Uint8Array, length: Uint32Array): number {
    return this.#call("getsockname", [fd], () => {
      const socket = this.#socket(fd);
      const local = socket.boundAddress ?? (socket.family === 4 ? "0.0.0.0" : "::");
      // A raw socket's "port" is its protocol.
      const port = socket.raw ? (socket.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) : socket.port;
      const room = address.subarray(0, length[0]);
      length[0] = writeAddress(room, { ...addressOf(local, 0), port });
      return 0;
    });
  }

  sendto(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array | null,
    addressLength: number,
  ): number {
    if (this.netlink.owns(fd)) return this.netlink.send(data.subarray(0, length));
    return this.#call("sendto", [fd, length, flags, addressLength], () =>
      this.#host.transmit(this.#socket(fd), {
        data: data.slice(0, length),
        address: address === null ? undefined : readAddress(address, addressLength),
        control: [],
      }),
    );
  }

  recvfrom(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array | null,
    addressLength: Uint32Array | null,
  ): number {
    if (this.netlink.owns(fd)) return this.netlink.receive(data.subarray(0, length));
    return this.#call("recvfrom", [fd, length, flags], () => {
      const datagram = this.#take(this.#socket(fd), flags);
      const part = datagram.data.subarray(0, length);
      data.set(part);
      if (address !== null && addressLength !== null) {
        addressLength[0] = writeAddress(address.subarray(0, addressLength[0]), datagram.address);
      }
      return part.length;
    });
  }

  sendmsg(fd: number, message: Uint8Array, flags: number): number {
    return this.#call("sendmsg", [fd, flags], () => {
      const socket = this.#socket(fd);
      this.#takeControl(socket, message, 0);
      return this.#host.transmit(socket, readMessage(message, 0));
    });
  }

  recvmsg(fd: number, message: Uint8Array, flags: number): number {
    return this.#call("recvmsg", [fd, flags], () => {
      const datagram = this.#take(this.#socket(fd), flags);
      return writeMessage(message, 0, { datagram, flags: flags & MSG_ERRQUEUE });
    });
  }

  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number {
    return this.#call("sendmmsg", [fd, count, flags], () => {
      const socket = this.#socket(fd);
      return forEachMessage(count, (index) => {
        const offset = messageOffset(index);
        this.#takeControl(socket, messages, offset);
        setMessageLength(
          messages,
          offset,
          this.#host.transmit(socket, readMessage(messages, offset)),
        );
      });
    });
  }

  recvmmsg(
    fd: number,
    messages: Uint8Array,
    count: number,
    flags: number,
    _timeout: Uint8Array | null,
  ): number {
    return this.#call("recvmmsg", [fd, count, flags], () => {
      const socket = this.#socket(fd);
      return forEachMessage(count, (index) => {
        const offset = messageOffset(index);
        const datagram = this.#take(socket, flags);
        const length = writeMessage(messages, offset, { datagram, flags: flags & MSG_ERRQUEUE });
        setMessageLength(messages, offset, length);
      });
    });
  }

  poll(fds: Uint8Array, count: number, timeout: number): number {
    return this.#call("poll", [count, timeout], () => {
      const view = viewOf(fds);
      let found = 0;
      for (let index = 0; index < count; index++) {
        const offset = index * POLLFD.size;
        const events = this.#events(view.getInt32(offset + POLLFD.fd, true));
        view.setInt16(offset + POLLFD.revents, events, true);
        if (events !== 0) found++;
      }
      return found;
    });
  }

  fcntl(fd: number, command: number, argument: number): number {
    return this.#call("fcntl", [fd, command, argument], () => {
      const socket = this.#socket(fd);
      if (command === F_GETFL) return socket.flags;
      if (command === F_SETFL) socket.flags = argument;
      else if (command === F_SETOWN) socket.owner = argument;
      else if (command === F_SETSIG) socket.signal = argument;
      else throw new KernelFailure(EINVAL);
      return 0;
    });
  }

  close(fd: number): number {
    if (this.netlink.owns(fd)) return this.netlink.close();
    return this.#call("close", [fd], () => {
      this.#stamps.forget(this.#socket(fd));
      this.#sockets.delete(fd);
      return 0;
    });
  }

  clock_gettime(clock: number, time: Uint32Array): number {
    if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) {
      this.#errno = EINVAL;
      return -1;
    }
    const ns = clock === CLOCK_REALTIME ? this.clock.realtimeNs() : this.clock.monotonicNs();
    const seconds = Math.floor(ns / 1e9);
    time.set([
      (clock === CLOCK_REALTIME ? this.clock.epochSeconds : 0) + seconds,
      0,
      ns - seconds * 1e9,
      0,
    ]);
    return 0;
  }

  if_nametoindex(name: Uint8Array): number {
    return this.#call("if_nametoindex", [], () => {
      const index = this.#interface(name);
      if (index !== 0) return index;
      this.#errno = ENODEV;
      return 0;
    });
  }

  if_indextoname(index: number, name: Uint8Array): boolean {
    const known = Object.entries(this.#host.interfaces).find(([, each]) => each === index)?.[0];
    if (known !== undefined) name.set(new TextEncoder().encode(`${known}\0`));
    return known !== undefined;
  }

  getpid(): number {
    return this.#call("getpid", [], () => 4242);
  }

  errno(): number {
    return this.#errno;
  }

  #call(syscall: keyof LibcSymbols, args: readonly number[], body: () => number): number {
    let result = -1;
    let errno = this.#failures.get(syscall)?.shift() ?? this.#refusedCalls.get(syscall) ?? 0;
    if (errno === 0) {
      try {
        result = body();
      } catch (failure) {
        if (!(failure instanceof KernelFailure)) throw failure;
        errno = failure.errno;
      }
    }
    if (errno !== 0) this.#errno = errno;
    this.calls.push({ syscall, args, result, errno });
    return result;
  }

  #socket(fd: number): FakeSocket {
    const socket = this.#sockets.get(fd);
    if (socket === undefined) throw new KernelFailure(EBADF);
    return socket;
  }

  #takeControl({ raw }: FakeSocket, messages: Uint8Array, offset: number): void {
    const { refusedControl } = this.#options;
    const view = viewOf(messages);
    const length = view.getUint32(offset + MSGHDR.controlLength, true);
    const isNowhere = view.getUint32(offset + MSGHDR.nameLength, true) === 0;
    if (refusedControl === "beyond 36 bytes" && length > 36) throw new KernelFailure(ENOBUFS);
    // Only datagram sockets look at control messages before the destination (ping_v4_sendmsg).
    if (refusedControl === "all" && length > 0 && !(raw && isNowhere))
      throw new KernelFailure(EINVAL);
  }

  #requireOption(socket: FakeSocket, level: number, name: number): void {
    const refusal = this.#refusedOptions.get(`${level}:${name}`) ?? 0;
    if (refusal !== 0) throw new KernelFailure(refusal);
    if (!socket.hasOption(level, name)) throw new KernelFailure(ENOPROTOOPT);
  }

  #interface(name: Uint8Array): number {
    const end = name.indexOf(0);
    const text = new TextDecoder().decode(end < 0 ? name : name.subarray(0, end));
    return this.#host.interfaces[text] ?? 0;
  }

  #take(socket: FakeSocket, flags: number): FakeDatagram {
    if (socket.readError !== 0) throw new KernelFailure(socket.readError);
    if ((flags & MSG_ERRQUEUE) === 0 && socket.pendingError !== 0) {
      const errno = socket.pendingError;
      socket.pendingError = 0;
      throw new KernelFailure(errno);
    }
    const datagram = (flags & MSG_ERRQUEUE) !== 0 ? socket.shiftError() : socket.shift();
    if (datagram === undefined) throw new KernelFailure(EAGAIN);
    return datagram;
  }

  #events(fd: number): number {
    const socket = this.#sockets.get(fd);
    if (socket === undefined) return POLLNVAL;
    const error = socket.queuedErrors > 0 || socket.pendingError !== 0 ? POLLERR : 0;
    return error | (socket.queued > 0 ? POLLIN : 0);
  }
}

/**
 * Runs `step` for each index until it fails; a failure counts only if nothing was done before
 * (recvmmsg(2)).
 */
function forEachMessage(count: number, step: (index: number) => void): number {
  for (let index = 0; index < count; index++) {
    try {
      step(index);
    } catch (failure) {
      if (index === 0 || !(failure instanceof KernelFailure)) throw failure;
      return index;
    }
  }
  return count;
}
