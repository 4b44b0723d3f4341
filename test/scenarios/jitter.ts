import { node, type Scenario } from "../lab/scenario.ts";

/** Each link has a random delay of another distribution. */
export const jitter: Scenario = {
  name: "jitter",
  about: "Random delays are told from the delay of the path, and reordering from both.",
  seed: 7,
  nodes: {
    r1: node(1, { delay: 1, jitter: { uniform: 4 } }),
    r2: node(2, { delay: 2, jitter: { normal: 2 } }),
    target: node(100, { delay: 3, jitter: { exponential: 2 } }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 20, interval: 5 },
      expect: { received: 20, lost: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { probes: 5 },
      expect: { hops: ["r1", "r2", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 6, interval: 10 },
      expect: {
        hops: ["r1", "r2", "target"].map((from) => ({ from, sent: 6, lost: 0 })),
        reached: true,
      },
    },
  ],
};
