import { node, type Scenario } from "../lab/scenario.ts";

/** Requests are doubled on their way, and each copy is answered. */
export const duplicatedRequests: Scenario = {
  name: "duplicated-requests",
  about: "A target that gets a request twice answers twice.",
  nodes: {
    r1: node(1, { delay: 1 }),
    target: node(100, {
      delay: 1,
      effects: [
        {
          on: "there",
          pick: { numbers: [2, 3] },
          action: { kind: "duplicate", copies: 1, gap: 3 },
        },
      ],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 20 },
      expect: { sent: 6, received: 6, lost: 0, duplicates: 2 },
    },
  ],
};
