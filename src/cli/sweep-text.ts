import type { SweepHost, SweepProgress, SweepResult } from "icmpx";
import { formatHost } from "icmpx/format";
import { addressFamily, escapeText, icmpCodeName, icmpTypeName } from "icmpx/packet";

/** The host alone, as it was given: what another program takes for an operand. */
export function hostName({ addr, target }: SweepHost): string {
  return escapeText(target ?? addr);
}

/** What became of a host, in words. */
export function hostLine(host: SweepHost): string {
  const name = formatHost(host.addr, host.target);
  switch (host.kind) {
    case "reply": {
      const ttl = host.ttl === null ? "" : `, ttl ${host.ttl}`;
      const from = host.from === host.addr ? "" : `, from ${host.from}`;
      const damage = host.truncated ? ", truncated" : host.corrupt ? ", corrupt" : "";
      return `${name} is alive (${host.rtt.toFixed(3)} ms${ttl}${from}${damage})`;
    }
    case "icmpError": {
      const { type, code, from } = host;
      const family = addressFamily(host.addr) ?? 4;
      return `${name}: ${icmpTypeName(family, type)}, ${icmpCodeName(family, type, code)} (from ${from})`;
    }
    case "timeout":
      return `${name} does not answer`;
    case "wrongData": {
      const { length, truncated } = host.wrongData;
      const what = `${truncated ? "truncated to" : "corrupt,"} ${number(length)} bytes of data`;
      return `${name} answered with wrong data: ${what}`;
    }
    case "sendError":
      return `${name}: ${escapeText(host.message)}`;
    default:
      return host satisfies never;
  }
}

/**
 * The totals, in one line or a few: what never happened is left out.
 *
 * ```text
 * 254 hosts: 17 alive, 236 silent, 1 unreachable; 491 packets in 1.02 s (481/s)
 * rtt min/avg/max = 0.021/0.044/0.310 ms
 * 2 duplicates, 1 late
 * ```
 */
export function summaryLines(result: SweepResult): string[] {
  const {
    hosts,
    answered,
    silent,
    wrongData,
    icmpErrors,
    sendErrors,
    noRoom,
    failed,
    sent,
    duration,
    rtt,
  } = result;
  const undecided = hosts - answered - silent - wrongData - icmpErrors - sendErrors;
  const fates = counted([
    [silent, "silent"],
    [wrongData, "with wrong data"],
    [icmpErrors, "unreachable"],
    [sendErrors - noRoom, "not sent to"],
    [noRoom, "without room to send to"],
    [undecided, "undecided"],
    [failed, "failure", "failures"],
  ]);
  const lines = [
    `${number(hosts)} ${hosts === 1 ? "host" : "hosts"}: ${[`${number(answered)} alive`, ...fates].join(", ")}; ` +
      `${number(sent)} ${sent === 1 ? "packet" : "packets"} in ${(duration / 1000).toFixed(2)} s (${number(Math.round(result.rate))}/s)`,
  ];
  if (rtt.min !== null && rtt.mean !== null && rtt.max !== null) {
    const times = [rtt.min, rtt.mean, rtt.max].map((time) => time.toFixed(3)).join("/");
    lines.push(`rtt min/avg/max = ${times} ms`);
  }
  const oddities = counted([
    [result.duplicates, "duplicate", "duplicates"],
    [result.late, "late"],
    [result.corrupt, "corrupt"],
    [result.unverified, "unverified ICMP error", "unverified ICMP errors"],
    [
      result.overflows,
      "answer lost in this host's full receive queue",
      "answers lost in this host's full receive queue",
    ],
  ]);
  if (oddities.length > 0) lines.push(oddities.join(", "));
  return lines;
}

/** How far a sweep has come: `1,200 of 65,534 hosts (1%), 17 alive, 9,998/s, 6 s left`. */
export function progressText({ total, done, answered, rate, remaining }: SweepProgress): string {
  const hosts =
    total === null
      ? `${number(done)} hosts`
      : `${number(done)} of ${number(total)} hosts (${percent(done, total)})`;
  const left = remaining === null ? "" : `, ${duration(remaining)} left`;
  return `${hosts}, ${number(answered)} alive, ${number(Math.round(rate))}/s${left}`;
}

function counted(
  counts: readonly (readonly [count: number, one: string, many?: string])[],
): string[] {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, one, many = one]) => `${number(count)} ${count === 1 ? one : many}`);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** Rounded down: 100 % is all. */
function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.floor((part / whole) * 100)}%`;
}

/** `47 s`, `3:05 min` or `2:03 h`. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [whole, rest, unit] =
    seconds < 3600
      ? [Math.floor(seconds / 60), seconds % 60, "min"]
      : [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), "h"];
  return `${whole}:${String(rest).padStart(2, "0")} ${unit}`;
}
