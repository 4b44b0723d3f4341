import { describe, expect, test } from "bun:test";
import {
  decodeIcmpv4,
  decodeIcmpv6,
  encodeIcmpv4,
  encodeIcmpv6,
  type Icmpv4Message,
  Icmpv4Type,
  type Icmpv6Message,
  Icmpv6Type,
  icmpCodeName,
  icmpTypeName,
  icmpv4Length,
  icmpv6Length,
  ipv6PseudoHeaderSum,
  PacketError,
  verifyChecksum,
} from "../../src/packet/index.ts";
import { encodedBytes, fromHex, toHex, viewOfHex } from "../support/hex.ts";

const NONE = new Uint8Array(0);
const QUOTE = fromHex("4500001c 00010000 01110000 0a000001 0a000002 c000829a 00080000");

const V4_ROWS: readonly (readonly [string, string, Icmpv4Message])[] = [
  [
    "echo request",
    "0800 d5ab beef 0102 6162 01",
    {
      kind: "echoRequest",
      type: 8,
      code: 0,
      checksum: 0xd5ab,
      identifier: 0xbeef,
      sequence: 0x0102,
      data: fromHex("616201"),
    },
  ],
  [
    "echo reply without data, unusual code",
    "0007 fff8 0000 0000",
    {
      kind: "echoReply",
      type: 0,
      code: 7,
      checksum: 0xfff8,
      identifier: 0,
      sequence: 0,
      data: NONE,
    },
  ],
  [
    "fragmentation needed",
    `0304 0000 0000 05dc ${toHex(QUOTE)}`,
    {
      kind: "destinationUnreachable",
      type: 3,
      code: 4,
      checksum: 0,
      nextHopMtu: 1500,
      originalDatagram: QUOTE,
      extensions: [],
    },
  ],
  [
    "unreachable with an unknown code and no quote",
    "03c8 0000 0000 0000",
    {
      kind: "destinationUnreachable",
      type: 3,
      code: 200,
      checksum: 0,
      nextHopMtu: 0,
      originalDatagram: NONE,
      extensions: [],
    },
  ],
  [
    "time exceeded",
    `0b01 0000 00000000 ${toHex(QUOTE)}`,
    {
      kind: "timeExceeded",
      type: 11,
      code: 1,
      checksum: 0,
      originalDatagram: QUOTE,
      extensions: [],
    },
  ],
  [
    "parameter problem",
    `0c00 0000 14000000 ${toHex(QUOTE)}`,
    {
      kind: "parameterProblem",
      type: 12,
      code: 0,
      checksum: 0,
      pointer: 20,
      originalDatagram: QUOTE,
      extensions: [],
    },
  ],
  [
    "redirect",
    `0501 0000 c0000201 ${toHex(QUOTE)}`,
    {
      kind: "redirect",
      type: 5,
      code: 1,
      checksum: 0,
      gateway: "192.0.2.1",
      originalDatagram: QUOTE,
    },
  ],
  [
    "timestamp request",
    "0d00 0000 1234 0001 05265bff 00000000 00000000",
    {
      kind: "timestampRequest",
      type: 13,
      code: 0,
      checksum: 0,
      identifier: 0x1234,
      sequence: 1,
      originate: 86_399_999,
      receive: 0,
      transmit: 0,
    },
  ],
  [
    "timestamp reply of a non-standard clock",
    "0e00 0000 1234 0001 05265bff 80000001 ffffffff",
    {
      kind: "timestampReply",
      type: 14,
      code: 0,
      checksum: 0,
      identifier: 0x1234,
      sequence: 1,
      originate: 86_399_999,
      receive: 0x80000001,
      transmit: 0xffffffff,
    },
  ],
  [
    "extended echo request by name, checksum of RFC 1071",
    "2a00 0000 0001 ff01 2000 7087 0008 0301 6c6f0000",
    {
      kind: "extendedEchoRequest",
      type: 42,
      code: 0,
      checksum: 0,
      identifier: 1,
      sequence: 255,
      local: true,
      extensions: [
        { kind: "interfaceIdentification", classNumber: 3, cType: 1, by: "name", name: "lo" },
      ],
      data: NONE,
    },
  ],
  [
    "extended echo request with data behind its structure",
    "2a00 9191 0007 0001 2000 dcf4 0008 0302 00000001 11223344",
    {
      kind: "extendedEchoRequest",
      type: 42,
      code: 0,
      checksum: 0x9191,
      identifier: 7,
      sequence: 0,
      local: true,
      extensions: [
        { kind: "interfaceIdentification", classNumber: 3, cType: 2, by: "index", index: 1 },
      ],
      data: fromHex("11223344"),
    },
  ],
  [
    "extended echo request whose structure is not one",
    "2a00 0000 0001 ff00 3000 7087 0008",
    {
      kind: "extendedEchoRequest",
      type: 42,
      code: 0,
      checksum: 0,
      identifier: 1,
      sequence: 255,
      local: false,
      extensions: [],
      data: fromHex("300070870008"),
    },
  ],
  [
    "extended echo reply",
    "2b00 0000 0001 02e7 01",
    {
      kind: "extendedEchoReply",
      type: 43,
      code: 0,
      checksum: 0,
      identifier: 1,
      sequence: 2,
      state: 7,
      active: true,
      ipv4: true,
      ipv6: true,
      data: fromHex("01"),
    },
  ],
  [
    "router advertisement",
    "0900 1234 01020708",
    { kind: "raw", type: 9, code: 0, checksum: 0x1234, body: fromHex("01020708") },
  ],
  [
    "an unknown type of 4 bytes",
    "ff01 0203",
    { kind: "raw", type: 255, code: 1, checksum: 0x0203, body: NONE },
  ],
];

