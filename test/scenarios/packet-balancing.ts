import { node, type Scenario } from "../lab/scenario.ts";

/** A load balancer sends packets over three branches in turn. */
export const packetBalancing: Scenario = {
  name: "packet-balancing",
  about: "Every responder of a hop is kept, with its own times.",
  nodes: {
    r1: node(1, { delay: 1 }),
    a: node(11, { delay: 1 }),
    b: node(12, { delay: 3 }),
    c: node(13, { delay: 6 }),
    r3: node(3, { delay: 1 }),
    target: node(100, { delay: 1 }),
  },
  routes: [
    { to: "target", via: ["r1", { balance: "packet", branches: [["a"], ["b"], ["c"]] }, "r3"] },
  ],
  runs: [
    {
      method: "traceroute",
      target: "target",
      expect: {
        hops: ["r1", ["a", "b", "c"], "r3", "target"],
        reached: true,
        stopReason: "target",
      },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 6, interval: 20 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: ["a", "b", "c"], sent: 6, lost: 0 },
          { from: "r3", lost: 0 },
          { from: "target", lost: 0 },
        ],
        reached: true,
      },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 9, interval: 10 },
      expect: { received: 9, lost: 0 },
    },
  ],
};
