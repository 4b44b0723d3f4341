import { describe, expect, test } from "bun:test";
import {
  decodeExtensions,
  decodeIcmpv4,
  decodeIcmpv6,
  EXTENSION_MAX_OBJECTS,
  type ExtensionObject,
  encodeExtensions,
  encodeIcmpv4,
  encodeIcmpv6,
  extensionsLength,
  internetChecksum,
  MPLS_MAX_LABELS,
  PacketError,
} from "../../src/packet/index.ts";
import { encodedBytes, fromHex, paddedView, toHex, viewOfHex } from "../support/hex.ts";

const MPLS: ExtensionObject = {
  kind: "mpls",
  classNumber: 1,
  cType: 1,
  labels: [
    { label: 0xabcde, trafficClass: 7, bottomOfStack: false, ttl: 1 },
    { label: 16, trafficClass: 0, bottomOfStack: true, ttl: 255 },
  ],
};

// [name, object with its header, value]
const OBJECTS: readonly (readonly [string, string, ExtensionObject])[] = [
  ["MPLS label stack", "000c 0101 abcdee01 000101ff", MPLS],
  [
    "incoming interface: index, address, name, MTU",
    "0020 020f 00000201 00010000 c0000221 0c67652d302f302f312e3000 000023e8",
    {
      kind: "interfaceInformation",
      classNumber: 2,
      cType: 0x0f,
      role: "incoming",
      index: 513,
      address: "192.0.2.33",
      name: "ge-0/0/1.0",
      mtu: 9192,
    },
  ],
  [
    "sub-IP interface by name, padded",
    "000c 0242 0865746831000000",
    {
      kind: "interfaceInformation",
      classNumber: 2,
      cType: 0x42,
      role: "incomingSubIp",
      name: "eth1",
    },
  ],
  [
    "outgoing interface by IPv6 address",
    "0018 0284 00020000 20010db8000000000000000000000033",
    {
      kind: "interfaceInformation",
      classNumber: 2,
      cType: 0x84,
      role: "outgoing",
      address: "2001:db8::33",
    },
  ],
  [
    "next hop, nothing known",
    "0004 02c0",
    { kind: "interfaceInformation", classNumber: 2, cType: 0xc0, role: "nextHop" },
  ],
  [
    "a name of 63 bytes",
    `0044 0202 40${"61".repeat(63)}`,
    {
      kind: "interfaceInformation",
      classNumber: 2,
      cType: 2,
      role: "incoming",
      name: "a".repeat(63),
    },
  ],
  [
    "a name in UTF-8",
    "000c 0202 08c3bc6265720000",
    { kind: "interfaceInformation", classNumber: 2, cType: 2, role: "incoming", name: "über" },
  ],
  [
    "a name that begins with a byte order mark",
    "000c 0202 08efbbbf61000000",
    { kind: "interfaceInformation", classNumber: 2, cType: 2, role: "incoming", name: "\ufeffa" },
  ],
  [
    "an interface whose C-Type has both reserved bits set",
    "0008 0238 00000201",
    { kind: "interfaceInformation", classNumber: 2, cType: 0x38, role: "incoming", index: 513 },
  ],
  [
    "a deep stack of labels",
    `0084 0101 ${"abcdee01".repeat(32)}`,
    {
      kind: "mpls",
      classNumber: 1,
      cType: 1,
      labels: Array(32).fill({ label: 0xabcde, trafficClass: 7, bottomOfStack: false, ttl: 1 }),
    },
  ],
  [
    "interface identification by name",
    "000c 0301 70666233 2e310000",
    { kind: "interfaceIdentification", classNumber: 3, cType: 1, by: "name", name: "pfb3.1" },
  ],
  [
    "interface identification by index",
    "0008 0302 ffffffff",
    { kind: "interfaceIdentification", classNumber: 3, cType: 2, by: "index", index: 0xffffffff },
  ],
  [
    "interface identification by address",
    "000c 0303 00010400 c0000263",
    {
      kind: "interfaceIdentification",
      classNumber: 3,
      cType: 3,
      by: "address",
      address: "192.0.2.99",
    },
  ],
  [
    "an unknown class",
    "0009 f709 deadbeef01",
    { kind: "raw", classNumber: 247, cType: 9, payload: fromHex("deadbeef01") },
  ],
  [
    "an object without payload",
    "0004 f700",
    { kind: "raw", classNumber: 247, cType: 0, payload: new Uint8Array(0) },
  ],
];