describe("decodeIcmpv4(), encodeIcmpv4()", () => {
  test.each(V4_ROWS)("%s", (_name, hex, message) => {
    expect(decodeIcmpv4(viewOfHex(hex))).toEqual(message);
    const bytes = encodedBytes((view) => encodeIcmpv4(message, view, { checksum: "keep" }));
    expect(toHex(bytes)).toBe(toHex(fromHex(hex)));
    expect(icmpv4Length(message)).toBe(bytes.length);
  });

  test.each(V4_ROWS)(
    "%s gets a good checksum and the type its kind says",
    (_name, _hex, message) => {
      const { checksum: _, code, ...fields } = message;
      const bytes = encodedBytes((view) => encodeIcmpv4({ ...fields, code }, view));
      expect(verifyChecksum(bytes)).toBe(true);
      expect(bytes[0]).toBe(message.type);
    },
  );

  test("computes the checksum that the first row holds", () => {
    const [, hex, { checksum, ...message }] = V4_ROWS[0] as (typeof V4_ROWS)[number];
    expect(checksum).not.toBe(0);
    expect(toHex(encodedBytes((view) => encodeIcmpv4(message, view)))).toBe(toHex(fromHex(hex)));
  });

  test.each([
    ["3 bytes", "080000"],
    ["an echo of 7 bytes", "08000000000100"],
    ["an unreachable of 4 bytes", "03000000"],
    ["a time exceeded of 7 bytes", "0b000000000000"],
    ["a parameter problem of 5 bytes", "0c00000000"],
    ["a redirect of 7 bytes", "05000000000000"],
    ["a timestamp of 19 bytes", `0d${"00".repeat(18)}`],
    ["an extended echo request of 7 bytes", "2a000000000100"],
    ["an extended echo reply of 7 bytes", "2b000000000100"],
  ])("refuses %s", (_name, hex) => {
    expect(() => decodeIcmpv4(viewOfHex(hex))).toThrow(PacketError);
  });

  test("refuses values that do not fit and memory that is too small", () => {
    const view = new DataView(new ArrayBuffer(64));
    const echo = { kind: "echoRequest", identifier: 0, sequence: 0, data: NONE } as const;
    expect(() => encodeIcmpv4({ ...echo, identifier: 65_536 }, view)).toThrow(PacketError);
    expect(() => encodeIcmpv4({ ...echo, sequence: -1 }, view)).toThrow(PacketError);
    expect(() => encodeIcmpv4({ ...echo, code: 256 }, view)).toThrow(PacketError);
    expect(() => encodeIcmpv4(echo, new DataView(view.buffer, 0, 7))).toThrow(PacketError);
    expect(() =>
      encodeIcmpv4({ kind: "redirect", gateway: "::1", originalDatagram: NONE }, view),
    ).toThrow(PacketError);
  });
});

const TARGET = "fe800000000000000000000000000003";
const DESTINATION = "fd870010000000000000000000000001";

