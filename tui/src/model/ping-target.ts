import { type EchoResult, isDecisive, type StatisticsSnapshot } from "icmpx";
import { canonicalAddress, escapeText } from "icmpx/packet";
import { decidedOnly, NO_FIGURES } from "./figures.ts";
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
  /** What its run has measured. */
  #statistics: () => StatisticsSnapshot = () => NO_FIGURES;
  /** As it came, and safe to print. */
  #rawAddress: string | undefined;
  #address: string | null;
  #failure: string | null = null;
  /** What was wrong with the last probe, while it is lost. */
  #cause = "";
  #decided = 0;
  #lostInARow = 0;
  /**
   * The number of the newest probe that was answered, of the newest, and of the last one of runs
   * before.
   */
  #answered = 0;
  #newest = 0;
  #numberBefore = 0;
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
    return decidedOnly(this.#statistics());
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

  /** Its address as it came, or undefined while there is none. */
  get rawAddress(): string | undefined {
    return this.#rawAddress;
  }

  /** Probes lost since the last answer. */
  get lostInARow(): number {
    return this.#lostInARow;
  }

  /**
   * When the first of the probes was known to be lost that were lost since the last answer:
   * milliseconds since 1970.
   */
  get silentSinceMs(): number {
    return this.#silentSinceMs;
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
   * Records one result, late and duplicate ones included. `atMs` is the time: milliseconds since
   * 1970.
   *
   * @returns whether its probe counts as lost
   */
  add(result: EchoResult, atMs: number): boolean {
    const { addr } = result.request;
    const number = this.numberOf(result);
    this.#newest = Math.max(this.#newest, number);
    if (addr !== this.#rawAddress) {
      this.#rawAddress = addr;
      this.#address = escapeText(addr);
    }
    if (!isDecisive(result)) return false;
    // Nobody knows whether it was answered: this host had no room for the answer.
    if (result.kind === "timeout" && result.receiveOverflow) return false;
    // Nor was it even sent: there was no room.
    if (result.kind === "sendError" && result.error === "ENOBUFS") return false;
    this.#decided += 1;
    this.history.add(result.kind === "reply" ? result.rtt : null);
    if (result.kind === "reply") {
      this.#lostInARow = 0;
      this.#cause = "";
      this.#answered = Math.max(this.#answered, number);
      return false;
    }
    // With an interval shorter than the timeout, the losses of an outage are known after the first
    // answers that follow it.
    if (number < this.#answered) return true;
    this.#cause = causeOf(result);
    if (this.#lostInARow === 0) this.#silentSinceMs = atMs;
    this.#lostInARow += 1;
    return true;
  }

  /** It cannot be probed; `message` tells why. */
  fail(message: string): void {
    this.#failure = message;
  }

  /** The number of its probe: those of one run after the other are counted on. */
  numberOf({ request }: EchoResult): number {
    return this.#numberBefore + request.number;
  }

  /** Another run begins to measure it. */
  beginRun(statistics: () => StatisticsSnapshot): void {
    this.#statistics = statistics;
    this.#numberBefore = this.#newest;
    this.#failure = null;
  }

  /** Forgets what was measured. */
  reset(): void {
    this.#statistics = () => NO_FIGURES;
    this.history.clear();
    this.#decided = 0;
    this.#lostInARow = 0;
    this.#cause = "";
  }
}

/**
 * Why a probe was not answered, safe to print; empty for one that was, or of which nothing was
 * heard.
 */
function causeOf(result: EchoResult): string {
  if (result.kind === "icmpError") return result.icmpError.description;
  if (result.kind === "sendError") return escapeText(result.sendError.message);
  return result.kind === "timeout" && result.departed === false ? "never left this host" : "";
}
