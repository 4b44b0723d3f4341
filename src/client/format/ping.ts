import { answersFor } from "../../packet/address.ts";
import { escapeText } from "../../packet/format.ts";
import type { EchoResult, PingResult, TargetFailure } from "../results/results.ts";
import type { StatisticsSnapshot } from "../results/statistics.ts";
import { describePingError } from "./icmp-error.ts";
import { formatFixed, formatHost, formatRtt } from "./text.ts";

/** Length of the header of an echo message, which ping(8) counts as part of "64 bytes". */
const ECHO_HEADER = 8;
/** Those of `%g`, without its exponent. */
const LOSS_DIGITS: Intl.NumberFormatOptions = { maximumSignificantDigits: 6, useGrouping: false };

/**
 * What became of one probe, in one line. What ping(8) of iputils says, too, is in its words, so
 * that what reads its output reads this. `icmp_seq` is the number of the probe, from 1 on.
 *
 * ```text
 * 64 bytes from dns.google (8.8.8.8): icmp_seq=3 ttl=57 time=12.3 ms
 * 64 bytes from 10.0.0.9: icmp_seq=3 ttl=64 time=0.412 ms (DUP!) (DIFFERENT ADDRESS!)
 * From 10.0.0.1 icmp_seq=4 Frag needed and DF set (mtu = 1400)
 * No answer from 8.8.8.8: icmp_seq=5 timeout
 * Not sent to 10.0.0.9: icmp_seq=6 sendmsg() to 10.0.0.9 failed: EHOSTUNREACH (host is unreachable)
 * no-such-host.invalid: Cannot resolve "no-such-host.invalid": no such name (ENOTFOUND)
 * ```
 *
 * An answer may also be marked `(late)`, `(truncated)`, `(corrupt)` and `(reordered)`, an ICMP
 * error `(unverified)`. The time until an ICMP error came is in {@link EchoResult}'s `rtt` only: to
 * readers of ping's output, `time=` means a reply. The last line is an item of a multiping that
 * could not be probed.
 */
export function formatEchoResult(result: EchoResult | TargetFailure): string {
  if (result.kind === "targetFailure")
    return `${escapeText(result.target)}: ${escapeText(result.message)}`;
  const { request } = result;
  const number = `icmp_seq=${request.number}`;
  switch (result.kind) {
    case "reply": {
      const { reply } = result;
      const bytes = ECHO_HEADER + reply.receivedPacket.icmpPacket.payload.length;
      const from = formatHost(reply.addr, reply.hostname);
      const ttl = reply.ttl === null ? "" : ` ttl=${reply.ttl}`;
      return `${bytes} bytes from ${from}: ${number}${ttl} time=${formatRtt(reply.rtt)} ms${marks(result)}`;
    }
    case "icmpError": {
      const from = formatHost(result.reply.addr, result.reply.hostname);
      return `From ${from} ${number} ${describePingError(result)}${marks(result)}`;
    }
    case "timeout": {
      if (result.wrongData !== null) {
        const { length, truncated } = result.wrongData;
        const what = `${truncated ? "truncated to" : "corrupt,"} ${length} bytes of data`;
        const host = formatHost(request.addr, request.hostname);
        return `No answer from ${host}: ${number} timeout (answered with wrong data: ${what})`;
      }
      const why = result.receiveOverflow
        ? " (receive queue overflowed)"
        : result.departed === false
          ? " (never left this host)"
          : "";
      return `No answer from ${formatHost(request.addr, request.hostname)}: ${number} timeout${why}`;
    }
    case "sendError": {
      const message = escapeText(result.sendError.message);
      return `Not sent to ${formatHost(request.addr, request.hostname)}: ${number} ${message}`;
    }
    default:
      return result satisfies never;
  }
}

function marks(result: EchoResult): string {
  const isOther =
    result.kind === "reply" &&
    !answersFor(result.reply.addr, result.request.addr) &&
    "DIFFERENT ADDRESS!";
  const all = [
    result.late && "late",
    result.duplicate && "DUP!",
    result.corrupt && (result.kind === "reply" && result.truncated ? "truncated" : "corrupt"),
    result.reordered && "reordered",
    result.kind === "icmpError" && result.unverified && "unverified",
    isOther,
  ];
  return all.map((mark) => (mark ? ` (${mark})` : "")).join("");
}

/**
 * The summary of a ping, in the words of ping(8) of iputils. A last line, present only if there is
 * something to tell, holds what ping(8) does not: jitter, and what else was counted.
 *
 * ```text
 * --- dns.google ping statistics ---
 * 4 packets transmitted, 3 received, +1 duplicates, 25% packet loss, time 3004ms
 * rtt min/avg/max/mdev = 10.117/12.293/15.002/2.041 ms
 * jitter 3.60 ms, 1 late
 * ```
 *
 * `+N errors` counts ICMP errors and probes that could not be sent. `time` is that from the first
 * probe to the last.
 */
export function formatPingStatistics(result: PingResult): string {
  const { target, statistics, duration } = result;
  const { sent, received, min, mean, max, stddev, jitter, duplicates, errors, sendErrors } =
    statistics;
  const failures = errors + sendErrors;
  const counts = [
    `${sent} packets transmitted`,
    `${received} received`,
    ...(duplicates > 0 ? [`+${duplicates} duplicates`] : []),
    ...(failures > 0 ? [`+${failures} errors`] : []),
    ...(sent > 0
      ? [`${formatPacketLoss(statistics)} packet loss`, `time ${Math.round(duration)}ms`]
      : []),
  ];
  const times = [min, mean, max, stddev].map((time) => formatFixed(time, 3)).join("/");
  const more = [
    ...(jitter === null ? [] : [`jitter ${formatRtt(jitter)} ms`]),
    // Both are on the line of ping(8).
    ...specialCounts({ ...statistics, duplicates: 0, errors: 0 }),
  ];
  return [
    `--- ${escapeText(target)} ping statistics ---`,
    counts.join(", "),
    ...(min === null ? [] : [`rtt min/avg/max/mdev = ${times} ms`]),
    ...(more.length === 0 ? [] : [more.join(", ")]),
  ].join("\n");
}

/**
 * The loss as ping(8) prints it (`%g`): six digits that count and no trailing zeros. `0%` and
 * `100%` mean none and all, however many probes there were. While no probe is decided, `0%` would
 * say that there was an answer.
 */
function formatPacketLoss({ loss, inFlight }: StatisticsSnapshot): string {
  const percent = (loss ?? (inFlight > 0 ? 1 : 0)) * 100;
  // Not a hundred while anything was answered.
  const shown = percent < 100 ? Math.min(percent, 99.9999) : percent;
  return `${shown.toLocaleString("en-US", LOSS_DIGITS)}%`;
}

/**
 * What else was counted, in words: `["1 duplicate", "2 late"]`; nothing for what never happened.
 */
export function specialCounts(statistics: StatisticsSnapshot): string[] {
  const { duplicates, late, reordered, corrupt, errors, sendErrors, noRoom, overflows, inFlight } =
    statistics;
  const counts: readonly (readonly [count: number, one: string, many: string])[] = [
    [duplicates, "duplicate", "duplicates"],
    [late, "late", "late"],
    [reordered, "reordered", "reordered"],
    [corrupt, "corrupt", "corrupt"],
    [errors, "ICMP error", "ICMP errors"],
    [sendErrors - noRoom, "not sent", "not sent"],
    // Not in the loss: the fault is this host's.
    [noRoom, "without room to send", "without room to send"],
    [overflows, "receive overflow", "receive overflows"],
    [inFlight, "in flight", "in flight"],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
}
