import {
  type EchoResult,
  formatMultiping,
  type MultipingItem,
  type MultipingTarget,
  type TargetFailure,
  type TargetStatistics,
} from "icmpx";
import { escapeText } from "icmpx/packet";
import { echoLine } from "./echo-line.ts";
import type { EventLog } from "./event-log.ts";
import { NO_FIGURES } from "./figures.ts";
import { fit, textWidth } from "./fit.ts";
import { formatDuration } from "./format.ts";
import { DOWN_AFTER, PingTarget } from "./ping-target.ts";
import { HISTORY_LIMIT } from "./rtt-history.ts";
import { Follower, type Session, type SessionOptions, type SessionState } from "./session.ts";

/** What to measure, times in milliseconds. */
export interface MultipingRequest {
  /** What was typed. */
  readonly text: string;
  /** Host names and addresses, each once. */
  readonly targets: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly ttl: number;
  /** Bytes of ICMP data. */
  readonly size: number;
}

/**
 * Up to this many targets, every reply has a line in the log. With more, the losses would drown in
 * them.
 */
export const FEW_TARGETS = 32;
/** Outcomes kept for each of many targets: a sparkline over the widest table. */
const SHORT_HISTORY = 128;

/** Cells of a name in the log at most: a longer one is cut, so that the lines stay aligned. */
const LOG_LABEL_WIDTH = 20;

/** How many hosts are in which state, and all probes together. */
export interface MultipingTotals {
  readonly up: number;
  /** Those whose last probe was lost. */
  readonly down: number;
  readonly waiting: number;
  readonly failed: number;
  /** Probes of which it is known what became of them. */
  readonly sent: number;
  /** Of those, the ones that were not answered. */
  readonly lost: number;
}

/**
 * Pings many hosts for as long as it is let, and can be paused.
 *
 * 1. A host that cannot be probed is a row with its reason; the others go on. After a pause it is
 *    tried again, in a run of its own.
 * 2. Every loss is logged, until the host is down: then a line says so, and another one when it
 *    answers again. Of few targets replies are logged, too, and every loss.
 */
export class MultipingSession implements Session {
  readonly kind = "multiping";
  readonly id: number;
  readonly title: string;
  readonly request: MultipingRequest;
  readonly #options: SessionOptions;
  readonly #follower: Follower<MultipingItem, readonly TargetStatistics[]>;
  readonly #targets: readonly PingTarget[];
  /** Those that do not answer, or cannot be probed. */
  readonly #down = new Set<PingTarget>();
  readonly #logsAll: boolean;
  /**
   * By the index of the target, all as wide, so that what follows in the log stands one below the
   * other.
   */
  readonly #logLabels: readonly string[];
  #beganAt: number;
  #endedAt: number | undefined;

