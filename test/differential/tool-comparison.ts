import {
  type ExtensionObjectFields,
  encodeExtensionObject,
} from "../../src/packet/extension-objects.ts";
import type { Json } from "../lab/json.ts";
import type { MethodResults } from "../lab/measure.ts";
import type { SeenResult } from "../lab/measurer.ts";
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

/** How far the least RTTs may be apart, in milliseconds. */
const MARGIN = 0.1;
/** A machine that does something else in between may spoil a comparison, but not each of them. */
const ATTEMPTS = 4;

/**
 * Compares the least RTTs of ping(8) and ours, in milliseconds. Each attempt measures both, of a
 * network in the same state, so what counts is the least of all attempts. Throws if that is still
 * apart after a few.
 *
 * @param attempt gives the minima, null where nothing answered.
 */
export async function expectEqualMinima(
  attempt: () => Promise<{ readonly ours: number | null; readonly theirs: number | null }>,
): Promise<void> {
  const all = { ours: [] as number[], theirs: [] as number[] };
  for (let count = 1; count <= ATTEMPTS; count += 1) {
    const { ours, theirs } = await attempt();
    if (ours === null && theirs === null) return;
    all.ours.push(ours ?? Number.NaN);
    all.theirs.push(theirs ?? Number.NaN);
    if (Math.abs(Math.min(...all.ours) - Math.min(...all.theirs)) <= MARGIN) return;
  }
  throw new Error(`The least RTTs are more than ${MARGIN} ms apart: ${JSON.stringify(all)}`);
}

/** Every contradiction between our traceroute and traceroute(8), probe by probe. */
export function compareTraceroute(
  { result }: Ours<"traceroute">,
  tool: readonly TracerouteHop[],
): string[] {
  return [
    ...unequal(
      "hops",
      result.hops.map(({ probes }) => probes.map(({ reply }) => reply?.addr ?? null)),
      tool.map(({ probes }) => probes),
    ),
    ...unequal(
      "extensions",
      result.hops.map(({ probes }) => distinct(probes.flatMap(extensionsText))),
      tool.map(({ extensions }) => distinct(extensions)),
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

/**
 * Every contradiction between our mtr and its own samples, and mtr(8), which tells but one address
 * of each hop.
 */
export function compareMtr({ result, seen }: Ours<"mtr">, tool: readonly MtrHub[]): string[] {
  const samplesOf = Map.groupBy(seen, ({ request }) => request.ttl);
  // Of the silent hops at the end, mtr tells but the first.
  const lastAnswer = result.hops.findLastIndex(({ addr }) => addr !== null);
  return [
    ...unequal("number of hops", Math.min(result.hops.length, lastAnswer + 2), tool.length),
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

function hopProblems(
  { ttl, statistics, addresses, addr }: Hop,
  samples: readonly SeenResult[],
): string[] {
  const answers = samples.filter(
    ({ reply, late, duplicate }) => reply !== null && !late && !duplicate,
  );
  return [
    ...prefixed(`statistics of hop ${ttl}`, disagreements(statistics, recountHop(samples))),
    ...addresses.flatMap(({ addr: one, statistics: its }) =>
      prefixed(
        `statistics of ${one} at hop ${ttl}`,
        disagreements(its, recountAddress(samples, one)),
      ),
    ),
    ...unequal(`last address of hop ${ttl}`, addr, answers.at(-1)?.reply?.addr ?? null),
  ];
}

function hubProblems({ ttl, statistics, addresses }: Hop, hub: MtrHub | undefined): string[] {
  if (hub === undefined) return [];
  const known: readonly (string | null)[] =
    addresses.length === 0 ? [null] : addresses.map(({ addr }) => addr);
  return [
    ...(known.includes(hub.addr)
      ? []
      : [`hop ${ttl}: ours ${JSON.stringify(known)}, theirs ${hub.addr}`]),
    ...unequal(`sent to hop ${ttl}`, statistics.sent, hub.sent),
    ...unequal(`lost at hop ${ttl}`, statistics.lost, hub.lost),
  ];
}

/**
 * The extension objects of an answer, as traceroute prints them: labels in words, all else in
 * hexadecimal.
 */
function extensionsText(result: SeenResult): string[] {
  if (result.kind !== "icmpError" || result.icmpError.extensions.length === 0) return [];
  const texts = result.icmpError.extensions.map((object) => {
    if (object.kind === "mpls") {
      const entries = object.labels.map(({ label, trafficClass, bottomOfStack, ttl }) => {
        return `L=${label},E=${trafficClass},S=${Number(bottomOfStack)},T=${ttl}`;
      });
      return `MPLS:${entries.join("/")}`;
    }
    const fields: ExtensionObjectFields =
      object.kind === "raw" ? { ...object, payload: Buffer.from(object.payload, "hex") } : object;
    const { classNumber, cType, payload } = encodeExtensionObject(fields);
    const words = Buffer.from(payload).toString("hex").match(/.{8}/g) ?? [];
    return `${classNumber}/${cType}:${words.join(",")}`;
  });
  return [`<${texts.join(";")}>`];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function prefixed(what: string, problems: readonly string[]): string[] {
  return problems.map((problem) => `${what}: ${problem}`);
}
