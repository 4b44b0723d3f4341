import { describe, expect, test } from "bun:test";
import { Notices } from "../../tui/src/screen/notices.ts";
import { FakeClock } from "../support/fake-clock.ts";

function bench() {
  const clock = new FakeClock();
  let changes = 0;
  const notices = new Notices({
    after: (ms, callback) => clock.schedule(ms * 1e6, callback),
    onChange: () => {
      changes += 1;
    },
  });
  return {
    clock,
    notices,
    changes: () => changes,
    texts: () => notices.shown.map(({ lines }) => lines[0]),
  };
}

describe("Notices", () => {
  test("go away by themselves, errors later than remarks", async () => {
    const { clock, notices, texts } = bench();
    notices.add("bad", "wrong\n  run this");
    notices.add("good", "saved");
    expect(notices.shown).toEqual([
      { role: "bad", lines: ["wrong", "  run this"] },
      { role: "good", lines: ["saved"] },
    ]);
    await clock.advance(4001);
    expect(texts()).toEqual(["wrong"]);
    await clock.advance(26_000);
    expect(texts()).toEqual([]);
  });

  test("show the same message once, as the newest", async () => {
    const { clock, notices, texts } = bench();
    notices.add("text", "one");
    notices.add("text", "two");
    await clock.advance(3000);
    notices.add("text", "one");
    expect(texts()).toEqual(["two", "one"]);
    await clock.advance(1001);
    expect(texts()).toEqual(["one"]);
  });

  test("forget the oldest of many", () => {
    const { notices, texts, clock } = bench();
    for (const text of ["1", "2", "3", "4"]) notices.add("bad", text);
    expect(texts()).toEqual(["2", "3", "4"]);
    expect(clock.pending).toBe(3);
  });

  test("can be taken away, with their timers", () => {
    const { notices, clock, changes } = bench();
    notices.add("warn", "careful");
    expect([notices.clear(), notices.clear()]).toEqual([true, false]);
    expect([notices.shown, clock.pending, changes()]).toEqual([[], 0, 2]);
  });
});
