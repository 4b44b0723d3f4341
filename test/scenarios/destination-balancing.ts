import { node, type Scenario } from "../lab/scenario.ts";

/** A load balancer chooses the branch by the destination. */
export const destinationBalancing: Scenario = {
  name: "destination-balancing",
  about: "Traces to different targets take different paths, each its own every time.",
  nodes: {
    r1: node(1, { delay: 1 }),
    a: node(11, { delay: 1 }),
    b: node(12, { delay: 2 }),
    t1: node(101, { delay: 1 }),
    t2: node(102, { delay: 1 }),
    t3: node(103, { delay: 1 }),
    t4: node(104, { delay: 1 }),
  },
  routes: ["t1", "t2", "t3", "t4"].map((to) => ({
    to,
    via: ["r1", { balance: "destination", branches: [["a"], ["b"]] }],
  })),
  runs: [
    ...(["b", "a", "b", "b"] as const).map((branch, index) => ({
      method: "traceroute" as const,
      target: `t${index + 1}`,
      expect: { hops: ["r1", branch, `t${index + 1}`], reached: true, stopReason: "target" },
    })),
    {
      method: "multiping",
      target: ["t1", "t2", "t3", "t4"],
      options: { count: 3, interval: 10 },
      expect: {
        t1: { received: 3, lost: 0 },
        t2: { received: 3, lost: 0 },
        t3: { received: 3, lost: 0 },
        t4: { received: 3, lost: 0 },
      },
    },
  ],
};
