import { escapeText } from "../../packet/format.ts";
import type {
  EchoIcmpErrorResult,
  EchoResult,
  TracerouteEntry,
  TracerouteResult,
} from "../results/results.ts";
import { formatMplsLabel } from "./extensions.ts";
import { icmpErrorMark } from "./icmp-error.ts";
import { formatHost } from "./text.ts";

const NUMBER_WIDTH = 2;
const INDENT = " ".repeat(NUMBER_WIDTH + 2);
/** Where labels stand: deeper than the address they belong to. */
const LABEL_INDENT = `${INDENT}  `;

/** Of an error that its sender may have made up: see {@link EchoIcmpErrorResult}. */
const UNVERIFIED = { mark: "?", meaning: "unverified, may be forged" } as const;

/** What is shown of one address that answered. */
interface Answers {
  /** null before anyone answered. */
  readonly host: string | null;
  /** RTTs, and `*` for each silent probe, in the order of the probes. */
  readonly cells: string[];
  /** What the marks beside the RTTs mean. */
  readonly legends: Set<string>;
  readonly labels: Set<string>;
}

/**
 * One hop of a traceroute, a line for each address that answered: its RTTs, `*` for each probe that
 * was sent and not answered, and the marks of traceroute(8) with what they mean. MPLS labels stand
 * below their address (RFC 4950).
 *
 * ```text
 *  3  core.example (10.0.2.1)  1.203 ms  *  1.187 ms
 *       MPLS label 24321 tc 0 ttl 1 S
 *     10.0.2.5  1.240 ms
 *  4  * * *
 *  5  10.0.3.1  2.118 ms !H  2.096 ms !H  (!H: host unreachable)
 * ```
 *
 * `?` marks an unverified error, which anybody may have sent. A probe that could not be sent shows
 * why: `ENETUNREACH`. A silent probe stands with the address that answered before it.
 */
export function formatHop(entry: TracerouteEntry): string {
  const lines = groupByResponder(entry.probes).flatMap(({ host, cells, legends, labels }) => {
    const answers = host === null ? cells.join(" ") : [host, ...cells].join("  ");
    const legend = legends.size === 0 ? "" : `  (${[...legends].join(", ")})`;
    return [`${INDENT}${answers}${legend}`, ...Array.from(labels, (label) => LABEL_INDENT + label)];
  });
  const [first = `${INDENT}-`, ...others] = lines;
  const number = String(entry.ttl).padStart(NUMBER_WIDTH);
  return [`${number}  ${first.slice(INDENT.length)}`, ...others].join("\n");
}

/**
 * A whole traceroute: its hops as {@link formatHop} shows them, between a heading and why it ended.
 *
 * ```text
 * traceroute to dns.google (8.8.8.8)
 *  1  gw.example (10.0.0.1)  0.512 ms  0.498 ms  0.501 ms
 *  2  * * *
 *  3  dns.google (8.8.8.8)  9.780 ms  9.801 ms  9.764 ms
 * reached 8.8.8.8
 * ```
 */
export function formatTraceroute(result: TracerouteResult): string {
  const heading = `traceroute to ${formatHost(result.resolved, result.target)}`;
  return [heading, ...result.hops.map(formatHop), formatStopReason(result)].join("\n");
}

/** Why a traceroute ended, in a few words: `reached 8.8.8.8`, `not reached within 30 hops`. */
export function formatStopReason(result: TracerouteResult): string {
  const { resolved, hops, stopReason } = result;
  const last = hops.at(-1)?.ttl ?? 0;
  switch (stopReason) {
    case "target":
      return `reached ${formatHost(resolved, null)}`;
    case "unreachable":
      return `not reached: hop ${last} says it is unreachable`;
    case "gapLimit": {
      const silent = hops.length - 1 - hops.findLastIndex(({ addr }) => addr !== null);
      return `not reached: no answer from the last ${silent === 1 ? "hop" : `${silent} hops`}`;
    }
    case "sendError": {
      const refused = hops.at(-1)?.probes.find(({ kind }) => kind === "sendError");
      const why = refused?.kind === "sendError" ? `: ${escapeText(refused.sendError.message)}` : "";
      return `not reached: nothing could be sent to hop ${last}${why}`;
    }
    case "maxHops":
      return `not reached within ${last === 1 ? "1 hop" : `${last} hops`}`;
    case "stopped":
      return "stopped";
    default:
      return stopReason satisfies never;
  }
}

function groupByResponder(probes: readonly EchoResult[]): Answers[] {
  const byAddress = new Map<string, Answers>();
  let current: Answers = { host: null, cells: [], legends: new Set(), labels: new Set() };
  const before = current;
  for (const probe of probes) {
    if (probe.reply === null) {
      const isWrong = probe.kind === "timeout" && probe.wrongData !== null;
      current.cells.push(probe.kind === "sendError" ? probe.error : isWrong ? "* wrong data" : "*");
      continue;
    }
    const { addr, hostname, rtt } = probe.reply;
    let group = byAddress.get(addr);
    if (group === undefined) {
      group = {
        host: formatHost(addr, hostname),
        cells: [],
        legends: new Set(),
        labels: new Set(),
      };
      // What was silent before the first answer has no other place.
      if (byAddress.size === 0) group.cells.push(...before.cells);
      byAddress.set(addr, group);
    }
    current = group;
    const mark = probe.kind === "icmpError" ? icmpErrorMark(probe) : undefined;
    const isUnverified = probe.kind === "icmpError" && probe.unverified;
    const marks = [
      ...(mark === undefined ? [] : [mark.mark]),
      ...(isUnverified ? [UNVERIFIED.mark] : []),
      ...(probe.corrupt
        ? [probe.kind === "reply" && probe.truncated ? "truncated" : "corrupt"]
        : []),
    ];
    group.cells.push([`${rtt.toFixed(3)} ms`, ...marks].join(" "));
    if (mark !== undefined) group.legends.add(`${mark.mark}: ${mark.meaning}`);
    if (isUnverified) group.legends.add(`${UNVERIFIED.mark}: ${UNVERIFIED.meaning}`);
    if (probe.kind === "icmpError") addLabels(group.labels, probe);
  }
  if (byAddress.size > 0) return [...byAddress.values()];
  return before.cells.length > 0 ? [before] : [];
}

function addLabels(labels: Set<string>, { icmpError }: EchoIcmpErrorResult): void {
  for (const extension of icmpError.extensions) {
    if (extension.kind !== "mpls") continue;
    for (const label of extension.labels) labels.add(formatMplsLabel(label));
  }
}
