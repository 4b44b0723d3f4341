import { node, type Scenario } from "../lab/scenario.ts";

/** Routers quote 8 bytes, 128 bytes or all there is room for after the IP header. */
export const shortQuotes: Scenario = {
  name: "short-quotes",
  about: "Quotes of any length identify their probe, and say whether they were cut.",
  nodes: {
    r1: node(1, { delay: 1, quote: 8 }),
    r2: node(2, { delay: 1, quote: 128 }),
    r3: node(3, { delay: 1 }),
    r4: node(4, { delay: 1, quote: 18 }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3", "r4"] }],
  runs: [0, 56, 120, 121, 1400].map((size) => ({
    method: "traceroute",
    target: "target",
    options: { size },
    expect: { hops: ["r1", "r2", "r3", "r4", "target"], reached: true, stopReason: "target" },
  })),
};
