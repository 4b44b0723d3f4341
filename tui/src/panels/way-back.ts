/** What systems send packets with: the TTL at the beginning of their way. */
const INITIAL_TTLS = [32, 64, 128, 255];

/**
 * How many hops an answer seems to have come: it sets out with one of a few TTLs, and loses one at
 * each router. Only a guess, to be shown as one; undefined where the kernel does not tell the TTL.
 */
export function hopsBack(replyTtl: number | null): number | undefined {
  if (replyTtl === null) return undefined;
  const initial = INITIAL_TTLS.find((candidate) => candidate >= replyTtl);
  return initial === undefined ? undefined : initial - replyTtl + 1;
}

/** The same in words, if it is not as far as `ttl`, the way there. */
export function wayBack(replyTtl: number | null, ttl: number): string | undefined {
  const hops = hopsBack(replyTtl);
  if (hops === undefined || hops === ttl) return undefined;
  return `answers arrive with TTL ${replyTtl}: perhaps ${hops === 1 ? "1 hop" : `${hops} hops`} back`;
}
