import type { Canvas } from "../draw/canvas.ts";
import { sparkline } from "../draw/graph.ts";
import { ListState } from "../draw/list-state.ts";
import { DOWN, type Mark, sessionMark } from "../draw/marks.ts";
import { type Column, drawTable, type Span, type ToEnd } from "../draw/table.ts";
import type { Binding } from "../model/binding.ts";
import { textWidth } from "../model/fit.ts";
import { FIGURE_WIDTH, figureRole, formatLoss, formatRtt, lossRole } from "../model/format.ts";
import type { Session, TargetRow } from "../model/session.ts";
import type { Services } from "./panel.ts";
import { type SummaryEntry, type SummaryOrder, SummaryRows, TOOL_NAMES } from "./summary-rows.ts";

/** What the summary is made with. */
export interface SummaryOptions {
  /** All sessions in the order in which they were begun. */
  sessions(): readonly Session[];
  /** Shows one. */
  open(session: Session): void;
  readonly services: Services;
  /** Milliseconds from any moment on. Default: since the process began. */
  readonly now?: () => number;
}

/** In the order in which a key goes through them. */
const ORDERS: Readonly<Record<SummaryOrder, string>> = {
  begun: "as begun",
  loss: "by loss",
  mean: "by mean",
  target: "by name",
};
const ORDER_PREFERENCE = "summary.order";

const WAITING: Mark = { text: "○", role: "dim" };
/** Canvases at least this high have an empty line below the counts. */
const ROOMY = 14;

/** All targets of all sessions at once. */
export class Summary {
  readonly bindings: readonly Binding[];
  readonly #options: SummaryOptions;
  readonly #list = new ListState();
  readonly #rows: SummaryRows;
  #order: SummaryOrder;

