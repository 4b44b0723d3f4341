import { type EchoResult, EchoStatistics, isDecisive, type StatisticsSnapshot } from "icmpx";
import { canonicalAddress, escapeText } from "icmpx/packet";
import { RttHistory } from "./rtt-history.ts";
import type { TargetRow } from "./session.ts";

/** Losses in a row after which a host is called down: single ones are everyday. */
export const DOWN_AFTER = 3;

/** How a host is doing. */
export type HostState =
  /** Nothing is decided yet. */
  | "waiting"
  /** Its last probe was answered. */
  | "up"
  /** Its last probe was lost, or its last two. */
  | "losing"
  /** At least {@link DOWN_AFTER} probes were lost in a row. */
  | "down"
  /** It cannot be probed at all; `note` tells why. */
  | "failed";

/** One host of a multiping, as its probes have gone so far. */
export class PingTarget implements TargetRow {
  /** As it was given, not escaped. */
  readonly target: string;
  readonly label: string;
  /** Its place in the list as it was given, from 0 on. */
  readonly index: number;
  /** Whether it was given by a name, and not by its address. */
  readonly isNamed: boolean;
  readonly history: RttHistory;
  #statistics = new EchoStatistics();
  /** Until the next result. */
  #snapshot: StatisticsSnapshot | undefined;
  /** As it came, and safe to print. */
  #rawAddress: string | undefined;
  #address: string | null;
  #failure: string | null = null;
  /** What was wrong with the last probe, while it is lost. */
  #cause = "";
  #decided = 0;
  #lostInARow = 0;
  /** The number of the newest probe of this run that was answered. */
  #answered = 0;
  #silentSinceMs = 0;

  constructor(target: string, options: { readonly index: number; readonly historyLimit: number }) {
    this.target = target;
    this.label = escapeText(target);
    this.index = options.index;
    this.history = new RttHistory(options.historyLimit);
    const address = canonicalAddress(target);
    this.isNamed = address === undefined;
    this.#address = address === undefined ? null : escapeText(address);
  }

  /** All its figures as they are now; its RTTs are in milliseconds. */
  get figures(): StatisticsSnapshot {
    this.#snapshot ??= this.#statistics.snapshot();
    return this.#snapshot;
  }

  get state(): HostState {
    if (this.#failure !== null) return "failed";
    if (this.#lostInARow >= DOWN_AFTER) return "down";
    if (this.#lostInARow > 0) return "losing";
    return this.#decided > 0 ? "up" : "waiting";
  }

  get address(): string | null {
    return this.#address;
  }

  /** Probes lost since the last answer. */
  get lostInARow(): number {
    return this.#lostInARow;
  }

  /** When the first of the probes was known to be lost that were lost since the last answer: milliseconds since 1970. */
  get silentSinceMs(): number {
    return this.#silentSinceMs;
  }

  get sent(): number {
    return this.figures.sent;
  }

  get received(): number {
    return this.figures.received;
  }

  get loss(): number | null {
    return this.figures.loss;
  }

  get last(): number | null {
    return this.figures.last;
  }

  get mean(): number | null {
    return this.figures.mean;
  }

  get best(): number | null {
    return this.figures.min;
  }

  get worst(): number | null {
    return this.figures.max;
  }

  get isDown(): boolean {
    return this.#failure !== null || this.#lostInARow > 0;
  }

  get note(): string {
    return this.#failure === null ? this.#cause : escapeText(this.#failure);
  }

  /** Why it cannot be probed, not escaped, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  /**
   * Records one result, late and duplicate ones included. `atMs` is the time: milliseconds since 1970.
   *
   * @returns whether its probe counts as lost
   */
  add(result: EchoResult, atMs: number): boolean {
    this.#statistics.add(result);
    this.#snapshot = undefined;
    const { addr } = result.request;
    if (addr !== this.#rawAddress) {
      this.#rawAddress = addr;
      this.#address = escapeText(addr);
    }
    if (!isDecisive(result)) return false;
    // Nobody knows whether it was answered: this host had no room for the answer.
    if (result.kind === "timeout" && result.receiveOverflow) return false;
    // Nor was it even sent, for want of room.
    if (result.kind === "sendError" && result.error === "ENOBUFS") return false;
    this.#decided += 1;
    this.history.add(result.kind === "reply" ? result.rtt : null);
    if (result.kind === "reply") {
      this.#lostInARow = 0;
      this.#cause = "";
      this.#answered = Math.max(this.#answered, result.request.number);
      return false;
    }
    // With an interval shorter than the timeout, the losses of an outage are known after the first answers that follow it.
    if (result.request.number < this.#answered) return true;
    this.#cause = causeOf(result);
    if (this.#lostInARow === 0) this.#silentSinceMs = atMs;
    this.#lostInARow += 1;
    return true;
  }

  /** It cannot be probed; `message` tells why. */
  fail(message: string): void {
    this.#failure = message;
  }

  /** Another run begins: it is tried once more, and its probes are counted from 1 again. */
  beginRun(): void {
    this.#answered = 0;
    this.#failure = null;
  }

  /** Begins to count anew. */
  reset(): void {
    this.#statistics = new EchoStatistics();
    this.#snapshot = undefined;
    this.history.clear();
    this.#decided = 0;
    this.#lostInARow = 0;
    this.#cause = "";
  }
}

/** Why a probe was not answered, safe to print; empty for one that was, or of which nothing was heard. */
function causeOf(result: EchoResult): string {
  if (result.kind === "icmpError") return result.icmpError.description;
  if (result.kind === "sendError") return escapeText(result.sendError.message);
  return result.kind === "timeout" && result.departed === false ? "never left this host" : "";
}
