import { node, type Scenario } from "../lab/scenario.ts";

/** Some answers have a wrong ICMP checksum. */
export const wrongChecksum: Scenario = {
  name: "wrong-checksum",
  about: "An answer with a wrong checksum decides nothing. Only raw IPv4 sockets see it at all.",
  nodes: {
    r1: node(1, {
      delay: 1,
      effects: [
        { on: "own", pick: { numbers: [2] }, action: { kind: "corrupt", what: "checksum" } },
      ],
    }),
    target: node(100, {
      delay: 1,
      effects: [
        { on: "own", pick: { numbers: [2, 3] }, action: { kind: "corrupt", what: "checksum" } },
      ],
    }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "ping",
      target: "target",
      only: { family: 4, privileged: true },
      options: { count: 5, interval: 5, timeout: 200 },
      expect: { sent: 5, received: 3, lost: 2, corrupt: 2 },
    },
    {
      method: "ping",
      target: "target",
      only: { privileged: false },
      options: { count: 5, interval: 5, timeout: 200 },
      expect: { sent: 5, received: 3, lost: 2, corrupt: 0 },
    },
    {
      method: "ping",
      target: "target",
      only: { family: 6, privileged: true },
      options: { count: 5, interval: 5, timeout: 200 },
      expect: { sent: 5, received: 3, lost: 2, corrupt: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { timeout: 200 },
      expect: {
        hops: [
          { from: "r1", lost: 1 },
          { from: "target", lost: 2 },
        ],
        reached: true,
        stopReason: "target",
      },
    },
  ],
};
