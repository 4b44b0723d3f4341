import { node, type Scenario } from "../lab/scenario.ts";

/** Packets get lost at random before the target. */
export const lossThere: Scenario = {
  name: "loss-there",
  about: "Random loss on the way there is counted exactly.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1 }),
    target: node(100, {
      delay: 1,
      effects: [{ on: "there", pick: { random: 0.3 }, action: { kind: "drop" } }],
    }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 4, timeout: 200 },
      expect: { sent: 20, received: 17, lost: 3 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 10, interval: 8, timeout: 200 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: "r2", lost: 0 },
          { from: "target", sent: 10, lost: 3 },
        ],
        reached: true,
      },
    },
  ],
};
