import {
  type EchoIcmpErrorResult,
  type EchoResult,
  formatHop,
  formatStopReason,
  formatTraceroute,
  isDecisive,
  type Measurement,
  type PathStatistics,
  type Responder,
  type StatisticsSnapshot,
  type TracerouteEntry,
  type TracerouteResult,
} from "icmpx";
import { escapeText } from "icmpx/packet";
import { decidedOnly, NO_FIGURES } from "./figures.ts";
import { RttHistory } from "./rtt-history.ts";
import {
  Follower,
  type Session,
  type SessionOptions,
  type SessionState,
  type TargetRow,
} from "./session.ts";

/** What to trace, times in milliseconds. */
export interface TracerouteRequest {
  readonly target: string;
  readonly maxHops: number;
  readonly firstTtl: number;
  /** Probes per hop. */
  readonly probes: number;
  readonly timeout: number;
}

/** Late and further answers that a hop keeps: a router gone mad may send any number. */
const AFTERWARDS_LIMIT = 32;

/** One hop as far as it is known. */
export class TracedHop {
  readonly ttl: number;
  /** In the order sent; undefined while a probe is undecided. */
  readonly probes: (EchoResult | undefined)[];
  /** Answers that came after their probes had been given up, and further copies of answers. */
  readonly afterwards: EchoResult[] = [];

  constructor(ttl: number, probes: number) {
    this.ttl = ttl;
    this.probes = Array.from({ length: probes }, () => undefined);
  }

  /** Those that are decided. */
  get decided(): readonly EchoResult[] {
    return this.probes.filter((probe) => probe !== undefined);
  }

  /** As the library has it, with the probes that are decided. */
  toEntry(): TracerouteEntry {
    const probes = this.decided;
    const byAddress = new Map<string, Responder & { readonly rtts: number[] }>();
    for (const { reply } of probes) {
      if (reply === null) continue;
      const { addr, hostname, rtt } = reply;
      const responder = byAddress.get(addr);
      if (responder === undefined) byAddress.set(addr, { addr, hostname, rtts: [rtt] });
      else responder.rtts.push(rtt);
    }
    const responders = [...byAddress.values()];
    const [first] = responders;
    return {
      ttl: this.ttl,
      probes,
      responders,
      addr: first?.addr ?? null,
      hostname: first?.hostname ?? null,
    };
  }
}

/**
 * A traceroute that shows each answer the moment it is known; names fill in when the hop is
 * complete and they are known.
 */
export class TracerouteSession implements Session {
  readonly kind = "traceroute";
  readonly id: number;
  readonly title: string;
  readonly request: TracerouteRequest;
  readonly #options: SessionOptions;
  readonly #follower: Follower<TracerouteEntry, PathStatistics>;
  readonly #statistics: () => PathStatistics;
  readonly #hops = new Map<number, TracedHop>();
  #result: TracerouteResult | undefined;
  #resolved: string | null = null;

  constructor(request: TracerouteRequest, options: SessionOptions) {
    this.id = options.id;
    this.request = request;
    this.title = escapeText(request.target);
    this.#options = options;
    this.#follower = new Follower(options);
    this.#statistics = this.#follower.begin(this.#begin(), (entry) => this.#onEntry(entry));
  }

  get state(): SessionState {
    return this.#follower.state;
  }

  get failure(): string | null {
    return this.#follower.failure;
  }

  get isDown(): boolean {
    return this.#result !== undefined && !this.isReached && this.state === "finished";
  }

  get log(): Follower<TracerouteEntry, PathStatistics>["log"] {
    return this.#follower.log;
  }

  /** The address that is traced, safe to print, or null while the name is looked up. */
  get resolved(): string | null {
    return this.#resolved;
  }

  /** Whether the target answered. */
  get isReached(): boolean {
    return this.#statistics().reached;
  }

  /** Where the target answered, or undefined while it has not. */
  get targetTtl(): number | undefined {
    return this.isReached ? this.hops.at(-1)?.ttl : undefined;
  }

  /** Why it ended, in a few words; null while it has not. */
  get conclusion(): string | null {
    return this.#result === undefined ? null : formatStopReason(this.#result);
  }

