import { node, type Scenario } from "../lab/scenario.ts";

/** Answers get lost at random before they reach the first router. */
export const lossBack: Scenario = {
  name: "loss-back",
  about: "Random loss on the way back hits all hops beyond.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, {
      delay: 1,
      effects: [{ on: "back", pick: { random: 0.4 }, action: { kind: "drop" } }],
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
          { from: "r2", lost: 3 },
          { from: "target", lost: 3 },
        ],
        reached: true,
      },
    },
  ],
};
