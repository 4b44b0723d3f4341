import { node, type Scenario } from "../lab/scenario.ts";

/** A router sends only some of its ICMP errors, and forwards everything. */
export const lossOfErrors: Scenario = {
  name: "loss-of-errors",
  about: "Loss that one router shows and the path does not have.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, {
      delay: 1,
      effects: [{ on: "own", pick: { random: 0.6 }, action: { kind: "drop" } }],
    }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 4, timeout: 200 },
      expect: { sent: 20, received: 20, lost: 0 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 10, interval: 8, timeout: 200 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: "r2", lost: 3 },
          { from: "target", lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
