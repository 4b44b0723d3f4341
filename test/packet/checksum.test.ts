import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  checksumSum,
  internetChecksum,
  ipv4PseudoHeaderSum,
  ipv6PseudoHeaderSum,
  PacketError,
  pseudoHeaderSum,
  updateChecksum,
  verifyChecksum,
} from "../../src/packet/index.ts";
import { fromHex, paddedView } from "../support/hex.ts";

describe("internetChecksum()", () => {
  test("gives the sum of RFC 1071 section 3", () => {
    expect(checksumSum(fromHex("00 01 f2 03 f4 f5 f6 f7"))).toBe(0xddf2);
    expect(internetChecksum(fromHex("00 01 f2 03 f4 f5 f6 f7"))).toBe(0x220d);
  });

  test.each([
    ["no bytes", "", 0xffff],
    ["zeros", "0000 0000", 0xffff],
    ["ones", "ffff ffff", 0],
    ["an odd byte, the high half of a word", "01", 0xfeff],
    ["carries of carries", "ffff 0001 ffff", 0xfffe],
  ])("of %s", (_name, hex, checksum) => {
    expect(internetChecksum(fromHex(hex))).toBe(checksum);
  });

  test("folds 64 KiB of ones", () => {
    expect(internetChecksum(new Uint8Array(65_536).fill(0xff))).toBe(0);
  });

  test("of bytes with their checksum in place is zero", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 2, maxLength: 200 }),
        fc.nat(0xffffff),
        (bytes, initial) => {
          bytes[0] = 0;
          bytes[1] = 0;
          const view = paddedView(bytes);
          view.setUint16(0, internetChecksum(view, initial));
          expect(verifyChecksum(view, initial)).toBe(true);
          expect(internetChecksum(view, initial)).toBe(0);
          view.setUint8(1, view.getUint8(1) ^ 0x10);
          expect(verifyChecksum(view, initial)).toBe(false);
        },
      ),
    );
  });
});

describe("pseudoHeaderSum()", () => {
  test("adds up the words of the IPv4 pseudo header (RFC 9293 section 3.1)", () => {
    const pseudo = { source: "10.0.0.1", destination: "192.0.2.200" };
    const bytes = fromHex("0a000001 c00002c8 00 11 0123");
    expect(fold(ipv4PseudoHeaderSum(pseudo, 17, 0x123))).toBe(checksumSum(bytes));
    expect(fold(pseudoHeaderSum(pseudo, 17, 0x123))).toBe(checksumSum(bytes));
  });

  test("adds up the words of the IPv6 pseudo header (RFC 8200 section 8.1)", () => {
    const pseudo = { source: "2001:db8::1", destination: "fe80::ffff%eth0" };
    const bytes = fromHex(
      "20010db8000000000000000000000001 fe80000000000000000000000000ffff 00012345 000000 3a",
    );
    expect(fold(ipv6PseudoHeaderSum(pseudo, 58, 0x12345))).toBe(checksumSum(bytes));
    expect(fold(pseudoHeaderSum(pseudo, 58, 0x12345))).toBe(checksumSum(bytes));
  });

  test.each([
    ["::1", "10.0.0.1"],
    ["10.0.0.1", "::1"],
    ["localhost", "10.0.0.1"],
  ])("refuses %s and %s", (source, destination) => {
    expect(() => pseudoHeaderSum({ source, destination }, 17, 8)).toThrow(PacketError);
  });
});

describe("updateChecksum()", () => {
  test("gives the example of RFC 1624 section 4", () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  test("agrees with computing afresh", () => {
    const bytes = fc
      .uint8Array({ minLength: 4, maxLength: 60 })
      .filter((value) => value.some((byte) => byte !== 0));
    fc.assert(
      fc.property(bytes, fc.nat(0xffff), (value, after) => {
        const view = paddedView(value);
        view.setUint16(2, view.getUint16(2) || 1);
        const checksum = internetChecksum(view);
        const before = view.getUint16(0);
        view.setUint16(0, after);
        expect(updateChecksum(checksum, before, after)).toBe(internetChecksum(view));
      }),
    );
  });
});

function fold(sum: number): number {
  return checksumSum(new Uint8Array(0), sum);
}
