import { node, type Scenario } from "../lab/scenario.ts";

/** A load balancer sends packets in turn over branches of different lengths. */
export const unequalBranches: Scenario = {
  name: "unequal-branches",
  about: "A hop may be the target for one packet and a router for the next.",
  nodes: {
    r1: node(1, { delay: 1 }),
    a: node(11, { delay: 1 }),
    b1: node(21, { delay: 1 }),
    b2: node(22, { delay: 1 }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", { balance: "packet", branches: [["a"], ["b1", "b2"]] }] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      options: { probes: 4 },
      expect: { hops: ["r1", ["a", "b1"], ["target", "b2"]], reached: true, stopReason: "target" },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 8 },
      expect: { received: 6, lost: 0 },
    },
  ],
};
