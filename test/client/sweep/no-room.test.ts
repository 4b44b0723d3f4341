import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { Client } from "../../../src/client/client.ts";
import type { SweepOptions } from "../../../src/client/sweep/sweep-options.ts";
import { IP_RECVERR, IPPROTO_IP, SO_SNDBUF, SOL_SOCKET } from "../../../src/ffi/constants.ts";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { SOCKET_KINDS, type SocketKind } from "../../support/fake-platform.ts";
import { expectClosed, scene } from "../support.ts";
import { rangeOf, shortHosts } from "./support.ts";

const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 10 })];
const SEND_BUFFER = 212_992;

function begin(kind: SocketKind, options: SweepOptions = {}) {
  const { text, addresses } = rangeOf(kind, 100);
  const world = scene(
    { network: answering, sendBuffer: SEND_BUFFER },
    { privileged: kind.privileged },
  );
  const sweep = () => {
    const run = world.client.sweep(text, { all: true, ...options });
    const { items } = world.watch(run);
    return { run, items };
  };
  return { ...world, addresses, sweep };
}

describe.each(SOCKET_KINDS)("A sweep on a $name socket", (kind) => {
  for (const full of ["table", "queue"] as const) {
    test(`finds all others, and says for whom there was no room (${full})`, async () => {
      const world = begin(kind);
      const { addresses, sweep, outcome, kernel } = world;
      const refused = [addresses[0], addresses[41], addresses[99]] as string[];
      for (const address of refused) kernel.setRefusal(address, full);
      const { run, items } = sweep();
      const result = await outcome(run);
      expect(result).toMatchObject({
        hosts: 100,
        answered: 97,
        silent: 0,
        sendErrors: 3,
        noRoom: 3,
        duplicates: 0,
      });
      const others = items.filter((item) => item.kind !== "reply");
      expect(shortHosts(others).sort()).toEqual(
        refused.map((address) => `${address} ENOBUFS 0`).sort(),
      );
      for (const item of others) {
        if (item.kind !== "sendError") throw new Error("Not a sendError");
        expect(item.message).toContain("no room");
      }
      world.client.close();
      await world.clock.advance(20);
      expectClosed(world);
    });

    test(`sends again as soon as there is room, and that is no further attempt (${full})`, async () => {
      const { addresses, sweep, outcome, kernel, clock } = begin(kind);
      const [first = "", last = ""] = [addresses[0], addresses[99]];
      for (const address of [first, last]) kernel.setRefusal(address, full);
      const { run, items } = sweep();
      void run.then(() => {});
      await clock.advance(2500);
      for (const address of [first, last]) kernel.setRefusal(address, undefined);
      expect(await outcome(run)).toMatchObject({
        hosts: 100,
        answered: 100,
        sendErrors: 0,
        noRoom: 0,
      });
      expect(shortHosts(items).filter((text) => !text.endsWith(" 10 1"))).toEqual([]);
    });
  }

  test("does not let those that wait hold up the others", async () => {
    const { addresses, sweep, outcome, kernel, clock } = begin(kind, { rate: 1000 });
    for (const address of addresses.slice(0, 50)) kernel.setRefusal(address, "table");
    const { run, items } = sweep();
    void run.then(() => {});
    // At 1,000 a second, 100 take 0.1 s.
    await clock.advance(400);
    expect(items.filter((item) => item.kind === "reply").length).toBe(50);
    expect(await outcome(run)).toMatchObject({
      answered: 50,
      noRoom: 50,
      sent: kind.privileged || kind.family === 4 ? 50 : expect.any(Number),
    });
  });

  test("makes the send buffer wider when nothing leaves for 20 ms, and only then", async () => {
    const errno = kind.privileged ? constants.errno.ENOBUFS : constants.errno.EAGAIN;
    const { platform, kernel, outcome, clock } = scene({ network: answering });
    using client = new Client({ privileged: kind.privileged }, platform);
    const widened = () =>
      kernel.calls.filter(
        ({ syscall, args: [, level, name] }) =>
          syscall === "setsockopt" && level === SOL_SOCKET && name === SO_SNDBUF,
      ).length;
    kernel.refuseCall("sendmmsg", errno);
    const run = client.sweep(rangeOf(kind, 10).text);
    void run.then(() => {});
    await clock.advance(18);
    expect(widened()).toBe(0);
    await clock.advance(100);
    expect(widened()).toBe(1);
    kernel.refuseCall("sendmmsg", 0);
    expect(await outcome(run)).toMatchObject({ hosts: 10, sent: 10, answered: 10, sendErrors: 0 });
    expect(widened()).toBe(1);
  });
});

test("others who fill a queue all the time cost a sweep by datagram IPv6 one more probe for a host at most", async () => {
  const kind = SOCKET_KINDS.find(({ family, privileged }) => family === 6 && !privileged);
  if (kind === undefined) throw new Error("There is no such kind");
  const silent: FakeNetwork = () => [];
  const { platform, kernel, clock } = scene({ network: silent });
  using client = new Client({ privileged: false }, platform);
  const run = client.sweep(rangeOf(kind, 50).text, { retries: 0, timeout: 200 });
  let isOver = false;
  void run.then(() => {
    isOver = true;
  });
  for (let step = 0; step < 1000 && !isOver; step++) {
    kernel.netlink.counts.queueDrops += 1;
    await clock.advance(5);
  }
  expect(isOver).toBe(true);
  const { sent, ...totals } = await run;
  expect(totals).toMatchObject({ hosts: 50, silent: 50, sendErrors: 0 });
  expect(sent).toBeGreaterThan(50);
  expect(sent).toBeLessThanOrEqual(100);
});

test("a sweep by raw IPv4 does without a socket to send by where there is none", async () => {
  const { platform, kernel, outcome } = scene({ network: answering });
  kernel.refuseOption(IPPROTO_IP, IP_RECVERR, constants.errno.ENOPROTOOPT);
  using client = new Client({ privileged: true }, platform);
  expect(await outcome(client.sweep("198.51.100.1-198.51.100.9"))).toMatchObject({ answered: 9 });
  expect(client.capabilities[0]?.missing.map(({ name }) => name)).toEqual(["IP_RECVERR"]);
});
