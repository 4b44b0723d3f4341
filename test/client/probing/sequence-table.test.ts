import { expect, test } from "bun:test";
import { SequenceTable } from "../../../src/client/probing/sequence-table.ts";

test("holds an item for each number, whatever the order they come in", () => {
  const table = new SequenceTable<string>();
  const numbers = [0, 65_535, 255, 256, 1000];
  expect(numbers.map((number) => table.get(number))).toEqual(numbers.map(() => undefined));
  for (const number of numbers) table.set(number, `item ${number}`);
  expect(numbers.map((number) => table.get(number))).toEqual(
    numbers.map((number) => `item ${number}`),
  );
  expect([1, 254, 257, 999, 65_534].map((number) => table.get(number))).toEqual(
    [1, 2, 3, 4, 5].map(() => undefined),
  );
});

test("deletes the item that is meant, and no other in its place", () => {
  const table = new SequenceTable<string>();
  table.set(7, "former");
  table.set(7, "latter");
  table.delete(7, "former");
  expect(table.get(7)).toBe("latter");
  table.delete(7, "latter");
  expect(table.get(7)).toBeUndefined();
  table.delete(9999, "none");
  table.set(7, "again");
  table.clear();
  expect(table.get(7)).toBeUndefined();
});
