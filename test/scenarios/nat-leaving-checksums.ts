import { addressPair, type Node, node, type Scenario } from "../lab/scenario.ts";

const ROUTERS = Array.from({ length: 12 }, (_, index) => `r${index + 1}`);

/**
 * They quote no more than the ICMP header, in which the NAT has put the identifier right and not
 * the checksum.
 */
const routers: Record<string, Node> = Object.fromEntries(
  ROUTERS.map((name, index) => [name, node(index + 2, { delay: 2, quote: 8 })]),
);

/**
 * A NAT restores everything in quotes but the ICMP checksum: nothing proves that the routers behind
 * it saw our probes.
 */
export const natLeavingChecksums: Scenario = {
  name: "nat-leaving-checksums",
  about: "Errors with a checksum that a NAT has changed are unverified, and slow no trace.",
  nodes: {
    nat: node(1, {
      delay: 1,
      nat: { source: addressPair(200), identifier: 4711, restores: "all but the checksum" },
    }),
    ...routers,
    target: node(100, { delay: 2 }),
  },
  routes: [{ to: "target", via: ["nat", ...ROUTERS] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      options: { timeout: 500 },
      expect: { hops: ["nat", ...ROUTERS, "target"], reached: true, stopReason: "target" },
    },
    {
      method: "traceroute",
      target: "target",
      options: { timeout: 500, concurrency: 1 },
      expect: { hops: ["nat", ...ROUTERS, "target"], reached: true, stopReason: "target" },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 3, interval: 3 },
      expect: { received: 3, lost: 0 },
    },
  ],
};
