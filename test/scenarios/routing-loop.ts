import { node, type Scenario } from "../lab/scenario.ts";

/** Two routers send the packets to each other. */
export const routingLoop: Scenario = {
  name: "routing-loop",
  about: "A trace through a loop goes on to its last hop.",
  nodes: {
    r1: node(1, { delay: 1 }),
    a: node(2, { delay: 1 }),
    b: node(3, { delay: 1 }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", ...Array.from({ length: 40 }, () => ["a", "b"]).flat()] }],
  runs: [
    {
      method: "probe",
      target: "target",
      options: { ttl: 64 },
      expect: { error: "time_exceeded(code=0)", from: "a" },
    },
    {
      method: "traceroute",
      target: "target",
      options: { maxHops: 9, probes: 2 },
      expect: {
        hops: ["r1", "a", "b", "a", "b", "a", "b", "a", "b"],
        reached: false,
        stopReason: "maxHops",
      },
    },
  ],
};
