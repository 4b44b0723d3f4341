import { describe, expect, test } from "bun:test";
import { type KeyPress, keyName } from "../../tui/src/program/keys.ts";

describe("keyName()", () => {
  const names: readonly (readonly [Partial<KeyPress> & { name: string }, string])[] = [
    [{ name: "j" }, "j"],
    [{ name: "g", shift: true }, "G"],
    [{ name: "d", ctrl: true }, "ctrl-d"],
    [{ name: "tab", shift: true }, "shift-tab"],
    [{ name: "return" }, "enter"],
    [{ name: "linefeed" }, "enter"],
    [{ name: "?" }, "?"],
    [{ name: "?", shift: true }, "?"],
    [{ name: "f1" }, "f1"],
    [{ name: "x", meta: true }, "alt-x"],
    [{ name: "d", ctrl: true, shift: true }, "ctrl-d"],
  ];
  for (const [press, expected] of names) {
    test(`calls ${JSON.stringify(press)} ${expected}`, () => {
      expect(keyName({ ctrl: false, meta: false, shift: false, ...press })).toBe(expected);
    });
  }
});
