import { addressPair, node, type Scenario } from "../lab/scenario.ts";

/** Somebody guesses identifier and sequence numbers, but not the cookie. */
export const forgedCookie: Scenario = {
  name: "forged-cookie",
  about: "An answer with a wrong cookie is no reply, though all else is right.",
  nodes: {
    r1: node(1, {
      delay: 2,
      effects: [
        {
          on: "own",
          pick: { numbers: [1] },
          action: { kind: "forge", what: "cookie", from: addressPair(66) },
        },
      ],
    }),
    target: node(100, {
      delay: 3,
      effects: [
        {
          on: "own",
          pick: { numbers: [2] },
          action: { kind: "forge", what: "cookie", from: addressPair(66) },
        },
        {
          on: "own",
          pick: { numbers: [3] },
          action: { kind: "forge", what: "cookie", from: addressPair(66), only: true },
        },
      ],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 5, interval: 10, timeout: 200 },
      expect: { sent: 5, received: 4, lost: 1, duplicates: 0, corrupt: 1 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { timeout: 200 },
      expect: { hops: ["r1", { from: "target", lost: 1 }], reached: true, stopReason: "target" },
    },
  ],
};
