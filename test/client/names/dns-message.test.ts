import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodePtrAnswer, encodePtrQuery } from "../../../src/client/names/dns-message.ts";
import { cnameRecord, dnsAnswer, encodeName, ptrRecord } from "../../support/dns-server.ts";

const QUERY = encodePtrQuery(0x1234, "192.0.2.33");
/** Where the data of the first record are, which begins with a pointer. */
const FIRST_DATA = QUERY.length + 12;

function decode(...records: Uint8Array[]): unknown {
  return decodePtrAnswer(dnsAnswer(QUERY, { records }), QUERY);
}

describe("encodePtrQuery()", () => {
  // As dig -x sends them (BIND 9.18), but for their id and EDNS.
  test.each([
    [
      "192.0.2.33",
      "123401000001000000000000023333013201300331393207696e2d61646472046172706100000c0001",
    ],
    [
      "2001:db8::1",
      "123401000001000000000000" +
        "0131" +
        "0130".repeat(23) +
        "0138016201640130" +
        "0131013001300132" +
        "036970360461727061" +
        "00000c0001",
    ],
  ])("asks for the name of %s", (address, hex) => {
    expect(encodePtrQuery(0x1234, address).toHex()).toBe(hex);
  });
});

describe("decodePtrAnswer()", () => {
  test("gives the first name", () => {
    expect(decode(ptrRecord(encodeName("a.example")), ptrRecord(encodeName("b.example")))).toEqual({
      name: "a.example",
    });
  });

  test("follows the pointers of compressed names", () => {
    // "host" and then the "in-addr.arpa" of the question, which begins behind three labels.
    const inAddr = 12 + 3 + 2 + 2 + 4;
    expect(decode(ptrRecord(Uint8Array.of(4, ...Buffer.from("host"), 0xc0, inAddr)))).toEqual({
      name: "host.in-addr.arpa",
    });
  });

  test("looks for the name behind an alias (RFC 2317)", () => {
    const alias = encodeName("33.0-63.2.0.192.in-addr.arpa");
    expect(decode(cnameRecord(alias), ptrRecord(encodeName("a.example"), alias))).toEqual({
      name: "a.example",
    });
    expect(decode(cnameRecord(alias))).toEqual({ name: null });
  });

  test("escapes what would be read as something else", () => {
    const label = Uint8Array.of(6, 0x61, 0x2e, 0x5c, 0x1b, 0x20, 0xff, 0);
    expect(decode(ptrRecord(label))).toEqual({ name: "a\\.\\\\\\027\\032\\255" });
  });

  test("says that there is none for NXDOMAIN and for no data, and nothing else", () => {
    for (const code of [0, 3])
      expect(decodePtrAnswer(dnsAnswer(QUERY, { code }), QUERY)).toEqual({ name: null });
    for (const code of [1, 2, 4, 5, 9]) {
      for (const withoutQuestion of [false, true]) {
        expect(decodePtrAnswer(dnsAnswer(QUERY, { code, withoutQuestion }), QUERY)).toEqual({
          failure: `code ${code}`,
        });
      }
    }
    expect(decodePtrAnswer(dnsAnswer(QUERY, { flags: 0x8380 }), QUERY)).toEqual({
      failure: "truncated",
    });
  });

  test("ignores what is no answer to the question", () => {
    const good = dnsAnswer(QUERY, { records: [ptrRecord(encodeName("a.example"))] });
    const other = encodePtrQuery(0x1235, "192.0.2.33");
    const another = encodePtrQuery(0x1234, "192.0.2.34");
    expect(decodePtrAnswer(good, other)).toBeUndefined();
    expect(decodePtrAnswer(good, another)).toBeUndefined();
    expect(decodePtrAnswer(QUERY, QUERY)).toBeUndefined();
    expect(decodePtrAnswer(dnsAnswer(QUERY, { withoutQuestion: true }), QUERY)).toBeUndefined();
    expect(decodePtrAnswer(good.subarray(0, 11), QUERY)).toBeUndefined();
  });

  test.each([
    ["a pointer to itself", Uint8Array.of(0xc0, FIRST_DATA)],
    ["a pointer forward", Uint8Array.of(0xc0, FIRST_DATA + 1, 0)],
    ["a pointer beyond the end", Uint8Array.of(0xff, 0xff)],
    ["a label that is too long", Uint8Array.of(64, ...new Uint8Array(64), 0)],
    ["a label beyond the end", Uint8Array.of(9, 0x61)],
    ["a name longer than 255 bytes", encodeName(`${"a".repeat(63)}.`.repeat(4))],
    ["a name shorter than its record", Uint8Array.of(1, 0x61, 0, 0)],
    ["no data", new Uint8Array()],
  ])("takes %s for a failure", (_, data) => {
    expect(decode(ptrRecord(data))).toEqual({ failure: "malformed" });
  });

  test("takes a record longer than the message, and one that is not there, for a failure", () => {
    const answer = dnsAnswer(QUERY, { records: [ptrRecord(encodeName("a.example"))] });
    expect(decodePtrAnswer(answer.subarray(0, -1), QUERY)).toEqual({ failure: "malformed" });
    expect(decodePtrAnswer(answer.subarray(0, QUERY.length), QUERY)).toEqual({
      failure: "malformed",
    });
  });

  test("gives a name, a failure or nothing for any bytes, and throws nothing", () => {
    const head = dnsAnswer(QUERY, { records: [] });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.integer({ min: 0, max: 3 }),
        (tail, count) => {
          const bytes = Uint8Array.from([...head, ...tail]);
          bytes[7] = count;
          const answer = decodePtrAnswer(bytes, QUERY);
          return answer !== undefined && ("name" in answer || "failure" in answer);
        },
      ),
    );
  });
});
