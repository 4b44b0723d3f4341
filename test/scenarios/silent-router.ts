import { node, type Scenario } from "../lab/scenario.ts";

/** The second of three routers never answers. */
export const silentRouter: Scenario = {
  name: "silent-router",
  about: "A silent router is a hop without an address, and no loss.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1, silent: true }),
    r3: node(3, { delay: 1 }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3"] }],
  runs: [
    {
      method: "probe",
      target: "target",
      options: { ttl: 2, timeout: 150 },
      expect: { error: "timeout" },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", null, "r3", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 3, interval: 20 },
      expect: {
        hops: [
          { from: "r1", sent: 3, lost: 0 },
          { from: null, sent: 3, received: 0, lost: 3 },
          { from: "r3", sent: 3, lost: 0 },
          { from: "target", sent: 3, lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
