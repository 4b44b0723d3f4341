import { node, type Scenario } from "../lab/scenario.ts";

/** The first router forwards, and advises to use another one. */
export const redirects: Scenario = {
  name: "redirects",
  about: "A redirect is advice: it decides no probe.",
  nodes: {
    r1: node(1, { delay: 1, redirects: { 4: "10.20.0.9", 6: "fe80::9" } }),
    r2: node(2, { delay: 1 }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 5 },
      expect: { sent: 5, received: 5, lost: 0, errors: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "target"], reached: true, stopReason: "target" },
    },
  ],
};