/** Objects whose content does not make sense: kept raw. */
const NONSENSE: readonly (readonly [string, string])[] = [
  ["an MPLS stack of no labels", "0004 0101"],
  ["half an MPLS label", "0006 0101 abcd"],
  ["an MPLS object of another C-Type", "0008 0102 abcdee01"],
  [
    "more MPLS labels than any router pushes",
    `0108 0101 ${"abcdee01".repeat(MPLS_MAX_LABELS + 1)}`,
  ],
  ["interface information without the index it promises", "0004 0208"],
  ["interface information with half an address", "000a 0204 00010000 c000"],
  ["interface information of an unknown address family", "000c 0204 00030000 c0000221"],
  ["a name of length 0", "0008 0202 00000000"],
  ["a name longer than the object", "0008 0202 10616263"],
  ["a name longer than 64 bytes", `0048 0202 44${"61".repeat(67)}`],
  ["a name that is not UTF-8", "0008 0202 04ff6162"],
  ["a name with a NUL inside", "0008 0202 04610062"],
  ["interface information without the MTU it promises", "0004 0201"],
  ["an interface named by more than 255 bytes", `0104 0301 ${"61".repeat(256)}`],
  ["interface identification of an unknown C-Type", "0008 0304 00000001"],
  ["interface identification of C-Type 0", "0008 0300 00000001"],
  ["interface identification with half an index", "0006 0302 0001"],
  ["interface identification with a wrong address length", "000c 0303 00011000 c0000263"],
];

describe("decodeExtensions(), encodeExtensions()", () => {
  test.each(OBJECTS)("%s", (_name, hex, object) => {
    const bytes = structure(hex);
    const checksum = new DataView(bytes.buffer).getUint16(2);
    expect(decodeExtensions(paddedView(bytes))).toEqual({
      version: 2,
      checksum,
      objects: [object],
      malformed: false,
    });
    expect(toHex(encodedBytes((view) => encodeExtensions([object], view)))).toBe(toHex(bytes));
    expect(extensionsLength([object])).toBe(bytes.length);
  });

  test.each(NONSENSE)("keeps %s raw", (_name, hex) => {
    const bytes = structure(hex);
    const { objects } = decodeExtensions(paddedView(bytes));
    expect(objects).toEqual([
      {
        kind: "raw",
        classNumber: bytes[6] as number,
        cType: bytes[7] as number,
        payload: bytes.subarray(8),
      },
    ]);
    expect(toHex(encodedBytes((view) => encodeExtensions(objects, view)))).toBe(toHex(bytes));
  });

  test("decodes several objects in order", () => {
    const bytes = structure(OBJECTS.map(([, hex]) => hex).join(""));
    expect(decodeExtensions(paddedView(bytes)).objects).toEqual(
      OBJECTS.map(([, , object]) => object),
    );
  });

  test("accepts a checksum of zero, which means none", () => {
    expect(decodeExtensions(viewOfHex("20000000 0004f700")).objects.length).toBe(1);
  });

  test.each([
    ["length 0", "0004f700 0000 0101 abcdee01"],
    ["length 3", "0004f700 0003 0101 abcdee01"],
    ["a length past the end", "0004f700 000d 0101 abcdee01 abcdee01"],
    ["half an object header", "0004f700 0004"],
  ])("stops at an object of %s and keeps those before", (_name, hex) => {
    expect(decodeExtensions(paddedView(structure(hex)))).toMatchObject({
      objects: [{ cType: 0 }],
      malformed: true,
    });
  });

  test.each([
    ["3 bytes", "200000"],
    ["version 1", "10000000"],
    ["a wrong checksum", "20001234 0004f700"],
  ])("refuses %s", (_name, hex) => {
    expect(() => decodeExtensions(viewOfHex(hex))).toThrow(PacketError);
  });

  test.each<[string, ExtensionObject]>([
    [
      "a label of 21 bits",
      { ...MPLS, labels: [{ label: 0x100000, trafficClass: 0, bottomOfStack: true, ttl: 1 }] },
    ],
    [
      "a name of 64 bytes",
      {
        kind: "interfaceInformation",
        classNumber: 2,
        cType: 2,
        role: "nextHop",
        name: "x".repeat(64),
      },
    ],
    [
      "a name with a NUL",
      { kind: "interfaceIdentification", classNumber: 3, cType: 1, by: "name", name: "a\0b" },
    ],
    [
      "no address",
      { kind: "interfaceIdentification", classNumber: 3, cType: 3, by: "address", address: "lo" },
    ],
  ])("does not encode %s", (_name, object) => {
    expect(() => encodeExtensions([object], new DataView(new ArrayBuffer(200)))).toThrow(
      PacketError,
    );
  });
});

