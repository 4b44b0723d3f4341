import type { MtrAddress, MtrHop, MtrRound, StatisticsSnapshot } from "icmpx";
import { formatExtensions, formatHost, pad, truncate } from "icmpx/format";
import { escapeText } from "icmpx/packet";
import { UsageError } from "./host.ts";
import type { Paint } from "./text.ts";

const { stringWidth } = Bun;

type Figures = Partial<StatisticsSnapshot>;

interface Column {
  readonly title: string;
  /** Columns of the terminal, the space before it included. */
  readonly width: number;
  readonly summary: string;
  show(figures: Figures): string | undefined;
}

/**
 * The columns of mtr(8), under its letters (`-o`) and in its widths. `-` is a figure without a
 * sample.
 */
export const REPORT_COLUMNS: Readonly<Record<string, Column>> = {
  L: { title: "Loss%", width: 7, summary: "loss", show: ({ loss }) => lossText(loss) },
  D: { title: "Drop", width: 5, summary: "probes lost", show: ({ lost }) => whole(lost) },
  R: { title: "Rcv", width: 6, summary: "answers", show: ({ received }) => whole(received) },
  S: { title: "Snt", width: 6, summary: "probes sent", show: ({ sent }) => whole(sent) },
  N: { title: "Last", width: 7, summary: "last RTT", show: ({ last }) => time(last) },
  B: { title: "Best", width: 7, summary: "least RTT", show: ({ min }) => time(min) },
  A: { title: "Avg", width: 7, summary: "mean RTT", show: ({ mean }) => time(mean) },
  W: { title: "Wrst", width: 7, summary: "greatest RTT", show: ({ max }) => time(max) },
  G: {
    title: "Gmean",
    width: 7,
    summary: "geometric mean RTT",
    show: ({ geometricMean }) => time(geometricMean),
  },
  V: {
    title: "StDev",
    width: 7,
    summary: "standard deviation",
    show: ({ stddev }) => time(stddev),
  },
  J: {
    title: "Jttr",
    width: 7,
    summary: "last jitter",
    show: ({ lastJitter }) => time(lastJitter),
  },
  M: { title: "Javg", width: 7, summary: "mean jitter", show: ({ jitter }) => time(jitter) },
  X: {
    title: "Jmax",
    width: 7,
    summary: "greatest jitter",
    show: ({ maxJitter }) => time(maxJitter),
  },
  I: {
    title: "Jint",
    width: 7,
    summary: "interarrival jitter (RFC 3550)",
    show: ({ rfc3550Jitter }) => time(rfc3550Jitter),
  },
};

/** What mtr(8) shows unless it is told. */
export const DEFAULT_ORDER = "LSNABWV";

/** `  1.|-- 255.255.255.255`. */
const ADDRESS_WIDTH = 23;

/** Where mtr(8) puts labels. */
const EXTENSION_INDENT = " ".repeat(7);

/** How a report is laid out. */
export interface ReportOptions {
  /** What stands at the left of the line of titles. */
  readonly heading: string;
  /** Letters of {@link REPORT_COLUMNS}. */
  readonly order: string;
  /** Columns of the terminal to fit into; without, names are never cut. */
  readonly width?: number;
  /** Whether to show addresses beside names. */
  readonly showAddresses: boolean;
  /** Whether MPLS labels and other extensions stand below those who sent them. */
  readonly showExtensions: boolean;
  readonly paint: Paint;
}

/** The letters of an order of columns. @throws {UsageError} for one that means no column */
export function readOrder(text: string): string {
  const letters = text.replaceAll(" ", "").toUpperCase();
  for (const letter of letters) {
    if (Object.hasOwn(REPORT_COLUMNS, letter)) continue;
    throw new UsageError(
      `Option --order has ${JSON.stringify(letter)}: need letters of ${Object.keys(REPORT_COLUMNS).join("")}`,
    );
  }
  if (letters === "") throw new UsageError("Option --order is empty: need LETTERS");
  return letters;
}

