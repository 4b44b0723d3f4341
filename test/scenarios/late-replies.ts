import { node, type Scenario } from "../lab/scenario.ts";

/** Some answers take longer than the timeout. */
export const lateReplies: Scenario = {
  name: "late-replies",
  about: "A reply after the timeout is late: its probe stays lost, and it answers no other.",
  nodes: {
    r1: node(1, {
      delay: 1,
      effects: [{ on: "own", pick: { numbers: [1] }, action: { kind: "hold", ms: 200 } }],
    }),
    target: node(100, {
      delay: 1,
      effects: [{ on: "own", pick: { numbers: [1, 2] }, action: { kind: "hold", ms: 240 } }],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 80, timeout: 120 },
      expect: { sent: 6, received: 4, lost: 2, late: 2, duplicates: 0 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 5, interval: 100, timeout: 120 },
      expect: {
        hops: [
          { from: "r1", sent: 5, received: 4, lost: 1, late: 1 },
          { from: "target", sent: 5, received: 3, lost: 2, late: 2 },
        ],
        reached: true,
      },
    },
  ],
};
