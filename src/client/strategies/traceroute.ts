import { isSameHost } from "../../packet/address.ts";
import type { ProbeStream } from "../probing/probe-stream.ts";
import type {
  EchoIcmpErrorResult,
  EchoReply,
  EchoResult,
  PathStatistics,
  Responder,
  StopReason,
  TracerouteEntry,
  TracerouteResult,
} from "../results/results.ts";
import { isDecisive, isTransit, isVerifiedAnswer } from "../results/verdicts.ts";
import type { Destination } from "../run/destinations.ts";
import { type Gate, heedGate, type Pausable } from "../run/gate.ts";
import type { TracerouteSettings } from "../run/options.ts";
import { type NameOf, type Publisher, withName } from "../run/publisher.ts";
import {
  Completion,
  knownNames,
  onAbort,
  openPublisher,
  type RunContext,
} from "../run/run-context.ts";
import { emptyPath, HopTable } from "./hop-record.ts";

/**
 * How many probes leave before anything is known of the path. It is few, since those beyond a near
 * target all ask the target; and it grows, since with so few for the whole trace one of 30 hops
 * takes three times as long as its longest round trip.
 */
const FIRST_IN_FLIGHT = 16;
const MORE_WITH_EACH_ANSWER = 3;

/**
 * Finds the routers on the way to a target.
 *
 * 1. Probes leave in order of TTL, `probes` for each. {@link FIRST_IN_FLIGHT} may be in flight at
 *    first, three more with each answer, and never more than `concurrency`. All have one ICMP
 *    checksum, so that load balancers send them along one path.
 * 2. The trace ends at the hop where the target answers, or where an ICMP error other than "time
 *    exceeded" comes from; what flies beyond that hop is dropped. It also ends after `gapLimit`
 *    silent hops in a row, at a hop to which nothing could be sent, and at `maxHops`.
 * 3. An unverified error opens the window at once, as an answer does, and may prove right at the
 *    timeout. Until then it ends nothing, and later only if nobody farther away gave a verified
 *    answer.
 * 4. A hop is published when all of its probes are decided, in order of TTL. Silent hops are kept.
 * 5. Late and duplicate answers reach `onResult` and the statistics only.
 * 6. After a pause, as many probes leave at once as may be in flight.
 */
export async function traceroute(
  context: RunContext<TracerouteEntry, PathStatistics>,
  target: Destination,
  settings: TracerouteSettings,
): Promise<TracerouteResult> {
  const publisher = openPublisher(context, settings);
  const tracer = new Tracer(target, settings, { publisher, gate: context.gate });
  const nameOf = knownNames(context, settings);
  context.showStatistics(() => ({
    ...emptyPath(target.host),
    resolved: target.address,
    family: target.family,
    hops: tracer.table.snapshot(nameOf),
    reached: tracer.reached,
  }));
  const forgetGate = heedGate(context.gate, tracer);
  const forgetAbort = onAbort(context.signal, () => tracer.stop());
  try {
    tracer.fill();
    await tracer.completion.promise;
    await publisher.settled();
  } finally {
    forgetAbort();
    forgetGate();
    tracer.stop();
  }
  const { hops } = tracer;
  return {
    target: target.host,
    resolved: target.address,
    family: target.family,
    hops,
    reached: tracer.reached,
    stopReason: tracer.stopReason,
    [Symbol.iterator]: () => hops[Symbol.iterator](),
  };
}

/** Where the trace ends, and why. */
interface End {
  readonly ttl: number;
  readonly reason: StopReason;
}

class Tracer implements Pausable {
  readonly completion: Completion = new Completion();
  readonly hops: TracerouteEntry[] = [];
  /** What came of all probes, up to the end of the path. */
  readonly table: HopTable = new HopTable();
  reached = false;
  readonly #target: Destination;
  readonly #settings: TracerouteSettings;
  readonly #publisher: Publisher<TracerouteEntry>;
  readonly #gate: Gate;
  readonly #stream: ProbeStream;
  /** Results by probe number, counted from 0: probe n belongs to hop n / probes. */
  readonly #results: (EchoResult | undefined)[] = [];
  /** The greatest TTL at which there was a verified answer. */
  #farthestVerified = 0;
  #mayFly: number;
  #sent = 0;
  #publishedHops = 0;
  #silentHops = 0;
  #end: End;
  #isOver = false;

