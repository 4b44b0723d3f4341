import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
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
  type ExtensionObjectFields,
  encodeExtensions,
  encodeIcmpv4,
  encodeIcmpv6,
  encodeIpv4Header,
  encodeIpv6Header,
  encodeTcpHeader,
  encodeUdpHeader,
  extensionsLength,
  formatAddress,
  formatPacket,
  type Icmpv4Fields,
  type Icmpv6Fields,
  icmpv4Length,
  icmpv6Length,
  PacketError,
  verifyChecksum,
} from "../../src/packet/index.ts";
import { fixtureNames, fixturePacket } from "../fixtures/tshark.ts";
import { encodedBytes, paddedView } from "../support/hex.ts";

const DECODERS: readonly (readonly [string, (view: DataView) => unknown])[] = [
  ["decodeIpv4Header()", decodeIpv4Header],
  ["decodeIpv6Header()", decodeIpv6Header],
  ["decodeUdpHeader()", decodeUdpHeader],
  ["decodeTcpHeader()", decodeTcpHeader],
  ["decodeIcmpv4()", decodeIcmpv4],
  ["decodeIcmpv6()", decodeIcmpv6],
  ["decodeExtensions()", decodeExtensions],
  ["decodeQuote() of IPv4", (view) => decodeQuote(view, 4)],
  ["decodeQuote() of IPv6", (view) => decodeQuote(view, 6)],
];

/** These take any bytes without exception. */
const TOTAL: readonly (readonly [string, (view: DataView) => unknown])[] = [
  ["decodeIpv4Options()", decodeIpv4Options],
  ["decodeIpv6Options()", decodeIpv6Options],
  ["formatPacket()", formatPacket],
];

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const data = fc.uint8Array({ maxLength: 200 });
const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => formatAddress(bytes));
const address6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => formatAddress(bytes));

/**
 * Bytes of fixtures, some of them changed, from any offset on, cut anywhere: they reach deeper than
 * random ones.
 */
const PACKETS = fixtureNames().map(fixturePacket);
const mangled = fc
  .tuple(fc.constantFrom(...PACKETS), u16, u16, fc.array(fc.tuple(u16, u8), { maxLength: 6 }))
  .map(([packet, start, length, changes]) => {
    // Mostly at the places where a layer begins.
    const from = [0, 20, 28, 40, 48, 156, 176][start % 10] ?? start % packet.length;
    const bytes = packet.slice(from);
    for (const [offset, value] of changes) bytes[offset % Math.max(1, bytes.length)] = value;
    return length % 3 === 0 ? bytes : bytes.subarray(0, length % (bytes.length + 1));
  });
/**
 * An extension structure without a checksum, of small numbers: lengths, classes and C-Types that
 * mean something.
 */
const extensionLike = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.nat(16) }, u8), { maxLength: 60 })
  .map((content) => Uint8Array.from([0x20, 0, 0, 0, ...content]));
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), mangled, extensionLike);

