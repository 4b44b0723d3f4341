import { node, type Scenario } from "../lab/scenario.ts";

/** A router quotes 8 bytes, pads them to 128, and adds a label. */
export const shortQuoteWithLabels: Scenario = {
  name: "short-quote-with-labels",
  about: "Padding between a short quote and the extensions is not taken for a forged cookie.",
  nodes: {
    r1: node(1, {
      delay: 1,
      quote: 8,
      extensions: {
        form: "proper",
        objects: [
          { kind: "mpls", labels: [{ label: 77, trafficClass: 0, bottomOfStack: true, ttl: 1 }] },
        ],
      },
    }),
    r2: node(2, {
      delay: 1,
      quote: 14,
      extensions: {
        form: "legacy",
        objects: [
          { kind: "mpls", labels: [{ label: 78, trafficClass: 0, bottomOfStack: true, ttl: 1 }] },
        ],
      },
    }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "target"], reached: true, stopReason: "target" },
    },
  ],
};
