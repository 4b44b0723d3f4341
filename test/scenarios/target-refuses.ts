import { node, type Scenario } from "../lab/scenario.ts";

/** The target itself answers that it will not be pinged. */
export const targetRefuses: Scenario = {
  name: "target-refuses",
  about: "An error of the target's own shows that a trace has reached it.",
  nodes: {
    r1: node(1, { delay: 1 }),
    target: node(100, { delay: 1, refuses: { 4: { type: 3, code: 10 }, 6: { type: 1, code: 4 } } }),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "probe",
      target: "target",
      expect: {
        error: { 4: "dest_unreachable(code=10)", 6: "dest_unreachable(code=4)" },
        from: "target",
      },
    },
    {
      method: "traceroute",
      target: "target",
      expect: { hops: ["r1", "target"], reached: true, stopReason: "target" },
    },
  ],
};
