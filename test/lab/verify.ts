import type { Family } from "../../src/packet/address.ts";
import { type ExpectedResult, expectedResults, isEchoReply } from "./expected-results.ts";
import type { Measured } from "./measured-run.ts";
import type { SeenResult } from "./measurer.ts";
import type { Node } from "./scenario.ts";
import type { AnswerTruth, ProbeTruth } from "./truth.ts";

/**
 * How much longer than the simulator took a client may say an answer took: the machine may be busy.
 */
const SLACK_MS = 100;
/**
 * How much shorter. The clocks of the two differ in rate by this much at most over the times used
 * here.
 */
const CLOCK_ERROR_MS = 0.1;
const QUOTED_ICMP_HEADER = 8;
/**
 * RFC 1812 and RFC 4443: what an error has room for after its own headers and the quoted IP header.
 */
const QUOTE_ROOM = { 4: 576 - 20 - 8 - 20, 6: 1280 - 40 - 8 - 40 } as const;

const NOTHING: ExpectedResult = {
  answer: undefined,
  late: false,
  duplicate: false,
  hasWrongData: false,
};

/** What of a run contradicts what the simulator knows it did: one line for each contradiction. */
export function contradictions(measured: Measured): string[] {
  const { truth, seen } = measured;
  const problems: string[] = [];
  const seenOf = Map.groupBy(seen, keyOfResult);
  const probes = new Map(truth.probes.map((probe) => [keyOfProbe(probe), probe]));
  for (const [key, results] of seenOf) {
    const probe = probes.get(key);
    if (probe === undefined)
      problems.push(`A result of a probe that never left: ${describe(results[0])}`);
    else problems.push(...probeProblems(measured, probe, results));
  }
  problems.push(...orderProblems(measured, seenOf));
  problems.push(...missing(measured, seenOf));
  return problems;
}

function probeProblems(
  measured: Measured,
  probe: ProbeTruth,
  results: readonly SeenResult[],
): string[] {
  const expected = expectedResults(probe, measured);
  const name = `Probe ${probe.ordinal} to ${probe.target} with TTL ${probe.ttl}`;
  if (results.length > expected.length) {
    return [
      `${name}: ${results.length} results, ${expected.length} expected: ${results.map(describe).join("; ")}`,
    ];
  }
  return results.flatMap((result, index) => {
    const { answer, late, duplicate, hasWrongData } = expected[index] ?? NOTHING;
    const corrupt = answer === undefined ? hasWrongData : isVisiblyCorrupt(answer);
    const flags = { late, duplicate, corrupt };
    const problems = [
      ...(answer === undefined
        ? timeoutProblems(result)
        : answerProblems(measured, answer, result)),
      ...Object.entries(flags)
        .filter(([flag, value]) => result[flag as keyof typeof flags] !== value)
        .map(([flag, value]) => `${flag} should be ${value}`),
    ];
    return problems.map((problem) => `${name}: ${problem}: ${describe(result)}`);
  });
}

/**
 * In errors the client has no flag for it: only as much of the quote as identifies the probe is
 * looked at.
 */
function isVisiblyCorrupt(answer: AnswerTruth): boolean {
  return answer.corrupt !== undefined && isEchoReply(answer);
}

function timeoutProblems(result: SeenResult): string[] {
  return result.kind === "timeout" ? [] : ["nothing came in time"];
}

function answerProblems(measured: Measured, answer: AnswerTruth, result: SeenResult): string[] {
  if (result.reply === null)
    return [`should be answered by ${answer.node} after ${answer.took} ms`];
  const { addr, rtt, rttSource, ttl } = result.reply;
  const problems: string[] = [];
  const check = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  check(addr === answer.from, `should come from ${answer.from}`);
  check(ttl === answer.ttl, `should arrive with TTL ${answer.ttl}, not ${ttl}`);
  check(rttSource === "kernel", `times come from ${rttSource}`);
  check(rtt >= answer.delay - CLOCK_ERROR_MS, `is faster than the ${answer.delay} ms of the path`);
  check(rtt <= (answer.took ?? 0) + SLACK_MS, `took but ${answer.took} ms`);
  if (isEchoReply(answer)) {
    check(result.kind === "reply", "should be a reply");
  } else if (result.kind !== "icmpError") {
    problems.push("should be an ICMP error");
  } else {
    const { type, code } = result.icmpError;
    check(
      type === answer.type && code === answer.code,
      `should be type ${answer.type} code ${answer.code}`,
    );
    problems.push(...quoteProblems(measured, answer, result));
  }
  return problems;
}

