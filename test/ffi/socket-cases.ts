/**
 * What a socket does, as cases that run on the real kernel and on the fake one alike.
 *
 * @module
 */
import { expect } from "bun:test";
import { constants } from "node:os";
import {
  ICMP_FILTER,
  ICMPV6_FILTER,
  IP_RECVERR,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_TIMESTAMPING,
  SO_RCVBUF,
  SO_TIMESTAMPING,
  SOL_RAW,
  SOL_SOCKET,
} from "../../src/ffi/constants.ts";
import type { IncomingMessage } from "../../src/ffi/socket.ts";
import {
  acceptRepliesOnly,
  collectErrors,
  echo,
  IDENTIFIER,
  icmpOf,
  isReply,
  KINDS,
  type Kind,
  keep,
  NETWORK,
  open,
  type SocketCaseEnvironment,
  waitForQueue,
} from "./socket-kinds.ts";

/**
 * One case. The network has a router that answers time exceeded, and one that answers unreachable
 * to `CLOSED`.
 */
export interface SocketCase {
  readonly name: string;
  run(environment: SocketCaseEnvironment): Promise<void>;
}

const { EADDRNOTAVAIL, EBADF, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOPROTOOPT } = constants.errno;

/** Every case for every kind of socket. */
export const SOCKET_CASES: readonly SocketCase[] = KINDS.flatMap((kind) => casesFor(kind));

