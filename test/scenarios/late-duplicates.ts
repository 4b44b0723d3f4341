import { node, type Scenario } from "../lab/scenario.ts";

/** Answers come twice, and both times too late. */
export const lateDuplicates: Scenario = {
  name: "late-duplicates",
  about: "The first late answer is late, the next are duplicates.",
  nodes: {
    target: node(100, {
      delay: 1,
      effects: [
        { on: "own", pick: { numbers: [1] }, action: { kind: "hold", ms: 200 } },
        { on: "own", pick: { numbers: [1] }, action: { kind: "duplicate", copies: 1, gap: 10 } },
      ],
    }),
  },
  routes: [{ to: "target", via: [] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 80, timeout: 100 },
      expect: { sent: 5, received: 4, lost: 1, late: 1, duplicates: 1 },
    },
  ],
};
