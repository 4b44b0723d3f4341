import { describe, expect, test } from "bun:test";
import { LogView } from "../../tui/src/draw/log-view.ts";
import { EventLog, LOG_LIMIT } from "../../tui/src/model/event-log.ts";
import { Grid } from "./grid.ts";

const NOON = new Date(2026, 10, 22, 12, 0, 0, 7).getTime();

/** A log, a view of it, and what it looks like. */
function scene(lines: number): {
  log: EventLog;
  view: LogView;
  add(count: number): void;
  draw(size?: { width: number; height: number }): Grid;
  press(key: string): void;
  texts(): string[];
  changes(): number;
} {
  const log = new EventLog();
  let changes = 0;
  const view = new LogView(log, () => {
    changes += 1;
  });
  const add = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      log.add({ atMs: NOON + log.total * 1000, role: "text", text: `line ${log.total}` });
    }
  };
  add(lines);
  const draw = ({ width, height } = { width: 70, height: 5 }): Grid =>
    new Grid(width, height, (canvas) => view.draw(canvas));
  const bindings = [...view.bindings(), ...view.sideBindings()];
  return {
    log,
    view,
    add,
    draw,
    press(key) {
      const binding = bindings.find(({ keys }) => keys.includes(key));
      if (binding === undefined) throw new Error(`No binding for ${key}`);
      binding.run();
    },
    texts: () => draw().rows.map((row) => row.replace(/^\d\S+ +/, "")),
    changes: () => changes,
  };
}

describe("LogView", () => {
  test("shows the time and each line in its role", () => {
    const { log, draw } = scene(1);
    log.add({ atMs: NOON + 60_001, role: "bad", text: "no answer" });
    const grid = draw();
    expect(grid.rows.slice(0, 3)).toEqual(["12:00:00.007  line 0", "12:01:00.008  no answer", ""]);
    expect([grid.roleOf("12:01"), grid.roleOf("no answer")]).toEqual(["dim", "bad"]);
  });

  test("leaves out the milliseconds where it is narrow", () => {
    expect(scene(1).draw({ width: 30, height: 2 }).rows[0]).toBe("12:00:00  line 0");
  });

  test("follows the end", () => {
    const { add, texts } = scene(20);
    expect(texts()).toEqual(["line 15", "line 16", "line 17", "line 18", "line 19"]);
    add(2);
    expect(texts().at(-1)).toBe("line 21");
  });

  test("scrolled back, it stays with its lines and counts those below", () => {
    const { add, texts, view, draw } = scene(20);
    texts();
    view.scroll(-3);
    expect(texts()).toEqual(["line 13", "line 14", "line 15", "line 16", "↓ 3 newer lines"]);
    add(5);
    expect(texts()).toEqual(["line 13", "line 14", "line 15", "line 16", "↓ 8 newer lines"]);
    draw().clickOn("↓ 8");
    expect(texts().at(-1)).toBe("line 24");
  });

  test("says it in the singular, too", () => {
    const { view, texts } = scene(20);
    texts();
    view.scroll(-1);
    expect(texts().at(-1)).toBe("↓ 1 newer line");
  });

  test("scrolls by wheel and keys, not beyond the oldest line, and tells of it", () => {
    const { draw, press, texts, changes } = scene(20);
    draw().scroll(3, 3, -6);
    expect(texts()[0]).toBe("line 10");
    press("pageup");
    expect(texts()[0]).toBe("line 6");
    press("ctrl-u");
    press("k");
    expect(texts()[0]).toBe("line 3");
    press("g");
    press("up");
    expect(texts()).toEqual(["line 0", "line 1", "line 2", "line 3", "↓ 16 newer lines"]);
    press("j");
    press("ctrl-d");
    press("pagedown");
    expect(texts()[0]).toBe("line 7");
    press("G");
    expect(texts().at(-1)).toBe("line 19");
    expect(changes()).toBe(10);
  });

  test("has keys of its own beside a table", () => {
    const { press, texts } = scene(20);
    texts();
    press("shift-up");
    press("{");
    expect(texts()[0]).toBe("line 8");
    press("}");
    press("shift-down");
    expect(texts().at(-1)).toBe("line 19");
  });

  test("moves along when the lines it shows are forgotten", () => {
    const { add, press, texts } = scene(LOG_LIMIT);
    texts();
    press("g");
    add(10);
    expect(texts()[0]).toBe("line 10");
  });

  test("survives that the log is cleared, and any size", () => {
    const { log, draw, press, texts } = scene(20);
    texts();
    press("g");
    log.clear();
    expect(draw().text).toBe("");
    for (const [width, height] of [
      [0, 0],
      [1, 1],
      [5, 0],
      [0, 5],
      [9, 2],
    ] as const) {
      expect(() => draw({ width, height })).not.toThrow();
      press("up");
    }
  });
});
