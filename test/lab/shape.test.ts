import { expect, test } from "bun:test";
import { differencesOf, shapeOf } from "./shape.ts";

test("shapeOf() names every field and its type", () => {
  expect(
    shapeOf({ kind: "reply", a: { b: null, c: [{ d: 1 }, { e: 2 }] }, f: "x", g: [] }),
  ).toEqual({
    kind: "reply",
    "a.b": "null",
    "a.c": "array",
    "a.c[].d": "number",
    f: "string",
    g: "array",
  });
});

test("differencesOf() finds other types, missing fields and other kinds, and null as one difference", () => {
  const one = shapeOf({ kind: "reply", a: 1, b: { c: 1, d: 2 }, e: null, same: "x" });
  const other = shapeOf({ kind: "timeout", a: "1", b: null, f: null, same: "y" });
  expect(differencesOf(one, other)).toEqual(["a", "b", "e", "f", "kind"]);
  expect(differencesOf(one, one)).toEqual([]);
});
