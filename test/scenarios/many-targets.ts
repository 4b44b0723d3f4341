import { node, type Scenario } from "../lab/scenario.ts";

/** Targets at different distances, with and without loss, one of them silent. */
export const manyTargets: Scenario = {
  name: "many-targets",
  about: "Each target of a multiping has its own figures.",
  seed: 3,
  nodes: {
    r1: node(1, { delay: 1 }),
    good: node(101, { delay: 1 }),
    far: node(102, { delay: 14 }),
    lossy: node(103, { effects: [{ on: "there", pick: { every: 2 }, action: { kind: "drop" } }] }),
    silent: node(104, { silent: true }),
    refusing: node(105, { refuses: { 4: { type: 3, code: 1 }, 6: { type: 1, code: 3 } } }),
  },
  routes: ["good", "far", "lossy", "silent", "refusing"].map((to) => ({ to, via: ["r1"] })),
  runs: [
    {
      method: "multiping",
      target: ["good", "far", "lossy", "silent", "refusing"],
      options: { count: 6, interval: 10, timeout: 200 },
      expect: {
        good: { sent: 6, received: 6, lost: 0 },
        far: { sent: 6, received: 6, lost: 0 },
        lossy: { sent: 6, received: 3, lost: 3, errors: 0 },
        silent: { sent: 6, received: 0, lost: 6, errors: 0 },
        refusing: { sent: 6, received: 0, lost: 6, errors: 6 },
      },
    },
  ],
};
