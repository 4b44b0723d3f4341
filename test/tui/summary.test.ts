import { describe, expect, test } from "bun:test";
import { EventLog } from "../../tui/src/model/event-log.ts";
import { NO_FIGURES } from "../../tui/src/model/figures.ts";
import { RttHistory } from "../../tui/src/model/rtt-history.ts";
import type { Session, SessionKind, SessionState, TargetRow } from "../../tui/src/model/session.ts";
import { Summary } from "../../tui/src/panels/summary.ts";
import { Grid } from "./grid.ts";

/** A target, as far as it differs from one that answers after 10 ms. */
type Facts = Partial<TargetRow> & {
  readonly rtts?: readonly (number | null)[];
  readonly loss?: number;
};

interface SessionFacts {
  readonly kind?: SessionKind;
  readonly state?: SessionState;
  readonly failure?: string;
  readonly title?: string;
  readonly targets: readonly Facts[];
}

/** A summary of sessions made by hand. */
class Stage {
  readonly sessions: Session[] = [];
  readonly opened: number[] = [];
  readonly copied: string[] = [];
  readonly preferences: Record<string, string>;
  readonly summary: Summary;
  nowMs = 0;

  constructor(facts: readonly SessionFacts[], preferences: Record<string, string> = {}) {
    for (const each of facts) this.add(each);
    this.preferences = preferences;
    this.summary = new Summary({
      sessions: () => this.sessions,
      open: ({ id }) => this.opened.push(id),
      now: () => this.nowMs,
      services: {
        notify() {},
        copy: (text) => this.copied.push(text),
        redraw() {},
        readPreference: (name) => preferences[name],
        writePreference(name, value) {
          preferences[name] = value;
        },
      },
    });
  }

  add({
    kind = "ping",
    state = "running",
    failure,
    title = "a session",
    targets,
  }: SessionFacts): TargetRow[] {
    const rows = targets.map(rowOf);
    this.sessions.push({
      id: this.sessions.length + 1,
      kind,
      title,
      state,
      failure: failure ?? null,
      isDown: rows.some(({ isDown }) => isDown),
      log: new EventLog(),
      targets: () => rows,
      report: () => "",
      stop() {},
    });
    return rows;
  }

  draw(width: number, height: number): Grid {
    return new Grid(width, height, (canvas) => this.summary.draw(canvas));
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) {
      const binding = this.summary.bindings.find((each) => each.keys.includes(key));
      if (binding === undefined) throw new Error(`No binding for ${key}`);
      binding.run();
    }
  }

  /** The targets from the top down. */
  order(): string[] {
    const rows = this.draw(60, 30).rows.slice(3);
    return rows.filter((row) => row !== "").map((row) => row.slice(8).split(" ")[0] ?? "");
  }
}

function rowOf({ rtts = [10, 12, 11, 10], loss, ...facts }: Facts): TargetRow {
  const history = new RttHistory();
  for (const rtt of rtts) history.add(rtt);
  const answered = rtts.filter((rtt) => rtt !== null);
  const isAnswered = answered.length > 0;
  return {
    label: "192.0.2.1",
    address: "192.0.2.1",
    figures: {
      ...NO_FIGURES,
      sent: rtts.length,
      received: answered.length,
      loss: loss ?? (rtts.length > 0 ? 1 - answered.length / rtts.length : null),
      last: answered.at(-1) ?? null,
      mean: isAnswered ? answered.reduce((sum, rtt) => sum + rtt, 0) / answered.length : null,
      min: isAnswered ? Math.min(...answered) : null,
      max: isAnswered ? Math.max(...answered) : null,
    },
    history,
    isDown: rtts.at(-1) === null,
    note: "",
    ...facts,
  };
}

const REASON = 'Cannot resolve "nowhere.example": no such name (ENOTFOUND)';

