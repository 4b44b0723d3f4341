import { Percentiles } from "./percentiles.ts";

/**
 * Loss and round-trip times at one moment: plain data, safe for JSON. Times are in milliseconds. A
 * figure without a sample to compute it from is null, never 0.
 */
export interface StatisticsSnapshot {
  /** Probes sent, including those whose sending failed. */
  readonly sent: number;
  /** Probes whose first valid answer came in time. */
  readonly received: number;
  /** Probes that timed out, were answered by an ICMP error, or could not be sent. */
  readonly lost: number;
  /**
   * Of `lost`: timeouts while this host's own receive queue overflowed, which say nothing about the
   * network.
   */
  readonly overflows: number;
  /** Probes still waiting for one or the other: `sent - received - lost`. */
  readonly inFlight: number;
  /**
   * Of `lost`: probes that this host had no room to send for their whole timeout (ENOBUFS). In
   * `sendErrors`, too.
   */
  readonly noRoom: number;
  /**
   * Loss ratio from 0 to 1, not rounded, of the probes that say something about the network:
   * `(lost - overflows - noRoom) / (sent - inFlight - overflows - noRoom)`. Null while there is
   * none.
   */
  readonly loss: number | null;
  /** Further copies of answers. Not in `received`. */
  readonly duplicates: number;
  /** Answers after the probe had timed out. Not in `received`: the probe stays lost. */
  readonly late: number;
  /** Answers that were overtaken by the answer to a later probe. */
  readonly reordered: number;
  /** Answers whose payload was not what was sent. */
  readonly corrupt: number;
  /** ICMP error messages that answered a probe. */
  readonly errors: number;
  /** Probes that could not be sent. */
  readonly sendErrors: number;
  /** The RTT received last. */
  readonly last: number | null;
  /** The least RTT. */
  readonly min: number | null;
  /** The arithmetic mean of the RTTs. */
  readonly mean: number | null;
  /** The geometric mean of the RTTs, less affected by a few outliers; 0 if one of them is. */
  readonly geometricMean: number | null;
  /** The greatest RTT. */
  readonly max: number | null;
  /**
   * Population standard deviation of the RTTs, `sqrt(sum((x - mean)^2) / n)`: what ping(8) prints
   * as mdev.
   */
  readonly stddev: number | null;
  /**
   * Mean absolute difference of consecutive RTTs, `sum(|x[i] - x[i-1]|) / (n - 1)`. Null before the
   * second.
   */
  readonly jitter: number | null;
  /** Absolute difference of the last two RTTs. Null before the second; so is the next. */
  readonly lastJitter: number | null;
  /** The greatest absolute difference of consecutive RTTs. */
  readonly maxJitter: number | null;
  /**
   * Interarrival jitter of RFC 3550, section 6.4.1 and appendix A.8: from 0, with each RTT after
   * the first, `J += (|x[i] - x[i-1]| - J) / 16`. In milliseconds, not scaled by 16. Null before
   * the second RTT.
   */
  readonly rfc3550Jitter: number | null;
  /** Median RTT. Percentiles are exact up to 1,024 RTTs, and within 0.5 % of it beyond. */
  readonly p50: number | null;
  /** 90th percentile of the RTTs. */
  readonly p90: number | null;
  /** 95th percentile of the RTTs. */
  readonly p95: number | null;
  /** 99th percentile of the RTTs. */
  readonly p99: number | null;
}

/** RFC 3550 section 6.4.1: "the gain parameter 1/16 gives a good noise reduction ratio". */
const RFC3550_GAIN = 1 / 16;

/**
 * Loss and round-trip times of a sequence of probes, accumulated in constant memory.
 *
 * 1. `addSent()` once for each probe, and then exactly one of `addReply`, `addLost`, `addOverflow`,
 *    `addError`, `addSendError`.
 * 2. A round-trip time exists only for what was received in time (RFC 2681: the delay of a lost
 *    packet is undefined, not zero). Lost probes never enter mean, deviation, jitter or
 *    percentiles.
 * 3. Which answers count as received is for the caller to say: a time-exceeded message is what a
 *    traceroute hop is asked for (`addReply`), and a failure of a ping (`addError`).
 * 4. "Consecutive" is the order of the calls, that is of arrival, as RFC 3550 has it; a lost probe
 *    in between is passed over.
 */
export class Statistics {
  readonly #percentiles = new Percentiles();
  #sent = 0;
  #received = 0;
  #lost = 0;
  #overflows = 0;
  #duplicates = 0;
  #late = 0;
  #reordered = 0;
  #corrupt = 0;
  #errors = 0;
  #sendErrors = 0;
  #noRoom = 0;
  #last = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  #logarithms = 0;
  /** Sum of squared differences from the mean, kept as Welford (1962) does: no cancellation. */
  #squares = 0;
  #differences = 0;
  #lastDifference = 0;
  #maxDifference = 0;
  #rfc3550Jitter = 0;

  /** A probe was sent, or its sending attempted. */
  addSent(): void {
    this.#sent += 1;
  }

  /**
   * A probe in flight is dropped: it is as if it had not been sent.
   *
   * @throws RangeError if no probe is in flight.
   */
  removeSent(): void {
    this.#needFlying();
    this.#sent -= 1;
  }

