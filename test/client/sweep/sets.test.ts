import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HostSet } from "../../../src/client/sweep/host-set.ts";
import { Ipv4Set } from "../../../src/client/sweep/ipv4-set.ts";
import { Ipv6Set } from "../../../src/client/sweep/ipv6-set.ts";
import { Ring } from "../../../src/client/sweep/ring.ts";
import { parseAddress } from "../../../src/packet/address.ts";

/** Mostly neighbours, so that pages fill. */
const ipv4 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.integer({ min: 0xc0_00_02_00, max: 0xc0_00_03_ff }),
);

function wordsOf(text: string): Int32Array {
  return new Int32Array((parseAddress(text)?.bytes ?? new Uint8Array(16)).slice().buffer);
}

describe("Ipv4Set", () => {
  test("is a set of numbers in ascending order", () => {
    fc.assert(
      fc.property(
        fc.array(ipv4, { maxLength: 300 }),
        fc.array(ipv4, { maxLength: 20 }),
        (members, others) => {
          const set = new Ipv4Set();
          const model = new Set<number>();
          for (const member of members) {
            expect(set.add(member)).toBe(!model.has(member));
            model.add(member);
          }
          expect(set.size).toBe(model.size);
          expect([...set]).toEqual([...model].sort((a, b) => a - b));
          for (const address of [...members, ...others])
            expect(set.has(address)).toBe(model.has(address));
        },
      ),
    );
  });

  test("turns pages into bitmaps and back to nothing lost, in any order", () => {
    for (const step of [1, 32_771]) {
      const set = new Ipv4Set();
      for (let index = 0; index < 65_536; index++) {
        expect(set.add(0xc6_12_00_00 + ((index * step) & 0xffff))).toBe(true);
        if (index % 1000 === 0)
          expect(set.has(0xc6_12_00_00 + (((index + 1) * step) & 0xffff))).toBe(false);
      }
      expect(set.size).toBe(65_536);
      expect(set.add(0xc6_12_12_34)).toBe(false);
      let expected = 0xc6_12_00_00;
      for (const address of set) {
        if (address !== expected) throw new Error(`${address} instead of ${expected}`);
        expected += 1;
      }
    }
  });

  test("takes signed words as well", () => {
    const set = new Ipv4Set();
    set.add(0xc0_00_02_01 | 0);
    expect([...set]).toEqual([0xc0_00_02_01]);
    expect(set.has(0xc0_00_02_01)).toBe(true);
  });
});

describe("Ipv6Set", () => {
  test("is a set of addresses in ascending order", () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.integer({ min: 0, max: 300 }).map((low) => {
        const bytes = new Uint8Array(16);
        bytes.set([0x20, 0x01, 0x0d, 0xb8]);
        bytes.set([low >> 8, low & 0xff], 14);
        return bytes;
      }),
    );
    fc.assert(
      fc.property(fc.array(address, { maxLength: 300 }), fc.integer(), (members, seed) => {
        const set = new Ipv6Set(seed);
        const model = new Map<string, Uint8Array>();
        for (const member of members) {
          expect(set.add(new Int32Array(member.slice().buffer))).toBe(!model.has(member.toHex()));
          model.set(member.toHex(), member);
        }
        expect(set.size).toBe(model.size);
        expect(Array.from(set, (bytes) => bytes.toHex())).toEqual([...model.keys()].sort());
        for (const member of members)
          expect(set.has(new Int32Array(member.slice().buffer))).toBe(true);
        expect(set.has(wordsOf("fe80::dead:beef:1234:5678"))).toBe(
          model.has("fe80000000000000deadbeef12345678"),
        );
      }),
    );
  });
});

describe("HostSet", () => {
  const [four, six] = [new Ipv4Set(), new Ipv6Set(1)];
  for (const address of [0xc0_00_02_07, 0x0a_00_00_01, 0xc0_00_02_06]) four.add(address);
  for (const text of ["2001:db8::2", "2001:db8::1", "::1"]) six.add(wordsOf(text));
  const set = new HostSet(four, six);

  test("iterates and serialises as text in order, IPv4 first", () => {
    const addresses = ["10.0.0.1", "192.0.2.6", "192.0.2.7", "::1", "2001:db8::1", "2001:db8::2"];
    expect([...set]).toEqual(addresses);
    expect(JSON.parse(JSON.stringify({ set }))).toEqual({ set: addresses });
    expect(set.size).toBe(6);
  });

  test("knows its members in any spelling", () => {
    expect(
      ["10.0.0.1", "2001:DB8:0:0::2", "2001:db8::2%1", "::1"].every((text) => set.has(text)),
    ).toBe(true);
    expect(["10.0.0.2", "2001:db8::3", "host.example", ""].some((text) => set.has(text))).toBe(
      false,
    );
  });
});

describe("Ring", () => {
  test("gives numbers back in the order in which they came", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: 0, max: 2 ** 52 })), { maxLength: 2000 }),
        (steps) => {
          const queue = new Ring<number>();
          const model: number[] = [];
          for (const step of steps) {
            if (step !== null) {
              queue.push(step);
              model.push(step);
            } else expect(queue.shift()).toBe(model.shift());
            expect(queue.length).toBe(model.length);
            expect(queue.peek()).toBe(model[0]);
          }
        },
      ),
    );
    const queue = new Ring<number>();
    for (let index = 0; index < 1000; index++) queue.push(index);
    for (let index = 0; index < 500; index++) expect(queue.shift()).toBe(index);
    for (let index = 1000; index < 5000; index++) queue.push(index);
    for (let index = 500; index < 5000; index++) expect(queue.shift()).toBe(index);
  });
});
