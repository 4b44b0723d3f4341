import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeControl, encodeControl } from "../../src/ffi/cmsg.ts";
import { decodeSocketAddress, encodeSocketAddress } from "../../src/ffi/sockaddr.ts";

const NOTHING = {
  destination: undefined,
  interfaceIndex: undefined,
  ttl: undefined,
  tos: undefined,
  timestampNs: undefined,
  error: undefined,
  overflow: undefined,
};

function decode(hex: string, epochSeconds = 0): unknown {
  const bytes = Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));
  const view = new DataView(bytes.buffer);
  return decodeControl(view, { offset: 0, length: bytes.length, epochSeconds }, { ...NOTHING });
}

/**
 * Control messages of a 64-bit little-endian Linux, laid out by hand after cmsg(3), ip(7), RFC 3542
 * and linux/errqueue.h.
 */
const WIRE: readonly [name: string, hex: string, value: object][] = [
  ["IP_TTL", "1400000000000000 00000000 02000000 21000000 00000000", { ttl: 33 }],
  ["IP_TOS, one byte", "1100000000000000 00000000 01000000 08 00000000000000", { tos: 8 }],
  [
    "IP_PKTINFO",
    "1c00000000000000 00000000 08000000 01000000 7f000001 7f000005 00000000",
    { interfaceIndex: 1, destination: "127.0.0.5" },
  ],
  [
    "SCM_TIMESTAMPING",
    `4000000000000000 01000000 25000000 0500000000000000 f401000000000000 ${"00".repeat(32)}`,
    { timestampNs: 3_000_000_500 },
  ],
  [
    "SCM_TIMESTAMPING without a software stamp",
    `4000000000000000 01000000 25000000 ${"00".repeat(48)}`,
    {},
  ],
  ["SO_RXQ_OVFL", "1400000000000000 01000000 28000000 ffffffff 00000000", { overflow: 0xffffffff }],
  ["IPV6_HOPLIMIT", "1400000000000000 29000000 34000000 40000000 00000000", { ttl: 64 }],
  ["IPV6_TCLASS", "1400000000000000 29000000 43000000 b8000000 00000000", { tos: 0xb8 }],
  [
    "IPV6_PKTINFO",
    "2400000000000000 29000000 32000000 fd820000000000000000000000000001 02000000 00000000",
    { interfaceIndex: 2, destination: "fd82::1" },
  ],
  [
    "IP_RECVERR",
    "3000000000000000 00000000 0b000000 71000000 02 0b 00 00 00000000 00000000 0200 0000 0a520002 0000000000000000",
    {
      error: {
        errno: 113,
        origin: 2,
        type: 11,
        code: 0,
        info: 0,
        data: 0,
        offender: { address: "10.82.0.2", port: 0 },
      },
    },
  ],
  [
    "IP_RECVERR of a timestamp",
    "3000000000000000 00000000 0b000000 2a000000 04 00 00 00 00000000 07000000 0000 0000 00000000 0000000000000000",
    { error: { errno: 42, origin: 4, type: 0, code: 0, info: 0, data: 7, offender: undefined } },
  ],
  [
    "IPV6_RECVERR",
    "3c00000000000000 29000000 19000000 71000000 03 03 00 00 00000000 00000000 0a00 0000 00000000 fe800000000000000000000000000002 03000000 00000000",
    {
      error: {
        errno: 113,
        origin: 3,
        type: 3,
        code: 0,
        info: 0,
        data: 0,
        offender: { address: "fe80::2", port: 0, scopeId: 3 },
      },
    },
  ],
];

