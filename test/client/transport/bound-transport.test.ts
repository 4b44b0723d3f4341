import { describe, expect, test } from "bun:test";
import { openTransport } from "../../../src/client/transport/open.ts";
import { FakePath } from "../../support/fake-path.ts";
import { fakePlatform } from "../../support/fake-platform.ts";
import { scene } from "../support.ts";

const SIX = "2001:db8:1::1";
const SOURCE = "2001:db8::99";

/** A client on IPv6 datagram sockets, of a host whose addresses and interfaces come and go. */
function stage() {
  const addresses = ["2001:db8::10", "fe80::10"];
  const interfaces: Record<string, number> = { lo: 1, eth0: 2 };
  const path = new FakePath({ delays: 1 });
  return {
    // Answers come sooner than a kernel that has just been asked begins to stamp.
    ...scene(
      { ...path, addresses, interfaces, stampDelayMs: 2.5 },
      { privileged: false, family: 6 },
    ),
    addresses,
    interfaces,
  };
}

describe("a source that an IPv6 datagram socket cannot be bound to", () => {
  test("fails each probe, not the run, and holds no descriptor", async () => {
    const { client, kernel, outcome } = stage();
    const { results, statistics } = await outcome(
      client.ping(SIX, { source: SOURCE, count: 3, interval: 10 }),
    );
    expect(results.map(({ error }): string | null => error)).toEqual(
      Array(3).fill("EADDRNOTAVAIL"),
    );
    expect(results[0]).toMatchObject({
      kind: "sendError",
      sendError: { syscall: "bind", message: expect.stringContaining(SOURCE) },
    });
    expect(statistics).toMatchObject({ sent: 3, lost: 3, sendErrors: 3 });
    expect(kernel.sent).toEqual([]);
    expect(kernel.openDescriptors).toBe(0);
    client.close();
  });

  test("is used by the same run as soon as the host has it", async () => {
    const { addresses, client, clock, kernel, watch } = stage();
    const { items, ended } = watch(client.ping(SIX, { source: SOURCE, count: 4, interval: 1000 }));
    await clock.advance(1500);
    addresses.push(SOURCE);
    await clock.advance(5000);
    await ended;
    expect(items.map(({ kind }) => kind)).toEqual(["sendError", "sendError", "reply", "reply"]);
    const sources = items.map((item) => (item.kind === "reply" ? item.rttSource : null));
    expect(sources).toEqual([null, null, "kernel", "kernel"]);
    expect(kernel.sent.map(({ source }) => source)).toEqual([SOURCE, SOURCE]);
    expect(kernel.openDescriptors).toBe(1);
    client.close();
    expect(kernel.openDescriptors).toBe(0);
    expect(kernel.reactor.watched).toBe(0);
  });
});

describe("a link-local source", () => {
  test.each([
    ["with its zone", "fe80::10%eth0", SIX],
    ["with that of the target", "fe80::10", "fe80::20%eth0"],
    ["with both", "fe80::10%eth0", "fe80::20%eth0"],
    ["of a target without one", "fe80::10%eth0", "fe80::20"],
  ])("%s is bound again on an interface that is created again", async (_, source, target) => {
    const { client, clock, interfaces, kernel, watch } = stage();
    const { items, ended } = watch(client.ping(target, { source, count: 6, interval: 1000 }));
    await clock.advance(1500);
    delete interfaces["eth0"];
    await clock.advance(1000);
    interfaces["eth0"] = 5;
    await clock.advance(10_000);
    await ended;
    const codes = items.map(({ error }): string | null => error);
    expect(codes).toEqual([null, null, "ENODEV", null, null, null]);
    for (const item of items) if (item.kind === "reply") expect(item.rttSource).toBe("kernel");
    expect(kernel.sent.map(({ interfaceIndex }) => interfaceIndex)).toEqual([2, 2, 5, 5, 5]);
    // It keeps its identifier, so that answers to earlier probes are still known.
    expect(new Set(kernel.sent.map(({ identifier }) => identifier)).size).toBe(1);
    expect(kernel.openDescriptors).toBe(1);
    client.close();
    expect(kernel.openDescriptors).toBe(0);
    expect(kernel.reactor.watched).toBe(0);
  });
});

test("a transport without its source has nothing to count, to read or to tell", () => {
  const { platform } = fakePlatform({ network: () => [] });
  const options = {
    family: 6,
    privileged: false,
    identifier: 0,
    source: SOURCE,
    interface: undefined,
  } as const;
  const transport = openTransport(platform, options);
  transport.drainErrors();
  transport.setTold(false);
  const { malformed, drops } = transport;
  expect([malformed, drops, transport.drain()]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
  transport.close();
});
