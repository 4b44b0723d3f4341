import { describe, expect, test } from "bun:test";
import { decodeQuote, PacketError } from "../../src/packet/index.ts";
import { fromHex, viewOfHex } from "../support/hex.ts";

const V4 = "45b80054 12344000 01010000 c0000201 c6336407";
const V6 = "6000000000403a01 20010db8000000000000000000000001 20010db8000000000000000000000002";
const ECHO = "0800 abcd beef 0102";

describe("decodeQuote()", () => {
  test("needs no more than the IPv4 header and 8 bytes", () => {
    const quote = decodeQuote(viewOfHex(`${V4} ${ECHO}`), 4);
    expect(quote).toMatchObject({
      source: "192.0.2.1",
      destination: "198.51.100.7",
      ttl: 1,
      protocol: 1,
      truncated: true,
      transport: {
        kind: "icmp",
        type: 8,
        code: 0,
        checksum: 0xabcd,
        identifier: 0xbeef,
        sequence: 0x0102,
      },
    });
    expect(quote.header).toMatchObject({
      version: 4,
      dscp: 46,
      totalLength: 84,
      dontFragment: true,
    });
  });

  test("needs no more than the IPv6 header and 8 bytes", () => {
    expect(decodeQuote(viewOfHex(`${V6} ${ECHO.replace("08", "80")}`), 6)).toMatchObject({
      source: "2001:db8::1",
      destination: "2001:db8::2",
      ttl: 1,
      protocol: 58,
      truncated: true,
      transport: { kind: "icmp", type: 128, identifier: 0xbeef, sequence: 0x0102 },
    });
  });

  test("skips the options of the inner IPv4 header", () => {
    const options = V4.replace("45", "47");
    expect(
      decodeQuote(viewOfHex(`${options} 0707040a00000100 ${ECHO}`), 4).transport,
    ).toMatchObject({
      kind: "icmp",
      identifier: 0xbeef,
    });
  });

  test("gives the payload, padding included, whatever the inner total length says", () => {
    for (const totalLength of ["0000", "001c", "001e", "ffff"]) {
      const quote = decodeQuote(
        viewOfHex(`${V4.replace("0054", totalLength)} ${ECHO} 0102030405`),
        4,
      );
      expect(quote.transport).toMatchObject({ kind: "icmp", data: fromHex("0102030405") });
      expect(quote.truncated).toBe(totalLength === "ffff");
    }
  });

  test("reads UDP and what is quoted of its data", () => {
    const udp = V4.replace("01010000", "01110000");
    expect(decodeQuote(viewOfHex(`${udp} c000829a 0040beef 0102`), 4).transport).toEqual({
      kind: "udp",
      sourcePort: 49_152,
      destinationPort: 33_434,
      length: 64,
      checksum: 0xbeef,
      data: fromHex("0102"),
    });
  });

  const TCP = V4.replace("01010000", "01060000");
  const SYN = "c00001bb deadbeef 00000000 6002faf0 12340000 020405b4";

  test("reads the whole TCP header when all of it is quoted", () => {
    expect(decodeQuote(viewOfHex(`${TCP} ${SYN} 99`), 4).transport).toMatchObject({
      kind: "tcp",
      sourcePort: 49_152,
      destinationPort: 443,
      sequenceNumber: 0xdeadbeef,
      header: { flags: 2, headerLength: 24, options: fromHex("020405b4") },
      data: fromHex("99"),
    });
  });

  test.each([8, 12, 13, 19, 20, 23])(
    "reads ports and sequence number from %d bytes of TCP",
    (length) => {
      const { transport } = decodeQuote(
        viewOfHex(`${TCP} ${SYN.replaceAll(" ", "").slice(0, length * 2)}`),
        4,
      );
      expect(transport).toMatchObject({
        kind: "tcp",
        sourcePort: 49_152,
        sequenceNumber: 0xdeadbeef,
      });
      expect("header" in transport).toBe(false);
      expect(transport.kind === "tcp" && transport.data.length).toBe(length - 8);
    },
  );

  test("does not trust a TCP data offset below 5", () => {
    const { transport } = decodeQuote(viewOfHex(`${TCP} ${SYN.replace("6002", "4002")}`), 4);
    expect("header" in transport).toBe(false);
  });

  test("keeps other protocols raw; ICMPv6 in IPv4 and ICMP in IPv6 are such", () => {
    expect(
      decodeQuote(viewOfHex(`${V4.replace("01010000", "012f0000")} ${ECHO}`), 4),
    ).toMatchObject({
      protocol: 47,
      transport: { kind: "raw", bytes: fromHex(ECHO) },
    });
    expect(
      decodeQuote(viewOfHex(`${V4.replace("01010000", "013a0000")} ${ECHO}`), 4).transport.kind,
    ).toBe("raw");
    expect(decodeQuote(viewOfHex(`${V6.replace("3a01", "0101")} ${ECHO}`), 6).transport.kind).toBe(
      "raw",
    );
  });

  test("sees no transport header in a fragment other than the first", () => {
    expect(decodeQuote(viewOfHex(`${V4.replace("4000", "2001")} ${ECHO}`), 4).transport.kind).toBe(
      "raw",
    );
    expect(decodeQuote(viewOfHex(`${V4.replace("4000", "2000")} ${ECHO}`), 4).transport.kind).toBe(
      "icmp",
    );
    const fragment = V6.replace("3a01", "2c01");
    expect(decodeQuote(viewOfHex(`${fragment} 3a000008 00000001 ${ECHO}`), 6).transport.kind).toBe(
      "raw",
    );
    expect(decodeQuote(viewOfHex(`${fragment} 3a000001 00000001 ${ECHO}`), 6).transport.kind).toBe(
      "icmp",
    );
  });

  test("follows an IPv6 header chain as far as it is quoted", () => {
    const chain = V6.replace("3a01", "3c01");
    expect(decodeQuote(viewOfHex(`${chain} 3a00010400000000 ${ECHO}`), 6)).toMatchObject({
      protocol: 58,
      transport: { kind: "icmp" },
    });
    // All of the options header is there, nothing after it.
    expect(decodeQuote(viewOfHex(`${chain} 3a00010400000000`), 6)).toMatchObject({
      protocol: 58,
      transport: { kind: "raw", bytes: new Uint8Array(0) },
    });
    // An options header of 16 bytes, cut off after 8.
    expect(decodeQuote(viewOfHex(`${chain} 3a01010400000000`), 6)).toMatchObject({
      protocol: 60,
      destination: "2001:db8::2",
      transport: { kind: "raw", bytes: fromHex("3a01010400000000") },
    });
  });

  test.each<[string, string, 4 | 6]>([
    ["nothing", "", 4],
    ["an IPv4 header alone", V4, 4],
    ["an IPv4 header and 7 bytes", `${V4} ${ECHO.slice(0, -2)}`, 4],
    ["an inner IHL below 5", `${V4.replace("45", "44")} ${ECHO}`, 4],
    ["an inner IHL past the end", `${V4.replace("45", "4f")} ${ECHO}`, 4],
    ["IPv6 where IPv4 should be", `${V6} ${ECHO}`, 4],
    ["IPv4 where IPv6 should be", `${V4} ${ECHO} ${V4}`, 6],
    ["an IPv6 header alone", V6, 6],
    ["an IPv6 header and 7 bytes", `${V6} ${ECHO.slice(0, -2)}`, 6],
    ["an IPv6 extension header of 7 bytes", `${V6.replace("3a01", "3c01")} 3a000104000000`, 6],
  ])("refuses %s", (_name, hex, family) => {
    expect(() => decodeQuote(viewOfHex(hex), family)).toThrow(PacketError);
  });
});