describe("decodeControl()", () => {
  test.each(WIRE)("%s", (_name, hex, value) => {
    expect(decode(hex, 2)).toEqual({ ...NOTHING, ...value });
  });

  test("reads several, skipping what it does not know", () => {
    const unknown = "1800000000000000 63000000 63000000 0102030405060708";
    const ttl = "1400000000000000 00000000 02000000 21000000 00000000";
    const overflow = "1400000000000000 01000000 28000000 05000000 00000000";
    expect(decode(`${unknown}${ttl}${unknown}${overflow}`)).toEqual({
      ...NOTHING,
      ttl: 33,
      overflow: 5,
    });
  });

  test.each([
    ["a length of zero", "0000000000000000 00000000 02000000 21000000 00000000"],
    ["a length beyond the end", "ff00000000000000 00000000 02000000 21000000 00000000"],
    ["a value shorter than its type", "1200000000000000 00000000 02000000 21000000 00000000"],
    ["half a header", "1400000000000000"],
    ["nothing", ""],
  ])("finds nothing in %s", (_name, hex) => {
    expect(decode(hex)).toEqual(NOTHING);
  });

  test("ends, without an exception, for any bytes", () => {
    const header = fc.tuple(fc.nat(80), fc.constantFrom(0, 1, 41, 255), fc.nat(70));
    const plausible = fc
      .array(fc.tuple(header, fc.uint8Array({ maxLength: 64 })), { maxLength: 6 })
      .map((parts) =>
        Uint8Array.from(
          parts.flatMap(([[length, level, type], data]) => [
            ...[length, 0, 0, 0, 0, 0, 0, 0, level, 0, 0, 0, type, 0, 0, 0],
            ...data,
          ]),
        ),
      );
    fc.assert(
      fc.property(fc.oneof(plausible, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const view = new DataView(Uint8Array.from(bytes).buffer);
        const values = decodeControl(
          view,
          { offset: 0, length: bytes.length, epochSeconds: 0 },
          { ...NOTHING },
        );
        expect(Object.keys(values)).toEqual(Object.keys(NOTHING));
      }),
    );
  });
});

describe("encodeControl()", () => {
  test.each([
    [4, { ttl: 3 }, "140000000000000000000000020000000300000000000000"],
    [4, { tos: 0xb8 }, "14000000000000000000000001000000b800000000000000"],
    [4, { source: "10.0.0.1" }, "1c000000000000000000000008000000000000000a0000010000000000000000"],
    [
      4,
      { interfaceIndex: 7 },
      "1c000000000000000000000008000000070000000000000000000000" + "00000000",
    ],
    [
      6,
      { ttl: 3, tos: 1 },
      "140000000000000029000000340000000300000000000000140000000000000029000000430000000100000000000000",
    ],
    [
      6,
      { source: "fd82::1", interfaceIndex: 2 },
      "24000000000000002900000032000000fd82000000000000000000000000000102000000" + "00000000",
    ],
    [4, {}, ""],
  ] as const)("IPv%i %p", (family, request, hex) => {
    const bytes = new Uint8Array(128).fill(0xa5);
    const length = encodeControl(request, family, { view: new DataView(bytes.buffer), offset: 0 });
    expect(bytes.subarray(0, length).toHex()).toBe(hex);
    expect(bytes.subarray(length).every((byte) => byte === 0xa5)).toBe(true);
  });
});

describe("socket addresses", () => {
  const ADDRESSES = [
    [{ address: "192.0.2.1", port: 8080 }, "02001f90c00002010000000000000000"],
    [
      { address: "2001:db8::1", port: 0 },
      "0a0000000000000020010db800000000000000000000000100000000",
    ],
    [
      { address: "fe80::1", port: 7, scopeId: 3 },
      "0a00000700000000fe80000000000000000000000000000103000000",
    ],
  ] as const;

  test.each(ADDRESSES)("%p is what it should be, both ways", (value, hex) => {
    const bytes = new Uint8Array(32).fill(0xa5);
    const view = new DataView(bytes.buffer);
    const length = encodeSocketAddress(value, view, 0);
    expect(bytes.subarray(0, length).toHex()).toBe(hex);
    expect(decodeSocketAddress(view, 0, length)).toEqual(value);
    expect(decodeSocketAddress(view, 0, length - 1)).toBeUndefined();
  });

  test("take a numeric zone as the scope, and refuse a name", () => {
    const view = new DataView(new ArrayBuffer(32));
    const length = encodeSocketAddress({ address: "fe80::1%3" }, view, 0);
    expect(decodeSocketAddress(view, 0, length)).toEqual({
      address: "fe80::1",
      port: 0,
      scopeId: 3,
    });
    expect(() => encodeSocketAddress({ address: "fe80::1%eth0" }, view, 0)).toThrow(TypeError);
    expect(() => encodeSocketAddress({ address: "localhost" }, view, 0)).toThrow(TypeError);
  });

  test("of other families are unknown", () => {
    expect(decodeSocketAddress(new DataView(new ArrayBuffer(32)), 0, 28)).toBeUndefined();
  });
});
