/**
 * Results as text, and the pieces such text is made of: what the `icmpx` command and its terminal
 * UI print with.
 *
 * @example
 * ```ts
 * import { Client } from "icmpx";
 * import { formatHost, formatRtt } from "icmpx/format";
 *
 * await using client = new Client();
 * const { reply, rtt } = await client.probe("127.0.0.1");
 * const host = reply === null ? "nobody" : formatHost(reply.addr, reply.hostname);
 * console.log(`${host}: ${formatRtt(rtt)} ms`);
 * ```
 *
 * @module
 */
export { formatExtensions, formatMplsLabel } from "./client/format/extensions.ts";
export {
  describePingError,
  type IcmpErrorMark,
  icmpErrorMark,
} from "./client/format/icmp-error.ts";
export { formatMtr, type TableFormatOptions } from "./client/format/mtr.ts";
export { formatMultiping } from "./client/format/multiping.ts";
export { formatEchoResult, formatPingStatistics } from "./client/format/ping.ts";
export {
  formatFixed,
  formatHost,
  formatLoss,
  formatRtt,
  pad,
  textWidth,
  truncate,
} from "./client/format/text.ts";
export { formatHop, formatStopReason, formatTraceroute } from "./client/format/traceroute.ts";
export { isSameHost, withoutZone } from "./packet/address.ts";
export { escapeText } from "./packet/format.ts";
