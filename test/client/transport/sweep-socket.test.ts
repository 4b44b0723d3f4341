import { describe, expect, test } from "bun:test";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { expectClosed, scene } from "../support.ts";

const GLOBAL = "2001:db8::99";
const LINK_LOCAL = "fe80::10";
const network: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 1 })];
const range = (prefix: string, zone = "") =>
  Array.from({ length: 8 }, (_, index) => `${prefix}${index + 1}${zone}`);

/** A host whose addresses and interfaces come and go. */
function stage(privileged: boolean) {
  const addresses = ["2001:db8::10", LINK_LOCAL];
  const interfaces: Record<string, number> = { lo: 1, eth0: 2 };
  return {
    ...scene({ network, addresses, interfaces }, { privileged }),
    addresses,
    interfaces,
  };
}

for (const { name, privileged } of SOCKET_KINDS.filter(({ family }) => family === 6)) {
  describe(`the source of a sweep, ${name}`, () => {
    test.each([
      ["with its zone", `${LINK_LOCAL}%eth0`, undefined, range("2001:db8:1::")],
      ["with that of the targets", LINK_LOCAL, undefined, range("fe80::2", "%eth0")],
      ["with the interface asked for", LINK_LOCAL, "eth0", range("fe80::2")],
      ["with all of them", `${LINK_LOCAL}%eth0`, "eth0", range("fe80::2", "%eth0")],
    ] as const)(
      "link-local, %s, is bound again on an interface that is created again",
      async (_, source, by, targets) => {
        const world = stage(privileged);
        const { clock, interfaces, kernel } = world;
        const options = { source, interface: by, rate: 1, retries: 0, all: true };
        const sweep = world.client.sweep(targets, options);
        const { items } = world.watch(sweep);
        await clock.advance(1500);
        delete interfaces["eth0"];
        await clock.advance(1000);
        interfaces["eth0"] = 5;
        const result = await world.outcome(sweep);
        expect(items.map(({ error }): string | null => error)).toEqual([
          ...[null, null, "ENODEV"],
          ...Array(5).fill(null),
        ]);
        expect(kernel.sent.map(({ interfaceIndex }) => interfaceIndex)).toEqual([
          ...[2, 2],
          ...Array(5).fill(5),
        ]);
        expect(new Set(kernel.sent.map((probe) => probe.source))).toEqual(new Set([LINK_LOCAL]));
        // Answers to earlier probes are still known by it.
        expect(new Set(kernel.sent.map(({ identifier }) => identifier)).size).toBe(1);
        expect(result).toMatchObject({ hosts: 8, answered: 7, sendErrors: 1 });
        expectClosed(world);
      },
    );

    test("answers that came before the interface was deleted are not lost", async () => {
      const world = stage(privileged);
      const { clock, interfaces } = world;
      const source = `${LINK_LOCAL}%eth0`;
      const sweep = world.client.sweep(range("2001:db8:1::"), { source, rate: 1000, retries: 0 });
      sweep.then(() => {});
      await clock.advance(3.5);
      // The event loop is held up while an answer comes, and the interface goes and comes back.
      clock.block(2);
      interfaces["eth0"] = 5;
      const result = await world.outcome(sweep);
      expect(result).toMatchObject({ hosts: 8, sent: 8, answered: 8, late: 0, duplicates: 0 });
      expect(world.kernel.sent.at(-1)?.interfaceIndex).toBe(5);
    });

    test("that this host lacks is used as soon as it has it, and fails hosts until then", async () => {
      const world = stage(privileged);
      const { addresses, clock, kernel } = world;
      const options = { source: GLOBAL, rate: 1, retries: 0, all: true };
      const sweep = world.client.sweep(range("2001:db8:1::"), options);
      const { items } = world.watch(sweep);
      await clock.advance(1500);
      addresses.push(GLOBAL);
      const result = await world.outcome(sweep);
      expect(items.map(({ error }): string | null => error)).toEqual([
        ...["EADDRNOTAVAIL", "EADDRNOTAVAIL"],
        ...Array(6).fill(null),
      ]);
      expect(items[0]).toMatchObject({
        kind: "sendError",
        attempts: 0,
        message: `Cannot send to 2001:db8:1::1 from ${GLOBAL}: this host has no such address (EADDRNOTAVAIL)`,
      });
      expect(kernel.sent.map((probe) => probe.source)).toEqual(Array(6).fill(GLOBAL));
      expect(result).toMatchObject({ hosts: 8, answered: 6, sendErrors: 2 });
      expectClosed(world);
    });

    test("link-local, is waited for after its interface was created again", async () => {
      const world = stage(privileged);
      const { addresses, clock, interfaces, kernel } = world;
      const options = { source: `${LINK_LOCAL}%eth0`, rate: 1, retries: 0, all: true };
      const sweep = world.client.sweep(range("2001:db8:1::"), options);
      const { items } = world.watch(sweep);
      await clock.advance(1500);
      // Without its addresses, as in the second of duplicate address detection (RFC 4862 section
      // 5.4).
      interfaces["eth0"] = 5;
      addresses.pop();
      await clock.advance(2000);
      addresses.push(LINK_LOCAL);
      await world.outcome(sweep);
      expect(items.map(({ error }): string | null => error)).toEqual([
        ...[null, null, "EADDRNOTAVAIL", "EADDRNOTAVAIL"],
        ...Array(4).fill(null),
      ]);
      expect(new Set(kernel.sent.map((probe) => probe.source))).toEqual(new Set([LINK_LOCAL]));
      expect(kernel.sent.at(-1)?.interfaceIndex).toBe(5);
      expectClosed(world);
    });
  });
}

test("a source that is not there costs no more than a try each 10 ms", async () => {
  const world = stage(false);
  const targets = "2001:db8:1::-2001:db8:1::3ff";
  const sweep = world.client.sweep(targets, { source: GLOBAL, rate: 10_000, retries: 0 });
  expect(await world.outcome(sweep)).toMatchObject({ hosts: 1024, sent: 0, sendErrors: 1024 });
  const tries = world.kernel.calls.filter(
    ({ syscall, args }) => syscall === "socket" && args[2] !== 0,
  );
  // 102 ms, and the first.
  expect(tries.length).toBeLessThan(15);
  expect(world.kernel.sent).toEqual([]);
  expectClosed(world);
});
