import { describe, expect, test } from "bun:test";
import {
  decodeIpv4Options,
  decodeIpv6Options,
  type Ipv4Option,
  type Ipv6Option,
} from "../../src/packet/index.ts";
import { fromHex, viewOfHex } from "../support/hex.ts";

const V4_ROWS: readonly (readonly [string, string, readonly Ipv4Option[]])[] = [
  ["no options", "", []],
  [
    "no-operation, end, and nothing after it",
    "01 00 07070400000000",
    [
      { kind: "noOperation", type: 1 },
      { kind: "end", type: 0 },
    ],
  ],
  [
    "record route, one of two slots filled",
    "07 0b 08 c0000201 00000000",
    [{ kind: "recordRoute", type: 7, pointer: 8, route: ["192.0.2.1", "0.0.0.0"], visited: 1 }],
  ],
  [
    "record route, full",
    "07 07 08 c0000201",
    [{ kind: "recordRoute", type: 7, pointer: 8, route: ["192.0.2.1"], visited: 1 }],
  ],
  [
    "record route with a pointer far past its end",
    "07 07 ff c0000201",
    [{ kind: "recordRoute", type: 7, pointer: 255, route: ["192.0.2.1"], visited: 1 }],
  ],
  [
    "record route with pointer 0",
    "07 07 00 c0000201",
    [{ kind: "recordRoute", type: 7, pointer: 0, route: ["192.0.2.1"], visited: 0 }],
  ],
  [
    "loose and strict source routes",
    "83 07 04 c0000201 89 03 04",
    [
      { kind: "looseSourceRoute", type: 131, pointer: 4, route: ["192.0.2.1"], visited: 0 },
      { kind: "strictSourceRoute", type: 137, pointer: 4, route: [], visited: 0 },
    ],
  ],
  [
    "timestamps only, three routers found no room",
    "44 08 09 30 05265bff",
    [
      {
        kind: "timestamp",
        type: 68,
        pointer: 9,
        overflow: 3,
        flag: 0,
        entries: [{ time: 86_399_999 }],
      },
    ],
  ],
  [
    "timestamps with addresses",
    "44 0c 05 01 c0000201 80000000",
    [
      {
        kind: "timestamp",
        type: 68,
        pointer: 5,
        overflow: 0,
        flag: 1,
        entries: [{ address: "192.0.2.1", time: 0x80000000 }],
      },
    ],
  ],
  ["router alert", "94 04 0000", [{ kind: "routerAlert", type: 148, value: 0 }]],
  ["an unknown option", "5e 04 abcd", [{ kind: "unknown", type: 94, data: fromHex("abcd") }]],
  [
    "a record route of 8 bytes",
    "07 08 04 0000000000",
    [{ kind: "unknown", type: 7, data: fromHex("040000000000") }],
  ],
  ["a router alert of 3 bytes", "94 03 00", [{ kind: "unknown", type: 148, data: fromHex("00") }]],
  ["a timestamp of 3 bytes", "44 03 05", [{ kind: "unknown", type: 68, data: fromHex("05") }]],
  ["length 0", "07 00 04 00", [{ kind: "unknown", type: 7, data: fromHex("0400") }]],
  ["length 1", "07 01 04 00", [{ kind: "unknown", type: 7, data: fromHex("0400") }]],
  ["a length past the end", "07 05 04 00", [{ kind: "unknown", type: 7, data: fromHex("0400") }]],
  [
    "a type without a length",
    "01 07",
    [
      { kind: "noOperation", type: 1 },
      { kind: "unknown", type: 7, data: fromHex("") },
    ],
  ],
];

const V6_ROWS: readonly (readonly [string, string, readonly Ipv6Option[]])[] = [
  [
    "router alert and padding",
    "0502 0000 0100",
    [
      { kind: "routerAlert", type: 5, value: 0 },
      { kind: "padding", type: 1, length: 2 },
    ],
  ],
  [
    "padding of one byte",
    "00 00 0101 00",
    [
      { kind: "padding", type: 0, length: 1 },
      { kind: "padding", type: 0, length: 1 },
      { kind: "padding", type: 1, length: 3 },
    ],
  ],
  ["a jumbo payload", "c204 00010000", [{ kind: "unknown", type: 194, data: fromHex("00010000") }]],
  ["a router alert of 1 byte", "0501 00", [{ kind: "unknown", type: 5, data: fromHex("00") }]],
  [
    "a length past the end",
    "be05 01020304",
    [{ kind: "unknown", type: 190, data: fromHex("01020304") }],
  ],
  ["a type without a length", "be", [{ kind: "unknown", type: 190, data: fromHex("") }]],
];

describe("decodeIpv4Options()", () => {
  test.each(V4_ROWS)("%s", (_name, hex, options) => {
    expect(decodeIpv4Options(viewOfHex(hex))).toEqual([...options]);
    expect(decodeIpv4Options(fromHex(hex))).toEqual([...options]);
  });
});

describe("decodeIpv6Options()", () => {
  test.each(V6_ROWS)("%s", (_name, hex, options) => {
    expect(decodeIpv6Options(viewOfHex(hex))).toEqual([...options]);
  });
});
