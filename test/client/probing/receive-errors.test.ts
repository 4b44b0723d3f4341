import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { Client } from "../../../src/client/client.ts";
import type { Measurement } from "../../../src/client/run/measurement.ts";
import type { PingOptions } from "../../../src/client/run/options.ts";
import { SystemError } from "../../../src/errors.ts";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { SOCKET_KINDS, type SocketKind } from "../../support/fake-platform.ts";
import { expectClosed, scene, tick } from "../support.ts";
import { rangeOf } from "../sweep/support.ts";

const { EACCES, EBADF, ECONNREFUSED, EHOSTUNREACH, EIO, EMSGSIZE, ENETUNREACH, EPROTO } =
  constants.errno;
const LEFT_BY_ICMP = [EACCES, ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, EPROTO];

type Begin = (client: Client, kind: SocketKind) => Measurement<unknown, unknown>;

/** Every kind of run, long enough for the socket to fail in the middle of it. */
const RUNS: readonly [name: string, begin: Begin][] = [
  ["probe()", (client, { target, privileged }) => client.probe(target, { privileged })],
  ["ping()", (client, { target, privileged }) => client.ping(target, { privileged, count: 50 })],
  [
    "multiping()",
    (client, { target, stranger, privileged }) =>
      client.multiping([target, stranger], { privileged, count: 50 }),
  ],
  ["traceroute()", (client, { target, privileged }) => client.traceroute(target, { privileged })],
  ["mtr()", (client, { target, privileged }) => client.mtr(target, { privileged, count: 50 })],
  [
    "sweep()",
    (client, kind) =>
      client.sweep(rangeOf(kind, 200).text, { privileged: kind.privileged, rate: 100 }),
  ],
];

const silent: FakeNetwork = () => [];
const answering: FakeNetwork = (probe) => [echoReply(probe, { delayMs: 100 })];

describe.each(SOCKET_KINDS)("On a $name socket that cannot be read any more", (kind) => {
  for (const [name, begin] of RUNS) {
    test.each([
      ["when an answer arrives", answering],
      ["when a probe times out", silent],
    ])(
      `${name} ends with the error %s, and the next run opens a new socket`,
      async (_when, network) => {
        const world = scene({ network });
        const { client, kernel, clock } = world;
        const run = begin(client, kind);
        const { ended } = world.watch(run);
        await clock.advance(5);
        expect(kernel.sent.length).toBeGreaterThan(0);
        kernel.refuseCall("recvmmsg", EIO);
        const error = await world.failure(run);
        expect(error).toBeInstanceOf(SystemError);
        expect(error).toMatchObject({ code: "EIO", errno: EIO, syscall: "recvmmsg" });
        expect(await ended).toBe(error);
        // Nothing repeats.
        const { length } = kernel.calls;
        await clock.advance(5000);
        await tick();
        expect(kernel.calls.length).toBe(length);
        expectClosed(world);

        kernel.refuseCall("recvmmsg", 0);
        const next = await world.outcome(
          client.probe("127.0.0.1", { privileged: kind.privileged }),
        );
        expect(next.kind).toBe("reply");
      },
    );
  }

  test("all runs of it end, those of other sockets go on", async () => {
    const world = scene({ network: answering });
    const { client, kernel, clock } = world;
    const other = SOCKET_KINDS.find(
      (each) => each.family !== kind.family && each.privileged === kind.privileged,
    );
    const runs = RUNS.slice(0, 5).map(([, begin]) => begin(client, kind));
    for (const run of runs) world.watch(run);
    await clock.advance(5);
    // More than are taken for errors of single probes.
    kernel.failNext("recvmmsg", EIO, 17);
    for (const run of runs) expect(await world.failure(run)).toMatchObject({ code: "EIO" });
    expect(kernel.openDescriptors).toBe(0);
    const { statistics } = await world.outcome(
      client.ping(other?.target ?? "", { privileged: kind.privileged, count: 2 }),
    );
    expect(statistics.received).toBe(2);
  });

  test("what was known before is still handed out", async () => {
    const world = scene({ network: answering });
    const { client, kernel, clock } = world;
    const ping = client.ping(kind.target, { privileged: kind.privileged, count: 50 });
    const watching = world.watch(ping);
    await clock.advance(1500);
    kernel.refuseCall("recvmmsg", EIO);
    await clock.advance(3000);
    expect(watching.items).toHaveLength(2);
    expect(await watching.ended).toMatchObject({ code: "EIO" });
  });

  test("any number of errors that ICMP errors leave ends nothing", async () => {
    for (const errno of LEFT_BY_ICMP) {
      const world = scene({ network: answering });
      const { client, kernel } = world;
      const { privileged } = kind;
      kernel.failNext("recvmmsg", errno, 1000);
      const ping = client.ping(kind.target, { privileged, count: 3 });
      expect((await world.outcome(ping)).statistics.received).toBe(3);
      kernel.failNext("recvmmsg", errno, 1000);
      const sweep = client.sweep(rangeOf(kind, 20).text, { privileged });
      expect((await world.outcome(sweep)).answered).toBe(20);
      await client.close();
    }
  });
});

