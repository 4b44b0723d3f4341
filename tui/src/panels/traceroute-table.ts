import type { EchoResult } from "icmpx";
import { formatExtensions, type IcmpErrorMark, icmpErrorMark } from "icmpx/format";
import { type ExtensionObject, escapeText } from "icmpx/packet";
import type { Column, Span } from "../draw/table.ts";
import { textWidth, truncate } from "../model/fit.ts";
import { FIGURE_WIDTH, formatRtt } from "../model/format.ts";
import type { TracedHop } from "../model/traceroute-session.ts";
import { type HostStyle, hostText } from "./host-text.ts";
import { hopsBack } from "./way-back.ts";

/** One address that answered at a hop; of a silent hop, the hop itself. */
export interface TracerouteRow {
  readonly hop: TracedHop;
  /** Whether it is the first of its hop, which shows what nobody answered, too. */
  readonly isFirst: boolean;
  /** Its answers; those of the whole hop if it is silent. */
  readonly answers: readonly EchoResult[];
  /** Safe to print; null if the hop is silent. */
  readonly addr: string | null;
  readonly name: string | null;
  readonly isTarget: boolean;
}

/** The hops as rows, one for each address. */
export function tracerouteRows(hops: readonly TracedHop[]): TracerouteRow[] {
  return hops.flatMap((hop) => {
    const byAddress = Map.groupBy(
      hop.decided.filter(({ reply }) => reply !== null),
      ({ reply }) => reply?.addr ?? "",
    );
    if (byAddress.size === 0) {
      return [
        { hop, isFirst: true, answers: hop.decided, addr: null, name: null, isTarget: false },
      ];
    }
    return Array.from(byAddress, ([addr, answers], index): TracerouteRow => {
      // The first answers come without names.
      const name = answers.find(({ reply }) => reply?.hostname != null)?.reply?.hostname ?? null;
      return {
        hop,
        isFirst: index === 0,
        answers,
        addr: escapeText(addr),
        name: name === null ? null : escapeText(name),
        isTarget: answers.some(({ kind, request }) => kind === "reply" || addr === request.addr),
      };
    });
  });
}

/** Cells of the column of hosts, at least and at most. */
const HOST_WIDTH = 13;
const HOST_MOST = 56;
const NOTES_WIDTH = 13;

/** What the table of a traceroute is made for. */
export interface TracerouteTableOptions {
  readonly rows: readonly TracerouteRow[];
  /** Per hop. */
  readonly probes: number;
  readonly style: HostStyle;
  /** Whether probes may still be decided. */
  readonly isRunning: boolean;
}

/** A column for each probe, so that a glance down tells which were answered. */
export function tracerouteColumns({
  rows,
  probes,
  style,
  isRunning,
}: TracerouteTableOptions): Column<TracerouteRow>[] {
  const widths = rows.map(({ addr, name }) =>
    addr === null ? 0 : textWidth(hostText(style, addr, name)),
  );
  return [
    {
      title: "#",
      align: "right",
      width: 2,
      cell: ({ hop, isFirst }) => ({ text: isFirst ? String(hop.ttl) : "", role: "dim" }),
    },
    { title: "", width: 2, cell: (row) => markCell(row) },
    {
      title: "Host",
      width: HOST_WIDTH,
      most: HOST_MOST,
      needs: Math.max(HOST_WIDTH, ...widths),
      grows: true,
      cell: (row, width) => hostCell(row, { style, isRunning, width }),
    },
    ...Array.from({ length: probes }, (_, index): Column<TracerouteRow> => {
      return {
        title: `RTT ${index + 1}`.slice(-FIGURE_WIDTH),
        align: "right",
        width: FIGURE_WIDTH,
        // Of many probes, the last are left out first.
        priority: index === 0 ? 0 : 1,
        cell: (row) => probeCell(row, index, isRunning),
      };
    }),
    { title: "Notes", width: NOTES_WIDTH, grows: true, priority: 2, cell: (row) => noteCell(row) },
  ];
}

