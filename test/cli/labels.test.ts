import { expect, setDefaultTimeout, test } from "bun:test";
import { openLab, type SimulatedLab } from "../lab/open-lab.ts";
import { requiresSimulator } from "../lab/requires-simulator.ts";
import { mplsProper } from "../scenarios/mpls-proper.ts";
import { describeIf } from "../support/requires.ts";
import { ENTRY } from "./fake-environment.ts";

setDefaultTimeout(60_000);

const TARGET = "10.20.0.100";
const LABELS = [
  "  2.|-- 10.20.0.2",
  "       [MPLS label 24001 tc 3 ttl 1]",
  "       [MPLS label 1048575 tc 7 ttl 255 S]",
  "  3.|-- 10.20.0.3",
  "       [MPLS label 16 tc 0 ttl 1 S]",
  "  4.|-- 10.20.0.100",
];

describeIf(requiresSimulator(), "icmpx behind routers with MPLS labels", () => {
  for (const as of ["root", "nobody"] as const) {
    test(`mtr shows them below their router with -e only, as ${as}`, async () => {
      await using lab = await openLab(mplsProper);
      const shown = await output(lab, as, "mtr -rnec 1");
      expect(shown.slice(3).map((line) => line.replace(/ +\d+\.\d%.*/, ""))).toEqual(LABELS);
      expect((await output(lab, as, "mtr -rnc 1")).join("\n")).not.toContain("MPLS");
    });
  }
});

async function output(lab: SimulatedLab, as: "root" | "nobody", line: string): Promise<string[]> {
  const child = lab.spawn([process.execPath, ENTRY, ...line.split(" "), TARGET], { as });
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  expect(code).toBe(0);
  return text.trimEnd().split("\n");
}
