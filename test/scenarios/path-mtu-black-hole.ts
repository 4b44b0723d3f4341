import { node, type Scenario } from "../lab/scenario.ts";

/** A link in the middle carries packets of 1300 bytes, and nobody says so. */
export const pathMtuBlackHole: Scenario = {
  name: "path-mtu-black-hole",
  about: "Packets that are too big vanish without a word.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1, tooBig: false }),
    r3: node(3, { delay: 1, mtu: 1300 }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { size: 1400, dontFragment: true, count: 3, interval: 3, timeout: 200 },
      expect: { received: 0, lost: 3, errors: 0 },
    },
    {
      method: "ping",
      target: "target",
      options: { size: 1200, dontFragment: true, count: 3, interval: 3, timeout: 200 },
      expect: { received: 3, lost: 0, errors: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { size: 1400, dontFragment: true, gapLimit: 2, timeout: 200 },
      expect: { hops: ["r1", "r2", null, null], reached: false, stopReason: "gapLimit" },
    },
  ],
};
