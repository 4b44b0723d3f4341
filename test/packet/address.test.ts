import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  addressFamily,
  canonicalAddress,
  formatAddress,
  formatPrefix,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  parseAddress,
  parsePrefix,
  prefixContains,
} from "../../src/packet/index.ts";
import { fromHex, toHex } from "../support/hex.ts";

// [text, bytes, canonical text]; the IPv6 rows are the examples of RFC 4291 section 2.2 and RFC
// 5952 sections 2 to 5.
const ADDRESSES: readonly (readonly [string, string, string])[] = [
  ["0.0.0.0", "00000000", "0.0.0.0"],
  ["127.0.0.1", "7f000001", "127.0.0.1"],
  ["255.255.255.255", "ffffffff", "255.255.255.255"],
  ["::", "0".repeat(32), "::"],
  ["0:0:0:0:0:0:0:0", "0".repeat(32), "::"],
  ["::1", `${"0".repeat(31)}1`, "::1"],
  ["1::", `0001${"0".repeat(28)}`, "1::"],
  [
    "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
    "abcdef0123456789abcdef0123456789",
    "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
  ],
  ["2001:DB8:0:0:8:800:200C:417A", "20010db80000000000080800200c417a", "2001:db8::8:800:200c:417a"],
  ["FF01::101", `ff01${"0".repeat(25)}101`, "ff01::101"],
  ["2001:db8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  [
    "2001:0db8:0000:0000:0001:0000:0000:0001",
    "20010db8000000000001000000000001",
    "2001:db8::1:0:0:1",
  ],
  ["2001:db8::0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["2001:0:0:1:0:0:0:1", "20010000000000010000000000000001", "2001:0:0:1::1"],
  ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["0:0:0:0:0:0:13.1.68.3", "0000000000000000000000000d014403", "::d01:4403"],
  ["::FFFF:129.144.52.38", "00000000000000000000ffff81903426", "::ffff:129.144.52.38"],
  ["::ffff:8190:3426", "00000000000000000000ffff81903426", "::ffff:129.144.52.38"],
  ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"],
  ["fe80::1%eth0", `fe80${"0".repeat(27)}1`, "fe80::1%eth0"],
  ["FE80::1%br-lan.10", `fe80${"0".repeat(27)}1`, "fe80::1%br-lan.10"],
];

const NOT_ADDRESSES: readonly string[] = [
  "",
  " ",
  "1",
  "10.9.514",
  "10.9.2.514",
  "1.2.3",
  "1.2.3.",
  ".1.2.3",
  "1.2.3.4.5",
  "1..3.4",
  "01.2.3.4",
  "1.2.3.04",
  "0x7f.0.0.1",
  "017700000001",
  "2130706433",
  "8.8.8.8 x",
  " 8.8.8.8",
  "8.8.8.8\n",
  "8.8.8.8\0",
  "+1.2.3.4",
  "1e1.2.3.4",
  "1.2.3.4%eth0",
  "１.2.3.4",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "1:2:3:4::5:6:7:8",
  "::1::",
  "1:2:3:4:5:6:7:",
  ":1:2:3:4:5:6:7",
  "12345::",
  "g::",
  "::1.2.3",
  "::1.2.3.256",
  "::01.2.3.4",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "1:2:3:4:5:6:7:1.2.3.4",
  "[::1]",
  "::1/64",
  "fe80::1%",
  "fe80::1%a b",
  "fe80::1%a%b",
  "fe80::1%a/b",
  "%eth0",
  "::1 ",
  "0000000000000000:0000000000000000:0000000000000000",
];

describe("parseAddress()", () => {
  test.each(ADDRESSES)("reads %s", (text, hex, canonical) => {
    const address = parseAddress(text);
    expect(address && toHex(address.bytes)).toBe(hex);
    expect(address?.family).toBe(hex.length === 8 ? 4 : 6);
    expect(address?.zone).toBe(text.split("%")[1]);
    expect(formatAddress(fromHex(hex), address?.zone)).toBe(canonical);
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each(NOT_ADDRESSES)("refuses %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(canonicalAddress(text)).toBeUndefined();
    expect(addressFamily(text)).toBeUndefined();
  });

  test("never throws and agrees with formatAddress() whatever the text", () => {
    const alphabet = fc.constantFrom(...":.%0123456789abcdefABCDEFgx/ ");
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: alphabet, maxLength: 50 })), (text) => {
        const canonical = canonicalAddress(text);
        expect(canonical === undefined || canonicalAddress(canonical) === canonical).toBe(true);
      }),
    );
  });
});

