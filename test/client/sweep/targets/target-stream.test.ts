import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SweepZone } from "../../../../src/client/sweep/targets/sweep-zone.ts";
import type { Targets } from "../../../../src/client/sweep/targets/target-stream.ts";
import {
  type AddressRange,
  addressesOf,
  formatAddressRange,
  parseAddressRange,
} from "../../../../src/packet/index.ts";
import { fakePlatform } from "../../../support/fake-platform.ts";
import { Collector, collect, FakeResolver } from "./collect.ts";

describe("TargetStream of ranges", () => {
  const CASES: readonly (readonly [targets: Targets, addresses: readonly string[]])[] = [
    ["192.0.2.7", ["192.0.2.7"]],
    ["192.0.2.6/30", ["192.0.2.5", "192.0.2.6"]],
    ["192.0.2.6/31", ["192.0.2.6", "192.0.2.7"]],
    ["192.0.2.255-192.0.3.1", ["192.0.2.255", "192.0.3.0", "192.0.3.1"]],
    ["0.0.0.0/32", ["0.0.0.0"]],
    ["255.255.255.254-255.255.255.255", ["255.255.255.254", "255.255.255.255"]],
    ["2001:db8::/127", ["2001:db8::", "2001:db8::1"]],
    ["2001:db8::ffff:ffff-2001:db8::1:0:0", ["2001:db8::ffff:ffff", "2001:db8::1:0:0"]],
    [
      "2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::1",
      ["2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", "2001:db8:0:1::1"],
    ],
    ["::ffff:ffff:ffff:ffff:ffff:ffff-0:1::", ["::ffff:ffff:ffff:ffff:ffff:ffff", "0:1::"]],
    ["1:ffff:ffff:ffff:ffff:ffff:ffff:ffff-2::", ["1:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2::"]],
    [
      ["192.0.2.9-9", "::1", "192.0.2.1-2"],
      ["192.0.2.9", "::1", "192.0.2.1", "192.0.2.2"],
    ],
    [[], []],
  ];

  test.each(CASES)("%j: the addresses in order, and how many", async (targets, addresses) => {
    expect(new Collector(targets).stream.total).toBe(addresses.length);
    expect(await collect(targets)).toEqual([...addresses]);
    expect((await collect(targets, { order: "random" })).sort()).toEqual([...addresses].sort());
  });

  test("takes each address of an array once, in its first place", async () => {
    const targets = ["10.0.0.4", "10.0.0.0/29", "10.0.0.4-6", "10.0.0.9", "::1", "::1"];
    const addresses = [4, 1, 2, 3, 5, 6, 9].map((octet) => `10.0.0.${octet}`);
    expect(await collect(targets)).toEqual([...addresses, "::1"]);
    expect(new Collector(targets).stream.total).toBe(8);
    expect((await collect(targets, { order: "random" })).sort()).toEqual(
      [...addresses, "::1"].sort(),
    );
  });

  test("shuffles over all ranges of an array, the same way for the same seed", async () => {
    const targets = ["10.0.0.0/24", "10.9.0.0/24", "2001:db8::/120"];
    const [first, again, other] = await Promise.all([
      collect(targets, { order: "random", seed: 3 }),
      collect(targets, { order: "random", seed: 3 }),
      collect(targets, { order: "random", seed: 4 }),
    ]);
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    expect(first).toHaveLength(254 + 254 + 256);
    // 100 draws of three equal parts: 33 of each, give or take 5.
    for (const part of ["10.0.", "10.9.", "2001:"]) {
      const count = first.slice(0, 100).filter((address) => address.startsWith(part)).length;
      expect(Math.abs(count - 33)).toBeLessThan(20);
    }
  });

  test("is shuffled another way each time without a seed", async () => {
    const order = () => collect("10.0.0.0/20", { order: "random" });
    expect(await order()).not.toEqual(await order());
  });

  test("holds 16.7 million addresses in order or at random, and the last of them", () => {
    for (const order of ["sequential", "random"] as const) {
      const { stream } = new Collector("10.0.0.0/8", { order });
      expect(stream.total).toBe(2 ** 24 - 2);
    }
    const collector = new Collector("10.255.255.250-10.255.255.255");
    expect(collector.steps().slice(-2)).toEqual(["10.255.255.255", "end"]);
  });

  test("refuses more than 2^52 addresses, alone or together", async () => {
    expect(() => new Collector("2001:db8::/64")).toThrow(RangeError);
    expect(() => new Collector("2001:db8::/64")).toThrow("more than 2^52");
    expect(new Collector("2001:db8::/76").stream.total).toBe(2 ** 52);
    const collector = new Collector(["::/0", "2001:db8::/76", "2001:db9::/126"], {
      order: "random",
    });
    expect(collector.stream.total).toBe(2 ** 52 + 2);
    expect(collector.steps(2)).toEqual([
      "!ERR_TOO_MANY_ADDRESSES ::/0",
      "!ERR_TOO_MANY_ADDRESSES 2001:db9::/126",
    ]);
  });

  test("ends, and stays there", () => {
    const collector = new Collector("10.0.0.1");
    expect([collector.step(), collector.step(), collector.step()]).toEqual([
      "10.0.0.1",
      "end",
      "end",
    ]);
  });
});

