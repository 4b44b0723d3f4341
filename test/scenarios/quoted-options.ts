import { node, type Scenario } from "../lab/scenario.ts";

/** Somebody inserts IPv6 extension headers on the way, so that they stand in what errors quote. */
export const quotedOptions: Scenario = {
  name: "quoted-options",
  about: "Errors that quote a probe behind IPv6 extension headers are known by it.",
  nodes: {
    r1: node(1, { delay: 1, quotesOptions: true }),
    r2: node(2, { delay: 1, quotesOptions: true, quote: 8 }),
    r3: node(3, {
      delay: 1,
      quotesOptions: true,
      refuses: { 4: { type: 3, code: 13 }, 6: { type: 1, code: 1 } },
    }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "r3", "r3"], reached: false, stopReason: "unreachable" },
    },
    {
      method: "ping",
      target: "target",
      options: { count: 3, interval: 3 },
      expect: { received: 0, lost: 3, errors: 3 },
    },
  ],
};
