import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** Somebody sends errors about packets to elsewhere, with our identifier and sequence numbers. */
export const forgedQuote: Scenario = {
  name: "forged-quote",
  about: "An error that quotes another destination ends no probe.",
  nodes: {
    r1: node(1, { delay: 2 }),
    target: node(100, {
      delay: 3,
      effects: [{ on: "own", action: { kind: "forge", what: "quote", from: addressPair(66) } }],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 10 },
      expect: { sent: 5, received: 5, lost: 0, errors: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "target"], reached: true, stopReason: "target" },
    },
  ],
};