const V6_ROWS: readonly (readonly [string, string, Icmpv6Message])[] = [
  [
    "echo request",
    "8000 0000 beef 0102 6162 01",
    {
      kind: "echoRequest",
      type: 128,
      code: 0,
      checksum: 0,
      identifier: 0xbeef,
      sequence: 0x0102,
      data: fromHex("616201"),
    },
  ],
  [
    "echo reply",
    "8100 0000 0001 ffff",
    {
      kind: "echoReply",
      type: 129,
      code: 0,
      checksum: 0,
      identifier: 1,
      sequence: 0xffff,
      data: NONE,
    },
  ],
  [
    "unreachable",
    `0104 0000 00000000 ${toHex(QUOTE)}`,
    {
      kind: "destinationUnreachable",
      type: 1,
      code: 4,
      checksum: 0,
      originalDatagram: QUOTE,
      extensions: [],
    },
  ],
  [
    "packet too big, an MTU of 32 bits",
    `0200 0000 fffffffe ${toHex(QUOTE)}`,
    {
      kind: "packetTooBig",
      type: 2,
      code: 0,
      checksum: 0,
      mtu: 0xfffffffe,
      originalDatagram: QUOTE,
    },
  ],
  [
    "time exceeded with an unknown code",
    `0309 0000 00000000 ${toHex(QUOTE)}`,
    {
      kind: "timeExceeded",
      type: 3,
      code: 9,
      checksum: 0,
      originalDatagram: QUOTE,
      extensions: [],
    },
  ],
  [
    "parameter problem beyond the quote",
    `0402 0000 80000001 ${toHex(QUOTE)}`,
    {
      kind: "parameterProblem",
      type: 4,
      code: 2,
      checksum: 0,
      pointer: 0x80000001,
      originalDatagram: QUOTE,
    },
  ],
  [
    "redirect with an option",
    `8900 0000 00000000 ${TARGET} ${DESTINATION} 0201020000000003`,
    {
      kind: "redirect",
      type: 137,
      code: 0,
      checksum: 0,
      target: "fe80::3",
      destination: "fd87:10::1",
      options: fromHex("0201020000000003"),
    },
  ],
  ...(
    [
      ["routerSolicitation", 133],
      ["routerAdvertisement", 134],
      ["neighborSolicitation", 135],
      ["neighborAdvertisement", 136],
      ["mldQuery", 130],
      ["mldReport", 131],
      ["mldDone", 132],
      ["mldv2Report", 143],
    ] as const
  ).map(
    ([kind, type]) =>
      [
        kind,
        `${type.toString(16)}01 0000 0102030405`,
        { kind, type, code: 1, checksum: 0, body: fromHex("0102030405") },
      ] as const,
  ),
  [
    "extended echo request by index",
    "a000 0000 0001 ff00 2000 dcf3 0008 0302 00000002",
    {
      kind: "extendedEchoRequest",
      type: 160,
      code: 0,
      checksum: 0,
      identifier: 1,
      sequence: 255,
      local: false,
      extensions: [
        { kind: "interfaceIdentification", classNumber: 3, cType: 2, by: "index", index: 2 },
      ],
      data: NONE,
    },
  ],
  [
    "extended echo reply, multiple interfaces",
    "a104 0000 0001 0240",
    {
      kind: "extendedEchoReply",
      type: 161,
      code: 4,
      checksum: 0,
      identifier: 1,
      sequence: 2,
      state: 2,
      active: false,
      ipv4: false,
      ipv6: false,
      data: NONE,
    },
  ],
  [
    "an unknown type",
    "ff00 0000 deadbeef",
    { kind: "raw", type: 255, code: 0, checksum: 0, body: fromHex("deadbeef") },
  ],
];

describe("decodeIcmpv6(), encodeIcmpv6()", () => {
  test.each(V6_ROWS)("%s", (_name, hex, message) => {
    expect(decodeIcmpv6(viewOfHex(hex))).toEqual(message);
    const bytes = encodedBytes((view) => encodeIcmpv6(message, view));
    expect(toHex(bytes)).toBe(toHex(fromHex(hex)));
    expect(icmpv6Length(message)).toBe(bytes.length);
  });

  test.each(V6_ROWS)(
    "%s gets a good checksum when the addresses are known",
    (_name, _hex, message) => {
      const pseudo = { source: "fe80::1%eth0", destination: "ff02::1" };
      const bytes = encodedBytes((view) => encodeIcmpv6(message, view, pseudo));
      expect(verifyChecksum(bytes, ipv6PseudoHeaderSum(pseudo, 58, bytes.length))).toBe(true);
      expect(decodeIcmpv6(new DataView(bytes.buffer)).checksum).not.toBe(0);
    },
  );

  test.each([
    ["3 bytes", "800000"],
    ["an echo of 7 bytes", "80000000000100"],
    ["an unreachable of 4 bytes", "01000000"],
    ["a packet too big of 7 bytes", "02000000000000"],
    ["a parameter problem of 7 bytes", "04000000000000"],
    ["a redirect of 39 bytes", `89${"00".repeat(38)}`],
    ["an extended echo reply of 7 bytes", "a1000000000100"],
  ])("refuses %s", (_name, hex) => {
    expect(() => decodeIcmpv6(viewOfHex(hex))).toThrow(PacketError);
  });
});

describe("icmpTypeName(), icmpCodeName()", () => {
  test.each([
    [4, 11, 0, "time exceeded", "in transit"],
    [4, 3, 13, "destination unreachable", "communication administratively prohibited"],
    [4, 8, 0, "echo request", "code 0"],
    [4, 43, 2, "extended echo reply", "no such interface"],
    [4, 255, 9, "type 255", "code 9"],
    [6, 3, 0, "time exceeded", "in transit"],
    [6, 1, 4, "destination unreachable", "port unreachable"],
    [6, 143, 0, "multicast listener report v2", "code 0"],
    [6, 11, 0, "type 11", "code 0"],
  ] as const)("IPv%d type %d code %d", (family, type, code, typeName, codeName) => {
    expect(icmpTypeName(family, type)).toBe(typeName);
    expect(icmpCodeName(family, type, code)).toBe(codeName);
  });

  test("name every type in the tables", () => {
    for (const type of Object.values(Icmpv4Type))
      expect(icmpTypeName(4, type)).not.toStartWith("type ");
    for (const type of Object.values(Icmpv6Type))
      expect(icmpTypeName(6, type)).not.toStartWith("type ");
  });
});
