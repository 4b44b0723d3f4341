import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseIpv4Number } from "../../src/packet/address-number.ts";
import {
  type AddressRange,
  addressesOf,
  addressRangeContains,
  addressRangeSize,
  formatAddress,
  formatAddressRange,
  type IpAddress,
  parseAddress,
  parseAddressRange,
  parsePrefix,
  prefixContains,
} from "../../src/packet/index.ts";

// [text, its addresses as formatAddressRange() writes them, how many these are]
const RANGES: readonly (readonly [text: string, canonical: string, size: bigint])[] = [
  ["192.0.2.1", "192.0.2.1", 1n],
  ["0.0.0.0", "0.0.0.0", 1n],
  ["255.255.255.255", "255.255.255.255", 1n],
  ["192.0.2.0/24", "192.0.2.0/24", 256n],
  ["192.0.2.77/24", "192.0.2.0/24", 256n],
  ["192.0.2.77/31", "192.0.2.76/31", 2n],
  ["192.0.2.77/32", "192.0.2.77", 1n],
  ["200.1.2.3/1", "128.0.0.0/1", 2n ** 31n],
  ["1.2.3.4/0", "0.0.0.0/0", 2n ** 32n],
  ["192.0.2.5-192.0.2.9", "192.0.2.5-192.0.2.9", 5n],
  ["192.0.2.5-9", "192.0.2.5-192.0.2.9", 5n],
  ["192.0.2.5-5", "192.0.2.5", 1n],
  ["192.0.2.0-255", "192.0.2.0/24", 256n],
  ["192.0.2.255-192.0.3.0", "192.0.2.255-192.0.3.0", 2n],
  ["0.0.0.0-255.255.255.255", "0.0.0.0/0", 2n ** 32n],
  ["2001:DB8::1", "2001:db8::1", 1n],
  ["2001:db8::1/64", "2001:db8::/64", 2n ** 64n],
  ["2001:db8::1/127", "2001:db8::/127", 2n],
  ["2001:db8::1/128", "2001:db8::1", 1n],
  ["::/0", "::/0", 2n ** 128n],
  ["2001:db8::-2001:db8::ff", "2001:db8::/120", 256n],
  ["2001:db8::ffff:ffff-2001:db8::1:0:0", "2001:db8::ffff:ffff-2001:db8::1:0:0", 2n],
  [
    "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    2n ** 128n - 1n,
  ],
];

const WRONG: readonly (readonly [text: string, why: string])[] = [
  ["192.0.2.0/33", "from 0 to 32"],
  ["192.0.2.0/-1", "from 0 to 32"],
  ["192.0.2.0/", "from 0 to 32"],
  ["192.0.2.0/08", "from 0 to 32"],
  ["192.0.2.0/255.255.255.0", "from 0 to 32"],
  ["192.0.2.0/24/8", "from 0 to 32"],
  ["192.0.2.0/24-28", "from 0 to 32"],
  ["2001:db8::/129", "from 0 to 128"],
  ["192.0.2/24", "before the slash is not an address"],
  ["host/24", "before the slash is not an address"],
  ["/24", "before the slash is not an address"],
  ["http://192.0.2.1/", "before the slash is not an address"],
  ["192.0.2.9-192.0.2.5", "end comes before its start"],
  ["192.0.2.9-5", "end comes before its start"],
  ["::9-::5", "end comes before its start"],
  ["192.0.2.1-::1", "different families"],
  ["::1-192.0.2.1", "different families"],
  ["192.0.2.1-", "not an address, nor a last octet"],
  ["192.0.2.1-256", "not an address, nor a last octet"],
  ["192.0.2.1-2.9", "not an address, nor a last octet"],
  ["192.0.2.1-05", "not an address, nor a last octet"],
  ["192.0.2.1-x", "not an address, nor a last octet"],
  ["192.0.2.1-5-9", "not an address, nor a last octet"],
  ["192.0.2.1 - 192.0.2.5", "start is not an address"],
  ["192.0.2-9", "start is not an address"],
  ["192.0.2.300-9", "start is not an address"],
  ["2001:db8::1-9", "its end is not an address"],
  ["2001:db8::1-ff", "its end is not an address"],
  ["fe80::1%eth0", "no zone"],
  ["fe80::1%br-lan", "no zone"],
  ["fe80::/64%eth0", "from 0 to 128"],
  ["fe80::%eth0/64", "no zone"],
  ["fe80::1-fe80::9%eth0", "no zone"],
  ["::ffff:192.0.2.1", "IPv4 address in IPv6 form; write 192.0.2.1"],
  ["::ffff:c000:201", "IPv4 address in IPv6 form; write 192.0.2.1"],
  ["::ffff:192.0.2.0/120", "IPv4 address in IPv6 form"],
  ["::1-::ffff:192.0.2.1", "IPv4 address in IPv6 form; write 192.0.2.1"],
  ["2001:db8::g", "a name has no colon"],
  ["192.0.2.1:80", "a name has no colon"],
];

