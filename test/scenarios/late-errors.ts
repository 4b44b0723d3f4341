import { node, type Scenario } from "../lab/scenario.ts";

/** A router needs longer than the timeout to find out that a host is not there, as with ARP. */
export const lateErrors: Scenario = {
  name: "late-errors",
  about: "An error after the timeout is late: its probe is lost already, and it ends no other.",
  nodes: {
    r1: node(1, {
      delay: 1,
      refuses: { 4: { type: 3, code: 1 }, 6: { type: 1, code: 3 } },
      effects: [{ on: "own", pick: { numbers: [1, 2] }, action: { kind: "hold", ms: 220 } }],
    }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 90, timeout: 120 },
      expect: { sent: 5, received: 0, lost: 5, errors: 5, late: 2, duplicates: 0 },
    },
  ],
};
