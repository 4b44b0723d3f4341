import type { StatisticsSnapshot } from "icmpx";
import { figureRole, formatCount, formatLoss, formatRtt, lossRole } from "./format.ts";
import type { Role } from "./role.ts";

/** A figure as it is shown. */
export interface Figure {
  readonly text: string;
  readonly role: Role;
}

/** One figure of a hop that a table may show. */
export interface MtrColumn {
  /** As mtr(8) has it (`-o`); figures that mtr does not have are digits. */
  readonly letter: string;
  /** At most five cells, as the figures. */
  readonly title: string;
  readonly summary: string;
  /** When room is short, columns with the highest go first. */
  readonly priority: number;
  show(figures: StatisticsSnapshot): Figure;
}

/** What may be shown, in the order in which it is. */
export const MTR_COLUMNS: readonly MtrColumn[] = [
  {
    letter: "L",
    title: "Loss%",
    summary: "loss",
    priority: 1,
    show: ({ loss }) => ({ text: formatLoss(loss), role: lossRole(loss) }),
  },
  count({ letter: "D", title: "Drop", summary: "probes lost", priority: 9 }, ({ lost }) => lost),
  count({ letter: "R", title: "Rcv", summary: "answers", priority: 9 }, ({ received }) => received),
  count({ letter: "S", title: "Snt", summary: "probes decided", priority: 4 }, ({ sent }) => sent),
  time({ letter: "N", title: "Last", summary: "newest RTT", priority: 3 }, ({ last }) => last),
  time({ letter: "A", title: "Avg", summary: "mean RTT", priority: 2 }, ({ mean }) => mean),
  time({ letter: "B", title: "Best", summary: "least RTT", priority: 5 }, ({ min }) => min),
  time({ letter: "W", title: "Wrst", summary: "greatest RTT", priority: 6 }, ({ max }) => max),
  time(
    { letter: "G", title: "Gmean", summary: "geometric mean RTT", priority: 9 },
    ({ geometricMean }) => {
      return geometricMean;
    },
  ),
  time(
    { letter: "V", title: "StDev", summary: "standard deviation", priority: 8 },
    ({ stddev }) => stddev,
  ),
  time(
    { letter: "J", title: "Jttr", summary: "newest jitter", priority: 9 },
    ({ lastJitter }) => lastJitter,
  ),
  time({ letter: "M", title: "Javg", summary: "mean jitter", priority: 9 }, ({ jitter }) => jitter),
  time(
    { letter: "X", title: "Jmax", summary: "greatest jitter", priority: 9 },
    ({ maxJitter }) => maxJitter,
  ),
  time(
    { letter: "I", title: "Jint", summary: "jitter of RFC 3550", priority: 9 },
    ({ rfc3550Jitter }) => {
      return rfc3550Jitter;
    },
  ),
  time({ letter: "1", title: "p50", summary: "median RTT", priority: 9 }, ({ p50 }) => p50),
  time({ letter: "2", title: "p90", summary: "90 % are faster", priority: 9 }, ({ p90 }) => p90),
  time({ letter: "3", title: "p95", summary: "95 % are faster", priority: 9 }, ({ p95 }) => p95),
  time({ letter: "4", title: "p99", summary: "99 % are faster", priority: 9 }, ({ p99 }) => p99),
  count(
    { letter: "5", title: "Late", summary: "answers after the timeout", priority: 9 },
    ({ late }) => late,
  ),
  count(
    { letter: "6", title: "Dup", summary: "further copies of answers", priority: 9 },
    ({ duplicates }) => {
      return duplicates;
    },
  ),
];

/** What mtr(8) shows unless it is told, in the order here. */
const DEFAULT_LETTERS = "LSNABWV";

/** Which columns are shown: the choice of a user, kept as letters. */
export class ColumnChoice {
  readonly #letters: Set<string>;

  /**
   * @param letters as they were kept, or undefined for the default. Letters without a column are
   * passed over.
   */
  constructor(letters: string | undefined) {
    this.#letters = new Set(letters ?? DEFAULT_LETTERS);
  }

  /** For keeping. */
  get letters(): string {
    return this.columns.map(({ letter }) => letter).join("");
  }

  get columns(): readonly MtrColumn[] {
    return MTR_COLUMNS.filter(({ letter }) => this.#letters.has(letter));
  }

  has({ letter }: MtrColumn): boolean {
    return this.#letters.has(letter);
  }

  toggle({ letter }: MtrColumn): void {
    if (!this.#letters.delete(letter)) this.#letters.add(letter);
  }

  /** Shows what mtr(8) shows. */
  reset(): void {
    this.#letters.clear();
    for (const letter of DEFAULT_LETTERS) this.#letters.add(letter);
  }
}

type Kind = Pick<MtrColumn, "letter" | "title" | "summary" | "priority">;

function time(kind: Kind, figure: (figures: StatisticsSnapshot) => number | null): MtrColumn {
  return {
    ...kind,
    show(figures) {
      const value = figure(figures);
      return { text: formatRtt(value), role: figureRole(value) };
    },
  };
}

function count(kind: Kind, figure: (figures: StatisticsSnapshot) => number): MtrColumn {
  return { ...kind, show: (figures) => ({ text: formatCount(figure(figures)), role: "text" }) };
}
