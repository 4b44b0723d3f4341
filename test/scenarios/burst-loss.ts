import { node, type Scenario } from "../lab/scenario.ts";

/** Packets get lost in bursts. */
export const burstLoss: Scenario = {
  name: "burst-loss",
  about: "Loss in bursts (Gilbert's model) is counted exactly.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, {
      delay: 1,
      effects: [
        { on: "there", pick: { bursts: { enter: 0.3, leave: 0.4 } }, action: { kind: "drop" } },
      ],
    }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 4, timeout: 200 },
      expect: { sent: 20, received: 11, lost: 9 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 10, interval: 8, timeout: 200 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: "r2", lost: 5 },
          { from: "target", lost: 2 },
        ],
        reached: true,
      },
    },
  ],
};