describe("extensions of error messages", () => {
  const datagram = Uint8Array.from({ length: 128 }, (_, index) => (index === 0 ? 0x45 : index));
  const extensions = [MPLS];
  const unreachable = {
    kind: "destinationUnreachable",
    nextHopMtu: 0,
    originalDatagram: datagram,
  } as const;

  test.each([
    [0, 128, 32],
    [28, 128, 32],
    [128, 128, 32],
    [129, 132, 33],
    [548, 548, 137],
  ])("ICMPv4 pads a quote of %d bytes to %d and says %d words", (length, padded, words) => {
    const originalDatagram = new Uint8Array(length).fill(0x77);
    const bytes = encodedBytes((view) =>
      encodeIcmpv4({ kind: "timeExceeded", originalDatagram, extensions }, view),
    );
    expect(bytes[5]).toBe(words);
    expect(bytes.length).toBe(8 + padded + 16);
    const message = decodeIcmpv4(new DataView(bytes.buffer));
    expect(message).toMatchObject({ extensions });
    if (message.kind !== "timeExceeded") throw new Error(message.kind);
    expect(message.originalDatagram.length).toBe(padded);
    expect(message.originalDatagram.subarray(0, length)).toEqual(originalDatagram);
    expect(message.originalDatagram.subarray(length).every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    [28, 128, 16],
    [129, 136, 17],
    [1232, 1232, 154],
  ])("ICMPv6 pads a quote of %d bytes to %d and says %d words", (length, padded, words) => {
    const originalDatagram = new Uint8Array(length).fill(0x77);
    const bytes = encodedBytes((view) =>
      encodeIcmpv6({ kind: "timeExceeded", originalDatagram, extensions }, view),
    );
    expect(bytes[4]).toBe(words);
    expect(bytes.length).toBe(8 + padded + 16);
    expect(decodeIcmpv6(new DataView(bytes.buffer))).toMatchObject({ extensions });
  });

  test("a quote too long for the length field does not encode", () => {
    const originalDatagram = new Uint8Array(1024);
    expect(() =>
      encodeIcmpv4(
        { kind: "timeExceeded", originalDatagram, extensions },
        new DataView(new ArrayBuffer(2048)),
      ),
    ).toThrow(PacketError);
  });

  test("a message without extensions is not padded and says no length", () => {
    const bytes = encodedBytes((view) =>
      encodeIcmpv4({ ...unreachable, originalDatagram: new Uint8Array(28) }, view),
    );
    expect(bytes.length).toBe(36);
    expect(bytes[5]).toBe(0);
  });

  // [name, length field, structure at offset 128 or where the length says, extensions found]
  const good = toHex(structure("000c 0101 abcdee01 000101ff"));
  test.each<[string, number, string, number]>([
    ["length right, checksum right", 32, good, 1],
    ["no length, checksum right", 0, good, 1],
    ["wrong length, checksum right", 30, good, 1],
    ["length past the end, checksum right", 255, good, 1],
    ["length right, no checksum", 32, "20000000 00080101 abcdef01", 1],
    ["no length, no checksum, well-formed", 0, "20000000 00080101 abcdef01", 1],
    ["no length, no checksum, malformed: quoted data", 0, "20000000 00090101 abcdef01", 0],
    ["no length, no checksum, no objects: quoted data", 0, "20000000", 0],
    ["length right, wrong checksum", 32, "2000beef 00080101 abcdef01", 0],
    ["no length, version 4", 0, "40000000 00080101 abcdef01", 0],
    ["length right, nothing follows", 32, "", 0],
  ])("%s", (_name, length, tail, count) => {
    const view = viewOfHex(
      `0b000000 00${length.toString(16).padStart(2, "0")}0000 ${toHex(datagram)} ${tail}`,
    );
    const message = decodeIcmpv4(view);
    if (message.kind !== "timeExceeded") throw new Error(message.kind);
    expect(message.extensions.length).toBe(count);
    expect(message.originalDatagram.length).toBe(
      count > 0 || tail === "" ? 128 : view.byteLength - 8,
    );
  });

  test(`of 64 KiB full of objects, the first ${EXTENSION_MAX_OBJECTS} are decoded`, () => {
    const objects = toHex(structure("0004 f700".repeat(16_000)));
    const message = decodeIcmpv4(viewOfHex(`0b000000 00200000 ${toHex(datagram)} ${objects}`));
    if (message.kind !== "timeExceeded") throw new Error(message.kind);
    expect(message.extensions.length).toBe(EXTENSION_MAX_OBJECTS);
    expect(message.originalDatagram.length).toBe(128);
    expect(decodeExtensions(fromHex(objects))).toMatchObject({ malformed: true });
  });

  test("a quote that itself looks like extensions at offset 128 comes back as a quote", () => {
    const quote = `${toHex(datagram)} ${good}`;
    const units = (datagram.length + fromHex(good).length) / 4;
    const view = viewOfHex(`0b00f4ff 00${units.toString(16)}0000 ${quote}`);
    const message = decodeIcmpv4(view);
    expect(message).toMatchObject({ extensions: [], originalDatagram: fromHex(quote) });
    const again = encodedBytes((room) => encodeIcmpv4(message, room, { checksum: "keep" }));
    expect(decodeIcmpv4(again)).toEqual(message);
  });

  test("objects before a malformed one are kept when the checksum is good", () => {
    const tail = toHex(structure("0008 0101 abcdef01 0000 0000"));
    const message = decodeIcmpv4(viewOfHex(`0b000000 00000000 ${toHex(datagram)} ${tail}`));
    expect(message).toMatchObject({ extensions: [{ kind: "mpls" }] });
  });
});

/** The structure around `objects`, its checksum computed by the definition in RFC 1071. */
function structure(objects: string): Uint8Array {
  const bytes = fromHex(`20000000 ${objects}`);
  new DataView(bytes.buffer).setUint16(2, internetChecksum(bytes));
  return bytes;
}