  constructor(options: SummaryOptions) {
    const { services, now = () => performance.now() } = options;
    this.#options = options;
    this.#rows = new SummaryRows(now);
    this.#order = orderOf(services.readPreference(ORDER_PREFERENCE));
    this.bindings = [
      {
        keys: ["enter", "o"],
        label: "Enter",
        summary: "open the session",
        run: () => this.#open(),
      },
      {
        keys: ["s"],
        label: "s",
        summary: "sort",
        run: () => this.#sortBy(orderAfter(this.#order)),
      },
      {
        keys: ["y"],
        label: "y",
        summary: "copy as text",
        run: () => services.copy(this.#rows.report(), "the summary"),
      },
      ...this.#list.bindings(() => services.redraw()),
    ];
  }

  /** Draws it over the whole of `canvas`. */
  draw(canvas: Canvas): void {
    const top = canvas.height >= ROOMY ? 2 : 1;
    const table = canvas.part({
      x: 0,
      y: top,
      width: canvas.width,
      height: Math.max(0, canvas.height - top),
    });
    this.#update(Math.max(0, table.height - 1));
    this.#drawCounts(canvas);
    const orders: Readonly<Record<string, SummaryOrder>> = {
      Tool: "begun",
      Target: "target",
      Loss: "loss",
      Mean: "mean",
    };
    drawTable(table, {
      columns: this.#columns(),
      rows: this.#rows.entries,
      list: this.#list,
      changed: () => this.#options.services.redraw(),
      onTitle: ({ title }) => this.#sortBy(orders[title.replace(SORTED, "")] ?? this.#order),
      empty: "Nothing runs yet",
    });
    // On top of what the table does with a click: here a row is a way to its session.
    table.onMouse(
      { x: 0, y: 1, width: table.width, height: Math.max(0, table.height - 1) },
      {
        click: (_, y) => {
          const index = this.#list.top + y;
          if (index >= this.#rows.entries.length) return;
          this.#list.select(index);
          this.#open();
        },
      },
    );
  }

  /** Keeps the selection on its target, wherever that is sorted to. */
  #update(height: number): void {
    const selected = this.#rows.entries[this.#list.selected];
    if (!this.#rows.update(this.#options.sessions(), this.#order)) return;
    this.#list.update(this.#rows.entries.length, height);
    const index = selected === undefined ? -1 : this.#rows.indexOf(selected);
    if (index >= 0) this.#list.moved(index);
  }

  #drawCounts(canvas: Canvas): void {
    const { up, down, failed, waiting, paused, ended } = this.#rows.counts();
    const total = this.#rows.entries.length;
    const all: readonly (readonly [
      mark: string,
      count: number,
      word: string,
      role: Mark["role"],
    ])[] = [
      ["●", up, "up", "good"],
      ["▼", down, "down", "bad"],
      ["✗", failed, "failed", "bad"],
      ["○", waiting, "waiting", "dim"],
      ["‖", paused, "paused", "warn"],
      ["■", ended, "ended", "dim"],
    ];
    const shown = all.filter(([, count]) => count > 0);
    const first = `${total} ${total === 1 ? "target" : "targets"}`;
    const long = shown.map(([mark, count, word]) => `${mark} ${count} ${word}`);
    const short = shown.map(([mark, count]) => `${mark} ${count}`);
    const isLong = [first, ...long].join("  ").length <= canvas.width;
    canvas.text(0, 0, first, { role: "title" });
    let x = textWidth(first) + 2;
    for (const [index, text] of (isLong ? long : short).entries()) {
      canvas.text(x, 0, text, { role: shown[index]?.[3] ?? "text" });
      x += textWidth(text) + 2;
    }
    const order = `times in ms, ${ORDERS[this.#order]}`;
    if (x + order.length > canvas.width) return;
    canvas.text(x, 0, order, { role: "dim", width: canvas.width - x, align: "right" });
  }

  #columns(): readonly Column<SummaryEntry>[] {
    const widest = (text: (row: TargetRow) => string): number =>
      this.#rows.entries.reduce(
        (most, entry) => Math.max(most, textWidth(text(this.#rows.row(entry)))),
        0,
      );
    const titled = (title: string, order: SummaryOrder): string =>
      order === this.#order ? title + SORTED : title;
    const time = (
      title: string,
      priority: number,
      figure: (row: TargetRow) => number | null,
    ): Column<SummaryEntry> => ({
      title,
      priority,
      align: "right",
      width: FIGURE_WIDTH,
      cell: (entry) => {
        const value = figure(this.#rows.row(entry));
        return { text: formatRtt(value), role: figureRole(value) };
      },
    });
    return [
      { title: "", width: 1, cell: (entry) => this.#mark(entry) },
      {
        title: "Tool",
        width: 5,
        priority: 4,
        cell: ({ session }) => ({ text: TOOL_NAMES[session.kind], role: "dim" }),
      },
      {
        title: titled("Target", "target"),
        width: 14,
        grows: true,
        most: 40,
        needs: widest(({ label }) => label),
        cell: (entry) => ({ text: this.#rows.row(entry).label, role: "text" }),
      },
      {
        title: "Address",
        width: 15,
        grows: true,
        needs: widest(({ label, address }) => (address === label ? "" : (address ?? ""))),
        priority: 5,
        cell: (entry) => this.#address(entry),
      },
      {
        title: titled("Loss", "loss"),
        align: "right",
        width: FIGURE_WIDTH,
        cell: (entry) => {
          const { loss } = this.#rows.row(entry).figures;
          return this.#failure(entry) ?? { text: formatLoss(loss), role: lossRole(loss) };
        },
      },
      time("Last", 0, ({ figures }) => figures.last),
      time(titled("Mean", "mean"), 3, ({ figures }) => figures.mean),
      time("Best", 8, ({ figures }) => figures.min),
      time("Worst", 7, ({ figures }) => figures.max),
      {
        title: "History",
        width: 8,
        grows: true,
        most: 48,
        priority: 2,
        cell: (entry, width) => sparkline(this.#rows.row(entry).history.latest(width), width),
      },
      {
        title: "Note",
        width: 10,
        grows: true,
        priority: 6,
        cell: (entry) => ({ text: this.#rows.row(entry).note, role: "dim" }),
      },
    ];
  }

  /** Why a target cannot be probed, in place of all figures; undefined for one that can. */
  #failure(entry: SummaryEntry): ToEnd | undefined {
    const { isDown, figures, note } = this.#rows.row(entry);
    const cannot = figures.loss === null && (isDown || this.#rows.state(entry) === "failed");
    return cannot ? { toEnd: { text: note, role: "bad" } } : undefined;
  }

  #address(entry: SummaryEntry): Span | ToEnd {
    const failure = this.#failure(entry);
    if (failure !== undefined) return failure;
    const { address, label } = this.#rows.row(entry);
    // Not twice the same beside each other.
    return { text: address === label ? "" : (address ?? "-"), role: "dim" };
  }

  #mark(entry: SummaryEntry): Mark {
    const state = this.#rows.state(entry);
    if (state === "down") return DOWN;
    return state === "waiting" ? WAITING : sessionMark(entry.session, false);
  }

  #open(): void {
    const entry = this.#rows.entries[this.#list.selected];
    if (entry !== undefined) this.#options.open(entry.session);
  }

  #sortBy(order: SummaryOrder): void {
    this.#order = order;
    this.#options.services.writePreference(ORDER_PREFERENCE, order);
    this.#options.services.redraw();
  }
}

/** Behind the title that the rows are sorted by. */
const SORTED = "▾";

function orderOf(name: string | undefined): SummaryOrder {
  return orderNames().find((order) => order === name) ?? "begun";
}

function orderAfter(order: SummaryOrder): SummaryOrder {
  const names = orderNames();
  return names[(names.indexOf(order) + 1) % names.length] ?? "begun";
}

function orderNames(): readonly SummaryOrder[] {
  return Object.keys(ORDERS) as SummaryOrder[];
}
