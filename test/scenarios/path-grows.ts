import { node, type Scenario } from "../lab/scenario.ts";

/** After some packets the path has two routers more. */
export const pathGrows: Scenario = {
  name: "path-grows",
  about: "mtr follows a path that grows beyond the target's old place.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1 }),
    r3: node(3, { delay: 1 }),
    r4: node(4, { delay: 1 }),
    target: node(100, { delay: 1 }),
  },
  routes: [
    { to: "target", via: ["r1", "r2"] },
    { to: "target", via: ["r1", "r2", "r3", "r4"], from: { packet: 31 } },
  ],
  runs: [
    {
      method: "mtr",
      target: "target",
      options: { count: 12, interval: 15 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: "r2", lost: 0 },
          { from: ["target", "r3"], lost: 0 },
          { from: ["r4"], lost: 0 },
          { from: "target", lost: 0 },
        ],
        reached: true,
      },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 40, interval: 1 },
      expect: { received: 40, lost: 0 },
    },
  ],
};
