import type { EchoIcmpErrorResult, EchoResult, MtrRound } from "icmpx";
import { escapeText, Icmpv4Type, Icmpv6Type } from "icmpx/packet";

/** Different lines are kept up to this number: who forges answers can make any number of them. */
const MAX_LINES = 8;

/** What the columns of a report leave out: why probes were not sent, and what routers said besides that a TTL ran out. */
export class MtrNotes {
  readonly #said = new Set<string>();
  #notSent = 0;
  #lastSendError = "";

  add(result: EchoResult): void {
    if (result.kind === "sendError") {
      this.#notSent += 1;
      this.#lastSendError = result.sendError.message;
    }
    if (result.kind === "timeout" && result.wrongData !== null) {
      const { length, truncated } = result.wrongData;
      const how = truncated ? "truncated to" : "corrupt,";
      this.#say(`${result.request.addr} answered with wrong data: ${how} ${length} bytes`);
    }
    if (result.kind !== "icmpError" || isInTransit(result)) return;
    const { description, mtu } = result.icmpError;
    const text = `${result.reply.addr} says: ${description}${mtu === null ? "" : `, mtu ${mtu}`}`;
    this.#say(text);
  }

  #say(text: string): void {
    if (this.#said.size < MAX_LINES) this.#said.add(text);
  }

  /** Lines for below a report of `round`, safe to print. */
  lines({ hops }: Pick<MtrRound, "hops">): string[] {
    const lines = Array.from(this.#said, escapeText);
    if (this.#notSent > 0) {
      const probes = this.#notSent === 1 ? "1 probe" : `${this.#notSent} probes`;
      lines.push(`${probes} not sent: ${escapeText(this.#lastSendError)}`);
    }
    const overflows = hops.reduce((sum, { statistics }) => sum + statistics.overflows, 0);
    if (overflows > 0)
      lines.push(
        `${overflows} ${overflows === 1 ? "answer" : "answers"} lost in this host's full receive queue: not counted as loss`,
      );
    return lines;
  }
}

/** What every hop but the last is asked for: that the TTL ran out there. */
function isInTransit({ icmpError, reply }: EchoIcmpErrorResult): boolean {
  const { TimeExceeded } = reply.receivedPacket.ipHeader.version === 4 ? Icmpv4Type : Icmpv6Type;
  return icmpError.type === TimeExceeded && icmpError.code === 0;
}