  /** The hops of which anything is known and those between them, in order. */
  get hops(): readonly TracedHop[] {
    const { firstTtl, probes } = this.request;
    // The library drops the hops beyond the end as soon as it knows of that.
    const lastTtl = this.#statistics().hops.at(-1)?.ttl ?? 0;
    const farthest = Math.min(lastTtl, Math.max(0, ...this.#hops.keys()));
    return Array.from({ length: Math.max(0, farthest - firstTtl + 1) }, (_, index) => {
      const ttl = firstTtl + index;
      return this.#hops.get(ttl) ?? new TracedHop(ttl, probes);
    });
  }

  /** Loss and RTTs of the decided probes to a hop. */
  figuresOf({ ttl }: TracedHop): StatisticsSnapshot {
    const hop = this.#statistics().hops.find((each) => each.ttl === ttl);
    return hop === undefined ? NO_FIGURES : decidedOnly(hop.statistics);
  }

  stop(): void {
    this.#follower.stop();
  }

  targets(): readonly TargetRow[] {
    const { hops, isReached } = this;
    const target = isReached ? hops.at(-1) : undefined;
    const figures = target === undefined ? NO_FIGURES : this.figuresOf(target);
    const history = new RttHistory(this.request.probes);
    for (const { reply } of target?.decided ?? []) if (reply !== null) history.add(reply.rtt);
    const isOver = this.#result !== undefined;
    const count = hops.length === 1 ? "1 hop" : `${hops.length} hops`;
    return [
      {
        label: this.title,
        address: this.#resolved,
        ...{ figures, history },
        isDown: this.isDown,
        note: isOver && !isReached ? (this.conclusion ?? "") : count,
      },
    ];
  }

  report(): string {
    if (this.#result !== undefined) return formatTraceroute(this.#result);
    const address =
      this.#resolved === null || this.#resolved === this.title ? "" : ` (${this.#resolved})`;
    const hops = this.hops.map((hop) => formatHop(hop.toEntry()));
    return [`traceroute to ${this.title}${address}`, ...hops, "not finished"].join("\n");
  }

  #begin(): Measurement<TracerouteEntry, TracerouteResult, PathStatistics> {
    const { target, ...request } = this.request;
    const onResult = (result: EchoResult) => this.#onResult(result);
    const onProvisional = (result: EchoIcmpErrorResult) => this.#onProvisional(result);
    const measurement = this.#options.client.traceroute(target, {
      ...request,
      resolveDns: true,
      onResult,
      onProvisional,
    });
    measurement.then(
      (result) => this.#onEnd(result),
      () => {
        // The follower tells why.
      },
    );
    return measurement;
  }

  #onResult(result: EchoResult): void {
    const { ttl, number, addr } = result.request;
    this.#resolved ??= escapeText(addr);
    const hop = this.#hop(ttl);
    if (isDecisive(result)) hop.probes[(number - 1) % this.request.probes] = result;
    else if (hop.afterwards.length < AFTERWARDS_LIMIT) hop.afterwards.push(result);
    this.#follower.changed();
  }

  /** Shown at once: the final result takes its place. */
  #onProvisional(result: EchoIcmpErrorResult): void {
    const { ttl, number, addr } = result.request;
    this.#resolved ??= escapeText(addr);
    this.#hop(ttl).probes[(number - 1) % this.request.probes] = result;
    this.#follower.changed();
  }

  #onEntry({ ttl, probes }: TracerouteEntry): void {
    const hop = this.#hop(ttl);
    // The same results, with names.
    for (const [index, probe] of probes.entries()) hop.probes[index] = probe;
  }

  #onEnd(result: TracerouteResult): void {
    this.#result = result;
    this.#resolved = escapeText(result.resolved);
    for (const entry of result.hops) this.#onEntry(entry);
    const role = result.reached ? "good" : result.stopReason === "stopped" ? "dim" : "warn";
    this.#follower.note(role, formatStopReason(result));
    this.#follower.changed();
  }

  #hop(ttl: number): TracedHop {
    let hop = this.#hops.get(ttl);
    if (hop === undefined) {
      hop = new TracedHop(ttl, this.request.probes);
      this.#hops.set(ttl, hop);
    }
    return hop;
  }
}
