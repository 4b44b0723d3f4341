import type { Family } from "../../src/packet/address.ts";
import { type Node, node, type RunOf, type Scenario } from "../lab/scenario.ts";

/** Codes of "destination unreachable" (RFC 792, RFC 1122, RFC 1812; RFC 4443, RFC 8883). */
const CODES: Readonly<Record<Family, number>> = { 4: 16, 6: 9 };

const nodes: Record<string, Node> = { r1: node(1, { delay: 1 }) };
const runs: RunOf<"probe">[] = [];
for (let code = 0; code < CODES[4]; code += 1) {
  nodes[`router${code}`] = node(10 + code, {
    delay: 1,
    refuses: { 4: { type: 3, code }, 6: { type: 1, code: code % CODES[6] } },
  });
  nodes[`target${code}`] = node(110 + code);
  for (const family of [4, 6] as const) {
    // Code 4 of ICMPv4 is about a size, and a scenario of its own.
    if (code >= CODES[family]) continue;
    const error = `dest_unreachable(code=${code})`;
    runs.push({
      ...{ method: "probe", target: `target${code}`, only: { family } },
      expect: { error, from: `router${code}` },
    });
  }
}

/** One target for every code, each behind a router that answers with it. */
export const unreachableCodes: Scenario = {
  name: "unreachable-codes",
  about: "Every code of unreachable is told as it came.",
  nodes,
  routes: Array.from({ length: CODES[4] }, (_, code) => ({
    to: `target${code}`,
    via: ["r1", `router${code}`],
  })),
  runs,
};
