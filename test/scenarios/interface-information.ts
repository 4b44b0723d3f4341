import { node, type Scenario } from "../lab/scenario.ts";

/** Routers report on their interfaces (RFC 5837), alone and beside MPLS labels, in both forms. */
export const interfaceInformation: Scenario = {
  name: "interface-information",
  about: "Roles, indices, addresses, names and MTUs of interfaces are found.",
  nodes: {
    r1: node(1, {
      delay: 1,
      extensions: {
        form: "proper",
        objects: [
          {
            kind: "interfaceInformation",
            role: "incoming",
            index: 3,
            address: "192.0.2.1",
            name: "ge-0/0/3",
            mtu: 1500,
          },
          { kind: "interfaceInformation", role: "outgoing", index: 4 },
        ],
      },
    }),
    r2: node(2, {
      delay: 1,
      extensions: {
        form: "proper",
        objects: [
          { kind: "interfaceInformation", role: "nextHop", address: "2001:db8::9" },
          { kind: "mpls", labels: [{ label: 100, trafficClass: 1, bottomOfStack: true, ttl: 2 }] },
        ],
      },
    }),
    r3: node(3, {
      delay: 1,
      extensions: {
        form: "legacy",
        objects: [{ kind: "interfaceInformation", role: "incomingSubIp", name: "é", mtu: 9000 }],
      },
    }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3"] }],
  runs: [
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "r2", "r3", "target"], reached: true, stopReason: "target" },
    },
  ],
};
