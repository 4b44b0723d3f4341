import { fit, textWidth } from "../model/fit.ts";
import { formatLoss, formatRtt } from "../model/format.ts";
import { RttHistory } from "../model/rtt-history.ts";
import type { Session, SessionKind, TargetFigures, TargetRow } from "../model/session.ts";

/** How targets are sorted: as begun, by name, or the worst first. */
export type SummaryOrder = "begun" | "target" | "loss" | "mean";

/** How a target is doing. */
export type TargetState = "up" | "down" | "waiting" | "paused" | "ended" | "failed";

/** One target: which it is, not how it does. */
export interface SummaryEntry {
  readonly session: Session;
  readonly index: number;
}

/** What tools are called where room is short. */
export const TOOL_NAMES: Readonly<Record<SessionKind, string>> = {
  ping: "ping",
  multiping: "multi",
  traceroute: "trace",
  mtr: "mtr",
};

/**
 * Milliseconds for which an order stays as it is: rows that jump cannot be read, and sorting
 * thousands costs.
 */
const ORDER_AGE_MS = 1000;

const NO_HISTORY = new RttHistory(1);
const NO_TIMES = { last: null, mean: null, min: null, max: null };
/** Without the library, which is not loaded for the first frame. */
const NO_FIGURES: TargetFigures = { sent: 0, received: 0, loss: null, ...NO_TIMES };

/** The targets of all sessions, in one order. A session without any has a row, too. */
export class SummaryRows {
  readonly #now: () => number;
  #entries: readonly SummaryEntry[] = [];
  /** Of each session, as of the last `update`. */
  #targets = new Map<Session, readonly TargetRow[]>();
  /** What the entries were made for: the order, the sessions, and how many targets each has. */
  #key = "";
  #sortedAt = 0;

  /** @param now milliseconds from any moment on. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get entries(): readonly SummaryEntry[] {
    return this.#entries;
  }

  /**
   * Asks every session once, and brings the rows into order if it is time. Returns whether rows may
   * have moved.
   */
  update(sessions: readonly Session[], order: SummaryOrder): boolean {
    this.#targets = new Map(sessions.map((session) => [session, session.targets()]));
    const countOf = (session: Session): number =>
      Math.max(1, this.#targets.get(session)?.length ?? 0);
    const key = [order, ...sessions.map((session) => `${session.id}:${countOf(session)}`)].join(
      " ",
    );
    const now = this.#now();
    const isFresh = order === "begun" || now - this.#sortedAt < ORDER_AGE_MS;
    if (key === this.#key && isFresh) return false;
    this.#key = key;
    this.#sortedAt = now;
    const entries = sessions.flatMap((session) =>
      Array.from({ length: countOf(session) }, (_, index) => ({ session, index })),
    );
    this.#entries = this.#sorted(entries, order);
    return true;
  }

  /** Where a target is now; -1 if it is gone. */
  indexOf(entry: SummaryEntry): number {
    return this.#entries.findIndex(
      ({ session, index }) => session === entry.session && index === entry.index,
    );
  }

  row({ session, index }: SummaryEntry): TargetRow {
    return this.#targets.get(session)?.[index] ?? placeholder(session);
  }

  state(entry: SummaryEntry): TargetState {
    const { state } = entry.session;
    if (state === "paused" || state === "failed") return state;
    const { isDown, history } = this.row(entry);
    // A trace that came to its end without reaching its target is down for good.
    if (isDown && state !== "stopped") return "down";
    if (state !== "running") return "ended";
    return history.length > 0 ? "up" : "waiting";
  }

  /** How many are in which state. */
  counts(): Readonly<Record<TargetState, number>> {
    const counts = { up: 0, down: 0, waiting: 0, paused: 0, ended: 0, failed: 0 };
    for (const entry of this.#entries) counts[this.state(entry)] += 1;
    return counts;
  }

  /** All rows as text to paste, in their order. Safe to print. */
  report(): string {
    const times = ["Last", "Mean", "Best", "Worst"].map((title) => `${title} ms`);
    const titles = ["State", "Tool", "Target", "Address", "Loss", ...times, "Note"];
    const rows = this.#entries.map((entry) => {
      const { label, address, figures: all, note } = this.row(entry);
      const { loss, last, mean, min, max } = all;
      const figures = [formatLoss(loss), ...[last, mean, min, max].map(formatRtt)];
      return [
        this.state(entry),
        TOOL_NAMES[entry.session.kind],
        label,
        address ?? "-",
        ...figures,
        note,
      ];
    });
    const widths = titles.map((title, index) =>
      Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index] ?? ""))),
    );
    const lineOf = (row: readonly string[]): string =>
      row
        .map((text, index) => fit(text, widths[index] ?? 0, isFigure(index) ? "right" : "left"))
        .join("  ");
    return [titles, ...rows].map((row) => lineOf(row).trimEnd()).join("\n");
  }

  #sorted(entries: readonly SummaryEntry[], order: SummaryOrder): readonly SummaryEntry[] {
    if (order === "begun") return entries;
    const keyed = entries.map((entry) => ({ entry, row: this.row(entry) }));
    if (order === "target") keyed.sort((a, b) => BY_NAME.compare(a.row.label, b.row.label));
    else keyed.sort((a, b) => badness(b.row, order) - badness(a.row, order));
    return keyed.map(({ entry }) => entry);
  }
}

// 10.0.0.9 comes before 10.0.0.10.
const BY_NAME = new Intl.Collator("en", { numeric: true });

/** What has no figure comes last, unless that is so because it cannot be probed. */
function badness(row: TargetRow, order: "loss" | "mean"): number {
  return row.figures[order] ?? (row.isDown && order === "loss" ? 1 : -1);
}

/** Which columns of a report are figures. */
function isFigure(index: number): boolean {
  return index >= 4 && index <= 8;
}

/** Stands for the targets of a session that has none yet. */
function placeholder({ title, failure, state }: Session): TargetRow {
  return {
    label: title,
    address: null,
    figures: NO_FIGURES,
    history: NO_HISTORY,
    isDown: state === "failed",
    note: failure?.split("\n")[0] ?? "",
  };
}
