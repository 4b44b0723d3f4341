import { NS_PER_MS } from "./clock.ts";
import type { Probe, ProbeStream } from "./probe-stream.ts";

/** How long a decided probe is remembered. */
const LIFETIME_NS = 60_000 * NS_PER_MS;
/** How many are remembered at most: a quarter of the sequence space. */
const LIMIT = 0x1_0000 / 4;

// A Map steps over the places of its deleted entries when it looks for the first that is left. Taking several at a time
// pays for that walk once.
const BATCH = LIMIT / 8;
const SWEEP_NS = 1000 * NS_PER_MS;

/** Decided probes, remembered so that what still comes for them is called late or duplicate. */
export class ProbeMemory {
  /** By sequence number, the first decided first. Each is in the `remembered` of its stream as well. */
  readonly #probes = new Map<number, Probe>();
  #sweepAtNs = 0;

  get(sequence: number): Probe | undefined {
    return this.#probes.get(sequence);
  }

  /** Remembers a probe that was decided just now. */
  add(probe: Probe): void {
    this.#probes.set(probe.sequence, probe);
    probe.stream.remembered.add(probe);
  }

  /** Makes a sequence number free for another probe. */
  forget(sequence: number): void {
    const probe = this.#probes.get(sequence);
    if (probe !== undefined) this.#delete(probe);
  }

  /** Forgets the probes of a stream. */
  forgetStream(stream: ProbeStream): void {
    for (const probe of stream.remembered) this.#delete(probe);
  }

  /** Forgets what is too old, and the oldest of too many. */
  forgetOld(nowNs: number): void {
    const isFull = this.#probes.size >= LIMIT;
    if (!isFull && nowNs < this.#sweepAtNs) return;
    this.#sweepAtNs = nowNs + SWEEP_NS;
    const most = isFull ? LIMIT - BATCH : LIMIT;
    for (const probe of this.#probes.values()) {
      const isOld = nowNs - probe.decidedAtNs > LIFETIME_NS;
      if (!isOld && this.#probes.size <= most) return;
      this.#delete(probe);
    }
  }

  clear(): void {
    this.#probes.clear();
  }

  #delete(probe: Probe): void {
    this.#probes.delete(probe.sequence);
    probe.stream.remembered.delete(probe);
  }
}
