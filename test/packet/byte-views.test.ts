import { describe, expect, test } from "bun:test";
import {
  type ByteView,
  decodeExtensions,
  decodeIcmpv4,
  decodeIcmpv6,
  decodeIpv4Header,
  decodeIpv4Options,
  decodeIpv6Header,
  decodeIpv6Options,
  decodeQuote,
  decodeTcpHeader,
  decodeUdpHeader,
  encodeExtensions,
  encodeIcmpv4,
  encodeIcmpv6,
  encodeIpv4Header,
  encodeIpv6Header,
  encodeTcpHeader,
  encodeUdpHeader,
  formatPacket,
  PacketError,
} from "../../src/packet/index.ts";
import { fixtureNames, fixturePacket } from "../fixtures/tshark.ts";
import { encodedBytes, fromHex, paddedView, toHex } from "../support/hex.ts";

const PACKETS = fixtureNames().map(fixturePacket);
/**
 * Where layers begin in the fixtures: headers, what follows them, quotes, and extensions behind
 * padded quotes.
 */
const LAYERS = [0, 20, 28, 40, 48, 156, 176];

const DECODERS: readonly (readonly [string, (bytes: ByteView) => unknown])[] = [
  ["decodeIpv4Header()", decodeIpv4Header],
  ["decodeIpv6Header()", decodeIpv6Header],
  ["decodeUdpHeader()", decodeUdpHeader],
  ["decodeTcpHeader()", decodeTcpHeader],
  ["decodeIcmpv4()", decodeIcmpv4],
  ["decodeIcmpv6()", decodeIcmpv6],
  ["decodeExtensions()", decodeExtensions],
  ["decodeQuote() of IPv4", (bytes) => decodeQuote(bytes, 4)],
  ["decodeQuote() of IPv6", (bytes) => decodeQuote(bytes, 6)],
  ["decodeIpv4Options()", decodeIpv4Options],
  ["decodeIpv6Options()", decodeIpv6Options],
  ["formatPacket()", formatPacket],
];

const data = fromHex("68656c6c6f");
const V4 = { source: "192.0.2.1", destination: "198.51.100.7" };
const V6 = { source: "2001:db8::1", destination: "2001:db8::2" };
const MPLS = {
  kind: "mpls",
  labels: [{ label: 16, trafficClass: 0, bottomOfStack: true, ttl: 1 }],
} as const;

const ENCODERS: readonly (readonly [string, (target: ByteView) => number])[] = [
  [
    "encodeIpv4Header()",
    (target) => encodeIpv4Header({ ...V4, totalLength: 28, protocol: 1 }, target),
  ],
  [
    "encodeIpv6Header()",
    (target) => encodeIpv6Header({ ...V6, payloadLength: 8, nextHeader: 58 }, target),
  ],
  [
    "encodeUdpHeader()",
    (target) =>
      encodeUdpHeader({ sourcePort: 1, destinationPort: 33_434, length: 8, checksum: 0 }, target),
  ],
  [
    "encodeTcpHeader()",
    (target) => encodeTcpHeader({ sourcePort: 1, destinationPort: 80, options: data }, target),
  ],
  [
    "encodeIcmpv4()",
    (target) => encodeIcmpv4({ kind: "echoRequest", identifier: 1, sequence: 2, data }, target),
  ],
  [
    "encodeIcmpv6()",
    (target) => encodeIcmpv6({ kind: "echoRequest", identifier: 1, sequence: 2, data }, target, V6),
  ],
  ["encodeExtensions()", (target) => encodeExtensions([MPLS], target)],
];

describe("a part of a larger Uint8Array", () => {
  test.each(DECODERS)("%s gives what it gives for a DataView of a copy", (_name, decode) => {
    let decoded = 0;
    for (const packet of PACKETS) {
      for (const start of LAYERS) {
        const copy = packet.slice(start);
        const part = paddedBytes(copy);
        expect(part.byteOffset).toBeGreaterThan(0);
        const found = outcome(decode, part);
        expect(found).toEqual(outcome(decode, new DataView(copy.buffer)));
        if (!(found instanceof PacketError)) decoded += 1;
      }
    }
    expect(decoded).toBeGreaterThan(0);
  });

  test.each(ENCODERS)(
    "%s writes what it writes into a DataView, and nothing else",
    (_name, encode) => {
      const expected = encodedBytes(encode);
      const written = encodedBytes((view) => encode(bytesOf(view)));
      expect(toHex(written)).toBe(toHex(expected));
      expect(written.length).toBeGreaterThan(0);
    },
  );

  test.each(ENCODERS)("%s does not take the bytes behind it for room", (_name, encode) => {
    const { length } = encodedBytes(encode);
    const buffer = new Uint8Array(length + 100).fill(0xa5);
    expect(() => encode(buffer.subarray(10, 10 + length - 1))).toThrow(PacketError);
    expect(buffer.every((byte) => byte === 0xa5)).toBe(true);
  });

  test("is shared with what decodes as bytes, a Buffer too", () => {
    const part = paddedBytes(fromHex("0800 f7fd 0001 0001 6869"));
    for (const bytes of [part, Buffer.from(part)]) {
      const message = decodeIcmpv4(bytes);
      if (message.kind !== "echoRequest") throw new Error(`Decoded as ${message.kind}`);
      expect(toHex(message.data)).toBe("6869");
      bytes[8] = 0x48;
      expect(toHex(message.data)).toBe("4869");
    }
  });
});

/** A copy of `bytes` as a `Uint8Array` in the middle of a larger buffer. */
function paddedBytes(bytes: Uint8Array): Uint8Array {
  return bytesOf(paddedView(bytes));
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** What `decode` returns, or the `PacketError` it throws. */
function outcome(decode: (bytes: ByteView) => unknown, bytes: ByteView): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof PacketError) return error;
    throw error;
  }
}
