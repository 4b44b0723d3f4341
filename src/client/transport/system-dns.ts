import {
  type AddressLookup,
  type LookupAnswer,
  openAddressLookups,
  type StartLookup,
} from "../../ffi/address-lookup.ts";
import type { DnsBackend, ResolverClock } from "../names/resolver.ts";
import { NS_PER_MS, sleepUntil } from "../time/clock.ts";

/**
 * The pause between two looks at a lookup: an eighth of the time it has taken, within these bounds.
 */
const SHORTEST_PAUSE_NS = 1 * NS_PER_MS;
const LONGEST_PAUSE_NS = 20 * NS_PER_MS;
/** The same for one that nobody waits for. */
const REAP_PAUSE_NS = 1000 * NS_PER_MS;

/** What {@link SystemDns} is made of. */
export interface SystemDnsParts {
  /** Its timers hold the process: somebody waits. */
  readonly clock: ResolverClock;
  /** Its timers do not. */
  readonly idleClock: ResolverClock;
  readonly reverse: DnsBackend["reverse"];
  readonly openLookups?: () => StartLookup | undefined;
}

/**
 * The names of this system.
 *
 * Addresses of names come from getaddrinfo(3), with all that the system knows (nsswitch.conf(5)).
 * Nothing can end one that waits for a dead name server, so it runs on a thread of libc, and this
 * looks every few milliseconds whether it is done. Once nobody waits, it no longer holds the
 * process. Where libc has no such threads (musl, glibc before 2.34), Bun looks names up, and the
 * process ends only when all name servers have timed out.
 */
export class SystemDns implements DnsBackend {
  readonly reverse: DnsBackend["reverse"];
  readonly #parts: SystemDnsParts;
  #start: StartLookup | undefined;
  #isOpen = false;

  constructor(parts: SystemDnsParts) {
    this.#parts = parts;
    this.reverse = parts.reverse;
  }

  async lookup(
    host: string,
    family: 0 | 4 | 6,
    signal: AbortSignal = new AbortController().signal,
  ): ReturnType<DnsBackend["lookup"]> {
    const lookup = this.#begin(host, family);
    // Loaded when it is needed: it takes a tenth of the time that importing the library takes.
    if (lookup === undefined)
      return (await import("node:dns/promises")).lookup(host, {
        all: true,
        family,
        order: "verbatim",
      });
    const answer = await this.#answerOf(lookup, signal);
    if ("addresses" in answer)
      return answer.addresses.map((address) => ({
        address,
        family: address.includes(":") ? 6 : 4,
      }));
    throw Object.assign(new Error(`getaddrinfo() failed: ${answer.code}`), { code: answer.code });
  }

  #begin(host: string, family: 0 | 4 | 6): AddressLookup | undefined {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#start = (this.#parts.openLookups ?? openAddressLookups)();
    }
    return this.#start?.(host, family);
  }

  async #answerOf(lookup: AddressLookup, signal: AbortSignal): Promise<LookupAnswer> {
    const { clock } = this.#parts;
    const startNs = clock.monotonicNs();
    for (;;) {
      const answer = lookup.poll();
      if (answer !== undefined) return answer;
      if (signal.aborted) {
        this.#reap(lookup);
        throw signal.reason;
      }
      const nowNs = clock.monotonicNs();
      const pauseNs = Math.max((nowNs - startNs) / 8, SHORTEST_PAUSE_NS);
      await sleepUntil(clock, nowNs + Math.min(pauseNs, LONGEST_PAUSE_NS), signal);
    }
  }

  /** Lets libc have its memory back once it is done. */
  #reap(lookup: AddressLookup): void {
    this.#parts.idleClock.schedule(REAP_PAUSE_NS, () => {
      if (lookup.poll() === undefined) this.#reap(lookup);
    });
  }
}
