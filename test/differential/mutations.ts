/**
 * The longest beginning of a packet in which bytes are changed: headers, quotes and extensions, not
 * data.
 */
const REACH = 240;

/** Numbers that look random, the same for the same seed (mulberry32). */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A copy of a packet with one to three bytes replaced, or single bits flipped. */
export function mutate(packet: Uint8Array, random: (below: number) => number): Uint8Array {
  const mutant = packet.slice();
  const changes = 1 + random(3);
  for (let change = 0; change < changes; change += 1) {
    const at = random(Math.min(mutant.length, REACH));
    mutant[at] = random(2) === 0 ? random(256) : (mutant[at] ?? 0) ^ (1 << random(8));
  }
  return mutant;
}
