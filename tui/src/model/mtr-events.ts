import type { EchoResult, PathEnd } from "icmpx";
import { escapeText } from "icmpx/packet";
import { type Hop, type HopAddress, STEADY_AFTER } from "./hop.ts";

/**
 * Losses in a row after which a hop that used to answer is logged as silent: single ones are
 * everyday.
 */
const SILENT_AFTER = 3;

type Note = (role: "text" | "dim" | "good" | "warn" | "bad", text: string) => void;

/** A hop before the result that is being logged. */
export interface HopBefore {
  readonly last: HopAddress | null;
  /** Answers in a row from `last`. */
  readonly sameInARow: number;
  readonly lostInARow: number;
  /** How many addresses had answered. */
  readonly known: number;
}

/** What else there is to say about the end of a path. */
export interface PathEndDetails {
  /** Of the target, safe to print. */
  readonly address: string;
  readonly hop: Hop;
}

/** A router whose silence was told of. */
interface Told {
  /** Whether it is silent, as far as the log says. */
  isSilent: boolean;
  /** Since it was last silent for long: answers in a row. */
  answers: number;
}

/**
 * What in the results of an mtr is worth a line in the log: not every probe, only what changes the
 * picture.
 */
export class MtrEvents {
  readonly #note: Note;
  /** Routers whose silence was told of, by TTL. */
  readonly #told = new Map<number, Told>();
  /** Errno name of the last send that was refused, until something is answered. */
  #refusal: string | null = null;
  #targetTtl: number | undefined;
  /** Rounds in a row in which the target was that far away. */
  #steadyRounds = 0;
  /** Changes of length that were logged. There are no more than hops. */
  readonly #changes = new Set<string>();
  /** Where the target was said to be unreachable, until it is reached or the path goes on. */
  #unreachableTtl: number | undefined;
  /** Whether the target was said to be unreachable since it was last reached. */
  #isCut = false;

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
  ended({ ttl, reason }: PathEnd, { address, hop }: PathEndDetails): void {
    if (reason === "target") this.#reached(ttl, address);
    else if (ttl !== this.#unreachableTtl) {
      this.#unreachableTtl = ttl;
      this.#isCut = true;
      this.#note("bad", `${whoIs(hop)}: ${hop.last?.note?.meaning ?? "unreachable"}`);
    }
  }

  /** A router answered where the path used to end. */
  grown(ttl: number): void {
    this.#unreachableTtl = undefined;
    if (this.#isNews(`beyond ${ttl}`)) {
      this.#note("warn", `the path goes on beyond hop ${ttl}, where it used to end`);
    }
  }

  #reached(ttl: number, address: string): void {
    const wasCut = this.#isCut;
    this.#unreachableTtl = undefined;
    this.#isCut = false;
    const hops = ttl === 1 ? "1 hop" : `${ttl} hops`;
    if (ttl === this.#targetTtl) {
      this.#steadyRounds += 1;
      if (wasCut) this.#note("good", `reached ${address} again in ${hops}`);
      return;
    }
    if (this.#targetTtl === undefined) this.#note("good", `reached ${address} in ${hops}`);
    else if (this.#isNews(`at ${ttl}`)) {
      this.#note("warn", `${address} is ${hops} away now, not ${this.#targetTtl}`);
    }
    this.#targetTtl = ttl;
    this.#steadyRounds = 0;
  }

  /**
   * Balanced paths of unequal lengths take turns: said once, unless one of them had been steady.
   */
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
    const { ttl, lostInARow } = hop;
    if (ttl === this.#targetTtl) {
      // What follows says nothing new, and would push the beginning of an outage out of the log.
      if (lostInARow <= SILENT_AFTER) this.#note("bad", `no answer from ${whoIs(hop)}${why}`);
      if (lostInARow === SILENT_AFTER) {
        this.#note("bad", `target lost: ${SILENT_AFTER} losses in a row`);
      }
      return;
    }
    const told = this.#told.get(ttl);
    if (told !== undefined) told.answers = 0;
    // One that limits its answers falls silent over and over: that is told once, and again when it
    // lasts.
    const isNews =
      told === undefined
        ? lostInARow === SILENT_AFTER
        : !told.isSilent && lostInARow === STEADY_AFTER;
    if (!isNews || hop.last === null) return;
    this.#told.set(ttl, { isSilent: true, answers: 0 });
    this.#note("warn", `${whoIs(hop)} is silent: ${lostInARow} losses in a row${why}`);
  }

  #answered(hop: Hop, { last, sameInARow, lostInARow, known }: HopBefore): void {
    if (this.#refusal !== null) this.#note("good", "probes can be sent again");
    this.#refusal = null;
    const after = `answers again, after ${lostInARow} losses`;
    if (hop.ttl === this.#targetTtl) {
      // Of an outage that somebody told of, the round will tell the end, too.
      if (last !== null && lostInARow >= SILENT_AFTER && !this.#isCut)
        this.#note("good", `${whoIs(hop)} ${after}`);
    } else this.#heardOf(hop, after);
    if (
      last === null &&
      lostInARow >= STEADY_AFTER &&
      hop.last !== null &&
      hop.ttl !== this.#targetTtl
    ) {
      this.#note("warn", `hop ${hop.ttl}: ${hop.last.addr} answers now, where nobody did`);
    }
    if (last === null || hop.last === null || hop.last === last) return;
    const isNew = hop.addresses.length > known;
    const { addr } = hop.last;
    if (sameInARow >= STEADY_AFTER)
      this.#note("warn", `hop ${hop.ttl}: ${addr} answers now, not ${last.addr}`);
    else if (isNew)
      this.#note("warn", `hop ${hop.ttl}: ${addr} answers, too, besides ${last.addr}`);
  }

  #heardOf(hop: Hop, after: string): void {
    const told = this.#told.get(hop.ttl);
    if (told === undefined) return;
    if (told.isSilent) this.#note("dim", `${whoIs(hop)} ${after}`);
    told.isSilent = false;
    told.answers += 1;
    if (told.answers >= STEADY_AFTER) this.#told.delete(hop.ttl);
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
