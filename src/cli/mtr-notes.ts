import { type EchoResult, isTransit, type MtrRound } from "icmpx";
import { escapeText } from "icmpx/packet";

/** Different lines are kept up to this number: who forges answers can make any number of them. */
const MAX_LINES = 8;

/**
 * What the columns of a report leave out: why probes were not sent, and what routers said besides
 * that a TTL ran out.
 */
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
    if (result.kind !== "icmpError" || isTransit(result)) return;
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
    const unverified = hops
      .flatMap(({ addresses }) => addresses)
      .reduce((sum, address) => sum + address.unverified, 0);
    if (unverified > 0) {
      const answers = unverified === 1 ? "1 answer is" : `${unverified} answers are`;
      lines.push(`${answers} unverified: some NATs change what errors quote, and so does a forger`);
    }
    return lines;
  }
}
