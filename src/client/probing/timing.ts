import type { RttSource } from "../results/results.ts";
import { clockStepped, type Instant } from "../time/clock.ts";

/** When a probe left. */
export interface Departure {
  /** Read in user space just before the send. */
  readonly at: Instant;
  /** Kernel transmit stamp (real-time scale), or null while there is none. */
  readonly stampNs: number | null;
}

/** When an answer came, and how long it took. */
export interface Timing {
  readonly rttNs: number;
  readonly source: RttSource;
  /** When it reached the kernel, as well as can be told. */
  readonly receivedAt: Instant;
}

/**
 * Times an answer that was read at `now` and carries the kernel receive stamp `stampNs`.
 *
 * Receive stamp minus transmit stamp is the best figure: nothing that delays this process touches
 * it. Both lie on the real-time clock, so a step between departure and `now` makes it worthless;
 * then the monotonic readings bound the RTT.
 */
export function timeArrival(departure: Departure, stampNs: number | null, now: Instant): Timing {
  const elapsedNs = now.monotonicNs - departure.at.monotonicNs;
  const isStepped = clockStepped(departure.at, now);
  // How long the probe was in our hands before the kernel passed it on.
  const heldNs =
    departure.stampNs === null || isStepped ? 0 : departure.stampNs - departure.at.realtimeNs;
  if (stampNs === null) {
    const rttNs = Math.min(Math.max(elapsedNs - heldNs, 0), elapsedNs);
    return { rttNs, source: "user", receivedAt: now };
  }

  if (!isStepped) {
    const waitedNs = Math.min(Math.max(now.realtimeNs - stampNs, 0), elapsedNs);
    const receivedAt = { monotonicNs: now.monotonicNs - waitedNs, realtimeNs: stampNs };
    const kernelNs = departure.stampNs === null ? -1 : stampNs - departure.stampNs;
    if (kernelNs >= 0 && kernelNs <= elapsedNs)
      return { rttNs: kernelNs, source: "kernel", receivedAt };
    return { rttNs: elapsedNs - waitedNs, source: "user", receivedAt };
  }

  // The clock was stepped either before the packet came or after. Each case puts the packet at a
  // moment; if only one of the two lies between departure and now, that is the one. Otherwise the
  // time until it was read is all we know.
  const steppedBefore = now.monotonicNs - (now.realtimeNs - stampNs);
  const steppedAfter = departure.at.monotonicNs + (stampNs - departure.at.realtimeNs);
  const isPossible = (monotonicNs: number) =>
    monotonicNs >= departure.at.monotonicNs && monotonicNs <= now.monotonicNs;
  if (isPossible(steppedBefore) === isPossible(steppedAfter)) {
    return { rttNs: elapsedNs, source: "user", receivedAt: now };
  }
  const monotonicNs = isPossible(steppedBefore) ? steppedBefore : steppedAfter;
  return {
    rttNs: monotonicNs - departure.at.monotonicNs,
    source: "user",
    receivedAt: { monotonicNs, realtimeNs: now.realtimeNs - (now.monotonicNs - monotonicNs) },
  };
}

/**
 * When (monotonic) a probe that the kernel stamped left; undefined when that cannot be told at
 * `now`.
 */
export function departedAtNs({ at, stampNs }: Departure, now: Instant): number | undefined {
  if (stampNs === null || clockStepped(at, now)) return undefined;
  return at.monotonicNs + Math.max(0, stampNs - at.realtimeNs);
}

/**
 * Nobody but a system that suspends this process, or has no processor for it, makes a send take so
 * long.
 */
const LONG_SEND_NS = 1_000_000;

/**
 * Whether an answer to a probe, of which the send had returned at `sentNs` (monotonic), took no
 * longer than its timeout. An RTT that the kernel did not measure at both ends counts from before
 * the send. It may include a time in which this process was suspended, before the probe left: then
 * it counts from after the send.
 */
export function isInTime(
  { rttNs, source, receivedAt }: Timing,
  probe: Departure & { readonly timeoutNs: number; readonly sentNs: number },
): boolean {
  const { at, timeoutNs, sentNs } = probe;
  if (rttNs <= timeoutNs) return true;
  const isLongSend = source === "user" && sentNs - at.monotonicNs > LONG_SEND_NS;
  return isLongSend && receivedAt.monotonicNs - sentNs <= timeoutNs;
}