  constructor(
    target: Destination,
    settings: TracerouteSettings,
    { publisher, gate }: { readonly publisher: Publisher<TracerouteEntry>; readonly gate: Gate },
  ) {
    this.#target = target;
    this.#settings = settings;
    this.#publisher = publisher;
    this.#gate = gate;
    this.#mayFly = Math.min(FIRST_IN_FLIGHT, settings.concurrency);
    this.#end = { ttl: settings.maxHops, reason: "maxHops" };
    this.#stream = target.openStream({
      onResult: (result) => this.#onResult(result),
      onProvisional: (result) => this.#onProvisional(result),
      onCorrupt: () => {},
      onFailure: (error) => this.completion.fail(error),
    });
  }

  get stopReason(): StopReason {
    return this.#isOver ? this.#end.reason : "stopped";
  }

  /** Sends as many probes as may fly. */
  fill(): void {
    while (this.#stream.unanswered < this.#mayFly && !this.completion.isOver) {
      if (this.#gate.isPaused) return;
      const ttl = this.#ttlOf(this.#sent);
      if (ttl > this.#end.ttl) return;
      this.#sent += 1;
      this.table.at(ttl).statistics.addSent();
      this.#stream.send(ttl);
    }
  }

  pause(): void {
    this.#stream.isPaused = true;
  }

  resume(): void {
    this.#stream.isPaused = false;
    this.completion.guard(() => this.fill());
  }

  stop(): void {
    this.#stream.close();
    this.completion.finish();
  }

  #ttlOf(probe: number): number {
    return this.#settings.firstTtl + Math.floor(probe / this.#settings.probes);
  }

  #onResult(result: EchoResult): void {
    this.table.get(result.request.ttl)?.record(result);
    if (isDecisive(result)) this.#learn(result);
    // Last, so that the callback finds the result in the statistics.
    const { onResult } = this.#settings;
    if (onResult !== undefined) this.completion.guard(() => onResult(result));
    if (!isDecisive(result)) return;
    this.#publishHops();
    this.fill();
  }

  #learn(result: EchoResult): void {
    this.#results[result.request.number - 1] = result;
    if (result.reply !== null) this.#onAnswer(result.reply);
    if (isVerifiedAnswer(result)) {
      this.#farthestVerified = Math.max(this.#farthestVerified, result.request.ttl);
    }
    this.#considerEnd(result);
  }

  #onProvisional(result: EchoIcmpErrorResult): void {
    const { onProvisional } = this.#settings;
    if (onProvisional !== undefined) this.completion.guard(() => onProvisional(result));
    this.#onAnswer(result.reply);
    this.fill();
  }

  #onAnswer({ addr }: EchoReply): void {
    this.#publisher.anticipate(addr);
    this.#mayFly = Math.min(this.#mayFly + MORE_WITH_EACH_ANSWER, this.#settings.concurrency);
  }

  #considerEnd(result: EchoResult): void {
    if (result.reply === null || isTransit(result)) return;
    const isTarget = result.kind === "reply" || isSameHost(result.reply.addr, this.#target.address);
    if (isTarget) this.reached = true;
    const { ttl } = result.request;
    if (!isVerifiedAnswer(result) && ttl < this.#farthestVerified) return;
    // At one hop, the target's own answer says more than somebody's error.
    const isNearer = ttl < this.#end.ttl || this.#end.reason === "maxHops";
    if (isNearer || (isTarget && ttl === this.#end.ttl)) {
      this.#endAt({ ttl, reason: isTarget ? "target" : "unreachable" });
    }
  }

  #endAt(end: End): void {
    this.#end = end;
    this.table.dropBeyond(end.ttl);
    this.#stream.dropBeyond(end.ttl);
  }

  #publishHops(): void {
    const { firstTtl, probes, gapLimit } = this.#settings;
    for (;;) {
      const ttl = firstTtl + this.#publishedHops;
      if (ttl > this.#end.ttl) break;
      const first = this.#publishedHops * probes;
      const results = this.#results
        .slice(first, first + probes)
        .filter((result) => result !== undefined);
      if (results.length < probes) return;
      this.#publishedHops += 1;
      this.#publish(ttl, results);
      this.#silentHops = results.some((result) => result.reply !== null) ? 0 : this.#silentHops + 1;
      if (results.every((result) => result.kind === "sendError"))
        this.#endAt({ ttl, reason: "sendError" });
      else if (this.#silentHops >= gapLimit) this.#endAt({ ttl, reason: "gapLimit" });
    }
    this.#isOver = true;
    this.stop();
  }

  #publish(ttl: number, results: readonly EchoResult[]): void {
    const addresses = new Set(results.flatMap(({ reply }) => (reply === null ? [] : [reply.addr])));
    this.#publisher.publish(addresses, (nameOf) => {
      const entry = hopEntry(ttl, results, nameOf);
      this.hops.push(entry);
      return entry;
    });
  }
}

function hopEntry(ttl: number, results: readonly EchoResult[], nameOf: NameOf): TracerouteEntry {
  const byAddress = new Map<string, number[]>();
  for (const { reply } of results) {
    if (reply === null) continue;
    const rtts = byAddress.get(reply.addr);
    if (rtts === undefined) byAddress.set(reply.addr, [reply.rtt]);
    else rtts.push(reply.rtt);
  }
  const responders = Array.from(
    byAddress,
    ([addr, rtts]): Responder => ({ addr, hostname: nameOf(addr), rtts }),
  );
  const [first] = responders;
  return {
    ttl,
    probes: results.map((result) => withName(result, nameOf)),
    addr: first?.addr ?? null,
    hostname: first?.hostname ?? null,
    responders,
  };
}