interface HostCellOptions {
  readonly style: HostStyle;
  readonly isRunning: boolean;
  readonly width: number;
}

function hostCell({ addr, name, hop, isTarget }: TracerouteRow, options: HostCellOptions): Span {
  const { style, isRunning, width } = options;
  if (addr !== null) {
    return {
      text: truncate(hostText(style, addr, name), width),
      role: isTarget ? "title" : "text",
    };
  }
  if (hop.decided.length < hop.probes.length)
    return { text: isRunning ? "waiting" : "", role: "dim" };
  const isRefused = hop.decided.every(({ kind }) => kind === "sendError");
  return isRefused ? { text: "not sent", role: "bad" } : { text: "no answer", role: "dim" };
}

function probeCell(
  { hop, answers, isFirst }: TracerouteRow,
  index: number,
  isRunning: boolean,
): Span {
  const result = hop.probes[index];
  if (result === undefined) return { text: isFirst && isRunning ? "·" : "", role: "dim" };
  if (result.reply !== null) {
    return { text: answers.includes(result) ? formatRtt(result.reply.rtt) : "", role: "text" };
  }
  if (!isFirst) return { text: "", role: "dim" };
  if (result.kind === "sendError") return { text: "error", role: "bad" };
  // A hop that answers at times has lost something; one that never does has not.
  return { text: "*", role: hop.decided.some(({ reply }) => reply !== null) ? "warn" : "dim" };
}

/** Two cells: the code of a rare mark is in the notes, in words. */
function markCell({ answers }: TracerouteRow): Span {
  const mark = notesOf(answers)[0]?.mark ?? "";
  return { text: mark.length > 2 ? "!" : mark, role: "bad" };
}

function noteCell(row: TracerouteRow): Span[] {
  const spans: Span[] = [];
  const add = (text: string, role: Span["role"]): void => {
    const isKnown = spans.some((span) => span.text.endsWith(text));
    if (!isKnown) spans.push({ text: spans.length === 0 ? text : `, ${text}`, role });
  };
  for (const { meaning } of notesOf(row.answers)) add(meaning, "bad");
  for (const result of row.isFirst ? row.hop.decided : []) {
    if (result.kind === "sendError") add(result.sendError.code, "bad");
    if (result.kind === "timeout" && result.receiveOverflow) add("queue full here", "warn");
    if (result.kind === "timeout" && result.departed === false) add("dropped here", "warn");
    if (result.kind === "timeout" && result.wrongData !== null) add("wrong data", "bad");
  }
  for (const result of row.answers) {
    if (!result.corrupt) continue;
    add(result.kind === "reply" && result.truncated ? "truncated" : "corrupt", "bad");
  }
  if (row.answers.some((result) => result.kind === "icmpError" && result.unverified))
    add("unverified", "warn");
  for (const result of row.answers) {
    if (result.kind === "icmpError") addExtensions(result.icmpError.extensions, add);
  }
  const late = row.isFirst ? row.hop.afterwards.filter((result) => result.late).length : 0;
  if (late > 0) add(late === 1 ? "1 late" : `${late} late`, "warn");
  const back = row.answers
    .map(({ reply }) => hopsBack(reply?.ttl ?? null))
    .find((hops) => hops !== undefined);
  if (back !== undefined && back !== row.hop.ttl)
    add(`~${back === 1 ? "1 hop" : `${back} hops`} back`, "dim");
  return spans;
}

function addExtensions(
  extensions: readonly ExtensionObject[],
  add: (text: string, role: Span["role"]) => void,
): void {
  const labels = extensions.flatMap((object) => (object.kind === "mpls" ? object.labels : []));
  if (labels.length > 0) add(`MPLS ${labels.map(({ label }) => label).join("/")}`, "accent");
  for (const line of formatExtensions(extensions.filter(({ kind }) => kind !== "mpls")))
    add(line, "accent");
}

function notesOf(answers: readonly EchoResult[]): IcmpErrorMark[] {
  return answers.flatMap((result) =>
    result.kind === "icmpError" ? (icmpErrorMark(result) ?? []) : [],
  );
}
