import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import type { SocketCapabilities } from "../../../src/client/transport/capabilities.ts";
import {
  SOCKET_OPTIONS,
  type SocketOptionRow,
} from "../../../src/client/transport/socket-options.ts";
import { SystemError } from "../../../src/errors.ts";
import {
  IP_MTU_DISCOVER,
  IPPROTO_IP,
  PMTUDISC_OMIT,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SOL_SOCKET,
} from "../../../src/ffi/constants.ts";
import { echoReply, type FakeNetwork } from "../../support/fake-network.ts";
import { SOCKET_KINDS, type SocketKind } from "../../support/fake-platform.ts";
import { expectClosed, type Scene, scene } from "../support.ts";
import { rangeOf } from "../sweep/support.ts";

const { ENOPROTOOPT, EPERM, ENOMEM, EINVAL } = constants.errno;
const REFUSALS = { ENOPROTOOPT, EPERM, ENOMEM, EINVAL };
const PURPOSES = ["probes", "sweep"] as const;
type Purpose = (typeof PURPOSES)[number];

/** Each probe is answered, and so is one that somebody else sent. */
const network: FakeNetwork = (probe) => {
  const reply = echoReply(probe, { delayMs: 10 });
  const foreign = reply.icmp.slice();
  new DataView(foreign.buffer).setUint16(4, (probe.identifier + 1) & 0xffff);
  return [reply, { ...reply, icmp: foreign }];
};

/** Asks for everything that an option can be about. */
const ROUTE = { ttl: 7, dscp: 46 } as const;

function rowsOf(kind: SocketKind, purpose: Purpose): SocketOptionRow[] {
  return SOCKET_OPTIONS.filter(
    (row) =>
      // A second value for an option of another row.
      row.name !== "IP_PMTUDISC_OMIT" &&
      (row.family ?? kind.family) === kind.family &&
      (row.privileged ?? kind.privileged) === kind.privileged &&
      (row.purpose ?? purpose) === purpose,
  );
}

/** Two probes, or a sweep of three hosts; how many answered, and how the first one left. */
async function run(
  world: Scene,
  kind: SocketKind,
  purpose: Purpose,
  options = {},
): Promise<number> {
  const { client, outcome } = world;
  const how = { ...ROUTE, privileged: kind.privileged, ...options };
  if (purpose === "sweep")
    return (await outcome(client.sweep(rangeOf(kind, 3).text, how))).answered;
  const { statistics } = await outcome(client.ping(kind.target, { count: 3, ...how }));
  return statistics.received;
}

function capabilities({ client }: Scene): SocketCapabilities {
  expect(client.capabilities).toHaveLength(1);
  return client.capabilities[0] as SocketCapabilities;
}

