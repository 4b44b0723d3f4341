import { describe, expect, test } from "bun:test";
import {
  decodeIpv4Header,
  decodeIpv6Header,
  decodeTcpHeader,
  decodeUdpHeader,
  encodeIpv4Header,
  encodeIpv6Header,
  encodeTcpHeader,
  encodeUdpHeader,
  IPV6_MAX_EXTENSION_HEADERS,
  type Ipv4Header,
  type Ipv6Header,
  PacketError,
  TcpFlag,
  type TcpHeader,
  tcpChecksum,
  type UdpHeader,
  udpChecksum,
} from "../../src/packet/index.ts";
import { fixturePacket } from "../fixtures/tshark.ts";
import { encodedBytes, fromHex, toHex, viewOfHex } from "../support/hex.ts";

const V4: Ipv4Header = {
  version: 4,
  headerLength: 20,
  dscp: 0,
  ecn: 0,
  totalLength: 0x54,
  identification: 0,
  dontFragment: true,
  moreFragments: false,
  reservedFlag: false,
  fragmentOffset: 0,
  ttl: 64,
  protocol: 1,
  checksum: 0x3ca7,
  source: "127.0.0.1",
  destination: "127.0.0.1",
  options: new Uint8Array(0),
};

const V4_ROWS: readonly (readonly [string, string, Ipv4Header])[] = [
  ["loopback ping", "45000054 00004000 40013ca7 7f000001 7f000001", V4],
  [
    "every field, every flag, options",
    "47ba ffff beef ffff ff fd 6150 fffefdfc 01020304 94040000 01010100",
    {
      ...V4,
      headerLength: 28,
      dscp: 46,
      ecn: 2,
      totalLength: 0xffff,
      identification: 0xbeef,
      moreFragments: true,
      reservedFlag: true,
      fragmentOffset: 0x1fff * 8,
      ttl: 255,
      protocol: 253,
      checksum: 0x6150,
      source: "255.254.253.252",
      destination: "1.2.3.4",
      options: fromHex("94040000 01010100"),
    },
  ],
];

describe("decodeIpv4Header(), encodeIpv4Header()", () => {
  test.each(V4_ROWS)("%s", (_name, hex, header) => {
    expect(decodeIpv4Header(viewOfHex(`${hex} a5a5`))).toEqual(header);
    const keep = encodedBytes((view) => encodeIpv4Header(header, view, { checksum: "keep" }));
    expect(toHex(keep)).toBe(toHex(fromHex(hex)));
    const computed = encodedBytes((view) => encodeIpv4Header({ ...header, checksum: 1 }, view));
    expect(toHex(computed)).toBe(toHex(fromHex(hex)));
  });

  test("pads options to a multiple of 4 with zeros", () => {
    const options = fromHex("070708c000020100");
    const bytes = encodedBytes((view) =>
      encodeIpv4Header({ ...V4, options: options.subarray(0, 7) }, view),
    );
    expect(toHex(bytes.subarray(20))).toBe("070708c000020100");
    expect(bytes[0]).toBe(0x47);
  });

  test.each([
    ["nothing", ""],
    ["19 bytes", "45000054 00004000 40013ca7 7f000001 7f0000"],
    ["version 6", "65000054 00004000 40013ca7 7f000001 7f000001"],
    ["header length 16", "44000054 00004000 40013ca7 7f000001 7f000001"],
    ["header length past the end", "46000054 00004000 40013ca7 7f000001 7f000001"],
  ])("refuses %s", (_name, hex) => {
    expect(() => decodeIpv4Header(viewOfHex(hex))).toThrow(PacketError);
  });

  test.each<[string, Partial<Ipv4Header>]>([
    ["a total length of 65536", { totalLength: 65_536 }],
    ["a negative TTL", { ttl: -1 }],
    ["a fractional TTL", { ttl: 1.5 }],
    ["a fragment offset that is no multiple of 8", { fragmentOffset: 4 }],
    ["DSCP 64", { dscp: 64 }],
    ["an IPv6 source", { source: "::1" }],
    ["41 bytes of options", { options: new Uint8Array(41) }],
  ])("does not encode %s", (_name, change) => {
    expect(() =>
      encodeIpv4Header({ ...V4, ...change }, new DataView(new ArrayBuffer(100))),
    ).toThrow(PacketError);
  });

  test("does not encode into 19 bytes", () => {
    expect(() => encodeIpv4Header(V4, new DataView(new ArrayBuffer(19)))).toThrow(
      "Cannot encode IPv4 header: need room for 20 bytes, have 19",
    );
  });
});

