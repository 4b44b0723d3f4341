import type { EchoResult, EchoSendErrorResult } from "icmpx";
import { escapeText } from "icmpx/packet";
import { noteOf } from "./answer-notes.ts";
import type { LogEntry } from "./event-log.ts";
import { formatRtt } from "./format.ts";

/** What a line about a result is made with. */
export interface EchoLineOptions {
  /** Its number in the log; after a pause it is not the one of the probe in its run. */
  readonly number: number;
  /** The target, safe to print, where the log has several. */
  readonly label?: string;
  /** The name of an address as far as known, not escaped. */
  nameOf(address: string): string | undefined;
}

/** Cells of an outcome: `12.4 ms`, `not sent`. */
const OUTCOME_WIDTH = 8;

/**
 * What became of one probe, as the log has it; the time stands first, so that times stand one below the
 * other. The outcome is told by a word wherever it is told by a colour.
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
export function echoLine(result: EchoResult, options: EchoLineOptions): Omit<LogEntry, "atMs"> {
  const { late, duplicate, corrupt, reordered } = result;
  const marks = Object.entries({ late, duplicate, corrupt, reordered }).flatMap(([mark, is]) =>
    is ? [mark] : [],
  );
  const label = options.label === undefined ? [] : [options.label];
  const line = (outcome: string, ...more: readonly string[]): string =>
    [outcome.padStart(OUTCOME_WIDTH), ...label, `#${options.number}`.padEnd(4), ...more].join("  ").trimEnd();
  switch (result.kind) {
    case "reply": {
      const { addr, ttl } = result.reply;
      const more = [
        ttl === null ? "" : `ttl ${ttl}`,
        // Of a broadcast address, and of a host with several, others answer.
        withoutZone(addr) === withoutZone(result.request.addr) ? "" : `from ${hostText(addr, options)}`,
      ].filter((text) => text !== "");
      return { role: marks.length > 0 ? "warn" : "text", text: line(rttText(result.rtt), ...more, ...marks) };
    }
    case "icmpError": {
      const { icmpError, reply } = result;
      const meaning = noteOf(result)?.meaning ?? icmpError.description;
      const what = `${meaning}, says ${hostText(reply.addr, options)}`;
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

/** Without the call and the address, which a narrow log has no room for. */
function reasonOf({ sendError: { message } }: EchoSendErrorResult): string {
  return escapeText(message.replace(/^.* failed: /s, ""));
}

/** With its unit, which very long ones have already. */
function rttText(rtt: number): string {
  const text = formatRtt(rtt);
  return text.endsWith("s") ? text : `${text} ms`;
}

/** Zones may be names or numbers. */
function withoutZone(address: string): string {
  return address.split("%", 1)[0] ?? address;
}

function hostText(address: string, { nameOf }: EchoLineOptions): string {
  const name = nameOf(address);
  return name === undefined ? escapeText(address) : `${escapeText(name)} (${escapeText(address)})`;
}
