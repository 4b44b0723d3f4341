import { node, type Scenario } from "../lab/scenario.ts";

const ROUTERS = Array.from({ length: 27 }, (_, index) => `r${index + 1}`);

/** Twenty-seven routers, of which every fifth is silent. */
export const longPath: Scenario = {
  name: "long-path",
  about: "A target at the 28th hop is found, with more probes than may fly at once.",
  nodes: {
    ...Object.fromEntries(
      ROUTERS.map((name, index) => [
        name,
        node(index + 1, { delay: 0.3, silent: index % 5 === 4 }),
      ]),
    ),
    target: node(100, { delay: 0.3 }),
  },
  routes: [{ to: "target", via: ROUTERS }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      options: { concurrency: 64, timeout: 150 },
      expect: {
        hops: [...ROUTERS.map((name, index) => (index % 5 === 4 ? null : name)), "target"],
        reached: true,
        stopReason: "target",
      },
    },
    {
      method: "traceroute",
      target: "target",
      options: { firstTtl: 26, probes: 1, timeout: 150 },
      expect: { hops: ["r26", "r27", "target"], reached: true, stopReason: "target" },
    },
  ],
};
