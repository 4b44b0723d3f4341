import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants } from "node:os";
import { SO_TIMESTAMP, SO_TIMESTAMPING, SOL_SOCKET } from "../../../src/ffi/constants.ts";
import type { FakeClock } from "../../support/fake-clock.ts";
import type { FakeDatagram } from "../../support/fake-memory.ts";
import { unreachableThroughNat } from "../../support/fake-nat.ts";
import { echoReply, type FakeNetwork, unreachable } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { expectClosed, type Scene, scene } from "../support.ts";
import { rangeOf } from "./support.ts";

setDefaultTimeout(30_000);

const TIMEOUT_MS = 100;
/** What the kernel takes to hand over a batch of 256 packets. A read has 5 ms after the first. */
const BATCH_MS = 5;
const TURN_MS = 2 * BATCH_MS;
/** Where packets are not stamped: in 64 turns more is read than any queue holds. */
const UNSTAMPED_DELAY_MS = 2 * 64 * TURN_MS;

/** From now on there is always one more packet: that which comes next, again and again. */
function flood({ clock, kernel }: Scene, queue: "shift" | "shiftError"): void {
  const socket = kernel.socketOf(100);
  if (socket === undefined) throw new Error("No socket is open");
  const shift = socket[queue].bind(socket);
  let packet: FakeDatagram | undefined;
  let count = 0;
  socket[queue] = () => {
    if (++count % 256 === 0) clock.block(BATCH_MS);
    packet = shift() ?? (packet && stampedNow(packet, clock));
    return packet;
  };
}

function stampedNow(packet: FakeDatagram, clock: FakeClock): FakeDatagram {
  const ns = clock.realtimeNs();
  const seconds = Math.floor(ns / 1e9);
  const control = packet.control.map(({ level, type, data }) => {
    if (level !== SOL_SOCKET || type !== SO_TIMESTAMPING) return { level, type, data };
    const stamp = data.slice();
    const view = new DataView(stamp.buffer);
    view.setBigInt64(0, BigInt(clock.epochSeconds + seconds), true);
    view.setBigInt64(8, BigInt(ns - seconds * 1e9), true);
    return { level, type, data: stamp };
  });
  return { ...packet, control };
}

/** Counts turns of the event loop that others have. */
function countTurns({ clock }: Scene): () => number {
  let turns = 0;
  const take = (): void => {
    turns += 1;
    clock.schedule(1e6, take);
  };
  take();
  return () => turns;
}

for (const kind of SOCKET_KINDS) {
  const { name, privileged, router, stranger } = kind;
  const { text, addresses } = rangeOf(kind, 3);
  const [living, odd] = addresses;

  /**
   * What comes for ever once it was the answer to a probe, and what becomes of the host that was
   * probed.
   */
  const FLOODS: readonly [string, FakeNetwork, "silent" | "wrongData"][] = [
    [
      "a stranger's replies",
      (probe) => [echoReply(probe, { from: stranger, data: new Uint8Array(56) })],
      "silent",
    ],
    [
      "a host's wrong data",
      (probe) => [echoReply(probe, { data: new Uint8Array(4) })],
      "wrongData",
    ],
  ];

  describe(`a sweep under an endless flood, ${name}`, () => {
    test.each(FLOODS)(
      "of %s: ends in time, and leaves the event loop to others",
      async (_, answers, fate) => {
        const network: FakeNetwork = (probe) => {
          if (probe.destination === living) return [echoReply(probe, { delayMs: 1 })];
          return probe.destination === odd ? answers(probe) : [];
        };
        const world = scene({ network }, { privileged });
        const sweep = world.client.sweep(text, { timeout: TIMEOUT_MS, retries: 1 });
        const ended = sweep.then((result) => result);
        await world.clock.advance(5);
        flood(world, "shift");
        const turns = countTurns(world);
        const result = await world.outcome(ended);
        const silent = fate === "silent" ? 2 : 1;
        expect(result).toMatchObject({ hosts: 3, answered: 1, silent, wrongData: 2 - silent });
        expect([...result.living]).toEqual([living ?? ""]);
        // Of both attempts the deadlines are kept as well as turns allow.
        expect(result.duration).toBeGreaterThanOrEqual(2.5 * TIMEOUT_MS);
        expect(result.duration).toBeLessThan(2.5 * TIMEOUT_MS + 6 * TURN_MS);
        expect(turns()).toBeGreaterThan(result.duration / TURN_MS / 2);
      },
    );

    test("without time stamps: ends nevertheless", async () => {
      const network: FakeNetwork = (probe) =>
        probe.destination === odd ? [echoReply(probe, { from: stranger })] : [];
      const world = scene({ network }, { privileged });
      for (const name of [SO_TIMESTAMPING, SO_TIMESTAMP])
        world.kernel.refuseOption(SOL_SOCKET, name, constants.errno.ENOPROTOOPT);
      const sweep = world.client.sweep(text, { timeout: TIMEOUT_MS, retries: 0 });
      const ended = sweep.then((result) => result);
      await world.clock.advance(5);
      flood(world, "shift");
      const result = await world.outcome(ended);
      expect(result).toMatchObject({ hosts: 3, answered: 1, silent: 2 });
      expect(result.duration).toBeGreaterThanOrEqual(TIMEOUT_MS);
      expect(result.duration).toBeLessThan(TIMEOUT_MS + UNSTAMPED_DELAY_MS + 6 * TURN_MS);
    });
  });

  describe(`a sweep behind a NAT that changes checksums, ${name}`, () => {
    test("counts the errors that prove nothing, and its hosts stay silent", async () => {
      const hosts = rangeOf(kind, 12);
      const network: FakeNetwork = (probe) => [
        unreachableThroughNat(probe, { from: router, delayMs: 5 }),
      ];
      const world = scene({ network }, { privileged });
      const options = { timeout: TIMEOUT_MS, retries: 1, all: true };
      const sweep = world.client.sweep(hosts.text, options);
      const { items } = world.watch(sweep);
      const result = await world.outcome(sweep);
      expect(result).toMatchObject({ hosts: 12, sent: 24, silent: 12, unverified: 24 });
      expect(result).toMatchObject({ answered: 0, icmpErrors: 0, late: 0, duplicates: 0 });
      expect(items.map((item) => [item.kind, "attempts" in item && item.attempts])).toEqual(
        Array(12).fill(["timeout", 2]),
      );
      expectClosed(world);
    });
  });
}

for (const kind of SOCKET_KINDS.filter(({ privileged }) => !privileged)) {
  test(`${kind.name}: a sweep ends while its error queue is flooded for ever`, async () => {
    const { text } = rangeOf(kind, 3);
    const headers = (kind.family === 4 ? 20 : 40) + 8;
    const network: FakeNetwork = (probe) =>
      probe.index === 0 ? [unreachable(probe, { from: kind.router, quoteLength: headers })] : [];
    const world = scene({ network }, { privileged: false });
    const sweep = world.client.sweep(text, { timeout: TIMEOUT_MS, retries: 0 });
    const ended = sweep.then((result) => result);
    await world.clock.advance(5);
    flood(world, "shiftError");
    const result = await world.outcome(ended);
    expect(result).toMatchObject({ hosts: 3, silent: 2, icmpErrors: 1, answered: 0 });
    expect(result.duration).toBeLessThan(TIMEOUT_MS + 6 * TURN_MS);
  });
}
