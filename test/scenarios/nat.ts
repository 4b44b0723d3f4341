import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** A router translates addresses and identifiers, and puts right what errors quote. */
export const nat: Scenario = {
  name: "nat",
  about: "Behind a careful NAT everything is as without.",
  nodes: {
    r1: node(1, { delay: 1 }),
    nat: node(2, {
      delay: 1,
      nat: { source: addressPair(200), identifier: 4711, restores: "all" },
    }),
    r3: node(3, { delay: 1 }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "nat", "r3"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 3, interval: 3 },
      expect: { received: 3, lost: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "nat", "r3", "target"], reached: true, stopReason: "target" },
    },
  ],
};
