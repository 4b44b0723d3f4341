import { EchoStatistics, type StatisticsSnapshot } from "icmpx";

/** The figures of a target before any probe to it is decided. */
export const NO_FIGURES: StatisticsSnapshot = new EchoStatistics().snapshot();

/** Figures without the probes in flight: a screen shows outcomes. */
export function decidedOnly(statistics: StatisticsSnapshot): StatisticsSnapshot {
  return { ...statistics, sent: statistics.sent - statistics.inFlight, inFlight: 0 };
}
