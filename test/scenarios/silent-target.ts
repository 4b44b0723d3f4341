import { node, type Scenario } from "../lab/scenario.ts";

/** Routers answer, the target does not. */
export const silentTarget: Scenario = {
  name: "silent-target",
  about: "A trace to a target that never answers ends after the gap limit.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1 }),
    target: node(100, { silent: true }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 4, interval: 5, timeout: 200 },
      expect: { sent: 4, received: 0, lost: 4, errors: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { gapLimit: 3, timeout: 200 },
      expect: { hops: ["r1", "r2", null, null, null], reached: false, stopReason: "gapLimit" },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 2, interval: 20, gapLimit: 2, timeout: 200 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: "r2", lost: 0 },
          { from: null, lost: 2 },
          { from: null, lost: 2 },
        ],
        reached: false,
      },
    },
  ],
};