describe("formatAddress()", () => {
  test("is read back to the same bytes, for any 4 or 16 bytes", () => {
    // Many zero groups: that is where "::" goes.
    const group = fc.oneof(
      { weight: 2, arbitrary: fc.constant([0, 0]) },
      fc.array(fc.nat(255), { minLength: 2, maxLength: 2 }),
    );
    const groups = fc.oneof(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.array(group, { minLength: 2, maxLength: 2 }),
    );
    fc.assert(
      fc.property(groups, (pairs) => {
        const bytes = Uint8Array.from(pairs.flat());
        const text = formatAddress(bytes);
        expect(parseAddress(text)?.bytes).toEqual(bytes);
        expect(text).toBe(text.toLowerCase());
      }),
    );
  });

  test("agrees with the URL parser, another implementation of RFC 5952", () => {
    const groups = fc.array(fc.constantFrom(0, 0, 0, 1, 0xff, 0xabcd), {
      minLength: 8,
      maxLength: 8,
    });
    fc.assert(
      fc.property(groups, (values) => {
        const bytes = Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));
        const text = values.map((value) => value.toString(16)).join(":");
        expect(`[${formatAddress(bytes)}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
    );
  });

  test.each([0, 3, 5, 15, 17])("refuses %d bytes", (length) => {
    expect(() => formatAddress(new Uint8Array(length))).toThrow(RangeError);
  });
});

describe("properties of addresses", () => {
  const CASES: readonly (readonly [string, string])[] = [
    ["224.0.0.1", "multicast"],
    ["239.255.255.255", "multicast"],
    ["ff02::1", "multicast"],
    ["0.0.0.0", "unspecified"],
    ["::", "unspecified"],
    ["169.254.0.1", "linkLocal"],
    ["fe80::1%eth0", "linkLocal"],
    ["febf::1", "linkLocal"],
    ["127.0.0.1", "loopback"],
    ["127.255.0.9", "loopback"],
    ["::1", "loopback"],
    ["223.255.255.255", ""],
    ["240.0.0.1", ""],
    ["169.253.0.1", ""],
    ["fec0::1", ""],
    ["::2", ""],
    ["1::1", ""],
    ["::ffff:127.0.0.1", ""],
    ["not an address", ""],
  ];

  test.each(CASES)("%s is %p", (text, kind) => {
    expect(isMulticast(text)).toBe(kind === "multicast");
    expect(isUnspecified(text)).toBe(kind === "unspecified");
    expect(isLinkLocal(text)).toBe(kind === "linkLocal");
    expect(isLoopback(text)).toBe(kind === "loopback");
  });
});

describe("prefixes", () => {
  const PREFIXES: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
    [
      "10.0.0.0/8",
      "10.0.0.0/8",
      ["10.0.0.0", "10.255.255.255"],
      ["11.0.0.0", "9.255.255.255", "::a00:0"],
    ],
    ["10.1.2.3/15", "10.1.2.3/15", ["10.0.0.0", "10.1.255.255"], ["10.2.0.0"]],
    ["0.0.0.0/0", "0.0.0.0/0", ["255.255.255.255"], ["::"]],
    ["192.0.2.1/32", "192.0.2.1/32", ["192.0.2.1"], ["192.0.2.0"]],
    ["2001:DB8::/33", "2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::", "32.1.13.184"]],
    ["::1/128", "::1/128", ["::1"], ["::"]],
  ];

  test.each(PREFIXES)("%s", (text, formatted, inside, outside) => {
    const prefix = parsePrefix(text);
    if (!prefix) throw new Error("not a prefix");
    expect(formatPrefix(prefix)).toBe(formatted);
    const contains = (address: string) => {
      const parsed = parseAddress(address);
      return parsed !== undefined && prefixContains(prefix, parsed);
    };
    expect(inside.filter((address) => !contains(address))).toEqual([]);
    expect(outside.filter(contains)).toEqual([]);
  });

  test.each([
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0.0/8 ",
    "10.0.0.0/255.0.0.0",
    "10.0.0/8",
    "::/129",
    "fe80::%eth0/64",
    "/8",
  ])("%s is not one", (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });
});
