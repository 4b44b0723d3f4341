import type { TargetFailure } from "../results/results.ts";
import { NS_PER_MS } from "../time/clock.ts";
import { HostSet } from "./host-set.ts";
import { Ipv4Set } from "./ipv4-set.ts";
import { Ipv6Set } from "./ipv6-set.ts";
import type { SweepResult } from "./sweep-results.ts";

/** Failures that are kept: a file may have nothing else. */
const MAX_FAILURES = 1000;

/** The counts of a running sweep. */
export class Tally {
  hosts = 0;
  sent = 0;
  answered = 0;
  silent = 0;
  wrongData = 0;
  icmpErrors = 0;
  sendErrors = 0;
  noRoom = 0;
  duplicates = 0;
  late = 0;
  corrupt = 0;
  unverified = 0;
  /** Answers that are no host's, or are forged. */
  foreign = 0;
  /** Replies with a wrong ICMP checksum. */
  badChecksums = 0;
  /** ICMP messages that quote a probe and decide nothing. */
  advice = 0;
  readonly living4: Ipv4Set = new Ipv4Set();
  readonly living6: Ipv6Set;
  readonly #failures: TargetFailure[] = [];
  #failed = 0;
  #minNs = Number.POSITIVE_INFINITY;
  #maxNs = 0;
  #sumNs = 0;

  /** @param seed a random 32-bit number */
  constructor(seed: number) {
    this.living6 = new Ipv6Set(seed);
  }

  /** Targets that are no address. */
  get failed(): number {
    return this.#failed;
  }

  /** Hosts and failures that are decided. */
  get done(): number {
    const { answered, silent, wrongData, icmpErrors, sendErrors } = this;
    return answered + silent + wrongData + icmpErrors + sendErrors + this.#failed;
  }

  addFailure(failure: TargetFailure): void {
    this.#failed += 1;
    if (this.#failures.length < MAX_FAILURES) this.#failures.push(failure);
  }

  addRtt(rttNs: number): void {
    if (rttNs < this.#minNs) this.#minNs = rttNs;
    if (rttNs > this.#maxNs) this.#maxNs = rttNs;
    this.#sumNs += rttNs;
  }

  /** The totals. */
  result(run: { overflows: number; elapsedNs: number; sendingNs: number }): SweepResult {
    const { hosts, sent, answered, silent, wrongData, icmpErrors, sendErrors } = this;
    const { noRoom, duplicates, late, corrupt, unverified } = this;
    const hasRtt = answered > 0;
    return {
      hosts,
      sent,
      answered,
      silent,
      wrongData,
      icmpErrors,
      sendErrors,
      noRoom,
      failed: this.#failed,
      failures: this.#failures,
      duplicates,
      late,
      corrupt,
      unverified,
      overflows: run.overflows,
      living: new HostSet(this.living4, this.living6),
      rtt: {
        min: hasRtt ? this.#minNs / NS_PER_MS : null,
        mean: hasRtt ? this.#sumNs / answered / NS_PER_MS : null,
        max: hasRtt ? this.#maxNs / NS_PER_MS : null,
      },
      duration: run.elapsedNs / NS_PER_MS,
      rate: run.sendingNs > 0 ? (sent / run.sendingNs) * 1e9 : 0,
    };
  }
}
