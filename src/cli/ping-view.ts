import {
  type EchoReply,
  type EchoResult,
  formatEchoResult,
  formatMultiping,
  formatPingStatistics,
  type MultipingItem,
  type MultipingResult,
  type MultipingTarget,
} from "icmpx";
import { formatHost } from "icmpx/format";
import { addressFamily, escapeText } from "icmpx/packet";
import type { Host } from "./host.ts";
import { toCsv, toJson } from "./machine.ts";
import { type Format, formatOf } from "./measure.ts";
import { DEFAULT_SIZE } from "./options.ts";
import { Tally } from "./tally.ts";
import { type Paint, packetLength, painter, tableWidth } from "./text.ts";
import type { Values } from "./values.ts";

const CSV_COLUMNS = [
  "target",
  "address",
  "number",
  "kind",
  "sent_at",
  "rtt_ms",
  "ttl",
  "from",
  "from_name",
  "error",
  "late",
  "duplicate",
  "corrupt",
  "reordered",
  "unverified",
];

/** What a ping shows while it runs, and after. */
export class PingView {
  readonly #values: Values;
  readonly #host: Host;
  readonly #format: Format;
  readonly #paint: Paint;
  readonly #tally = new Tally();
  readonly #isSingle: boolean;
  #hasBegun = false;

  constructor(values: Values, host: Host) {
    this.#values = values;
    this.#host = host;
    this.#format = formatOf(values);
    this.#paint = painter(host, host.stdout);
    this.#isSingle = values.operands.length === 1;
  }

  show(item: MultipingItem): void {
    if (item.kind !== "targetFailure") this.#tally.add(item);
    const { stdout, stderr } = this.#host;
    switch (this.#format) {
      case "json":
        break;
      case "ndjson":
        stdout.write(
          `${toJson({ event: item.kind === "targetFailure" ? "failure" : "result", ...item })}\n`,
        );
        break;
      case "csv":
        if (!this.#hasBegun) stdout.write(`${toCsv(CSV_COLUMNS)}\n`);
        stdout.write(`${toCsv(csvRow(item))}\n`);
        break;
      case "text":
        if (item.kind === "targetFailure") {
          stderr.write(
            `icmpx: ${this.#isSingle ? escapeText(item.message) : formatEchoResult(item)}\n`,
          );
          break;
        }
        this.#showText(item);
        break;
      default:
        this.#format satisfies never;
    }
    this.#hasBegun = true;
  }

  /** On stderr, as ping(8) does: stdout may be read by a program. */
  showInterim(): void {
    const lines = this.#tally.lines(this.#isSingle);
    for (const line of lines.length === 0 ? ["no result so far"] : lines)
      this.#host.stderr.write(`${line}\n`);
  }

  sumUp(result: MultipingResult): void {
    const { stdout } = this.#host;
    // A reader of the rows wants their names even if there are none.
    if (this.#format === "csv" && !this.#hasBegun) stdout.write(`${toCsv(CSV_COLUMNS)}\n`);
    if (this.#format !== "text") return;
    if (!this.#isSingle) {
      stdout.write(`${this.#hasBegun ? "\n" : ""}${formatMultiping(result, tableWidth(stdout))}\n`);
      return;
    }
    const [target] = result.targets;
    if (target === undefined || !isProbed(target)) return;
    if (!this.#hasBegun) stdout.write(`${this.#heading(target.target, target.resolved, null)}\n`);
    stdout.write(`\n${formatPingStatistics(target)}\n`);
  }

  #showText(result: EchoResult): void {
    const { stdout } = this.#host;
    const isQuiet = this.#values.has("quiet");
    if (this.#isSingle && !this.#hasBegun) {
      const pattern = this.#values.text("pattern")?.toLowerCase();
      if (pattern !== undefined && !isQuiet) stdout.write(`PATTERN: 0x${pattern}\n`);
      stdout.write(`${this.#heading(result.target, result.request.addr, result.reply)}\n`);
    }
    if (isQuiet) return;
    if (this.#values.has("flood")) {
      if (result.kind !== "reply" && !result.late)
        stdout.write(result.kind === "timeout" ? "." : "E");
      return;
    }
    const time = this.#values.has("timestamp") ? `[${(arrival(result) / 1000).toFixed(6)}] ` : "";
    stdout.write(`${time}${this.#coloured(result, this.#line(result))}\n`);
  }

  #line(result: EchoResult): string {
    // The line of an error names the router only.
    const about =
      result.kind === "icmpError" && !this.#isSingle ? `${escapeText(result.target)}: ` : "";
    if (result.kind === "timeout" && this.#isSingle && this.#values.has("outstanding"))
      return `no answer yet for icmp_seq=${result.request.number}`;
    return about + formatEchoResult(result);
  }

  /** That of ping(8), which writes it differently for each IP version. */
  #heading(target: string, address: string, reply: EchoReply | null): string {
    const bytes = this.#values.number("size") ?? DEFAULT_SIZE;
    const from = this.#sourceText(reply);
    if (addressFamily(address) === 6) {
      const name = reply?.addr === address ? reply.hostname : null;
      return `PING ${escapeText(target)}(${formatHost(address, name)}) ${from}${bytes} data bytes`;
    }
    const packet = packetLength(address, bytes);
    return `PING ${escapeText(target)} (${escapeText(address)}) ${from}${bytes}(${packet}) bytes of data.`;
  }

  #sourceText(reply: EchoReply | null): string {
    const device = this.#values.text("interface");
    // The kernel chooses one for an interface, and the answer tells which.
    const chosen = device === undefined ? undefined : reply?.receivedPacket.ipHeader.destAddr;
    const source = this.#values.text("source") ?? chosen;
    return source ? `from ${escapeText(source)} ${escapeText(device ?? "")}: ` : "";
  }

  #coloured(result: EchoResult, line: string): string {
    if (result.kind === "timeout" || result.kind === "sendError") return this.#paint("red", line);
    const isOdd = result.late || result.duplicate || result.corrupt || result.reordered;
    return result.kind === "icmpError" || isOdd ? this.#paint("yellow", line) : line;
  }
}

function isProbed(
  target: MultipingTarget,
): target is MultipingTarget & { resolved: string; family: 4 | 6 } {
  return target.resolved !== null && target.family !== null;
}

function arrival(result: EchoResult): number {
  return result.reply?.receivedPacket.receivedAt ?? Date.now();
}

function csvRow(item: MultipingItem): readonly (string | number | boolean | null)[] {
  if (item.kind === "targetFailure") {
    const empty = CSV_COLUMNS.slice(4).map((name) => (name === "error" ? item.error : null));
    return [item.target, null, null, item.kind, ...empty];
  }
  const { request, reply } = item;
  const sent = request.sentPacket;
  return [
    item.target,
    request.addr,
    request.number,
    item.kind,
    sent === null ? null : new Date(sent.timestamp).toISOString(),
    item.rtt,
    reply?.ttl ?? null,
    reply?.addr ?? null,
    reply?.hostname ?? null,
    item.error,
    item.late,
    item.duplicate,
    item.corrupt,
    item.reordered,
    item.kind === "icmpError" && item.unverified,
  ];
}
