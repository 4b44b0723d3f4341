import { describe, expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import { ResolveError } from "../../src/errors.ts";
import { echoReply, type FakeProbe, unreachable } from "../support/fake-network.ts";
import { FakePath } from "../support/fake-path.ts";
import { SOCKET_KINDS } from "../support/fake-platform.ts";
import { RUNS, scene } from "./support.ts";

const TARGET = "198.51.100.1";
const SIX = "2001:db8:1::1";
const NAME = "target.example";
const HOSTS = {
  [NAME]: [
    { address: SIX, family: 6 },
    { address: TARGET, family: 4 },
  ],
};

describe.each(SOCKET_KINDS.filter(({ target }) => target === SIX))(
  "link-local senders, $name",
  ({ privileged }) => {
    const GROUP = "ff02::1";
    const network = (probe: FakeProbe) =>
      probe.destination === GROUP
        ? [echoReply(probe, { from: "fe80::7", delayMs: 1 })]
        : [unreachable(probe, { from: "fe80::8", delayMs: 1 })];

    test("have the name of their interface for a zone", async () => {
      const { client, outcome } = scene({ network }, { privileged });
      const group = await outcome(client.probe(GROUP, { interface: "eth0" }));
      expect(group).toMatchObject({ kind: "reply", reply: { addr: "fe80::7%eth0" } });
      const error = await outcome(client.probe(SIX));
      expect(error).toMatchObject({ kind: "icmpError", reply: { addr: "fe80::8%eth0" } });
    });

    test("have its index where it has no name any more", async () => {
      const { client, outcome } = scene({ network, interfaces: { lo: 1 } }, { privileged });
      const error = await outcome(client.probe(SIX));
      expect(error).toMatchObject({ kind: "icmpError", reply: { addr: "fe80::8%2" } });
    });

    test("have it in a sweep, too", async () => {
      const world = scene({ network }, { privileged });
      const sweep = world.client.sweep(SIX, { all: true });
      const { items } = world.watch(sweep);
      await world.outcome(sweep);
      expect(items).toMatchObject([{ kind: "icmpError", from: "fe80::8%eth0" }]);
    });
  },
);

describe("Client options on the wire", () => {
  for (const kind of SOCKET_KINDS) {
    test(`dscp, TTL, DF, mark, size and interface, ${kind.name}`, async () => {
      const { client, kernel, outcome } = scene(new FakePath({ delays: 1 }), {
        privileged: kind.privileged,
      });
      const options = {
        dscp: 46,
        ttl: 7,
        dontFragment: true,
        mark: 99,
        size: 100,
        interface: "eth0",
      };
      expect((await outcome(client.probe(kind.target, options))).kind).toBe("reply");
      expect((await outcome(client.probe(kind.target))).kind).toBe("reply");
      const fields = kernel.sent.map(({ tos, ttl, dontFragment, mark, data, interfaceIndex }) => {
        return { tos, ttl, dontFragment, mark, length: data.length, interfaceIndex };
      });
      expect(fields).toEqual([
        { tos: 184, ttl: 7, dontFragment: true, mark: 99, length: 108, interfaceIndex: 2 },
        { tos: 0, ttl: 64, dontFragment: false, mark: 0, length: 64, interfaceIndex: 0 },
      ]);
    });

    test(`a payload of one's own, bytes or text, ${kind.name}`, async () => {
      const { client, kernel, outcome } = scene(new FakePath({ delays: 1 }), {
        privileged: kind.privileged,
      });
      await outcome(client.probe(kind.target, { payload: Uint8Array.of(1, 2, 3) }));
      await outcome(client.probe(kind.target, { payload: "h\u00e9" }));
      await outcome(client.probe(kind.target, { payload: "" }));
      await outcome(client.probe(kind.target, { payloadSize: 0 }));
      expect(kernel.sent.map(({ data }) => [...data.subarray(8)])).toEqual([
        [1, 2, 3],
        [0x68, 0xc3, 0xa9],
        [],
        [],
      ]);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`source, and bindAddr where there is none, ${kind.name}`, async () => {
      const own =
        kind.family === 4
          ? ["192.0.2.10", "192.0.2.11", "192.0.2.12"]
          : ["2001:db8::10", "2001:db8::11", "2001:db8::12"];
      const [first = "", second = "", third = ""] = own;
      const options = { privileged: kind.privileged, bindAddr: second };
      const { client, kernel, platform, outcome } = scene(
        { ...new FakePath({ delays: 1 }), addresses: own },
        options,
      );
      expect((await outcome(client.probe(kind.target))).kind).toBe("reply");
      expect((await outcome(client.probe(kind.target, { source: third }))).kind).toBe("reply");
      await outcome(new Client({ privileged: kind.privileged }, platform).probe(kind.target));
      expect(kernel.sent.map(({ source }) => source)).toEqual([second, third, first]);
      // Only an IPv6 datagram socket must be bound to its source, and so be one of its own.
      const isBound = kind.family === 6 && !kind.privileged;
      expect(kernel.openedDescriptors).toBe(isBound ? 3 : 2 * kind.sockets);
    });
  }

  for (const kind of SOCKET_KINDS) {
    test(`a source that is not this host's own is a failed send that says so, ${kind.name}`, async () => {
      const { client, kernel, outcome } = scene({}, { privileged: kind.privileged });
      const source = kind.family === 4 ? "192.0.2.99" : "2001:db8::99";
      const result = await outcome(client.probe(kind.target, { source }));
      expect(result).toMatchObject({
        kind: "sendError",
        error: "EADDRNOTAVAIL",
        sendError: {
          message: `Cannot send to ${kind.target} from ${source}: this host has no such address (EADDRNOTAVAIL)`,
        },
      });
      client.close();
      expect(kernel.openDescriptors).toBe(0);
    });

    test(`what is too long for the interface is refused with the MTU, ${kind.name}`, async () => {
      const { client, outcome } = scene(
        { ...new FakePath({ delays: 1 }) },
        { privileged: kind.privileged },
      );
      const result = await outcome(client.probe(kind.target, { size: 1600, dontFragment: true }));
      expect(result).toMatchObject({ kind: "sendError", error: "EMSGSIZE" });
      expect(result.kind === "sendError" && result.sendError.message).toEndWith(", mtu=1500");
      expect(
        (await outcome(client.probe(kind.target, { size: 1400, dontFragment: true }))).kind,
      ).toBe("reply");
    });

    test(`an interface that is created again is found again, ${kind.name}`, async () => {
      const interfaces: Record<string, number> = { lo: 1, eth0: 2 };
      const { client, clock, kernel, watch } = scene(
        { ...new FakePath({ delays: 1 }), interfaces },
        { privileged: kind.privileged },
      );
      const options = { count: 8, interval: 1000, interface: "eth0" };
      const { items, ended } = watch(client.ping(kind.target, options));
      await clock.advance(1500);
      delete interfaces["eth0"];
      await clock.advance(2000);
      interfaces["eth0"] = 7;
      await clock.advance(10_000);
      await ended;
      const codes = items.map(({ error }): string | null => error);
      expect(codes).toEqual([null, null, "ENODEV", "ENODEV", null, null, null, null]);
      // Without an index the kernel would have chosen an interface.
      expect(kernel.sent.map(({ interfaceIndex }) => interfaceIndex)).toEqual([2, 2, 7, 7, 7, 7]);
    });

    test(`a failed send has the interface looked up at once, ${kind.name}`, async () => {
      const interfaces: Record<string, number> = { lo: 1, eth0: 2 };
      const { client, clock, kernel, watch } = scene(
        { ...new FakePath({ delays: 1 }), interfaces },
        { privileged: kind.privileged },
      );
      const options = { count: 4, interval: 10, interface: "eth0" };
      const { items, ended } = watch(client.ping(kind.target, options));
      await clock.advance(15);
      interfaces["eth0"] = 3;
      await clock.advance(100);
      await ended;
      expect(items.map((result) => [result.kind, result.rttSource])).toEqual(
        Array(4).fill(["reply", "kernel"]),
      );
      expect(kernel.sent.map(({ interfaceIndex }) => interfaceIndex)).toEqual([2, 2, 3, 3]);
    });
  }

  test("bindAddr is for targets of its family, and decides that of a name", async () => {
    const { client, kernel, outcome } = scene(
      { ...new FakePath({ delays: 1 }), hosts: HOSTS },
      { bindAddr: "192.0.2.10" },
    );
    expect((await outcome(client.probe(NAME))).request.addr).toBe(TARGET);
    expect((await outcome(client.probe(SIX))).request.addr).toBe(SIX);
    expect((await outcome(client.probe(NAME, { family: 6 }))).request.addr).toBe(SIX);
    expect(kernel.sent.map(({ source }) => source)).toEqual([
      "192.0.2.10",
      "2001:db8::10",
      "2001:db8::10",
    ]);
  });

  test("source decides the family of a name", async () => {
    const { client, failure, outcome } = scene({ ...new FakePath({ delays: 1 }), hosts: HOSTS });
    expect((await outcome(client.probe(NAME, { source: "192.0.2.10" }))).request.addr).toBe(TARGET);
    expect(await failure(client.probe(SIX, { source: "192.0.2.10" }))).toBeInstanceOf(ResolveError);
  });

  test("family chooses among the addresses of a name", async () => {
    const { client, dns, failure, outcome, platform } = scene({
      ...new FakePath({ delays: 1 }),
      hosts: HOSTS,
    });
    expect((await outcome(client.probe(NAME))).request).toMatchObject({
      addr: SIX,
      hostname: NAME,
    });
    expect((await outcome(client.probe(NAME, { family: 4 }))).request.addr).toBe(TARGET);
    expect((await outcome(new Client({ family: 4 }, platform).probe(NAME))).request.addr).toBe(
      TARGET,
    );
    expect(dns.lookups.map(([, family]) => family)).toEqual([0, 4, 4]);
    expect(await failure(client.probe(TARGET, { family: 6 }))).toBeInstanceOf(ResolveError);
    expect((await outcome(client.probe(TARGET))).request.hostname).toBeNull();
  });

  test("an address with the zone of an interface that does not exist has no route: nothing is sent anywhere", async () => {
    const { client, failure, kernel } = scene(new FakePath({ delays: 1 }));
    expect(await failure(client.probe("fe80::1%nosuch0"))).toMatchObject({
      name: "RouteError",
      code: "ENODEV",
      message: 'Cannot probe "fe80::1%nosuch0": this host has no interface "nosuch0"',
    });
    expect(kernel.sent).toEqual([]);
  });

  test("an interface that does not exist is a RangeError", async () => {
    const { client, failure, kernel, outcome } = scene(new FakePath({ delays: 1 }));
    for (const [, begin] of RUNS) {
      expect(await failure(begin(client, { interface: "eth9" }))).toEqual(
        new RangeError('Option "interface" is "eth9": this host has no such interface'),
      );
    }
    expect(kernel.sent).toEqual([]);
    await outcome(client.probe(TARGET, { interface: 2 }));
    await outcome(client.probe(TARGET, { interface: "2" }));
    expect(kernel.sent.map(({ interfaceIndex }) => interfaceIndex)).toEqual([2, 2]);
  });
});