describe("option exclude", () => {
  test.each([
    ["10.0.0.0/29", ["10.0.0.2-4"], ["10.0.0.1", "10.0.0.5", "10.0.0.6"]],
    ["10.0.0.0/29", ["10.0.0.4/30", "10.0.0.0"], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]],
    ["10.0.0.0/29", ["0.0.0.0/0"], []],
    ["10.0.0.0/29", ["::/0", "10.0.0.1-5"], ["10.0.0.6"]],
    ["2001:db8::/126", ["2001:db8::2", "2001:db8::"], ["2001:db8::1", "2001:db8::3"]],
    [["10.0.0.1", "10.0.0.2"], ["10.0.0.1"], ["10.0.0.2"]],
  ])("%j without %j", async (targets, exclude, addresses) => {
    for (const order of ["sequential", "random"] as const) {
      const collector = new Collector(targets, { exclude, order });
      expect(collector.stream.total).toBe(addresses.length);
      expect((await collector.all()).sort()).toEqual(addresses);
    }
    const iterable = new Set(typeof targets === "string" ? [targets] : targets);
    expect(await collect(iterable, { exclude })).toEqual(addresses);
  });

  test("may be a single text", async () => {
    expect(await collect("10.0.0.0/30", { exclude: "10.0.0.1" })).toEqual(["10.0.0.2"]);
  });

  const small: fc.Arbitrary<AddressRange> = fc
    .tuple(fc.boolean(), fc.nat({ max: 80 }), fc.nat({ max: 20 }))
    .map(([isIpv4, first, more]) =>
      isIpv4
        ? { family: 4, first: 0x0a0000f0 + first, last: 0x0a0000f0 + first + more }
        : { family: 6, first: 0xfff0n + BigInt(first), last: 0xfff0n + BigInt(first + more) },
    );
  const ranges = fc.array(small, { maxLength: 8 }).map((ranges) => ranges.map(formatAddressRange));

  test("and the union of the targets, counted exactly: as a list of all addresses says", async () => {
    const enumerate = (texts: readonly string[]) =>
      texts.flatMap((text) => {
        const range = parseAddressRange(text, { hostsOnly: true });
        return range === undefined ? [] : [...addressesOf(range)];
      });
    const enumerateAll = (texts: readonly string[]) =>
      texts.flatMap((text) => {
        const range = parseAddressRange(text);
        return range === undefined ? [] : [...addressesOf(range)];
      });
    await fc.assert(
      fc.asyncProperty(ranges, ranges, fc.nat(), async (targets, exclude, seed) => {
        const excluded = new Set(enumerateAll(exclude));
        const given = enumerate(targets).filter((address) => !excluded.has(address));
        const expected = [...new Set(given)];
        const collector = new Collector(targets, { exclude });
        expect(collector.stream.total).toBe(expected.length);
        expect(await collector.all()).toEqual(expected);
        const shuffled = await collect(targets, { exclude, order: "random", seed });
        expect(shuffled.sort()).toEqual(expected.sort());
        expect(await collect(targets.values(), { exclude })).toEqual(given);
      }),
    );
  });

  test.each([
    ["host", TypeError],
    ["", TypeError],
    ["10.0.0.0/33", RangeError],
    ["fe80::1%eth0", RangeError],
  ])("refuses %j at once", (text, type) => {
    expect(() => new Collector("10.0.0.1", { exclude: [text] })).toThrow(type);
  });

  test("refuses what is no text", () => {
    expect(() => new Collector("10.0.0.1", { exclude: [7 as unknown as string] })).toThrow(
      TypeError,
    );
  });
});

