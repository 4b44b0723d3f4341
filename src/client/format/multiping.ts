import { escapeText } from "../../packet/format.ts";
import type { MultipingResult, MultipingTarget } from "../results/results.ts";
import type { TableFormatOptions } from "./mtr.ts";
import { specialCounts } from "./ping.ts";
import { type Column, formatTable, type Sacrifice } from "./table.ts";
import { formatFixed, formatLoss } from "./text.ts";

const COLUMNS: readonly Column[] = [
  { title: "Target", align: "left" },
  { title: "Address", align: "left" },
  { title: "Sent", align: "right" },
  { title: "Recv", align: "right" },
  { title: "Loss %", align: "right" },
  { title: "Avg", align: "right" },
  { title: "Best", align: "right" },
  { title: "Worst", align: "right" },
  { title: "StdDev", align: "right" },
  { title: "Notes", align: "left" },
];

const TARGET = 0;
const ADDRESS = 1;
const BEST = 6;
const WORST = 7;
const DEVIATION = 8;
const NOTES = 9;

const SACRIFICES: readonly Sacrifice[] = [
  { column: NOTES, cutTo: 40 },
  { column: DEVIATION },
  { column: WORST },
  { column: BEST },
  { column: NOTES, cutTo: 16 },
  { column: TARGET, cutTo: 16 },
  { column: ADDRESS },
  { column: TARGET, cutTo: 8 },
];

/**
 * The result of a multiping as a table, a row for each target: its figures, what was special, and
 * why a target could not be probed. Times are in milliseconds; `-` is a figure without a sample.
 *
 * ```text
 *                                               Ping of 2 targets
 * ┌────────────┬─────────┬──────┬──────┬────────┬───────┬───────┬───────┬────────┬───────────────────────────────┐
 * │ Target     │ Address │ Sent │ Recv │ Loss % │   Avg │  Best │ Worst │ StdDev │ Notes                         │
 * ├────────────┼─────────┼──────┼──────┼────────┼───────┼───────┼───────┼────────┼───────────────────────────────┤
 * │ dns.google │ 8.8.8.8 │    4 │    3 │   25.0 │ 10.79 │  9.82 │ 12.93 │   1.53 │ 1 duplicate                   │
 * │ no.invalid │ -       │    0 │    0 │      - │     - │     - │     - │      - │ Cannot resolve "no.invalid"…  │
 * └────────────┴─────────┴──────┴──────┴────────┴───────┴───────┴───────┴────────┴───────────────────────────────┘
 * ```
 */
export function formatMultiping(result: MultipingResult, options: TableFormatOptions = {}): string {
  const { targets } = result;
  return formatTable({
    title: `Ping of ${targets.length} ${targets.length === 1 ? "target" : "targets"}`,
    columns: COLUMNS,
    rows: targets.map(targetRow),
    width: options.width,
    sacrifices: SACRIFICES,
  });
}

function targetRow(row: MultipingTarget): string[] {
  const { target, resolved, statistics } = row;
  const { sent, received, loss, mean, min, max, stddev } = statistics;
  return [
    escapeText(target),
    resolved === null ? "-" : escapeText(resolved),
    String(sent),
    String(received),
    formatLoss(loss),
    ...[mean, min, max, stddev].map((time) => formatFixed(time, 2)),
    notes(row),
  ];
}

/**
 * Why there is no answer, or not what was asked for: the failure, or what was counted and the
 * causes met.
 */
function notes({ failure, statistics, results }: MultipingTarget): string {
  if (failure !== null) return escapeText(failure.message);
  const causes = new Set<string>();
  for (const result of results) {
    if (result.kind === "sendError") causes.add(result.error);
    if (result.kind === "icmpError") causes.add(result.icmpError.description);
  }
  return [...specialCounts(statistics), ...causes].join(", ");
}
