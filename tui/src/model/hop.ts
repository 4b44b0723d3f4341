import {
  type AddressStatistics,
  type EchoResult,
  isDecisive,
  type MtrAddress,
  type MtrHop,
  type StatisticsSnapshot,
} from "icmpx";
import { type IcmpErrorMark, icmpErrorMark } from "icmpx/format";
import { type ExtensionObject, escapeText } from "icmpx/packet";
import { decidedOnly, NO_FIGURES } from "./figures.ts";
import { RttHistory } from "./rtt-history.ts";

/**
 * A hop remembers this many addresses at most, as the library does: memory stays bounded whatever
 * answers.
 */
const MAX_ADDRESSES = 128;

/**
 * Answers in a row from one address after which another one is a change of route, and not a
 * balancer's choice.
 */
export const STEADY_AFTER = 10;

/** One address that answered at a hop. */
export class HopAddress {
  /** Canonical, and safe to print. */
  readonly addr: string;
  /** What its last answer said, unless it was what a trace asks for. */
  note: IcmpErrorMark | undefined;
  /** TTL that its last answer arrived with, or null where the kernel does not tell. */
  replyTtl: number | null = null;
  #measured: Pick<MtrAddress, "statistics" | "extensions" | "unverified"> = NOTHING_SAID;
  #hostname: string | null = null;
  #name: string | null = null;

  constructor(addr: string) {
    this.addr = escapeText(addr);
  }

  /** Its name, safe to print, or null while there is none. */
  get name(): string | null {
    return this.#name;
  }

  /** Loss is not among them: a lost probe has no address. */
  get figures(): AddressStatistics {
    return this.#measured.statistics;
  }

  /** RFC 4884 objects of its last answer. */
  get extensions(): readonly ExtensionObject[] {
    return this.#measured.extensions;
  }

  /** How many of its answers anybody may have sent. */
  get unverified(): number {
    return this.#measured.unverified;
  }

  /** Takes what the library has measured. A name stays known when the library has forgotten it. */
  show(measured: MtrAddress): void {
    this.#measured = measured;
    const { hostname } = measured;
    if (hostname === null || hostname === this.#hostname) return;
    this.#hostname = hostname;
    this.#name = escapeText(hostname);
  }

  /** In the form of the library, whose formatters take it. The name is as it came. */
  toMtrAddress(): MtrAddress {
    return { ...this.#measured, addr: this.addr, hostname: this.#hostname };
  }
}

const NOTHING_SAID: Pick<MtrAddress, "statistics" | "extensions" | "unverified"> = {
  statistics: NO_FIGURES,
  extensions: [],
  unverified: 0,
};

/**
 * What is known of one hop of an mtr: what the library measures, and what the screen shows besides.
 */
export class Hop {
  readonly ttl: number;
  readonly history: RttHistory = new RttHistory();
  /** Losses since the last answer. */
  lostInARow = 0;
  /** Probes that this host did not let out, as far as the kernel tells. Part of the loss. */
  localDrops = 0;
  /** The errno name of the last probe, if it could not be sent. */
  sendError: string | null = null;
  readonly #addresses = new Map<string, HopAddress>();
  #last: HopAddress | null = null;
  #sameInARow = 0;
  #figures = NO_FIGURES;
  /** Rounds that ended before this hop. */
  #missed = 0;

  constructor(ttl: number) {
    this.ttl = ttl;
  }

  /** Loss and RTTs of all probes whose outcome is known. Any answer in time counts as received. */
  get figures(): StatisticsSnapshot {
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

  /** Takes what the library has measured. */
  show({ statistics, addresses }: MtrHop): this {
    this.#figures = withMisses(decidedOnly(statistics), this.#missed);
    for (const address of addresses) this.#addressOf(address.addr)?.show(address);
    return this;
  }

  /** Shows who seems to answer, before anything is decided. */
  foresee(addr: string): void {
    this.#last ??= this.#addressOf(addr) ?? null;
  }

  /** Notes what became of a probe to this hop; late answers and duplicates, too. */
  record(result: EchoResult): void {
    const address = result.reply === null ? undefined : this.#addressOf(result.reply.addr);
    if (address !== undefined) {
      address.note = result.kind === "icmpError" ? icmpErrorMark(result) : undefined;
      address.replyTtl = result.reply?.ttl ?? null;
    }
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

  /** Counts a round that ended before this hop as a loss: the library asked nobody here. */
  miss(): void {
    this.#missed += 1;
    this.history.add(null);
    this.lostInARow += 1;
  }

  /** In the form of the library, whose formatters take it. Names are as they came. */
  toMtrHop(): MtrHop {
    const last = this.#last?.toMtrAddress();
    return {
      ttl: this.ttl,
      addr: last?.addr ?? null,
      hostname: last?.hostname ?? null,
      statistics: this.figures,
      addresses: this.addresses.map((address) => address.toMtrAddress()),
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

/** Figures with so many losses more, each told by an ICMP error. */
function withMisses(figures: StatisticsSnapshot, missed: number): StatisticsSnapshot {
  if (missed === 0) return figures;
  const lost = figures.lost + missed;
  const sent = figures.sent + missed;
  const unknown = figures.overflows + figures.noRoom;
  const loss = (lost - unknown) / (sent - unknown);
  return { ...figures, sent, lost, loss, errors: figures.errors + missed };
}
