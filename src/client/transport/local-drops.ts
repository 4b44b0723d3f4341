import {
  AF_INET6,
  NDT_STATS,
  NDTA_STATS,
  NDTMSG,
  RTM_GETNEIGHTBL,
  RTM_GETQDISC,
  TC_STATS,
  TCA_STATS,
  TCMSG,
} from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
import { dumpObjects, findAttribute } from "../../ffi/netlink.ts";
import type { Socket } from "../../ffi/socket.ts";

const NEIGHBOUR_TABLES = {
  type: RTM_GETNEIGHTBL,
  header: Uint8Array.of(AF_INET6, 0, 0, 0),
};
/** How long after a refusal other packets are suspected, too. */
const DROPPING_NS = 1_000_000_000;
const QUEUES = { type: RTM_GETQDISC, header: new Uint8Array(TCMSG.size) };

type MemoryUsed = Socket["memoryUsed"];

/**
 * Tells whether this host had no room for an IPv6 packet where the send itself does not.
 *
 * The kernel tells a datagram socket nothing (ping_v6_sendmsg). A raw socket gets EINVAL when the
 * table of neighbours is full (ip6_finish_output2), but EINVAL has many causes. That leaves the
 * kernel's counters. They count the packets of all processes, so they prove something only about a
 * packet that seems refused anyway. Reading one takes some 6 us, more on a host with many devices.
 */
export class LocalDrops {
  readonly #libc: Libc;
  // NaN where nobody tells.
  #tableOverflows: number = Number.NaN;
  #queueDrops: number = Number.NaN;
  /** When (monotonic) a packet seemed to have been refused last. */
  #refusedNs: number = Number.NEGATIVE_INFINITY;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.hasTableOverflowed();
    this.hasQueueOverflowed();
  }

  /**
   * Whether an IPv6 neighbour found no room in the table (gc_thresh3, arp(7)) since the last call.
   */
  hasTableOverflowed(): boolean {
    const before = this.#tableOverflows;
    this.#tableOverflows = tableOverflows(this.#libc);
    return this.#tableOverflows > before;
  }

  /** Whether a packet found none in the queue of a device (tc(8)) since the last call. */
  hasQueueOverflowed(): boolean {
    const before = this.#queueDrops;
    this.#queueDrops = queueDrops(this.#libc);
    return this.#queueDrops > before;
  }

  /**
   * Whether there may have been no room for a packet that was sent between two readings of what its
   * socket uses. If it waits it takes memory, and if it has left its stamp does. The stamp has the
   * last word: memory that takes something else may have become free meanwhile.
   */
  mayHaveRefused(before: MemoryUsed, after: MemoryUsed): boolean {
    if (after.unsent > before.unsent) return false;
    // That may be an answer to another probe as well, which matters while packets are being
    // dropped.
    const isStamped = after.unread > before.unread;
    const nowNs = this.#libc.monotonicNs();
    if (isStamped && nowNs - this.#refusedNs > DROPPING_NS) return false;
    if (!this.hasTableOverflowed() && !this.hasQueueOverflowed()) return false;
    this.#refusedNs = nowNs;
    return true;
  }
}

/** How often the table of IPv6 neighbours was full; NaN where nobody tells. */
function tableOverflows(libc: Libc): number {
  let overflows = Number.NaN;
  dumpObjects(libc, NEIGHBOUR_TABLES, (table) => {
    const stats = findAttribute(table, NDTMSG.size, NDTA_STATS);
    if (stats === undefined || stats.byteLength < NDT_STATS.size) return true;
    overflows = Number(stats.getBigUint64(NDT_STATS.tableFulls, true));
    return false;
  });
  return overflows;
}

/** How many packets the queues of all devices have dropped; NaN where nobody tells. */
function queueDrops(libc: Libc): number {
  let drops = 0;
  const isKnown = dumpObjects(libc, QUEUES, (queue) => {
    const stats = findAttribute(queue, TCMSG.size, TCA_STATS);
    if (stats !== undefined && stats.byteLength >= TC_STATS.drops + 4)
      drops += stats.getUint32(TC_STATS.drops, true);
    return true;
  });
  return isKnown ? drops : Number.NaN;
}
