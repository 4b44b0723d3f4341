import { describe, expect, test } from "bun:test";
import { formatExtensions } from "../../../src/client/format/extensions.ts";
import type { ExtensionObject } from "../../../src/packet/index.ts";

describe("formatExtensions()", () => {
  test("has a line for each label and each other object, with names escaped", () => {
    expect(
      formatExtensions([
        {
          kind: "mpls",
          classNumber: 1,
          cType: 1,
          labels: [
            { label: 24_001, trafficClass: 3, bottomOfStack: false, ttl: 1 },
            { label: 16, trafficClass: 0, bottomOfStack: true, ttl: 255 },
          ],
        },
        {
          kind: "interfaceInformation",
          classNumber: 2,
          cType: 0,
          role: "incoming",
          index: 3,
          name: "ge-0\x1b[2J",
          address: "192.0.2.1",
          mtu: 1500,
        },
        {
          kind: "interfaceInformation",
          classNumber: 2,
          cType: 192,
          role: "nextHop",
          address: "192.0.2.9",
        },
        { kind: "interfaceIdentification", classNumber: 3, cType: 2, by: "index", index: 7 },
        { kind: "raw", classNumber: 9, cType: 1, payload: new Uint8Array(4) },
      ]),
    ).toEqual([
      "MPLS label 24001 tc 3 ttl 1",
      "MPLS label 16 tc 0 ttl 255 S",
      'incoming interface "ge-0\\x1b[2J" index 3 192.0.2.1 mtu 1500',
      "next hop interface 192.0.2.9",
      "interface index 7",
      "extension class 9 type 1, 4 bytes",
    ]);
  });

  test("counts what it leaves out of a long list", () => {
    const labels = [{ label: 16, trafficClass: 0, bottomOfStack: true, ttl: 1 }];
    const objects: ExtensionObject[] = Array(32).fill({
      kind: "mpls",
      classNumber: 1,
      cType: 1,
      labels,
    });
    const lines = formatExtensions(objects);
    expect(lines).toHaveLength(16);
    expect(lines.slice(-2)).toEqual(["MPLS label 16 tc 0 ttl 1 S", "17 more"]);
    expect(formatExtensions(objects.slice(0, 16)).at(-1)).toBe("MPLS label 16 tc 0 ttl 1 S");
  });
});
