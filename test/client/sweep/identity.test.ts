import { describe, expect, test } from "bun:test";
import { ProbeIdentity } from "../../../src/client/sweep/identity.ts";
import { InFlight, MAX_UNDECIDED } from "../../../src/client/sweep/in-flight.ts";
import { leadingBits, type SweepReplyPacket } from "../../../src/client/transport/sweep-probe.ts";

/** Counts how many targets are looked at. */
class CountingFlight extends InFlight {
  looked = 0;

  override attempt(number: number): number {
    this.looked += 1;
    return super.attempt(number);
  }
}

const FIRST_SEQUENCE = 0xfff0;

function identityOf(flight: InFlight): ProbeIdentity {
  const key = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  return new ProbeIdentity(flight, { key, firstSequence: FIRST_SEQUENCE, dataLength: 56 });
}

/** A reply without data to a sequence, from the address with this last word. */
function emptyReply(sequence: number, from: number): SweepReplyPacket {
  return {
    ipv4: from,
    ipv6: Int32Array.of(1, 2, 3, from),
    sequence: sequence & 0xffff,
    low: 0,
    high: 0,
    number: 0,
    time: 0,
    length: 0,
    ttl: 64,
    stampNs: Number.NaN,
    isAltered: true,
    isCut: false,
    hasRightChecksum: true,
  };
}

function flightOf(family: 4 | 6, count: number): CountingFlight {
  const flight = new CountingFlight(family);
  const words = Int32Array.of(1, 2, 3, 0);
  for (let number = 0; number < count; number++) {
    words[3] = number + 1000;
    if (family === 4) flight.openIpv4(number + 1000);
    else flight.openIpv6(words);
  }
  return flight;
}

for (const family of [4, 6] as const) {
  describe(`ProbeIdentity.senderOf(), IPv${family}`, () => {
    test("finds each undecided target by its address and the sequence of an attempt", () => {
      const flight = flightOf(family, 200_000);
      const identity = identityOf(flight);
      flight.retry(150_000);
      flight.decide(7);
      for (const number of [0, 1, 65_535, 65_536, 150_000, 199_999]) {
        expect(identity.senderOf(emptyReply(FIRST_SEQUENCE + number, number + 1000), 2)).toBe(
          number,
        );
        expect(identity.senderOf(emptyReply(FIRST_SEQUENCE + number + 1, number + 1000), 2)).toBe(
          -1,
        );
        expect(identity.senderOf(emptyReply(FIRST_SEQUENCE + number, number + 1001), 2)).toBe(-1);
      }
      const second = emptyReply(FIRST_SEQUENCE + 150_000 + 4096, 151_000);
      expect(identity.senderOf(second, 2)).toBe(150_000);
      expect(identity.senderOf(emptyReply(FIRST_SEQUENCE + 7, 1007), 2)).toBe(-1);
      const notRetried = emptyReply(FIRST_SEQUENCE + 8 + 4096, 1008);
      expect(identity.senderOf(notRetried, 2)).toBe(-1);
    });

    test("looks at 16 targets for each attempt at most, however many are in flight", () => {
      const flight = flightOf(family, MAX_UNDECIDED);
      const identity = identityOf(flight);
      for (const attempts of [1, 16]) {
        flight.looked = 0;
        expect(identity.senderOf(emptyReply(12_345, 7), attempts)).toBe(-1);
        expect(flight.looked).toBe(16 * attempts);
      }
    });
  });
}

describe("ProbeIdentity.isCut()", () => {
  test("tells the first bytes of the data from any others", () => {
    const flight = flightOf(4, 300);
    const identity = identityOf(flight);
    const sent = emptyReply(FIRST_SEQUENCE + 299, 1299);
    identity.write(sent, 299, 0);
    for (let length = 0; length < 16; length++) {
      const cut = {
        ...sent,
        length,
        low: sent.low & leadingBits(length),
        high: sent.high & leadingBits(length - 4),
        number: sent.number & leadingBits(length - 8),
      };
      expect([length, identity.isCut(299, cut)]).toEqual([length, true]);
      if (length > 0) expect(identity.isCut(299, { ...cut, low: cut.low ^ 1 })).toBe(false);
      if (length > 4) expect(identity.isCut(299, { ...cut, high: cut.high ^ 1 })).toBe(false);
      if (length > 8) expect(identity.isCut(299, { ...cut, number: cut.number ^ 1 })).toBe(false);
    }
    expect(identity.isCut(299, { ...sent, length: 16 })).toBe(false);
  });
});