const V6: Ipv6Header = {
  version: 6,
  dscp: 46,
  ecn: 2,
  flowLabel: 0xabcde,
  payloadLength: 0x1234,
  nextHeader: 58,
  hopLimit: 255,
  ttl: 255,
  source: "2001:db8::1",
  destination: "ff02::1:ff00:1",
  extensionHeaders: [],
  protocol: 58,
  headerLength: 40,
};
const V6_HEX =
  "6baabcde 1234 3aff 20010db8000000000000000000000001 ff0200000000000000000001ff000001";

describe("decodeIpv6Header(), encodeIpv6Header()", () => {
  test("every field of the fixed header", () => {
    expect(decodeIpv6Header(viewOfHex(V6_HEX))).toEqual(V6);
    expect(toHex(encodedBytes((view) => encodeIpv6Header(V6, view)))).toBe(toHex(fromHex(V6_HEX)));
  });

  test("a chain of every extension header", () => {
    const chain = [
      "2b 00 0502 0000 0100", // hop-by-hop: router alert
      "2c 00 03 02 00000000", // routing, type 3, two segments left
      "33 00 0001 deadbeef", // fragment 0, more to come
      "3c 04 0000 00001000 00000001 000102030405060708090a0b", // AH
      "11 00 0104 00000000", // destination options: padding
    ];
    const hex = `${V6_HEX.replace("3aff", "00ff")} ${chain.join(" ")}`;
    const header = decodeIpv6Header(viewOfHex(`${hex} a5`));
    const [hopByHop, routing, fragment, authentication, destination] = chain.map(fromHex);
    expect(header).toEqual({
      ...V6,
      nextHeader: 0,
      protocol: 17,
      headerLength: 40 + 4 * 8 + 24,
      extensionHeaders: [
        {
          kind: "hopByHop",
          nextHeader: 43,
          bytes: hopByHop as Uint8Array,
          options: fromHex("050200000100"),
        },
        {
          kind: "routing",
          nextHeader: 44,
          bytes: routing as Uint8Array,
          routingType: 3,
          segmentsLeft: 2,
        },
        {
          kind: "fragment",
          nextHeader: 51,
          bytes: fragment as Uint8Array,
          fragmentOffset: 0,
          moreFragments: true,
          identification: 0xdeadbeef,
        },
        { kind: "authentication", nextHeader: 60, bytes: authentication as Uint8Array },
        {
          kind: "destinationOptions",
          nextHeader: 17,
          bytes: destination as Uint8Array,
          options: fromHex("010400000000"),
        },
      ],
    });
    expect(toHex(encodedBytes((view) => encodeIpv6Header(header, view)))).toBe(toHex(fromHex(hex)));
  });

  test.each([50, 59, 135])("next header %d ends the chain", (protocol) => {
    const hex = V6_HEX.replace("3aff", `${protocol.toString(16)}ff`);
    expect(decodeIpv6Header(viewOfHex(hex))).toMatchObject({
      protocol,
      headerLength: 40,
      extensionHeaders: [],
    });
  });

  test("does not take the middle of a payload for headers", () => {
    // A fragment at offset 8 whose next header says hop-by-hop: nothing after it is one.
    const header = decodeIpv6Header(
      viewOfHex(`${V6_HEX.replace("3aff", "2cff")} 00000008 00000001`),
    );
    expect(header).toMatchObject({ protocol: 0, headerLength: 48 });
  });

  test.each([
    ["nothing", ""],
    ["39 bytes", V6_HEX.slice(0, -2)],
    ["version 4", V6_HEX.replace("6b", "4b")],
    ["an extension header without bytes", V6_HEX.replace("3aff", "00ff")],
    ["7 bytes of an extension header", `${V6_HEX.replace("3aff", "2cff")} 3a000000000000`],
    ["an extension header past the end", `${V6_HEX.replace("3aff", "00ff")} 3a01050200000100`],
    ["an endless chain", V6_HEX.replace("3aff", "3cff") + "3c00010400000000".repeat(1000)],
  ])("refuses %s", (_name, hex) => {
    expect(() => decodeIpv6Header(viewOfHex(hex))).toThrow(PacketError);
  });

  test("takes as many extension headers as promised, and not one more", () => {
    const chain = (count: number) => `${"3c00010400000000".repeat(count - 1)}3a00010400000000`;
    const view = (count: number) => viewOfHex(V6_HEX.replace("3aff", "3cff") + chain(count));
    const header = decodeIpv6Header(view(IPV6_MAX_EXTENSION_HEADERS));
    expect(header.extensionHeaders.length).toBe(IPV6_MAX_EXTENSION_HEADERS);
    expect(header.protocol).toBe(58);
    expect(() => decodeIpv6Header(view(IPV6_MAX_EXTENSION_HEADERS + 1))).toThrow(
      "Cannot decode IPv6 extension header: more than 16 headers",
    );
  });

  test.each<[string, Partial<Ipv6Header>]>([
    ["a flow label of 21 bits", { flowLabel: 0x100000 }],
    ["a payload length of 65536", { payloadLength: 65_536 }],
    ["an IPv4 destination", { destination: "10.0.0.1" }],
    ["ECN 4", { ecn: 4 }],
  ])("does not encode %s", (_name, change) => {
    expect(() =>
      encodeIpv6Header({ ...V6, ...change }, new DataView(new ArrayBuffer(100))),
    ).toThrow(PacketError);
  });

  test("leaves the zone of an address off the wire", () => {
    const bytes = encodedBytes((view) =>
      encodeIpv6Header({ ...V6, destination: "ff02::1:ff00:1%eth0" }, view),
    );
    expect(toHex(bytes)).toBe(toHex(fromHex(V6_HEX)));
  });
});

