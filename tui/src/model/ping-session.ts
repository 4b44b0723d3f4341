import { type EchoResult, formatPingStatistics, type StatisticsSnapshot } from "icmpx";
import { addressFamily, escapeText } from "icmpx/packet";
import { echoLine } from "./echo-line.ts";
import type { EventLog, LogEntry } from "./event-log.ts";
import { formatDuration } from "./format.ts";
import { DOWN_AFTER, PingTarget } from "./ping-target.ts";
import { HISTORY_LIMIT, type RttHistory } from "./rtt-history.ts";
import {
  Follower,
  type Session,
  type SessionOptions,
  type SessionState,
  type TargetRow,
} from "./session.ts";

/** What to measure, times in milliseconds. */
export interface PingRequest {
  /** A host name or an address. */
  readonly target: string;
  readonly interval: number;
  readonly timeout: number;
  readonly ttl: number;
  /** Bytes of ICMP data. */
  readonly size: number;
}

/** Events at the end of a report. */
const REPORTED_EVENTS = 20;
/**
 * Addresses whose names are kept: the target and those who answer in its place are few, unless
 * somebody forges answers.
 */
const NAMES_LIMIT = 64;

/**
 * Pings one host for as long as it is let, and can be paused.
 *
 * 1. Every result has a line in the log, and so has a host that is down, and one that is up again.
 * 2. A probe whose answer this host may have dropped itself counts neither as lost nor as answered.
 * 3. Probes are counted on over resets, each of which begins another run.
 */
export class PingSession implements Session {
  readonly kind = "ping";
  readonly id: number;
  readonly title: string;
  readonly request: PingRequest;
  readonly #options: SessionOptions;
  readonly #follower: Follower<EchoResult, StatisticsSnapshot>;
  readonly #target: PingTarget;
  /** By their addresses, not escaped. */
  readonly #names = new Map<string, string>();
  #address: string | null = null;
  #beganAt: number;
  #endedAt: number | undefined;

