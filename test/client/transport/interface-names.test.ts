import { describe, expect, test } from "bun:test";
import { interfaceIndex } from "../../../src/client/transport/interface-names.ts";
import { fakePlatform } from "../../support/fake-platform.ts";

describe("interfaceIndex()", () => {
  test.each([
    ["eth0", 2],
    ["lo", 1],
    ["2", 2],
    ["7", 7],
    ["eth9", 0],
    ["", 0],
    ["-1", 0],
    ["1e3", 0],
    ["0x2", 0],
    ["12345678901", 0],
  ])("of %p is %d", (name, index) => {
    const { platform } = fakePlatform();
    expect(interfaceIndex(platform.libc, name)).toBe(index);
  });
});
