import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  identifierFilter,
  typeFilter,
  WANTED_TYPES,
} from "../../../src/client/transport/filter.ts";
import { runFilter } from "../../support/fake-bpf.ts";
import { ipPacket } from "../../support/fake-network.ts";

const IDENTIFIER = 0x8f01;
const OTHER = 0x8f02;

const ADDRESSES = {
  4: { source: "192.0.2.1", destination: "192.0.2.10" },
  6: { source: "2001:db8::1", destination: "2001:db8::10" },
} as const;

/** An echo message with 16 bytes of data. */
function echo(type: number, identifier: number): Uint8Array {
  const bytes = new Uint8Array(24).fill(0x5a);
  bytes.set([type, 0, 0, 0, identifier >>> 8, identifier & 0xff, 0, 7]);
  return bytes;
}

/**
 * A packet with an IPv4 header of `words` 32-bit words, filled with what would mislead a filter
 * that does not skip it.
 */
function ipv4(payload: Uint8Array, { words = 5, protocol = 1 } = {}): Uint8Array {
  const plain = ipPacket({ family: 4, ...ADDRESSES[4], ttl: 1, tos: 0 }, payload);
  const options = new Uint8Array(4 * (words - 5)).fill(IDENTIFIER & 0xff);
  const packet = Uint8Array.of(...plain.subarray(0, 20), ...options, ...payload);
  packet[0] = 0x40 | words;
  packet[9] = protocol;
  return packet;
}

function ipv6(payload: Uint8Array, nextHeader = 58): Uint8Array {
  const packet = ipPacket({ family: 6, ...ADDRESSES[6], ttl: 1, tos: 0 }, payload);
  packet[6] = nextHeader;
  return packet;
}

/**
 * An IPv6 packet with extension headers before `payload`: type and length of each, filled with what
 * would mislead.
 */
function withExtensions(payload: Uint8Array, chain: readonly number[], protocol = 58): Uint8Array {
  const headers: number[] = [];
  for (let index = 0; index < chain.length; index += 2) {
    const [type = 0, length = 0, next = protocol] = chain.slice(index, index + 3);
    const header = Array.from({ length }, () => IDENTIFIER & 0xff);
    header[0] = next;
    // The second byte of a fragment header is reserved: whatever is there is ignored.
    header[1] = type === 51 ? length / 4 - 2 : type === 44 ? 7 : length / 8 - 1;
    headers.push(...header);
  }
  return ipv6(Uint8Array.of(...headers, ...payload), chain[0]);
}

function error(type: number, quote: Uint8Array): Uint8Array {
  return Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, ...quote);
}

function passes(family: 4 | 6, packet: Uint8Array): boolean {
  const bytes = runFilter(identifierFilter(family, IDENTIFIER), packet);
  if (bytes !== 0) expect(bytes).toBeGreaterThanOrEqual(packet.length);
  return bytes !== 0;
}

const LENGTHS = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

describe("identifierFilter() of IPv4", () => {
  test.each(LENGTHS)("knows our replies from others behind a header of %d words", (words) => {
    expect(passes(4, ipv4(echo(0, IDENTIFIER), { words }))).toBe(true);
    expect(passes(4, ipv4(echo(0, OTHER), { words }))).toBe(false);
  });

  test.each(LENGTHS)(
    "knows errors about ours from others where the quoted header has %d words",
    (words) => {
      for (const type of [3, 5, 11, 12]) {
        for (const outer of [5, 15]) {
          const about = (identifier: number) =>
            ipv4(error(type, ipv4(echo(8, identifier), { words })), { words: outer });
          expect(passes(4, about(IDENTIFIER))).toBe(true);
          expect(passes(4, about(OTHER))).toBe(false);
        }
      }
    },
  );

  test("drops errors that quote anything but an echo request", () => {
    for (const protocol of [0, 6, 17, 58]) {
      expect(passes(4, ipv4(error(11, ipv4(echo(8, IDENTIFIER), { protocol }))))).toBe(false);
    }
    for (const type of [0, 3, 13]) {
      expect(passes(4, ipv4(error(11, ipv4(echo(type, IDENTIFIER)))))).toBe(false);
    }
  });

  test("drops what is cut before the identifier, and nothing that is cut after it", () => {
    const reply = ipv4(echo(0, IDENTIFIER));
    const exceeded = ipv4(error(11, ipv4(echo(8, IDENTIFIER))));
    for (const [packet, needed] of [
      [reply, 20 + 6],
      [exceeded, 20 + 8 + 20 + 6],
    ] as const) {
      for (let length = 0; length <= packet.length; length++) {
        expect(passes(4, packet.subarray(0, length))).toBe(length >= needed);
      }
    }
  });
});

