import type { EchoResult } from "./results.ts";
import { Statistics, type StatisticsSnapshot } from "./statistics.ts";
import { isDecisive, isNoRoom } from "./verdicts.ts";

/**
 * Loss and round-trip times of one target while its probes go on, from their results: those of an
 * `onResult`, or of a loop over `ping` or `multiping`. Constant memory. An ICMP error counts as
 * loss: the target did not answer.
 *
 * @example
 * ```ts
 * import { Client, EchoStatistics } from "icmpx";
 *
 * await using client = new Client();
 * const statistics = new EchoStatistics();
 * for await (const result of client.ping("127.0.0.1", { count: 5, interval: 100 })) {
 *   statistics.add(result);
 *   const { received, sent, mean } = statistics.snapshot();
 *   console.log(`${received}/${sent} answered, mean ${mean} ms`);
 * }
 * ```
 */
export class EchoStatistics {
  readonly #statistics = new Statistics();

  /**
   * Records one result, late and duplicate ones included. A probe counts as sent when its result
   * comes.
   */
  add(result: EchoResult): void {
    if (isDecisive(result)) this.#statistics.addSent();
    recordEcho(this.#statistics, result);
  }

  /** All figures as they are now; `inFlight` is 0. */
  snapshot(): StatisticsSnapshot {
    return this.#statistics.snapshot();
  }
}

/**
 * Records what became of a probe, counted as sent before, whose target was asked for an echo reply.
 */
export function recordEcho(statistics: Statistics, result: EchoResult): void {
  if (result.corrupt) statistics.addCorrupt();
  if (result.moreDuplicates > 0) statistics.addDuplicate(result.moreDuplicates);
  if (result.duplicate) {
    statistics.addDuplicate();
  } else if (result.late) {
    if (result.kind === "reply") statistics.addLate();
    else statistics.addLateError();
  } else if (result.kind === "reply") {
    statistics.addReply(result.rtt);
    if (result.reordered) statistics.addReordered();
  } else if (result.kind === "timeout") {
    if (result.receiveOverflow) statistics.addOverflow();
    else statistics.addLost();
  } else if (result.kind === "icmpError") {
    statistics.addError();
  } else if (isNoRoom(result)) {
    statistics.addNoRoom();
  } else {
    statistics.addSendError();
  }
}
