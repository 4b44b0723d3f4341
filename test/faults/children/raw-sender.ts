import { AF_INET, AF_INET6, SOCK_RAW } from "../../../src/ffi/constants.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import type { OutgoingMessage } from "../../../src/ffi/message.ts";
import { Socket } from "../../../src/ffi/socket.ts";
import { openLibc } from "../../../src/ffi/symbols.ts";

// Sockets of this protocol are told the IP header, too (raw(7), ipv6(7)).
const IPPROTO_RAW = 255;

/** Sends whole IP packets, whatever they say. */
export class RawSender {
  readonly #socket: Socket;
  readonly #destination: string;

  constructor(family: 4 | 6, destination: string) {
    const domain = family === 4 ? AF_INET : AF_INET6;
    this.#socket = Socket.open(new Libc(openLibc()), {
      domain,
      type: SOCK_RAW,
      protocol: IPPROTO_RAW,
    });
    this.#destination = destination;
  }

  /** Sends all of them, waiting while there is no room. */
  async send(packets: readonly Uint8Array[]): Promise<void> {
    const destination = { address: this.#destination };
    let messages: OutgoingMessage[] = packets.map((data) => ({ data, destination }));
    while (messages.length > 0) {
      messages = messages.slice(this.#socket.sendBatch(messages));
      if (messages.length > 0) await Bun.sleep(1);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