  /**
   * The first valid answer to a probe came in time.
   *
   * @param rtt Its round-trip time in milliseconds.
   * @throws RangeError if `rtt` is negative or not finite, or no probe is in flight.
   */
  addReply(rtt: number): void {
    if (!(rtt >= 0 && rtt < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`Cannot add a reply: need a finite RTT of at least 0 ms, have ${rtt}`);
    }
    this.#needFlying();
    this.#received += 1;
    this.#percentiles.add(rtt);
    if (this.#received > 1) {
      const difference = Math.abs(rtt - this.#last);
      this.#differences += difference;
      this.#lastDifference = difference;
      this.#maxDifference = Math.max(this.#maxDifference, difference);
      this.#rfc3550Jitter += (difference - this.#rfc3550Jitter) * RFC3550_GAIN;
    }
    this.#last = rtt;
    this.#min = Math.min(this.#min, rtt);
    this.#max = Math.max(this.#max, rtt);
    this.#logarithms += Math.log(rtt);
    const fromOldMean = rtt - this.#mean;
    this.#mean += fromOldMean / this.#received;
    this.#squares += fromOldMean * (rtt - this.#mean);
  }

  /**
   * A probe timed out.
   *
   * @throws RangeError if no probe is in flight.
   */
  addLost(): void {
    this.#needFlying();
    this.#lost += 1;
  }

  /**
   * A probe timed out, but this host had lost packets because its receive queue was full.
   *
   * @throws RangeError if no probe is in flight.
   */
  addOverflow(): void {
    this.addLost();
    this.#overflows += 1;
  }

  /**
   * An ICMP error answered a probe in time, and the caller does not take that for a reply: the
   * probe is lost.
   *
   * @throws RangeError if no probe is in flight.
   */
  addError(): void {
    this.addLost();
    this.#errors += 1;
  }

  /**
   * The system refused to send a probe (for which `addSent` was called, too): it is lost, as
   * ping(8) counts it.
   *
   * @throws RangeError if no probe is in flight.
   */
  addSendError(): void {
    this.addLost();
    this.#sendErrors += 1;
  }

  /**
   * The system had no room for a probe: it was not sent, which is this host's doing.
   *
   * @throws RangeError if no probe is in flight.
   */
  addNoRoom(): void {
    this.addSendError();
    this.#noRoom += 1;
  }

  /** A reply came after its probe had been counted as lost. */
  addLate(): void {
    this.#late += 1;
  }

  /**
   * An ICMP error came after its probe had been counted as lost (Linux takes 3 s to give up on
   * ARP).
   */
  addLateError(): void {
    this.#late += 1;
    this.#errors += 1;
  }

  /** A probe was answered once more, or so many times more. */
  addDuplicate(count = 1): void {
    this.#duplicates += count;
  }

  /** The answer of a later probe had come before this one, which is recorded on its own. */
  addReordered(): void {
    this.#reordered += 1;
  }

  /**
   * An answer had another payload than its probe. Whether the probe is received or lost is recorded
   * on its own.
   */
  addCorrupt(): void {
    this.#corrupt += 1;
  }

  /**
   * The value below which `percent` per cent of the RTTs lie, in milliseconds; null while there is
   * none.
   *
   * @throws RangeError if `percent` is not between 0 and 100.
   */
  percentile(percent: number): number | null {
    return this.#percentiles.percentile(percent);
  }

  /** All figures as they are now. */
  snapshot(): StatisticsSnapshot {
    const decided = this.#received + this.#lost;
    const unknown = this.#overflows + this.#noRoom;
    const judged = decided - unknown;
    const any = this.#received > 0;
    const pairs = this.#received - 1;
    return {
      sent: this.#sent,
      received: this.#received,
      lost: this.#lost,
      overflows: this.#overflows,
      inFlight: this.#sent - decided,
      noRoom: this.#noRoom,
      loss: judged > 0 ? (this.#lost - unknown) / judged : null,
      duplicates: this.#duplicates,
      late: this.#late,
      reordered: this.#reordered,
      corrupt: this.#corrupt,
      errors: this.#errors,
      sendErrors: this.#sendErrors,
      last: any ? this.#last : null,
      min: any ? this.#min : null,
      mean: any ? this.#mean : null,
      geometricMean: any ? Math.exp(this.#logarithms / this.#received) : null,
      max: any ? this.#max : null,
      stddev: any ? Math.sqrt(this.#squares / this.#received) : null,
      jitter: pairs > 0 ? this.#differences / pairs : null,
      lastJitter: pairs > 0 ? this.#lastDifference : null,
      maxJitter: pairs > 0 ? this.#maxDifference : null,
      rfc3550Jitter: pairs > 0 ? this.#rfc3550Jitter : null,
      p50: this.percentile(50),
      p90: this.percentile(90),
      p95: this.percentile(95),
      p99: this.percentile(99),
    };
  }

  #needFlying(): void {
    if (this.#sent === this.#received + this.#lost) {
      throw new RangeError("Cannot decide a probe: none is in flight");
    }
  }
}
