import { node, type Scenario } from "../lab/scenario.ts";

/**
 * Routers report MPLS label stacks (RFC 4950) in the form of old routers, at offset 128 with a
 * length of 0.
 */
export const mplsLegacy: Scenario = {
  name: "mpls-legacy",
  about: "The labels of two routers are found in the legacy form.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, {
      delay: 1,
      extensions: {
        form: "legacy",
        objects: [
          {
            kind: "mpls",
            labels: [
              { label: 24_001, trafficClass: 3, bottomOfStack: false, ttl: 1 },
              { label: 1_048_575, trafficClass: 7, bottomOfStack: true, ttl: 255 },
            ],
          },
        ],
      },
    }),
    r3: node(3, {
      delay: 1,
      extensions: {
        form: "legacy",
        objects: [
          { kind: "mpls", labels: [{ label: 16, trafficClass: 0, bottomOfStack: true, ttl: 1 }] },
        ],
      },
    }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "r3", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "traceroute",
      target: "target",
      options: { size: 500 },
      expect: { hops: ["r1", "r2", "r3", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "traceroute",
      target: "target",
      options: { size: 1400 },
      expect: { hops: ["r1", "r2", "r3", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "traceroute",
      target: "target",
      options: { size: 0 },
      expect: { hops: ["r1", "r2", "r3", "target"], reached: true, stopReason: "target" },
    },
  ],
};
