// What the child processes share: a raw IPv4 socket, and an echo request to loopback.
import { AF_INET, IPPROTO_ICMP, SOCK_RAW } from "../../../src/ffi/constants.ts";
import { Libc } from "../../../src/ffi/libc.ts";
import { type OutgoingMessage, Socket } from "../../../src/ffi/socket.ts";
import { openLibc } from "../../../src/ffi/symbols.ts";
import { withChecksum } from "../../support/fake-network.ts";

export const libc: Libc = new Libc(openLibc());

export function openRaw(): Socket {
  return Socket.open(libc, { domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP });
}

/** An echo request whose payload is its number, 32 bits, over and over. */
export function request(number: number, words = 4): OutgoingMessage {
  const bytes = new Uint8Array(8 + 4 * words);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 8);
  view.setUint16(4, 0x4242);
  view.setUint16(6, number & 0xffff);
  for (let word = 0; word < words; word++) view.setUint32(8 + 4 * word, number);
  const between = { family: 4, source: "127.0.0.1", destination: "127.0.0.1" } as const;
  return { data: withChecksum(bytes, between), destination: { address: "127.0.0.1" } };
}

export function requests(count: number): OutgoingMessage[] {
  return Array.from({ length: count }, (_, number) => request(number));
}
