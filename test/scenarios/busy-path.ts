import { node, type Scenario } from "../lab/scenario.ts";

/** Everything at once: loss, jitter, duplicates and damage, at a probe a millisecond. */
export const busyPath: Scenario = {
  name: "busy-path",
  about:
    "Hundreds of probes in flight, of which some are lost, doubled, damaged and overtaken, are told apart.",
  seed: 11,
  nodes: {
    r1: node(1, { delay: 1, jitter: { uniform: 3 } }),
    r2: node(2, {
      delay: 2,
      jitter: { exponential: 2 },
      effects: [{ on: "there", pick: { random: 0.1 }, action: { kind: "drop" } }],
    }),
    target: node(100, {
      delay: 5,
      effects: [
        { on: "own", pick: { random: 0.1 }, action: { kind: "duplicate", copies: 1, gap: 2 } },
        { on: "own", pick: { random: 0.1 }, action: { kind: "corrupt", what: "payload" } },
        { on: "back", pick: { bursts: { enter: 0.02, leave: 0.4 } }, action: { kind: "drop" } },
      ],
    }),
  },
  routes: [{ to: "target", via: ["r1", "r2"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 300, interval: 1, timeout: 300 },
      expect: { sent: 300, received: 262, lost: 38, errors: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { probes: 50, concurrency: 200, timeout: 300 },
      expect: {
        hops: ["r1", { from: "r2", lost: 3 }, { from: "target", lost: 4 }],
        reached: true,
        stopReason: "target",
      },
    },
  ],
};
