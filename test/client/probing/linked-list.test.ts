import { expect, test } from "bun:test";
import { LinkedList, type Listed } from "../../../src/client/probing/linked-list.ts";

class Entry implements Listed<Entry> {
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function listOf(names: string): { list: LinkedList<Entry>; entries: Map<string, Entry> } {
  const list = new LinkedList<Entry>();
  const entries = new Map(Array.from(names, (name) => [name, new Entry(name)]));
  for (const entry of entries.values()) list.add(entry);
  return { list, entries };
}

function namesIn(list: LinkedList<Entry>): string {
  return Array.from(list, ({ name }) => name).join("");
}

test("keeps the order in which items were added, whichever are taken out", () => {
  const cases: readonly [out: string, left: string][] = [
    ["", "abcd"],
    ["a", "bcd"],
    ["d", "abc"],
    ["bc", "ad"],
    ["cba", "d"],
    ["abcd", ""],
  ];
  for (const [out, left] of cases) {
    const { list, entries } = listOf("abcd");
    for (const name of out) list.delete(entries.get(name) as Entry);
    expect(namesIn(list)).toBe(left);
    list.add(new Entry("e"));
    expect(namesIn(list)).toBe(`${left}e`);
  }
});

test("an item that was taken out holds no other, and may be added again", () => {
  const { list, entries } = listOf("abc");
  const entry = entries.get("b") as Entry;
  list.delete(entry);
  expect([entry.previous, entry.next]).toEqual([undefined, undefined]);
  list.add(entry);
  expect(namesIn(list)).toBe("acb");
});

test("items may be taken out while it is iterated", () => {
  const { list } = listOf("abcd");
  for (const entry of list) list.delete(entry);
  expect(namesIn(list)).toBe("");
});
