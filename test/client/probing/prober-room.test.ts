import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { EchoStatistics } from "../../../src/client/results/echo-statistics.ts";
import type { EchoResult } from "../../../src/client/results/results.ts";
import { IP_RECVERR, IPPROTO_IP } from "../../../src/ffi/constants.ts";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { SOCKET_KINDS } from "../../support/fake-platform.ts";
import { briefly, ProberBench } from "../../support/fake-prober.ts";

function snapshot(results: readonly EchoResult[]) {
  const statistics = new EchoStatistics();
  for (const result of results) statistics.add(result);
  return statistics.snapshot();
}

const answers: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 10 })];

describe.each(SOCKET_KINDS)("On a $name socket, what this host has no room for", (kind) => {
  /** The kernel drops what a datagram IPv6 socket sends without a word (ping_v6_sendmsg). */
  const isSilent = kind.family === 6 && !kind.privileged;

  for (const full of ["table", "queue"] as const) {
    test(`is not loss, and costs others nothing (${full})`, async () => {
      const bench = new ProberBench(kind, { network: answers, sendBuffer: 212_992 });
      bench.kernel.setRefusal(kind.stranger, full);
      const living = bench.open();
      const refused = bench.open({ destination: kind.stranger });
      for (let count = 0; count < 20; count++) {
        living.send();
        refused.send();
        await bench.clock.advance(100);
      }
      await bench.clock.advance(2000);
      expect(refused.results.map(({ kind: what, error }) => [what, error])).toEqual(
        Array(20).fill(["sendError", "ENOBUFS"]),
      );
      for (const result of refused.results) {
        expect(result.request.sentPacket).toBeNull();
        expect(result.kind === "sendError" && result.sendError.message).toContain("room");
      }
      expect(snapshot(refused.results)).toMatchObject({
        sent: 20,
        lost: 20,
        noRoom: 20,
        loss: null,
      });
      // Each of the others has its own stamp: those of the refused are counted, too.
      expect(living.results.map(({ rtt, rttSource }) => `${rtt} ${rttSource}`)).toEqual(
        Array(20).fill("10 kernel"),
      );
    });
  }

  test(`leaves ${isSilent ? "the next time" : "as soon as"} there is room`, async () => {
    const bench = new ProberBench(kind, { network: answers });
    bench.kernel.setRefusal(kind.target, "table");
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(200);
    expect(results).toEqual([]);
    bench.kernel.setRefusal(kind.target, undefined);
    if (isSilent) send();
    await bench.clock.advance(1000);
    const answer = `reply 10 ms from ${kind.target}`;
    expect(results.map(briefly)).toEqual(
      isSilent ? [`#2 ${answer}`, "#1 ENOBUFS"] : [`#1 ${answer}`],
    );
  });

  test("is not told from a refusal of another kind by counts that stand still", async () => {
    const bench = new ProberBench(kind, { network: answers });
    bench.kernel.setRefusal(kind.stranger, "table");
    bench.kernel.failSendsTo(kind.router, constants.errno.EINVAL);
    const refused = bench.open({ destination: kind.stranger, timeoutMs: 100 });
    const wrong = bench.open({ destination: kind.router, timeoutMs: 100 });
    refused.send();
    await bench.clock.advance(300);
    wrong.send();
    await bench.clock.advance(300);
    expect(refused.results.map(({ error }) => error)).toEqual(["ENOBUFS"]);
    expect(wrong.results.map(({ error }) => error)).toEqual(["EINVAL"]);
  });
});

const [RAW_IPV4, RAW_IPV6, , DATAGRAM_IPV6] = SOCKET_KINDS;

