import { NS_PER_MS } from "../time/clock.ts";
import type { Flow } from "./probe-stream.ts";
import type { Departure } from "./timing.ts";

/** What has become of the probe in a slot. Nobody but the slots' owner changes it. */
export const Phase = {
  /** There is none, or nobody cares any more. */
  Free: 0,
  /** Sent, neither answered nor timed out. */
  Flying: 1,
  // Decided, remembered for what still comes.
  Answered: 2,
  Expired: 3,
} as const;

const SEQUENCES = 0x1_0000;
const FIRST_CAPACITY = 1 << 9;
const NONE = -1;

/** How long a decided probe is remembered. */
const LIFETIME_NS = 60_000 * NS_PER_MS;
/** How many are remembered at most: a quarter of the sequence space. */
const LIMIT = SEQUENCES / 4;
/** How often those are looked for that are too old. */
const PRUNE_NS = 1000 * NS_PER_MS;

/**
 * All that is known of probes that fly and, for what still comes, of those that were decided not
 * long ago. No two have the same sequence number: that of a probe which flies is not given away,
 * and a new probe that takes the number of a remembered one replaces it.
 *
 * Fields are typed arrays: a probe makes no object, and no garbage collector looks through them.
 * They grow when more probes fly or are remembered than ever before, to 65,536 at most.
 */
export class Slots {
  phase: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  /** Which probe of all of its client it is, in 32 bits: what the cookie carries. */
  number: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  /** Its position in its stream, from 1. */
  index: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  ttl: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  sequence: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  /** Verified answers that have come, up to 65,535. */
  answers: Uint16Array = new Uint16Array(FIRST_CAPACITY);
  /** Whether this host seems to have had no room for it. A stamp proves that it left. */
  mayBeRefused: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  /** Whether an unverified error has come while it flew. */
  isDisputed: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  /** When it was sent, read on both clocks just before. */
  sentNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  sentRealNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  /** When (monotonic) the send had returned, and when the timeout is over. */
  returnedNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  deadlineNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  /**
   * What the kernel calls its transmit stamp, in which count of them, and the stamp; NaN for none.
   */
  stampKey: Float64Array = new Float64Array(FIRST_CAPACITY);
  stampCount: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  stampNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  /** Whose it is; undefined of a free slot. */
  readonly flows: (Flow | undefined)[] = [];
  // Neighbours among the probes of a stream, in the order of sending, and among the decided ones,
  // in that order.
  #before: Int32Array = new Int32Array(FIRST_CAPACITY);
  #after: Int32Array = new Int32Array(FIRST_CAPACITY);
  #older: Int32Array = new Int32Array(FIRST_CAPACITY);
  #newer: Int32Array = new Int32Array(FIRST_CAPACITY);
  #decidedNs: Float64Array = new Float64Array(FIRST_CAPACITY);
  #oldest = NONE;
  #newest = NONE;
  #flying = 0;
  #remembered = 0;
  /** The slot of each sequence number, plus one: 0 for none. */
  readonly #bySequence = new Uint32Array(SEQUENCES);
  #nextSequence: number;
  #capacity = FIRST_CAPACITY;
  /**
   * Slots that were never used begin here; those that were and are free again are linked by
   * `#after`.
   */
  #unused = 0;
  #free = NONE;
  #pruneAtNs = 0;

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

  /** The next sequence number with which no probe flies; -1 when all do. */
  nextSequence(): number {
    if (this.isFull) return NONE;
    let sequence = this.#nextSequence;
    while (this.phase[this.find(sequence)] === Phase.Flying) sequence = (sequence + 1) % SEQUENCES;
    return sequence;
  }

