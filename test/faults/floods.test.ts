import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import type { EchoResult } from "../../src/client/results/results.ts";
import { MSG_ERRQUEUE } from "../../src/ffi/constants.ts";
import {
  echoReply,
  type FakeArrival,
  type FakeProbe,
  timeExceeded,
} from "../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS, type SocketKind } from "../support/fake-platform.ts";

setDefaultTimeout(60_000);

/**
 * What reading a packet costs, in milliseconds of a clock that nothing but this moves while code
 * runs.
 */
const COST_MS = 0.02;
const BATCH = 256;
const FLOOD_MS = 200;
const TIMEOUT_MS = 50;
/** The longest time that the event loop may have no turn. */
const STALL_MS = 50;
/** How late a timeout may be told: 8 MiB of small packets take so long to read. */
const LATE_MS = 200;

/** Makes an answer to a probe that its sender has not seen. */
type Forge = (probe: FakeProbe, kind: SocketKind) => FakeArrival;

const forgeReply: Forge = (probe) => echoReply(probe, { delayMs: 0, data: new Uint8Array(56) });

const forgeError: Forge = (probe, { router }) => {
  const start = probe.packet.length - probe.data.length;
  const packet = probe.packet.slice();
  // Another ICMP checksum.
  packet.set([0, 1], start + 2);
  return timeExceeded(probe, { from: router, delayMs: 0, quoteLength: start + 8, packet });
};

describe.each(SOCKET_KINDS)("A flood on $name sockets", (kind) => {
  const { privileged } = kind;
  const other = SOCKET_KINDS.find(
    (each) => each.privileged === privileged && each.family !== kind.family,
  ) as SocketKind;

  /** A client under a flood that fills every queue as soon as it is read. */
  function flooded(forge: Forge) {
    const { clock, kernel, platform } = fakePlatform({ network: () => [], stampDelayMs: 0 });
    const endNs = clock.monotonicNs() + FLOOD_MS * 1e6;
    const recvmmsg = kernel.recvmmsg.bind(kernel);
    kernel.recvmmsg = (fd, messages, count, flags, timeout) => {
      const socket = kernel.socketOf(fd);
      const probe = kernel.sent.find(({ family }) => family === socket?.family);
      const isErrorQueue = (flags & MSG_ERRQUEUE) !== 0;
      const isFlooded = isErrorQueue === (forge === forgeError && !privileged);
      if (isFlooded && socket !== undefined && probe !== undefined && clock.monotonicNs() < endNs) {
        const missing = BATCH - (isErrorQueue ? socket.queuedErrors : socket.queued);
        const arrival = forge(probe, probe.family === kind.family ? kind : other);
        for (let index = 0; index < missing; index++)
          kernel.inject({ ...arrival, family: probe.family });
        clock.block(0);
      }
      const received = recvmmsg(fd, messages, count, flags, timeout);
      if (received > 0) clock.block(received * COST_MS);
      return received;
    };
    let lastNs = clock.monotonicNs();
    let stallMs = 0;
    const tick = (): void => {
      stallMs = Math.max(stallMs, (clock.monotonicNs() - lastNs) / 1e6);
      lastNs = clock.monotonicNs();
      if (lastNs < endNs) clock.schedule(1e6, tick);
    };
    tick();
    return { client: new Client({ privileged }, platform), clock, stallMs: () => stallMs };
  }

  describe.each([
    ["replies", forgeReply],
    ["errors", forgeError],
  ])("of forged %s", (_, forge) => {
    test.each([
      ["ping", 1],
      ["multiping of both families", 40],
    ])("holds up neither the event loop nor the timeouts of a %s", async (_method, targets) => {
      const { client, clock, stallMs } = flooded(forge);
      const list = Array.from({ length: targets }, (_each, index) =>
        targetOf(index % 2 === 0 ? kind : other, index),
      );
      const run = client.multiping(list, { count: 3, interval: 60, timeout: TIMEOUT_MS });
      const decided: EchoResult[] = [];
      const lateMs: number[] = [];
      const watching = (async () => {
        for await (const result of run) {
          if (result.kind === "targetFailure") throw new Error(result.message);
          decided.push(result);
          const sentMs = result.request.sentPacket?.timestamp ?? Number.NaN;
          lateMs.push(clock.epochMs + clock.realtimeNs() / 1e6 - sentMs - TIMEOUT_MS);
        }
      })();
      await clock.runUntil(watching);
      expect(decided.length).toBe(3 * targets);
      expect(stallMs()).toBeLessThan(STALL_MS);
      expect(Math.max(...lateMs)).toBeLessThan(LATE_MS);
      await client.close();
    });

    test("holds up neither the event loop nor the end of a sweep", async () => {
      const { client, clock, stallMs } = flooded(forge);
      const list = Array.from({ length: 100 }, (_each, index) =>
        targetOf(index % 2 === 0 ? kind : other, index),
      );
      const startNs = clock.monotonicNs();
      const sweep = client.sweep(list, { retries: 0, timeout: TIMEOUT_MS });
      const result = await clock.runUntil(sweep);
      const { silent, wrongData } = result;
      expect([silent + wrongData, result.sendErrors]).toEqual([100, 0]);
      expect(stallMs()).toBeLessThan(STALL_MS);
      expect((clock.monotonicNs() - startNs) / 1e6).toBeLessThan(TIMEOUT_MS + LATE_MS);
      await client.close();
    });
  });
});

function targetOf({ family }: SocketKind, index: number): string {
  return family === 4 ? `198.51.100.${index + 1}` : `2001:db8:1::${index + 1}`;
}