function casesFor(kind: Kind): SocketCase[] {
  const { family, raw } = kind;
  const v4 = family === 4;
  const loopback = v4 ? "127.0.0.1" : "::1";
  const label = `IPv${family} ${raw ? "raw" : "datagram"}`;
  const cases: SocketCase[] = [];
  function add(name: string, run: (environment: SocketCaseEnvironment) => Promise<void>): void {
    cases.push({ name: `${label}: ${name}`, run });
  }

  add("an echo reply arrives with everything the kernel knows of it", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    const before = libc.realtimeNs();
    const data = echo(kind, { sequence: 7, payload: "hello" });
    expect(socket.send({ data, destination: { address: loopback }, tos: 0x20 })).toBe("sent");
    const replies: ReturnType<typeof keep>[] = [];
    await wait(() => {
      socket.receive((message) => isReply(kind, message) && replies.push(keep(message)));
      return replies.length > 0;
    });
    const reply = replies[0] as ReturnType<typeof keep>;
    expect(reply.source?.address).toBe(loopback);
    expect(reply.destination).toBe(loopback);
    expect(reply.interfaceIndex).toBe(libc.interfaceIndex("lo"));
    expect(reply.ttl).toBe(64);
    // Linux answers IPv4 with the request's TOS and IPv6 with traffic class 0.
    if (v4) expect(reply.tos).toBe(0x20);
    else expect(reply.tos).toBeNumber();
    expect(reply.truncated).toBe(false);
    expect(reply.error).toBeUndefined();
    expect(reply.timestampNs).toBeGreaterThanOrEqual(before);
    expect(reply.timestampNs).toBeLessThanOrEqual(libc.realtimeNs());
    const icmp = icmpOf(kind, reply.data);
    expect(icmp.subarray(6)).toEqual(data.subarray(6));
    const identifier = new DataView(icmp.buffer, icmp.byteOffset).getUint16(4);
    expect(identifier).toBe(raw ? IDENTIFIER : (socket.localAddress().port as number));
  });

  add(
    "transmit timestamps carry the number of the message and precede the reply's",
    async ({ libc, wait }) => {
      using socket = open(libc, kind);
      const before = libc.realtimeNs();
      for (const sequence of [1, 2]) {
        socket.send({ data: echo(kind, { sequence }), destination: { address: loopback } });
      }
      socket.sendBatch([{ data: echo(kind, { sequence: 3 }), destination: { address: loopback } }]);
      const stamps = new Map<number, number>();
      const received = new Map<number, number>();
      await wait(() => {
        socket.receive((message) => {
          if (!isReply(kind, message)) return;
          received.set(icmpOf(kind, message.data)[7] ?? -1, message.timestampNs ?? Number.NaN);
        });
        socket.receiveErrors(({ error, timestampNs }) => {
          expect(error?.origin).toBe(SO_EE_ORIGIN_TIMESTAMPING);
          expect(error?.info).toBe(0);
          stamps.set(error?.data ?? -1, timestampNs ?? Number.NaN);
        });
        return stamps.size === 3 && received.size === 3;
      });
      expect([...stamps.keys()].sort()).toEqual([0, 1, 2]);
      for (const key of [0, 1, 2]) {
        expect(stamps.get(key)).toBeGreaterThanOrEqual(before);
        expect(received.get(key + 1)).toBeGreaterThanOrEqual(stamps.get(key) as number);
      }
    },
  );

  add(
    "the TTL is the message's own; time exceeded arrives where Linux puts it",
    async ({ libc, wait }) => {
      using socket = open(libc, kind);
      const destination = { address: NETWORK.beyond[family] };
      const data = echo(kind, { sequence: 9, payload: "expires" });
      expect(socket.send({ data, destination, ttl: 1 })).toBe("sent");
      const errors = await collectErrors({ socket, wait }, kind);
      const error = errors[0] as ReturnType<typeof keep>;
      expect(error.timestampNs).toBeNumber();
      expect(error.ttl).toBe(64);
      if (raw) {
        expect(error.source?.address).toBe(NETWORK.router[family]);
        const icmp = icmpOf(kind, error.data);
        expect([icmp[0], icmp[1]]).toEqual([v4 ? 11 : 3, 0]);
        expect(icmp.subarray(8 + (v4 ? 20 : 40) + 6, 8 + (v4 ? 20 : 40) + data.length)).toEqual(
          data.subarray(6),
        );
        return;
      }
      expect(error.error).toMatchObject({
        errno: EHOSTUNREACH,
        origin: v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
        type: v4 ? 11 : 3,
        code: 0,
        info: 0,
      });
      expect(error.error?.offender?.address).toBe(NETWORK.router[family]);
      expect(error.source?.address).toBe(NETWORK.beyond[family]);
      expect(error.data[0]).toBe(v4 ? 8 : 128);
      expect(error.data.subarray(6, data.length)).toEqual(data.subarray(6));
    },
  );

  add("unreachable arrives with its code", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    socket.send({
      data: echo(kind, { sequence: 4 }),
      destination: { address: NETWORK.closed[family] },
    });
    const error = (await collectErrors({ socket, wait }, kind))[0] as ReturnType<typeof keep>;
    if (raw) {
      const icmp = icmpOf(kind, error.data);
      expect([icmp[0], icmp[1]]).toEqual(v4 ? [3, 1] : [1, 0]);
      return;
    }
    const { errno, type, code } = error.error ?? {};
    expect({ errno, type, code }).toEqual(
      v4 ? { errno: EHOSTUNREACH, type: 3, code: 1 } : { errno: ENETUNREACH, type: 1, code: 0 },
    );
  });

  add("a batch larger than one system call leaves and comes back whole", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    socket.setOption(SOL_SOCKET, SO_TIMESTAMPING, 0);
    // As much as anybody may have (net.core.rmem_max); SO_RCVBUFFORCE is for root.
    socket.setOption(SOL_SOCKET, SO_RCVBUF, 8 << 20);
    if (raw) acceptRepliesOnly(socket, family);
    const messages = Array.from({ length: 400 }, (_, sequence) => ({
      data: echo(kind, { sequence, payload: `message ${sequence}` }),
      destination: { address: loopback },
    }));
    const arrived = new Set<number>();
    let sent = 0;
    await wait(() => {
      sent += socket.sendBatch(messages.slice(sent));
      socket.receive((message) => {
        const icmp = icmpOf(kind, message.data);
        const sequence = new DataView(icmp.buffer, icmp.byteOffset).getUint16(6);
        expect(new TextDecoder().decode(icmp.subarray(8))).toBe(`message ${sequence}`);
        arrived.add(sequence);
      });
      return arrived.size === 400;
    });
    expect([sent, arrived.size]).toEqual([400, 400]);
  });

  add("64 KiB arrive whole", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    if (raw) acceptRepliesOnly(socket, family);
    // The largest that loopback, with its MTU of 65,536, takes in one piece.
    const data = echo(kind, { sequence: 1, payload: "x".repeat(v4 ? 65_507 : 65_488) });
    expect(socket.send({ data, destination: { address: loopback } })).toBe("sent");
    const lengths: number[] = [];
    await wait(() => {
      socket.receive(({ data: reply, truncated }) => {
        lengths.push(truncated ? -1 : icmpOf(kind, reply).length);
        expect(icmpOf(kind, reply).subarray(6)).toEqual(data.subarray(6));
      });
      return lengths.length > 0;
    });
    expect(lengths).toEqual([data.length]);
  });

  add("what is too long is refused with EMSGSIZE and the address", async ({ libc }) => {
    using socket = open(libc, kind);
    const data = echo(kind, { sequence: 1, payload: "x".repeat(70_000) });
    const attempt = (): unknown => socket.send({ data, destination: { address: loopback } });
    expect(attempt).toThrow(
      expect.objectContaining({ errno: EMSGSIZE, code: "EMSGSIZE", address: loopback }),
    );
    expect(() => socket.sendBatch([{ data, destination: { address: loopback } }])).toThrow(
      "EMSGSIZE",
    );
    const short = { data: echo(kind, { sequence: 2 }), destination: { address: loopback } };
    expect(socket.sendBatch([short, { ...short, data }])).toBe(1);
  });

  add("source and interface are the message's own", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    if (raw) acceptRepliesOnly(socket, family);
    const source = NETWORK.host[family];
    const interfaceIndex = libc.interfaceIndex("lo");
    const message = { data: echo(kind, { sequence: 1 }), destination: { address: loopback } };
    socket.send({ ...message, source });
    const destinations: (string | undefined)[] = [];
    await wait(() => socket.receive(({ destination }) => destinations.push(destination)) > 0);
    socket.send({ ...message, interfaceIndex });
    await wait(() => socket.receive(({ destination }) => destinations.push(destination)) > 0);
    // An IPv6 datagram socket checks the address in IPV6_PKTINFO and then does not use it; it has
    // to be bound.
    expect(destinations).toEqual([v4 || raw ? source : loopback, loopback]);
    expect(() => socket.send({ ...message, source: v4 ? "192.0.2.77" : "2001:db8:77::1" })).toThrow(
      "sendmsg()",
    );
  });

  add("handlers that throw lose nobody else's message", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    if (raw) acceptRepliesOnly(socket, family);
    const send = (sequence: number) => ({
      data: echo(kind, { sequence }),
      destination: { address: loopback },
    });
    socket.sendBatch([send(1), send(2), send(3)]);
    await waitForQueue(wait, libc);
    const seen: (number | undefined)[] = [];
    const drain = (): number =>
      socket.receive((message) => {
        const sequence = icmpOf(kind, message.data)[7];
        seen.push(sequence);
        if (sequence !== 3) throw new Error(`handler ${sequence}`);
      });
    expect(drain).toThrow("handler 1");
    expect(seen).toEqual([1, 2, 3]);
    expect(drain()).toBe(0);
  });

  add(
    "a limit leaves the rest; a handler may receive from another socket",
    async ({ libc, wait }) => {
      using socket = open(libc, kind);
      using other = open(libc, kind);
      for (const each of [socket, other]) {
        if (raw) acceptRepliesOnly(each, family);
      }
      const sequences: (number | undefined)[] = [];
      for (const sequence of [1, 2, 3]) {
        socket.send({ data: echo(kind, { sequence }), destination: { address: loopback } });
        if (!raw)
          other.send({ data: echo(kind, { sequence: 50 }), destination: { address: loopback } });
      }
      await waitForQueue(wait, libc);
      const nested: (number | undefined)[] = [];
      const take = (message: IncomingMessage): void => {
        other.receive((inner) => nested.push(icmpOf(kind, inner.data)[7]), 1);
        sequences.push(icmpOf(kind, message.data)[7]);
      };
      expect(socket.receive(take, 2)).toBe(2);
      expect(socket.receive(take, 0)).toBe(0);
      expect(socket.receive(take)).toBe(1);
      expect(sequences).toEqual([1, 2, 3]);
      expect(nested).toEqual(raw ? [1, 2, 3] : [50, 50, 50]);
    },
  );

  add("type filters belong to raw sockets", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    const level = v4 ? SOL_RAW : IPPROTO_ICMPV6;
    const name = v4 ? ICMP_FILTER : ICMPV6_FILTER;
    const blockAll = new Uint8Array(v4 ? 4 : 32).fill(0xff);
    if (!raw) {
      expect(() => socket.setOption(level, name, blockAll)).toThrow(
        expect.objectContaining({ errno: ENOPROTOOPT, syscall: "setsockopt" }),
      );
      return;
    }
    socket.setOption(level, name, blockAll);
    using watching = open(libc, kind);
    socket.send({ data: echo(kind, { sequence: 1 }), destination: { address: loopback } });
    let seen = 0;
    await wait(() => {
      watching.receive(() => seen++);
      return seen === 2;
    });
    expect([seen, socket.receive(() => {})]).toEqual([2, 0]);
  });

  add("a BPF program decides what arrives", async ({ libc, wait }) => {
    using socket = open(libc, kind);
    if (raw) acceptRepliesOnly(socket, family);
    // Accept when the last byte of the sequence number is 2: ldb [7 or 27]; jeq #2; ret.
    socket.attachFilter([
      { code: 0x30, jt: 0, jf: 0, k: raw && v4 ? 27 : 7 },
      { code: 0x15, jt: 0, jf: 1, k: 2 },
      { code: 0x06, jt: 0, jf: 0, k: 0xffffffff },
      { code: 0x06, jt: 0, jf: 0, k: 0 },
    ]);
    for (const sequence of [1, 2, 3]) {
      socket.send({ data: echo(kind, { sequence }), destination: { address: loopback } });
    }
    await waitForQueue(wait, libc);
    const sequences: (number | undefined)[] = [];
    socket.receive((message) => sequences.push(icmpOf(kind, message.data)[7]));
    expect(sequences).toEqual([2]);
  });

  add("binding chooses address and, for datagram sockets, identifier", async ({ libc }) => {
    using socket = open(libc, kind);
    const protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    expect(socket.localAddress()).toEqual({
      address: v4 ? "0.0.0.0" : "::",
      port: raw ? protocol : 0,
    });
    socket.bind({ address: loopback, port: raw ? 0 : 4321 });
    expect(socket.localAddress()).toEqual({ address: loopback, port: raw ? protocol : 4321 });
    using other = open(libc, kind);
    const elsewhere = v4 ? "192.0.2.99" : "2001:db8:99::1";
    expect(() => other.bind({ address: elsewhere })).toThrow(
      expect.objectContaining({ errno: EADDRNOTAVAIL, syscall: "bind", address: elsewhere }),
    );
    // Two datagram sockets may share an identifier (net/ipv4/af_inet.c: INET_PROTOSW_REUSE).
    other.bind({ address: loopback, port: raw ? 0 : 4321 });
    expect(other.localAddress()).toEqual(socket.localAddress());
  });

  add("addresses of the wrong kind are refused before anything leaves", async ({ libc }) => {
    using socket = open(libc, kind);
    const data = echo(kind, { sequence: 1 });
    const wrong = v4 ? "::1" : "127.0.0.1";
    expect(() => socket.send({ data, destination: { address: wrong } })).toThrow(TypeError);
    expect(() => socket.send({ data, destination: { address: "localhost" } })).toThrow(TypeError);
    const destination = { address: loopback };
    expect(() => socket.send({ data, destination, source: wrong })).toThrow(TypeError);
    expect(
      socket.sendBatch([
        { data, destination },
        { data, destination: { address: wrong } },
      ]),
    ).toBe(1);
  });

  add("a closed socket stays closed", async ({ libc }) => {
    const socket = open(libc, kind);
    expect(socket.closed).toBe(false);
    socket.close();
    socket.close();
    expect([socket.closed, socket.fd]).toEqual([true, -1]);
    expect(socket.receive(() => {})).toBe(0);
    expect(() => socket.getOption(SOL_SOCKET, SO_TIMESTAMPING)).toThrow(
      expect.objectContaining({ errno: EBADF, code: "EBADF", syscall: "getsockopt" }),
    );
    const message = { data: echo(kind, { sequence: 1 }), destination: { address: loopback } };
    expect(() => socket.send(message)).toThrow(`sendmsg() to ${loopback} failed: EBADF`);
  });

  if (!raw) {
    add(
      "a pending error fails neither the next send nor the next receive",
      async ({ libc, wait }) => {
        using socket = open(libc, kind);
        using silent = open(libc, kind);
        const destination = { address: NETWORK.beyond[family] };
        for (let round = 0; round < 2; round++) {
          socket.send({ data: echo(kind, { sequence: round }), destination, ttl: 1 });
          silent.send({ data: echo(kind, { sequence: round }), destination, ttl: 1 });
          // Only the other socket is read, so this one's error stays where it is.
          await collectErrors({ socket: silent, wait }, kind);
          const data = echo(kind, { sequence: 100 + round });
          const send = { data, destination: { address: loopback } };
          if (round === 0) expect(socket.send(send)).toBe("sent");
          else expect(socket.sendBatch([send, send])).toBe(2);
          let replies = 0;
          await wait(() => {
            socket.receive((message) => {
              if (isReply(kind, message) && icmpOf(kind, message.data)[7] === 100 + round)
                replies++;
            });
            return replies === 1 + round;
          });
          expect(replies).toBe(1 + round);
          socket.receiveErrors(() => {});
          silent.receive(() => {});
        }
      },
    );

    add("without IP_RECVERR errors of routers are lost", async ({ libc, wait }) => {
      using socket = open(libc, kind);
      using hearing = open(libc, kind);
      socket.setOption(v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, 0);
      for (const each of [socket, hearing]) {
        each.send({
          data: echo(kind, { sequence: 1 }),
          destination: { address: NETWORK.beyond[family] },
          ttl: 1,
        });
      }
      await collectErrors({ socket: hearing, wait }, kind);
      const origins: (number | undefined)[] = [];
      socket.receiveErrors(({ error }) => origins.push(error?.origin));
      expect(origins).toEqual([SO_EE_ORIGIN_TIMESTAMPING]);
    });
  }
  return cases;
}
