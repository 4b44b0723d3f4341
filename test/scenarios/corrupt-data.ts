import { node, type Scenario } from "../lab/scenario.ts";

/** Some replies carry other data than was sent, under a good checksum. */
export const corruptData: Scenario = {
  name: "corrupt-data",
  about: "A reply with changed, missing or additional data is a reply, and marked.",
  nodes: {
    r1: node(1, { delay: 1 }),
    target: node(100, {
      delay: 1,
      effects: [
        { on: "own", pick: { numbers: [2] }, action: { kind: "corrupt", what: "payload" } },
        { on: "own", pick: { numbers: [3] }, action: { kind: "corrupt", what: "shorter" } },
        { on: "own", pick: { numbers: [5] }, action: { kind: "corrupt", what: "longer" } },
      ],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 5 },
      expect: { sent: 6, received: 6, lost: 0, corrupt: 3 },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 6, interval: 5, size: 1400 },
      expect: { sent: 6, received: 6, lost: 0, corrupt: 3 },
    },
  ],
};
