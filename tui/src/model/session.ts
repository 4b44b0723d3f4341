import type { Client, Measurement, StatisticsSnapshot } from "icmpx";
import { escapeText } from "icmpx/packet";
import { EventLog } from "./event-log.ts";
import type { RttHistory } from "./rtt-history.ts";

/** What a session does. */
export type SessionKind = "ping" | "multiping" | "traceroute" | "mtr";

/**
 * How far a session has come. A session begins running, and what has ended does not begin again: a
 * new one does.
 */
export type SessionState =
  /** It measures. */
  | "running"
  /** It sends nothing until it goes on. */
  | "paused"
  /** It came to its end. */
  | "finished"
  /** The user stopped it. */
  | "stopped"
  /** It cannot go on; `failure` tells why. */
  | "failed";

/** Figures of one target, times in milliseconds. */
export type TargetFigures = Pick<
  StatisticsSnapshot,
  "sent" | "received" | "loss" | "last" | "mean" | "min" | "max"
>;

/** One target of a session as the summary shows it. */
export interface TargetRow {
  /** As it was given, safe to print. */
  readonly label: string;
  /** Its address, safe to print, or null while there is none. */
  readonly address: string | null;
  /** Of the probes that are decided. */
  readonly figures: TargetFigures;
  readonly history: RttHistory;
  /** Whether its last decided probe was lost. */
  readonly isDown: boolean;
  /** In a word what else is to know, e.g. "4 hops"; safe to print. */
  readonly note: string;
}

/** One measurement as people see it: it runs whether or not it is on the screen. */
export interface Session {
  /** Counted from 1 over all sessions. */
  readonly id: number;
  readonly kind: SessionKind;
  /** For its tab: the target, safe to print. */
  readonly title: string;
  readonly state: SessionState;
  /** Why it failed, safe to print, several lines if there is a remedy; else null. */
  readonly failure: string | null;
  /** Whether some target of it does not answer, or cannot be probed. Asked after each result. */
  readonly isDown: boolean;
  readonly log: EventLog;
  /** Its targets as they stand now. */
  targets(): readonly TargetRow[];
  /** What it found, as text to paste into a ticket. Safe to print. */
  report(): string;
  /** Ends it; what it found stays. */
  stop(): void;
}

/** What every session is made with. */
export interface SessionOptions {
  readonly id: number;
  readonly client: Client;
  /** Milliseconds since 1970. */
  now(): number;
  /** Something to be seen has changed. Called often; the screen is drawn at its own pace. */
  onChange(): void;
  /** It failed: called once, with what `failure` holds from then on. */
  onFailure(message: string): void;
}

/**
 * Follows the runs of a session, of which most have one. It never throws, whatever becomes of them.
 */
export class Follower<Item, Live> {
  readonly log: EventLog = new EventLog();
  readonly #options: SessionOptions;
  #state: SessionState = "running";
  #failure: string | null = null;
  readonly #runs = new Set<Measurement<Item, unknown, Live>>();
  /** Goes up with each change. */
  #version = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  get failure(): string | null {
    return this.#failure;
  }

  /** Whether nothing is measured any more. */
  get isOver(): boolean {
    return this.#state !== "running" && this.#state !== "paused";
  }

  /**
   * Begins a run beside those that go on, paused if the session is, and gives each of its items to
   * `onItem`.
   *
   * @returns what reads its statistics, once for each change
   */
  begin(measurement: Measurement<Item, unknown, Live>, onItem: (item: Item) => void): () => Live {
    this.#runs.add(measurement);
    if (this.#state === "paused") measurement.pause();
    void this.#follow(measurement, onItem);
    let read = { version: this.#version, live: measurement.statistics };
    return () => {
      const version = this.#version;
      if (read.version !== version) read = { version, live: measurement.statistics };
      return read.live;
    };
  }

  /** Pauses all runs. */
  pause(): void {
    if (this.#state !== "running") return;
    for (const run of this.#runs) run.pause();
    this.#state = "paused";
    this.note("dim", "paused");
    this.changed();
  }

  /** Lets all runs go on, and tells of it in these words. */
  goOn(words: string): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    for (const run of this.#runs) run.resume();
    this.note("dim", words);
    this.changed();
  }

  /** Ends all runs, for others to take their place. Nothing more is heard of them. */
  clear(): void {
    const runs = [...this.#runs];
    this.#runs.clear();
    for (const run of runs) run.stop();
  }

  /** Ends all runs for good. */
  stop(): void {
    if (this.isOver) return;
    this.#state = "stopped";
    this.clear();
    this.changed();
  }

  /** Something to be seen has changed. */
  changed(): void {
    this.#version += 1;
    this.#options.onChange();
  }

  /** Adds a line to the log, with the time. */
  note(role: "text" | "dim" | "good" | "warn" | "bad", text: string): void {
    this.log.add({ atMs: this.#options.now(), role, text });
  }

  async #follow(
    measurement: Measurement<Item, unknown, Live>,
    onItem: (item: Item) => void,
  ): Promise<void> {
    try {
      for await (const item of measurement) {
        // It was ended: these are leftovers.
        if (!this.#runs.has(measurement)) return;
        onItem(item);
        this.changed();
      }
      if (this.#runs.delete(measurement) && this.#runs.size === 0) this.#end("finished", null);
    } catch (error) {
      if (this.#runs.has(measurement)) this.#end("failed", messageOf(error));
    }
  }

  #end(state: "finished" | "failed", failure: string | null): void {
    this.#state = state;
    this.#failure = failure;
    if (failure !== null) {
      this.note("bad", failure.split("\n")[0] ?? failure);
      this.#options.onFailure(failure);
    }
    this.clear();
    this.changed();
  }
}

/**
 * An error in words, line by line safe to print. A fault of ours is told with its name; what the
 * library and the system throw has a code.
 */
export function messageOf(error: unknown): string {
  const isExpected =
    error instanceof RangeError ||
    error instanceof TypeError ||
    (error instanceof Error && "code" in error);
  const text = isExpected ? error.message : String(error);
  return text.split("\n").map(escapeText).join("\n");
}
