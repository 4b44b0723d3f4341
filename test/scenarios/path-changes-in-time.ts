import { node, type Scenario } from "../lab/scenario.ts";

/** A moment after the first packet the packets go another way, which takes longer. */
export const pathChangesInTime: Scenario = {
  name: "path-changes-in-time",
  about: "Pings go on over another path, at that path's times.",
  nodes: {
    r1: node(1, { delay: 1 }),
    near: node(2, { delay: 1 }),
    far: node(3, { delay: 12 }),
    target: node(100, { delay: 1 }),
  },
  routes: [
    { to: "target", via: ["r1", "near"] },
    { to: "target", via: ["r1", "far"], from: { ms: 60 } },
  ],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 7 },
      expect: { received: 20, lost: 0, reordered: 0 },
    },
  ],
};
