import type { EchoIcmpErrorResult, TargetFailure, WrongData } from "../results/results.ts";
import { Measurement } from "../run/measurement.ts";
import type { HostSet } from "./host-set.ts";

interface SweepHostCommon {
  /** The address that was probed, canonical. */
  readonly addr: string;
  /**
   * The name it was resolved from, as given; null when the address itself was given, alone or in a
   * range.
   */
  readonly target: string | null;
  /** How many probes were sent to it. */
  readonly attempts: number;
}

/** A host that answered. */
export interface SweepReply extends SweepHostCommon {
  readonly kind: "reply";
  /** null: it answered. */
  readonly error: null;
  /** Who answered: `addr`, unless the host has several addresses. */
  readonly from: string;
  /**
   * Round-trip time in milliseconds: from a clock reading in user space around the batch that the
   * probe left in to the kernel's receive stamp. It is as exact as the batch is short: some 0.05 ms
   * at 10,000 a second, up to 1 ms unpaced.
   */
  readonly rtt: number;
  /** TTL or hop limit on arrival, or null when not known. */
  readonly ttl: number | null;
  /** The data differ from what was sent. */
  readonly corrupt: boolean;
  /** They differ by nothing but the end, which is missing. */
  readonly truncated: boolean;
}

/** A host that somebody on the way said cannot be reached. */
export interface SweepIcmpError extends SweepHostCommon {
  readonly kind: "icmpError";
  /** e.g. `"dest_unreachable(code=1)"`. */
  readonly error: EchoIcmpErrorResult["error"];
  /** Who said it. */
  readonly from: string;
  /** ICMP type and code. */
  readonly type: number;
  readonly code: number;
  /** Time until the error came, in milliseconds, as that of a reply. */
  readonly rtt: number;
  /** TTL or hop limit of the packet that brought it, or null when not known. */
  readonly ttl: number | null;
}

/** A host of which nothing was heard. */
export interface SweepSilence extends SweepHostCommon {
  readonly kind: "timeout";
  readonly error: "timeout";
}

/**
 * A host that answered, but not with the first 16 bytes of what it was sent, which prove that it
 * was asked: it sends back fewer bytes, or others. Anybody may forge that, so a true reply to any
 * attempt takes its place.
 */
export interface SweepWrongData extends SweepHostCommon {
  readonly kind: "wrongData";
  readonly error: "wrong_data";
  /** What came back first. */
  readonly wrongData: WrongData;
}

/** A host that this system refused to send to. */
export interface SweepSendError extends SweepHostCommon {
  readonly kind: "sendError";
  /** e.g. `"ENETUNREACH"`. */
  readonly error: `E${string}`;
  /** All of it in words. */
  readonly message: string;
}

/**
 * What became of one host of a sweep. `kind` tells the cases apart; `attempts` is 0 if nothing was
 * sent.
 */
export type SweepHost =
  | SweepReply
  | SweepIcmpError
  | SweepSilence
  | SweepWrongData
  | SweepSendError;

/**
 * Any item of a sweep with `all: true`: a host, or a target that is none, such as a name without an
 * address.
 */
export type SweepItem = SweepHost | TargetFailure;

/** Round-trip times of a sweep in milliseconds; null when no host answered. */
export interface SweepRtt {
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
}

/**
 * The totals of a sweep. `answered + silent + wrongData + icmpErrors + sendErrors` is `hosts`,
 * unless it was stopped before its end.
 */
export interface SweepResult {
  /** Addresses that were begun. */
  readonly hosts: number;
  /** Echo requests that left, retries included. */
  readonly sent: number;
  /** Hosts that answered. */
  readonly answered: number;
  /** Hosts of which nothing was heard in time. */
  readonly silent: number;
  /**
   * Hosts that answered with wrong data. They are not among the living, as anybody may forge such
   * answers.
   */
  readonly wrongData: number;
  /** Hosts that a verified ICMP error was the answer for. */
  readonly icmpErrors: number;
  /** Hosts that this system refused to send to. */
  readonly sendErrors: number;
  /**
   * Of `sendErrors`: hosts that the kernel had no room for (ENOBUFS), because its table of
   * neighbours (`gc_thresh3`) or the queue of a device stayed full for 5 s. This says nothing about
   * the hosts.
   */
  readonly noRoom: number;
  /** Targets that are no address: names that do not resolve, texts that are wrong. */
  readonly failed: number;
  /** The first 1000 of these. */
  readonly failures: readonly TargetFailure[];
  /** Further answers to a probe that had been answered. */
  readonly duplicates: number;
  /**
   * First answers to a probe whose host was decided by then: given up, or known by its answer to
   * another probe.
   */
  readonly late: number;
  /**
   * Answers whose first 16 bytes are right and others are not, or whose checksum is wrong. The
   * latter are otherwise ignored.
   */
  readonly corrupt: number;
  /**
   * ICMP errors that quote a probe, but neither 32 bits of its cookie nor the ICMP checksum of the
   * last probe to its host. They may be forged, or come through a NAT that changes what errors
   * quote, so they decide nothing.
   */
  readonly unverified: number;
  /**
   * Answers from any sender that this host dropped because the receive queue was full (SO_MEMINFO,
   * socket(7)).
   */
  readonly overflows: number;
  /** The hosts that answered, as a compact set. */
  readonly living: HostSet;
  /** Times of the hosts that answered. */
  readonly rtt: SweepRtt;
  /** How long it took, in milliseconds, without the time spent paused. */
  readonly duration: number;
  /** Echo requests that left a second, on the average until the last one. */
  readonly rate: number;
}

/** How far a sweep has come. */
export interface SweepProgress {
  /** Addresses and failures to come in all, where that is known beforehand; else null. */
  readonly total: number | null;
  /** How many of these are decided. */
  readonly done: number;
  /** Echo requests that left. */
  readonly sent: number;
  /** Hosts that answered. */
  readonly answered: number;
  /** Hosts that are not decided. */
  readonly inFlight: number;
  /** Echo requests a second, now. */
  readonly rate: number;
  /** Milliseconds since the start, without the time spent paused. */
  readonly elapsed: number;
  /** Milliseconds until the end, estimated; null while `total` is not known or nothing is done. */
  readonly remaining: number | null;
}

/** The progress of a sweep that has not begun, but for its total. */
export const NOT_BEGUN: Omit<SweepProgress, "total"> = {
  done: 0,
  sent: 0,
  answered: 0,
  inFlight: 0,
  rate: 0,
  elapsed: 0,
  remaining: null,
};

/**
 * A sweep: awaitable for its totals, iterable for its hosts, and at any time it tells how far it
 * has come.
 */
export class SweepMeasurement<out Item> extends Measurement<Item, SweepResult, SweepProgress> {
  /** The same as `statistics`: all zeros before the sweep begins. Reading it is cheap. */
  get progress(): SweepProgress {
    return this.statistics;
  }
}
