import type { EchoReplyResult, EchoResult, EchoSendErrorResult } from "icmpx";
import { formatHost, icmpErrorMark, isSameHost } from "icmpx/format";
import { escapeText } from "icmpx/packet";
import type { LogEntry } from "./event-log.ts";
import { formatRtt } from "./format.ts";

/** What a line about a result is made with. */
export interface EchoLineOptions {
  /** The time: milliseconds since 1970. */
  readonly atMs: number;
  /** Its number in the log; after a reset it is not the one of the probe in its run. */
  readonly number: number;
  /** The target, safe to print, where the log has several. */
  readonly label?: string;
  /** The name of an address as far as known, not escaped. */
  nameOf(address: string): string | undefined;
}

/** Cells of an outcome: `12.4 ms`, `not sent`. */
const OUTCOME_WIDTH = 8;

/**
 * What became of one probe, as the log has it; the time stands first, so that times stand one below
 * the other. The outcome is told by a word wherever it is told by a colour.
 *
 * ```text
 *  12.4 ms  #3   ttl 57
 *  12.9 ms  #3   ttl 57  duplicate
 *     lost  #4
 *     lost  #5   host unreachable, says gw.example (10.0.0.1)
 *  8.20 ms  www.example.com  #2   ttl 57
 * not sent  #6   EHOSTUNREACH (host is unreachable)
 * ```
 */
export function echoLine(result: EchoResult, options: EchoLineOptions): LogEntry {
  const { late, duplicate, corrupt, reordered } = result;
  const isOdd = late || duplicate || corrupt || reordered;
  if (result.kind === "reply" && !isOdd && result.reply.addr === result.request.addr) {
    return new ReplyLine(result, options);
  }
  return { atMs: options.atMs, ...otherLine(result, options) };
}

/**
 * A plain reply, of which there is one after the other: it becomes a text when somebody looks at
 * it.
 */
class ReplyLine implements LogEntry {
  readonly atMs: number;
  readonly role = "text";
  readonly #number: number;
  readonly #label: string | undefined;
  readonly #rtt: number;
  readonly #ttl: number | null;

  constructor({ rtt, reply }: EchoReplyResult, { atMs, number, label }: EchoLineOptions) {
    this.atMs = atMs;
    this.#number = number;
    this.#label = label;
    this.#rtt = rtt;
    this.#ttl = reply.ttl;
  }

  get text(): string {
    return lineOf(
      { number: this.#number, label: this.#label },
      rttText(this.#rtt),
      ttlText(this.#ttl),
    );
  }
}

function otherLine(result: EchoResult, options: EchoLineOptions): Omit<LogEntry, "atMs"> {
  const { late, duplicate, reordered } = result;
  const unverified = result.kind === "icmpError" && result.unverified;
  const truncated = result.kind === "reply" && result.truncated;
  const corrupt = result.corrupt && !truncated;
  const flags = { late, duplicate, truncated, corrupt, reordered, unverified };
  const marks = Object.entries(flags).flatMap(([mark, is]) => (is ? [mark] : []));
  const line = (outcome: string, ...more: readonly string[]): string =>
    lineOf(options, outcome, ...more);
  switch (result.kind) {
    case "reply": {
      const { addr, ttl } = result.reply;
      // Of a broadcast address, and of a host with several, others answer.
      const isOther = !isSameHost(addr, result.request.addr);
      const from = isOther ? `from ${formatHost(addr, options.nameOf(addr) ?? null)}` : "";
      const text = line(rttText(result.rtt), ttlText(ttl), from, ...marks);
      return { role: marks.length > 0 ? "warn" : "text", text };
    }
    case "icmpError": {
      const { icmpError, reply } = result;
      const meaning = icmpErrorMark(result)?.meaning ?? icmpError.description;
      const what = `${meaning}, says ${formatHost(reply.addr, options.nameOf(reply.addr) ?? null)}`;
      // Its probe was lost before, or answered.
      const isOld = late || duplicate;
      return {
        role: isOld ? "warn" : "bad",
        // The marks first: behind them is what a narrow log may cut.
        text: line(isOld ? rttText(result.rtt) : "lost", ...marks, what),
      };
    }
    case "timeout":
      if (result.receiveOverflow) {
        return { role: "warn", text: line("unknown", "the receive queue of this host overflowed") };
      }
      if (result.wrongData !== null) {
        const how = result.wrongData.truncated ? "truncated" : "corrupt";
        return { role: "bad", text: line("lost", `answered with wrong data (${how})`) };
      }
      return {
        role: "bad",
        text: line("lost", ...(result.departed === false ? ["never left this host"] : [])),
      };
    case "sendError":
      return { role: "bad", text: line("not sent", reasonOf(result)) };
    default:
      return result satisfies never;
  }
}

/** Parts that are empty are left out. */
function lineOf(
  { number, label = "" }: { readonly number: number; readonly label?: string | undefined },
  outcome: string,
  ...more: readonly string[]
): string {
  const parts = [outcome.padStart(OUTCOME_WIDTH), label, `#${number}`.padEnd(4), ...more];
  return parts
    .filter((part) => part !== "")
    .join("  ")
    .trimEnd();
}

function ttlText(ttl: number | null): string {
  return ttl === null ? "" : `ttl ${ttl}`;
}

/** Without the call and the address, which a narrow log has no room for. */
function reasonOf({ sendError: { message } }: EchoSendErrorResult): string {
  return escapeText(message.replace(/^.* failed: /s, ""));
}

/** With its unit, which very long ones have already. */
function rttText(rtt: number): string {
  const text = formatRtt(rtt);
  return text.endsWith("s") ? text : `${text} ms`;
}
