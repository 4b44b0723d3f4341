import type { StampArrival } from "../transport/transport.ts";
import type { Probe } from "./probe-stream.ts";
import { SequenceTable } from "./sequence-table.ts";

const KEYS = 0x1_0000;
const UINT32 = 2 ** 32;

/** The probes whose transmit stamps have not come, by what the kernel will call them (SOF_TIMESTAMPING_OPT_ID). */
export class DepartureStamps {
  /** By the low half of the key: of two so far apart, the stamp of the earlier is lost. */
  readonly #probes = new SequenceTable<Probe>();
  /** Those of further sockets, whose keys begin beyond 32 bits: few, and not for long. */
  readonly #others = new Map<number, Probe>();
  /** How often keys were counted anew. */
  #count = 0;

  /** The stamp of `probe`, which has left just now, will have this key. */
  expect(probe: Probe, key: number): void {
    probe.stampKey = key;
    probe.stampCount = this.#count;
    if (key < UINT32) this.#probes.set(key % KEYS, probe);
    else this.#others.set(key, probe);
  }

  /** Whether the stamp of a probe may still come. */
  isAwaited({ stampKey, stampNs, stampCount }: Probe): boolean {
    return stampKey !== null && stampNs === null && stampCount === this.#count;
  }

  /** Gives a stamp to the probe it belongs to. */
  take({ key, stampNs }: StampArrival): void {
    const probe = key < UINT32 ? this.#probes.get(key % KEYS) : this.#others.get(key);
    if (probe?.stampKey !== key) return;
    // A stamp from before the send is another packet's: keys are counted anew after a failure, and may be lost.
    if (stampNs < probe.at.realtimeNs) return;
    probe.stampNs = stampNs;
    probe.stream.isStamped = true;
    this.forget(probe);
  }

  /** Awaits the stamp of a probe no longer. */
  forget(probe: Probe): void {
    const { stampKey } = probe;
    if (stampKey === null) return;
    if (stampKey < UINT32) this.#probes.delete(stampKey % KEYS, probe);
    else if (this.#others.get(stampKey) === probe) this.#others.delete(stampKey);
  }

  /** Keys are counted anew: stamps that have not come can no longer be told from new ones. */
  beginAnew(): void {
    this.#count += 1;
    this.#probes.clear();
    this.#others.clear();
  }
}