describe.each(SOCKET_KINDS)(
  "multiping() over both families, with a $name socket that breaks",
  (kind) => {
    const { family, privileged } = kind;
    const other = SOCKET_KINDS.find(
      (each) => each.family !== family && each.privileged === privileged,
    ) as SocketKind;
    const targets = [kind.target, other.target, kind.stranger, other.stranger];

    function begin(options: PingOptions) {
      const world = scene({ network: answering }, { privileged });
      const run = world.client.multiping(targets, { interval: 1000, ...options });
      return { ...world, run, watching: world.watch(run) };
    }

    test("ends its targets with the cause and what they measured, and the others go on", async () => {
      const { kernel, clock, run, watching, outcome, client } = begin({ count: 5 });
      await clock.advance(2500);
      kernel.breakSockets(family, EIO);
      const result = await outcome(run);
      const rows = result.targets.map(({ target, statistics, results, failure }) => [
        target,
        statistics.received,
        results.length,
        failure?.error ?? null,
      ]);
      expect(rows).toEqual([
        [kind.target, 3, 3, "EIO"],
        [other.target, 5, 5, null],
        [kind.stranger, 3, 3, "EIO"],
        [other.stranger, 5, 5, null],
      ]);
      await watching.ended;
      const failures = watching.items.filter((item) => item.kind === "targetFailure");
      expect(failures.map(({ target }) => target)).toEqual([kind.target, kind.stranger]);
      expect(failures[0]?.message).toContain("cannot be read any more");
      expect(kernel.openDescriptors).toBe(other.sockets);
      client.close();
      expect(kernel.openDescriptors).toBe(0);
    });

    test("sends nothing more to its targets, not even after a pause", async () => {
      const { kernel, clock, run, watching } = begin({ count: Number.POSITIVE_INFINITY });
      await clock.advance(2500);
      kernel.breakSockets(family, EIO);
      await clock.advance(1000);
      const sentTo = () => run.statistics.map(({ statistics }) => statistics.sent);
      const before = sentTo();
      run.pause();
      await clock.advance(3000);
      run.resume();
      await clock.advance(3000);
      const more = sentTo().map((count, index) => count - (before[index] ?? 0));
      expect(more).toEqual([0, 4, 0, 3]);
      run.stop();
      await clock.advance(1);
      await watching.ended;
    });

    test("leaves those that are finished with their results", async () => {
      const { client, kernel, clock, outcome, watch } = scene(
        { network: answering },
        { privileged },
      );
      const run = client.multiping([other.target, kind.target], { count: 2, interval: 1000 });
      watch(run);
      await clock.advance(1105);
      kernel.breakSockets(family, EIO);
      const { targets: rows } = await outcome(run);
      expect(
        rows.map(({ statistics, failure }) => [statistics.received, failure?.error ?? null]),
      ).toEqual([
        [2, null],
        [1, "EIO"],
      ]);
    });

    test("the run ends with the error once the other socket is broken as well", async () => {
      const { kernel, clock, run, watching, failure } = begin({ count: 50 });
      await clock.advance(2500);
      kernel.breakSockets(family, EIO);
      await clock.advance(2000);
      kernel.breakSockets(other.family, EBADF);
      expect(await failure(run)).toMatchObject({ code: "EBADF" });
      expect(watching.items.filter((item) => item.kind === "targetFailure")).toHaveLength(2);
      expect(kernel.openDescriptors).toBe(0);
    });
  },
);

describe.each(SOCKET_KINDS)(
  "sweep() over both families, with a $name socket that breaks",
  (kind) => {
    const { family, privileged } = kind;
    const other = SOCKET_KINDS.find(
      (each) => each.family !== family && each.privileged === privileged,
    ) as SocketKind;
    const alternating = rangeOf(kind, 50).addresses.flatMap((address, index) => [
      address,
      rangeOf(other, 50).addresses[index] ?? "",
    ]);

    test("ends its targets as sends that failed, and the others go on", async () => {
      const { client, kernel, clock, watch, outcome } = scene(
        { network: answering },
        { privileged },
      );
      const sweep = client.sweep(alternating, { all: true, rate: 200, retries: 2, timeout: 150 });
      const { items, ended } = watch(sweep);
      await clock.advance(255);
      kernel.breakSockets(family, EIO);
      const result = await outcome(sweep);
      await ended;
      const { length: open } = [...result.living].filter((address) => isOf(family, address));
      // 100 ms of probes had no answer yet.
      expect(open).toBeGreaterThan(10);
      expect(open).toBeLessThan(20);
      expect(result).toMatchObject({ hosts: 100, answered: 50 + open, sendErrors: 50 - open });
      const failed = items.filter((item) => item.kind === "sendError");
      expect(failed).toHaveLength(50 - open);
      for (const { addr, error, message } of failed) {
        expect([isOf(family, addr), error]).toEqual([true, "EIO"]);
        expect(message).toContain("cannot be read any more");
      }
      const attempts = failed.map((item) => item.attempts);
      expect(attempts.filter((count) => count > 0).length).toBe(10);
      expect(attempts.filter((count) => count > 1)).toEqual([]);
      expect(kernel.openDescriptors).toBe(0);
    });

    test("ends with the error once the other socket is broken as well", async () => {
      const { client, kernel, clock, watch, failure } = scene(
        { network: answering },
        { privileged },
      );
      const sweep = client.sweep(alternating, { rate: 200 });
      watch(sweep);
      await clock.advance(150);
      kernel.breakSockets(family, EIO);
      await clock.advance(100);
      kernel.breakSockets(other.family, EBADF);
      expect(await failure(sweep)).toMatchObject({ code: "EBADF" });
      expect(kernel.openDescriptors).toBe(0);
    });
  },
);

function isOf(family: 4 | 6, address: string): boolean {
  return address.includes(":") === (family === 6);
}
