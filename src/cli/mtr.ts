import { hostname } from "node:os";
import type { MtrResult, MtrRound, StatisticsSnapshot } from "icmpx";
import { formatHost, truncate } from "icmpx/format";
import type { Command } from "./command.ts";
import { tellMissing } from "./facilities.ts";
import { ExitCode, type Host } from "./host.ts";
import { LiveScreen } from "./live-screen.ts";
import { toCsv, toJson } from "./machine.ts";
import { follow, formatOf, isNothingSent, sendOptions } from "./measure.ts";
import { MtrNotes } from "./mtr-notes.ts";
import { DEFAULT_ORDER, formatReport, REPORT_COLUMNS, readOrder } from "./mtr-report.ts";
import {
  count,
  FAMILY,
  hops,
  ICMP_ONLY,
  interfaceOrSource,
  interval,
  MTR_FORMATS,
  mark,
  NUMERIC,
  SOCKET,
  size,
  source,
  timeout,
  tos,
  VERBOSE,
} from "./options.ts";
import { painter, tableWidth } from "./text.ts";
import type { Values } from "./values.ts";
import { version } from "./version.ts";

/** As `mtr --report`. */
const REPORT_ROUNDS = 10;
const ORDER_LETTERS = Object.entries(REPORT_COLUMNS)
  .map(([letter, { summary }]) => `${letter} ${summary}`)
  .join(", ");

const FIGURES = [
  "sent",
  "received",
  "lost",
  "loss",
  "last",
  "min",
  "mean",
  "geometricMean",
  "max",
  "stddev",
  "jitter",
  "lastJitter",
  "maxJitter",
  "rfc3550Jitter",
  "p50",
  "p90",
  "p95",
  "p99",
] as const satisfies readonly (keyof StatisticsSnapshot)[];

/** `icmpx mtr`. */
export const MTR: Command = {
  name: "mtr",
  aliases: [],
  operands: "HOST",
  count: [1, 1],
  summary: "measure every hop on the way to a host, over and over",
  description: [
    "On a terminal: a table that is drawn again after each round, until Ctrl-C; the report stays behind. Elsewhere, and with --report: ten rounds, then the report. Ctrl-\\ shows the report so far.",
    `Columns for --order: ${ORDER_LETTERS}.`,
    "Exit code: 0 when HOST answered, 1 when it did not, 2 after wrong use or a failure.",
  ],
  options: [
    { name: "report", letter: "r", kind: "flag", summary: "no live table: a report at the end" },
    { name: "report-wide", letter: "w", kind: "flag", summary: "a report that cuts no names" },
    count("stop after this many rounds (report: 10)"),
    interval("from one round to the next (1)"),
    timeout("Z"),
    ...hops("U"),
    size("s"),
    tos("Q"),
    interfaceOrSource("I"),
    source("a", ["address"]),
    mark("M"),
    {
      name: "order",
      letter: "o",
      kind: "text",
      value: "LETTERS",
      summary: `columns to show (${DEFAULT_ORDER})`,
    },
    {
      name: "mpls",
      letter: "e",
      kind: "flag",
      summary: "show MPLS labels and other extensions (RFC 4884) below their hop",
    },
    { name: "show-ips", letter: "b", kind: "flag", summary: "show addresses beside names" },
    NUMERIC,
    ...FAMILY,
    SOCKET,
    VERBOSE,
    ...MTR_FORMATS,
  ],
  elsewhere: {
    "-u": ICMP_ONLY,
    "--udp": ICMP_ONLY,
    "-T": ICMP_ONLY,
    "--tcp": ICMP_ONLY,
    "-S": ICMP_ONLY,
    "-P": ICMP_ONLY,
    "--port": ICMP_ONLY,
    "-L": ICMP_ONLY,
    "-z": "AS numbers are not looked up",
    "-y": "AS numbers are not looked up",
    "-x": "--json, --ndjson and --csv are for programs",
    "-l": "--json, --ndjson and --csv are for programs",
    "-p": "--json, --ndjson and --csv are for programs",
    "-t": "on a terminal it is live, unless -r is given",
    "-G": "-Z is how long each answer is waited for",
    "-F": "one HOST; icmpx alone shows several",
    "-B": "icmpx ping -p fills the data with a pattern",
    "-d": "-o chooses columns",
  },
  examples: [
    { line: "icmpx mtr example.org", summary: "live, until Ctrl-C" },
    { line: "icmpx mtr -rwbec 100 example.org", summary: "a report to paste into a ticket" },
    {
      line: "icmpx mtr -n -i 0.2 -o LSNABWVM 192.0.2.1",
      summary: "five rounds a second, with jitter",
    },
    { line: "icmpx mtr --csv -c 60 192.0.2.1 > path.csv", summary: "figures for a spreadsheet" },
  ],
  run,
};

