import {
  type AddressStatistics,
  type EchoResult,
  EchoStatistics,
  isDecisive,
  type MtrHop,
  type StatisticsSnapshot,
} from "icmpx";
import { type IcmpErrorMark, icmpErrorMark } from "icmpx/format";
import { type ExtensionObject, escapeText } from "icmpx/packet";
import { RttHistory } from "./rtt-history.ts";

/** A hop remembers at most as many addresses, as the library does: memory stays bounded whoever answers. */
const MAX_ADDRESSES = 128;

/** Answers in a row from one address after which another one is a change of route, and not a balancer's choice. */
export const STEADY_AFTER = 10;

/** One address that answered at a hop. */
export class HopAddress {
  /** Canonical, and safe to print. */
  readonly addr: string;
  /** RFC 4884 objects of its last answer. */
  extensions: readonly ExtensionObject[] = [];
  /** What its last answer said, unless it was what a trace asks for. */
  note: IcmpErrorMark | undefined;
  /** How many of its answers anybody may have sent. */
  unverified = 0;
  /** TTL that its last answer arrived with, or null where the kernel does not tell. */
  replyTtl: number | null = null;
  readonly #statistics = new EchoStatistics();
  #figures: AddressStatistics | undefined;
  #hostname: string | null = null;
  #name: string | null = null;

  constructor(addr: string) {
    this.addr = escapeText(addr);
  }

  /** Its name, safe to print, or null while there is none. */
  get name(): string | null {
    return this.#name;
  }

  /** Its name as it came. */
  get hostname(): string | null {
    return this.#hostname;
  }

  set hostname(hostname: string | null) {
    if (hostname === this.#hostname) return;
    this.#hostname = hostname;
    this.#name = hostname === null ? null : escapeText(hostname);
  }

  /** Loss is not among them: a lost probe has no address. */
  get figures(): AddressStatistics {
    if (this.#figures === undefined) {
      const { sent, lost, loss, overflows, noRoom, inFlight, sendErrors, ...answers } =
        this.#statistics.snapshot();
      this.#figures = answers;
    }
    return this.#figures;
  }

  /** Records an answer that came from it. */
  record(result: EchoResult): void {
    this.#figures = undefined;
    this.#statistics.add(asAnswer(result));
    this.extensions = result.kind === "icmpError" ? result.icmpError.extensions : [];
    this.note = result.kind === "icmpError" ? icmpErrorMark(result) : undefined;
    if (result.kind === "icmpError" && result.unverified) this.unverified += 1;
    this.replyTtl = result.reply?.ttl ?? null;
  }
}

/** What is known of one hop of an mtr, over any number of runs. */
export class Hop {
  readonly ttl: number;
  readonly history: RttHistory = new RttHistory();
  /** Losses since the last answer. */
  lostInARow = 0;
  /** Probes that this host did not let out, as far as the kernel tells. Part of the loss. */
  localDrops = 0;
  /** The errno name of the last probe, if it could not be sent. */
  sendError: string | null = null;
  readonly #statistics = new EchoStatistics();
  readonly #addresses = new Map<string, HopAddress>();
  #last: HopAddress | null = null;
  #sameInARow = 0;
  #figures: StatisticsSnapshot | undefined;

  constructor(ttl: number) {
    this.ttl = ttl;
  }

  /** Loss and RTTs of all probes whose outcome is known. Any answer in time counts as received. */
  get figures(): StatisticsSnapshot {
    this.#figures ??= this.#statistics.snapshot();
    return this.#figures;
  }

  /** Who answered last, and so stands for the hop. */
  get last(): HopAddress | null {
    return this.#last;
  }

  /** Answers in a row from `last`. */
  get sameInARow(): number {
    return this.#sameInARow;
  }

  /** Everyone who answered, the first seen first. */
  get addresses(): readonly HopAddress[] {
    return [...this.#addresses.values()];
  }

  has(addr: string): boolean {
    return this.#addresses.has(addr);
  }

  /** Shows who seems to answer, before anything is decided. */
  foresee(addr: string): void {
    this.#last ??= this.#addressOf(addr) ?? null;
  }

  /** Records what became of a probe to this hop; late answers and duplicates, too. */
  record(result: EchoResult): void {
    this.#figures = undefined;
    this.#statistics.add(asAnswer(result));
    const address = result.reply === null ? undefined : this.#addressOf(result.reply.addr);
    address?.record(result);
    if (!isDecisive(result)) return;
    this.history.add(result.reply?.rtt ?? null);
    this.sendError = result.kind === "sendError" ? result.sendError.code : null;
    if (result.kind === "timeout" && result.departed === false) this.localDrops += 1;
    if (result.reply === null) {
      this.lostInARow += 1;
      return;
    }
    this.lostInARow = 0;
    if (address === undefined) return;
    this.#sameInARow = address === this.#last ? this.#sameInARow + 1 : 1;
    this.#last = address;
  }

  /** Records that nothing came of asking it, for what `result` says about the way there. */
  miss(result: EchoResult): void {
    this.#figures = undefined;
    this.#statistics.add(result);
    this.history.add(null);
    this.lostInARow += 1;
  }

  /** Names that have become known, by address. */
  learnNames(addresses: MtrHop["addresses"]): void {
    for (const { addr, hostname } of addresses) {
      const address = this.#addresses.get(addr);
      if (address !== undefined && hostname !== null) address.hostname = hostname;
    }
  }

  /** In the form of the library, whose formatters take it. Names are as they came. */
  toMtrHop(): MtrHop {
    return {
      ttl: this.ttl,
      addr: this.#last?.addr ?? null,
      hostname: this.#last?.hostname ?? null,
      statistics: this.figures,
      addresses: this.addresses.map(({ addr, hostname, figures, unverified, extensions }) => ({
        addr,
        hostname,
        statistics: figures,
        unverified,
        extensions,
      })),
    };
  }

  #addressOf(addr: string): HopAddress | undefined {
    let address = this.#addresses.get(addr);
    if (address === undefined && this.#addresses.size < MAX_ADDRESSES) {
      address = new HopAddress(addr);
      this.#addresses.set(addr, address);
    }
    return address;
  }
}

/**
 * A result as the figures of a hop take it. `EchoStatistics` judges a target, for which an ICMP error is a loss; a router
 * that answers "time exceeded" was asked for just that. That the answer of a farther hop came first is nothing unusual.
 */
export function asAnswer(result: EchoResult): EchoResult {
  if (result.kind !== "icmpError" && result.kind !== "reply") return result;
  const { target, request, reply, rtt, rttSource, late, duplicate, corrupt, moreDuplicates } =
    result;
  const verdict = { late, duplicate, corrupt, reordered: false, moreDuplicates };
  const truncated = result.kind === "reply" && result.truncated;
  return {
    kind: "reply",
    error: null,
    truncated,
    target,
    request,
    reply,
    rtt,
    rttSource,
    ...verdict,
  };
}
