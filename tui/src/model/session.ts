import type { Client, Measurement } from "icmpx";
import { escapeText } from "icmpx/packet";
import { EventLog } from "./event-log.ts";
import type { RttHistory } from "./rtt-history.ts";

/** What a session does. */
export type SessionKind = "ping" | "multiping" | "traceroute" | "mtr";

/** How far a session has come. A session begins running, and what has ended does not begin again: a new one does. */
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

/** One target of a session as the summary shows it. */
export interface TargetRow {
  /** As it was given, safe to print. */
  readonly label: string;
  /** Its address, safe to print, or null while there is none. */
  readonly address: string | null;
  readonly sent: number;
  readonly received: number;
  /** From 0 to 1; null while nothing is decided. */
  readonly loss: number | null;
  /** Milliseconds, null without a sample; so are the next three. */
  readonly last: number | null;
  readonly mean: number | null;
  readonly best: number | null;
  readonly worst: number | null;
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

/** Follows a measurement for a session: it never throws, whatever becomes of the run. */
export class Follower<Item> {
  readonly log: EventLog = new EventLog();
  readonly #options: SessionOptions;
  #state: SessionState = "running";
  #failure: string | null = null;
  #measurement: Measurement<Item, unknown> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  get failure(): string | null {
    return this.#failure;
  }

  /** Begins a measurement, and gives each of its items to `onItem`. */
  follow(begin: () => Measurement<Item, unknown>, onItem: (item: Item) => void): void {
    void this.#follow(begin, onItem);
  }

  /** Ends the run for good, or for as long as it is paused. */
  stop(state: "stopped" | "paused" = "stopped"): void {
    if (this.#state !== "running" && !(this.#state === "paused" && state === "stopped")) return;
    this.#state = state;
    const measurement = this.#measurement;
    this.#measurement = undefined;
    measurement?.stop();
    this.#options.onChange();
  }

  /** Adds a line to the log, with the time. */
  note(role: "text" | "dim" | "good" | "warn" | "bad", text: string): void {
    this.log.add({ atMs: this.#options.now(), role, text });
  }

  async #follow(
    begin: () => Measurement<Item, unknown>,
    onItem: (item: Item) => void,
  ): Promise<void> {
    let measurement: Measurement<Item, unknown> | undefined;
    try {
      measurement = begin();
      this.#measurement = measurement;
      this.#state = "running";
      for await (const item of measurement) {
        // It was stopped, and perhaps begun anew: these are leftovers.
        if (this.#measurement !== measurement) return;
        onItem(item);
        this.#options.onChange();
      }
      if (this.#measurement === measurement) this.#end("finished", null);
    } catch (error) {
      if (this.#measurement === measurement) this.#end("failed", messageOf(error));
    }
  }

  #end(state: "finished" | "failed", failure: string | null): void {
    this.#measurement = undefined;
    this.#state = state;
    this.#failure = failure;
    if (failure !== null) {
      this.note("bad", failure.split("\n")[0] ?? failure);
      this.#options.onFailure(failure);
    }
    this.#options.onChange();
  }
}

/** An error in words, line by line safe to print. A fault of ours is told with its name; what the library and the system throw has a code. */
export function messageOf(error: unknown): string {
  const isExpected =
    error instanceof RangeError ||
    error instanceof TypeError ||
    (error instanceof Error && "code" in error);
  const text = isExpected ? error.message : String(error);
  return text.split("\n").map(escapeText).join("\n");
}
