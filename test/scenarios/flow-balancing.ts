import { node, type Scenario } from "../lab/scenario.ts";

/** Two load balancers hash the flow: addresses, ICMP checksum and identifier. */
export const flowBalancing: Scenario = {
  name: "flow-balancing",
  about: "All probes of a trace take one path, since their checksum is the same.",
  nodes: {
    r1: node(1, { delay: 1 }),
    a1: node(11, { delay: 1 }),
    a2: node(12, { delay: 1 }),
    b1: node(21, { delay: 2 }),
    b2: node(22, { delay: 1 }),
    c1: node(31, { delay: 3 }),
    c2: node(32, { delay: 1 }),
    r4: node(4, { delay: 1 }),
    d1: node(41, { delay: 1 }),
    e1: node(51, { delay: 1 }),
    target: node(100, { delay: 1 }),
  },
  routes: [
    {
      to: "target",
      via: [
        "r1",
        {
          balance: "flow",
          branches: [
            ["a1", "a2"],
            ["b1", "b2"],
            ["c1", "c2"],
          ],
        },
        "r4",
        { balance: "flow", branches: [["d1"], ["e1"]] },
      ],
    },
  ],
  runs: [
    {
      method: "traceroute",
      target: "target",
      options: { probes: 5 },
      expect: {
        hops: [
          "r1",
          { oneOf: ["a1", "b1", "c1"] },
          { oneOf: ["a2", "b2", "c2"] },
          "r4",
          { oneOf: ["d1", "e1"] },
          "target",
        ],
        reached: true,
        stopReason: "target",
      },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 4, interval: 15 },
      expect: {
        hops: [
          { from: "r1", lost: 0 },
          { from: { oneOf: ["a1", "b1", "c1"] }, lost: 0 },
          { from: { oneOf: ["a2", "b2", "c2"] }, lost: 0 },
          { from: "r4", lost: 0 },
          { from: { oneOf: ["d1", "e1"] }, lost: 0 },
          { from: "target", lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
