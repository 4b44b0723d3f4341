import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { plainChain } from "../scenarios/plain-chain.ts";
import { describeIf } from "../support/requires.ts";
import { surprises } from "./expectations.ts";
import { SOCKET_KINDS } from "./kinds.ts";
import { type Measured, measureRun } from "./measured-run.ts";
import { Measurer } from "./measurer.ts";
import { openLab, type SimulatedLab } from "./open-lab.ts";
import { requiresSimulator } from "./requires-simulator.ts";
import type { Run } from "./scenario.ts";
import type { AnswerTruth, ProbeTruth } from "./truth.ts";
import { contradictions } from "./verify.ts";

setDefaultTimeout(60_000);

/** Changes the last probe of a truth. */
function withLastProbe(measured: Measured, change: (probe: ProbeTruth) => ProbeTruth): Measured {
  const probes = measured.truth.probes.map((probe, index, { length }) =>
    index === length - 1 ? change(probe) : probe,
  );
  return { ...measured, truth: { ...measured.truth, probes } };
}

/** Changes all answers to the last probe of a truth. */
function withLastAnswer(measured: Measured, changes: Partial<AnswerTruth>): Measured {
  return withLastProbe(measured, (probe) => ({
    ...probe,
    answers: probe.answers.map((answer) => ({ ...answer, ...changes })),
  }));
}

describeIf(requiresSimulator(), "what a scenario compares", () => {
  let lab: SimulatedLab;
  const measured = new Map<Run["method"], Measured>();

  beforeAll(async () => {
    lab = await openLab(plainChain);
    const [kind] = SOCKET_KINDS;
    if (kind === undefined) throw new Error("There is no kind of socket");
    const bench = { lab, kind, measurer: new Measurer(lab, kind) };
    for (const run of plainChain.runs)
      measured.set(run.method, await measureRun(bench, plainChain, run));
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  function measuredBy(method: Run["method"]): Measured {
    const found = measured.get(method);
    if (found === undefined) throw new Error(`The plain chain has no ${method}`);
    return found;
  }

  test("agrees with the truth", () => {
    for (const each of measured.values())
      expect([...contradictions(each), ...surprises(each)]).toEqual([]);
  });

  const doctored: readonly [name: string, (measured: Measured) => Measured, problem: string][] = [
    [
      "another sender",
      (ping) => withLastAnswer(ping, { from: "10.20.0.9" }),
      "should come from 10.20.0.9",
    ],
    ["another TTL", (ping) => withLastAnswer(ping, { ttl: 3 }), "should arrive with TTL 3"],
    [
      "a longer path",
      (ping) => withLastAnswer(ping, { delay: 1000 }),
      "is faster than the 1000 ms",
    ],
    ["a faster answer", (ping) => withLastAnswer(ping, { took: -200 }), "took but -200 ms"],
    [
      "no answer",
      (ping) => withLastProbe(ping, (probe) => ({ ...probe, answers: [] })),
      "nothing came in time",
    ],
    [
      "a lost answer",
      (ping) => withLastAnswer(ping, { took: undefined as never }),
      "nothing came in time",
    ],
    [
      "a damaged answer",
      (ping) => withLastAnswer(ping, { corrupt: "payload" }),
      "corrupt should be true",
    ],
    [
      "another probe",
      (ping) => withLastProbe(ping, (probe) => ({ ...probe, sequence: -1 })),
      "never left",
    ],
    ["a late answer", (ping) => withLastAnswer(ping, { took: 5000 }), "nothing came in time"],
    [
      "an answer out of order",
      (ping) => {
        const [first] = ping.truth.probes;
        const probes = [...ping.truth.probes];
        if (first !== undefined) probes[0] = { ...first, at: first.at + 60 };
        return { ...ping, truth: { ...ping.truth, probes } };
      },
      "reordered should be true",
    ],
    [
      "a probe without a result",
      (ping) => ({ ...ping, seen: ping.seen.slice(0, -1) }),
      "has no result",
    ],
  ];
  for (const [name, doctor, problem] of doctored) {
    test(`notices ${name}`, () => {
      expect(contradictions(doctor(measuredBy("ping"))).join("\n")).toContain(problem);
    });
  }

  test("notices other extensions and another error than the truth's", () => {
    const trace = measuredBy("traceroute");
    const objects = [{ kind: "interfaceInformation", role: "incoming", index: 1 }] as const;
    const r1 = { ...plainChain.nodes["r1"], extensions: { form: "proper", objects } };
    const scenario = { ...plainChain, nodes: { ...plainChain.nodes, r1 } } as Measured["scenario"];
    expect(contradictions({ ...trace, scenario }).join("\n")).toContain("extensions should be");
    const short = { ...plainChain.nodes["r1"], quote: 8 };
    const cut = {
      ...plainChain,
      nodes: { ...plainChain.nodes, r1: short },
    } as Measured["scenario"];
    expect(contradictions({ ...trace, scenario: cut }).join("\n")).toContain(
      "the quote should have 0 bytes",
    );
    const probes = trace.truth.probes.map((probe) => ({
      ...probe,
      answers: probe.answers.map((answer) =>
        answer.type === 11 ? { ...answer, code: 1 } : answer,
      ),
    }));
    const other = { ...trace, truth: { ...trace.truth, probes } };
    expect(contradictions(other).join("\n")).toContain("should be type 11 code 1");
  });

  test("notices other hops and figures than the scenario's and the truth's", () => {
    const trace = measuredBy("traceroute");
    const hops = [
      "r1",
      "r3",
      { oneOf: ["r1"] },
      ["r4", "r1"],
      { from: "target", lost: 1 },
    ] as const;
    const wrong = { method: "traceroute", target: "target" } as const;
    const run: Run = { ...wrong, expect: { hops, reached: false, stopReason: "maxHops" } };
    expect(surprises({ ...trace, run })).toHaveLength(6);
    const ping = measuredBy("ping");
    expect(surprises(withLastProbe(ping, (probe) => ({ ...probe, answers: [] })))).toHaveLength(2);
    const mtr = measuredBy("mtr");
    const forgetful = { ...mtr, truth: { ...mtr.truth, probes: mtr.truth.probes.slice(1) } };
    expect(surprises(forgetful).join("\n")).toContain("sent of hop 1 by the truth: 3, expected 2");
  });
});