describe("TargetStream of names", () => {
  test("resolves them, to the family that is wanted", async () => {
    const resolver = new FakeResolver({ a: "192.0.2.1", b: "2001:db8::7" });
    expect(await collect(["a", "b"], { resolver })).toEqual(["a=192.0.2.1", "b=2001:db8::7"]);
    await collect(["a"], { resolver, family: 4 });
    expect(resolver.families).toEqual([undefined, undefined, 4]);
  });

  test("reports one that does not resolve, and goes on", async () => {
    const resolver = new FakeResolver({ good: "192.0.2.1" });
    const collector = new Collector(["bad", "good", "10.0.0.1"], { resolver });
    expect(collector.stream.total).toBe(3);
    expect((await collector.all()).sort()).toEqual([
      "!ENOTFOUND bad",
      "10.0.0.1",
      "good=192.0.2.1",
    ]);
  });

  test("keeps no address waiting for one", async () => {
    const resolver = new FakeResolver({ slow: "192.0.2.1", later: "192.0.2.2" }, { hold: true });
    const collector = new Collector(["slow", "10.0.0.1-2", "later"], { resolver });
    expect(collector.steps()).toEqual(["10.0.0.1", "10.0.0.2", "pending"]);
    await resolver.release("later");
    expect(collector.steps()).toEqual(["later=192.0.2.2", "pending"]);
    await resolver.release("slow");
    expect(collector.steps()).toEqual(["slow=192.0.2.1", "end"]);
  });

  test("looks up 16 at a time, of an array as of an iterable", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `host${index}`);
    const table = Object.fromEntries(names.map((name, index) => [name, `192.0.2.${index}`]));
    const expected = names.map((name) => `${name}=${table[name]}`);
    for (const open of [() => names, () => names.values(), () => readLater(names)]) {
      for (const order of ["sequential", "random"] as const) {
        const resolver = new FakeResolver(table);
        expect(await collect(open(), { resolver, order })).toEqual(expected);
        expect(resolver.mostAtOnce).toBe(16);
        expect(resolver.asked).toEqual(names);
      }
    }
  });

  test("reads no further than a seventeenth name", async () => {
    let given = 0;
    function* names(): Generator<string> {
      for (; ; given++) yield `host${given}`;
    }
    const resolver = new FakeResolver({ host3: "192.0.2.3" }, { hold: true });
    const collector = new Collector(names(), { resolver });
    expect(collector.steps()).toEqual(["pending"]);
    expect(resolver.asked).toHaveLength(16);
    expect(given).toBe(16);
    await resolver.release("host3");
    expect(collector.steps()).toEqual(["host3=192.0.2.3", "pending"]);
    expect(resolver.asked).toHaveLength(17);
    expect(given).toBe(17);
    collector.stream.close();
  });

  test("leaves out one whose address is excluded, and counts it no more", async () => {
    const resolver = new FakeResolver({ a: "192.0.2.1", b: "2001:db8::1", c: "192.0.2.9" });
    const collector = new Collector(["a", "b", "c"], {
      resolver,
      exclude: ["192.0.2.0/29", "2001:db8::/64"],
    });
    expect(collector.stream.total).toBe(3);
    expect(await collector.all()).toEqual(["c=192.0.2.9"]);
    expect(collector.stream.total).toBe(1);
  });

  test("takes one whose address has the zone of the others, and reports one that has another", async () => {
    const resolver = new FakeResolver({ printer: "fe80::9%wlan0", scanner: "fe80::a%eth0" });
    expect(await collect("printer", { resolver })).toEqual(["printer=fe80::9"]);
    expect((await collect(["scanner", "fe80::1%wlan0"], { resolver })).sort()).toEqual([
      "!ERR_ZONE scanner",
      "fe80::1",
    ]);
  });

  test("throws what is not the fault of a name", async () => {
    const resolver = { lookup: () => Promise.reject(new Error("no descriptors left")) };
    const collector = new Collector(["a"], { resolver });
    expect(collector.step()).toBe("pending");
    await collector.stream.ready(new AbortController().signal);
    expect(() => collector.step()).toThrow("no descriptors left");
  });
});

