import { node, type Scenario } from "../lab/scenario.ts";

/** Every fourth packet gets lost. */
export const periodicLoss: Scenario = {
  name: "periodic-loss",
  about: "Periodic loss is counted exactly.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, {
      delay: 1,
      effects: [{ on: "there", pick: { every: 4 }, action: { kind: "drop" } }],
    }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 4, timeout: 200 },
      expect: { sent: 20, received: 15, lost: 5 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 10, interval: 8, timeout: 200 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: "r2", sent: 10, lost: 2 },
          { from: "target", sent: 10, lost: 2 },
        ],
        reached: true,
      },
    },
    {
      method: "traceroute",
      target: "target",
      options: { probes: 5, timeout: 200 },
      expect: {
        hops: ["r1", { from: "r2", lost: 1 }, { from: "target", lost: 1 }],
        reached: true,
        stopReason: "target",
      },
    },
  ],
};
