import { describe, expect, test } from "bun:test";
import { ListState } from "../../tui/src/draw/list-state.ts";

/** A list of so many rows in a window of so many, and its keys. */
function listOf(
  count: number,
  height: number,
): { list: ListState; press(...keys: string[]): number[] } {
  const list = new ListState();
  list.update(count, height);
  const bindings = list.bindings(() => list.update(count, height));
  return {
    list,
    press(...keys) {
      for (const key of keys) {
        const binding = bindings.find((each) => each.keys.includes(key));
        if (binding === undefined) throw new Error(`No binding for ${key}`);
        binding.run();
      }
      return [list.selected, list.top];
    },
  };
}

describe("ListState", () => {
  test("scrolls no more than the selection needs", () => {
    const { press } = listOf(100, 10);
    expect(press("down", "j")).toEqual([2, 0]);
    expect(press(...Array.from({ length: 9 }, () => "j"))).toEqual([11, 2]);
    expect(press("up", "k")).toEqual([9, 2]);
    expect(press(...Array.from({ length: 8 }, () => "k"))).toEqual([1, 1]);
  });

  test("moves by pages, half pages and to the ends, and no further", () => {
    const { press } = listOf(100, 10);
    expect(press("pagedown")).toEqual([9, 0]);
    expect(press("ctrl-d")).toEqual([14, 5]);
    expect(press("ctrl-u")).toEqual([9, 5]);
    expect(press("G")).toEqual([99, 90]);
    expect(press("down", "pagedown", "end")).toEqual([99, 90]);
    expect(press("pageup")).toEqual([90, 90]);
    expect(press("g", "up", "pageup", "home")).toEqual([0, 0]);
  });

  test("stays where the wheel put it until the selection is moved", () => {
    const { list, press } = listOf(100, 10);
    list.scroll(50);
    list.update(100, 10);
    expect([list.selected, list.top]).toEqual([0, 50]);
    list.scroll(1000);
    list.update(100, 10);
    expect(list.top).toBe(90);
    expect(press("j")).toEqual([1, 1]);
  });

  test("does not follow a row that sorting moves", () => {
    const { list, press } = listOf(100, 10);
    list.moved(40);
    list.update(100, 10);
    expect([list.selected, list.top]).toEqual([40, 0]);
    expect(press("j")).toEqual([41, 32]);
  });

  test("keeps to the rows there are when they become fewer, and none", () => {
    const { list } = listOf(100, 10);
    list.select(80);
    list.update(100, 10);
    list.update(20, 10);
    expect([list.selected, list.top]).toEqual([19, 10]);
    list.update(20, 50);
    expect([list.selected, list.top]).toEqual([19, 0]);
    list.update(0, 0);
    expect([list.selected, list.top]).toEqual([0, 0]);
    list.move(5);
    expect(list.selected).toBe(0);
  });
});
