import { describe, expect, test } from "bun:test";
import { CookieHash } from "../../../src/client/sweep/cookie.ts";
import { InFlight, MAX_UNDECIDED } from "../../../src/client/sweep/in-flight.ts";

describe("InFlight", () => {
  test("numbers targets in order and knows each until its place is needed", () => {
    const flight = new InFlight(4);
    for (let index = 0; index < 10_000; index++) {
      expect(flight.openIpv4(index * 3)).toBe(index);
      flight.sent(index, index * 10);
      // Every hundredth stays undecided until the end.
      if (index % 100 !== 0) flight.decide(index);
    }
    expect(flight.undecided).toBe(100);
    for (let number = 0; number < 10_000; number += 100) {
      expect(flight.find(number)).toBe(number);
      expect(flight.isDecided(number)).toBe(false);
      expect(flight.ipv4(number)).toBe(number * 3);
      expect(flight.sentNs(number)).toBe(number * 10);
    }
    for (let number = 0; number < 10_000; number += 100) flight.decide(number);
    expect(flight.undecided).toBe(0);
    // The circle does not grow when nothing is undecided: old records make room.
    for (let index = 0; index < 200_000; index++) flight.decide(flight.openIpv4(index));
    expect(flight.find(0)).toBe(-1);
    expect(flight.isDecided(0)).toBe(true);
    expect(flight.find(209_999)).toBe(209_999);
    expect(flight.find(210_000)).toBe(-1);
    expect(flight.head - flight.oldest).toBeLessThanOrEqual(16_384);
  });

  test("keeps IPv6 addresses and checksums while it grows", () => {
    const flight = new InFlight(6);
    for (let index = 0; index < 9000; index++) {
      flight.staged(flight.openIpv6(Int32Array.of(1, 2, 3, index)), index * 7);
    }
    for (let number = 0; number < 9000; number++) {
      if (flight.ipv6(number)[3] !== number) throw new Error(`wrong address of ${number}`);
      if (flight.checksum(number) !== number * 7) throw new Error(`wrong checksum of ${number}`);
    }
  });

  test("keeps the first wrong data of a target, over further attempts and while it grows", () => {
    const flight = new InFlight(4);
    for (let index = 0; index < 3; index++) flight.openIpv4(index);
    flight.noteWrongData(1, { length: 65_507, truncated: false });
    flight.noteWrongData(1, { length: 4, truncated: true });
    flight.noteWrongData(2, { length: 0, truncated: true });
    expect(flight.retry(1)).toBe(1);
    for (let index = 3; index < 9000; index++) flight.openIpv4(index);
    const seen = [0, 1, 2, 3].map((number) => flight.wrongData(number));
    const first = { length: 65_507, truncated: false };
    expect(seen).toEqual([undefined, first, { length: 0, truncated: true }, undefined]);
    expect([flight.attempt(1), flight.isDecided(1)]).toEqual([1, false]);
    for (let number = 0; number < 9000; number++) flight.decide(number);
    // Another target in the same place.
    for (let index = 0; index < 16_384; index++) flight.decide(flight.openIpv4(index));
    expect(flight.wrongData(16_384 + 1)).toBeUndefined();
  });

  test("is full at 2^20 undecided, until the oldest is decided", () => {
    const flight = new InFlight(4);
    for (let count = 0; count < MAX_UNDECIDED; count++) flight.openIpv4(7);
    flight.decide(5);
    expect(flight.isFull).toBe(true);
    flight.decide(0);
    expect(flight.isFull).toBe(false);
  });

  test("tells first answers to each attempt from further ones", () => {
    const flight = new InFlight(4);
    const number = flight.openIpv4(1);
    expect(flight.attempt(number)).toBe(0);
    expect(flight.retry(number)).toBe(1);
    expect(flight.sentNs(number)).toBe(Number.POSITIVE_INFINITY);
    expect([flight.answer(number, 1), flight.answer(number, 1)]).toEqual([true, false]);
    expect([flight.answer(number, 0), flight.answer(number, 0)]).toEqual([true, false]);
  });
});

describe("CookieHash", () => {
  const hash = new CookieHash(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const ofIpv4 = (address: number, number: number): string => {
    hash.ofIpv4(address, number);
    return `${hash.low} ${hash.high}`;
  };

  test("depends on every bit of address, number and key", () => {
    const seen = new Set([ofIpv4(0x0a000001, 7)]);
    for (let bit = 0; bit < 32; bit++) {
      seen.add(ofIpv4(0x0a000001 ^ (1 << bit), 7));
      seen.add(ofIpv4(0x0a000001, 7 ^ (1 << bit)));
    }
    for (let bit = 0; bit < 64; bit++) {
      const key = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      key[bit >> 3] = (key[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const other = new CookieHash(key);
      other.ofIpv4(0x0a000001, 7);
      seen.add(`${other.low} ${other.high}`);
    }
    expect(seen.size).toBe(129);
    expect(ofIpv4(0x0a000001, 7)).toBe(ofIpv4(0x0a000001, 7));
  });

  test("changes half of the bits for one, in IPv4 and IPv6", () => {
    const bits = (words: readonly number[]): number =>
      words.reduce((count, word) => count + (word >>> 0).toString(2).replaceAll("0", "").length, 0);
    let changed = 0;
    for (let number = 0; number < 2000; number++) {
      hash.ofIpv6(Int32Array.of(1, 2, 3, number), 0);
      const { low, high } = hash;
      hash.ofIpv6(Int32Array.of(1, 2, 3, number ^ (1 << (number % 32))), 0);
      changed += bits([low ^ hash.low, high ^ hash.high]);
    }
    // 64,000 expected; the standard deviation of a fair coin is 179.
    expect(Math.abs(changed - 64_000)).toBeLessThan(6 * 179);
  });
});
