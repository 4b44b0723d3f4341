import { node, type Scenario } from "../lab/scenario.ts";

/** Four routers and a target, each link of another delay. */
export const plainChain: Scenario = {
  name: "plain-chain",
  about: "Every router answers, nothing gets lost.",
  nodes: {
    r1: node(1, { delay: 0.5 }),
    r2: node(2, { delay: 1 }),
    r3: node(3, { delay: 2 }),
    r4: node(4, { delay: { there: 0.2, back: 3 }, initialTtl: 255 }),
    target: node(100, { delay: 1, initialTtl: 128 }),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3", "r4"] }],
  runs: [
    { method: "probe", target: "target", expect: { error: null, from: "target" } },
    {
      method: "probe",
      target: "target",
      options: { ttl: 2 },
      expect: { error: "time_exceeded(code=0)", from: "r2" },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 3 },
      expect: { sent: 5, received: 5, lost: 0, duplicates: 0, late: 0, corrupt: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "r3", "r4", "target"], reached: true, stopReason: "target" },
    },
    {
      method: "mtr",
      target: "target",
      options: { count: 3, interval: 20 },
      expect: {
        hops: ["r1", "r2", "r3", "r4", "target"].map((from) => ({
          from,
          sent: 3,
          received: 3,
          lost: 0,
        })),
        reached: true,
      },
    },
  ],
};