  constructor(request: MultipingRequest, options: SessionOptions) {
    this.id = options.id;
    this.request = request;
    this.title = escapeText(request.text.trim().replace(/[\s,]+/g, ", "));
    this.#options = options;
    this.#follower = new Follower({ ...options, onChange: () => this.#onChange() });
    this.#logsAll = request.targets.length <= FEW_TARGETS;
    const historyLimit = this.#logsAll ? HISTORY_LIMIT : SHORT_HISTORY;
    this.#targets = request.targets.map(
      (target, index) => new PingTarget(target, { index, historyLimit }),
    );
    const widths = this.#targets.map(({ label }) => textWidth(label));
    const labelWidth = Math.min(LOG_LABEL_WIDTH, Math.max(0, ...widths));
    this.#logLabels = this.#targets.map(({ label }) => fit(label, labelWidth));
    this.#beganAt = options.now();
    if (!this.#logsAll) {
      this.#follower.note(
        "dim",
        `${request.targets.length} targets: losses are logged, replies are not`,
      );
    }
    this.#begin(this.#targets);
  }

  get state(): SessionState {
    const { state } = this.#follower;
    return state === "finished" && this.#allFailed ? "failed" : state;
  }

  get failure(): string | null {
    return this.#follower.failure ?? (this.state === "failed" ? "No target can be probed" : null);
  }

  get isDown(): boolean {
    return this.#down.size > 0;
  }

  get log(): EventLog {
    return this.#follower.log;
  }

  /** Milliseconds since 1970 when the counting began: the start, or the last reset. */
  get beganAt(): number {
    return this.#beganAt;
  }

  /** When it came to its end: milliseconds since 1970; until then the time. */
  get upToMs(): number {
    return this.#endedAt ?? this.#options.now();
  }

  targets(): readonly PingTarget[] {
    return this.#targets;
  }

  /** Everything summed up. */
  totals(): MultipingTotals {
    const totals = { up: 0, down: 0, waiting: 0, failed: 0, sent: 0, lost: 0 };
    for (const { state, figures } of this.#targets) {
      totals[state === "losing" ? "down" : state] += 1;
      const { sent, lost, overflows, noRoom } = figures;
      totals.sent += sent - overflows - noRoom;
      totals.lost += lost - overflows - noRoom;
    }
    return totals;
  }

  report(): string {
    const { interval, timeout, size, ttl } = this.request;
    const from = new Date(this.#beganAt).toISOString();
    const to = new Date(this.upToMs).toISOString();
    const targets = this.#targets.map(resultOf);
    const table = formatMultiping({ targets, [Symbol.iterator]: () => targets[Symbol.iterator]() });
    return [
      `${from} to ${to}`,
      `every ${interval / 1000} s, timeout ${timeout / 1000} s, ${size} bytes of data, TTL ${ttl}`,
      "",
      table,
    ].join("\n");
  }

  stop(): void {
    this.#follower.stop();
  }

  /** Sends nothing for a while, or goes on. */
  togglePause(): void {
    if (this.state === "running") this.#follower.pause();
    else if (this.state === "paused") {
      this.#follower.goOn("goes on");
      const failed = this.#targets.filter(({ failure }) => failure !== null);
      if (failed.length > 0) this.#begin(failed);
    }
  }

  /** Restarts the count; the log stays. */
  reset(): void {
    for (const target of this.#targets) {
      target.reset();
      this.#noteDown(target);
    }
    this.#beganAt = this.upToMs;
    this.#follower.note("dim", "figures reset");
    if (!this.#follower.isOver) {
      this.#follower.clear();
      this.#begin(this.#targets.filter(({ failure }) => failure === null));
    }
    this.#options.onChange();
  }

  #begin(targets: readonly PingTarget[]): void {
    const { interval, timeout, ttl, size } = this.request;
    const { client } = this.#options;
    const count = Number.POSITIVE_INFINITY;
    const hosts = hostsOf(targets);
    const byHost = new Map(targets.map((target, index) => [hosts[index] ?? "", target]));
    const onResult = (result: EchoResult): void => {
      const target = byHost.get(result.target);
      if (target !== undefined) this.#onResult(result, target);
    };
    const statistics = this.#follower.begin(
      client.multiping(hosts, { count, interval, timeout, ttl, size, onResult }),
      (item) => {
        const target = byHost.get(item.target);
        if (item.kind === "targetFailure" && target !== undefined) this.#onFailure(item, target);
      },
    );
    for (const [index, target] of targets.entries()) {
      target.beginRun(() => statistics()[index]?.statistics ?? NO_FIGURES);
      this.#noteDown(target);
    }
  }

  get #allFailed(): boolean {
    return this.#targets.every(({ state }) => state === "failed");
  }

  #onChange(): void {
    if (this.#follower.isOver) this.#endedAt ??= this.#options.now();
    this.#options.onChange();
  }

  #onResult(result: EchoResult, target: PingTarget): void {
    const { lostInARow, silentSinceMs } = target;
    const nowMs = this.#options.now();
    const isLost = target.add(result, nowMs);
    this.#noteDown(target);
    if (this.#logsAll || (isLost && target.lostInARow <= DOWN_AFTER)) {
      const number = target.numberOf(result);
      const label = this.#logLabels[target.index] ?? "";
      this.log.add(echoLine(result, { atMs: nowMs, number, label, nameOf: () => undefined }));
    }
    if (target.lostInARow > lostInARow && target.lostInARow === DOWN_AFTER) {
      this.#follower.note(
        "bad",
        `       ▼  ${target.label} is down: ${DOWN_AFTER} probes lost in a row`,
      );
    } else if (target.lostInARow < lostInARow && lostInARow >= DOWN_AFTER) {
      const after = `${lostInARow} lost in ${formatDuration(nowMs - silentSinceMs)}`;
      this.#follower.note("good", `       ▲  ${target.label} is up again after ${after}`);
    }
    this.#follower.changed();
  }

  #noteDown(target: PingTarget): void {
    if (target.isDown) this.#down.add(target);
    else this.#down.delete(target);
  }

  #onFailure(item: TargetFailure, target: PingTarget): void {
    target.fail(item.message);
    this.#noteDown(target);
    this.#follower.note("bad", `       ✗  ${target.label}  ${target.note}`);
  }
}

/**
 * What to probe for these targets: their addresses, once known, since a name may not be found
 * again.
 */
function hostsOf(targets: readonly PingTarget[]): string[] {
  const counts = new Map<string | undefined, number>();
  for (const { rawAddress } of targets) counts.set(rawAddress, (counts.get(rawAddress) ?? 0) + 1);
  return targets.map(({ target, rawAddress }) =>
    // Results do not tell which of two names of one address they belong to.
    rawAddress === undefined || counts.get(rawAddress) !== 1 ? target : rawAddress,
  );
}

/** As the library's own multiping would tell of it. */
function resultOf(target: PingTarget): MultipingTarget {
  const { address, figures, failure } = target;
  return {
    target: target.target,
    resolved: address,
    family: null,
    statistics: figures,
    duration: 0,
    results: [],
    failure:
      failure === null
        ? null
        : { kind: "targetFailure", target: target.target, error: "", message: failure },
    [Symbol.iterator]: () => [][Symbol.iterator](),
  };
}