describe("decodeUdpHeader(), encodeUdpHeader()", () => {
  const ROWS: readonly (readonly [string, string, UdpHeader])[] = [
    [
      "DNS query",
      "d4310035 002aabcd",
      { sourcePort: 54_321, destinationPort: 53, length: 42, checksum: 0xabcd },
    ],
    ["zeros", "0000000000000000", { sourcePort: 0, destinationPort: 0, length: 0, checksum: 0 }],
    [
      "ones",
      "ffffffffffffffff",
      { sourcePort: 65_535, destinationPort: 65_535, length: 65_535, checksum: 65_535 },
    ],
  ];

  test.each(ROWS)("%s", (_name, hex, header) => {
    expect(decodeUdpHeader(viewOfHex(`${hex} a5`))).toEqual(header);
    expect(toHex(encodedBytes((view) => encodeUdpHeader(header, view)))).toBe(toHex(fromHex(hex)));
  });

  test("refuses 7 bytes", () => {
    expect(() => decodeUdpHeader(viewOfHex("00000000000000"))).toThrow(
      "Cannot decode UDP header: need 8 bytes, have 7",
    );
    expect(() =>
      encodeUdpHeader(ROWS[0]?.[2] as UdpHeader, new DataView(new ArrayBuffer(7))),
    ).toThrow(PacketError);
  });

  test.each(["udp-ipv4", "udp-ipv6"])("udpChecksum() gives what Linux put into %s", (name) => {
    const packet = fixturePacket(name);
    const view = new DataView(packet.buffer);
    const header = name === "udp-ipv4" ? decodeIpv4Header(view) : decodeIpv6Header(view);
    const datagram = packet.slice(header.headerLength);
    const { checksum } = decodeUdpHeader(new DataView(datagram.buffer));
    datagram.fill(0, 6, 8);
    expect(udpChecksum(datagram, header)).toBe(checksum);
  });

  test("udpChecksum() never gives zero, which means none", () => {
    // Ports chosen so that the sum is 0xffff: 0x0100 + 0x0100 (addresses) + 17 + 8 + ports + 8.
    const datagram = new DataView(new ArrayBuffer(8));
    datagram.setUint16(4, 8);
    datagram.setUint16(0, 0xffff - 0x2 - 0x2 - 17 - 8 - 8);
    const pseudo = { source: "0.0.0.2", destination: "0.0.0.2" };
    expect(udpChecksum(datagram, pseudo)).toBe(0xffff);
  });
});

