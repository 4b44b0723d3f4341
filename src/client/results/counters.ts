/**
 * What arrived at a client's sockets and became no result, by the reason, since the client was
 * made.
 */
export interface ClientCounters {
  /** Answers that are not for this client, or that nobody who saw a probe can have sent. */
  readonly foreign: number;
  /** Packets that do not decode. */
  readonly malformed: number;
  /** Replies with a wrong ICMP checksum, which only raw IPv4 sockets are shown. */
  readonly corrupt: number;
  /** ICMP errors that quote a probe, but prove by nothing that their sender saw it. */
  readonly unverified: number;
  /**
   * Redirects, source quenches and the like that quote a probe (RFC 792, RFC 6633): they decide
   * nothing.
   */
  readonly advice: number;
  /** Packets that the kernel dropped because a receive queue was full (SO_MEMINFO, socket(7)). */
  readonly receiveDrops: number;
}

/** Nothing yet. */
export const NO_COUNTS: ClientCounters = {
  foreign: 0,
  malformed: 0,
  corrupt: 0,
  unverified: 0,
  advice: 0,
  receiveDrops: 0,
};

/** Both together. */
export function addCounters(a: ClientCounters, b: ClientCounters): ClientCounters {
  return {
    foreign: a.foreign + b.foreign,
    malformed: a.malformed + b.malformed,
    corrupt: a.corrupt + b.corrupt,
    unverified: a.unverified + b.unverified,
    advice: a.advice + b.advice,
    receiveDrops: a.receiveDrops + b.receiveDrops,
  };
}
