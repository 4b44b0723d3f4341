import { isSameHost } from "../../packet/address.ts";
import type { ClientCounters } from "../results/counters.ts";
import type { WrongData } from "../results/results.ts";
import { decidesProbe } from "../results/verdicts.ts";
import type { Reply } from "../transport/reply.ts";
import type {
  ErrorArrival,
  ProbeIdentity,
  QuotedProbe,
  Transport,
} from "../transport/transport.ts";
import type { Flow } from "./probe-stream.ts";
import type { Question } from "./question.ts";
import { type ChecksumJudgement, QuotedChecksums } from "./quoted-checksums.ts";
import { Phase, type Slots } from "./slots.ts";

/** What a matcher counts of these. */
export type MatchCounters = Omit<ClientCounters, "malformed" | "receiveDrops">;

/** The probe that an error is about. */
export interface ErrorMatch {
  readonly slot: number;
  /** Whether its sender must have seen the probe, as far as that can be told. */
  readonly isVerified: boolean;
  /** What the quoted checksum says, if it was looked at. */
  readonly checksum: ChecksumJudgement | undefined;
}

const NONE = -1;

/**
 * Tells which probe an answer belongs to.
 *
 * 1. A reply belongs to a probe if identifier and sequence agree, and the secret in its data does.
 *    Without one it must come from the target (or the target is a group, whose members answer for
 *    themselves).
 * 2. An ICMP error belongs to a probe if it quotes its identifier, sequence and destination, and as
 *    much of the secret as it quotes agrees. Errors that do not decide a probe ({@link
 *    decidesProbe}) are counted as advice.
 * 3. An error is verified if it quotes our secret or our ICMP checksum, or a checksum that a NAT
 *    has changed which is known by it ({@link QuotedChecksums}). All else that it quotes may be
 *    guessed.
 */
export class Matcher {
  /** Of the reply that was matched last: whether its data are not those that were sent. */
  isAltered = false;
  /** The first question of all: answers to any find their probes in the same way. */
  question: Question | undefined;
  readonly #transport: Transport;
  readonly #slots: Slots;
  /**
   * The first answers of targets that had other data, which may be forged, by slot: of probes that
   * fly.
   */
  readonly #wrongData = new Map<number, WrongData>();
  readonly #identity = { identifier: 0, sequence: 0, number: 0 };
  #foreign = 0;
  #corrupt = 0;
  #advice = 0;
  #unverified = 0;

  constructor(transport: Transport, slots: Slots) {
    this.#transport = transport;
    this.#slots = slots;
  }

  get counters(): MatchCounters {
    return {
      foreign: this.#foreign,
      corrupt: this.#corrupt,
      unverified: this.#unverified,
      advice: this.#advice,
    };
  }

  /** What distinguishes the probe in a slot. One object serves for all. */
  identity(slot: number): ProbeIdentity {
    const identity = this.#identity;
    identity.identifier = this.#transport.identifier;
    identity.sequence = this.#slots.sequence[slot] as number;
    identity.number = this.#slots.number[slot] as number;
    return identity;
  }

  /** The slot of the probe that is answered; -1 when none is. */
  matchReply(reply: Reply): number {
    const slots = this.#slots;
    const slot = this.#slotOf(reply);
    if (slot === NONE) {
      this.#foreign += 1;
      return NONE;
    }
    const { stream, question } = slots.flows[slot] as Flow;
    const isFromTarget = stream.mayAnswer(reply);
    if (!reply.hasRightChecksum) {
      // Any bit may be wrong, those of its identity included: it decides nothing.
      this.#corrupt += 1;
      if (isFromTarget) stream.options.onCorrupt?.();
      return NONE;
    }
    const likeness = question.isOurs(reply, this.identity(slot));
    if (likeness === "foreign" || !(isFromTarget || question.hasSecret)) {
      this.#foreign += 1;
      if (isFromTarget && slots.phase[slot] === Phase.Flying) this.#noteWrongData(slot, reply);
      return NONE;
    }
    this.isAltered = likeness === "altered";
    return slot;
  }

  /** The probe that an error is about, or undefined when there is none. */
  matchError(error: ErrorArrival): ErrorMatch | undefined {
    const { icmp, quote } = error;
    const slots = this.#slots;
    const { family } = this.#transport;
    const slot = this.#slotOf(quote);
    const flow = slot === NONE ? undefined : slots.flows[slot];
    const isToTarget =
      flow !== undefined && isSameHost(quote.destination, flow.stream.options.route.destination);
    const proof = isToTarget ? flow.question.isQuoted(quote, this.identity(slot)) : "foreign";
    if (flow === undefined || proof === "foreign") {
      this.#foreign += 1;
      return undefined;
    }
    if (!decidesProbe(family, icmp.type, icmp.code)) {
      this.#advice += 1;
      return undefined;
    }
    const checksum = proof === "proven" ? undefined : this.#judgeChecksum(slot, flow, error);
    const isVerified = proof === "proven" || checksum?.isProven === true;
    if (!isVerified) this.#unverified += 1;
    return { slot, isVerified, checksum };
  }

  /**
   * What the target answered with the wrong data, before the probe was decided; asked for and
   * forgotten.
   */
  takeWrongData(slot: number): WrongData | null {
    if (this.#wrongData.size === 0) return null;
    const wrongData = this.#wrongData.get(slot) ?? null;
    this.#wrongData.delete(slot);
    return wrongData;
  }

  #slotOf(answer: Reply | QuotedProbe): number {
    const sequence = this.question?.keyOf(answer, this.#transport.identifier) ?? NONE;
    return sequence === NONE ? NONE : this.#slots.find(sequence);
  }

  #judgeChecksum(slot: number, flow: Flow, error: ErrorArrival): ChecksumJudgement | undefined {
    const { stream, question } = flow;
    const { destination } = stream.options.route;
    const checksums = question.checksums(error, destination, this.identity(slot));
    if (checksums === undefined) return undefined;
    stream.quotedChecksums ??= new QuotedChecksums();
    return stream.quotedChecksums.judge({ quoted: error.quote.checksum, ...checksums });
  }

  /**
   * A host may send back less than it got, or zeros. Should nothing better come, the timeout says
   * so.
   */
  #noteWrongData(slot: number, reply: Reply): void {
    if (this.#wrongData.has(slot)) return;
    const { question } = this.#slots.flows[slot] as Flow;
    const truncated = question.isCut(reply, this.identity(slot));
    this.#wrongData.set(slot, { length: reply.dataLength, truncated });
  }
}
