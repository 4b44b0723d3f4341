import { node, type Scenario } from "../lab/scenario.ts";

/** A router does not understand the packet. */
export const parameterProblem: Scenario = {
  name: "parameter-problem",
  about: "A parameter problem ends a probe.",
  nodes: {
    r1: node(1, { delay: 1, refuses: { 4: { type: 12, code: 0 }, 6: { type: 4, code: 1 } } }),
    target: node(100),
  },
  routes: [{ to: "target", via: ["r1"] }],
  runs: [
    {
      method: "probe",
      target: "target",
      expect: {
        error: { 4: "parameter_problem(code=0)", 6: "parameter_problem(code=1)" },
        from: "r1",
      },
    },
  ],
};
