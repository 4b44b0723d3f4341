import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Client } from "../../../src/client/client.ts";
import { EchoQuestion } from "../../../src/client/probing/echo-question.ts";
import type { Likeness, Proof } from "../../../src/client/probing/question.ts";
import { Reply } from "../../../src/client/transport/reply.ts";
import type { ProbeIdentity, QuotedProbe } from "../../../src/client/transport/transport.ts";
import { verifyChecksum } from "../../../src/packet/checksum.ts";
import { withChecksum } from "../../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../../support/fake-platform.ts";
import { patched } from "../../support/fake-prober.ts";

const NONCE = Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18);
const FLOW = 0x1234;

const HEADER = 8;

function question(
  content: number | Uint8Array,
  nonce: Uint8Array = NONCE,
  flow = FLOW,
  family: 4 | 6 = 4,
) {
  return new EchoQuestion({ family, content, nonce, flow });
}

function identity(sequence: number, number = 0x01020304): ProbeIdentity {
  return { number, identifier: 0xbeef, sequence };
}

function dataOf(asked: EchoQuestion, echo: ProbeIdentity): Uint8Array<ArrayBuffer> {
  return new Uint8Array(asked.encode(echo).subarray(HEADER));
}

/** The checksum of an echo request, which must be right. */
function checksumOf(asked: EchoQuestion, echo: ProbeIdentity): number {
  const message = asked.encode(echo);
  expect(verifyChecksum(message)).toBe(true);
  return new DataView(message.buffer).getUint16(2);
}

/**
 * The same for ICMPv6, where the kernel puts in the checksum over the addresses as well (RFC 4443
 * section 2.3).
 */
function checksumOfV6(asked: EchoQuestion, echo: ProbeIdentity): number {
  const whole = withChecksum(asked.encode(echo), {
    family: 6,
    source: "2001:db8::10",
    destination: "2001:db8:1::1",
  });
  return new DataView(whole.buffer).getUint16(2);
}

/** A reply with these data, in memory that holds others behind them. */
function replyWith(data: Uint8Array): Reply {
  const bytes = new Uint8Array(4096 * 20).fill(0xa5);
  bytes.set(data, 4 + HEADER);
  return Object.assign(new Reply(4), {
    bytes,
    words: new Int32Array(bytes.buffer),
    start: 4,
    icmp: 4,
    end: 4 + HEADER + data.length,
  });
}

function quoteOf(data: Uint8Array): QuotedProbe {
  return { header: null, destination: "", identifier: 0, sequence: 0, checksum: 0, data };
}

