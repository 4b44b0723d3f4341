import { node, type Scenario } from "../lab/scenario.ts";

/** Some answers come more than once. */
export const duplicates: Scenario = {
  name: "duplicates",
  about: "Further copies of an answer are duplicates, and no replies of their own.",
  nodes: {
    r1: node(1, {
      delay: 1,
      effects: [
        { on: "own", pick: { numbers: [1] }, action: { kind: "duplicate", copies: 1, gap: 1 } },
      ],
    }),
    target: node(100, {
      delay: 1,
      effects: [
        { on: "back", pick: { numbers: [1, 3] }, action: { kind: "duplicate", copies: 2, gap: 2 } },
      ],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 20 },
      expect: { sent: 6, received: 6, lost: 0, duplicates: 4 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 3, interval: 40 },
      expect: {
        hops: [
          { from: "r1", sent: 3, received: 3, lost: 0, duplicates: 1 },
          { from: "target", sent: 3, received: 3, lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
