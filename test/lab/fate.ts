import type { Jitter, Selector } from "./scenario.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const UINT32 = 2 ** 32;

/** A packet as fate sees it: what it is called, and the how-manieth of that name it is, from 1. */
export interface Subject {
  /** Target and TTL. */
  readonly name: string;
  readonly ordinal: number;
}

/**
 * All that is random in a scenario. A decision depends on the seed, on what is decided and on the
 * packet alone, never on what was decided before.
 */
export class Fate {
  readonly #seed: number;
  /** Whether a Gilbert chain is in a burst at packet n, by chain: index n - 1. */
  readonly #chains = new Map<string, boolean[]>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A number from 0 to below 1. */
  draw(purpose: string, { name, ordinal }: Subject): number {
    return hash(`${this.#seed}|${purpose}|${name}|${ordinal}`) / UINT32;
  }

  /** Whether a rule, known by `purpose`, concerns a packet. */
  picks(pick: Selector | undefined, purpose: string, subject: Subject): boolean {
    if (pick === undefined) return true;
    const { ordinal } = subject;
    if ("random" in pick) return this.draw(purpose, subject) < pick.random;
    if ("numbers" in pick) return pick.numbers.includes(ordinal);
    if ("bursts" in pick) return this.#isInBurst(pick.bursts, purpose, subject);
    const from = pick.from ?? pick.every;
    return ordinal >= from && (ordinal - from) % pick.every === 0;
  }

  /** A delay in milliseconds. */
  jitter(jitter: Jitter | undefined, purpose: string, subject: Subject): number {
    if (jitter === undefined) return 0;
    const first = this.draw(`${purpose}|1`, subject);
    if ("uniform" in jitter) return jitter.uniform * first;
    if ("exponential" in jitter) return -jitter.exponential * Math.log(1 - first);
    // Box and Muller (1958).
    const second = this.draw(`${purpose}|2`, subject);
    const deviate = Math.sqrt(-2 * Math.log(1 - first)) * Math.cos(2 * Math.PI * second);
    return Math.abs(jitter.normal * deviate);
  }

  #isInBurst(
    { enter, leave }: { readonly enter: number; readonly leave: number },
    purpose: string,
    { name, ordinal }: Subject,
  ): boolean {
    const key = `${purpose}|${name}`;
    let states = this.#chains.get(key);
    if (states === undefined) {
      states = [];
      this.#chains.set(key, states);
    }
    while (states.length < ordinal) {
      const was = states.at(-1) ?? false;
      const chance = this.draw(purpose, { name, ordinal: states.length + 1 });
      states.push(was ? chance >= leave : chance < enter);
    }
    return states[ordinal - 1] ?? false;
  }
}

/**
 * 32 well-mixed bits of a text: FNV-1a, then the finalizer of MurmurHash3, since FNV barely moves
 * the high bits of short texts.
 */
export function hash(text: string): number {
  let bits = FNV_OFFSET;
  for (let index = 0; index < text.length; index += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(index), FNV_PRIME);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
