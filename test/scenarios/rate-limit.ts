import { node, type Scenario } from "../lab/scenario.ts";

/** A router sends three ICMP errors at once and then one every ten seconds. */
export const rateLimit: Scenario = {
  name: "rate-limit",
  about: "An ICMP rate limit shows loss at one hop, and none beyond.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1, rateLimit: { perSecond: 0.1, burst: 3 } }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 2 },
      expect: { sent: 20, received: 20, lost: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { probes: 7, timeout: 200 },
      expect: {
        hops: ["r1", { from: "r2", lost: 4 }, "target"],
        reached: true,
        stopReason: "target",
      },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 8, interval: 15, timeout: 200 },
      expect: {
        hops: [
          { from: "r1", sent: 8, lost: 0 },
          { from: "r2", sent: 8, received: 3, lost: 5 },
          { from: "target", sent: 8, lost: 0 },
        ],
        reached: true,
      },
    },
  ],
};
