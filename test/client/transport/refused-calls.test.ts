import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { LibcSymbols } from "../../../src/ffi/symbols.ts";
import {
  echoReply,
  type FakeNetwork,
  timeExceeded,
  unreachable,
} from "../../support/fake-network.ts";
import { FakePath } from "../../support/fake-path.ts";
import { type FakePlatformOptions, SOCKET_KINDS } from "../../support/fake-platform.ts";
import { scene } from "../support.ts";
import { rangeOf } from "../sweep/support.ts";

const { EINVAL, ENOSYS, EPERM } = constants.errno;
const ONE_BY_ONE = "packets are moved one by one, which costs time";
const NO_CONTROL = "no TTLs, time stamps or errors from routers come with what is received";
const BY_OPTIONS = "TTLs are set by system calls of their own, which costs time";

const REFUSALS = [
  ["ENOSYS", ENOSYS],
  ["EPERM", EPERM],
] as const;

describe.each(SOCKET_KINDS)("On a $name socket", (kind) => {
  const { family, privileged, target, router } = kind;
  // The third of three hops is the target; in a sweep, every second host is behind a router that
  // refuses.
  const network: FakeNetwork = (probe) => {
    if (probe.ttl < 3) return [timeExceeded(probe, { from: router, delayMs: 1 })];
    return /[02468]$/.test(probe.destination)
      ? [unreachable(probe, { from: router, delayMs: 1 })]
      : [echoReply(probe, { delayMs: 10 })];
  };

  /** Replies and errors of a sweep of 40 hosts. */
  const ANSWERS: readonly [number, number] = family === 4 ? [20, 20] : [26, 14];

  function refusing(
    calls: readonly (keyof LibcSymbols)[],
    errno: number,
    options: FakePlatformOptions = {},
  ) {
    const world = scene({ network, ...options }, { privileged });
    for (const call of calls) world.kernel.refuseCall(call, errno);
    const used = () =>
      new Set(world.kernel.calls.filter(({ result }) => result > 0).map(({ syscall }) => syscall));
    return { ...world, used };
  }

  function missing({ client }: Pick<ReturnType<typeof refusing>, "client">): string[] {
    return client.capabilities.flatMap((each) =>
      each.missing.map(({ name, code, effect }) => `${each.purpose}: ${name} ${code}: ${effect}`),
    );
  }

  describe.each(REFUSALS)("where a sandbox answers with %s", (code, errno) => {
    test("recvmmsg() gives way to recvmsg(), with nothing lost", async () => {
      const world = refusing(["recvmmsg"], errno);
      const { client, outcome } = world;
      const trace = await outcome(client.traceroute(target, { probes: 1 }));
      expect(trace.hops.map(({ addr }) => addr)).toEqual([router, router, target]);
      const probe = await outcome(client.probe(target));
      expect(probe).toMatchObject({
        kind: "reply",
        rttSource: "kernel",
        rtt: 10,
        reply: { ttl: 64 },
      });
      const sweep = await outcome(client.sweep(rangeOf(kind, 40).text));
      expect([sweep.answered, sweep.icmpErrors]).toEqual([...ANSWERS]);
      expect(world.used().has("recvmsg")).toBe(true);
      expect(missing(world)).toEqual([
        `probes: recvmmsg() ${code}: ${ONE_BY_ONE}`,
        `sweep: recvmmsg() ${code}: ${ONE_BY_ONE}`,
      ]);
    });

    test("recvmsg() gives way to recvfrom(), without what control messages tell", async () => {
      const world = refusing(["recvmmsg", "recvmsg"], errno);
      const { client, outcome } = world;
      const probe = await outcome(client.probe(target));
      expect(probe).toMatchObject({ kind: "reply", rttSource: "user", reply: { addr: target } });
      // Raw IPv4 sockets have it in the IP header.
      expect(probe.reply?.ttl ?? null).toBe(privileged && family === 4 ? 64 : null);
      const sweep = await outcome(client.sweep(rangeOf(kind, 40).text));
      expect(sweep.answered).toBe(ANSWERS[0]);
      expect(sweep.icmpErrors).toBe(privileged ? 40 - sweep.answered : 0);
      const trace = await outcome(client.traceroute(target, { probes: 1, timeout: 50 }));
      const silent = privileged ? router : null;
      expect(trace.hops.map(({ addr }) => addr)).toEqual([silent, silent, target]);
      expect(world.used().has("recvfrom")).toBe(true);
      expect(missing(world)).toContain(`probes: recvmsg() ${code}: ${NO_CONTROL}`);
      for (const each of client.capabilities) {
        expect(each).toMatchObject({ receiveTimestamps: false, transmitTimestamps: false });
        expect(each.routerErrors).toBe(privileged);
      }
    });

    test("sendmmsg() gives way to sendmsg(), and that to sendto()", async () => {
      for (const calls of [["sendmmsg"], ["sendmmsg", "sendmsg"]] as const) {
        const world = refusing(calls, errno);
        const { client, outcome } = world;
        const sweep = await outcome(client.sweep(rangeOf(kind, 40).text));
        expect([sweep.answered, sweep.sendErrors]).toEqual([ANSWERS[0], 0]);
        expect(world.used().has(calls.length === 1 ? "sendmsg" : "sendto")).toBe(true);
        expect(missing(world)).toEqual([`sweep: sendmmsg() ${code}: ${ONE_BY_ONE}`]);
      }
    });

    test("probes leave by sendto() where sendmsg() is refused, each with its TTL", async () => {
      const world = refusing(["sendmmsg", "sendmsg"], errno);
      const { client, outcome, kernel } = world;
      const trace = await outcome(
        client.traceroute(target, { probes: 1, dscp: 46, concurrency: 1 }),
      );
      expect(trace.hops.map(({ addr }) => addr)).toEqual([router, router, target]);
      expect(kernel.sent.map(({ ttl, tos }) => [ttl, tos])).toEqual(
        [1, 2, 3].map((ttl) => [ttl, 46 << 2]),
      );
      const probe = await outcome(client.probe(target));
      expect(probe).toMatchObject({ kind: "reply", rttSource: "kernel", rtt: 10 });
      expect(kernel.sent.at(-1)).toMatchObject({ ttl: 64, tos: 0 });
      expect(world.used().has("sendto")).toBe(true);
      expect(missing(world)).toEqual([`probes: sendmsg() ${code}: ${BY_OPTIONS}`]);
    });
  });

  test.each([
    ["beyond 36 bytes", "ENOBUFS"],
    ["all", "EINVAL"],
  ] as const)(
    "TTL and traffic class are options where control messages are refused: %s",
    async (refusedControl, code) => {
      const world = refusing([], 0, { refusedControl });
      const { client, outcome, kernel } = world;
      const trace = await outcome(
        client.traceroute(target, { probes: 1, dscp: 46, concurrency: 1 }),
      );
      expect(trace.hops.map(({ addr }) => addr)).toEqual([router, router, target]);
      expect(kernel.sent.map(({ ttl, tos }) => [ttl, tos])).toEqual(
        [1, 2, 3].map((ttl) => [ttl, 46 << 2]),
      );
      expect(missing(world)).toEqual([`probes: sendmsg() ${code}: ${BY_OPTIONS}`]);
      expect(
        (await outcome(client.sweep(rangeOf(kind, 40).text, { interface: "eth0" }))).sendErrors,
      ).toBe(refusedControl === "all" ? 40 : 0);
    },
  );

  test("source and interface still go with each probe where only large control messages are refused", async () => {
    const world = refusing([], 0, { refusedControl: "beyond 36 bytes" });
    const { client, outcome, kernel } = world;
    const how = { source: kind.host, interface: "eth0" };
    expect(await outcome(client.probe(target, how))).toMatchObject({ kind: "reply", rtt: 10 });
    expect(kernel.sent[0]).toMatchObject({ source: kind.host, interfaceIndex: 2, ttl: 64 });
    expect((await outcome(client.sweep(rangeOf(kind, 3).text, how))).sent).toBe(3);
  });

  test("an EINVAL for another reason is the probe's, and leaves nothing behind for the next one", async () => {
    const world = refusing([], 0);
    const { client, kernel, outcome } = world;
    kernel.failSendsTo(target, EINVAL);
    const refused = await outcome(client.probe(target, { dscp: 46 }));
    expect(refused).toMatchObject({ kind: "sendError", error: "EINVAL" });
    kernel.failSendsTo(target, 0);
    expect((await outcome(client.probe(target))).kind).not.toBe("sendError");
    expect(kernel.sent.map(({ ttl, tos }) => [ttl, tos])).toEqual([[64, 0]]);
    expect(missing(world)).toEqual([]);
  });

  test("a firewall's EPERM is not taken for a sandbox's", async () => {
    const world = refusing([], 0);
    const { client, kernel, outcome } = world;
    kernel.failSendsTo(target, EPERM);
    expect(await outcome(client.probe(target))).toMatchObject({
      kind: "sendError",
      error: "EPERM",
    });
    const sweep = await outcome(client.sweep(rangeOf(kind, 3).text));
    expect(sweep).toMatchObject({ answered: 1, icmpErrors: 1, sendErrors: 1 });
    expect(missing(world)).toEqual([]);
  });

  test("where no call is left, the error names it and why it is needed", async () => {
    const world = refusing(["sendmsg", "sendto"], ENOSYS);
    const result = await world.outcome(world.client.probe(target));
    expect(result).toMatchObject({ kind: "sendError", error: "ENOSYS" });
    const others = refusing(["recvmmsg", "recvmsg", "recvfrom"], ENOSYS);
    expect(await others.failure(others.client.probe(target))).toMatchObject({
      message:
        "recvfrom() failed: ENOSYS (function not implemented): answers cannot be read any more",
    });
  });
});

test("multicast probes have a TTL of their own among the options", async () => {
  const world = scene({ ...new FakePath({ delays: 1 }), refusedControl: "all" });
  await world.outcome(world.client.probe("224.0.0.1", { ttl: 5, timeout: 20 }));
  const settings = world.kernel.calls.filter(({ syscall }) => syscall === "setsockopt");
  expect(settings.some(({ args }) => args[1] === 0 && args[2] === 33)).toBe(true);
});
