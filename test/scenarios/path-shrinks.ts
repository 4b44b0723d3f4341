import { node, type Scenario } from "../lab/scenario.ts";

/** After some packets the path has two routers fewer. */
export const pathShrinks: Scenario = {
  name: "path-shrinks",
  about: "mtr forgets the hops beyond a target that has come nearer.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1 }),
    r3: node(3, { delay: 1 }),
    target: node(100, { delay: 1 }),
  },
  routes: [
    { to: "target", via: ["r1", "r2", "r3"] },
    { to: "target", via: ["r1"], from: { packet: 41 } },
  ],
  runs: [
    {
      method: "mtr",
      target: "target",
      options: { count: 15, interval: 15 },
      expect: {
        hops: [
          { from: "r1", sent: 15, lost: 0 },
          { from: ["r2", "target"], sent: 15, lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
