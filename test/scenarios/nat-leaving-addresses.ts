import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** A NAT restores the identifier in quotes, but not the source address. */
export const natLeavingAddresses: Scenario = {
  name: "nat-leaving-addresses",
  about: "Whose probe an error quotes is not judged by the quoted source address.",
  nodes: {
    r1: node(1, { delay: 1 }),
    nat: node(2, {
      delay: 1,
      nat: { source: addressPair(200), identifier: 99, restores: "identifier" },
    }),
    r3: node(3, { delay: 1 }),
    r4: node(4, { delay: 1, quote: 8 }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "nat", "r3", "r4"] }],
  runs: [
    {
      // The kernel looks for an ICMP datagram socket by the quoted identifier alone, too.
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "nat", "r3", "r4", "target"], reached: true, stopReason: "target" },
    },
  ],
};
