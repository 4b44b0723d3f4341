import type { ExtensionObject } from "../../packet/extension-objects.ts";
import type { AddressStatistics, EchoResult, MtrHop, PathStatistics } from "../results/results.ts";
import { Statistics } from "../results/statistics.ts";
import { isNoRoom } from "../results/verdicts.ts";
import type { NameOf } from "../run/publisher.ts";

/**
 * A hop remembers this many addresses at most, each with its statistics: memory stays bounded
 * whatever answers.
 */
const MAX_ADDRESSES = 128;

/** What one address answered. */
interface AddressRecord {
  readonly statistics: Statistics;
  extensions: readonly ExtensionObject[];
  unverified: number;
}

/** What is known of one hop. */
export class HopRecord {
  readonly statistics: Statistics = new Statistics();
  /** Whether a router that passes probes on answered there, or the target. */
  isOnPath = false;
  /** The last round with a verified answer; below any round if there was none. */
  verifiedRound: number = Number.NEGATIVE_INFINITY;
  /** By the address that answered, the first seen first. */
  readonly #byAddress = new Map<string, AddressRecord>();
  #lastAddress: string | null = null;

  get addresses(): readonly string[] {
    return [...this.#byAddress.keys()];
  }

  /** Records what became of a probe to this hop. Any answer in time counts as received. */
  record(result: EchoResult): void {
    const { statistics } = this;
    const record = result.reply === null ? undefined : this.#recordOf(result.reply.addr);
    const mine = record?.statistics;
    if (record !== undefined)
      record.extensions = result.kind === "icmpError" ? result.icmpError.extensions : [];
    if (record !== undefined && result.kind === "icmpError" && result.unverified)
      record.unverified += 1;
    if (result.corrupt) statistics.addCorrupt();
    if (result.moreDuplicates > 0) statistics.addDuplicate(result.moreDuplicates);
    if (result.duplicate) {
      statistics.addDuplicate();
      mine?.addDuplicate();
    } else if (result.late) {
      statistics.addLate();
      mine?.addLate();
    } else if (result.reply !== null) {
      statistics.addReply(result.reply.rtt);
      mine?.addSent();
      mine?.addReply(result.reply.rtt);
      this.#lastAddress = result.reply.addr;
    } else if (result.kind === "sendError") {
      if (isNoRoom(result)) statistics.addNoRoom();
      else statistics.addSendError();
    } else if (result.kind === "timeout" && result.receiveOverflow) {
      statistics.addOverflow();
    } else {
      statistics.addLost();
    }
  }

  snapshot(ttl: number, nameOf: NameOf): MtrHop {
    return {
      ttl,
      addr: this.#lastAddress,
      hostname: this.#lastAddress === null ? null : nameOf(this.#lastAddress),
      statistics: this.statistics.snapshot(),
      addresses: Array.from(this.#byAddress, ([addr, { statistics, extensions, unverified }]) => ({
        addr,
        hostname: nameOf(addr),
        statistics: answersOnly(statistics),
        extensions,
        unverified,
      })),
    };
  }

  #recordOf(address: string): AddressRecord | undefined {
    let record = this.#byAddress.get(address);
    if (record === undefined && this.#byAddress.size < MAX_ADDRESSES) {
      record = { statistics: new Statistics(), extensions: [], unverified: 0 };
      this.#byAddress.set(address, record);
    }
    return record;
  }
}

/** The hops of a path, by TTL. */
export class HopTable implements Iterable<[ttl: number, hop: HopRecord]> {
  readonly #hops = new Map<number, HopRecord>();
  /** Hops beyond this one are not shown. */
  lastTtl: number = Number.POSITIVE_INFINITY;

  get(ttl: number): HopRecord | undefined {
    return this.#hops.get(ttl);
  }

  /** The record of a hop, made on first use. */
  at(ttl: number): HopRecord {
    let hop = this.#hops.get(ttl);
    if (hop === undefined) {
      hop = new HopRecord();
      this.#hops.set(ttl, hop);
    }
    return hop;
  }

  /** Forgets the hops beyond. */
  dropBeyond(ttl: number): void {
    for (const hopTtl of this.#hops.keys()) if (hopTtl > ttl) this.#hops.delete(hopTtl);
  }

  /** TTL of the farthest hop known to be on the path; 0 if there is none. */
  get lastOnPath(): number {
    let last = 0;
    for (const [ttl, { isOnPath }] of this.#hops) if (isOnPath) last = Math.max(last, ttl);
    return last;
  }

  [Symbol.iterator](): Iterator<[ttl: number, hop: HopRecord]> {
    return this.#hops[Symbol.iterator]();
  }

  /** The hops that are shown, in order of TTL. */
  snapshot(nameOf: NameOf): MtrHop[] {
    return Array.from(this.#hops)
      .filter(([ttl]) => ttl <= this.lastTtl)
      .sort(([a], [b]) => a - b)
      .map(([ttl, hop]) => hop.snapshot(ttl, nameOf));
  }

  /** Every address that answered at the hops shown. */
  get addresses(): string[] {
    return Array.from(this.#hops).flatMap(([ttl, hop]) =>
      ttl <= this.lastTtl ? hop.addresses : [],
    );
  }
}

/** The statistics of a path before anything is known. */
export function emptyPath(target: string): PathStatistics {
  return { target, resolved: null, family: null, hops: [], reached: false };
}

function answersOnly(statistics: Statistics): AddressStatistics {
  const { sent, lost, loss, overflows, noRoom, inFlight, sendErrors, ...answers } =
    statistics.snapshot();
  return answers;
}
