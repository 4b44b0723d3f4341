import { node, type Scenario } from "../lab/scenario.ts";

/**
 * A router and the target next to it answer after random times, so that errors and replies come
 * mixed.
 */
export const twoQueues: Scenario = {
  name: "two-queues",
  about: "Replies and errors have an order among them, though datagram sockets queue them apart.",
  nodes: {
    r1: node(1, { delay: 5, jitter: { uniform: 10 } }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      options: { probes: 100, concurrency: 200 },
      expect: { hops: ["r1", "target"], reached: true, stopReason: "target" },
    },
  ],
};
