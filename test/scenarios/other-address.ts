import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** A router answers from another of its addresses. */
export const otherAddress: Scenario = {
  name: "other-address",
  about: "Errors may come from any address, replies keep the target's.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1, answersFrom: addressPair(202) }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "probe",
      target: "target",
      options: { ttl: 2 },
      expect: { error: "time_exceeded(code=0)", from: "r2" },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "target"], reached: true, stopReason: "target" },
    },
  ],
};
