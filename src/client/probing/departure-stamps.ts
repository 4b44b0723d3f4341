import type { Slots } from "./slots.ts";

const KEYS = 0x1_0000;
const UINT32 = 2 ** 32;
const NONE = -1;

/**
 * Which probes the kernel's transmit stamps belong to, by what it will call them
 * (SOF_TIMESTAMPING_OPT_ID).
 */
export class DepartureStamps {
  readonly #slots: Slots;
  /**
   * By the low half of the key: of two so far apart, the stamp of the earlier is lost. Made for the
   * first key.
   */
  #byKey: Int32Array | undefined;
  /** Those of further sockets, whose keys begin beyond 32 bits: few, and not for long. */
  readonly #others = new Map<number, number>();
  /** How often key counting has restarted. */
  #count = 0;
  #awaited = 0;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** Whether the stamp of any probe that flies may still come. */
  get areAwaited(): boolean {
    return this.#awaited > 0;
  }

  /** The stamp of the probe in `slot`, which has left just now, will have this key. */
  expect(slot: number, key: number): void {
    this.#slots.stampKey[slot] = key;
    this.#slots.stampCount[slot] = this.#count;
    this.#awaited += 1;
    if (key >= UINT32) {
      this.#others.set(key, slot);
      return;
    }
    this.#byKey ??= new Int32Array(KEYS).fill(NONE);
    this.#byKey[key % KEYS] = slot;
  }

  /** Whether the stamp of a probe that flies may still come. */
  isAwaited(slot: number): boolean {
    const { stampKey, stampNs, stampCount } = this.#slots;
    return (
      !Number.isNaN(stampKey[slot] as number) &&
      Number.isNaN(stampNs[slot] as number) &&
      stampCount[slot] === this.#count
    );
  }

  /** Gives a stamp to the probe it belongs to, and returns its slot; -1 for none. */
  take(key: number, stampNs: number): number {
    const slots = this.#slots;
    const slot = (key < UINT32 ? this.#byKey?.[key % KEYS] : this.#others.get(key)) ?? NONE;
    if (slot === NONE || slots.stampKey[slot] !== key) return NONE;
    // A stamp from before the send is another packet's: key counting restarts after a failure, and
    // keys may be lost.
    if (stampNs < (slots.sentRealNs[slot] as number)) return NONE;
    this.forget(slot);
    slots.stampNs[slot] = stampNs;
    return slot;
  }

  /** Awaits the stamp of a probe no longer. */
  forget(slot: number): void {
    const key = this.#slots.stampKey[slot] as number;
    if (Number.isNaN(key)) return;
    if (this.isAwaited(slot)) this.#awaited -= 1;
    if (key >= UINT32) {
      if (this.#others.get(key) === slot) this.#others.delete(key);
    } else if (this.#byKey?.[key % KEYS] === slot) this.#byKey[key % KEYS] = NONE;
  }

  /** Key counting restarts: stamps still to come can no longer be told from new ones. */
  beginAnew(): void {
    this.#count += 1;
    this.#awaited = 0;
    this.#byKey?.fill(NONE);
    this.#others.clear();
  }
}
