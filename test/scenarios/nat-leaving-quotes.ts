import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** A NAT restores nothing in quotes: nobody can tell whose probes they are. */
export const natLeavingQuotes: Scenario = {
  name: "nat-leaving-quotes",
  about: "Errors from behind a careless NAT are lost, the replies are not.",
  nodes: {
    r1: node(1, { delay: 1 }),
    nat: node(2, {
      delay: 1,
      nat: { source: addressPair(200), identifier: 1, restores: "nothing" },
    }),
    r3: node(3, { delay: 1 }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "nat", "r3"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      options: { timeout: 200 },
      expect: { hops: ["r1", "nat", null, "target"], reached: true, stopReason: "target" },
    },
  ],
};