describe("EchoQuestion.encode()", () => {
  test.each([
    [4, 8],
    [6, 128],
  ] as const)("writes the header of an echo request in IPv%d", (family, type) => {
    const [first, code, , , ...rest] = question(20, NONCE, FLOW, family).encode(identity(0x0708));
    expect([first, code, ...rest.slice(0, 4)]).toEqual([type, 0, 0xbe, 0xef, 7, 8]);
  });

  test("puts nonce and probe number before the balance, then bytes that count up", () => {
    const bytes = dataOf(question(20), identity(7));
    expect([...bytes.subarray(0, 8)]).toEqual([...NONCE]);
    expect([...bytes.subarray(8, 12)]).toEqual([1, 2, 3, 4]);
    expect([...bytes.subarray(14)]).toEqual([14, 15, 16, 17, 18, 19]);
  });

  test.each([
    [0, false],
    [1, false],
    [13, false],
    [14, true],
    [56, true],
    [65_507, true],
  ])("of %d bytes is that long; has a cookie: %p", (size, hasCookie) => {
    const asked = question(size);
    expect(asked.length).toBe(HEADER + size);
    expect(dataOf(asked, identity(1)).length).toBe(size);
    expect(asked.hasSecret).toBe(hasCookie);
  });

  test("sends the caller's own bytes untouched, as they were when given", () => {
    const own = Uint8Array.from({ length: 40 }, (_, index) => 200 - index);
    const asked = question(own);
    const expected = own.slice();
    own.fill(0);
    expect(dataOf(asked, identity(1))).toEqual(expected);
    expect(dataOf(asked, identity(2))).toEqual(expected);
    expect(asked.hasSecret).toBe(false);
    checksumOf(asked, identity(3));
  });

  const word = fc.integer({ min: 0, max: 0xffff });
  const echoes = fc.array(fc.tuple(word, fc.integer({ min: 0, max: 0xffff_ffff })), {
    minLength: 1,
    maxLength: 20,
  });
  const size = fc.oneof(fc.integer({ min: 2, max: 80 }), fc.integer({ min: 2, max: 3000 }));
  const flow = fc.integer({ min: 1, max: 0xfffe });
  const nonce = fc.uint8Array({ minLength: 8, maxLength: 8 });

  test("holds the ICMPv4 checksum at that of the flow, for every size from 2 (Paris traceroute)", () => {
    fc.assert(
      fc.property(size, flow, nonce, word, echoes, (length, wanted, random, identifier, probes) => {
        const asked = question(length, random, wanted);
        for (const [sequence, number] of probes) {
          expect(checksumOf(asked, { number, identifier, sequence })).toBe(wanted);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("holds the ICMPv6 checksum constant, for every size from 2", () => {
    fc.assert(
      fc.property(size, flow, nonce, word, echoes, (length, wanted, random, identifier, probes) => {
        const asked = question(length, random, wanted, 6);
        const checksums = probes.map(([sequence, number]) =>
          checksumOfV6(asked, { number, identifier, sequence }),
        );
        expect(new Set(checksums).size).toBe(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe.each(SOCKET_KINDS)("The checksums on the wire ($name)", (kind) => {
  test("are one within a run, whatever TTL and sequence, and another in the next run", async () => {
    const { platform, kernel, clock } = fakePlatform();
    using client = new Client({ privileged: kind.privileged, timeout: 100 }, platform);
    const flows: number[] = [];
    for (const size of [2, 14, 56, 57, 1000]) {
      const before = kernel.sent.length;
      await clock.runUntil(client.traceroute(kind.target, { size, maxHops: 8 }));
      const sent = kernel.sent.slice(before);
      expect(sent.length).toBe(24);
      const checksums = new Set(
        sent.map(({ data }) => new DataView(data.buffer, data.byteOffset).getUint16(2)),
      );
      expect(checksums.size).toBe(1);
      flows.push(...checksums);
    }
    expect(new Set(flows).size).toBe(5);
  });
});

describe("EchoQuestion, of what comes back,", () => {
  const sized = question(56);
  const small = question(10);
  const own = question(Uint8Array.of(5, 0, 6, 0, 0, 7, 0));
  const echo = identity(7);
  const data = dataOf(sized, echo);
  const smallData = dataOf(small, echo);
  const ownData = dataOf(own, echo);
  const flipped = (bytes: Uint8Array, at: number) => patched(bytes, at, (bytes[at] ?? 0) ^ 0x10);

  const replies: [name: string, asked: EchoQuestion, given: Uint8Array, likeness: Likeness][] = [
    ["the same", sized, data, "same"],
    ["nonce changed", sized, flipped(data, 0), "foreign"],
    ["end of the nonce changed", sized, flipped(data, 7), "foreign"],
    ["number changed", sized, flipped(data, 8), "foreign"],
    ["end of the number changed", sized, flipped(data, 11), "foreign"],
    ["balance changed", sized, flipped(data, 12), "altered"],
    ["end changed", sized, flipped(data, 55), "altered"],
    ["cut after the cookie", sized, data.subarray(0, 12), "altered"],
    ["cut within the cookie", sized, data.subarray(0, 11), "foreign"],
    ["nothing", sized, new Uint8Array(), "foreign"],
    ["extended", sized, Uint8Array.of(...data, 9), "altered"],
    ["the next probe's", sized, dataOf(sized, identity(7, 0x01020305)), "foreign"],
    ["another client's", sized, dataOf(question(56, flipped(NONCE, 3)), echo), "foreign"],
    ["no cookie: the same", small, smallData, "same"],
    ["no cookie: changed", small, flipped(smallData, 0), "altered"],
    ["no cookie: cut", small, smallData.subarray(0, 9), "altered"],
    ["no cookie: nothing", small, new Uint8Array(), "altered"],
    ["own bytes: the same", own, ownData, "same"],
    ["own bytes: changed", own, flipped(ownData, 6), "altered"],
    ["own bytes: zeros at the end cut", own, ownData.subarray(0, 6), "altered"],
  ];
  test.each(replies)("tells whose a reply is: %s", (_, asked, given, likeness) => {
    expect(asked.isOurs(replyWith(given), echo)).toBe(likeness);
  });

  test("tells any change of any byte of a reply, whatever its length", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (size, where, change, isOwn) => {
          const asked = question(isOwn ? new Uint8Array(size).fill(7) : size);
          const given = dataOf(asked, echo);
          expect(asked.isOurs(replyWith(given), echo)).toBe("same");
          const at = where % size;
          given[at] = (given[at] as number) ^ change;
          const isCookie = asked.hasSecret && at < 12;
          expect(asked.isOurs(replyWith(given), echo)).toBe(isCookie ? "foreign" : "altered");
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ["a part", data.subarray(0, 11), true],
    ["nothing", new Uint8Array(), true],
    ["all", data, false],
    ["another beginning", flipped(data, 2).subarray(0, 11), false],
  ])("tells whether a reply was cut: %s", (_, given, isCut) => {
    expect(sized.isCut(replyWith(given), echo)).toBe(isCut);
  });

  const padded = (bytes: Uint8Array, count: number) =>
    Uint8Array.of(...bytes, ...Array(count).fill(0));
  const quotes: [name: string, asked: EchoQuestion, given: Uint8Array, proof: Proof][] = [
    ["all", sized, data, "proven"],
    ["nothing", sized, new Uint8Array(), "unproven"],
    ["3 bytes of the nonce", sized, data.subarray(0, 3), "unproven"],
    ["4 bytes of the nonce", sized, data.subarray(0, 4), "proven"],
    ["part of the nonce", sized, data.subarray(0, 5), "proven"],
    ["part of the nonce, changed", sized, flipped(data, 4).subarray(0, 5), "foreign"],
    ["the cookie", sized, data.subarray(0, 12), "proven"],
    ["zeros only", sized, new Uint8Array(100), "unproven"],
    ["3 bytes of the nonce, padded", sized, padded(data.subarray(0, 3), 97), "unproven"],
    ["part of the nonce, padded", sized, padded(data.subarray(0, 5), 95), "proven"],
    ["all, padded", sized, padded(data, 30), "proven"],
    ["number changed", sized, flipped(data, 11), "foreign"],
    ["end changed", sized, flipped(data, 55), "proven"],
    ["extended", sized, Uint8Array.of(...data, 9), "proven"],
    ["no cookie", small, smallData, "unproven"],
    ["own bytes", own, ownData, "unproven"],
    ["own bytes, cut", own, ownData.subarray(0, 2), "unproven"],
    ["own bytes, changed", own, flipped(ownData, 2), "unproven"],
  ];
  test.each(quotes)("tells what a quote proves: %s", (_, asked, given, proof) => {
    expect(asked.isQuoted(quoteOf(given), echo)).toBe(proof);
  });

  test("takes a quote that ends in the zeros of a probe number", () => {
    const zero = identity(7, 0);
    const bytes = dataOf(sized, zero);
    expect(sized.isQuoted(quoteOf(bytes.subarray(0, 12)), zero)).toBe("proven");
    expect(sized.isQuoted(quoteOf(bytes.subarray(0, 12)), identity(7, 1))).toBe("proven");
    expect(sized.isQuoted(quoteOf(bytes), identity(7, 1))).toBe("foreign");
  });

  test("asks for the key of a probe of ours only", () => {
    expect(sized.keyOf({ ...quoteOf(data), identifier: 7, sequence: 9 }, 7)).toBe(9);
    expect(sized.keyOf({ ...quoteOf(data), identifier: 7, sequence: 9 }, 8)).toBe(-1);
  });
});

describe("EchoQuestion.layOut() and complete()", () => {
  test("write, into memory that others have used, what encode() gives", () => {
    const sizes = [0, 1, 2, 3, 13, 14, 15, 16, 17, 56, 57, 1400];
    for (const content of [...sizes, Uint8Array.of(1, 2, 3), new Uint8Array()]) {
      const bytes = new Uint8Array(2048).fill(0xa5);
      const asked = question(content);
      asked.layOut(bytes, 64);
      for (const echo of [identity(1, 0xffff_ffff), identity(0xffff, 0), identity(3)]) {
        asked.complete(new Int32Array(bytes.buffer), 16, echo);
        expect(bytes.slice(64, 64 + asked.length)).toEqual(asked.encode(echo).slice());
      }
    }
  });
});
