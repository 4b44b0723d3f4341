import type { EchoResult } from "icmpx";
import { escapeText } from "icmpx/packet";

interface Count {
  decided: number;
  received: number;
  sum: number;
  least: number;
  greatest: number;
}

/** Running figures of a ping, for a look at them before its end. */
export class Tally {
  readonly #counts = new Map<string, Count>();

  /** A probe was decided. What came late or twice was counted before. */
  add(result: EchoResult): void {
    if (result.late || result.duplicate) return;
    const { target } = result;
    const count = this.#counts.get(target) ?? emptyCount();
    this.#counts.set(target, count);
    count.decided += 1;
    if (result.kind !== "reply") return;
    count.received += 1;
    count.sum += result.rtt;
    count.least = Math.min(count.least, result.rtt);
    count.greatest = Math.max(count.greatest, result.rtt);
  }

  /** A line for each target: `192.0.2.1: 5/5 packets, 0.0% loss, min/avg/max = 0.031/0.044/0.053 ms`. */
  lines(): string[] {
    return Array.from(this.#counts, ([target, { decided, received, sum, least, greatest }]) => {
      const loss = (((decided - received) * 100) / decided).toFixed(1);
      const times =
        received === 0
          ? ""
          : `, min/avg/max = ${[least, sum / received, greatest].map((time) => time.toFixed(3)).join("/")} ms`;
      return `${escapeText(target)}: ${received}/${decided} packets, ${loss}% loss${times}`;
    });
  }
}

function emptyCount(): Count {
  return { decided: 0, received: 0, sum: 0, least: Number.POSITIVE_INFINITY, greatest: 0 };
}