function quoteProblems(
  { scenario, kind }: Measured,
  { node: name, corrupt }: AnswerTruth,
  result: Extract<SeenResult, { kind: "icmpError" }>,
): string[] {
  const node = scenario.nodes[name];
  const { quote, extensions } = result.icmpError;
  if (node === undefined) return [`there is no node ${name}`];
  const problems: string[] = [];
  const objects = node.extensions?.objects ?? [];
  if (extensions.length !== objects.length || !Bun.deepMatch([...objects], [...extensions])) {
    problems.push(
      `extensions should be ${JSON.stringify(objects)}, not ${JSON.stringify(extensions)}`,
    );
  }
  if (quote.destAddr !== result.request.addr)
    problems.push(`the quote is of a packet to ${quote.destAddr}`);
  const sent = result.request.sentPacket?.packet.payload ?? "";
  // Behind a quote that is padded for extensions, padding and data look the same.
  if (objects.length === 0 && corrupt === undefined) {
    const length = quotedLength(node, kind.family, sent.length / 2);
    if (quote.payload !== sent.slice(0, 2 * length))
      problems.push(`the quote should have ${length} bytes of data`);
    if (quote.truncated !== length < sent.length / 2)
      problems.push("the quote is wrong about being cut");
  }
  return problems;
}

function quotedLength(
  { quote = Number.POSITIVE_INFINITY }: Node,
  family: Family,
  sent: number,
): number {
  return Math.max(0, Math.min(sent, Math.min(quote, QUOTE_ROOM[family]) - QUOTED_ICMP_HEADER));
}

/** The flag `reordered`, told from the order in which the simulator sent the answers. */
function orderProblems(
  measured: Measured,
  seenOf: ReadonlyMap<string, readonly SeenResult[]>,
): string[] {
  const problems: string[] = [];
  for (const probes of Map.groupBy(measured.truth.probes, ({ target }) => target).values()) {
    const answered = probes
      .map((probe, index) => ({
        probe,
        index,
        result: decisive(seenOf.get(keyOfProbe(probe)) ?? []),
      }))
      .filter(({ result }) => result?.reply != null)
      .map((entry) => ({
        ...entry,
        took: expectedResults(entry.probe, measured)[0]?.answer?.took ?? 0,
      }))
      .sort((a, b) => a.probe.at + a.took - (b.probe.at + b.took));
    let latest = -1;
    for (const { result, index } of answered) {
      const reordered = index < latest;
      if (result?.reordered !== reordered)
        problems.push(`reordered should be ${reordered}: ${describe(result)}`);
      latest = Math.max(latest, index);
    }
  }
  return problems;
}

function decisive(results: readonly SeenResult[]): SeenResult | undefined {
  return results.find(({ late, duplicate }) => !late && !duplicate);
}

/** Probes without a decisive result. Traces drop those beyond their end. */
function missing(measured: Measured, seenOf: ReadonlyMap<string, readonly SeenResult[]>): string[] {
  return measured.truth.probes
    .filter((probe) => decisive(seenOf.get(keyOfProbe(probe)) ?? []) === undefined)
    .filter((probe) => !mayBeDropped(measured, probe))
    .map(
      (probe) => `Probe ${probe.ordinal} to ${probe.target} with TTL ${probe.ttl} has no result`,
    );
}

/**
 * Whether a trace or mtr may have lost interest in a probe: one beyond its last hop, or that had
 * TTL left where it got to.
 */
function mayBeDropped({ run, result }: Measured, { ttl, path }: ProbeTruth): boolean {
  if (run.method !== "traceroute" && run.method !== "mtr") return false;
  const last = "hops" in result ? (result.hops.at(-1)?.ttl ?? 0) : 0;
  return ttl > last || path.length < ttl;
}

export function keyOfProbe({ identifier, sequence }: ProbeTruth): string {
  return `${identifier}|${sequence}`;
}

export function keyOfResult({ request }: SeenResult): string {
  const { id, sequence } = request.sentPacket?.packet ?? {};
  return `${id}|${sequence}`;
}

function describe(result: SeenResult | undefined): string {
  if (result === undefined) return "no result";
  const { kind, error, reply, request, late, duplicate, corrupt, reordered } = result;
  const flags = Object.entries({ late, duplicate, corrupt, reordered }).flatMap(([name, is]) =>
    is ? name : [],
  );
  const from = reply === null ? "" : ` from ${reply.addr} after ${reply.rtt} ms`;
  return [`${kind} (${error}) for TTL ${request.ttl}${from}`, ...flags].join(", ");
}