const NAMES = [
  "",
  "localhost",
  "host-1",
  "10-20.example.com",
  "a.b.c.d",
  "1-2",
  "192.0.2",
  "192.0.2.1.example",
  "ff",
  "-",
];

describe("parseAddressRange()", () => {
  test.each(RANGES)("reads %s", (text, canonical, size) => {
    const range = parseAddressRange(text);
    expect(range && formatAddressRange(range)).toBe(canonical);
    expect(range && addressRangeSize(range)).toBe(size);
    expect(parseAddressRange(canonical)).toEqual(range);
  });

  test("gives IPv4 ends as numbers, IPv6 ends as bigints", () => {
    expect(parseAddressRange("192.0.2.1-3")).toEqual({
      family: 4,
      first: 3221225985,
      last: 3221225987,
    });
    expect(parseAddressRange("::1:0-::1:2")).toEqual({
      family: 6,
      first: 0x10000n,
      last: 0x10002n,
    });
  });

  test.each(WRONG)("refuses %s and says why", (text, why) => {
    const parse = () => parseAddressRange(text);
    expect(parse).toThrow(RangeError);
    expect(parse).toThrow(why);
    expect(parse).toThrow(JSON.stringify(text));
  });

  test.each(NAMES)("leaves %j, which may be a name", (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  });

  test("keeps its messages short", () => {
    expect(() => parseAddressRange(`${"9".repeat(1e6)}/1`)).toThrow(/^.{100,250}$/);
  });

  // What `fping -g` 5.1 sends to, of 127.0.0.0/29, 127.0.0.5/29, 127.0.0.4/31, 127.0.0.4/32 and
  // 127.0.0.4 127.0.0.8.
  test.each([
    ["127.0.0.0/29", "127.0.0.1-127.0.0.6"],
    ["127.0.0.5/29", "127.0.0.1-127.0.0.6"],
    ["127.0.0.5/30", "127.0.0.5-127.0.0.6"],
    ["127.0.0.4/31", "127.0.0.4/31"],
    ["127.0.0.4/32", "127.0.0.4"],
    ["127.0.0.4-127.0.0.8", "127.0.0.4-127.0.0.8"],
    ["127.0.0.0-255", "127.0.0.0/24"],
    ["0.0.0.0/0", "0.0.0.1-255.255.255.254"],
    ["2001:db8::/64", "2001:db8::/64"],
  ])("takes only the hosts of %s when asked to", (text, canonical) => {
    const range = parseAddressRange(text, { hostsOnly: true });
    expect(range && formatAddressRange(range)).toBe(canonical);
  });

  test("never throws anything but RangeError", () => {
    const alphabet = fc.constantFrom(...":.%-/0123456789abcdefx ");
    const text = fc.oneof(fc.string(), fc.string({ unit: alphabet, maxLength: 50 }));
    fc.assert(
      fc.property(text, (text) => {
        try {
          parseAddressRange(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** 16 bytes near each other more often than not, so that ranges are small, meet and overlap. */
const ipv6 = fc
  .tuple(
    fc.constantFrom("2001:db8::", "2001:db8:0:1::", "fe80::", "ff02::"),
    fc.nat({ max: 0xffff }),
  )
  .map(([start, low]) => `${start}${low.toString(16)}`);
const ipv4 = fc.ipV4().map((text) => text.split(".").map(Number).join("."));
const range: fc.Arbitrary<AddressRange> = fc.oneof(
  fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 2 ** 32 - 1 })).map(
    ([one, other]): AddressRange => ({
      family: 4,
      first: Math.min(one, other),
      last: Math.max(one, other),
    }),
  ),
  fc
    .tuple(
      fc.bigInt({ min: 2n ** 64n, max: 2n ** 128n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n }),
    )
    .map(
      ([last, size]): AddressRange => ({
        family: 6,
        first: last - size < 2n ** 64n ? last : last - size,
        last,
      }),
    ),
);

describe("a range", () => {
  test("survives writing and reading", () => {
    fc.assert(
      fc.property(range, (range) =>
        expect(parseAddressRange(formatAddressRange(range))).toEqual(range),
      ),
    );
  });

  test("of one address is that address", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const range = parseAddressRange(text);
        expect(range && [...addressesOf(range)]).toEqual([formatAddress(bytesOf(text))]);
      }),
    );
  });

  test("of a network has the addresses that its prefix has", () => {
    fc.assert(
      fc.property(
        fc.oneof(ipv4, ipv6),
        fc.nat({ max: 8 }),
        fc.nat({ max: 10 }),
        (text, hostBits, other) => {
          const network = `${text}/${(text.includes(":") ? 128 : 32) - hostBits}`;
          const [range, prefix] = [parseAddressRange(network), parsePrefix(network)];
          if (range === undefined || prefix === undefined)
            throw new Error(`Not a network: ${network}`);
          const members = [...addressesOf(range)];
          expect(BigInt(members.length)).toBe(addressRangeSize(range));
          expect(members).toHaveLength(2 ** hostBits);
          for (const member of members) expect(prefixContains(prefix, address(member))).toBe(true);
          const neighbour = { family: prefix.address.family, bytes: bytesOf(text).with(-1, other) };
          expect(addressRangeContains(range, neighbour)).toBe(prefixContains(prefix, neighbour));
        },
      ),
    );
  });

  test("contains exactly the addresses that it lists", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 0xfff0 }),
        fc.nat({ max: 12 }),
        fc.nat({ max: 0xffff }),
        (first, more, other) => {
          for (const base of ["2001:db8::", undefined]) {
            const at = (low: number) =>
              base === undefined ? `10.7.${low >> 8}.${low & 255}` : `${base}${low.toString(16)}`;
            const range = parseAddressRange(`${at(first)}-${at(first + more)}`);
            if (range === undefined) throw new Error("Not a range");
            const members = [...addressesOf(range)];
            expect(members).toHaveLength(more + 1);
            expect(new Set(members).size).toBe(more + 1);
            for (const low of [first - 1, first, first + more, first + more + 1, other]) {
              if (low < 0) continue;
              const candidate = address(at(low));
              expect(addressRangeContains(range, candidate)).toBe(
                members.includes(formatAddress(candidate.bytes)),
              );
            }
          }
        },
      ),
    );
  });

  test("contains no address of the other family, even of the same number", () => {
    const [four, six] = [parseAddressRange("0.0.0.0/0"), parseAddressRange("::/0")];
    if (four === undefined || six === undefined) throw new Error("Not ranges");
    expect(addressRangeContains(four, address("::1"))).toBe(false);
    expect(addressRangeContains(six, address("0.0.0.1"))).toBe(false);
    expect(addressRangeContains(six, address("fe80::1%eth0"))).toBe(true);
  });

  test("lists addresses only as they are asked for, across every border", () => {
    const first = (text: string) => {
      const range = parseAddressRange(text);
      return range && addressesOf(range).take(3).toArray();
    };
    expect(first("0.0.0.0/0")).toEqual(["0.0.0.0", "0.0.0.1", "0.0.0.2"]);
    expect(first("10.255.255.255-12.0.0.0")).toEqual(["10.255.255.255", "11.0.0.0", "11.0.0.1"]);
    expect(first("255.255.255.254/31")).toEqual(["255.255.255.254", "255.255.255.255"]);
    expect(first("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:2::")).toEqual([
      "2001:db8::ffff:ffff:ffff:ffff",
      "2001:db8:0:1::",
      "2001:db8:0:1::1",
    ]);
    expect(first("::/0")).toEqual(["::", "::1", "::2"]);
  });
});

describe("parseIpv4Number()", () => {
  test("agrees with parseAddress() whatever the text", () => {
    const nearly = fc.string({ unit: fc.constantFrom(..."0123456789.."), maxLength: 17 });
    const octets = fc.array(
      fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom("", "00", "01")),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          nearly,
          octets.map((parts) => parts.join(".")),
          fc.string(),
        ),
        (text) => {
          const parsed = parseAddress(text);
          const number =
            parsed?.family === 4
              ? parsed.bytes.reduce((sum, byte) => sum * 256 + byte, 0)
              : undefined;
          expect(parseIpv4Number(text)).toBe(number);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`Not an address: ${text}`);
  return parsed;
}

function bytesOf(text: string): Uint8Array {
  return address(text).bytes;
}