async function run(values: Values, host: Host): Promise<number> {
  const format = formatOf(values);
  const { stdout, stderr } = host;
  const order = readOrder(values.text("order") ?? DEFAULT_ORDER);
  const isReport = values.has("report") || values.has("report-wide");
  const isLive = format === "text" && !isReport && stdout.isTerminal;
  const [target = ""] = values.operands;
  const paint = painter(host, stdout);
  const shown = { showAddresses: values.has("show-ips"), showExtensions: values.has("mpls") };
  const notes = new MtrNotes();
  const report = (round: MtrRound, heading: string, width: { readonly width?: number }): string =>
    [
      formatReport(round, { heading, order, ...shown, paint, ...width }),
      ...notes
        .lines(round)
        .map((line) => paint("yellow", truncate(line, width.width ?? line.length))),
    ].join("\n");
  const finalReport = (round: MtrRound): string =>
    report(
      round,
      `HOST: ${formatHost(hostname(), null)}`,
      values.has("report-wide") ? {} : tableWidth(stdout),
    );
  const start = new Date();
  let last: MtrRound | undefined;

  const measure = (onRound: (round: MtrRound) => void): Promise<MtrResult | undefined> =>
    follow(
      host,
      () =>
        client.mtr(target, { ...mtrOptions(values, isLive), onResult: (each) => notes.add(each) }),
      {
        onItem: (round) => {
          last = round;
          onRound(round);
        },
        onInterim: () => {
          if (last !== undefined && !isLive) stderr.write(`${finalReport(last)}\n`);
        },
      },
    );

  using client = await host.createClient({});
  let result: MtrResult | undefined;
  if (isLive) {
    using screen = new LiveScreen(host);
    screen.draw((width) => truncate(`icmpx mtr ${formatHost(target, null)}`, width));
    result = await measure((round) => {
      screen.draw(
        (width) => `${truncate(liveTitle(round), width)}\n\n${report(round, "  Host", { width })}`,
      );
    });
  } else {
    result = await measure((round) => {
      if (format === "ndjson") stdout.write(`${toJson({ event: "round", ...round })}\n`);
    });
  }

  if (result === undefined) return ExitCode.Silent;
  if (format === "text")
    stdout.write(
      `Start: ${start.toISOString()}  to ${formatHost(result.resolved, target)}\n${finalReport(result)}\n`,
    );
  if (format === "json")
    stdout.write(`${toJson({ command: "mtr", version: version(), ...result })}\n`);
  if (format === "ndjson") stdout.write(`${toJson({ event: "summary", ...result })}\n`);
  if (format === "csv") stdout.write(`${csvLines(result).join("\n")}\n`);
  tellMissing(client, values, host);
  if (result.hops.every(({ statistics }) => isNothingSent(statistics))) {
    // A report has it below the table.
    if (format !== "text")
      stderr.write(
        notes
          .lines(result)
          .map((line) => `icmpx: ${line}\n`)
          .join(""),
      );
    return ExitCode.Failed;
  }
  return result.reached ? ExitCode.Answered : ExitCode.Silent;
}

function mtrOptions(values: Values, isLive: boolean) {
  const rounds = isLive || values.has("ndjson") ? Number.POSITIVE_INFINITY : REPORT_ROUNDS;
  return {
    ...sendOptions(values),
    count: values.number("count") ?? rounds,
    interval: values.number("interval"),
    maxHops: values.number("max-ttl"),
    firstTtl: values.number("first-ttl"),
    gapLimit: values.number("max-unknown"),
    size: values.number("size"),
    resolveDns: !values.has("numeric"),
  };
}

function liveTitle({ resolved, target, round }: MtrRound): string {
  return `icmpx mtr ${formatHost(resolved, target)}   round ${round}   Ctrl-C ends`;
}

/**
 * A row for each hop; the other addresses that answered there follow, without what only a hop has.
 */
function csvLines(result: MtrResult): string[] {
  const rows = result.hops.flatMap(({ ttl, addr, hostname: name, statistics, addresses }) => [
    [
      ...[result.target, ttl, addr, name, ...FIGURES.map((figure) => statistics[figure])],
      addresses.find((each) => each.addr === addr)?.unverified ?? 0,
    ],
    ...addresses
      .filter((each) => each.addr !== addr)
      .map((each) => [
        result.target,
        ttl,
        each.addr,
        each.hostname,
        ...FIGURES.map((figure) =>
          figure in each.statistics ? each.statistics[figure as "mean"] : null,
        ),
        each.unverified,
      ]),
  ]);
  return [["target", "ttl", "address", "name", ...FIGURES, "unverified"], ...rows].map(toCsv);
}
