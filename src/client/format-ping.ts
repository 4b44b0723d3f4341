import { escapeText } from "../packet/format.ts";
import { formatHost, formatLoss, formatRtt } from "./format-text.ts";
import type { EchoReply, EchoResult, PingResult, TargetFailure } from "./results.ts";
import { isSameHost } from "./same-host.ts";
import type { StatisticsSnapshot } from "./statistics.ts";

/** Length of the header of an echo message, which ping(8) counts as part of "64 bytes". */
const ECHO_HEADER = 8;

/**
 * What became of one probe, as a line like those of ping(8). `icmp_seq` is the number of the probe, from 1 on.
 *
 * ```text
 * 64 bytes from dns.google (8.8.8.8): icmp_seq=3 ttl=57 time=12.3 ms
 * 64 bytes from 10.0.0.9: icmp_seq=3 ttl=64 time=0.412 ms (DUP!) (different address)
 * From 10.0.0.1: icmp_seq=4 destination unreachable: fragmentation needed (mtu=1400) time=0.213 ms
 * No answer from 8.8.8.8: icmp_seq=5 timeout
 * Not sent to 10.0.0.9: icmp_seq=6 sendmsg() to 10.0.0.9 failed: EHOSTUNREACH (host is unreachable)
 * no-such-host.invalid: Cannot resolve "no-such-host.invalid": no such name (ENOTFOUND)
 * ```
 *
 * An answer may be marked `(late)`, `(DUP!)`, `(corrupt)`, `(reordered)` and `(different address)`.
 * It takes any item of a multiping, too: the last line is a target that could not be probed.
 */
export function formatEchoResult(result: EchoResult | TargetFailure): string {
  if (result.kind === "targetFailure") return `${escapeText(result.target)}: ${escapeText(result.message)}`;
  const { request } = result;
  const number = `icmp_seq=${request.number}`;
  switch (result.kind) {
    case "reply": {
      const { reply } = result;
      const bytes = ECHO_HEADER + reply.receivedPacket.icmpPacket.payload.length;
      const from = formatHost(reply.addr, reply.hostname);
      const ttl = reply.ttl === null ? "" : ` ttl=${reply.ttl}`;
      return `${bytes} bytes from ${from}: ${number}${ttl}${time(reply)}${marks(result)}`;
    }
    case "icmpError": {
      const { reply, icmpError } = result;
      const from = formatHost(reply.addr, reply.hostname);
      // RFC 1191 section 5: routers older than it put 0 there.
      const mtu = icmpError.mtu ? ` (mtu=${icmpError.mtu})` : "";
      return `From ${from}: ${number} ${icmpError.description}${mtu}${time(reply)}${marks(result)}`;
    }
    case "timeout": {
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

function time(reply: EchoReply): string {
  return ` time=${formatRtt(reply.rtt)} ms`;
}

function marks(result: EchoResult): string {
  const isOther =
    result.kind === "reply" && !isSameHost(result.reply.addr, result.request.addr) && "different address";
  const all = [
    result.late && "late",
    result.duplicate && "DUP!",
    result.corrupt && "corrupt",
    result.reordered && "reordered",
    isOther,
  ];
  return all.map((mark) => (mark ? ` (${mark})` : "")).join("");
}

/**
 * The summary of a ping, like that of ping(8). What has no sample is left out, as times without an answer and the jitter of a
 * single one; what is special is listed only if there was some.
 *
 * ```text
 * --- dns.google (8.8.8.8) ping statistics ---
 * 4 packets transmitted, 3 received, 25.0% packet loss, 1 duplicate
 * rtt min/mean/max/stddev = 10.1/12.3/15.0/2.04 ms, jitter 3.60 ms
 * ```
 */
export function formatPingStatistics(result: PingResult): string {
  const { target, resolved, statistics } = result;
  const { sent, received, loss, min, mean, max, stddev, jitter } = statistics;
  const counts = [
    `${sent} packets transmitted`,
    `${received} received`,
    `${formatLoss(loss)}${loss === null ? "" : "%"} packet loss`,
    ...specialCounts(statistics),
  ];
  const times = [min, mean, max, stddev].map(formatRtt).join("/");
  const jitterText = jitter === null ? "" : `, jitter ${formatRtt(jitter)} ms`;
  return [
    `--- ${formatHost(resolved, target)} ping statistics ---`,
    counts.join(", "),
    ...(min === null ? [] : [`rtt min/mean/max/stddev = ${times} ms${jitterText}`]),
  ].join("\n");
}

/** What else was counted, in words: `["1 duplicate", "2 late"]`; nothing for what never happened. */
export function specialCounts(statistics: StatisticsSnapshot): string[] {
  const { duplicates, late, reordered, corrupt, errors, sendErrors, overflows, inFlight } = statistics;
  const counts: readonly (readonly [count: number, one: string, many: string])[] = [
    [duplicates, "duplicate", "duplicates"],
    [late, "late", "late"],
    [reordered, "reordered", "reordered"],
    [corrupt, "corrupt", "corrupt"],
    [errors, "ICMP error", "ICMP errors"],
    [sendErrors, "not sent", "not sent"],
    // Not in the loss: the fault is this host's.
    [overflows, "receive overflow", "receive overflows"],
    [inFlight, "in flight", "in flight"],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
}