describe("any bytes at all", () => {
  test.each(DECODERS)("%s decodes or throws PacketError", (_name, decode) => {
    let decoded = 0;
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          expect(decode(paddedView(bytes))).toBeObject();
          decoded += 1;
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
          expect(error.message).toMatch(/^Cannot decode /);
          expect(error.offset).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 2000 },
    );
    expect(decoded).toBeGreaterThan(20);
  });

  test.each(TOTAL)("%s never throws", (_name, decode) => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        decode(paddedView(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("formatPacket() writes one line without control characters", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(formatPacket(bytes)).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]+$/u);
      }),
      { numRuns: 2000 },
    );
  });

  // The most work for the fewest bytes: smallest objects, options and headers, 64 KiB of them.
  test.each([...DECODERS, ...TOTAL])("%s is done with 64 KiB in bounded time", (_name, decode) => {
    const heads = ["45", "60", "01", "03", "0b", "20000000", "4f", "6000000000003c01"].map((hex) =>
      Buffer.from(hex, "hex"),
    );
    const fillers = ["00", "01", "04", "000400f7", "0004f700", "3c00010400000000", "ff"].map(
      (hex) => Buffer.from(hex, "hex"),
    );
    const started = performance.now();
    for (const head of heads) {
      for (const filler of fillers) {
        const bytes = new Uint8Array(65_535);
        Buffer.from(bytes.buffer).fill(filler);
        bytes.set(head);
        try {
          decode(new DataView(bytes.buffer));
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
        }
      }
    }
    // 56 packets; measured 35 ms for the slowest. A quadratic loop would take minutes.
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe("encode, then decode", () => {
  const ipv4 = fc.record({
    dscp: fc.nat(63),
    ecn: fc.nat(3),
    totalLength: u16,
    identification: u16,
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    reservedFlag: fc.boolean(),
    fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
    ttl: u8,
    protocol: u8,
    source: address4,
    destination: address4,
    options: fc
      .nat(10)
      .chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
  });

  test("an IPv4 header, whose checksum is then good", () => {
    fc.assert(
      fc.property(ipv4, (header) => {
        const bytes = encodedBytes((view) => encodeIpv4Header(header, view));
        expect(decodeIpv4Header(paddedView(bytes))).toMatchObject({
          ...header,
          headerLength: bytes.length,
        });
        expect(verifyChecksum(bytes)).toBe(true);
      }),
    );
  });

  const upperLayer = u8.filter((protocol) => ![0, 43, 44, 51, 60].includes(protocol));

  test("an IPv6 header", () => {
    const ipv6 = fc.record({
      dscp: fc.nat(63),
      ecn: fc.nat(3),
      flowLabel: fc.nat(0xfffff),
      payloadLength: u16,
      nextHeader: upperLayer,
      hopLimit: u8,
      source: address6,
      destination: address6,
    });
    fc.assert(
      fc.property(ipv6, (header) => {
        const bytes = encodedBytes((view) => encodeIpv6Header(header, view));
        expect(decodeIpv6Header(paddedView(bytes))).toMatchObject({
          ...header,
          ttl: header.hopLimit,
          protocol: header.nextHeader,
        });
      }),
    );
  });

  test("a UDP header", () => {
    const udp = fc.record({ sourcePort: u16, destinationPort: u16, length: u16, checksum: u16 });
    fc.assert(
      fc.property(udp, (header) => {
        expect(
          decodeUdpHeader(paddedView(encodedBytes((view) => encodeUdpHeader(header, view)))),
        ).toEqual(header);
      }),
    );
  });

  test("a TCP header", () => {
    const tcp = fc.record({
      sourcePort: u16,
      destinationPort: u16,
      sequenceNumber: u32,
      acknowledgmentNumber: u32,
      flags: fc.nat(0xfff),
      window: u16,
      checksum: u16,
      urgentPointer: u16,
      options: fc
        .nat(10)
        .chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
    });
    fc.assert(
      fc.property(tcp, (header) => {
        const bytes = encodedBytes((view) => encodeTcpHeader(header, view));
        expect(decodeTcpHeader(paddedView(bytes))).toEqual({
          ...header,
          headerLength: bytes.length,
        });
      }),
    );
  });

  const name = fc
    .string({ unit: "grapheme", maxLength: 12 })
    .filter((text) => !text.includes("\0"));
  const optional = { requiredKeys: ["kind", "role"] as ["kind", "role"] };
  const object: fc.Arbitrary<ExtensionObjectFields> = fc.oneof(
    fc.record({
      kind: fc.constant("mpls" as const),
      labels: fc.array(
        fc.record({
          label: fc.nat(0xfffff),
          trafficClass: fc.nat(7),
          bottomOfStack: fc.boolean(),
          ttl: u8,
        }),
        { minLength: 1, maxLength: 5 },
      ),
    }),
    fc.record(
      {
        kind: fc.constant("interfaceInformation" as const),
        role: fc.constantFrom(
          "incoming" as const,
          "incomingSubIp" as const,
          "outgoing" as const,
          "nextHop" as const,
        ),
        index: u32,
        address: fc.oneof(address4, address6),
        name,
        mtu: u32,
      },
      optional,
    ),
    name.map((text) => ({
      kind: "interfaceIdentification" as const,
      by: "name" as const,
      name: text,
    })),
    u32.map((index) => ({ kind: "interfaceIdentification" as const, by: "index" as const, index })),
    fc.oneof(address4, address6).map((address) => ({
      kind: "interfaceIdentification" as const,
      by: "address" as const,
      address,
    })),
    fc.record({
      kind: fc.constant("raw" as const),
      classNumber: fc.integer({ min: 4, max: 255 }),
      cType: u8,
      payload: data,
    }),
  );
  const extensions = fc.array(object, { maxLength: 4 });

  test("an extension structure", () => {
    fc.assert(
      fc.property(extensions, (objects) => {
        const bytes = encodedBytes((view) => encodeExtensions(objects, view));
        expect(bytes.length).toBe(extensionsLength(objects));
        const decoded = decodeExtensions(paddedView(bytes));
        expect(decoded.malformed).toBe(false);
        expect(decoded.objects).toMatchObject(objects);
        expect(encodedBytes((view) => encodeExtensions(decoded.objects, view))).toEqual(bytes);
      }),
    );
  });

  const echo = { code: u8, identifier: u16, sequence: u16, data };
  const extendedEcho = { code: u8, identifier: u16, sequence: u8, data };
  const shared = [
    fc.record({ kind: fc.constantFrom("echoRequest" as const, "echoReply" as const), ...echo }),
    fc.record({
      kind: fc.constant("extendedEchoRequest" as const),
      ...extendedEcho,
      local: fc.boolean(),
      extensions: extensions.filter((objects) => objects.length > 0),
    }),
    fc.record({
      kind: fc.constant("extendedEchoReply" as const),
      ...extendedEcho,
      state: fc.nat(7),
      active: fc.boolean(),
      ipv4: fc.boolean(),
      ipv6: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("timeExceeded" as const),
      code: u8,
      originalDatagram: data,
      extensions,
    }),
  ] as const;

  test("an ICMPv4 message, whose checksum is then good", () => {
    const message: fc.Arbitrary<Icmpv4Fields> = fc.oneof(
      ...shared,
      fc.record({
        kind: fc.constant("destinationUnreachable" as const),
        code: u8,
        nextHopMtu: u16,
        originalDatagram: data,
        extensions,
      }),
      fc.record({
        kind: fc.constant("parameterProblem" as const),
        code: u8,
        pointer: u8,
        originalDatagram: data,
        extensions,
      }),
      fc.record({
        kind: fc.constant("redirect" as const),
        code: u8,
        gateway: address4,
        originalDatagram: data,
      }),
      fc.record({
        kind: fc.constantFrom("timestampRequest" as const, "timestampReply" as const),
        code: u8,
        identifier: u16,
        sequence: u16,
        originate: u32,
        receive: u32,
        transmit: u32,
      }),
      fc.record({
        kind: fc.constant("raw" as const),
        type: fc.integer({ min: 44, max: 255 }),
        code: u8,
        body: data,
      }),
    );
    fc.assert(
      fc.property(message, (fields) => {
        const bytes = encodedBytes((view) => encodeIcmpv4(fields, view));
        expect(bytes.length).toBe(icmpv4Length(fields));
        expect(verifyChecksum(bytes)).toBe(true);
        const decoded = decodeIcmpv4(paddedView(bytes));
        expect(decoded).toMatchObject(withPadding(fields, decoded));
        expect(encodedBytes((view) => encodeIcmpv4(decoded, view))).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("an ICMPv6 message", () => {
    const discovery = [
      "routerSolicitation",
      "neighborAdvertisement",
      "mldQuery",
      "mldv2Report",
    ] as const;
    const message: fc.Arbitrary<Icmpv6Fields> = fc.oneof(
      ...shared,
      fc.record({
        kind: fc.constant("destinationUnreachable" as const),
        code: u8,
        originalDatagram: data,
        extensions,
      }),
      fc.record({
        kind: fc.constant("packetTooBig" as const),
        code: u8,
        mtu: u32,
        originalDatagram: data,
      }),
      fc.record({
        kind: fc.constant("parameterProblem" as const),
        code: u8,
        pointer: u32,
        originalDatagram: data,
      }),
      fc.record({
        kind: fc.constant("redirect" as const),
        code: u8,
        target: address6,
        destination: address6,
        options: data,
      }),
      fc.record({ kind: fc.constantFrom(...discovery), code: u8, body: data }),
      fc.record({
        kind: fc.constant("raw" as const),
        type: fc.integer({ min: 200, max: 255 }),
        code: u8,
        body: data,
      }),
    );
    fc.assert(
      fc.property(message, (fields) => {
        const bytes = encodedBytes((view) => encodeIcmpv6(fields, view));
        expect(bytes.length).toBe(icmpv6Length(fields));
        const decoded = decodeIcmpv6(paddedView(bytes));
        expect(decoded).toMatchObject(withPadding(fields, decoded));
        expect(encodedBytes((view) => encodeIcmpv6(decoded, view))).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

/** `fields` with the quote as long as it is decoded, zeros added: extensions come after padding. */
function withPadding(fields: Icmpv4Fields | Icmpv6Fields, decoded: object): object {
  if (!("originalDatagram" in fields && "originalDatagram" in decoded)) return fields;
  const { originalDatagram } = decoded as { originalDatagram: Uint8Array };
  const padded = new Uint8Array(originalDatagram.length);
  padded.set(fields.originalDatagram);
  return { ...fields, originalDatagram: padded };
}
