import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { Client } from "../../../src/client/client.ts";
import { SO_TIMESTAMP, SO_TIMESTAMPING, SOL_SOCKET } from "../../../src/ffi/constants.ts";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import {
  type FakePlatformOptions,
  fakePlatform,
  SOCKET_KINDS,
} from "../../support/fake-platform.ts";
import { scene } from "../support.ts";

const { ENETUNREACH, ENOPROTOOPT, ENOSYS, EPERM } = constants.errno;

const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 5 })];

/** A platform one of whose sockets asks for receive stamps. */
function asking(options: FakePlatformOptions = {}) {
  const fake = fakePlatform(options);
  const { kernel, clock } = fake;
  const { stamps } = fake.platform;
  const startNs = clock.monotonicNs();
  const owner = {};
  const fd = kernel.socket(2, 3, 1);
  kernel.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, Uint8Array.of(0x18, 0, 0, 0), 4);
  stamps.add(owner);
  return {
    ...fake,
    stamps,
    owner,
    tests: () => kernel.calls.filter(({ syscall }) => syscall === "sendto").length,
    /** Milliseconds until probes may leave. */
    async settledAfterMs(signal = new AbortController().signal): Promise<number> {
      await clock.runUntil(stamps.settle(signal));
      return (clock.monotonicNs() - startNs) / 1e6;
    },
  };
}

describe("ReceiveStamps", () => {
  test("are settled while nobody asks for any, without a system call", () => {
    const { kernel, platform } = fakePlatform();
    expect(platform.stamps.isSettled()).toBe(true);
    expect(kernel.calls).toEqual([]);
  });

  test("are settled at once when one test shows that the kernel stamps", async () => {
    const { settledAfterMs, stamps, tests, kernel } = asking({ stampDelayMs: 0 });
    expect(await settledAfterMs()).toBe(0);
    expect(stamps.isSettled()).toBe(true);
    expect(tests()).toBe(1);
    expect(kernel.openDescriptors).toBe(1);
  });

  test("are tested again after short pauses, which a timer would be too slow for", async () => {
    let pauses = 0;
    const fake = asking({
      stampDelayMs: 0.15,
      pause: () => {
        pauses += 1;
        fake.clock.block(0.1);
      },
    });
    expect(fake.stamps.isSettled()).toBe(true);
    expect(pauses).toBe(2);
    expect(fake.kernel.openDescriptors).toBe(1);
  });

  test("are tested each millisecond until they come", async () => {
    const { settledAfterMs, tests, kernel } = asking({ stampDelayMs: 3.5 });
    expect(await settledAfterMs()).toBe(4);
    // Four in each turn but the last.
    expect(tests()).toBe(17);
    expect(kernel.openDescriptors).toBe(1);
  });

  test("are tested once for all who wait at the same time", async () => {
    const { settledAfterMs, tests } = asking({ stampDelayMs: 3.5 });
    const waits = Array.from({ length: 100 }, () => settledAfterMs());
    expect(await Promise.all(waits)).toEqual(Array(100).fill(4));
    expect(tests()).toBe(17);
  });

  test("are waited for no longer than 20 ms", async () => {
    const { settledAfterMs, tests } = asking({ stampDelayMs: Number.POSITIVE_INFINITY });
    expect(await settledAfterMs()).toBe(20);
    expect(tests()).toBe(84);
  });

  test("are no longer waited for once the signal aborts", async () => {
    const { stamps, clock } = asking({ stampDelayMs: 3.5 });
    const controller = new AbortController();
    const settled = stamps.settle(controller.signal);
    controller.abort();
    await settled;
    expect(stamps.isSettled()).toBe(false);
    expect(clock.pending).toBe(0);
  });

  test("are tested again only when all who asked have closed their sockets", async () => {
    const { stamps, owner, settledAfterMs, tests } = asking({ stampDelayMs: 0 });
    await settledAfterMs();
    const second = {};
    stamps.add(second);
    stamps.delete(owner);
    stamps.delete(owner);
    expect(stamps.isSettled()).toBe(true);
    expect(tests()).toBe(1);
    stamps.delete(second);
    stamps.add(owner);
    expect(stamps.isSettled()).toBe(true);
    expect(tests()).toBe(2);
  });

  const BLIND: readonly [name: string, prepare: (fake: ReturnType<typeof asking>) => void][] = [
    ["loopback is down", ({ kernel }) => kernel.failSendsTo("127.0.0.1", ENETUNREACH)],
    ["a firewall drops UDP on loopback", ({ kernel }) => kernel.failNext("recvmmsg", 11, 99)],
    ["there is no UDP", ({ kernel }) => kernel.refuseCall("socket", EPERM)],
    ["sendto() is refused", ({ kernel }) => kernel.refuseCall("sendto", ENOSYS)],
    [
      "the kernel shows no stamps",
      ({ kernel }) => kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, ENOPROTOOPT),
    ],
    [
      "only recvfrom() is to be had, which gives none",
      ({ kernel }) => {
        kernel.refuseCall("recvmmsg", ENOSYS);
        kernel.refuseCall("recvmsg", ENOSYS);
      },
    ],
  ];
  for (const [name, prepare] of BLIND) {
    test(`are given 1 ms where no test can tell: ${name}`, async () => {
      const fake = asking({ stampDelayMs: Number.POSITIVE_INFINITY });
      prepare(fake);
      expect(await fake.settledAfterMs()).toBe(1);
      expect(fake.kernel.openDescriptors).toBe(1);
    });
  }
});

describe.each(SOCKET_KINDS)("the first probe of a client, $name", ({ privileged, target }) => {
  test("leaves when its answer will be stamped, however long the kernel takes", async () => {
    const world = scene({ network: answering, stampDelayMs: 6.5 }, { privileged });
    const result = await world.outcome(world.client.probe(target));
    expect(result).toMatchObject({ kind: "reply", rtt: 5, rttSource: "kernel" });
    expect(world.kernel.sent[0]?.sentAtNs).toBe(1_000_000_000 + 7e6);
  });

  test("leaves at once when the kernel stamps already", async () => {
    const world = scene({ network: answering, stampDelayMs: 3 }, { privileged });
    const { client, kernel, clock, outcome } = world;
    await outcome(client.probe(target));
    using second = new Client({ privileged }, world.platform);
    const beforeNs = clock.monotonicNs();
    expect(await outcome(second.probe(target))).toMatchObject({ rttSource: "kernel" });
    expect(kernel.sent[1]?.sentAtNs).toBe(beforeNs);
  });

  test("waits for no stamps where there are none to be had", async () => {
    const world = scene({ network: answering }, { privileged });
    world.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, ENOPROTOOPT);
    world.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMP, ENOPROTOOPT);
    expect(await world.outcome(world.client.probe(target))).toMatchObject({ rttSource: "user" });
    expect(world.kernel.sent[0]?.sentAtNs).toBe(1_000_000_000);
  });

  test("of a sweep leaves when its answer will be stamped", async () => {
    const options = { network: answering, stampDelayMs: 6.5, wakeDelayMs: 2 };
    const world = scene(options, { privileged });
    const sweep = world.client.sweep([target]);
    const { items } = world.watch(sweep);
    const result = await world.outcome(sweep);
    // 1, 2 and 4 ms of backing off.
    expect(world.kernel.sent[0]?.sentAtNs).toBe(1_000_000_000 + 7e6);
    expect(items).toMatchObject([{ kind: "reply", rtt: 5 }]);
    expect(result).toMatchObject({ hosts: 1, sent: 1, answered: 1, sendErrors: 0 });
    expect(world.kernel.openDescriptors).toBe(0);
  });
});
