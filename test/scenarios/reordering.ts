import { node, type Scenario } from "../lab/scenario.ts";

/** Some replies are held back until later ones have passed. */
export const reordering: Scenario = {
  name: "reordering",
  about: "A reply that a later one overtook is marked, and counts as received.",
  nodes: {
    r1: node(1, { delay: 1 }),
    target: node(100, {
      delay: 1,
      effects: [{ on: "own", pick: { every: 3, from: 2 }, action: { kind: "hold", ms: 45 } }],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      // Of 2, 5, 8 and 11, each is overtaken by the next one or two.
      method: "ping",
      target: "target",
      options: { count: 12, interval: 20 },
      expect: { received: 12, lost: 0, reordered: 4, duplicates: 0, late: 0 },
    },
  ],
};