  /**
   * The slot of the probe that flies with this sequence number, or was the last that did; -1 for
   * none.
   */
  find(sequence: number): number {
    return (this.#bySequence[sequence] as number) - 1;
  }

  /** When a probe left. */
  departure(slot: number): Departure {
    const { sentNs, sentRealNs, stampNs } = this;
    const stamp = stampNs[slot] as number;
    return {
      at: { monotonicNs: sentNs[slot] as number, realtimeNs: sentRealNs[slot] as number },
      stampNs: Number.isNaN(stamp) ? null : stamp,
    };
  }

  /**
   * A probe has left, at `nowNs` (monotonic), with the sequence number that was the next. Returns
   * its slot, of which the other fields are up to the caller.
   */
  begin(sequence: number, flow: Flow, nowNs: number): number {
    this.#forgetOld(nowNs);
    const former = this.find(sequence);
    if (former !== NONE) this.forget(former);
    const slot = this.#take();
    this.#nextSequence = (sequence + 1) % SEQUENCES;
    this.#bySequence[sequence] = slot + 1;
    this.sequence[slot] = sequence;
    this.phase[slot] = Phase.Flying;
    this.answers[slot] = 0;
    this.isDisputed[slot] = 0;
    this.stampKey[slot] = Number.NaN;
    this.stampNs[slot] = Number.NaN;
    this.flows[slot] = flow;
    const { stream } = flow;
    const { last } = stream;
    this.#before[slot] = last;
    this.#after[slot] = NONE;
    if (last === NONE) stream.first = slot;
    else this.#after[last] = slot;
    stream.last = slot;
    this.#flying += 1;
    return slot;
  }

  /** A flying probe was decided at `nowNs` (monotonic): it is remembered. */
  decide(slot: number, phase: 2 | 3, nowNs: number): void {
    this.phase[slot] = phase;
    this.#flying -= 1;
    this.#remembered += 1;
    this.#decidedNs[slot] = nowNs;
    this.#older[slot] = this.#newest;
    this.#newer[slot] = NONE;
    if (this.#newest === NONE) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  /** Nobody wants to hear of a probe that flies or is remembered any more. */
  forget(slot: number): void {
    if (this.phase[slot] === Phase.Flying) this.#flying -= 1;
    else this.#unlinkDecided(slot);
    this.phase[slot] = Phase.Free;
    this.#bySequence[this.sequence[slot] as number] = 0;
    const { stream } = this.flows[slot] as Flow;
    this.flows[slot] = undefined;
    const before = this.#before[slot] as number;
    const after = this.#after[slot] as number;
    if (before === NONE) stream.first = after;
    else this.#after[before] = after;
    if (after === NONE) stream.last = before;
    else this.#before[after] = before;
    this.#after[slot] = this.#free;
    this.#free = slot;
  }

  /** The slot of the probe that its stream sent next and that is not forgotten; -1 for none. */
  after(slot: number): number {
    return this.#after[slot] as number;
  }

  clear(): void {
    this.phase.fill(Phase.Free);
    this.#bySequence.fill(0);
    this.flows.length = 0;
    this.#unused = 0;
    this.#free = NONE;
    this.#oldest = NONE;
    this.#newest = NONE;
    this.#flying = 0;
    this.#remembered = 0;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#after[slot] as number;
      return slot;
    }
    if (this.#unused === this.#capacity) this.#grow();
    return this.#unused++;
  }

  #unlinkDecided(slot: number): void {
    this.#remembered -= 1;
    const older = this.#older[slot] as number;
    const newer = this.#newer[slot] as number;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }

  /** Forgets what is too old, and the oldest of too many. */
  #forgetOld(nowNs: number): void {
    if (this.#remembered < LIMIT && nowNs < this.#pruneAtNs) return;
    this.#pruneAtNs = nowNs + PRUNE_NS;
    while (this.#oldest !== NONE) {
      const isOld = nowNs - (this.#decidedNs[this.#oldest] as number) > LIFETIME_NS;
      if (!isOld && this.#remembered < LIMIT) return;
      this.forget(this.#oldest);
    }
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    this.phase = grown(this.phase, capacity);
    this.number = grown(this.number, capacity);
    this.index = grown(this.index, capacity);
    this.ttl = grown(this.ttl, capacity);
    this.sequence = grown(this.sequence, capacity);
    this.answers = grown(this.answers, capacity);
    this.isDisputed = grown(this.isDisputed, capacity);
    this.mayBeRefused = grown(this.mayBeRefused, capacity);
    this.sentNs = grown(this.sentNs, capacity);
    this.sentRealNs = grown(this.sentRealNs, capacity);
    this.returnedNs = grown(this.returnedNs, capacity);
    this.deadlineNs = grown(this.deadlineNs, capacity);
    this.stampKey = grown(this.stampKey, capacity);
    this.stampCount = grown(this.stampCount, capacity);
    this.stampNs = grown(this.stampNs, capacity);
    this.#before = grown(this.#before, capacity);
    this.#after = grown(this.#after, capacity);
    this.#older = grown(this.#older, capacity);
    this.#newer = grown(this.#newer, capacity);
    this.#decidedNs = grown(this.#decidedNs, capacity);
    this.#capacity = capacity;
  }
}

type Values = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

function grown<Kind extends Values>(values: Kind, capacity: number): Kind {
  const copy = new (values.constructor as new (length: number) => Kind)(capacity);
  copy.set(values);
  return copy;
}
