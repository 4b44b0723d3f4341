import type { EchoResult, MtrResult, MultipingResult, PingResult, TracerouteResult } from "icmpx";
import { expectedResults, isEchoReply } from "./expected-results.ts";
import type { Json } from "./json.ts";
import type { Measured } from "./measured-run.ts";
import type { Hop, Outcome, Responders, RunOf, Scenario, Tally } from "./scenario.ts";
import type { ProbeTruth } from "./truth.ts";
import { keyOfProbe, keyOfResult } from "./verify.ts";

type Counts = Readonly<Record<keyof Tally, number>>;

/**
 * What of a run is not as its scenario says, and of its figures not as the simulator's add up: one
 * line for each.
 */
export function surprises(measured: Measured): string[] {
  const { run, result } = measured;
  switch (run.method) {
    case "probe":
      return probeSurprises(measured, run.expect, result as Json<EchoResult>);
    case "ping":
      return pingSurprises(measured, run.expect, result as Json<PingResult>);
    case "multiping":
      return multipingSurprises(measured, run, result as Json<MultipingResult>);
    case "traceroute":
      return traceSurprises(measured, run, result as Json<TracerouteResult>);
    case "mtr":
      return mtrSurprises(measured, run, result as Json<MtrResult>);
    default:
      return run satisfies never;
  }
}

function probeSurprises(
  { scenario, kind }: Measured,
  { error, from }: Outcome,
  result: Json<EchoResult>,
): string[] {
  const wanted = error !== null && typeof error === "object" ? error[kind.family] : error;
  return [
    ...difference("error", wanted, result.error),
    ...(from === undefined
      ? []
      : difference("responder", from, labelOf(scenario, result.reply?.addr))),
  ];
}

function pingSurprises(
  measured: Measured,
  expected: Tally,
  { statistics, target, results }: Json<PingResult>,
): string[] {
  return [
    ...difference(`results of ${target}`, measured.seen, results),
    ...tallyDifference(target, expected, statistics),
    ...tallyDifference(
      `${target} by the truth`,
      pingTally(measured, measured.truth.probes),
      statistics,
    ),
  ];
}

function multipingSurprises(
  measured: Measured,
  { target: names, expect }: RunOf<"multiping">,
  { targets }: Json<MultipingResult>,
): string[] {
  return [names].flat().flatMap((name, index) => {
    const statistics = targets[index]?.statistics;
    if (statistics === undefined) return [`No result for ${name}`];
    const probes = measured.truth.probes.filter(({ target }) => target === name);
    return [
      ...tallyDifference(name, expect[name] ?? {}, statistics),
      ...tallyDifference(`${name} by the truth`, pingTally(measured, probes), statistics),
    ];
  });
}

function traceSurprises(
  { scenario, seen }: Measured,
  { expect }: RunOf<"traceroute">,
  { hops, reached, stopReason }: Json<TracerouteResult>,
): string[] {
  const found = hops.map(({ responders, probes }) => ({
    from: responders.map(({ addr }) => labelOf(scenario, addr)),
    lost: probes.filter(({ reply }) => reply === null).length,
  }));
  const last = hops.at(-1)?.ttl ?? 0;
  const decisive = seen.filter(
    ({ request, late, duplicate }) => request.ttl <= last && !late && !duplicate,
  );
  return [
    ...difference(
      "results by number",
      decisive.toSorted((a, b) => a.request.number - b.request.number),
      hops.flatMap(({ probes }) => probes),
    ),
    ...difference("reached", expect.reached, reached),
    ...difference("stopReason", expect.stopReason, stopReason),
    ...difference("number of hops", expect.hops.length, hops.length),
    ...expect.hops.flatMap((hop, index) => {
      const { from, lost } = hopOf(hop);
      const at = found[index];
      if (at === undefined) return [];
      return [
        ...responderDifference(`hop ${index + 1}`, from, at.from),
        ...(lost === undefined ? [] : difference(`losses at hop ${index + 1}`, lost, at.lost)),
      ];
    }),
  ];
}

