import type { NameOf } from "./publisher.ts";
import type { AddressStatistics, EchoResult, MtrHop } from "./results.ts";
import { Statistics } from "./statistics.ts";

/** A hop remembers at most as many addresses, each with its statistics: memory stays bounded whoever answers. */
const MAX_ADDRESSES = 128;

/** What an mtr knows of one hop. */
export class HopRecord {
  readonly statistics: Statistics = new Statistics();
  /** Statistics by the address that answered, the first seen first. */
  readonly #byAddress = new Map<string, Statistics>();
  #lastAddress: string | null = null;

  get addresses(): readonly string[] {
    return [...this.#byAddress.keys()];
  }

  /** Records what became of a probe to this hop. Any answer in time counts as received. */
  record(result: EchoResult): void {
    const { statistics } = this;
    const mine = result.reply === null ? undefined : this.#statisticsOf(result.reply.addr);
    if (result.corrupt) statistics.addCorrupt();
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
      statistics.addSendError();
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
      addresses: Array.from(this.#byAddress, ([addr, statistics]) => ({
        addr,
        hostname: nameOf(addr),
        statistics: answersOnly(statistics),
      })),
    };
  }

  #statisticsOf(address: string): Statistics | undefined {
    let statistics = this.#byAddress.get(address);
    if (statistics === undefined && this.#byAddress.size < MAX_ADDRESSES) {
      statistics = new Statistics();
      this.#byAddress.set(address, statistics);
    }
    return statistics;
  }
}

function answersOnly(statistics: Statistics): AddressStatistics {
  const { sent, lost, loss, overflows, inFlight, sendErrors, ...answers } = statistics.snapshot();
  return answers;
}