/** Something of everything. */
const EVERYTHING: readonly SessionFacts[] = [
  {
    targets: [
      { label: "www.example.com", address: "198.51.100.1", rtts: [12.3, 14, null, 12.5, 40, 12.1] },
    ],
  },
  {
    kind: "multiping",
    targets: [
      { label: "192.0.2.10", address: "192.0.2.10", rtts: [0.31, 0.29, 0.42] },
      { label: "服务器.example", address: "2001:db8::10", rtts: [230, null, null] },
      { label: "nowhere.example", address: null, rtts: [], isDown: true, note: REASON },
      { label: "soon.example", address: null, rtts: [] },
    ],
  },
  {
    kind: "traceroute",
    state: "finished",
    targets: [{ label: "198.51.100.9", rtts: [31, 32, 30], note: "4 hops" }],
  },
  {
    kind: "mtr",
    state: "paused",
    targets: [{ label: "gw.example", rtts: [1.5, 1.6], note: "2 hops" }],
  },
  { state: "failed", title: "a.example", failure: `${REASON}\nand more`, targets: [] },
];

describe("Summary", () => {
  test("says so when there is nothing", () => {
    expect(new Stage([]).draw(60, 6).text).toMatchInlineSnapshot(`
      "0 targets                              times in ms, as begun
        Tool  Target          Loss  Last  Mean History
      Nothing runs yet"
    `);
  });

  test("in a terminal of 120x40", () => {
    expect(new Stage(EVERYTHING).draw(103, 38).text).toMatchInlineSnapshot(`
      "8 targets  ● 2 up  ▼ 2 down  ✗ 1 failed  ○ 1 waiting  ‖ 1 paused  ■ 1 ended       times in ms, as begun

        Tool  Target          Address          Loss  Last  Mean  Best Worst History         Note
      ● ping  www.example.com 198.51.100.1    16.7%  12.1  18.2  12.1  40.0          ▁▁×▁█▁
      ● multi 192.0.2.10                       0.0%  0.42  0.34  0.29  0.42             ▁▁▄
      ▼ multi 服务器.example  2001:db8::10    66.7%   230   230   230   230             ▁××
      ▼ multi nowhere.example Cannot resolve "nowhere.example": no such name (ENOTFOUND)
      ○ multi soon.example    -                   -     -     -     -     -
      ✓ trace 198.51.100.9    192.0.2.1        0.0%  30.0  31.0  30.0  32.0             ▁▁▁ 4 hops
      ‖ mtr   gw.example      192.0.2.1        0.0%  1.60  1.55  1.50  1.60              ▁▁ 2 hops
      ✗ ping  a.example       Cannot resolve "nowhere.example": no such name (ENOTFOUND)"
    `);
  });

  test("in a terminal of 80x24", () => {
    expect(new Stage(EVERYTHING).draw(63, 22).text).toMatchInlineSnapshot(`
      "8 targets  ● 2  ▼ 2  ✗ 1  ○ 1  ‖ 1  ■ 1   times in ms, as begun

        Tool  Target           Loss  Last  Mean History
      ● ping  www.example.com 16.7%  12.1  18.2               ▁▁×▁█▁
      ● multi 192.0.2.10       0.0%  0.42  0.34                  ▁▁▄
      ▼ multi 服务器.example  66.7%   230   230                  ▁××
      ▼ multi nowhere.example Cannot resolve "nowhere.example": no …
      ○ multi soon.example        -     -     -
      ✓ trace 198.51.100.9     0.0%  30.0  31.0                  ▁▁▁
      ‖ mtr   gw.example       0.0%  1.60  1.55                   ▁▁
      ✗ ping  a.example       Cannot resolve "nowhere.example": no …"
    `);
  });

  test("in a terminal of 40x12", () => {
    expect(new Stage(EVERYTHING).draw(40, 9).text).toMatchInlineSnapshot(`
      "8 targets  ● 2  ▼ 2  ✗ 1  ○ 1  ‖ 1  ■ 1
        Target           Loss  Last History
      ● www.example.com 16.7%  12.1    ▁▁×▁█▁█
      ● 192.0.2.10       0.0%  0.42       ▁▁▄█
      ▼ 服务器.example  66.7%   230       ▁××█
      ▼ nowhere.example Cannot resolve "nowh…█
      ○ soon.example        -     -          █
      ✓ 198.51.100.9     0.0%  30.0       ▁▁▁█
      ‖ gw.example       0.0%  1.60        ▁▁│"
    `);
  });

  test("tells states by marks and colours", () => {
    const grid = new Stage(EVERYTHING).draw(103, 20);
    expect([grid.roleOf("▼ 2 down"), grid.roleOf("✗ 1 failed"), grid.roleOf("● 2 up")]).toEqual([
      "bad",
      "bad",
      "good",
    ]);
    expect(grid.roleOf("66.7%")).toBe("bad");
    expect(grid.roleOf("Cannot resolve")).toBe("bad");
    expect(grid.roleOf("4 hops")).toBe("dim");
  });

  test.each([
    ["255 bytes", "x".repeat(255)],
    ["Hebrew", "שרת.דוגמה.example"],
    ["an emoji", "👩‍👩‍👧.example"],
  ])("a name of %s moves no column", (_, label) => {
    const stage = new Stage([{ targets: [{ label, address: "192.0.2.9" }, {}] }]);
    for (const width of [103, 63, 40]) {
      const [one = "", two = ""] = stage.draw(width, 6).rows.slice(2);
      const cells = (row: string): number => Bun.stringWidth(row.slice(0, row.indexOf("0.0%")));
      expect(cells(one)).toBe(cells(two));
    }
  });

  test("follows what changes", () => {
    const stage = new Stage([{ targets: [{ label: "one.example" }] }]);
    expect(stage.order()).toEqual(["one.example"]);
    const rows = stage.add({ kind: "multiping", targets: [{ label: "two.example" }] });
    expect(stage.order()).toEqual(["one.example", "two.example"]);
    rows.push(rowOf({ label: "three.example", rtts: [null] }));
    expect(stage.order()).toEqual(["one.example", "two.example", "three.example"]);
    expect(stage.draw(103, 20).text).toContain("3 targets  ● 2 up  ▼ 1 down");
    stage.sessions.shift();
    expect(stage.order()).toEqual(["two.example", "three.example"]);
  });

  test("a thousand targets cost figures for those that are seen only", () => {
    let asked = 0;
    const label = "host.example";
    const stage = new Stage([]);
    stage.add({ kind: "multiping", targets: [] });
    const target = (): TargetRow => ({
      ...rowOf({ label }),
      get mean() {
        asked += 1;
        return 1;
      },
    });
    const many = Array.from({ length: 1000 }, target);
    Object.assign(stage.sessions[0] ?? {}, { targets: () => many });
    asked = 0;
    expect(stage.draw(103, 20).text).toContain("1000 targets  ● 1000 up");
    expect(asked).toBeLessThan(30);
  });
});

