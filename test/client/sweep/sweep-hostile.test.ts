import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { unreachableThroughNat } from "../../support/fake-nat.ts";
import { echoReply, type FakeNetwork, unreachable } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { expectClosed, type Scene, scene } from "../support.ts";
import { rangeOf } from "./support.ts";

setDefaultTimeout(30_000);

const TIMEOUT_MS = 100;
/** What the kernel takes to hand over a batch of 256 packets. A read has 5 ms after the first. */
const BATCH_MS = 5;
/** Two reads in each turn of the event loop, of two batches each. */
const TURN_MS = 4 * BATCH_MS;
/** In so many turns more is read than any queue holds; then what was due before them has had its time. */
const LONGEST_DELAY_MS = 2 * 64 * TURN_MS;

/** From now on there is always one more packet: that which comes next, again and again. */
function flood({ clock, kernel }: Scene, queue: "shift" | "shiftError"): void {
  const socket = kernel.socketOf(100);
  if (socket === undefined) throw new Error("No socket is open");
  const shift = socket[queue].bind(socket);
  let packet: ReturnType<typeof shift>;
  let count = 0;
  socket[queue] = () => {
    packet = shift() ?? packet;
    if (++count % 256 === 0) clock.block(BATCH_MS);
    return packet;
  };
}

for (const kind of SOCKET_KINDS) {
  const { name, privileged, router, stranger } = kind;
  const { text, addresses } = rangeOf(kind, 3);
  const [living, odd] = addresses;

  /** What comes for ever once it was the answer to a probe, and what becomes of the host that was probed. */
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
      "of %s: ends, and leaves the event loop to others",
      async (_, answers, fate) => {
        const network: FakeNetwork = (probe) => {
          if (probe.destination === living) return [echoReply(probe, { delayMs: 1 })];
          return probe.destination === odd ? answers(probe) : [];
        };
        const world = scene({ network }, { privileged });
        const sweep = world.client.sweep(text, { timeout: TIMEOUT_MS, retries: 0 });
        const ended = sweep.then((result) => result);
        await world.clock.advance(5);
        flood(world, "shift");
        let turns = 0;
        const takeTurns = (): void => {
          turns += 1;
          world.clock.schedule(1e6, takeTurns);
        };
        takeTurns();
        const result = await world.outcome(ended);
        const silent = fate === "silent" ? 2 : 1;
        expect(result).toMatchObject({ hosts: 3, answered: 1, silent, wrongData: 2 - silent });
        expect([...result.living]).toEqual([living ?? ""]);
        expect(result.duration).toBeGreaterThanOrEqual(TIMEOUT_MS);
        expect(result.duration).toBeLessThan(TIMEOUT_MS + LONGEST_DELAY_MS + 3 * TURN_MS);
        expect(turns).toBeGreaterThan(result.duration / TURN_MS / 2);
      },
    );
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
    expect(result.duration).toBeLessThan(TIMEOUT_MS + LONGEST_DELAY_MS + 3 * TURN_MS);
  });
}
