import { node, type Scenario } from "../lab/scenario.ts";

/** A router forwards at once, but takes its time to write ICMP errors. */
export const slowErrors: Scenario = {
  name: "slow-errors",
  about: "A hop that looks slower than those beyond it is not on a slow path.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1, effects: [{ on: "own", action: { kind: "hold", ms: 25 } }] }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 4, interval: 15 },
      expect: {
        hops: [
          { from: "r1", sent: 4, lost: 0 },
          { from: "r2", sent: 4, lost: 0, late: 0 },
          { from: "target", sent: 4, lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
