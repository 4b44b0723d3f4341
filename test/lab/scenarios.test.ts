import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { SCENARIOS } from "../scenarios/all.ts";
import { describeIf } from "../support/requires.ts";
import { surprises } from "./expectations.ts";
import { SOCKET_KINDS, type SocketKind } from "./kinds.ts";
import { type Bench, concerns, type Measured, measureRun } from "./measured-run.ts";
import { Measurer } from "./measurer.ts";
import { openLab } from "./open-lab.ts";
import { requiresSimulator } from "./requires-simulator.ts";
import type { Run, Scenario } from "./scenario.ts";
import { contradictions } from "./verify.ts";

// Tests of a kind of socket wait for each other.
setDefaultTimeout(600_000);

/**
 * When the scheduler kept the lab itself from its work for longer than this, a failure proves
 * nothing.
 */
const TOLERABLE_LAG_MS = 5;
const ATTEMPTS = 4;

/** A lab and a process that measures in it, which tests take one after the other. */
interface Stand {
  readonly bench: Bench;
  free: Promise<unknown>;
}

describeIf(requiresSimulator(), "in a simulated internet", () => {
  const stands = new Map<SocketKind, Stand>();

  beforeAll(async () => {
    const [first] = SCENARIOS;
    if (first === undefined) throw new Error("There are no scenarios");
    for (const kind of SOCKET_KINDS) {
      const lab = await openLab(first);
      stands.set(kind, {
        bench: { lab, kind, measurer: new Measurer(lab, kind) },
        free: Promise.resolve(),
      });
    }
  });
  afterAll(async () => {
    await Promise.all([...stands.values()].map(({ bench }) => bench.lab[Symbol.asyncDispose]()));
  });

  for (const scenario of SCENARIOS) {
    describe(scenario.name, () => {
      for (const kind of SOCKET_KINDS) {
        const runs = scenario.runs.filter((run) => concerns(run, kind));
        if (runs.length === 0) continue;
        test.concurrent(`${kind.name}: ${scenario.about}`, () =>
          inTurn(stands.get(kind), async (bench) => {
            for (const [index, run] of runs.entries()) {
              const problems = await problemsOf(bench, scenario, run);
              expect({ run: `${index + 1}: ${run.method}`, problems }).toEqual({
                run: `${index + 1}: ${run.method}`,
                problems: [],
              });
            }
          }));
      }
    });
  }
});

async function inTurn(
  stand: Stand | undefined,
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  if (stand === undefined) throw new Error("No lab was opened");
  const mine = stand.free.then(() => use(stand.bench));
  stand.free = mine.catch(() => {});
  return mine;
}

/**
 * What is wrong with a run. One in which the lab itself was late, as it may be on a busy machine,
 * is repeated.
 */
async function problemsOf(bench: Bench, scenario: Scenario, run: Run): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const measured: Measured = await measureRun(bench, scenario, run);
    const problems = [...contradictions(measured), ...surprises(measured)];
    if (problems.length === 0 || measured.truth.lag < TOLERABLE_LAG_MS || attempt === ATTEMPTS)
      return problems;
  }
}
