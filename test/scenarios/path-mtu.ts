import { node, type Scenario } from "../lab/scenario.ts";

/** A link in the middle carries packets of 1300 bytes, and its router says so. */
export const pathMtu: Scenario = {
  name: "path-mtu",
  about: "A packet that is too big is answered with the MTU of the link.",
  nodes: {
    r1: node(1, { delay: 1 }),
    r2: node(2, { delay: 1 }),
    r3: node(3, { delay: 1, mtu: 1300 }),
    target: node(100, { delay: 1 }),
  },
  routes: [{ to: "target", via: ["r1", "r2", "r3"] }],
  runs: [
    {
      method: "probe",
      target: "target",
      options: { size: 1400, dontFragment: true },
      expect: { error: { 4: "dest_unreachable(code=4)", 6: "packet_too_big(code=0)" }, from: "r2" },
    },
    {
      method: "ping",
      target: "target",
      options: { size: 1200, dontFragment: true, count: 3, interval: 3 },
      expect: { received: 3, lost: 0, errors: 0 },
    },
    {
      method: "traceroute",
      target: "target",
      options: { size: 1400, dontFragment: true },
      expect: { hops: ["r1", "r2", "r2"], reached: false, stopReason: "unreachable" },
    },
  ],
};
