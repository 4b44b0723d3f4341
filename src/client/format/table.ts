import { pad, truncate } from "./text.ts";

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/**
 * One way of making a table narrower: to leave a column out, or to cut its cells to no less than
 * `cutTo`.
 */
export interface Sacrifice {
  /** Index of the column. */
  readonly column: number;
  /** In columns of the terminal; without it the column is left out. */
  readonly cutTo?: number;
}

/** What a table consists of. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  /** As many cells in each row as there are columns. */
  readonly rows: readonly (readonly string[])[];
  /** Columns of the terminal to fit into; by default the table is as wide as its content. */
  readonly width?: number | undefined;
  /** What to do to fit, one after the other while it is not enough. */
  readonly sacrifices: readonly Sacrifice[];
}

interface Layout {
  readonly padding: string;
  /** Widths of the columns that are shown, by their index. */
  readonly widths: ReadonlyMap<number, number>;
  /** Columns of the terminal that are missing. */
  readonly excess: number;
}

/**
 * A table in box-drawing characters under a centred title.
 *
 * To fit a width it drops the spaces beside the rules, then makes one sacrifice after the other,
 * and at last cuts the lines.
 */
export function formatTable(table: Table): string {
  const { title, columns, rows, width = Number.POSITIVE_INFINITY } = table;
  const { padding, widths } = fit(table, width);
  const line = (cells: readonly string[]) => {
    const content = Array.from(widths, ([column, cellWidth]) => {
      const text = truncate(cells[column] ?? "", cellWidth);
      return padding + pad(text, cellWidth, columns[column]?.align ?? "left") + padding;
    });
    return `│${content.join("│")}│`;
  };
  const rule = (left: string, cross: string, right: string) => {
    const parts = Array.from(widths.values(), (cellWidth) =>
      "─".repeat(cellWidth + 2 * padding.length),
    );
    return left + parts.join(cross) + right;
  };
  const top = rule("┌", "┬", "┐");
  const free = Math.min(Bun.stringWidth(top), width) - Bun.stringWidth(title);
  const lines = [
    " ".repeat(Math.max(0, Math.floor(free / 2))) + title,
    top,
    line(columns.map((column) => column.title)),
    rule("├", "┼", "┤"),
    ...rows.map(line),
    rule("└", "┴", "┘"),
  ];
  return lines.map((text) => truncate(text, width)).join("\n");
}

/** The first layout that fits, or the narrowest. */
function fit({ columns, rows, sacrifices }: Table, width: number): Layout {
  const natural = columns.map(({ title }, column) =>
    rows.reduce(
      (most, row) => Math.max(most, Bun.stringWidth(row[column] ?? "")),
      Bun.stringWidth(title),
    ),
  );
  let layout = layOut([], " ");
  for (let made = 0; layout.excess > 0 && made <= sacrifices.length; made += 1) {
    layout = layOut(sacrifices.slice(0, made), "");
  }
  return layout;

  /** Leaves out first: where that makes room, less is cut. */
  function layOut(made: readonly Sacrifice[], padding: string): Layout {
    const widths = new Map(natural.entries());
    for (const { column, cutTo } of made) {
      if (cutTo === undefined) widths.delete(column);
    }
    const rules = widths.size + 1 + 2 * padding.length * widths.size;
    let excess = widths.values().reduce((sum, each) => sum + each, rules) - width;
    for (const { column, cutTo } of made) {
      const cellWidth = widths.get(column);
      if (cutTo === undefined || cellWidth === undefined) continue;
      const cut = Math.max(0, Math.min(excess, cellWidth - cutTo));
      widths.set(column, cellWidth - cut);
      excess -= cut;
    }
    return { padding, widths, excess };
  }
}
