import { node, type Scenario } from "../lab/scenario.ts";

/** A router on the way refuses to forward to the target. */
export const prohibited: Scenario = {
  name: "prohibited",
  about: "An unreachable ends a trace without reaching the target, and counts as loss of a ping.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1, refuses: { 4: { type: 3, code: 13 }, 6: { type: 1, code: 1 } } }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 3, interval: 5 },
      expect: { sent: 3, received: 0, lost: 3, errors: 3 },
    },
    {
      // At TTL 2 the router says that the TTL ran out, at TTL 3 that it may not forward.
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "r2"], reached: false, stopReason: "unreachable" },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 3, interval: 15 },
      expect: {
        hops: [
          { from: "r1", sent: 3, lost: 0 },
          { from: "r2", sent: 3, lost: 0 },
          { from: "r2", sent: 3, lost: 0 },
        ],
        reached: false,
      },
    },
  ],
};
