import { constants } from "node:os";
import { MSG_DONTWAIT, MSG_ERRQUEUE } from "./constants.ts";
import { EINTR } from "./errno.ts";
import type { MessageBatch } from "./msghdr.ts";
import type { LibcSymbols } from "./symbols.ts";

const { ENOSYS, EOPNOTSUPP, EPERM } = constants.errno;

/** A call that this process may not make, and with which errno it is answered. */
export interface RefusedCall {
  readonly name: (typeof RECEIVING)[number] | (typeof SENDING)[number];
  readonly errno: number;
}

// Best first.
const RECEIVING = ["recvmmsg", "recvmsg", "recvfrom"] as const;
const SENDING = ["sendmmsg", "sendmsg", "sendto"] as const;

/**
 * Receives and sends batches of messages by the best calls of libc that are to be had. Sandboxes
 * refuse some with ENOSYS or EPERM (seccomp(2)). Messages then go one by one; where recvmsg() is
 * refused as well, they come without control messages, and the error queue cannot be read.
 *
 * Both methods return how many messages were moved, or, when it was none, the errno with a minus
 * sign.
 */
export class MessageCalls {
  readonly #symbols: LibcSymbols;
  readonly #refused: RefusedCall[] = [];
  #receive: (typeof RECEIVING)[number] = "recvmmsg";
  #send: (typeof SENDING)[number] = "sendmmsg";
  /** Whether a send has ever succeeded: EPERM is then a firewall's, and concerns the message. */
  #isSendProven = false;
  readonly #nameLength = new Uint32Array(1);

  constructor(symbols: LibcSymbols) {
    this.#symbols = symbols;
  }

  /** The calls that were refused so far. */
  get refused(): readonly RefusedCall[] {
    return this.#refused;
  }

  /** The calls in use, by libc's names. */
  get names(): { readonly receive: string; readonly send: string } {
    return { receive: this.#receive, send: this.#send };
  }

  /** Fills up to `room` messages of a batch that is ready to receive. */
  receive(fd: number, batch: MessageBatch, room: number, flags: number): number {
    const result =
      this.#receive === "recvmmsg"
        ? this.#recvmmsg(fd, batch, room, flags)
        : this.#receiveBy(this.#receive, fd, { batch, room, flags });
    if (!isRefusal(result)) return result;
    for (const call of after(RECEIVING, this.#receive)) {
      const other = this.#receiveBy(call, fd, { batch, room, flags });
      if (isRefusal(other)) continue;
      this.#noteRefused(RECEIVING, { from: this.#receive, to: call, errno: -result });
      this.#receive = call;
      return other;
    }
    return result;
  }

  /** Sends `count` messages of a batch, from number `first` on. */
  send(fd: number, batch: MessageBatch, first: number, count: number): number {
    const result = this.#sendBy(this.#send, fd, { batch, first, count });
    if (result > 0) this.#isSendProven = true;
    if (this.#isSendProven || !isRefusal(result)) return result;
    for (const call of after(SENDING, this.#send)) {
      const other = this.#sendBy(call, fd, { batch, first, count });
      if (isRefusal(other)) continue;
      this.#noteRefused(SENDING, { from: this.#send, to: call, errno: -result });
      this.#send = call;
      return other;
    }
    return result;
  }

  #receiveBy(
    call: (typeof RECEIVING)[number],
    fd: number,
    { batch, room, flags }: { batch: MessageBatch; room: number; flags: number },
  ): number {
    if (call === "recvmmsg") return this.#recvmmsg(fd, batch, room, flags);
    const one = call === "recvmsg" ? this.#recvmsg : this.#recvfrom;
    return each(room, (index) => one(fd, batch, index, flags));
  }

  // Every read comes this way, and a closure would cost as much as the rest of it.
  #recvmmsg(fd: number, batch: MessageBatch, room: number, flags: number): number {
    const symbols = this.#symbols;
    for (;;) {
      const count = symbols.recvmmsg(fd, batch.headers, room, flags, null);
      if (count >= 0) return count;
      const errno = symbols.errno();
      if (errno !== EINTR) return -errno;
    }
  }

  readonly #recvmsg = (fd: number, batch: MessageBatch, index: number, flags: number): number => {
    const length = this.#uninterrupted(() =>
      this.#symbols.recvmsg(fd, batch.headersFrom(index), flags),
    );
    if (length >= 0) batch.setLength(index, length);
    return length;
  };

  readonly #recvfrom = (fd: number, batch: MessageBatch, index: number, flags: number): number => {
    // It would give the data of an error, and not the error.
    if ((flags & MSG_ERRQUEUE) !== 0) return -EOPNOTSUPP;
    const { name, data } = batch.room(index);
    this.#nameLength[0] = name.length;
    const nameLength = name.length === 0 ? null : this.#nameLength;
    const length = this.#uninterrupted(() =>
      this.#symbols.recvfrom(fd, data, data.length, flags, nameLength && name, nameLength),
    );
    if (length < 0) return length;
    batch.setLength(index, length);
    batch.setOnlyName(index, this.#nameLength[0] as number);
    return length;
  };

  #sendBy(
    call: (typeof SENDING)[number],
    fd: number,
    { batch, first, count }: { batch: MessageBatch; first: number; count: number },
  ): number {
    const symbols = this.#symbols;
    if (call === "sendmmsg") {
      const headers = batch.headersFrom(first);
      return this.#uninterrupted(() => symbols.sendmmsg(fd, headers, count, MSG_DONTWAIT));
    }
    return each(count, (offset) => {
      const index = first + offset;
      if (call === "sendmsg") {
        const header = batch.headersFrom(index);
        return this.#uninterrupted(() => symbols.sendmsg(fd, header, MSG_DONTWAIT));
      }
      const { name, data, hasControl } = batch.outgoing(index);
      if (hasControl) return -ENOSYS;
      return this.#uninterrupted(() =>
        symbols.sendto(fd, data, data.length, MSG_DONTWAIT, name, name.length),
      );
    });
  }

  #uninterrupted(call: () => number): number {
    for (;;) {
      const result = call();
      if (result >= 0) return result;
      const errno = this.#symbols.errno();
      if (errno !== EINTR) return -errno;
    }
  }

  #noteRefused<Name extends RefusedCall["name"]>(
    calls: readonly Name[],
    { from, to, errno }: { from: Name; to: Name; errno: number },
  ): void {
    for (const name of calls.slice(calls.indexOf(from), calls.indexOf(to))) {
      this.#refused.push({ name, errno });
    }
  }
}

function isRefusal(result: number): boolean {
  return result === -ENOSYS || result === -EPERM;
}

function after<Name>(calls: readonly Name[], call: Name): readonly Name[] {
  return calls.slice(calls.indexOf(call) + 1);
}

/** Moves messages until one fails; that counts only if it is the first, as with recvmmsg(2). */
function each(count: number, move: (index: number) => number): number {
  for (let index = 0; index < count; index++) {
    const result = move(index);
    if (result < 0) return index === 0 ? result : index;
  }
  return count;
}
