import { answersFor, isSameHost } from "../../packet/address.ts";
import { Icmpv4Type, Icmpv6Type } from "../../packet/icmp-types.ts";
import type { ClientCounters } from "../results/counters.ts";
import { decidesProbe } from "../results/verdicts.ts";
import { quotedPseudoSum } from "../transport/arrival.ts";
import type { EchoArrival, ErrorArrival, Transport } from "../transport/transport.ts";
import type { Flights } from "./flights.ts";
import type { EchoIdentity, PayloadMatch } from "./payload.ts";
import type { Probe } from "./probe-stream.ts";
import { type ChecksumJudgement, QuotedChecksums } from "./quoted-checksums.ts";

/** What a matcher counts of these. */
export type MatchCounters = Omit<ClientCounters, "malformed" | "receiveDrops">;

/** The probe that an answer belongs to. */
export interface Match {
  readonly probe: Probe;
  /** Whether the data that came back differ from those it carried. */
  readonly isAltered: boolean;
  /** Whether whoever sent it must have seen the probe, as far as that can be told. */
  readonly isVerified: boolean;
  /** Of an error whose quoted checksum was looked at: what it says. */
  readonly checksum: ChecksumJudgement | undefined;
}

/**
 * Tells which probe an answer belongs to.
 *
 * 1. An echo reply belongs to a probe if identifier and sequence agree, and the cookie does. Without a cookie it must
 *    come from the target (or the target is a group, whose members answer for themselves).
 * 2. An ICMP error belongs to a probe if it quotes its identifier, sequence and destination, and as much of the cookie
 *    as it quotes agrees. Errors that do not decide a probe ({@link decidesProbe}) are counted as advice.
 * 3. An error is verified if it quotes our cookie or our ICMP checksum, or a checksum that a NAT has changed which is
 *    known by it ({@link QuotedChecksums}). All else that it quotes may be guessed.
 */
export class Matcher {
  readonly #transport: Transport;
  readonly #flights: Flights;
  #foreign = 0;
  #corrupt = 0;
  #advice = 0;
  #unverified = 0;

  constructor(transport: Transport, flights: Flights) {
    this.#transport = transport;
    this.#flights = flights;
  }

  get counters(): MatchCounters {
    return {
      foreign: this.#foreign,
      corrupt: this.#corrupt,
      unverified: this.#unverified,
      advice: this.#advice,
    };
  }

  /** What a probe carries. */
  identity({ number, sequence }: Pick<Probe, "number" | "sequence">): EchoIdentity {
    const { family, identifier } = this.#transport;
    const type = family === 4 ? Icmpv4Type.EchoRequest : Icmpv6Type.EchoRequest;
    return { number, type, identifier, sequence };
  }

  /** The probe that is answered, or undefined when none is. */
  match(arrival: EchoArrival | ErrorArrival): Match | undefined {
    return arrival.kind === "echo" ? this.#matchEcho(arrival) : this.#matchError(arrival);
  }

  #matchEcho(arrival: EchoArrival): Match | undefined {
    const { icmp } = arrival;
    const probe = this.#probeOf(icmp.identifier, icmp.sequence);
    if (probe === undefined) {
      this.#foreign += 1;
      return undefined;
    }
    const { options } = probe.stream;
    const isFromTarget = answersFor(arrival.from, options.route.destination);
    if (!arrival.checksumValid) {
      // Any bit may be wrong, those of its identity included: it decides nothing.
      this.#corrupt += 1;
      if (isFromTarget) options.onCorrupt();
      return undefined;
    }
    const data = this.#compare(probe, icmp.data, false);
    if (data === "foreign" || !(isFromTarget || options.payload.hasCookie)) {
      this.#foreign += 1;
      if (isFromTarget && probe.state === "flying") this.#noteWrongData(probe, icmp.data);
      return undefined;
    }
    return { probe, isAltered: data === "altered", isVerified: true, checksum: undefined };
  }

  #matchError(arrival: ErrorArrival): Match | undefined {
    const { icmp, quote } = arrival;
    const probe = this.#probeOf(quote.identifier, quote.sequence);
    if (
      probe === undefined ||
      !isSameHost(quote.destination, probe.stream.options.route.destination) ||
      this.#compare(probe, quote.data, true) === "foreign"
    ) {
      this.#foreign += 1;
      return undefined;
    }
    if (!decidesProbe(this.#transport.family, icmp.type, icmp.code)) {
      this.#advice += 1;
      return undefined;
    }
    const isProven = probe.stream.options.payload.isProvenBy(quote.data);
    const checksum = isProven ? undefined : this.#judgeChecksum(probe, arrival);
    const isVerified = isProven || checksum?.isProven === true;
    if (!isVerified) this.#unverified += 1;
    return { probe, isAltered: false, isVerified, checksum };
  }

  #judgeChecksum(probe: Probe, arrival: ErrorArrival): ChecksumJudgement | undefined {
    const { stream } = probe;
    const { payload, route } = stream.options;
    const pseudoSum = quotedPseudoSum(arrival, route.destination, payload.length);
    if (pseudoSum === undefined) return undefined;
    const identity = this.identity(probe);
    const own = payload.checksumOf(identity, 0);
    const sent = pseudoSum === 0 ? own : payload.checksumOf(identity, pseudoSum);
    stream.quotedChecksums ??= new QuotedChecksums();
    return stream.quotedChecksums.judge({ quoted: arrival.quote.checksum, sent, own });
  }

  /** A host may send back less than it got, or zeros. Should nothing better come, the timeout says so. */
  #noteWrongData(probe: Probe, data: Uint8Array): void {
    const { payload } = probe.stream.options;
    probe.wrongData ??= {
      length: data.length,
      truncated: payload.isCut(data, this.identity(probe)),
    };
  }

  #probeOf(identifier: number | null, sequence: number | null): Probe | undefined {
    if (identifier !== this.#transport.identifier || sequence === null) return undefined;
    return this.#flights.find(sequence);
  }

  #compare(probe: Probe, data: Uint8Array, quoted: boolean): PayloadMatch {
    return probe.stream.options.payload.match(data, this.identity(probe), quoted);
  }
}
