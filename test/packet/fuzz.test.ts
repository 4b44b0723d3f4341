import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import type * as Codecs from "../../src/packet/index.ts";
import { randomFrom } from "../faults/mutation.ts";
import { fixtureNames, fixturePacket } from "../fixtures/tshark.ts";
import { checkCodecs } from "../support/fuzz/check-codecs.ts";
import { fuzz } from "../support/fuzz/fuzz.ts";
import { type Instrumented, instrument } from "../support/fuzz/instrument.ts";
import { toHex } from "../support/hex.ts";

setDefaultTimeout(120_000);

const RUNS = 10_000;
/** `bun run fuzz` goes on from here, for as long as it is let. */
const SEED = 0x1c3b;
const MAX_LENGTH = 600;

/** What a bug that only one sequence of decisions reaches looks like. */
const HARMLESS = "object.mtu = payload.getUint32(offset);";
const PLANTED = `${HARMLESS}
    if (object.role === "nextHop" && object.index !== undefined) throw new Error("planted");`;
const SEARCHES = [1, 3, 5, 7] as const;
const SEARCH_RUNS = 100_000;

describe("fuzzing guided by coverage", () => {
  const packets = fixtureNames().map(fixturePacket);

  test(`${RUNS} inputs grown from the fixtures show no fault`, async () => {
    const { module, counters, literals } = await codecs();
    const { branches, failure } = fuzz({
      target: (bytes) => checkCodecs(module, bytes),
      counters,
      seeds: packets.flatMap((packet) => [packet, packet.subarray(20), packet.subarray(40)]),
      literals,
      goesOn: (runs) => runs < RUNS,
      maxLength: MAX_LENGTH,
      random: randomFrom(SEED),
    });
    expect(failure && `${toHex(failure.input)}: ${failure.error}`).toBeUndefined();
    // The other branches are those of encoders that refuse, and of texts.
    expect(branches).toBeGreaterThan(counters.length / 2);
  });

  describe("a planted bug", () => {
    let planted: Instrumented<typeof Codecs>;

    beforeAll(async () => {
      planted = await codecs((source) => source.replace(HARMLESS, PLANTED));
    });

    /** How many of the searches find it, each from eight zeros. */
    const found = (counters: Uint8Array | undefined): number =>
      SEARCHES.filter((seed) => {
        const { failure } = fuzz({
          target: (bytes) => {
            try {
              planted.module.decodeExtensions(bytes);
            } catch (error) {
              if (!(error instanceof planted.module.PacketError)) throw error;
            }
          },
          counters,
          seeds: [new Uint8Array(8)],
          literals: planted.literals,
          goesOn: (runs) => runs < SEARCH_RUNS,
          maxLength: 64,
          random: randomFrom(seed),
        });
        return failure !== undefined;
      }).length;

    test("is found", () => {
      expect(found(planted.counters)).toBeGreaterThan(0);
    });

    test("is not found blindly", () => {
      expect(found(undefined)).toBe(0);
    });
  });
});

function codecs(edit?: (source: string) => string): Promise<Instrumented<typeof Codecs>> {
  return instrument<typeof Codecs>({
    entry: resolve(import.meta.dir, "../../src/packet/index.ts"),
    filter: /\/src\/packet\/[^/]+\.ts$/,
    ...(edit && { edit }),
  });
}