describe.each(SOCKET_KINDS)("On a $name socket", (kind) => {
  describe.each(PURPOSES)("for %s", (purpose) => {
    test("nothing is missing where nothing is refused", async () => {
      const world = scene({ network });
      expect(world.client.capabilities).toEqual([]);
      expect(await run(world, kind, purpose)).toBe(3);
      expect(world.client.capabilities).toEqual([
        {
          purpose,
          family: kind.family,
          privileged: kind.privileged,
          receiveTimestamps: true,
          transmitTimestamps: purpose === "probes",
          routerErrors: true,
          missing: [],
        },
      ]);
    });

    for (const row of rowsOf(kind, purpose)) {
      test.each(Object.entries(REFUSALS))(`${row.name} answered by %s`, async (code, errno) => {
        const world = scene({ network });
        for (const option of row.options) world.kernel.refuseOption(row.level, option, errno);
        expect(await run(world, kind, purpose)).toBe(3);
        // Asked for by no one, or done without.
        const isSet = row.name !== "SO_MARK" && row.name !== "IPV6_MTU_DISCOVER";
        expect(capabilities(world).missing).toEqual(
          isSet ? [{ name: row.name, code, effect: row.without }] : [],
        );
        expect(capabilities(world).routerErrors).toBe(!/RECVERR$/.test(row.name));
        // How it is to leave it leaves, by option or by control message.
        expect(world.kernel.sent.every(({ ttl, tos }) => ttl === 7 && tos === 46 << 2)).toBe(true);
        world.client.close();
        await world.clock.advance(20);
        expectClosed(world);
      });
    }

    test.each(Object.entries(REFUSALS))(
      "SO_TIMESTAMPING answered by %s, and SO_TIMESTAMP not",
      async (code, errno) => {
        const world = scene({ network, wakeDelayMs: 3 });
        world.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, errno);
        expect(await run(world, kind, purpose)).toBe(3);
        // A sweep never asks when its probes leave.
        const effect =
          purpose === "sweep"
            ? "RTTs are exact to the microsecond only"
            : "RTTs include the time it takes to send";
        expect(capabilities(world)).toMatchObject({
          receiveTimestamps: true,
          transmitTimestamps: false,
          missing: [{ name: "SO_TIMESTAMPING", code, effect }],
        });
      },
    );

    if (kind.family === 4) {
      test("fragments are allowed where IP_PMTUDISC_OMIT is not known", async () => {
        const world = scene({ network });
        const { kernel } = world;
        kernel.refuseOption(IPPROTO_IP, IP_MTU_DISCOVER, EINVAL, PMTUDISC_OMIT);
        expect(await run(world, kind, purpose, { dontFragment: false, size: 1600 })).toBe(3);
        expect(kernel.sent.map(({ dontFragment }) => dontFragment)).toEqual([false, false, false]);
        const effect = `with "dontFragment: false", some errors about large packets are missed`;
        expect(capabilities(world).missing).toEqual([
          { name: "IP_PMTUDISC_OMIT", code: "EINVAL", effect },
        ]);
      });
    }

    test.each(Object.entries(REFUSALS))("all time stamps answered by %s", async (code, errno) => {
      const world = scene({ network });
      world.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, errno);
      world.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMP, errno);
      expect(await run(world, kind, purpose)).toBe(3);
      expect(capabilities(world)).toMatchObject({
        receiveTimestamps: false,
        transmitTimestamps: false,
        missing: [{ name: "SO_TIMESTAMPING", code, effect: "RTTs include delays of this process" }],
      });
    });
  });

  test("RTTs are right without transmit stamps, and as right as this process is quick without any", async () => {
    const world = scene({ network, wakeDelayMs: 3 });
    const { client, kernel, outcome } = world;
    const how = { privileged: kind.privileged, ...ROUTE };
    kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, ENOPROTOOPT);
    const stamped = await outcome(client.probe(kind.target, how));
    expect(stamped).toMatchObject({ kind: "reply", rttSource: "user" });
    expect(stamped.reply?.rtt).toBeCloseTo(10, 2);

    kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMP, ENOPROTOOPT);
    const other = scene({ network, wakeDelayMs: 3 });
    other.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMPING, ENOPROTOOPT);
    other.kernel.refuseOption(SOL_SOCKET, SO_TIMESTAMP, ENOPROTOOPT);
    const unstamped = await other.outcome(other.client.probe(kind.target, how));
    expect(unstamped).toMatchObject({ kind: "reply", rttSource: "user" });
    expect(unstamped.reply?.rtt).toBeCloseTo(13, 2);
  });

  const ASKED = [
    ["mark", { mark: 5 }, "SO_MARK"],
    [
      "dontFragment",
      { dontFragment: true },
      kind.family === 4 ? "IP_MTU_DISCOVER" : "IPV6_MTU_DISCOVER",
    ],
  ] as const;

  test.each(ASKED)(
    "a sweep whose %s is refused says which option of which call, and why",
    async (option, how, name) => {
      const world = scene({ network });
      const row = SOCKET_OPTIONS.find((each) => each.name === name);
      world.kernel.refuseOption(row?.level ?? 0, row?.options[0] ?? 0, EPERM);
      const error = await world.failure(
        world.client.sweep(rangeOf(kind, 3).text, { ...how, privileged: kind.privileged }),
      );
      expect(error).toBeInstanceOf(SystemError);
      expect(error).toMatchObject({
        code: "EPERM",
        syscall: "setsockopt",
        message: `setsockopt(${name}) failed: EPERM (operation not permitted): option "${option}" asks for it`,
      });
      expectClosed(world);
    },
  );

  test.each(ASKED)(
    "a probe whose %s is refused says so, and the next one leaves",
    async (_option, how, name) => {
      const { client, kernel, outcome } = scene({ network });
      const row = SOCKET_OPTIONS.find((each) => each.name === name);
      kernel.refuseOption(row?.level ?? 0, row?.options[0] ?? 0, EPERM);
      const { privileged } = kind;
      const result = await outcome(client.probe(kind.target, { ...how, privileged }));
      expect(result).toMatchObject({ kind: "sendError", error: "EPERM" });
      expect(result.kind === "sendError" && result.sendError.message).toMatch(
        new RegExp(`^[gs]etsockopt\\(${name}\\) failed: EPERM`),
      );
      expect((await outcome(client.probe(kind.target, { privileged }))).kind).toBe("reply");
    },
  );

  if (!kind.privileged) {
    test.each([
      ["bind", "bind() to "],
      ["getsockname", "getsockname() failed"],
    ] as const)("%s is required, and the error says why", async (syscall, text) => {
      const world = scene({ network });
      world.kernel.refuseCall(syscall, EPERM);
      const error = await world.failure(world.client.probe(kind.target, { privileged: false }));
      expect(error).toMatchObject({ code: "EPERM", syscall });
      expect((error as Error).message).toStartWith(text);
      expect((error as Error).message).toEndWith(
        ": a datagram socket gets the identifier of its probes by it",
      );
      expectClosed(world);
    });
  }
});
