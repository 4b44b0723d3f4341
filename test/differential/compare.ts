import type { MplsLabel } from "../../src/packet/extension-objects.ts";
import type { Json } from "../support/lab/json.ts";
import type { MethodResults } from "../support/lab/measure.ts";
import type { SeenResult } from "../support/lab/measurer.ts";
import { disagreements, recountAddress, recountHop, recountPing } from "./recount.ts";
import type { Ours } from "./stand.ts";
import type { MtrHub, PingReport, TracerouteHop } from "./tools.ts";

/** Every contradiction between our ping and its own samples, and ping(8): one line each. */
export function comparePing({ result, seen }: Ours<"ping">, tool: PingReport): string[] {
  const answered = seen
    .filter(({ kind, late, duplicate }) => kind === "reply" && !late && !duplicate)
    .map(({ request }) => request.number)
    .sort((a, b) => a - b);
  const { statistics } = result;
  return [
    ...prefixed("statistics", disagreements(statistics, recountPing(seen))),
    ...unequal("probes sent", statistics.sent, tool.sent),
    ...unequal("probes answered", answered, tool.answered),
    ...unequal("replies", statistics.received, tool.received),
    ...unequal("duplicates", statistics.duplicates, tool.duplicates),
  ];
}

/** By how many milliseconds the least RTTs differ; 0 when nothing was answered. */
export function minimumDifference({ result }: Ours<"ping">, tool: PingReport): number {
  return Math.abs((result.statistics.min ?? 0) - (tool.min ?? 0));
}

/** Every contradiction between our traceroute and traceroute(8), probe by probe. */
export function compareTraceroute({ result }: Ours<"traceroute">, tool: readonly TracerouteHop[]): string[] {
  return [
    ...unequal(
      "hops",
      result.hops.map(({ probes }) => probes.map(({ reply }) => reply?.addr ?? null)),
      tool.map(({ probes }) => probes),
    ),
    ...unequal(
      "labels",
      result.hops.map(({ probes }) => distinct(probes.flatMap(labelsOf))),
      tool.map(({ labels }) => distinct(labels)),
    ),
    ...result.hops.flatMap(({ ttl, responders, probes }) =>
      unequal(
        `RTTs of hop ${ttl}`,
        responders.map(({ addr, rtts }) => [addr, rtts]),
        [
          ...Map.groupBy(
            probes.filter(({ reply }) => reply !== null),
            ({ reply }) => reply?.addr,
          ),
        ].map(([addr, answers]) => [addr, answers.map(({ rtt }) => rtt)]),
      ),
    ),
  ];
}

/** Every contradiction between our mtr and its own samples, and mtr(8), which tells but one address of each hop. */
export function compareMtr({ result, seen }: Ours<"mtr">, tool: readonly MtrHub[]): string[] {
  const samplesOf = Map.groupBy(seen, ({ request }) => request.ttl);
  return [
    ...unequal("number of hops", result.hops.length, tool.length),
    ...result.hops.flatMap((hop, index) => [
      ...hopProblems(hop, samplesOf.get(hop.ttl) ?? []),
      ...hubProblems(hop, tool[index]),
    ]),
  ];
}

/** One line unless two values are alike. */
export function unequal(what: string, ours: unknown, theirs: unknown): string[] {
  return Bun.deepEquals(ours, theirs)
    ? []
    : [`${what}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`];
}

type Hop = Json<MethodResults["mtr"]>["hops"][number];

function hopProblems({ ttl, statistics, addresses, addr }: Hop, samples: readonly SeenResult[]): string[] {
  const answers = samples.filter(({ reply, late, duplicate }) => reply !== null && !late && !duplicate);
  return [
    ...prefixed(`statistics of hop ${ttl}`, disagreements(statistics, recountHop(samples))),
    ...addresses.flatMap(({ addr: one, statistics: its }) =>
      prefixed(`statistics of ${one} at hop ${ttl}`, disagreements(its, recountAddress(samples, one))),
    ),
    ...unequal(`last address of hop ${ttl}`, addr, answers.at(-1)?.reply?.addr ?? null),
  ];
}

function hubProblems({ ttl, statistics, addresses }: Hop, hub: MtrHub | undefined): string[] {
  if (hub === undefined) return [];
  const known: readonly (string | null)[] =
    addresses.length === 0 ? [null] : addresses.map(({ addr }) => addr);
  return [
    ...(known.includes(hub.addr) ? [] : [`hop ${ttl}: ours ${JSON.stringify(known)}, theirs ${hub.addr}`]),
    ...unequal(`sent to hop ${ttl}`, statistics.sent, hub.sent),
    ...unequal(`lost at hop ${ttl}`, statistics.lost, hub.lost),
  ];
}

function labelsOf(result: SeenResult): (readonly MplsLabel[])[] {
  if (result.kind !== "icmpError") return [];
  return result.icmpError.extensions.flatMap((object) => (object.kind === "mpls" ? [object.labels] : []));
}

/** The tool prints extensions once for equal answers. */
function distinct(stacks: readonly (readonly MplsLabel[])[]): readonly MplsLabel[][] {
  const texts = stacks.map((stack) =>
    JSON.stringify(
      stack.map(({ label, trafficClass, bottomOfStack, ttl }) => ({
        ...{ label, trafficClass, bottomOfStack, ttl },
      })),
    ),
  );
  return [...new Set(texts)].map((text) => JSON.parse(text) as MplsLabel[]);
}

function prefixed(what: string, problems: readonly string[]): string[] {
  return problems.map((problem) => `${what}: ${problem}`);
}
