import { formatExtensions } from "icmpx/format";
import { formatCount, formatLoss, formatRtt, lossRole } from "../model/format.ts";
import type { Hop, HopAddress } from "../model/hop.ts";
import { explainSilence } from "../model/silence.ts";
import { cells, type DetailLine, paragraph } from "./hop-detail.ts";
import { type HostStyle, hostText } from "./host-text.ts";
import { wayBack } from "./way-back.ts";

/** Cells of a figure and its space. */
const FIGURE = 5;
const INDENT = "   ";
/** Cells of the name of a time, and of both with the spaces after them. */
const LABEL = 7;
const TIME_WIDTH = LABEL + FIGURE + 2;

/** What to tell of which hop. */
export interface MtrDetailOptions {
  readonly hops: readonly Hop[];
  readonly index: number;
  readonly targetTtl: number | undefined;
  /** Cells of a line. */
  readonly width: number;
}

/**
 * Everything that is known of a hop: what its losses mean, its figures, and each address with its
 * own.
 */
export function mtrDetailLines(options: MtrDetailOptions): DetailLine[] {
  const { hops, index, width } = options;
  const hop = hops[index];
  if (hop === undefined) return [];
  return [
    ...explainSilence(options).flatMap(({ role, text }) => paragraph(text, role, width)),
    ...figureLines(hop, width),
    ...addressLines(hop, width),
  ];
}

function figureLines(hop: Hop, width: number): DetailLine[] {
  const { figures } = hop;
  if (figures.sent === 0) return [[{ text: "No probe to it is decided yet.", role: "dim" }]];
  const { loss, sent, received } = figures;
  const head: DetailLine = [
    { text: `${received} of ${sent} answered, loss `, role: "text" },
    { text: formatLoss(loss), role: lossRole(loss) },
  ];
  if (received === 0) return [head];
  const { last, mean, min, max, stddev, jitter, rfc3550Jitter, p50, p90, p95, p99 } = figures;
  const times: [label: string, value: number | null][] = [
    ["last", last],
    ["mean", mean],
    ["best", min],
    ["worst", max],
    ["stdev", stddev],
    ["jitter", jitter],
    ["p50", p50],
    ["p90", p90],
    ["p95", p95],
    ["p99", p99],
    ["jint", rfc3550Jitter],
  ];
  const perLine = Math.max(1, Math.min(6, Math.floor(width / TIME_WIDTH)));
  const lines: DetailLine[] = [];
  for (let index = 0; index < times.length; index += perLine) {
    lines.push(
      times.slice(index, index + perLine).flatMap(([label, value]): DetailLine => {
        return [
          { text: label.padEnd(LABEL), role: "dim" },
          { text: `${formatRtt(value).padStart(FIGURE)}  `, role: "text" },
        ];
      }),
    );
  }
  return [[...head, { text: ", times in ms:", role: "text" }], ...lines];
}

function addressLines(hop: Hop, width: number): DetailLine[] {
  const { addresses } = hop;
  if (addresses.length === 0) return [];
  const hosts = addresses.map(({ addr, name }) => hostText(STYLE, addr, name));
  const hostWidth = Math.max(
    12,
    Math.min(Math.max(...hosts.map((host) => Bun.stringWidth(host))), width - 40),
  );
  const isWide = width >= hostWidth + 2 + 6 * (FIGURE + 2);
  const titles: DetailLine = cells([
    [addresses.length === 1 ? "Address" : `${addresses.length} addresses`, hostWidth, "header"],
    ["Rcv", FIGURE, "header", "right"],
    ["Last", FIGURE, "header", "right"],
    ["Avg", FIGURE, "header", "right"],
    ["Best", FIGURE, "header", "right"],
    ["Wrst", FIGURE, "header", "right"],
    ...(isWide ? ([["StDev", FIGURE, "header", "right"]] as const) : []),
  ]);
  const lines = addresses.flatMap((address, index) => {
    const host = hosts[index] ?? address.addr;
    return oneAddress(address, {
      host,
      hostWidth,
      isWide,
      ttl: hop.ttl,
      isLast: address === hop.last,
    });
  });
  return [[], titles, ...lines];
}

/** There is room for both. */
const STYLE: HostStyle = "both";

interface AddressOptions {
  readonly host: string;
  readonly hostWidth: number;
  readonly isWide: boolean;
  readonly ttl: number;
  readonly isLast: boolean;
}

function oneAddress(address: HopAddress, options: AddressOptions): DetailLine[] {
  const { figures, note, extensions } = address;
  const figure = (value: number | null) => [formatRtt(value), FIGURE, "text", "right"] as const;
  const line = cells([
    [options.host, options.hostWidth, options.isLast ? "title" : "text"],
    [formatCount(figures.received), FIGURE, "text", "right"],
    figure(figures.last),
    figure(figures.mean),
    figure(figures.min),
    figure(figures.max),
    ...(options.isWide ? [figure(figures.stddev)] : []),
  ]);
  const below: DetailLine[] = [];
  if (note !== undefined)
    below.push([{ text: `${INDENT}${note.mark}: ${note.meaning}`, role: "bad" }]);
  if (address.unverified > 0) {
    const count =
      address.unverified === 1 ? "1 answer is" : `${formatCount(address.unverified)} answers are`;
    below.push([{ text: `${INDENT}?: ${count} unverified, may be forged`, role: "warn" }]);
  }
  for (const extension of formatExtensions(extensions))
    below.push([{ text: INDENT + extension, role: "dim" }]);
  const way = wayBack(address.replyTtl, options.ttl);
  if (way !== undefined) below.push([{ text: INDENT + way, role: "dim" }]);
  return [line, ...below];
}
