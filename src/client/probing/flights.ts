import { NS_PER_MS } from "../time/clock.ts";
import { DecidedQueue } from "./decided-queue.ts";
import { isDecided, type Probe } from "./probe-stream.ts";
import { SequenceTable } from "./sequence-table.ts";

const SEQUENCES = 0x1_0000;

/** How long a decided probe is remembered. */
const LIFETIME_NS = 60_000 * NS_PER_MS;
/** How many are remembered at most: a quarter of the sequence space. */
const LIMIT = SEQUENCES / 4;
/** How often those are looked for that are too old. */
const SWEEP_NS = 1000 * NS_PER_MS;

/**
 * The probes that fly and, for what still comes, those that were decided not long ago, by sequence number. No two have the
 * same one: that of a probe which flies is not given away, and whoever takes that of a remembered one takes its place.
 */
export class Flights {
  readonly #probes = new SequenceTable<Probe>();
  readonly #decided = new DecidedQueue();
  #flying = 0;
  #remembered = 0;
  #nextSequence: number;
  #sweepAtNs = 0;

  constructor(firstSequence: number) {
    this.#nextSequence = firstSequence % SEQUENCES;
  }

  /** How many fly. */
  get size(): number {
    return this.#flying;
  }

  /** Whether every sequence number flies. */
  get isFull(): boolean {
    return this.#flying === SEQUENCES;
  }

  /** The next sequence number that does not fly, or undefined. */
  nextSequence(): number | undefined {
    if (this.isFull) return undefined;
    let sequence = this.#nextSequence;
    while (this.flying(sequence) !== undefined) sequence = (sequence + 1) % SEQUENCES;
    return sequence;
  }

  /** The probe that flies with this sequence number. */
  flying(sequence: number): Probe | undefined {
    const probe = this.#probes.get(sequence);
    return probe?.state === "flying" ? probe : undefined;
  }

  /** The probe that flies with this sequence number, or was the last that did. */
  find(sequence: number): Probe | undefined {
    return this.#probes.get(sequence);
  }

  /** A probe has left, at `nowNs` (monotonic), with the sequence number that was the next. */
  begin(probe: Probe, nowNs: number): void {
    this.#forgetOld(nowNs);
    const former = this.#probes.get(probe.sequence);
    if (former !== undefined) this.forget(former);
    this.#nextSequence = (probe.sequence + 1) % SEQUENCES;
    this.#probes.set(probe.sequence, probe);
    probe.state = "flying";
    this.#flying += 1;
  }

  /** A flying probe was decided at `nowNs` (monotonic): it is remembered. */
  decide(probe: Probe, state: "answered" | "expired", nowNs: number): void {
    probe.state = state;
    probe.stream.noteDecided(probe);
    this.#flying -= 1;
    this.#remembered += 1;
    this.#decided.push(probe, nowNs);
  }

  /** Nobody wants to hear of a probe that flies or is remembered any more. */
  forget(probe: Probe): void {
    if (probe.state === "flying") this.#flying -= 1;
    else this.#remembered -= 1;
    this.#probes.delete(probe.sequence, probe);
    probe.stream.remove(probe);
  }

  clear(): void {
    this.#probes.clear();
    this.#decided.clear();
    this.#flying = 0;
    this.#remembered = 0;
  }

  /** Forgets what is too old, and the oldest of too many. */
  #forgetOld(nowNs: number): void {
    if (this.#remembered < LIMIT && nowNs < this.#sweepAtNs) return;
    this.#sweepAtNs = nowNs + SWEEP_NS;
    const decided = this.#decided;
    while (decided.length > 0) {
      const isOld = nowNs - decided.firstAtNs > LIFETIME_NS;
      if (!isOld && this.#remembered < LIMIT) return;
      const probe = this.#probes.get(decided.firstSequence);
      if (probe !== undefined && probe.number === decided.firstNumber && isDecided(probe))
        this.forget(probe);
      decided.shift();
    }
  }
}
