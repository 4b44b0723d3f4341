import {
  type EchoResult,
  formatMultiping,
  isDecisive,
  type MultipingItem,
  type MultipingTarget,
  type TargetFailure,
} from "icmpx";
import { escapeText } from "icmpx/packet";
import { echoLine } from "./echo-line.ts";
import type { EventLog } from "./event-log.ts";
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

/** Up to so many targets, every reply has a line in the log. With more, the losses would drown in them. */
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
 * 1. A host that cannot be probed is a row with its reason; the others go on. After a pause it is tried again.
 * 2. Every loss is logged, until the host is down: then a line says so, and another one when it answers again. Of few
 *    targets replies are logged, too, and every loss.
 */
export class MultipingSession implements Session {
  readonly kind = "multiping";
  readonly id: number;
  readonly title: string;
  readonly request: MultipingRequest;
  readonly #options: SessionOptions;
  readonly #follower: Follower<MultipingItem>;
  readonly #targets: readonly PingTarget[];
  readonly #byTarget: ReadonlyMap<string, PingTarget>;
  /** Those that do not answer, or cannot be probed. */
  readonly #down = new Set<PingTarget>();
  readonly #logsAll: boolean;
  /** By the index of the target, all as wide, so that what follows in the log stands one below the other. */
  readonly #logLabels: readonly string[];
  #beganAt: number;
  #endedAt: number | undefined;
  #sent = 0;
  #lost = 0;

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
    this.#byTarget = new Map(this.#targets.map((target) => [target.target, target]));
    this.#beganAt = options.now();
    if (!this.#logsAll) {
      this.#follower.note(
        "dim",
        `${request.targets.length} targets: losses are logged, replies are not`,
      );
    }
    this.#begin();
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
    const totals = { up: 0, down: 0, waiting: 0, failed: 0, sent: this.#sent, lost: this.#lost };
    for (const { state } of this.#targets) totals[state === "losing" ? "down" : state] += 1;
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
    if (this.state === "running") {
      this.#follower.stop("paused");
      this.#follower.note("dim", "paused");
    } else if (this.state === "paused") {
      for (const target of this.#targets) {
        target.beginRun();
        this.#noteDown(target);
      }
      this.#begin();
      this.#follower.note("dim", "goes on");
    }
    this.#options.onChange();
  }

  /** Begins to count anew; the log stays. */
  reset(): void {
    for (const target of this.#targets) {
      target.reset();
      this.#noteDown(target);
    }
    this.#sent = 0;
    this.#lost = 0;
    this.#beganAt = this.upToMs;
    this.#follower.note("dim", "figures reset");
    this.#options.onChange();
  }

  #begin(): void {
    const { targets, interval, timeout, ttl, size } = this.request;
    const { client } = this.#options;
    const count = Number.POSITIVE_INFINITY;
    const onResult = (result: EchoResult): void => this.#onResult(result);
    this.#follower.follow(
      () => client.multiping(targets, { count, interval, timeout, ttl, size, onResult }),
      (item) => {
        if (item.kind === "targetFailure") this.#onFailure(item);
      },
    );
  }

  get #allFailed(): boolean {
    return this.#targets.every(({ state }) => state === "failed");
  }

  #onChange(): void {
    if (this.state !== "running" && this.state !== "paused") this.#endedAt ??= this.#options.now();
    this.#options.onChange();
  }

  #onResult(result: EchoResult): void {
    const target = this.#byTarget.get(result.target);
    if (target === undefined) return;
    const { lostInARow, silentSinceMs } = target;
    const nowMs = this.#options.now();
    const isLost = target.add(result, nowMs);
    this.#noteDown(target);
    const decides = isDecisive(result);
    if (decides && (isLost || result.kind === "reply")) this.#sent += 1;
    if (isLost) this.#lost += 1;
    if (this.#logsAll || (isLost && target.lostInARow <= DOWN_AFTER)) {
      const { number } = result.request;
      const label = this.#logLabels[target.index] ?? "";
      this.log.add(echoLine(result, { atMs: nowMs, number, label, nameOf: () => undefined }));
    }
    if (target.lostInARow > lostInARow && target.lostInARow === DOWN_AFTER) {
      this.#follower.note(
        "bad",
        `       ▼  ${target.label} is down: ${DOWN_AFTER} probes lost in a row`,
      );
    } else if (!isLost && decides && lostInARow >= DOWN_AFTER) {
      const after = `${lostInARow} lost in ${formatDuration(nowMs - silentSinceMs)}`;
      this.#follower.note("good", `       ▲  ${target.label} is up again after ${after}`);
    }
  }

  #noteDown(target: PingTarget): void {
    if (target.isDown) this.#down.add(target);
    else this.#down.delete(target);
  }

  #onFailure(item: TargetFailure): void {
    const target = this.#byTarget.get(item.target);
    if (target === undefined) return;
    target.fail(item.message);
    this.#noteDown(target);
    this.#follower.note("bad", `       ✗  ${target.label}  ${target.note}`);
  }
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