describe("orders of a Summary", () => {
  const facts: readonly SessionFacts[] = [
    {
      kind: "multiping",
      targets: [
        { label: "host10", rtts: [5, 5, null, 5] },
        { label: "host9", rtts: [90] },
        { label: "dead", rtts: [null, null] },
        { label: "fine", rtts: [1] },
        { label: "unknown", rtts: [], isDown: true, note: "Cannot" },
        { label: "waiting", rtts: [] },
      ],
    },
  ];

  test("s goes through them, and the choice is kept", () => {
    const stage = new Stage(facts);
    expect(stage.order()).toEqual(["host10", "host9", "dead", "fine", "unknown", "waiting"]);
    stage.press("s");
    expect(stage.order()).toEqual(["dead", "unknown", "host10", "host9", "fine", "waiting"]);
    stage.press("s");
    expect(stage.order()).toEqual(["host9", "host10", "fine", "dead", "unknown", "waiting"]);
    expect(stage.preferences).toEqual({ "summary.order": "mean" });
    expect(new Stage(facts, stage.preferences).order()[0]).toBe("host9");
    stage.press("s");
    expect(stage.order()).toEqual(["dead", "fine", "host9", "host10", "unknown", "waiting"]);
    stage.press("s");
    expect(stage.order()[0]).toBe("host10");
  });

  test("a title sorts by its column, and says so", () => {
    const stage = new Stage(facts);
    stage.draw(103, 20).clickOn("Loss");
    expect(stage.order()[0]).toBe("dead");
    expect(stage.draw(103, 20).text).toContain("Loss▾");
    expect(stage.draw(103, 20).text).toContain("times in ms, by loss");
    stage.draw(103, 20).clickOn("Loss▾");
    expect(stage.order()[0]).toBe("dead");
    stage.draw(103, 20).clickOn("Best");
    expect(stage.order()[0]).toBe("dead");
    stage.draw(103, 20).clickOn("Tool");
    expect(stage.order()[0]).toBe("host10");
  });

  test("rows move once a second, the selection with its target", () => {
    const stage = new Stage([]);
    const rows = stage.add({
      targets: [
        { label: "one", loss: 0 },
        { label: "two", loss: 0.5 },
      ],
    });
    stage.press("s", "j");
    expect(stage.order()).toEqual(["two", "one"]);
    stage.press("j");
    rows[0] = rowOf({ label: "one", loss: 1 });
    stage.nowMs = 900;
    expect(stage.order()).toEqual(["two", "one"]);
    stage.nowMs = 1000;
    expect(stage.order()).toEqual(["one", "two"]);
    expect(stage.draw(60, 30).roleOf("one")).toBe("selected");
  });
});

