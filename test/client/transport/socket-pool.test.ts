import { expect, test } from "bun:test";
import { NS_PER_MS } from "../../../src/client/time/clock.ts";
import { IcmpTransport } from "../../../src/client/transport/icmp-transport.ts";
import { SocketPool } from "../../../src/client/transport/socket-pool.ts";
import type { Route } from "../../../src/client/transport/transport.ts";
import { EAGAIN } from "../../../src/ffi/errno.ts";
import { echoReply } from "../../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../../support/fake-platform.ts";
import { listener, send } from "./support.ts";

const DATA = new Uint8Array(16).fill(0x61);
const SOCKETS = 4;
const REPLIES = 2000;

for (const kind of SOCKET_KINDS.filter(({ privileged }) => !privileged)) {
  test(`${kind.name}: flooded sockets share the time of a drain, and take turns`, () => {
    const { platform, clock, kernel } = fakePlatform({
      network: (probe) => Array(REPLIES).fill(echoReply(probe, { delayMs: 1 })),
      queueLimit: REPLIES,
    });
    const { family, privileged } = kind;
    const first = new IcmpTransport(platform, { family, privileged, identifier: 0 });
    const pool = new SocketPool(platform.libc, first);
    pool.setTold(false);
    pool.setActive(true);
    /** By sequence number, and so by socket. */
    const replies = new Map<number | null, number>();
    pool.attach({
      ...listener([], () => {}),
      onReply: ({ sequence }) => {
        replies.set(sequence, (replies.get(sequence) ?? 0) + 1);
        clock.block(0.01);
      },
    });
    const routes = [kind.target, kind.stranger].map(
      (destination): Route => ({
        ...{ destination, source: undefined, interface: undefined },
        ...{ tos: 0, dontFragment: undefined, mark: 0 },
      }),
    );
    const sendBy = (sequence: number) =>
      send(pool, routes[sequence % 2] as Route, { ttl: 64, sequence, data: DATA }).kind;
    expect(sendBy(0)).toBe("sent");
    clock.block(5);
    // While the sockets there are have no room for 20 ms, another one is opened. The last answers.
    for (let sockets = 1; sockets < SOCKETS; sockets++) {
      kernel.failNext("sendmsg", EAGAIN, 2 * sockets);
      expect(sendBy(sockets)).toBe("busy");
      clock.block(20);
      expect(sendBy(sockets)).toBe("sent");
      clock.block(5);
    }
    expect(kernel.openDescriptors).toBe(SOCKETS);
    for (let drain = 0; drain < SOCKETS; drain++) {
      const startNs = clock.monotonicNs();
      // Nobody knows until when the others were read.
      expect(pool.drain()).toBe(Number.NEGATIVE_INFINITY);
      expect(clock.monotonicNs() - startNs).toBeLessThan(10 * NS_PER_MS);
      expect(replies.size).toBe(drain + 1);
    }
    while (pool.drain() !== Number.POSITIVE_INFINITY);
    expect([...replies.values()]).toEqual(new Array(SOCKETS).fill(REPLIES));
    expect(pool.drops).toBe(0);
  });
}
