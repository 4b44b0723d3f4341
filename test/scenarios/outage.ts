import { node, type Scenario } from "../lab/scenario.ts";

/** For some packets in the middle the way to the target leads into a hole. */
export const outage: Scenario = {
  name: "outage",
  about: "What is lost while the network is down is counted, and all goes on afterwards.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1 }),
    hole: node(3, { silent: true, refuses: { 4: { type: 3, code: 0 }, 6: { type: 1, code: 0 } } }),
    target: node(100, { delay: 1 }),
  },
  routes: [
    { to: "target", via: ["r1", "r2"] },
    { to: "target", via: ["r1", "hole"], from: { packet: 6 } },
    { to: "target", via: ["r1", "r2"], from: { packet: 11 } },
  ],
  runs: [
    {
      method: "ping",
      target: "target",
      options: { count: 15, interval: 5, timeout: 200 },
      expect: { sent: 15, received: 10, lost: 5, errors: 0 },
    },
    {
      // The next probe waits for the one before.
      method: "ping",
      target: "target",
      options: { count: 12, interval: 0, timeout: 60 },
      expect: { sent: 12, received: 7, lost: 5, errors: 0 },
    },
    {
      method: "multiping",
      target: ["target"],
      options: { count: 8, interval: 5, timeout: 200 },
      expect: { target: { sent: 8, received: 5, lost: 3 } },
    },
  ],
};
