import { describe, expect, test } from "bun:test";
import { Resolver } from "../../../src/client/names/resolver.ts";
import { FakeDns } from "../../support/fake-dns.ts";

function resolverOver(dns: FakeDns): Resolver {
  return new Resolver(dns, dns);
}

/** Asks for a name and answers at once. */
async function learn(
  resolver: Resolver,
  dns: FakeDns,
  address: string,
  name: string | null,
): Promise<string | null> {
  const asked = resolver.reverse(address);
  await dns.answer(address, name);
  return asked;
}

describe("Resolver.reverse()", () => {
  test("gives the name as it came, and null when there is none", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    expect(await learn(resolver, dns, "192.0.2.1", "Router-1.Example.")).toBe("Router-1.Example.");
    expect(await learn(resolver, dns, "192.0.2.2", null)).toBeNull();
    expect(await learn(resolver, dns, "192.0.2.3", "\x1b[31mred")).toBe("\x1b[31mred");
    expect(dns.timers).toBe(0);
  });

  const namesakes: [name: string, why: string][] = [
    ["", "empty"],
    ["192.0.2.1", "the address itself"],
    ["192.0.2.99", "another address"],
    ["2001:db8::1", "an IPv6 address"],
    ["a".repeat(256), "longer than 255"],
  ];
  for (const [name, why] of namesakes) {
    test(`takes a name that is ${why} for none`, async () => {
      const dns = new FakeDns();
      expect(await learn(resolverOver(dns), dns, "192.0.2.1", name)).toBeNull();
    });
  }

  test("takes a name of 255 characters", async () => {
    const dns = new FakeDns();
    const name = "a".repeat(255);
    expect(await learn(resolverOver(dns), dns, "192.0.2.1", name)).toBe(name);
  });

  test("never rejects: failures and what is no address have no name", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const asked = resolver.reverse("192.0.2.1");
    await dns.answer("192.0.2.1", new Error("SERVFAIL"));
    expect(await asked).toBeNull();
    expect(resolver.cachedName("192.0.2.1")).toBeNull();
    for (const text of ["", "localhost", "127.1", "192.0.2.1 "])
      expect(await resolver.reverse(text)).toBeNull();
    expect(dns.reverses).toEqual(["192.0.2.1"]);
    dns.reverse = () => {
      throw new Error("at once");
    };
    expect(await resolver.reverse("192.0.2.2")).toBeNull();
    expect(dns.timers).toBe(0);
  });

  test("asks once for all spellings and zones of an address, and without the zone", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const asked = ["fe80::1%eth0", "FE80:0::1%eth0", "fe80::1"].map((text) =>
      resolver.reverse(text),
    );
    expect(dns.reverses).toEqual(["fe80::1"]);
    await dns.answer("fe80::1", "gateway");
    expect(await Promise.all(asked)).toEqual(["gateway", "gateway", "gateway"]);
    expect(await resolver.reverse("fe80::1%wlan0")).toBe("gateway");
    expect(resolver.cachedName("fe80:0:0::1%eth0")).toBe("gateway");
    expect(dns.reverses).toEqual(["fe80::1"]);
  });

  test("keeps a name for 5 minutes, the lack of one for 1 minute", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    expect(resolver.cachedName("192.0.2.1")).toBeUndefined();
    const asked = resolver.reverse("192.0.2.1");
    expect(resolver.cachedName("192.0.2.1")).toBeUndefined();
    await dns.answer("192.0.2.1", "one");
    await asked;
    await learn(resolver, dns, "192.0.2.2", null);

    await dns.pass(59.9);
    expect(resolver.cachedName("192.0.2.1")).toBe("one");
    expect(resolver.cachedName("192.0.2.2")).toBeNull();
    await dns.pass(0.1);
    expect(resolver.cachedName("192.0.2.2")).toBeUndefined();
    await dns.pass(239.9);
    expect(await resolver.reverse("192.0.2.1")).toBe("one");
    await dns.pass(0.1);
    expect(resolver.cachedName("192.0.2.1")).toBeUndefined();
    expect(await learn(resolver, dns, "192.0.2.1", "renamed")).toBe("renamed");
    expect(dns.reverses).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.1"]);
  });

  test("knows 4,096 addresses, and forgets the one unused longest", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const address = (index: number): string => `10.0.${index >> 8}.${index & 255}`;
    for (let index = 0; index < 4096; index += 1)
      await learn(resolver, dns, address(index), `host-${index}`);
    expect(resolver.cachedName(address(0))).toBe("host-0");
    await learn(resolver, dns, address(4096), "host-4096");
    expect(resolver.cachedName(address(0))).toBe("host-0");
    expect(resolver.cachedName(address(1))).toBeUndefined();
    expect(resolver.cachedName(address(2))).toBe("host-2");
    expect(resolver.cachedName(address(4096))).toBe("host-4096");
  });

  test("has at most 16 queries in flight, and takes the others in order", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const addresses = Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`);
    const asked = addresses.map((address) => resolver.reverse(address));
    // One that waits its turn is asked for once, too.
    const again = resolver.reverse("192.0.2.39");
    expect(dns.reverses).toEqual(addresses.slice(0, 16));
    await dns.answer("192.0.2.3", "three");
    expect(dns.reverses).toEqual(addresses.slice(0, 17));
    await dns.answer("192.0.2.0", new Error("REFUSED"));
    expect(dns.reverses).toEqual(addresses.slice(0, 18));
    for (const address of addresses) {
      if (address !== "192.0.2.3" && address !== "192.0.2.0")
        await dns.answer(address, `name-of-${address}`);
      expect(dns.open).toBeLessThanOrEqual(16);
    }
    const names = await Promise.all(asked);
    expect(names.slice(0, 4)).toEqual([null, "name-of-192.0.2.1", "name-of-192.0.2.2", "three"]);
    expect(await again).toBe("name-of-192.0.2.39");
    expect(dns.reverses).toEqual(addresses);
    expect(dns.timers).toBe(0);
  });

  test("gives up after 5 seconds, and lets others have the place", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const asked = Array.from({ length: 17 }, (_, index) => resolver.reverse(`192.0.2.${index}`));
    await dns.pass(4.9);
    expect(dns.reverses.length).toBe(16);
    expect(resolver.cachedName("192.0.2.0")).toBeUndefined();
    await dns.pass(0.1);
    expect(dns.reverses.length).toBe(17);
    expect(await Promise.all(asked.slice(0, 16))).toEqual(new Array(16).fill(null));
    expect(resolver.cachedName("192.0.2.0")).toBeNull();
    // The time of the one that had to wait begins when it is asked for.
    await dns.pass(4.9);
    await dns.answer("192.0.2.16", "patient");
    expect(await asked[16]).toBe("patient");
  });

  test("an answer after the 5 seconds changes nothing", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const asked = resolver.reverse("192.0.2.1");
    await dns.pass(5);
    expect(await asked).toBeNull();
    await dns.answer("192.0.2.1", "too-late");
    expect(resolver.cachedName("192.0.2.1")).toBeNull();
    // Its place was given up once, not twice.
    for (let index = 2; index < 30; index += 1) void resolver.reverse(`192.0.2.${index}`);
    expect(dns.open).toBe(16);
  });

  test("what failed has no name for 10 seconds, and is then asked for again, which nobody waits for", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const asked = resolver.reverse("192.0.2.1");
    await dns.answer("192.0.2.1", new Error("SERVFAIL"));
    expect(await asked).toBeNull();
    await dns.pass(9.9);
    expect(await resolver.reverse("192.0.2.1")).toBeNull();
    expect(dns.reverses.length).toBe(1);
    await dns.pass(0.1);
    expect(resolver.cachedName("192.0.2.1")).toBeNull();
    expect(resolver.cachedName("192.0.2.1")).toBeNull();
    expect(dns.reverses.length).toBe(2);
    await dns.answer("192.0.2.1", "late.example");
    expect(resolver.cachedName("192.0.2.1")).toBe("late.example");
    await dns.pass(299);
    expect(resolver.cachedName("192.0.2.1")).toBe("late.example");
  });

  test("asking after 10 seconds for what failed gets the new answer", async () => {
    const dns = new FakeDns();
    const resolver = resolverOver(dns);
    const asked = resolver.reverse("192.0.2.1");
    await dns.pass(5);
    expect(await asked).toBeNull();
    await dns.pass(10);
    // The answer to the first question comes too late for anything.
    await dns.answer("192.0.2.1", "stale.example");
    const again = resolver.reverse("192.0.2.1");
    await dns.answer("192.0.2.1", "fresh.example");
    expect(await again).toBe("fresh.example");
  });
});
