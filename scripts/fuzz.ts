/**
 * Fuzzes the packet codecs, guided by the branches they take, until something is found or the time
 * is up: `bun run fuzz [seconds] [seed]`.
 *
 * @module
 */
import { resolve } from "node:path";
import type * as Codecs from "../src/packet/index.ts";
import { randomFrom } from "../test/faults/mutation.ts";
import { fixtureNames, fixturePacket } from "../test/fixtures/tshark.ts";
import { checkCodecs } from "../test/support/fuzz/check-codecs.ts";
import { fuzz } from "../test/support/fuzz/fuzz.ts";
import { instrument } from "../test/support/fuzz/instrument.ts";
import { toHex } from "../test/support/hex.ts";

const [seconds = 60, seed = Date.now() >>> 0] = process.argv.slice(2).map(Number);
const MAX_LENGTH = 600;

const { module, counters, literals } = await instrument<typeof Codecs>({
  entry: resolve(import.meta.dir, "../src/packet/index.ts"),
  filter: /\/src\/packet\/[^/]+\.ts$/,
});
const packets = fixtureNames().map(fixturePacket);
const end = performance.now() + seconds * 1000;
const { runs, branches, corpus, failure } = fuzz({
  target: (bytes) => checkCodecs(module, bytes),
  counters,
  seeds: packets.flatMap((packet) => [packet, packet.subarray(20), packet.subarray(40)]),
  literals,
  goesOn: () => performance.now() < end,
  maxLength: MAX_LENGTH,
  random: randomFrom(seed),
});
console.log(
  `${runs} inputs from seed ${seed}: ${branches} of ${counters.length} branches taken, ${corpus.length} inputs kept`,
);
if (failure !== undefined) {
  console.log(`This one shows a fault:\n${toHex(failure.input)}`);
  console.log(failure.error);
  process.exitCode = 1;
}
