import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** Somebody who sees the probes answers faster than the target, from his own address. */
export const forgedSource: Scenario = {
  name: "forged-source",
  about:
    "A reply with the right cookie counts, whatever its source; without a cookie only the target counts.",
  nodes: {
    r1: node(1, { delay: 2 }),
    target: node(100, {
      delay: 3,
      effects: [
        {
          on: "own",
          pick: { numbers: [2, 3] },
          action: { kind: "forge", what: "source", from: addressPair(66) },
        },
      ],
    }),
    forger: node(66),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 20 },
      expect: { sent: 5, received: 5, lost: 0, duplicates: 2, errors: 0 },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 20, size: 8 },
      expect: { sent: 5, received: 5, lost: 0, duplicates: 0, errors: 0 },
    },
  ],
};
