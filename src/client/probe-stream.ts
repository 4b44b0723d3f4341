import type { Payload } from "./payload.ts";
import type { Probe, Prober } from "./prober.ts";
import type { EchoResult } from "./results.ts";
import type { Route } from "./transport/transport.ts";

/** One target of a run, and who hears what becomes of its probes. */
export interface StreamOptions {
  /** The target as it was given. */
  readonly target: string;
  /** The name its address was found under, or null. */
  readonly hostname: string | null;
  readonly route: Route;
  readonly timeoutNs: number;
  readonly payload: Payload;
  /** Called for every result, in the order they become known; never from within `send`. It may send and close. */
  onResult(result: EchoResult): void;
  /** Called for each reply with a wrong ICMP checksum. Its probe goes on waiting. */
  onCorrupt(): void;
}

/** The probes of one run to one target. */
export class ProbeStream {
  readonly options: StreamOptions;
  readonly #prober: Prober;
  /** For the prober: probes that are not decided yet. */
  readonly undecided: Set<Probe> = new Set();
  /** For the prober: index of the latest probe that was answered in time. */
  latestAnswered = 0;
  #sent = 0;
  #isClosed = false;

  constructor(prober: Prober, options: StreamOptions) {
    this.#prober = prober;
    this.options = options;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** How many probes are not decided yet. */
  get inFlight(): number {
    return this.undecided.size;
  }

  /** Sends one probe and returns its number, counted from 1: the `request.number` of its result. */
  send(ttl: number): number {
    this.#sent += 1;
    if (!this.#isClosed) this.#prober.enqueue(this, ttl, this.#sent);
    return this.#sent;
  }

  /** Drops the undecided probes that were sent with more than `ttl`, and returns their numbers: nothing more is heard of them. */
  dropBeyond(ttl: number): readonly number[] {
    const beyond = [...this.undecided].filter((probe) => probe.ttl > ttl);
    for (const probe of beyond) this.#prober.forget(probe);
    return beyond.map((probe) => probe.index);
  }

  /** Ends the stream: nothing more is heard of its probes. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const probe of this.undecided) this.#prober.forget(probe);
    this.#prober.forgetDecided(this);
  }
}
