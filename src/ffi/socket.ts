import { CONTROL_PADDING, encodeControl } from "./cmsg.ts";
import {
  AF_INET6,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  SK_MEMINFO,
  SO_ATTACH_FILTER,
  SO_MEMINFO,
  SOCK_CLOEXEC,
  SOCK_FPROG,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./constants.ts";
import {
  EAGAIN,
  EINTR,
  EMSGSIZE,
  ENOBUFS,
  isFromIcmp,
  sendAttempts,
  systemError,
} from "./errno.ts";
import { encodeFilter, type FilterInstruction } from "./filter.ts";
import { decodeIncoming } from "./incoming.ts";
import type { Libc } from "./libc.ts";
import type { Envelope, IncomingMessage, OutgoingMessage, SendOutcome } from "./message.ts";
import type { MessageBatch } from "./msghdr.ts";
import {
  addressBytes,
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKADDR_LENGTH,
  type SocketAddress,
} from "./sockaddr.ts";

export type { ExtendedError } from "./cmsg.ts";
export type { FilterInstruction } from "./filter.ts";
export type { Envelope, IncomingMessage, OutgoingMessage, SendOutcome } from "./message.ts";
export type { SocketAddress } from "./sockaddr.ts";

/** The arguments of socket(2). */
export interface SocketOptions {
  /** AF_INET or AF_INET6. */
  readonly domain: number;
  /** SOCK_RAW or SOCK_DGRAM; non-blocking and close-on-exec are added. */
  readonly type: number;
  /** IPPROTO_ICMP, IPPROTO_ICMPV6, ... */
  readonly protocol: number;
}

/** The state of a socket's receive queue. */
export interface ReceiveQueue {
  /**
   * Bytes of kernel memory that what waits takes, and how many it may take: at the limit, the queue
   * is full.
   */
  readonly used: number;
  readonly limit: number;
  /**
   * Datagrams dropped so far: because the queue was full, and on raw IPv6 sockets every one with a
   * wrong checksum, whatever socket it is for (rawv6_rcv_skb).
   */
  readonly drops: number;
}

/** What packets that have not left the host take. */
export interface SendMemory {
  /**
   * Bytes of kernel memory that packets take which wait for a device or for the link-layer address
   * of a neighbour (arp(7)), and how many they may take. Raw sockets may take twice as many
   * (__ip_append_data).
   */
  readonly used: number;
  readonly limit: number;
}

const MAX_DATAGRAM = 65_535;
// TTL, TOS and packet information: 24, 24 and 40 bytes.
const CONTROL_LENGTH = 96;
// Pending errors taken away in one drain. A condition that never goes away must not hold the event
// loop.
const MAX_PENDING_ERRORS = 16;
// The same for errors that ICMP leaves. During a flood of them many calls in a row fail, but not
// all.
const MAX_PENDING_FROM_ICMP = 65_536;
// How many fail between two looks at the clock.
const PENDING_ROUND = 64;
const NO_LIMIT = Number.POSITIVE_INFINITY;

/**
 * A non-blocking socket. It neither waits nor knows when it is readable: see `openReactor()`.
 * Closing is explicit (`close()` or `using`).
 */
export class Socket {
  readonly #libc: Libc;
  readonly #family: 4 | 6;
  /**
   * Where the kernel writes SO_MEMINFO: kept, because it is asked for with each batch, and three
   * arrays cost 2 us.
   */
  readonly #memory = meminfo();
  #fd: number;
  /** Receives in a row that failed by an ICMP error. */
  #pendingFromIcmp = 0;

  private constructor(libc: Libc, fd: number, family: 4 | 6) {
    this.#libc = libc;
    this.#fd = fd;
    this.#family = family;
  }

  /**
   * Opens a socket (socket(2)).
   *
   * @throws {SystemError} EPERM or EACCES without the privilege, EMFILE, ...
   */
  static open(libc: Libc, options: SocketOptions): Socket {
    const type = options.type | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = libc.symbols.socket(options.domain, type, options.protocol);
    if (fd < 0) throw systemError(libc.symbols.errno(), { syscall: "socket" });
    return new Socket(libc, fd, options.domain === AF_INET6 ? 6 : 4);
  }

  /** The descriptor; -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Whether `close()` has been called. */
  get closed(): boolean {
    return this.#fd < 0;
  }

  /**
   * Closes the descriptor; more than once is harmless. Close what watches it first: its number is
   * used again at once.
   */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    // Never repeated, not even for EINTR: Linux has released the number by then (close(2)).
    this.#libc.symbols.close(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Sets a socket option, to an `int` or to the given bytes.
   *
   * @param label what the option is called, for the error
   * @throws {SystemError} ENOPROTOOPT, EPERM, EINVAL, ...
   */
  setOption(level: number, name: number, value: number | Uint8Array, label?: string): void {
    const bytes = typeof value === "number" ? new Uint8Array(Int32Array.of(value).buffer) : value;
    const { symbols } = this.#libc;
    if (symbols.setsockopt(this.#fd, level, name, bytes, bytes.length) < 0) {
      throw systemError(symbols.errno(), {
        syscall: "setsockopt",
        ...(label && { option: label }),
      });
    }
  }

  /**
   * Reads a socket option that is an `int`.
   *
   * @param label what the option is called, for the error
   * @throws {SystemError} ENOPROTOOPT, ...
   */
  getOption(level: number, name: number, label?: string): number {
    const { symbols } = this.#libc;
    const value = new Uint8Array(4);
    if (symbols.getsockopt(this.#fd, level, name, value, Uint32Array.of(4)) < 0) {
      throw systemError(symbols.errno(), {
        syscall: "getsockopt",
        ...(label && { option: label }),
      });
    }
    return new DataView(value.buffer).getInt32(0, true);
  }

  /**
   * How full the receive queue is and what the kernel did not put into it (SO_MEMINFO, Linux 4.12);
   * zeros on older kernels.
   */
  get receiveQueue(): ReceiveQueue {
    const words = this.#readMemory();
    const { used, limit, drops } = SK_MEMINFO;
    return {
      used: words[used] as number,
      limit: words[limit] as number,
      drops: words[drops] as number,
    };
  }

  /**
   * Bytes of kernel memory that take what waits to be read, and to leave; zeros on kernels older
   * than 4.12.
   */
  get memoryUsed(): { readonly unread: number; readonly unsent: number } {
    const words = this.#readMemory();
    const { used, sendUsed } = SK_MEMINFO;
    return { unread: words[used] as number, unsent: words[sendUsed] as number };
  }

  /**
   * What packets take that have not left the host (SO_MEMINFO, Linux 4.12); zeros on older kernels.
   */
  get sendMemory(): SendMemory {
    const words = this.#readMemory();
    const { sendUsed, sendLimit } = SK_MEMINFO;
    return { used: words[sendUsed] as number, limit: words[sendLimit] as number };
  }

  #readMemory(): Uint32Array {
    const { words, bytes, length } = this.#memory;
    words.fill(0);
    length[0] = bytes.length;
    this.#libc.symbols.getsockopt(this.#fd, SOL_SOCKET, SO_MEMINFO, bytes, length);
    return words;
  }

  /**
   * Lets the kernel drop what the classic BPF `program` rejects (SO_ATTACH_FILTER, socket(7)).
   *
   * @throws {SystemError} EINVAL when the program is not valid.
   */
  attachFilter(program: readonly FilterInstruction[]): void {
    const filter = encodeFilter(program);
    const { symbols } = this.#libc;
    if (symbols.setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, SOCK_FPROG.size) < 0) {
      throw systemError(symbols.errno(), { syscall: "setsockopt", option: "SO_ATTACH_FILTER" });
    }
  }

  /**
   * Binds to a local address; the port of an ICMP datagram socket is its identifier, and 0 lets the
   * kernel choose (bind(2)).
   *
   * @throws {SystemError} EADDRNOTAVAIL, EADDRINUSE, ...
   */
  bind(address: SocketAddress): void {
    const view = new DataView(new ArrayBuffer(SOCKADDR_LENGTH));
    const length = encodeSocketAddress(address, view, 0);
    const { symbols } = this.#libc;
    if (symbols.bind(this.#fd, new Uint8Array(view.buffer), length) < 0) {
      throw systemError(symbols.errno(), { syscall: "bind", address: address.address });
    }
  }

  /**
   * The address this socket is bound to, with its port (getsockname(2)).
   *
   * @throws {SystemError} EBADF once closed.
   */
  localAddress(): SocketAddress {
    const bytes = new Uint8Array(SOCKADDR_LENGTH);
    const length = Uint32Array.of(SOCKADDR_LENGTH);
    const { symbols } = this.#libc;
    if (symbols.getsockname(this.#fd, bytes, length) < 0) {
      throw systemError(symbols.errno(), { syscall: "getsockname" });
    }
    const decoded = decodeSocketAddress(new DataView(bytes.buffer), 0, length[0] as number);
    return decoded ?? { address: this.#family === 4 ? "0.0.0.0" : "::", port: 0 };
  }

  /**
   * Sends one datagram (sendmsg(2)).
   *
   * An error that an earlier datagram left pending on the socket (ip(7), IP_RECVERR) is not this
   * one's, so a failure counts only when it repeats. EMSGSIZE may therefore leave two local entries
   * on the error queue.
   *
   * @throws {SystemError} with `address`, for anything but lack of room.
   * @throws {TypeError} when an address is not numeric or not of the socket's family.
   */
  send(message: OutgoingMessage): SendOutcome {
    const envelope = this.address(message);
    const batch = this.#libc.sendBatch;
    this.#place(envelope, message.data, { batch, index: 0, dataOffset: batch.dataOffset(0) });
    return this.sendFirst(batch, envelope.address);
  }

  /**
   * Encodes where datagrams are to go and what they ask for.
   *
   * @throws {TypeError} when an address is not numeric or not of the socket's family.
   */
  address(message: Omit<OutgoingMessage, "data">): Envelope {
    const { destination, source } = message;
    this.#requireFamily(destination.address);
    if (source !== undefined) this.#requireFamily(source);
    const view = new DataView(new ArrayBuffer(SOCKADDR_LENGTH + CONTROL_LENGTH));
    const name = encodeSocketAddress(destination, view, 0);
    const control = encodeControl(message, this.#family, { view, offset: SOCKADDR_LENGTH });
    return {
      address: destination.address,
      name: new Uint8Array(view.buffer, 0, name),
      control: new Uint8Array(view.buffer, SOCKADDR_LENGTH, Math.max(0, control - CONTROL_PADDING)),
    };
  }

  /**
   * Sends the first message of a batch that its owner has laid out (sendmsg(2)), on the terms of
   * `send()`.
   *
   * @throws {SystemError} what `send()` throws; `address` is for the error.
   */
  sendFirst(batch: MessageBatch, address: string): SendOutcome {
    const { symbols } = this.#libc;
    for (let attempts = 0; ; ) {
      if (symbols.sendmsg(this.#fd, batch.headers, MSG_DONTWAIT) >= 0) return "sent";
      const errno = symbols.errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN || errno === ENOBUFS) return outcomeOf(-errno);
      attempts += 1;
      if (attempts >= sendAttempts(errno))
        throw systemError(errno, { syscall: "sendmsg", address });
    }
  }

  /**
   * Sends one datagram to where an envelope goes, without its control messages (sendto(2)).
   *
   * @throws {SystemError} what `send()` throws.
   */
  sendTo({ address, name }: Envelope, data: Uint8Array): SendOutcome {
    const { symbols } = this.#libc;
    const transmit = (): number => {
      const sent = symbols.sendto(this.#fd, data, data.length, MSG_DONTWAIT, name, name.length);
      return sent < 0 ? -symbols.errno() : sent;
    };
    return outcomeOf(this.#transmit(transmit, { syscall: "sendto", address }));
  }

  /**
   * Whether the control messages of an envelope alone make a send fail with `errno`: sends them
   * with no destination, which leads nowhere (sendmsg(2), EDESTADDRREQ), but the kernel takes
   * control messages before it looks for one.
   */
  refusesControl({ control }: Envelope, errno: number): boolean {
    const batch = this.#libc.sendBatch;
    const nowhere = { address: "", name: new Uint8Array(), control };
    this.#place(nowhere, new Uint8Array(8), { batch, index: 0, dataOffset: batch.dataOffset(0) });
    const { symbols } = this.#libc;
    return symbols.sendmsg(this.#fd, batch.headers, MSG_DONTWAIT) < 0 && symbols.errno() === errno;
  }

  /**
   * Sends datagrams in order (sendmmsg(2)) and returns how many left, counted from the front; 0
   * means busy. Fewer than all: the next one did not leave, because the kernel is busy or because
   * it fails; sending the rest tells which.
   *
   * @throws what `send()` throws, only when it concerns the first of them.
   */
  sendBatch(messages: readonly OutgoingMessage[]): number {
    const batch = this.#libc.sendBatch;
    const { calls } = this.#libc;
    let sent = 0;
    while (sent < messages.length) {
      const first = messages[sent] as OutgoingMessage;
      const count = this.#encodeFrom(messages, sent, batch);
      if (count === 0) break;
      const transmit = (): number => calls.send(this.#fd, batch, 0, count);
      let left: number;
      try {
        left = this.#transmit(transmit, {
          syscall: "sendmmsg",
          address: first.destination.address,
        });
      } catch (failure) {
        if (sent === 0) throw failure;
        break;
      }
      if (left < 0) break;
      sent += left;
      if (left < count) break;
    }
    return sent;
  }

  /**
   * Hands every datagram that has arrived to `handler`, until there is no more, `limit` are done,
   * or `isOver` says so after a full batch, and returns how many there were. A pending socket error
   * is taken away and skipped: the error queue tells more about it.
   *
   * When a handler throws, the others already taken from the kernel are still delivered; then the
   * first error is thrown. Nothing is taken from a closed socket.
   *
   * @throws {SystemError} for an error that does not go away.
   */
  receive(
    handler: (message: IncomingMessage) => void,
    limit: number = NO_LIMIT,
    isOver: () => boolean = never,
  ): number {
    return this.#drain(handler, { flags: MSG_DONTWAIT, limit, isOver });
  }

  /**
   * The same for the error queue (MSG_ERRQUEUE, recv(2)): ICMP errors and transmit timestamps, in
   * `error`.
   */
  receiveErrors(
    handler: (message: IncomingMessage) => void,
    limit: number = NO_LIMIT,
    isOver: () => boolean = never,
  ): number {
    return this.#drain(handler, { flags: MSG_DONTWAIT | MSG_ERRQUEUE, limit, isOver });
  }

  /**
   * Sends `count` messages of a batch that its owner has laid out, from number `first` on
   * (sendmmsg(2)), and returns how many left, counted from `first`. Fewer than `count`: the next
   * one did not leave; sending the rest tells why. Negative: the first one did not, and this is its
   * errno with a minus sign: EAGAIN and ENOBUFS mean that there is no room now. On sockets with
   * IP_RECVERR it may be the error of an earlier datagram; it is then on the error queue, too.
   */
  sendPrepared(batch: MessageBatch, first: number, count: number): number {
    return this.#libc.calls.send(this.#fd, batch, first, count);
  }

  /**
   * Receives into a batch that its owner keeps, one system call (recvmmsg(2)), and returns how many
   * messages it holds now; 0 when nothing waits, or when `isOver` says so while pending errors are
   * taken away. Give what was received its room back (`batch.resetReceived()`) before the next
   * call.
   *
   * @throws {SystemError} for an error that does not go away.
   */
  receivePrepared(batch: MessageBatch, isOver: () => boolean = never): number {
    return this.#receiveBatch(batch, { room: batch.count, flags: MSG_DONTWAIT, isOver });
  }

  /** The same for up to `room` messages of the error queue (MSG_ERRQUEUE, recv(2)). */
  receivePreparedErrors(
    batch: MessageBatch,
    { room, isOver }: { readonly room: number; readonly isOver: () => boolean },
  ): number {
    return this.#receiveBatch(batch, { room, flags: MSG_DONTWAIT | MSG_ERRQUEUE, isOver });
  }

  /**
   * The result of `call`, which gives an errno with a minus sign: EAGAIN or ENOBUFS when there is
   * no room.
   */
  #transmit(call: () => number, context: { syscall: string; address: string }): number {
    let attempts = 0;
    for (;;) {
      const result = call();
      if (result >= 0) return result;
      const errno = -result;
      if (errno === EINTR) continue;
      if (errno === EAGAIN || errno === ENOBUFS) return result;
      attempts++;
      if (attempts < sendAttempts(errno)) continue;
      throw systemError(errno, context);
    }
  }

  /**
   * Encodes as many messages as fit, from `start`; stops before one that cannot be encoded unless
   * it is the very first.
   */
  #encodeFrom(messages: readonly OutgoingMessage[], start: number, batch: MessageBatch): number {
    const end = batch.dataOffset(batch.count);
    let dataOffset = batch.dataOffset(0);
    let count = 0;
    while (count < batch.count && start + count < messages.length) {
      const message = messages[start + count] as OutgoingMessage;
      if (dataOffset + message.data.length > end && count > 0) break;
      try {
        this.#place(this.address(message), message.data, { batch, index: count, dataOffset });
      } catch (failure) {
        if (start + count === 0) throw failure;
        break;
      }
      dataOffset += message.data.length;
      count++;
    }
    return count;
  }

  /** Lays a datagram out as message `index` of a batch. */
  #place(
    { address, name, control }: Envelope,
    data: Uint8Array,
    slot: { batch: MessageBatch; index: number; dataOffset: number },
  ): void {
    if (data.length > MAX_DATAGRAM) throw systemError(EMSGSIZE, { syscall: "sendmsg", address });
    const { batch, index, dataOffset } = slot;
    batch.bytes.set(name, batch.nameOffset(index));
    batch.bytes.set(control, batch.controlOffset(index));
    batch.bytes.set(data, dataOffset);
    batch.setForSend(index, {
      name: name.length,
      control: control.length,
      data: data.length,
      dataOffset,
    });
  }

  #requireFamily(address: string): void {
    if (address.includes(":") === (this.#family === 6)) return;
    addressBytes(address);
    throw new TypeError(`Cannot use ${address} on an IPv${this.#family} socket`);
  }

  #drain(
    handler: (message: IncomingMessage) => void,
    how: { flags: number; limit: number; isOver: () => boolean },
  ): number {
    return this.#libc.withReceiveBatch((batch) => {
      const failures: unknown[] = [];
      let received = 0;
      while (received < how.limit && this.#fd >= 0) {
        const room = Math.min(batch.count, how.limit - received);
        const count = this.#receiveBatch(batch, { ...how, room });
        received += count;
        this.#deliver(batch, count, { handler, failures });
        if (count < room || failures.length > 0 || how.isOver()) break;
      }
      if (failures.length > 0) throw failures[0];
      return received;
    });
  }

  /** How many messages were written; 0 when there are none, or when the time is over. */
  #receiveBatch(
    batch: MessageBatch,
    { room, flags, isOver }: { room: number; flags: number; isOver: () => boolean },
  ): number {
    const { calls } = this.#libc;
    let others = 0;
    for (;;) {
      const count = calls.receive(this.#fd, batch, room, flags);
      if (count >= 0 || count === -EAGAIN) {
        this.#pendingFromIcmp = 0;
        return Math.max(0, count);
      }
      if (isFromIcmp(-count)) this.#pendingFromIcmp += 1;
      else others += 1;
      if (others > MAX_PENDING_ERRORS || this.#pendingFromIcmp > MAX_PENDING_FROM_ICMP) {
        const meaning = "answers cannot be read any more";
        throw systemError(-count, { syscall: calls.names.receive, meaning });
      }
      if (this.#pendingFromIcmp % PENDING_ROUND === PENDING_ROUND - 1 && isOver()) return 0;
    }
  }

  #deliver(
    batch: MessageBatch,
    count: number,
    to: { handler: (message: IncomingMessage) => void; failures: unknown[] },
  ): void {
    for (let index = 0; index < count; index++) {
      const message = decodeIncoming(batch, index, this.#libc.epochSeconds);
      batch.resetForReceive(index);
      try {
        to.handler(message);
      } catch (failure) {
        to.failures.push(failure);
      }
    }
  }
}

function outcomeOf(result: number): SendOutcome {
  if (result >= 0) return "sent";
  return result === -EAGAIN ? "full" : "busy";
}

function never(): boolean {
  return false;
}

function meminfo() {
  const words = new Uint32Array(SK_MEMINFO.words);
  return { words, bytes: new Uint8Array(words.buffer), length: new Uint32Array(1) };
}
