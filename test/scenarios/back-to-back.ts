import { node, type Scenario } from "../lab/scenario.ts";

/** Two routers and a target that all lose every third packet or answer. */
export const backToBack: Scenario = {
  name: "back-to-back",
  about: "Without an interval each round, or probe, begins when the one before is decided.",
  nodes: {
    r1: node(1, {
      delay: 1,
      effects: [{ on: "own", pick: { every: 3 }, action: { kind: "drop" } }],
    }),
    r2: node(2, {
      delay: 1,
      effects: [{ on: "own", pick: { every: 3 }, action: { kind: "drop" } }],
    }),
    target: node(100, {
      delay: 1,
      effects: [{ on: "back", pick: { every: 3 }, action: { kind: "drop" } }],
    }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 0, timeout: 100 },
      expect: { sent: 6, received: 4, lost: 2 },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 10, timeout: 100, ttl: 2 },
      expect: { sent: 6, received: 0, lost: 6, errors: 4 },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 6, interval: 0, timeout: 100 },
      expect: {
        hops: ["r1", "r2", "target"].map((from) => ({ from, sent: 6, received: 4, lost: 2 })),
        reached: true,
      },
    },
  ],
};
