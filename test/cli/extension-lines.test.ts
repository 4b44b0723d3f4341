import { expect, test } from "bun:test";
import { extensionLines } from "../../src/cli/extension-lines.ts";
import type { ExtensionObject } from "../../src/packet/index.ts";

test("extensionLines() counts what it leaves out of a long list", () => {
  const labels = [{ label: 16, trafficClass: 0, bottomOfStack: true, ttl: 1 }];
  const objects: ExtensionObject[] = Array(32).fill({
    kind: "mpls",
    classNumber: 1,
    cType: 1,
    labels,
  });
  const lines = extensionLines(objects);
  expect(lines).toHaveLength(16);
  expect(lines.slice(-2)).toEqual(["[MPLS: Lbl 16 TC 0 S 1 TTL 1]", "[17 more]"]);
  expect(extensionLines(objects.slice(0, 16)).at(-1)).toBe("[MPLS: Lbl 16 TC 0 S 1 TTL 1]");
});
