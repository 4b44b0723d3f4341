import { expect } from "bun:test";
import {
  AF_INET,
  AF_INET6,
  ICMP_FILTER,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVTOS,
  IP_RECVTTL,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  SO_EE_ORIGIN_TIMESTAMPING,
  SO_TIMESTAMPING,
  SOCK_DGRAM,
  SOCK_RAW,
  SOF_TIMESTAMPING_OPT_ID,
  SOF_TIMESTAMPING_OPT_TSONLY,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOF_TIMESTAMPING_TX_SOFTWARE,
  SOL_RAW,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import type { Libc } from "../../src/ffi/libc.ts";
import { type IncomingMessage, Socket } from "../../src/ffi/socket.ts";
import { withChecksum } from "../support/fake-network.ts";

/** Where a case runs. */
export interface SocketCaseEnvironment {
  readonly libc: Libc;
  /**
   * Lets time pass, a few milliseconds at a time, until `condition` holds; gives up after two
   * seconds.
   */
  wait(condition: () => boolean): Promise<void>;
}

/** The addresses of the two-node network the cases expect. */
export const NETWORK = {
  host: { 4: "10.82.0.1", 6: "fd82::1" },
  router: { 4: "10.82.0.2", 6: "fd82::2" },
  beyond: { 4: "10.82.2.9", 6: "fd82:2::9" },
  closed: { 4: "10.82.3.9", 6: "fd82:3::9" },
} as const;

/** The four kinds of ICMP socket. */
export const KINDS = [
  { family: 4, raw: true },
  { family: 4, raw: false },
  { family: 6, raw: true },
  { family: 6, raw: false },
] as const;
/** One of them. */
export type Kind = (typeof KINDS)[number];

/** The identifier that raw sockets send. */
export const IDENTIFIER = 0x1d0c;

/** A socket with everything on that tells something about arrivals. */
export function open(libc: Libc, { family, raw }: Kind): Socket {
  const v4 = family === 4;
  const socket = Socket.open(libc, {
    domain: v4 ? AF_INET : AF_INET6,
    type: raw ? SOCK_RAW : SOCK_DGRAM,
    protocol: v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
  });
  const level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  for (const name of v4
    ? [IP_PKTINFO, IP_RECVTTL, IP_RECVTOS]
    : [IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS]) {
    socket.setOption(level, name, 1);
  }
  if (!raw) socket.setOption(level, v4 ? IP_RECVERR : IPV6_RECVERR, 1);
  const stamps =
    SOF_TIMESTAMPING_TX_SOFTWARE |
    SOF_TIMESTAMPING_RX_SOFTWARE |
    SOF_TIMESTAMPING_SOFTWARE |
    SOF_TIMESTAMPING_OPT_ID |
    SOF_TIMESTAMPING_OPT_TSONLY;
  socket.setOption(SOL_SOCKET, SO_TIMESTAMPING, stamps);
  expect(socket.getOption(SOL_SOCKET, SO_TIMESTAMPING)).toBe(stamps);
  return socket;
}

/** Blocks everything but echo replies from a raw socket. */
export function acceptRepliesOnly(socket: Socket, family: 4 | 6): void {
  const mask = new Uint8Array(family === 4 ? 4 : 32).fill(0xff);
  if (family === 4) mask[0] = 0xfe;
  else mask[16] = 0xfd;
  socket.setOption(family === 4 ? SOL_RAW : IPPROTO_ICMPV6, ICMP_FILTER, mask);
}

/** An echo request; ICMPv6 checksums are the kernel's business. */
export function echo(
  { family }: Kind,
  request: { sequence: number; payload?: string },
): Uint8Array {
  const payload = new TextEncoder().encode(request.payload ?? "");
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = family === 4 ? 8 : 128;
  new DataView(bytes.buffer).setUint16(4, IDENTIFIER);
  new DataView(bytes.buffer).setUint16(6, request.sequence);
  bytes.set(payload, 8);
  return withChecksum(bytes, { family, source: "::", destination: "::" });
}

/** Only IPv4 raw sockets show the IP header. */
export function icmpOf({ family, raw }: Kind, data: Uint8Array): Uint8Array {
  return family === 4 && raw ? data.subarray(((data[0] ?? 0) & 15) * 4) : data;
}

/** Whether a message is an echo reply. */
export function isReply(kind: Kind, message: IncomingMessage): boolean {
  return icmpOf(kind, message.data)[0] === (kind.family === 4 ? 0 : 129);
}

/** A message that outlives its handler. */
export function keep(message: IncomingMessage): IncomingMessage {
  return { ...message, data: message.data.slice() };
}

/** The ICMP errors a socket hears of, wherever they arrive. */
export async function collectErrors(
  from: { socket: Socket; wait: SocketCaseEnvironment["wait"] },
  kind: Kind,
): Promise<IncomingMessage[]> {
  const errors: IncomingMessage[] = [];
  await from.wait(() => {
    from.socket.receive((message) => {
      const type = icmpOf(kind, message.data)[0] ?? -1;
      if ((kind.family === 4 ? [3, 11] : [1, 3]).includes(type)) errors.push(keep(message));
    });
    from.socket.receiveErrors((message) => {
      if (message.error?.origin !== SO_EE_ORIGIN_TIMESTAMPING) errors.push(keep(message));
    });
    return errors.length > 0;
  });
  expect(errors.length).toBe(1);
  return errors;
}

/** Long enough for loopback to have answered. */
export async function waitForQueue(wait: SocketCaseEnvironment["wait"], libc: Libc): Promise<void> {
  const start = libc.monotonicNs();
  await wait(() => libc.monotonicNs() - start > 10_000_000);
}
