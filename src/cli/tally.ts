import { type EchoResult, EchoStatistics } from "icmpx";
import { escapeText } from "icmpx/packet";

/** Running figures of a ping, for a look at them before its end. */
export class Tally {
  readonly #byTarget = new Map<string, EchoStatistics>();

  add(result: EchoResult): void {
    const statistics = this.#byTarget.get(result.target) ?? new EchoStatistics();
    this.#byTarget.set(result.target, statistics);
    statistics.add(result);
  }

  /**
   * A line for each target: `192.0.2.1: 5/5 packets, 0% loss, min/avg/max = 0.031/0.044/0.053 ms`.
   *
   * @param isSingle Whether there is one target, which then is not named, as by ping(8).
   */
  lines(isSingle: boolean): string[] {
    return Array.from(this.#byTarget, ([target, statistics]) => {
      const { sent, received, loss, min, mean, max } = statistics.snapshot();
      const times =
        min === null || mean === null || max === null
          ? ""
          : `, min/avg/max = ${[min, mean, max].map((time) => time.toFixed(3)).join("/")} ms`;
      const share = loss === null ? "" : `, ${Number((loss * 100).toPrecision(4))}% loss`;
      const about = isSingle ? "" : `${escapeText(target)}: `;
      return `${about}${received}/${sent} packets${share}${times}`;
    });
  }
}
