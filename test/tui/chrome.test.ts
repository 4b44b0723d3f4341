import { describe, expect, test } from "bun:test";
import {
  drawButton,
  drawForm,
  drawHints,
  drawNavigation,
  drawNavigationRow,
  drawNotices,
  drawParagraphs,
  drawTabs,
  type FormLook,
  type NavigationEntry,
  noticeLines,
  type TabEntry,
} from "../../tui/src/screen/chrome.ts";
import { layoutForm } from "../../tui/src/screen/layout.ts";
import { fakeTool } from "./fake-tool.ts";
import { Grid } from "./grid.ts";

const FIELDS = fakeTool("ping", "Ping").fields;

function entries(opened: string[] = []): NavigationEntry[] {
  const entry = (title: string, more: Partial<NavigationEntry> = {}): NavigationEntry => ({
    title,
    shortTitle: title.slice(0, 5),
    isShown: false,
    running: 0,
    down: 0,
    open: () => opened.push(title),
    ...more,
  });
  return [
    entry("Summary", { running: 3, down: 1, shortTitle: "All" }),
    entry("Ping", { isShown: true, running: 2 }),
    entry("MultiPing", { running: 1, down: 1 }),
    entry("Traceroute"),
    entry("MTR"),
  ];
}

function tab(title: string, more: Partial<TabEntry> = {}): TabEntry {
  return { title, mark: undefined, isShown: false, open: () => {}, ...more };
}

describe("drawNavigation()", () => {
  test("shows views, how many sessions run in them, or in how many of those something is down", () => {
    const grid = new Grid(17, 10, (canvas) =>
      drawNavigation(canvas, entries(), ["? help", "q quit"]),
    );
    expect(grid.text).toBe(
      [
        " icmpx          │",
        "                │",
        " 1 Summary   ▼1 │",
        " 2 Ping      ●2 │",
        " 3 MultiPing ▼1 │",
        " 4 Traceroute   │",
        " 5 MTR          │",
        "                │",
        " ? help         │",
        " q quit         │",
      ].join("\n"),
    );
    expect([grid.roleOf("▼1"), grid.roleOf("●2"), grid.roleOf("Ping")]).toEqual([
      "bad",
      "selected",
      "selected",
    ]);
  });

  test("leads there by a click", () => {
    const opened: string[] = [];
    const grid = new Grid(17, 10, (canvas) => drawNavigation(canvas, entries(opened), []));
    grid.clickOn("MultiPing");
    grid.clickOn("MTR");
    expect(opened).toEqual(["MultiPing", "MTR"]);
  });

  test("does without the keys at its foot where they would cover a view", () => {
    const grid = new Grid(17, 8, (canvas) =>
      drawNavigation(canvas, entries(), ["? help", "q quit"]),
    );
    expect(grid.text).not.toContain("help");
    expect(grid.text).toContain("5 MTR");
  });
});

describe("drawNavigationRow()", () => {
  test("is in full where there is room, and shortened where not", () => {
    const wide = new Grid(76, 1, (canvas) => drawNavigationRow(canvas, entries()));
    expect(wide.text).toBe(" 1 Summary▼  2 Ping●  3 MultiPing▼  4 Traceroute  5 MTR");
    const narrow = new Grid(40, 1, (canvas) => drawNavigationRow(canvas, entries()));
    expect(narrow.text).toBe(" All▼  Ping●  Multi▼  Trace  MTR");
  });

  test("leads there by a click", () => {
    const opened: string[] = [];
    new Grid(40, 1, (canvas) => drawNavigationRow(canvas, entries(opened))).clickOn("Trace");
    expect(opened).toEqual(["Traceroute"]);
  });
});

describe("drawTabs()", () => {
  test("shows each session with its mark, and a way to add one", () => {
    const tabs = [
      tab("192.0.2.1", { mark: { text: "●", role: "good" } }),
      tab("a.very.long.name.of.a.host.example.org", {
        isShown: true,
        mark: { text: "✗", role: "bad" },
      }),
      tab("new"),
    ];
    const grid = new Grid(80, 1, (canvas) => drawTabs(canvas, tabs, () => {}));
    expect(grid.text).toBe(" 1 192.0.2.1 ●  2 a.very.long.name.of.a.h… ✗  3 new  + new");
    expect(grid.roleOf("●")).toBe("good");
  });

  test("shows those around the one that is looked at where there is no room for all", () => {
    const tabs = Array.from({ length: 12 }, (_, index) =>
      tab(`192.0.2.${index + 1}`, { isShown: index === 6 }),
    );
    const grid = new Grid(48, 1, (canvas) => drawTabs(canvas, tabs, () => {}));
    expect(grid.text).toBe("‹ 5 192.0.2.5  6 192.0.2.6  7 192.0.2.7 › + new");
  });

  test("answers clicks", () => {
    const done: string[] = [];
    const tabs = [
      tab("one", { open: () => done.push("one") }),
      tab("two", { open: () => done.push("two") }),
    ];
    const grid = new Grid(40, 1, (canvas) => drawTabs(canvas, tabs, () => done.push("add")));
    grid.clickOn("two");
    grid.clickOn("+ new");
    expect(done).toEqual(["two", "add"]);
  });
});