function mtrSurprises(
  measured: Measured,
  { expect }: RunOf<"mtr">,
  { hops, reached }: Json<MtrResult>,
): string[] {
  return [
    ...difference("reached", expect.reached, reached),
    ...difference("number of hops", expect.hops.length, hops.length),
    ...expect.hops.flatMap(({ from, ...tally }, index) => {
      const hop = hops[index];
      if (hop === undefined) return [];
      const name = `hop ${hop.ttl}`;
      const probes = measured.truth.probes.filter(
        (probe) => probe.ttl === hop.ttl && isCounted(measured, probe),
      );
      const labels = hop.addresses.map(({ addr }) => labelOf(measured.scenario, addr));
      return [
        ...responderDifference(name, from, labels),
        ...tallyDifference(name, tally, hop.statistics),
        ...tallyDifference(`${name} by the truth`, hopTally(measured, probes), hop.statistics),
      ];
    }),
  ];
}

/**
 * Whether mtr counts a probe: it forgets those that turn out to go beyond the target, answered or
 * not.
 */
function isCounted({ seen }: Measured, probe: ProbeTruth): boolean {
  const wentBeyond =
    probe.answers.length > 0 && probe.path.at(-1) === probe.target && probe.path.length < probe.ttl;
  return !wentBeyond && seen.some((result) => keyOfResult(result) === keyOfProbe(probe));
}

/** A trace's hop with all its probes answered, unless it says otherwise. */
function hopOf(hop: Hop): { readonly from: Responders; readonly lost?: number } {
  if (hop !== null && typeof hop === "object" && "from" in hop) return hop;
  return hop === null ? { from: null } : { from: hop, lost: 0 };
}

/**
 * What ping must count, told from what the simulator did. Late answers and duplicates count only
 * while it lasts.
 */
function pingTally(
  measured: Measured,
  probes: readonly ProbeTruth[],
): Pick<Counts, "sent" | "received" | "lost"> {
  const received = probes.filter((probe) => {
    const answer = expectedResults(probe, measured)[0]?.answer;
    return answer !== undefined && isEchoReply(answer);
  }).length;
  return { sent: probes.length, received, lost: probes.length - received };
}

/** What mtr must count for a hop: any answer is one. */
function hopTally(
  measured: Measured,
  probes: readonly ProbeTruth[],
): Pick<Counts, "sent" | "received" | "lost"> {
  const received = probes.filter(
    (probe) => expectedResults(probe, measured)[0]?.answer !== undefined,
  ).length;
  return { sent: probes.length, received, lost: probes.length - received };
}

function tallyDifference(name: string, expected: Tally, actual: Tally): string[] {
  return Object.entries(expected).flatMap(([figure, value]) =>
    difference(`${figure} of ${name}`, value, actual[figure as keyof Tally]),
  );
}

function responderDifference(
  name: string,
  expected: Responders,
  actual: readonly string[],
): string[] {
  if (expected !== null && typeof expected === "object" && "oneOf" in expected) {
    const [only, ...others] = actual;
    const holds = only !== undefined && others.length === 0 && expected.oneOf.includes(only);
    return holds ? [] : [`Responders of ${name} are ${actual}: one of ${expected.oneOf} expected`];
  }
  const wanted = expected === null ? [] : [expected].flat();
  return difference(`responders of ${name}`, wanted.toSorted(), actual.toSorted());
}

function difference(what: string, expected: unknown, actual: unknown): string[] {
  return Bun.deepEquals(expected, actual)
    ? []
    : [`${what}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`];
}

/** The name of the node with an address, or the address. */
function labelOf({ nodes }: Scenario, address: string | undefined): string {
  if (address === undefined) return "nobody";
  const found = Object.entries(nodes).find(([, { address: own, answersFrom }]) =>
    [own, answersFrom].some((pair) => pair !== undefined && Object.values(pair).includes(address)),
  );
  return found?.[0] ?? address;
}