/**
 * The state of an mtr in the lines of `mtr --report`.
 *
 * ```text
 * HOST: laptop            Loss%   Snt   Last    Avg   Best   Wrst  StDev
 *   1.|-- gw.example       0.0%    10    0.4    0.5    0.4    0.7    0.1
 *   2.|-- ???            100.0%    10      -      -      -      -      -
 *   3.|-- 192.0.2.9       10.0%    10    9.8   10.1    9.8   11.0    0.4
 * ```
 */
export function formatReport(round: MtrRound, options: ReportOptions): string {
  const rows = round.hops.flatMap((hop) => hopRows(hop, options));
  const longest = Math.max(
    stringWidth(options.heading),
    ...rows.map(({ name }) => stringWidth(name)),
  );
  const columns = [...options.order].flatMap((letter) => REPORT_COLUMNS[letter] ?? []);
  const room = (): number => (options.width ?? Number.POSITIVE_INFINITY) - totalWidth(columns);
  // Half an address is worth nothing: the last columns go first.
  while (columns.length > 1 && room() < Math.min(longest, ADDRESS_WIDTH)) columns.pop();
  const nameWidth = Math.max(0, Math.min(longest, room()));
  const line = (name: string, cells: readonly string[]): string =>
    pad(truncate(name, nameWidth), nameWidth) +
    cells.map((cell, index) => cell.padStart(columns[index]?.width ?? 0)).join("");
  const head = options.paint(
    "bold",
    line(
      options.heading,
      columns.map(({ title }) => title),
    ),
  );
  const body = rows.flatMap(({ name, figures, below }) => {
    const text = line(
      name,
      columns.map(({ show }) => show(figures) ?? ""),
    );
    const colour = severity(figures);
    return [
      colour === undefined ? text.trimEnd() : options.paint(colour, text.trimEnd()),
      ...below.map((each) =>
        truncate(EXTENSION_INDENT + each, options.width ?? Number.POSITIVE_INFINITY),
      ),
    ];
  });
  return [head, ...body].join("\n");
}

function totalWidth(columns: readonly Column[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

interface Row {
  readonly name: string;
  readonly figures: Figures;
  /** Lines without figures. */
  readonly below: readonly string[];
}

function hopRows(
  { ttl, addr, hostname, statistics, addresses }: MtrHop,
  options: ReportOptions,
): Row[] {
  const name = addr === null ? "???" : nameOf(addr, hostname, options);
  const others = addresses
    .filter((each) => each.addr !== addr)
    .map((each) => ({
      name: `    |  \`|-- ${nameOf(each.addr, each.hostname, options)}`,
      figures: each.statistics,
      below: extensionsOf(each, options),
    }));
  const main = addresses.find((each) => each.addr === addr);
  const below = main === undefined ? [] : extensionsOf(main, options);
  return [
    { name: `${String(ttl).padStart(3)}.|-- ${name}`, figures: statistics, below },
    ...others,
  ];
}

function extensionsOf(
  { extensions }: MtrAddress,
  { showExtensions }: ReportOptions,
): readonly string[] {
  return showExtensions ? formatExtensions(extensions).map((line) => `[${line}]`) : [];
}

function nameOf(addr: string, hostname: string | null, { showAddresses }: ReportOptions): string {
  if (hostname === null) return escapeText(addr);
  return showAddresses ? formatHost(addr, hostname) : escapeText(hostname);
}

function severity({ sent, received, loss }: Figures): "red" | "yellow" | "dim" | undefined {
  if (sent === undefined || loss === undefined || loss === null || loss === 0) return undefined;
  // A router that never answers is no fault of the path.
  if (received === 0) return "dim";
  return loss > 0.1 ? "red" : "yellow";
}

/** Rounding never hides a loss, nor an answer. */
function lossText(loss: number | null | undefined): string | undefined {
  if (loss === undefined) return undefined;
  if (loss === null) return "-";
  const percent = loss * 100;
  if (percent > 0 && percent < 0.05) return "<0.1%";
  if (percent < 100 && percent >= 99.95) return ">99.9%";
  return `${percent.toFixed(1)}%`;
}

function whole(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function time(value: number | null | undefined): string | undefined {
  return value === undefined ? undefined : value === null ? "-" : value.toFixed(1);
}
