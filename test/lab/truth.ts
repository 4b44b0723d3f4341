/** What the simulator did, in the order in which the probes came. */
export interface Truth {
  readonly probes: readonly ProbeTruth[];
  /** Packets that were none of a scenario's business: to nobody, fragments, the kernel's own. */
  readonly ignored: number;
  /**
   * The longest that a packet left behind its time, in milliseconds: how far the lab itself may be
   * trusted.
   */
  readonly lag: number;
}

/** What became of one probe. */
export interface ProbeTruth {
  /** Name of the target. */
  readonly target: string;
  readonly protocol: "icmp" | "udp" | "tcp";
  /** ICMP identifier, or source port. */
  readonly identifier: number;
  /** ICMP sequence number, or destination port. */
  readonly sequence: number;
  readonly ttl: number;
  /** The how-manieth packet to this target with this TTL, from 1. */
  readonly ordinal: number;
  /** Milliseconds since the first packet of the run. */
  readonly at: number;
  /** Nodes it came to, in order. */
  readonly path: readonly string[];
  /** Why nobody answered, or undefined. */
  readonly lost?: Loss;
  /** Everything that was sent back for it, lost or not, in order of planning. */
  readonly answers: readonly AnswerTruth[];
}

/** Where a packet got lost, and why. */
export interface Loss {
  readonly node: string;
  readonly why:
    | "dropped there"
    | "dropped back"
    | "dropped own"
    | "silent"
    | "rate limit"
    | "too big";
}

/** A packet that was sent back. */
export interface AnswerTruth {
  readonly node: string;
  /** The source address it bears. */
  readonly from: string;
  /** The TTL it arrives with. */
  readonly ttl: number;
  /** -1 for a TCP reset. */
  readonly type: number;
  readonly code: number;
  /** From the probe's arrival to the planned departure, in milliseconds. */
  readonly delay: number;
  /** The same to the real departure; undefined while it is not over, or for ever if it got lost. */
  readonly took?: number;
  readonly lost?: Loss;
  /** 0 for the original, 1 for the first duplicate, ... */
  readonly copy: number;
  readonly corrupt?: "payload" | "checksum" | "shorter" | "longer";
  readonly forged?: "source" | "cookie" | "quote" | "error";
  /** It is advice (a redirect), not an answer. */
  readonly isAdvice?: boolean;
  /** A NAT left a quote that nobody can be recognised by. */
  readonly isUnrecognisable?: boolean;
}
