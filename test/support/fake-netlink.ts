import {
  NDT_STATS,
  NDTA_STATS,
  NDTMSG,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSGHDR,
  RTATTR,
  RTM_GETNEIGHTBL,
  RTM_GETQDISC,
  TC_STATS,
  TCA_STATS,
  TCMSG,
} from "../../src/ffi/constants.ts";

const DESCRIPTOR = 900;
/** RTM_NEWNEIGHTBL is RTM_GETNEIGHTBL less 2, and so are all of the kind (linux/rtnetlink.h). */
const ANSWER = -2;

/** What the fake kernel counts. */
export interface FakeCounts {
  /** How often the table of neighbours was full. */
  tableOverflows: number;
  /** What the queue of the one device has dropped. */
  queueDrops: number;
}

/**
 * The routing of the fake kernel as netlink sockets see it: one table of neighbours and one queue.
 */
export class FakeNetlink {
  readonly counts: FakeCounts = { tableOverflows: 0, queueDrops: 0 };
  /** How many dumps were asked for. */
  dumps = 0;
  #isOpen = false;
  readonly #answers: Uint8Array[] = [];

  /** A descriptor. */
  open(): number {
    this.#isOpen = true;
    return DESCRIPTOR;
  }

  owns(fd: number): boolean {
    return this.#isOpen && fd === DESCRIPTOR;
  }

  close(): number {
    this.#isOpen = false;
    this.#answers.length = 0;
    return 0;
  }

  send(request: Uint8Array): number {
    const view = new DataView(request.buffer, request.byteOffset, request.length);
    const flags = view.getUint16(NLMSGHDR.flags, true);
    if (flags !== (NLM_F_REQUEST | NLM_F_DUMP)) throw new Error("Not a dump");
    const type = view.getUint16(NLMSGHDR.type, true);
    this.dumps += 1;
    // The real one has other attributes before the one that matters.
    const name = attribute(1, new TextEncoder().encode("fake\0"));
    if (type === RTM_GETNEIGHTBL) {
      const stats = new Uint8Array(NDT_STATS.size);
      const total = BigInt(this.counts.tableOverflows);
      new DataView(stats.buffer).setBigUint64(NDT_STATS.tableFulls, total, true);
      const body = [new Uint8Array(NDTMSG.size), name, attribute(NDTA_STATS, stats)];
      this.#answers.push(message(type + ANSWER, body));
    } else if (type === RTM_GETQDISC) {
      const stats = new Uint8Array(TC_STATS.size);
      new DataView(stats.buffer).setUint32(TC_STATS.drops, this.counts.queueDrops, true);
      const body = [new Uint8Array(TCMSG.size), name, attribute(TCA_STATS, stats)];
      this.#answers.push(message(type + ANSWER, body));
    } else throw new Error(`No such request: ${type}`);
    this.#answers.push(message(NLMSG_DONE, [new Uint8Array(4)]));
    return request.length;
  }

  /** -1 when nothing waits. */
  receive(data: Uint8Array): number {
    const answer = this.#answers.shift();
    if (answer === undefined) return -1;
    data.set(answer);
    return answer.length;
  }
}

function message(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const bytes = new Uint8Array(NLMSGHDR.size + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(NLMSGHDR.length, bytes.length, true);
  view.setUint16(NLMSGHDR.type, type, true);
  bytes.set(body, NLMSGHDR.size);
  return bytes;
}

function attribute(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((RTATTR.size + data.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(RTATTR.length, RTATTR.size + data.length, true);
  view.setUint16(RTATTR.type, type, true);
  bytes.set(data, RTATTR.size);
  return bytes;
}