describe("decodeTcpHeader(), encodeTcpHeader()", () => {
  const SYN: TcpHeader = {
    sourcePort: 0x1234,
    destinationPort: 443,
    sequenceNumber: 0xfedcba98,
    acknowledgmentNumber: 0,
    headerLength: 20,
    flags: TcpFlag.Syn,
    window: 64_240,
    checksum: 0xbeef,
    urgentPointer: 0,
    options: new Uint8Array(0),
  };
  const ROWS: readonly (readonly [string, string, TcpHeader])[] = [
    ["SYN", "123401bb fedcba98 00000000 5002faf0 beef0000", SYN],
    [
      "every flag, options",
      "123401bb fedcba98 00000001 7fff0001 ffff0002 020405b4 01030307",
      {
        ...SYN,
        acknowledgmentNumber: 1,
        headerLength: 28,
        flags: 0xfff,
        window: 1,
        checksum: 0xffff,
        urgentPointer: 2,
        options: fromHex("020405b401030307"),
      },
    ],
  ];

  test.each(ROWS)("%s", (_name, hex, header) => {
    expect(decodeTcpHeader(viewOfHex(`${hex} a5`))).toEqual(header);
    expect(toHex(encodedBytes((view) => encodeTcpHeader(header, view)))).toBe(toHex(fromHex(hex)));
  });

  test.each([
    ["19 bytes", "123401bb fedcba98 00000000 5002faf0 beef00"],
    ["header length 16", "123401bb fedcba98 00000000 4002faf0 beef0000"],
    ["header length past the end", "123401bb fedcba98 00000000 6002faf0 beef0000"],
  ])("refuses %s", (_name, hex) => {
    expect(() => decodeTcpHeader(viewOfHex(hex))).toThrow(PacketError);
  });

  test("pads options to a multiple of 4 with zeros, and takes no more than 40 bytes of them", () => {
    const bytes = encodedBytes((view) =>
      encodeTcpHeader({ ...SYN, options: fromHex("0101010101") }, view),
    );
    expect(toHex(bytes.subarray(20))).toBe("0101010101000000");
    expect(decodeTcpHeader(new DataView(bytes.buffer)).headerLength).toBe(28);
    const view = new DataView(new ArrayBuffer(100));
    expect(() => encodeTcpHeader({ ...SYN, options: new Uint8Array(41) }, view)).toThrow(
      PacketError,
    );
  });

  test.each(["tcp-syn", "tcp-rst"])("tcpChecksum() gives what Linux put into %s", (name) => {
    const packet = fixturePacket(name);
    const header = decodeIpv4Header(new DataView(packet.buffer));
    const segment = packet.slice(header.headerLength);
    const { checksum } = decodeTcpHeader(new DataView(segment.buffer));
    segment.fill(0, 16, 18);
    expect(tcpChecksum(segment, header)).toBe(checksum);
  });
});
