import { node, type Scenario } from "../lab/scenario.ts";

/** A plain path, and probes with hardly any data or as much as fits. */
export const payloadSizes: Scenario = {
  name: "payload-sizes",
  about: "Replies are recognised with and without room for a cookie.",
  nodes: { r1: node(1, { delay: 1 }), target: node(100, { delay: 1 }) },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [0, 1, 2, 13, 14, 15, 1400].map((size) => ({
    method: "ping",
    target: "target",
    options: { size, count: 3, interval: 3 },
    expect: { sent: 3, received: 3, lost: 0, corrupt: 0 },
  })),
};