describe("link-local targets", () => {
  test("have the zone of the first, and others are failures that end nothing", async () => {
    const targets = [
      "fe80::1%eth0",
      "fe80::10%eth0/126",
      "fe80::2%wlan0",
      "fe80::3",
      "2001:db8::1",
      "fe80::4%eth0",
    ];
    for (const given of [targets, targets.values()]) {
      const zone = new SweepZone(undefined);
      expect((await collect(given, { zone })).sort()).toEqual([
        "!ERR_ZONE fe80::2%wlan0",
        "!ERR_ZONE fe80::3",
        "2001:db8::1",
        "fe80::1",
        "fe80::10",
        "fe80::11",
        "fe80::12",
        "fe80::13",
        "fe80::4",
      ]);
      expect(zone.name).toBe("eth0");
    }
  });

  test("need no zone where an interface is asked for, but may name it", async () => {
    const zone = new SweepZone("eth0");
    expect((await collect(["fe80::1", "fe80::2%eth0", "fe80::3%wlan0"], { zone })).sort()).toEqual([
      "!ERR_ZONE fe80::3%wlan0",
      "fe80::1",
      "fe80::2",
    ]);
  });
});

describe("targets of a sweep by lo", () => {
  const targets = [
    "127.0.0.5",
    "192.0.2.10",
    "192.0.2.8/29",
    "2001:db8::10",
    "2001:db8::1",
    "own",
    "other",
  ];
  const { platform } = fakePlatform({ interfaces: { eth0: 2, lo: 1 } });
  const hosts = { own: "192.0.2.10", other: "192.0.2.1" };

  test.each(["lo", 1])("have to be this host's own (by %p)", async (by) => {
    for (const given of [targets, targets.values()]) {
      const zone = new SweepZone(by, () => platform.libc);
      expect((await collect(given, { zone, resolver: new FakeResolver(hosts) })).sort()).toEqual([
        "!ENETUNREACH 192.0.2.8/29",
        "!ENETUNREACH 2001:db8::1",
        "!ENETUNREACH other",
        "127.0.0.5",
        "192.0.2.10",
        "2001:db8::10",
        "own=192.0.2.10",
      ]);
    }
    const zone = new SweepZone(by, () => platform.libc);
    const message = `Target 192.0.2.1 cannot be probed: interface ${by} leads to addresses of this host only`;
    expect(() => new Collector("192.0.2.1", { zone })).toThrow(message);
  });

  test("are any by another interface, even one that is not there yet", async () => {
    for (const by of ["eth0", "tun0", 7]) {
      const zone = new SweepZone(by, () => platform.libc);
      expect(await collect(["192.0.2.1"].values(), { zone })).toEqual(["192.0.2.1"]);
    }
  });
});

describe("wrong targets", () => {
  test("a text alone is refused at once", () => {
    for (const text of [
      "10.0.0.0/33",
      "10.0.0.9-1",
      "2001:db8::1%eth0",
      "fe80::1",
      "fe80::/64",
      "",
    ]) {
      expect(() => new Collector(text)).toThrow(RangeError);
    }
    expect(() => new Collector("::1", { family: 4 })).toThrow(
      'Target ::1 is not IPv4, as "family" wants',
    );
  });

  test("among others it is a failure that ends nothing", async () => {
    const targets = ["10.0.0.0/33", "10.0.0.1", "", "::1-::ffff:1.2.3.4"];
    const failures = [
      "!ERR_INVALID_TARGET 10.0.0.0/33",
      "!ERR_INVALID_TARGET ",
      "!ERR_INVALID_TARGET ::1-::ffff:1.2.3.4",
    ];
    const collector = new Collector(targets);
    expect(collector.stream.total).toBe(4);
    expect(await collector.all()).toEqual([...failures, "10.0.0.1"]);
    expect(await collect(targets.values())).toEqual([
      failures[0],
      "10.0.0.1",
      ...failures.slice(1),
    ] as string[]);
  });

  test("one of another family than wanted is a failure", async () => {
    expect(await collect(["10.0.0.1", "::1"], { family: 6 })).toEqual([
      "!ERR_NO_ADDRESS 10.0.0.1",
      "::1",
    ]);
    expect(await collect(["10.0.0.1", "::1"].values(), { family: 6 })).toEqual([
      "!ERR_NO_ADDRESS 10.0.0.1",
      "::1",
    ]);
    expect(await collect(["10.0.0.1", "::/126"].values(), { family: 4 })).toEqual([
      "10.0.0.1",
      "!ERR_NO_ADDRESS ::/126",
    ]);
  });

  test.each([[7], [null], [undefined], [{}], [["10.0.0.1", 7]], [() => ["a"]]])(
    "%p are none",
    (targets) => {
      expect(() => new Collector(targets as unknown as Targets)).toThrow(TypeError);
    },
  );
});

async function* readLater(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}