describe("ways from a Summary to its sessions", () => {
  test("Enter opens the one of the selected target", () => {
    const stage = new Stage(EVERYTHING);
    stage.draw(103, 38);
    stage.press("enter", "j", "enter", "G", "enter");
    expect(stage.opened).toEqual([1, 2, 5]);
  });

  test("a click opens one, and selects it", () => {
    const stage = new Stage(EVERYTHING);
    stage.draw(103, 38).clickOn("gw.example");
    expect(stage.opened).toEqual([4]);
    expect(stage.draw(103, 38).roleOf("gw.example")).toBe("selected");
    stage.draw(103, 38).click(5, 30);
    expect(stage.opened).toEqual([4]);
  });

  test("the wheel scrolls, and a click then opens what is seen", () => {
    const stage = new Stage(EVERYTHING);
    stage.draw(103, 6).scroll(5, 3, 4);
    const grid = stage.draw(103, 6);
    expect(grid.text).not.toContain("www.example.com");
    grid.clickOn("198.51.100.9");
    expect(stage.opened).toEqual([3]);
  });

  test("nothing to open is nothing", () => {
    const stage = new Stage([]);
    stage.draw(103, 38).click(5, 4);
    stage.press("enter");
    expect(stage.opened).toEqual([]);
  });

  test("y copies all of it, in the order shown", () => {
    const stage = new Stage(EVERYTHING, { "summary.order": "loss" });
    stage.draw(40, 9);
    stage.press("y");
    expect(stage.copied[0]).toMatchInlineSnapshot(`
      "State    Tool   Target           Address        Loss  Last ms  Mean ms  Best ms  Worst ms  Note
      down     multi  nowhere.example  -                 -        -        -        -         -  Cannot resolve "nowhere.example": no such name (ENOTFOUND)
      failed   ping   a.example        -                 -        -        -        -         -  Cannot resolve "nowhere.example": no such name (ENOTFOUND)
      down     multi  服务器.example   2001:db8::10  66.7%      230      230      230       230
      up       ping   www.example.com  198.51.100.1  16.7%     12.1     18.2     12.1      40.0
      up       multi  192.0.2.10       192.0.2.10     0.0%     0.42     0.34     0.29      0.42
      ended    trace  198.51.100.9     192.0.2.1      0.0%     30.0     31.0     30.0      32.0  4 hops
      paused   mtr    gw.example       192.0.2.1      0.0%     1.60     1.55     1.50      1.60  2 hops
      waiting  multi  soon.example     -                 -        -        -        -         -"
    `);
  });

  test("never fails, however small", () => {
    const stage = new Stage(EVERYTHING);
    for (let width = 0; width < 120; width += 3) {
      for (let height = 0; height < 20; height += 1)
        expect(stage.draw(width, height).rows).toHaveLength(height);
    }
  });
});
