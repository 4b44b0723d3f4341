import type { SweepHost, SweepItem, SweepResult, TargetFailure } from "icmpx";
import { escapeText } from "icmpx/packet";
import type { Host } from "./host.ts";
import { toCsv, toJson } from "./machine.ts";
import { type Format, formatOf } from "./measure.ts";
import type { ProgressLine } from "./progress-line.ts";
import { hostLine, hostName, summaryLines } from "./sweep-text.ts";
import { type Paint, painter } from "./text.ts";
import { Unread } from "./unread.ts";
import type { Values } from "./values.ts";
import { version } from "./version.ts";

const CSV_COLUMNS = [
  "target",
  "address",
  "kind",
  "rtt_ms",
  "ttl",
  "from",
  "error",
  "attempts",
  "corrupt",
];
/**
 * What is written is collected, for so many milliseconds and up to so many characters: of 65,000
 * lines, one write each takes a second.
 */
const COLLECT_MS = 20;
const COLLECT = 16_384;
/** Characters that a slow reader may be behind. */
const MAX_UNREAD = 1 << 20;

/** What a sweep shows while it runs, and after. */
export class SweepView implements Disposable {
  readonly #host: Host;
  readonly #values: Values;
  readonly #format: Format;
  readonly #line: ProgressLine;
  readonly #paint: Paint;
  #collected = "";
  readonly #unread: Unread;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasHeading = false;

  constructor(values: Values, host: Host, line: ProgressLine) {
    this.#host = host;
    this.#values = values;
    this.#format = formatOf(values);
    this.#line = line;
    this.#unread = new Unread(host.stdout, MAX_UNREAD);
    this.#paint = painter(host, host.stdout);
  }

  show(item: SweepItem): void {
    // They are told at the end, with those that no item came of.
    if (item.kind === "targetFailure") return;
    const isShown = this.#values.has("unreach")
      ? item.kind !== "reply"
      : !this.#values.has("quiet");
    if (isShown) this.#write(item);
  }

  /** Returns a promise when the reader of the pipe lags behind: the sweep then waits, too. */
  pause(): Promise<void> | undefined {
    return this.#unread.pause();
  }

  /** A line on stderr: stdout may be read by a program. */
  tell(text: string): void {
    this.#flush();
    this.#line.above(() => this.#host.stderr.write(`${text}\n`));
  }

  sumUp(result: SweepResult): void {
    const { living, failures, ...totals } = result;
    const { stdout } = this.#host;
    this.#line.end();
    for (const failure of failures) this.#write(failure);
    this.#flush();
    switch (this.#format) {
      case "json":
        stdout.write(`${toJson({ command: "sweep", version: version(), ...result })}\n`);
        break;
      case "ndjson":
        stdout.write(`${toJson({ event: "summary", ...totals })}\n`);
        break;
      case "csv":
        this.#writeHeading();
        break;
      case "text":
        if (result.failed > failures.length)
          this.tell(`icmpx: ${result.failed - failures.length} more failures`);
        for (const line of summaryLines(result)) this.tell(line);
        if (result.sendErrors > 0 && !this.#values.has("all"))
          this.tell("-A tells why something was not sent");
        break;
      default:
        this.#format satisfies never;
    }
  }

  [Symbol.dispose](): void {
    this.#flush();
  }

  #write(item: SweepItem): void {
    switch (this.#format) {
      case "json":
        break;
      case "ndjson":
        this.#collect(
          toJson({ event: item.kind === "targetFailure" ? "failure" : "host", ...item }),
        );
        break;
      case "csv":
        this.#writeHeading();
        this.#collect(toCsv(csvRow(item)));
        break;
      case "text":
        if (item.kind === "targetFailure") this.tell(`icmpx: ${failureLine(item)}`);
        else this.#collect(this.#text(item));
        break;
      default:
        this.#format satisfies never;
    }
  }

  #text(host: SweepHost): string {
    if (this.#values.has("all")) {
      if (host.kind === "reply") return hostLine(host);
      const isThere = host.kind === "icmpError" || host.kind === "wrongData";
      return this.#paint(isThere ? "yellow" : "red", hostLine(host));
    }
    const isTimed = this.#values.has("elapsed") && host.kind === "reply";
    return isTimed ? `${hostName(host)} (${host.rtt.toFixed(3)} ms)` : hostName(host);
  }

  #writeHeading(): void {
    if (this.#hasHeading) return;
    this.#hasHeading = true;
    this.#host.stdout.write(`${toCsv(CSV_COLUMNS)}\n`);
  }

  #collect(line: string): void {
    this.#collected += `${line}\n`;
    if (this.#collected.length > COLLECT) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), COLLECT_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#collected;
    if (text === "") return;
    this.#collected = "";
    this.#unread.add(text.length);
    const { stdout } = this.#host;
    if (stdout.isTerminal) this.#line.above(() => stdout.write(text));
    else stdout.write(text);
  }
}

/** The message names the target, mostly. */
function failureLine({ target, message }: TargetFailure): string {
  const text = escapeText(message);
  return target === "" || message.includes(target) ? text : `${escapeText(target)}: ${text}`;
}

function csvRow(item: SweepItem): readonly (string | number | boolean | null)[] {
  if (item.kind === "targetFailure") {
    return [item.target, null, item.kind, null, null, null, item.error, null, null];
  }
  const answer = item.kind === "reply" || item.kind === "icmpError" ? item : undefined;
  return [
    item.target ?? item.addr,
    item.addr,
    item.kind,
    answer?.rtt ?? null,
    answer?.ttl ?? null,
    answer?.from ?? null,
    item.error,
    item.attempts,
    item.kind === "reply" ? item.corrupt : item.kind === "wrongData" || null,
  ];
}
