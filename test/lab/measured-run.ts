import type { SocketKind } from "./kinds.ts";
import type { AnyResult, Measurer, SeenResult } from "./measurer.ts";
import type { SimulatedLab } from "./open-lab.ts";
import type { Run, Scenario } from "./scenario.ts";
import type { Truth } from "./truth.ts";

/** Unless a run says otherwise. Long enough for a machine with something else to do. */
const TIMEOUT = 400;
const SIZE = 56;
/** With less data there is no room for what replies are recognised by. */
const COOKIE_SIZE = 14;

/** A run of a scenario with one kind of socket, and everything known about it. */
export interface Measured {
  readonly scenario: Scenario;
  readonly run: Run;
  readonly kind: SocketKind;
  readonly result: AnyResult;
  readonly seen: readonly SeenResult[];
  readonly truth: Truth;
  /** Of the client, in milliseconds. */
  readonly timeout: number;
  /** Whether its probes carried a cookie. */
  readonly hasCookie: boolean;
}

/** Where to measure. */
export interface Bench {
  readonly lab: SimulatedLab;
  readonly measurer: Measurer;
  readonly kind: SocketKind;
}

/** Whether a run concerns a kind of socket. */
export function concerns({ only }: Run, { family, privileged }: SocketKind): boolean {
  return (only?.family ?? family) === family && (only?.privileged ?? privileged) === privileged;
}

/**
 * Carries out one run of a scenario, from the simulator's initial state. Throws if the call fails.
 */
export async function measureRun(
  { lab, measurer, kind }: Bench,
  scenario: Scenario,
  run: Run,
): Promise<Measured> {
  const options: Record<string, unknown> = { timeout: TIMEOUT, ...run.options };
  const targets = [run.target].flat().map((name) => {
    const address = scenario.nodes[name]?.address[kind.family];
    if (address === undefined) throw new Error(`Bad scenario ${scenario.name}: no target ${name}`);
    return address;
  });
  await lab.load(scenario);
  const target = run.method === "multiping" ? targets : (targets[0] ?? "");
  const { result, error, seen } = await measurer.call({ method: run.method, target, options });
  if (result === undefined) throw new Error(`${run.method} failed: ${JSON.stringify(error)}`);
  const size = Number(options["size"] ?? SIZE);
  return {
    ...{ scenario, run, kind, result, seen, truth: await lab.truth() },
    timeout: Number(options["timeout"]),
    hasCookie: options["payload"] === undefined && size >= COOKIE_SIZE,
  };
}
