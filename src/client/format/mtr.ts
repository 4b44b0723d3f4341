import { escapeText } from "../../packet/format.ts";
import type { AddressStatistics, MtrAddress, MtrHop, MtrRound } from "../results/results.ts";
import { type Column, formatTable, type Sacrifice } from "./table.ts";
import { formatFixed, formatHost, formatLoss } from "./text.ts";

/** How to lay a table out. */
export interface TableFormatOptions {
  /**
   * Columns of the terminal to fit into: names are cut first, then whole columns are left out. By
   * default the table is as wide as its content.
   */
  readonly width?: number | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: "Hop", align: "right" },
  { title: "Address", align: "left" },
  { title: "Hostname", align: "left" },
  { title: "Sent", align: "right" },
  { title: "Recv", align: "right" },
  { title: "Loss %", align: "right" },
  { title: "Last", align: "right" },
  { title: "Avg", align: "right" },
  { title: "Best", align: "right" },
  { title: "Worst", align: "right" },
];

const ADDRESS = 1;
const HOSTNAME = 2;
const RECEIVED = 4;
const LAST = 6;
const BEST = 8;
const WORST = 9;

/** Addresses last: half of one is worth nothing. */
const SACRIFICES: readonly Sacrifice[] = [
  { column: HOSTNAME, cutTo: 8 },
  { column: HOSTNAME },
  { column: WORST },
  { column: BEST },
  { column: LAST },
  { column: RECEIVED },
  { column: ADDRESS, cutTo: 7 },
];

/**
 * The state of an mtr as a table. Times are in milliseconds; `?` is a hop that never answered, `-`
 * a figure without a sample.
 *
 * ```text
 *                              MTR to dns.google (8.8.8.8)
 * ┌─────┬──────────┬────────────┬──────┬──────┬────────┬───────┬───────┬──────┬───────┐
 * │ Hop │ Address  │ Hostname   │ Sent │ Recv │ Loss % │  Last │   Avg │ Best │ Worst │
 * ├─────┼──────────┼────────────┼──────┼──────┼────────┼───────┼───────┼──────┼───────┤
 * │   1 │ 10.0.0.1 │ gw.example │  100 │  100 │    0.0 │  0.69 │  0.53 │ 0.30 │  5.53 │
 * │   2 │ ?        │            │  100 │    0 │  100.0 │     - │     - │    - │     - │
 * │   3 │ 8.8.8.8  │ dns.google │  100 │   72 │   28.0 │ 13.78 │ 11.10 │ 4.97 │ 41.67 │
 * └─────┴──────────┴────────────┴──────┴──────┴────────┴───────┴───────┴──────┴───────┘
 * ```
 *
 * A hop shows the address that answered last, with the figures of the hop. Each other address that
 * answered there has a line below it, with its own answers: nobody knows which of them a lost probe
 * was for. `?` behind an address: some of its answers are unverified, so that anybody may have sent
 * them.
 */
export function formatMtr(round: MtrRound, options: TableFormatOptions = {}): string {
  return formatTable({
    title: `MTR to ${formatHost(round.resolved, round.target)}`,
    columns: COLUMNS,
    rows: round.hops.flatMap(hopRows),
    width: options.width,
    sacrifices: SACRIFICES,
  });
}

function hopRows(hop: MtrHop): string[][] {
  const { ttl, addr, hostname, statistics, addresses } = hop;
  const { sent, loss } = statistics;
  const main = [
    String(ttl),
    addr === null
      ? "?"
      : addressText(
          addr,
          addresses.find((address) => address.addr === addr),
        ),
    escapeText(hostname ?? ""),
    String(sent),
    ...received(statistics, formatLoss(loss)),
  ];
  return [main, ...addresses.filter((address) => address.addr !== addr).map(addressRow)];
}

function addressRow(address: MtrAddress): string[] {
  const { addr, hostname, statistics } = address;
  return [
    "",
    addressText(addr, address),
    escapeText(hostname ?? ""),
    "",
    ...received(statistics, ""),
  ];
}

function addressText(addr: string, address: MtrAddress | undefined): string {
  const isUnverified = address !== undefined && address.unverified > 0;
  return escapeText(addr) + (isUnverified ? " ?" : "");
}

function received(statistics: AddressStatistics, loss: string): string[] {
  const { last, mean, min, max } = statistics;
  const times = [last, mean, min, max].map((time) => formatFixed(time, 2));
  return [String(statistics.received), loss, ...times];
}