describe("identifierFilter() of IPv6", () => {
  test("knows our replies from others", () => {
    expect(passes(6, echo(129, IDENTIFIER))).toBe(true);
    expect(passes(6, echo(129, OTHER))).toBe(false);
  });

  test("knows errors about ours from others", () => {
    for (const type of [1, 2, 3, 4]) {
      expect(passes(6, error(type, ipv6(echo(128, IDENTIFIER))))).toBe(true);
      expect(passes(6, error(type, ipv6(echo(128, OTHER))))).toBe(false);
    }
  });

  test("drops errors that quote anything but an echo request", () => {
    for (const next of [0, 1, 6, 17, 44]) {
      expect(passes(6, error(3, ipv6(echo(128, IDENTIFIER), next)))).toBe(false);
    }
    for (const type of [129, 135, 1]) {
      expect(passes(6, error(3, ipv6(echo(type, IDENTIFIER))))).toBe(false);
    }
  });

  test.each([
    ["hop-by-hop options", [0, 16]],
    ["destination options", [60, 8]],
    ["a routing header", [43, 24]],
    ["a fragment header", [44, 8]],
    ["an authentication header", [51, 24]],
    ["several of them", [0, 8, 60, 24, 43, 40, 44, 8, 51, 12, 60, 16]],
    ["the most of them", Array.from({ length: 12 }, () => [60, 8]).flat()],
  ])("knows errors about ours behind %s", (_, chain) => {
    for (const type of [1, 3]) {
      const about = (identifier: number) =>
        error(type, withExtensions(echo(128, identifier), chain));
      expect(passes(6, about(IDENTIFIER))).toBe(true);
      expect(passes(6, about(OTHER))).toBe(false);
    }
    const length = withExtensions(echo(128, IDENTIFIER), chain).length - 24;
    const whole = error(3, withExtensions(echo(128, IDENTIFIER), chain));
    expect(passes(6, whole.subarray(0, 8 + length + 6))).toBe(true);
    expect(passes(6, whole.subarray(0, 8 + length + 5))).toBe(false);
    expect(passes(6, error(3, withExtensions(echo(129, IDENTIFIER), chain)))).toBe(false);
  });

  test("drops errors that quote another protocol behind extension headers, or more than twelve headers", () => {
    const other = withExtensions(echo(128, IDENTIFIER), [0, 8, 60, 8], 17);
    expect(passes(6, error(3, other))).toBe(false);
    const chain = Array.from({ length: 13 }, () => [60, 8]).flat();
    expect(passes(6, error(3, withExtensions(echo(128, IDENTIFIER), chain)))).toBe(false);
  });

  test("drops what is cut before the identifier, and nothing that is cut after it", () => {
    const exceeded = error(3, ipv6(echo(128, IDENTIFIER)));
    for (const [packet, needed] of [
      [echo(129, IDENTIFIER), 6],
      [exceeded, 8 + 40 + 6],
    ] as const) {
      for (let length = 0; length <= packet.length; length++) {
        expect(passes(6, packet.subarray(0, length))).toBe(length >= needed);
      }
    }
  });
});

describe("identifierFilter()", () => {
  test("passes one identifier of all, whichever it is", () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.nat(0xffff),
        fc.constantFrom(4 as const, 6 as const),
        (ours, seen, family) => {
          const program = identifierFilter(family, ours);
          const [reply, about] =
            family === 4
              ? [ipv4(echo(0, seen)), ipv4(error(11, ipv4(echo(8, seen))))]
              : [echo(129, seen), error(3, ipv6(echo(128, seen)))];
          expect(runFilter(program, reply) > 0).toBe(ours === seen);
          expect(runFilter(program, about) > 0).toBe(ours === seen);
        },
      ),
    );
  });

  test("ends on any bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(4 as const, 6 as const),
        (bytes, family) => {
          runFilter(identifierFilter(family, IDENTIFIER), bytes);
        },
      ),
    );
  });

  test.each([4, 6] as const)("jumps forward only, and within its length (IPv%d)", (family) => {
    const program = identifierFilter(family, IDENTIFIER);
    for (const [index, { code, jt, jf }] of program.entries()) {
      if ((code & 7) !== 5) expect([jt, jf]).toEqual([0, 0]);
      for (const distance of [jt, jf]) {
        expect(distance).toBeGreaterThanOrEqual(0);
        // The kernel's field is a byte.
        expect(distance).toBeLessThan(256);
        expect(index + 1 + distance).toBeLessThanOrEqual(program.length);
      }
    }
    expect(program.at(-1)?.code).toBe(0x06);
  });
});

describe("typeFilter()", () => {
  /**
   * The types that a filter lets pass, by the kernel's own test: `1 << type & data`, words in host
   * order.
   */
  function open(filter: Uint8Array): number[] {
    const words = new Uint32Array(filter.buffer, filter.byteOffset, filter.length / 4);
    return Array.from({ length: words.length * 32 }, (_, type) => type).filter(
      (type) => (((words[type >>> 5] ?? 0) >>> (type & 31)) & 1) === 0,
    );
  }

  test("is 4 bytes for IPv4 and 32 for IPv6", () => {
    expect([typeFilter(4).length, typeFilter(6).length]).toEqual([4, 32]);
  });

  test("lets replies and errors pass, and no requests", () => {
    expect(open(typeFilter(4))).toEqual([0, 3, 5, 11, 12]);
    expect(open(typeFilter(6))).toEqual([1, 2, 3, 4, 129]);
    expect([WANTED_TYPES[4].includes(8), WANTED_TYPES[6].includes(128)]).toEqual([false, false]);
  });

  test.each([
    [4, [0, 31]],
    [4, []],
    [6, [0, 31, 32, 63, 64, 127, 128, 255]],
    [6, []],
  ] as const)("of IPv%d lets %p pass, and nothing else", (family, types) => {
    expect(open(typeFilter(family, types))).toEqual([...types]);
  });
});
