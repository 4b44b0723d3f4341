import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Client } from "../../../src/client/client.ts";
import {
  type EchoIdentity,
  Payload,
  type PayloadMatch,
} from "../../../src/client/probing/payload.ts";
import { encodeIcmpv4 } from "../../../src/packet/icmpv4.ts";
import { encodeIcmpv6 } from "../../../src/packet/icmpv6.ts";
import { withChecksum } from "../../support/fake-network.ts";
import { fakePlatform, SOCKET_KINDS } from "../../support/fake-platform.ts";
import { patched } from "../../support/fake-prober.ts";

const NONCE = Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18);
const FLOW = 0x1234;

function identity(sequence: number, number = 0x01020304): EchoIdentity {
  return { number, type: 8, identifier: 0xbeef, sequence };
}

/** The checksum of the echo request that carries a probe's payload. */
function checksumOf(payload: Payload, echo: EchoIdentity): number {
  const view = new DataView(new ArrayBuffer(8 + payload.length));
  const { identifier, sequence } = echo;
  encodeIcmpv4({ kind: "echoRequest", identifier, sequence, data: payload.bytesOf(echo) }, view);
  return view.getUint16(2);
}

/** The same for ICMPv6, where the kernel puts in the checksum over the addresses as well (RFC 4443 section 2.3). */
function checksumOfV6(payload: Payload, echo: EchoIdentity): number {
  const message = new Uint8Array(8 + payload.length);
  const { identifier, sequence } = echo;
  encodeIcmpv6(
    { kind: "echoRequest", identifier, sequence, data: payload.bytesOf(echo) },
    new DataView(message.buffer),
  );
  const whole = withChecksum(message, {
    family: 6,
    source: "2001:db8::10",
    destination: "2001:db8:1::1",
  });
  return new DataView(whole.buffer).getUint16(2);
}

describe("Payload.bytesOf()", () => {
  test("puts nonce and probe number before the balance, then bytes that count up", () => {
    const bytes = new Payload(20, NONCE, FLOW).bytesOf(identity(7));
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
    const payload = new Payload(size, NONCE, FLOW);
    expect(payload.length).toBe(size);
    expect(payload.bytesOf(identity(1)).length).toBe(size);
    expect(payload.hasCookie).toBe(hasCookie);
  });

  test("sends the caller's own bytes untouched, as they were when given", () => {
    const own = Uint8Array.from({ length: 40 }, (_, index) => 200 - index);
    const payload = new Payload(own, NONCE, FLOW);
    const expected = own.slice();
    own.fill(0);
    expect(payload.bytesOf(identity(1))).toEqual(expected);
    expect(payload.bytesOf(identity(2))).toEqual(expected);
    expect(payload.hasCookie).toBe(false);
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
        const payload = new Payload(length, random, wanted);
        for (const [sequence, number] of probes) {
          expect(checksumOf(payload, { number, type: 8, identifier, sequence })).toBe(wanted);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("holds the ICMPv6 checksum constant, for every size from 2", () => {
    fc.assert(
      fc.property(size, flow, nonce, word, echoes, (length, wanted, random, identifier, probes) => {
        const payload = new Payload(length, random, wanted);
        const checksums = probes.map(([sequence, number]) =>
          checksumOfV6(payload, { number, type: 128, identifier, sequence }),
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

describe("Payload.match()", () => {
  const sized = new Payload(56, NONCE, FLOW);
  const small = new Payload(10, NONCE, FLOW);
  const own = new Payload(Uint8Array.of(5, 0, 6, 0, 0, 7, 0), NONCE, FLOW);
  const echo = identity(7);
  const data = sized.bytesOf(echo).slice();
  const smallData = small.bytesOf(echo).slice();
  const ownData = own.bytesOf(echo).slice();
  const flipped = (bytes: Uint8Array, at: number) => patched(bytes, at, (bytes[at] ?? 0) ^ 0x10);

  const replies: [name: string, payload: Payload, given: Uint8Array, match: PayloadMatch][] = [
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
    ["the next probe's", sized, sized.bytesOf(identity(7, 0x01020305)).slice(), "foreign"],
    [
      "another client's",
      sized,
      new Payload(56, flipped(NONCE, 3), FLOW).bytesOf(echo).slice(),
      "foreign",
    ],
    ["no cookie: the same", small, smallData, "same"],
    ["no cookie: changed", small, flipped(smallData, 0), "altered"],
    ["no cookie: cut", small, smallData.subarray(0, 9), "altered"],
    ["no cookie: nothing", small, new Uint8Array(), "altered"],
    ["own bytes: the same", own, ownData, "same"],
    ["own bytes: changed", own, flipped(ownData, 6), "altered"],
    ["own bytes: zeros at the end cut", own, ownData.subarray(0, 6), "altered"],
  ];
  test.each(replies)("of a reply: %s", (_, payload, given, match) => {
    expect(payload.match(given, echo, false)).toBe(match);
  });

  const quotes: [name: string, payload: Payload, given: Uint8Array, match: PayloadMatch][] = [
    ["the same", sized, data, "same"],
    ["nothing", sized, new Uint8Array(), "same"],
    ["part of the nonce", sized, data.subarray(0, 5), "same"],
    ["part of the nonce, changed", sized, flipped(data, 4).subarray(0, 5), "foreign"],
    ["the cookie", sized, data.subarray(0, 12), "same"],
    ["zeros only", sized, new Uint8Array(100), "same"],
    [
      "part of the nonce, padded",
      sized,
      Uint8Array.of(...data.subarray(0, 5), ...Array(95).fill(0)),
      "same",
    ],
    ["all, padded", sized, Uint8Array.of(...data, ...Array(30).fill(0)), "same"],
    ["number changed", sized, flipped(data, 11), "foreign"],
    ["end changed", sized, flipped(data, 55), "altered"],
    ["extended", sized, Uint8Array.of(...data, 9), "same"],
    ["own bytes", own, ownData, "same"],
    ["own bytes, cut", own, ownData.subarray(0, 2), "same"],
    ["own bytes, changed", own, flipped(ownData, 2), "altered"],
  ];
  test.each(quotes)("of a quote: %s", (_, payload, given, match) => {
    expect(payload.match(given, echo, true)).toBe(match);
  });

  test("of a quote that ends in the zeros of a probe number", () => {
    const zero = identity(7, 0);
    const bytes = sized.bytesOf(zero).slice();
    expect(sized.match(bytes.subarray(0, 12), zero, true)).toBe("same");
    expect(sized.match(bytes.subarray(0, 12), identity(7, 1), true)).toBe("same");
    expect(sized.match(bytes, identity(7, 1), true)).toBe("foreign");
  });

  test("leaves the bytes that are about to be sent alone", () => {
    const outgoing = sized.bytesOf(identity(8, 99));
    const before = outgoing.slice();
    expect(sized.match(data, echo, false)).toBe("same");
    expect(sized.match(data, echo, true)).toBe("same");
    expect(outgoing).toEqual(before);
  });
});