describe("drawForm()", () => {
  const look = (width: number, more: Partial<FormLook> = {}): FormLook => ({
    layout: layoutForm(FIELDS, width),
    values: { target: "192.0.2.1", interval: "1", ttl: "64" },
    problems: new Map(),
    isOpen: true,
    edit: () => {},
    ...more,
  });

  test("shows labels, texts and units, and in an empty field what belongs there", () => {
    const grid = new Grid(60, 2, (canvas) => drawForm(canvas, look(60)));
    expect(grid.rows).toEqual(["Target 192.0.2.1                   Interval 1     s  TTL 64", ""]);
    expect(grid.roleOf("192.0.2.1")).toBe("input");
    const empty = new Grid(60, 2, (canvas) => drawForm(canvas, look(60, { values: {} })));
    expect(empty.rows[0]).toStartWith("Target host name or address ");
    expect(empty.roleOf("host name")).toBe("placeholder");
  });

  test("marks what is wrong, at its label", () => {
    const problems = new Map([["ttl", "TTL: need less"]]);
    const grid = new Grid(80, 1, (canvas) => drawForm(canvas, look(80, { problems })));
    expect([grid.roleOf("TTL"), grid.roleOf("Target")]).toEqual(["bad", "dim"]);
  });

  test("is a line to read where it is closed", () => {
    const pressed: (string | undefined)[] = [];
    const closed = look(50, { isOpen: false, edit: (name) => pressed.push(name) });
    const grid = new Grid(50, 1, (canvas) => drawForm(canvas, closed));
    expect(grid.text).toBe("192.0.2.1  interval 1s  ttl 64");
    grid.clickOn("interval");
    expect(pressed).toEqual([undefined]);
  });

  test("answers clicks on labels and inputs", () => {
    const done: (string | undefined)[] = [];
    const grid = new Grid(80, 1, (canvas) =>
      drawForm(canvas, look(80, { edit: (name) => done.push(name) })),
    );
    grid.clickOn("Interval");
    grid.clickOn("64");
    expect(done).toEqual(["interval", "ttl"]);
  });
});

test("drawButton() answers clicks", () => {
  let presses = 0;
  const press = (): void => {
    presses += 1;
  };
  const grid = new Grid(9, 1, (canvas) =>
    drawButton(canvas, { text: "Stop", isFocused: true, press }),
  );
  expect(grid.text).toBe(" [ Stop ]");
  expect(grid.roleOf("[ Stop ]")).toBe("selected");
  grid.clickOn("Stop");
  expect(presses).toBe(1);
});

describe("notices", () => {
  const notices = [
    { role: "good", lines: ["Copied the report"] },
    {
      role: "bad",
      lines: [
        "Ping: no permission. Either of these helps:",
        "  sudo setcap cap_net_raw+ep /usr/bin/bun",
      ],
    },
  ] as const;

  test("are told apart without colours, and broken between words", () => {
    expect(noticeLines(notices, 40).map(({ text }) => text)).toEqual([
      "✓ Copied the report",
      "✗ Ping: no permission. Either of these",
      "  helps:",
      "    sudo setcap cap_net_raw+ep",
      "    /usr/bin/bun",
    ]);
  });

  test("show the newest where there is no room for all, and go by a click", () => {
    const dismissed: string[] = [];
    const grid = new Grid(60, 2, (canvas) =>
      drawNotices(canvas, notices, () => dismissed.push("all")),
    );
    expect(grid.rows[1]).toContain("sudo setcap cap_net_raw+ep /usr/bin/bun");
    grid.clickOn("sudo");
    expect(dismissed).toEqual(["all"]);
  });

  test("draw nothing without any", () => {
    expect(new Grid(60, 1, (canvas) => drawNotices(canvas, [], () => {})).text).toBe("");
  });
});

test("drawHints() shows whole keys only", () => {
  const bindings = [
    { keys: ["p"], label: "p", summary: "pause", run: () => {} },
    { keys: ["r"], label: "r", summary: "reset the figures", run: () => {} },
  ];
  expect(new Grid(40, 1, (canvas) => drawHints(canvas, bindings)).text).toBe(
    " p pause  r reset the figures",
  );
  expect(new Grid(20, 1, (canvas) => drawHints(canvas, bindings)).text).toBe(" p pause");
});

test("drawParagraphs() wraps, and keeps the indent of commands", () => {
  const grid = new Grid(34, 8, (canvas) =>
    drawParagraphs(canvas, [
      ["bad", "No ICMP socket may be opened here."],
      ["text", "  sudo sysctl -w x=1"],
    ]),
  );
  expect(grid.rows.slice(1, 4)).toEqual([
    "  No ICMP socket may be opened",
    "  here.",
    "    sudo sysctl -w x=1",
  ]);
});
