import type { EchoResult, StatisticsSnapshot } from "icmpx";
import { formatExtensions } from "icmpx/format";
import { escapeText } from "icmpx/packet";
import { formatRtt } from "../model/format.ts";
import { explainSilence, type HopFacts } from "../model/silence.ts";
import type { TracedHop } from "../model/traceroute-session.ts";
import { type DetailLine, paragraph } from "./hop-detail.ts";
import { hostText } from "./host-text.ts";
import { type TracerouteRow, tracerouteRows } from "./traceroute-table.ts";
import { wayBack } from "./way-back.ts";

const INDENT = "   ";

/** What to tell of which hop. */
export interface TracerouteDetailOptions {
  readonly hops: readonly TracedHop[];
  readonly hop: TracedHop;
  /** Where the target answered, or undefined while it has not. */
  readonly targetTtl: number | undefined;
  /** Loss and RTTs of a hop. */
  figuresOf(hop: TracedHop): StatisticsSnapshot;
  /** Cells of a line. */
  readonly width: number;
}

/**
 * Everything that is known of a hop: what its silence means, and each address with what it said.
 */
export function tracerouteDetailLines({
  hops,
  hop,
  targetTtl,
  figuresOf,
  width,
}: TracerouteDetailOptions): DetailLine[] {
  const lines: DetailLine[] = [];
  const add = (text: string, role: DetailLine[number]["role"]): void =>
    void lines.push(...paragraph(text, role, width));
  const isSilent = hop.decided.some(({ reply }) => reply === null);
  if (isSilent) {
    const facts = hops.map((each) => factsOf(each, figuresOf(each)));
    const options = { hops: facts, index: hops.indexOf(hop), targetTtl };
    for (const { role, text } of explainSilence(options)) add(text, role);
  }
  for (const row of tracerouteRows([hop])) addAddress(row, add);
  for (const text of new Set(hop.decided.flatMap(failureOf))) add(text, "bad");
  for (const { reply, late, request } of hop.afterwards) {
    if (reply === null) continue;
    const what = late ? "after it was given up" : "once more";
    add(
      `Probe ${request.number} was answered ${what}: ${escapeText(reply.addr)}, ${formatRtt(reply.rtt)} ms`,
      "warn",
    );
  }
  if (lines.length === 0) add("No probe to it is decided yet.", "dim");
  return lines;
}

function addAddress(
  row: TracerouteRow,
  add: (text: string, role: DetailLine[number]["role"]) => void,
): void {
  if (row.addr === null) return;
  const rtts = row.answers.map(({ reply }) => formatRtt(reply?.rtt ?? null)).join("  ");
  add(`${hostText("both", row.addr, row.name)}  ${rtts} ms`, row.isTarget ? "title" : "text");
  const said = new Set(row.answers.flatMap((result) => wordsOf(result)));
  for (const text of said) add(INDENT + text, "dim");
  const way = row.answers
    .map(({ reply }) => wayBack(reply?.ttl ?? null, row.hop.ttl))
    .find((text) => text);
  if (way !== undefined) add(INDENT + way, "dim");
}

/** What an answer says, in lines that are safe to print. */
function wordsOf(result: EchoResult): string[] {
  const corrupt = result.corrupt ? ["did not bring back what was sent"] : [];
  const user = result.rttSource === "user" ? ["timed in user space, not by the kernel"] : [];
  if (result.kind !== "icmpError")
    return [...(result.kind === "reply" ? ["echo reply"] : []), ...corrupt, ...user];
  const { description, mtu, quote, extensions } = result.icmpError;
  const quotedTtl = quote.ipHeader?.ttl;
  return [
    description,
    ...(mtu ? [`next hop takes up to ${mtu} bytes`] : []),
    // RFC 1812 section 5.3.1 has it expire on reaching zero; 1 is what it came with.
    ...(quotedTtl !== undefined && quotedTtl > 1
      ? [`the probe reached it with TTL ${quotedTtl}, not 1`]
      : []),
    ...formatExtensions(extensions),
    ...corrupt,
    ...user,
  ];
}

function failureOf(result: EchoResult): string[] {
  return result.kind === "sendError" ? [escapeText(result.sendError.message)] : [];
}

function factsOf(hop: TracedHop, figures: StatisticsSnapshot): HopFacts {
  const isDropped = (result: EchoResult): boolean =>
    result.kind === "timeout" && result.departed === false;
  return { ttl: hop.ttl, figures, localDrops: hop.decided.filter(isDropped).length };
}