describe("On a datagram IPv6 socket", () => {
  const kind = DATAGRAM_IPV6 as (typeof SOCKET_KINDS)[number];

  test("a probe is loss that a firewall drops, because nothing is full", async () => {
    const bench = new ProberBench(kind, { network: answers });
    bench.kernel.setRefusal(kind.stranger, "firewall");
    const { results, send } = bench.open({ destination: kind.stranger });
    for (let count = 0; count < 5; count++) send();
    await bench.clock.advance(2000);
    expect(results.map(({ error }) => error)).toEqual(Array(5).fill("timeout"));
    expect(snapshot(results)).toMatchObject({ lost: 5, noRoom: 0, loss: 1 });
  });

  test("a probe that left is none, whatever the counts say", async () => {
    const bench = new ProberBench(kind, { network: () => [] });
    const { netlink } = bench.kernel;
    const { results, send } = bench.open();
    bench.kernel.setRefusal(kind.stranger, "queue");
    bench.open({ destination: kind.stranger }).send();
    for (let count = 0; count < 5; count++) {
      // Others fill the queue all the time.
      netlink.counts.queueDrops += 1;
      send();
      await bench.clock.advance(10);
    }
    await bench.clock.advance(2000);
    expect(results.map(({ kind: what }) => what)).toEqual(Array(5).fill("timeout"));
  });

  test("nobody asks for counts while packets leave", async () => {
    const bench = new ProberBench(kind, { network: answers });
    const { netlink } = bench.kernel;
    const { results, send } = bench.open();
    const atFirst = netlink.dumps;
    for (let count = 0; count < 100; count++) {
      send();
      await bench.clock.advance(1);
    }
    await bench.clock.advance(100);
    expect(results.length).toBe(100);
    expect(netlink.dumps).toBe(atFirst);
  });
});

test("without netlink, a full table is EINVAL on raw IPv6 and a timeout on datagram IPv6", async () => {
  for (const [kind, error] of [
    [RAW_IPV6, "EINVAL"],
    [DATAGRAM_IPV6, "timeout"],
  ] as const) {
    if (kind === undefined) throw new Error("There is no such kind");
    const bench = new ProberBench(kind, { netlink: false });
    bench.kernel.setRefusal(kind.target, "table");
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(2000);
    expect(results.map((result) => result.error)).toEqual([error]);
  }
});

test("a count that a refused packet did not take does not give stamps to the wrong probes", async () => {
  const [, , kind] = SOCKET_KINDS;
  if (kind === undefined) throw new Error("There is no such kind");
  const bench = new ProberBench(kind, { network: answers, wakeDelayMs: 5 });
  const { results, send } = bench.open();
  for (let count = 0; count < 40; count++) {
    // Refused because memory is short, before the packet has a key.
    if (count % 10 === 5) bench.kernel.failNext("sendmsg", constants.errno.ENOBUFS);
    send();
    await bench.clock.advance(3);
  }
  await bench.clock.advance(1000);
  expect(results.map(({ rtt }) => rtt)).toEqual(Array(40).fill(10));
  expect(results.filter(({ rttSource }) => rttSource === "kernel").length).toBeGreaterThan(25);
});

describe("The socket that raw IPv4 probes leave by", () => {
  const kind = RAW_IPV4 as (typeof SOCKET_KINDS)[number];

  test("is offered nothing that arrives, and the other sends nothing", async () => {
    const bench = new ProberBench(kind, { network: answers });
    const { results, send } = bench.open();
    send();
    await bench.clock.advance(5);
    expect([bench.sender.queuedErrors, bench.socket.queuedErrors]).toEqual([1, 0]);
    await bench.clock.advance(100);
    expect(results.map(briefly)).toEqual([`#1 reply 10 ms from ${kind.target}`]);
    expect([bench.sender.queued, bench.sender.queuedErrors]).toEqual([0, 0]);
  });

  test("is done without where it cannot be told of refusals, and that is known", async () => {
    const bench = new ProberBench(kind, { network: answers });
    bench.prober.close();
    bench.kernel.refuseOption(IPPROTO_IP, IP_RECVERR, constants.errno.ENOPROTOOPT);
    const poor = new ProberBench(kind, { network: answers, beside: bench });
    bench.network = answers;
    const { results, send } = poor.open();
    send();
    await bench.clock.advance(100);
    expect(results.map(briefly)).toEqual([`#1 reply 10 ms from ${kind.target}`]);
    expect(bench.kernel.openDescriptors).toBe(1);
    expect(poor.prober.transport.facilities?.snapshot().missing).toEqual([
      {
        name: "IP_RECVERR",
        code: "ENOPROTOOPT",
        effect: "probes that this host has no room to send count as lost",
      },
    ]);
  });
});
