import type { EchoResult } from "icmpx";
import { escapeText } from "icmpx/packet";
import { noteOf } from "./answer-notes.ts";
import { type Hop, type HopAddress, STEADY_AFTER } from "./hop.ts";

/** Losses in a row after which a hop that used to answer is logged as silent: single ones are everyday. */
const SILENT_AFTER = 3;

type Note = (role: "text" | "dim" | "good" | "warn" | "bad", text: string) => void;

/** Where a path ends, as far as is known. */
export interface PathEnd {
  readonly ttl: number;
  /** Whether the target answered there, or somebody said that it cannot be reached. */
  readonly isTarget: boolean;
  /** The answer that said so. */
  readonly result: EchoResult;
}

/** A hop before the result that is being logged. */
export interface HopBefore {
  readonly last: HopAddress | null;
  /** Answers in a row from `last`. */
  readonly sameInARow: number;
  readonly lostInARow: number;
}

/** What in the results of an mtr is worth a line in the log: not every probe, only what changes the picture. */
export class MtrEvents {
  readonly #note: Note;
  /** Errno name of the last send that was refused, until something is answered. */
  #refusal: string | null = null;
  #targetTtl: number | undefined;
  /** Rounds in a row in which the target was that far away. */
  #steadyRounds = 0;
  /** Changes of length that were logged. There are no more than hops. */
  readonly #changes = new Set<string>();
  /** Where the target was said to be unreachable, until it is reached or the path goes on. */
  #unreachableTtl: number | undefined;

  constructor(note: Note) {
    this.#note = note;
  }

  /** The probe of `result`, which decides it, was answered or lost; `hop` has recorded it. */
  decided(result: EchoResult, hop: Hop, before: HopBefore): void {
    if (result.kind === "sendError") this.#refused(result.sendError);
    else if (result.reply === null) this.#lost(hop, whyLost(result));
    else this.#answered(hop, before);
  }

  /** A round has shown where the path ends. */
  ended({ ttl, isTarget, result }: PathEnd): void {
    if (isTarget) this.#reached(ttl, result);
    else if (result.kind === "icmpError" && ttl !== this.#unreachableTtl) {
      this.#unreachableTtl = ttl;
      const meaning = noteOf(result)?.meaning ?? "unreachable";
      this.#note("bad", `hop ${ttl}, ${escapeText(result.reply.addr)}: ${meaning}`);
    }
  }

  /** A router answered where the path used to end. */
  grown(ttl: number): void {
    this.#unreachableTtl = undefined;
    if (this.#isNews(`beyond ${ttl}`)) {
      this.#note("warn", `the path goes on beyond hop ${ttl}, where it used to end`);
    }
  }

  #reached(ttl: number, { request }: EchoResult): void {
    this.#unreachableTtl = undefined;
    if (ttl === this.#targetTtl) {
      this.#steadyRounds += 1;
      return;
    }
    const hops = ttl === 1 ? "1 hop" : `${ttl} hops`;
    const address = escapeText(request.addr);
    if (this.#targetTtl === undefined) this.#note("good", `reached ${address} in ${hops}`);
    else if (this.#isNews(`at ${ttl}`)) {
      this.#note("warn", `${address} is ${hops} away now, not ${this.#targetTtl}`);
    }
    this.#targetTtl = ttl;
    this.#steadyRounds = 0;
  }

  /** Balanced paths of unequal lengths take turns: said once, unless one of them had been steady. */
  #isNews(change: string): boolean {
    const isNews = this.#steadyRounds >= STEADY_AFTER || !this.#changes.has(change);
    this.#changes.add(change);
    return isNews;
  }

  #refused({ code, message }: { readonly code: string; readonly message: string }): void {
    if (code === this.#refusal) return;
    this.#refusal = code;
    this.#note("bad", escapeText(message));
  }

  #lost(hop: Hop, why: string): void {
    const isTarget = hop.ttl === this.#targetTtl;
    if (isTarget) this.#note("bad", `no answer from ${whoIs(hop)}${why}`);
    if (hop.lostInARow !== SILENT_AFTER || hop.last === null) return;
    const inARow = `${SILENT_AFTER} losses in a row`;
    this.#note(
      isTarget ? "bad" : "warn",
      isTarget ? `target lost: ${inARow}` : `${whoIs(hop)} is silent: ${inARow}${why}`,
    );
  }

  #answered(hop: Hop, { last, sameInARow, lostInARow }: HopBefore): void {
    if (this.#refusal !== null) this.#note("good", "probes can be sent again");
    this.#refusal = null;
    if (last !== null && lostInARow >= SILENT_AFTER) {
      const isTarget = hop.ttl === this.#targetTtl;
      this.#note(isTarget ? "good" : "dim", `${whoIs(hop)} answers again, after ${lostInARow} losses`);
    }
    if (last === null || hop.last === null || hop.last === last) return;
    const isNew = hop.last.figures.received === 1;
    const { addr } = hop.last;
    if (sameInARow >= STEADY_AFTER)
      this.#note("warn", `hop ${hop.ttl}: ${addr} answers now, not ${last.addr}`);
    else if (isNew) this.#note("warn", `hop ${hop.ttl}: ${addr} answers, too, besides ${last.addr}`);
  }
}

function whoIs({ ttl, last }: Hop): string {
  return last === null ? `hop ${ttl}` : `hop ${ttl}, ${last.addr}`;
}

function whyLost(result: EchoResult): string {
  if (result.kind !== "timeout") return "";
  if (result.receiveOverflow) return ": the receive queue of this host was full";
  return result.departed === false ? ": this host dropped the probe" : "";
}