  constructor(request: PingRequest, options: SessionOptions) {
    this.id = options.id;
    this.request = request;
    this.title = escapeText(request.target);
    this.#options = options;
    this.#target = new PingTarget(request.target, { index: 0, historyLimit: HISTORY_LIMIT });
    this.#follower = new Follower({
      id: options.id,
      client: options.client,
      now: () => options.now(),
      onChange: () => this.#onChange(),
      onFailure: (message) => {
        this.#target.fail(message.split("\n")[0] ?? message);
        options.onFailure(message);
      },
    });
    this.#beganAt = options.now();
    this.#begin();
  }

  get state(): SessionState {
    return this.#follower.state;
  }

  get failure(): string | null {
    return this.#follower.failure;
  }

  get isDown(): boolean {
    return this.#target.isDown;
  }

  get log(): EventLog {
    return this.#follower.log;
  }

  /** All its figures as they are now. */
  get figures(): StatisticsSnapshot {
    return this.#target.figures;
  }

  get history(): RttHistory {
    return this.#target.history;
  }

  /** Its address, safe to print, or null while there is none. */
  get address(): string | null {
    return this.#target.address;
  }

  /** The name of its address, where reverse DNS has one, safe to print. */
  get addressName(): string | null {
    const name = this.#address === null ? undefined : this.#names.get(this.#address);
    return name === undefined ? null : escapeText(name);
  }

  /** Probes lost since the last answer. */
  get lostInARow(): number {
    return this.#target.lostInARow;
  }

  /**
   * Milliseconds since the first of the probes was known to be lost that were lost since the last
   * answer.
   */
  get silentForMs(): number {
    return this.lostInARow > 0 ? this.upToMs - this.#target.silentSinceMs : 0;
  }

  /** Milliseconds since 1970 when the counting began: the start, or the last reset. */
  get beganAt(): number {
    return this.#beganAt;
  }

  /** When it came to its end: milliseconds since 1970; until then the time. */
  get upToMs(): number {
    return this.#endedAt ?? this.#options.now();
  }

  targets(): readonly [TargetRow] {
    return [this.#target];
  }

  report(): string {
    const { interval, timeout, size, ttl } = this.request;
    const { figures, failure } = this;
    const address = this.#address ?? "";
    const { p50, p90, p99 } = figures;
    const statistics = formatPingStatistics({
      target: this.request.target,
      resolved: address === "" ? this.request.target : address,
      family: addressFamily(address) ?? 4,
      statistics: figures,
      duration: this.upToMs - this.#beganAt,
      results: [],
      [Symbol.iterator]: () => [][Symbol.iterator](),
    });
    const events = this.#events();
    return [
      `${timeText(this.#beganAt)} to ${timeText(this.upToMs)}`,
      ...(address === "" ? [] : [`address ${escapeText(address)}`]),
      `every ${interval / 1000} s, timeout ${timeout / 1000} s, ${size} bytes of data, TTL ${ttl}`,
      "",
      statistics,
      `rtt p50/p90/p99 = ${[p50, p90, p99].map(figureText).join("/")} ms`,
      ...(failure === null ? [] : ["", failure]),
      ...(events.length === 0
        ? []
        : ["", "Most recent events other than plain replies:", ...events]),
    ].join("\n");
  }

  stop(): void {
    this.#follower.stop();
  }

  /** Sends nothing for a while, or goes on. */
  togglePause(): void {
    if (this.state === "running") this.#follower.pause();
    else this.#follower.goOn("goes on");
  }

  /** Restarts the count; the log stays. */
  reset(): void {
    this.#target.reset();
    this.#beganAt = this.upToMs;
    this.#follower.note("dim", "figures reset");
    if (!this.#follower.isOver) {
      this.#follower.clear();
      this.#begin();
    }
    this.#options.onChange();
  }

  #begin(): void {
    const { target, interval, timeout, ttl, size } = this.request;
    const count = Number.POSITIVE_INFINITY;
    const onResult = (result: EchoResult): void => this.#onResult(result);
    const statistics = this.#follower.begin(
      // Its name may not be found any more.
      this.#options.client.ping(this.#address ?? target, {
        ...{ count, interval, timeout, ttl, size, onResult },
        resolveDns: true,
      }),
      // The same results once more, now with the names.
      ({ reply }) => {
        if (reply !== null && reply.hostname !== null) this.#learnName(reply.addr, reply.hostname);
      },
    );
    this.#target.beginRun(statistics);
  }

  #onChange(): void {
    if (this.#follower.isOver) this.#endedAt ??= this.#options.now();
    this.#options.onChange();
  }

  #onResult(result: EchoResult): void {
    const target = this.#target;
    const { lostInARow, silentSinceMs } = target;
    const nowMs = this.#options.now();
    const number = target.numberOf(result);
    this.#address = result.request.addr;
    target.add(result, nowMs);
    this.log.add(
      echoLine(result, { atMs: nowMs, number, nameOf: (address) => this.#names.get(address) }),
    );
    if (target.lostInARow > lostInARow && target.lostInARow === DOWN_AFTER) {
      this.#follower.note("bad", `       ▼  down: ${DOWN_AFTER} probes lost in a row`);
    } else if (target.lostInARow < lostInARow && lostInARow >= DOWN_AFTER) {
      const after = `${lostInARow} lost in ${formatDuration(nowMs - silentSinceMs)}`;
      this.#follower.note("good", `       ▲  up again after ${after}`);
    }
    this.#follower.changed();
  }

  #learnName(address: string, name: string): void {
    if (this.#names.get(address) === name) return;
    const [oldest] = this.#names.keys();
    if (this.#names.size >= NAMES_LIMIT && oldest !== undefined && !this.#names.has(address)) {
      this.#names.delete(oldest);
    }
    this.#names.set(address, name);
  }

  #events(): readonly string[] {
    const events: string[] = [];
    for (let index = 0; index < this.log.length && events.length < REPORTED_EVENTS; index += 1) {
      const entry = this.log.fromEnd(index);
      if (entry !== undefined && isEvent(entry))
        events.push(`${timeText(entry.atMs)}  ${entry.text}`);
    }
    return events.reverse();
  }
}

function isEvent({ role }: LogEntry): boolean {
  return role !== "text" && role !== "dim";
}

/** Three digits that count. */
function figureText(rtt: number | null): string {
  return rtt === null ? "-" : String(Number(rtt.toPrecision(3)));
}

/** As people write it in tickets, and to the millisecond. */
function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
